use super::{
    FaceError,
    area::{Crop, Samples, squared},
};

/// A square picture in planar 4:2:0 with the colours of BT.601 in limited range, as the encoder takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaceFrame {
    side: usize,
    /// Luma, then Cb and Cr at half the side, without gaps.
    codes: Vec<u8>,
}

impl FaceFrame {
    /// From three planes, the latter two of half the side.
    pub(super) fn of_planes(side: usize, luma: Vec<u8>, chroma: [&[u8]; 2]) -> Self {
        let mut codes = luma;
        chroma.into_iter().for_each(|plane| codes.extend_from_slice(plane));
        debug_assert!(side.is_multiple_of(2) && codes.len() == side * side * 3 / 2, "{side}: {} codes", codes.len());
        Self { side, codes }
    }

    /// From R′, G′, B′ planes of the full side.
    pub(super) fn of_rgb(side: usize, [red, green, blue]: [&[u8]; 3]) -> Self {
        let half = side / 2;
        let mut codes = Vec::with_capacity(side * side * 3 / 2);
        codes.extend(red.iter().zip(green).zip(blue).map(|((&red, &green), &blue)| luma(red.into(), green.into(), blue.into())));
        for chroma in [blue_difference, red_difference] {
            for y in 0..half {
                for x in 0..half {
                    let at = y * 2 * side + x * 2;
                    let mean = |plane: &[u8]| (0..4).map(|corner| i32::from(plane[at + corner % 2 + corner / 2 * side])).sum::<i32>();
                    codes.push(chroma(mean(red), mean(green), mean(blue)));
                }
            }
        }
        Self { side, codes }
    }

    /// Pixels across and down.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// Luma, Cb or Cr, and how many bytes a row takes.
    pub(super) fn plane(&self, index: usize) -> (&[u8], usize) {
        let (whole, half) = (self.side * self.side, self.side / 2);
        match index {
            0 => (&self.codes[..whole], self.side),
            1 => (&self.codes[whole..whole + half * half], half),
            _ => (&self.codes[whole + half * half..], half),
        }
    }

    /// The same face in another size, for those who see it from afar.
    ///
    /// # Errors
    /// If the side is odd or beyond what faces may be.
    pub fn resized(&self, side: usize) -> Result<Self, FaceError> {
        check_side(side)?;
        if side == self.side {
            return Ok(self.clone());
        }
        let scaled = |index: usize, to: usize| {
            let (bytes, stride) = self.plane(index);
            let samples = Samples { bytes, first: 0, step: 1, stride, bits: 8 };
            squared(&samples, Crop { x: 0, y: 0, width: stride, height: stride }, to).ok_or(FaceError::Refused("an empty picture"))
        };
        Ok(Self::of_planes(side, scaled(0, side)?, [&scaled(1, side / 2)?, &scaled(2, side / 2)?]))
    }

    /// As the theater shows it; `captured_ms` goes along.
    #[must_use]
    pub fn picture(&self, captured_ms: u32) -> FacePicture {
        FacePicture { side: self.side, captured_ms, rgba: rgba(self.side, [0, 1, 2].map(|index| self.plane(index))) }
    }
}

/// A face as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacePicture {
    /// Pixels across and down.
    pub side: usize,
    /// When it was taken, in milliseconds of its camera's clock.
    pub captured_ms: u32,
    /// Four bytes a pixel, row by row from the top: sRGB and 255.
    pub rgba: Vec<u8>,
}

impl FacePicture {
    /// As in a mirror, which is how people know themselves.
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        for row in self.rgba.chunks_mut(self.side * 4) {
            let half = row.len() / 8 * 4;
            let middle = row.len() - half;
            let (left, right) = row.split_at_mut(middle);
            left[..half].chunks_mut(4).zip(right.rchunks_mut(4)).for_each(|(left, right)| left.swap_with_slice(right));
        }
        self
    }

    /// How bright a pixel is, 0–255; beyond the picture, black.
    #[must_use]
    pub fn brightness(&self, x: usize, y: usize) -> u8 {
        let pixel = |channel: usize| self.rgba.get((y * self.side + x) * 4 + channel).copied().map_or(0, u32::from);
        if x < self.side { ((pixel(0) * 54 + pixel(1) * 183 + pixel(2) * 19) >> 8) as u8 } else { 0 }
    }
}

