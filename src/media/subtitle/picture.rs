/// Drawn subtitles: only the part of the film's picture that they cover.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubtitlePicture {
    /// Width and height of the film's picture, in the pixels of this one.
    pub frame: (u32, u32),
    /// Left edge in the film's picture.
    pub x: i32,
    /// Upper edge in the film's picture; the lower one may be beneath it.
    pub y: i32,
    /// Pixels in a row; 0 if there is nothing to see.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green, blue, alpha for each pixel from the upper left: sRGB codes, multiplied by alpha.
    pub rgba: Vec<u8>,
}

impl SubtitlePicture {
    /// Nothing to see.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.width == 0
    }

    /// A clear picture of a part of the film's, `None` if the part is empty or beyond reason.
    pub(super) fn clear(frame: (u32, u32), (left, top, right, bottom): (i32, i32, i32, i32)) -> Option<Self> {
        let side = |low: i32, high: i32| u32::try_from(i64::from(high) - i64::from(low)).ok().filter(|side| (1..=MAX_SIDE).contains(side));
        let (width, height) = (side(left, right)?, side(top, bottom)?);
        Some(Self { frame, x: left, y: top, width, height, rgba: vec![0; width as usize * height as usize * 4] })
    }

    /// Lays a stencil of coverage over what is there, in one colour (red, green, blue, alpha). What is outside of the picture is left out.
    pub(super) fn lay(&mut self, (x, y): (i32, i32), (width, height, stride): (usize, usize, usize), coverage: &[u8], colour: [u8; 4]) {
        let left = i64::from(x) - i64::from(self.x);
        let top = i64::from(y) - i64::from(self.y);
        let first = usize::try_from(-left).unwrap_or(0);
        for row in 0..height {
            let Some(line) = usize::try_from(top + row as i64).ok().filter(|line| *line < self.height as usize) else { continue };
            let Some(codes) = coverage.get(row * stride..row * stride + width) else { return };
            let start = usize::try_from(left.max(0)).unwrap_or(usize::MAX);
            let Some(room) = (self.width as usize).checked_sub(start) else { return };
            let at = (line * self.width as usize + start) * 4;
            let Some(to) = self.rgba.get_mut(at..at + room * 4) else { return };
            for (pixel, code) in to.chunks_exact_mut(4).zip(codes.iter().skip(first)) {
                if *code > 0 {
                    over(pixel, colour, *code);
                }
            }
        }
    }
}

/// One pixel of a colour over another one, both kept multiplied by alpha.
fn over(pixel: &mut [u8], [red, green, blue, alpha]: [u8; 4], coverage: u8) {
    let alpha = part(alpha.into(), coverage.into());
    for (code, new) in pixel.iter_mut().zip([red, green, blue, 255]) {
        let sum = part(new.into(), alpha) + part((*code).into(), 255 - alpha);
        *code = u8::try_from(sum).unwrap_or(u8::MAX);
    }
}

/// `a × b ÷ 255`, rounded.
const fn part(a: u32, b: u32) -> u32 {
    (a * b + 127) / 255
}

/// No screen has more.
pub(super) const MAX_SIDE: u32 = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_lie_over_each_other_and_stay_inside() {
        let mut picture = SubtitlePicture::clear((100, 50), (10, 10, 14, 12)).unwrap();
        picture.lay((9, 9), (3, 3, 4), &[255; 11], [200, 100, 0, 255]);
        assert_eq!(picture.rgba[..12], [200, 100, 0, 255, 200, 100, 0, 255, 0, 0, 0, 0]);
        picture.lay((10, 10), (1, 1, 1), &[128], [0, 0, 255, 255]);
        assert_eq!(picture.rgba[..4], [100, 50, 128, 255]);
        // Rows and columns beyond the picture, and a stencil shorter than it says.
        picture.lay((-5, -5), (100, 100, 100), &[255; 10_000], [0, 0, 0, 0]);
        picture.lay((13, 11), (9, 9, 9), &[255; 20], [9, 9, 9, 255]);
        assert_eq!(picture.rgba[28..], [9, 9, 9, 255]);
    }

    #[test]
    fn an_empty_or_huge_part_is_none() {
        assert!(SubtitlePicture::clear((9, 9), (5, 5, 5, 9)).is_none());
        assert!(SubtitlePicture::clear((9, 9), (i32::MIN, 0, i32::MAX, 9)).is_none());
    }
}