/// RGBA of three planes, each with its stride; rows must be whole.
pub(super) fn rgba(side: usize, planes: [(&[u8], usize); 3]) -> Vec<u8> {
    // Written in place: seven faces fifteen times a second are felt on a small machine.
    let mut rgba = vec![255; side * side * 4];
    let [luma, blue, red] = planes;
    for (y, out) in rgba.chunks_exact_mut(side * 4).enumerate() {
        let row = &luma.0[y * luma.1..][..side];
        let [blue, red] = [blue, red].map(|(bytes, stride)| &bytes[y / 2 * stride..][..side / 2]);
        // At this size two by two pixels may share their colour.
        for (((out, pair), &blue), &red) in out.chunks_exact_mut(8).zip(row.chunks_exact(2)).zip(blue).zip(red) {
            let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
            let differences = [409 * red, -100 * blue - 208 * red, 516 * blue];
            for (out, &code) in out.chunks_exact_mut(4).zip(pair) {
                let bright = 298 * (i32::from(code) - 16) + 128;
                for (out, difference) in out.iter_mut().zip(differences) {
                    *out = ((bright + difference) >> 8).clamp(0, 255) as u8;
                }
            }
        }
    }
    rgba
}

/// Even, and within what faces may be.
pub(super) fn check_side(side: usize) -> Result<(), FaceError> {
    let is_fit = side.is_multiple_of(2) && (super::FACE_SIDE_MIN..=super::FACE_SIDE_MAX).contains(&side);
    if is_fit { Ok(()) } else { Err(FaceError::Refused("a face of a size that is not allowed")) }
}

fn luma(red: i32, green: i32, blue: i32) -> u8 {
    (((66 * red + 129 * green + 25 * blue + 128) >> 8) + 16) as u8
}

/// Of sums of four pixels.
fn blue_difference(red: i32, green: i32, blue: i32) -> u8 {
    (((-38 * red - 74 * green + 112 * blue + 512) >> 10) + 128) as u8
}

fn red_difference(red: i32, green: i32, blue: i32) -> u8 {
    (((112 * red - 94 * green - 18 * blue + 512) >> 10) + 128) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back_as_they_went() {
        for colour in [[255, 255, 255], [0, 0, 0], [200, 30, 60], [20, 220, 90], [40, 60, 230], [128, 128, 128]] {
            let planes = colour.map(|level: u8| vec![level; 32 * 32]);
            let picture = FaceFrame::of_rgb(32, [&planes[0], &planes[1], &planes[2]]).picture(7);
            assert_eq!((picture.side, picture.captured_ms, picture.rgba.len()), (32, 7, 32 * 32 * 4));
            for pixel in picture.rgba.chunks(4) {
                let worst = colour.iter().zip(pixel).map(|(&was, &is)| was.abs_diff(is)).max();
                assert!(worst <= Some(3) && pixel[3] == 255, "{colour:?} became {pixel:?}");
            }
        }
    }

    #[test]
    fn a_mirror_changes_sides_only() {
        for side in [3, 4] {
            let rgba: Vec<u8> = (0..side * side).flat_map(|pixel| [(pixel % side) as u8, (pixel / side) as u8, 9, 255]).collect();
            let picture = FacePicture { side, captured_ms: 0, rgba };
            let mirrored = picture.clone().mirrored();
            for (index, pixel) in mirrored.rgba.chunks(4).enumerate() {
                assert_eq!(pixel, [(side - 1 - index % side) as u8, (index / side) as u8, 9, 255]);
            }
            assert_eq!(mirrored.mirrored(), picture);
        }
    }

    #[test]
    fn a_face_becomes_smaller_and_no_size_is_odd_or_beyond() {
        let planes = [vec![90_u8; 192 * 192], vec![10; 192 * 192], vec![200; 192 * 192]];
        let frame = FaceFrame::of_rgb(192, [&planes[0], &planes[1], &planes[2]]);
        let far = frame.resized(96).unwrap();
        assert_eq!((far.side(), far.plane(0).0.len(), far.plane(2).0.len()), (96, 96 * 96, 48 * 48));
        assert_eq!((far.plane(0).0[5], far.plane(1).0[5]), (frame.plane(0).0[5], frame.plane(1).0[5]));
        assert_eq!(frame.resized(192).unwrap(), frame);
        assert!([0, 30, 97, 258, 16_384].into_iter().all(|side| frame.resized(side).is_err()));
    }
}
