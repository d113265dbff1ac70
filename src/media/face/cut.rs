use ffmpeg_next::{Packet, codec, decoder, format::Pixel, frame};

use super::{
    super::{
        Picture, Transfer, Turn, YuvToRgb, ffi,
        frame::{colour_numbers, layout},
        thumbnail::srgb,
    },
    FaceError, FaceFrame,
    area::{Crop, Samples, squared},
    square::check_side,
};

/// Cuts the square in the middle out of what a camera gives and scales it.
#[derive(Default)]
pub struct FaceCutter {
    /// Opened by the first JPEG.
    jpeg: Option<decoder::Video>,
}

impl FaceCutter {
    /// A camera's picture as a face of `side` pixels.
    ///
    /// # Errors
    /// If the bytes are not the picture that they claim to be.
    pub fn cut(&mut self, picture: &CameraPicture, side: usize) -> Result<FaceFrame, FaceError> {
        check_side(side)?;
        let CameraPicture { width, height, layout, ref bytes } = *picture;
        check_size(width, height)?;
        if layout == CameraLayout::Mjpeg {
            return self.cut_jpeg(bytes, side);
        }
        let square = Square::in_middle((width, height), 1.0)?;
        let luma = Samples { bytes, first: 0, step: 1, stride: width, bits: 8 };
        match layout {
            CameraLayout::Yuyv => {
                let stride = width.div_ceil(2) * 4;
                let chroma = |first: usize| scaled(&Samples { first, step: 4, stride, ..luma }, square.shared([1, 0]), side / 2);
                let bright = scaled(&Samples { step: 2, stride, ..luma }, square.0, side)?;
                Ok(FaceFrame::of_planes(side, bright, [&chroma(1)?, &chroma(3)?]))
            }
            CameraLayout::Nv12 => {
                let (stride, below) = (width.div_ceil(2) * 2, width * height);
                let chroma =
                    |first: usize| scaled(&Samples { first: below + first, step: 2, stride, ..luma }, square.shared([1, 1]), side / 2);
                Ok(FaceFrame::of_planes(side, scaled(&luma, square.0, side)?, [&chroma(0)?, &chroma(1)?]))
            }
            CameraLayout::Rgb24 | CameraLayout::Bgr24 => {
                let channel = |first: usize| scaled(&Samples { first, step: 3, stride: width * 3, ..luma }, square.0, side);
                let [red, blue] = if layout == CameraLayout::Rgb24 { [0, 2] } else { [2, 0] };
                Ok(FaceFrame::of_rgb(side, [&channel(red)?, &channel(1)?, &channel(blue)?]))
            }
            CameraLayout::Grey | CameraLayout::Mjpeg => {
                // Cameras of one colour use all codes.
                let grey = scaled(&luma, square.0, side)?;
                Ok(FaceFrame::of_rgb(side, [&grey, &grey, &grey]))
            }
        }
    }

    /// A film's picture as a face: what stands in the middle of the screen.
    ///
    /// # Errors
    /// If it is too small.
    pub fn cut_film(&mut self, picture: &Picture, side: usize) -> Result<FaceFrame, FaceError> {
        check_side(side)?;
        let (width, height) = picture.size();
        let shown = if picture.turn.is_sideways() { 1.0 / picture.aspect } else { picture.aspect };
        let square = Square::in_middle((width, height), f64::from(shown) * height as f64 / width as f64)?;
        let shift = picture.chroma_shift;
        let plane = |index: usize| {
            let plane = picture.plane(index);
            let (step, bits) = if plane.is_wide { (2, picture.bits) } else { (1, 8) };
            let crop = if index == 0 { square.0 } else { square.shared(shift) };
            scaled(&Samples { bytes: plane.bytes, first: 0, step, stride: plane.stride, bits }, crop, side)
        };
        let planes = [plane(0)?, plane(1)?, plane(2)?];
        // A code of more bits was brought to eight, so what all codes mean stays.
        let is_plain = picture.light.transfer == Transfer::Standard;
        let [red, green, blue] = to_rgb(&planes, &picture.to_rgb, |rgb| if is_plain { rgb } else { picture.light.of(rgb).map(srgb) });
        let turned = |plane: Vec<u8>| turned(plane, side, picture.turn);
        Ok(FaceFrame::of_rgb(side, [&turned(red), &turned(green), &turned(blue)]))
    }

    fn cut_jpeg(&mut self, bytes: &[u8], side: usize) -> Result<FaceFrame, FaceError> {
        if bytes.is_empty() || bytes.len() > JPEG_BYTES_MAX {
            return Err(FaceError::Refused("a JPEG that is empty or too large"));
        }
        let mut decoder = match self.jpeg.take() {
            Some(decoder) => decoder,
            None => open_jpeg()?,
        };
        let mut frame = frame::Video::empty();
        let decoded = decoder.send_packet(&Packet::copy(bytes)).and_then(|()| decoder.receive_frame(&mut frame));
        // After an error it is opened anew, so that nothing is left inside.
        decoded?;
        self.jpeg = Some(decoder);
        cut_frame(&frame, side)
    }
}

impl std::fmt::Debug for FaceCutter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaceCutter").field("has_jpeg", &self.jpeg.is_some()).finish()
    }
}

fn open_jpeg() -> Result<decoder::Video, FaceError> {
    ffi::prepare();
    let codec = decoder::find_by_name("mjpeg").ok_or_else(|| FaceError::Codec("no decoder for JPEG".to_owned()))?;
    let mut context = codec::Context::new_with_codec(codec);
    ffi::set_threads_and_limits(&mut context, 1, PIXELS_MAX);
    Ok(context.decoder().open_as(codec)?.video()?)
}

/// A decoded JPEG, in whichever of its colour layouts.
fn cut_frame(frame: &frame::Video, side: usize) -> Result<FaceFrame, FaceError> {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    check_size(width, height)?;
    let square = Square::in_middle((width, height), 1.0)?;
    if !ffi::rows_ascend(frame) {
        return Err(FaceError::Refused("a JPEG that stands upside down"));
    }
    let samples = |index: usize, bits: u32| Samples {
        bytes: frame.data(index),
        first: 0,
        step: if bits > 8 { 2 } else { 1 },
        stride: frame.stride(index),
        bits,
    };
    let Some(layout) = layout(frame.format()).filter(|_| frame.planes() >= 3) else {
        if frame.format() != Pixel::GRAY8 || frame.planes() == 0 {
            return Err(FaceError::Refused("a JPEG in colours that cameras do not use"));
        }
        let grey = scaled(&samples(0, 8), square.0, side)?;
        return Ok(FaceFrame::of_rgb(side, [&grey, &grey, &grey]));
    };
    let shift = [layout.shift_x, layout.shift_y];
    let plane = |index: usize, side: usize| {
        let crop = if index == 0 { square.0 } else { square.shared(shift) };
        scaled(&samples(index, layout.bits), crop, side)
    };
    if layout.is_rgb {
        let [green, blue, red] = [plane(0, side)?, plane(1, side)?, plane(2, side)?];
        return Ok(FaceFrame::of_rgb(side, [&red, &green, &blue]));
    }
    let [mut bright, mut blue, mut red] = [plane(0, side)?, plane(1, side / 2)?, plane(2, side / 2)?];
    if layout.is_jpeg || colour_numbers(frame).is_full_range() {
        // JPEG uses all codes.
        bright.iter_mut().for_each(|code| *code = 16 + (u32::from(*code) * 219 + 127).div_euclid(255) as u8);
        let chroma = |code: u8| (128 + ((i32::from(code) - 128) * 224 + 127).div_euclid(255)).clamp(16, 240) as u8;
        blue.iter_mut().chain(&mut red).for_each(|code| *code = chroma(*code));
    }
    Ok(FaceFrame::of_planes(side, bright, [&blue, &red]))
}

/// The square in the middle, on whole samples of chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Square(Crop);

impl Square {
    /// In a picture whose pixels are `pixel_aspect` times as wide as high.
    fn in_middle((width, height): (usize, usize), pixel_aspect: f64) -> Result<Self, FaceError> {
        let aspect = if pixel_aspect.is_finite() { pixel_aspect.clamp(0.1, 10.0) } else { 1.0 };
        let wide = ((height as f64 / aspect).round() as usize).clamp(1, width);
        let high = ((wide as f64 * aspect).round() as usize).clamp(1, height);
        let [wide, high] = [wide, high].map(|length| length / SHARED * SHARED);
        if wide == 0 || high == 0 {
            return Err(FaceError::Refused("a picture of hardly a pixel"));
        }
        let middle = |all: usize, part: usize| (all - part) / 2 / SHARED * SHARED;
        Ok(Self(Crop { x: middle(width, wide), y: middle(height, high), width: wide, height: high }))
    }

    /// In samples that so many pixels share, across and down, as powers of two.
    fn shared(self, [across, down]: [u32; 2]) -> Crop {
        let Crop { x, y, width, height } = self.0;
        Crop { x: x >> across, y: y >> down, width: (width >> across).max(1), height: (height >> down).max(1) }
    }
}

fn scaled(samples: &Samples<'_>, crop: Crop, side: usize) -> Result<Vec<u8>, FaceError> {
    squared(samples, crop, side).ok_or(FaceError::Refused("a picture with fewer bytes than its size needs"))
}

fn check_size(width: usize, height: usize) -> Result<(), FaceError> {
    let is_fit = width.min(height) >= SIDE_MIN && width.max(height) <= SIDE_MAX;
    if is_fit { Ok(()) } else { Err(FaceError::Refused("a camera's picture of a size that is not allowed")) }
}

fn to_rgb(planes: &[Vec<u8>; 3], matrix: &YuvToRgb, shown: impl Fn([f64; 3]) -> [f64; 3]) -> [Vec<u8>; 3] {
    let mut rgb = [const { Vec::new() }; 3];
    for ((&luma, &blue), &red) in planes[0].iter().zip(&planes[1]).zip(&planes[2]) {
        let light = shown(matrix.apply([luma, blue, red].map(|code| f64::from(code) / 255.0)));
        rgb.iter_mut().zip(light).for_each(|(plane, light)| plane.push((light * 255.0).round() as u8));
    }
    rgb
}

fn turned(plane: Vec<u8>, side: usize, turn: Turn) -> Vec<u8> {
    if turn == Turn::NONE {
        return plane;
    }
    let place = |index: usize| (index as f32 + 0.5) / side as f32;
    let coded =
        |index: usize| turn.coded([place(index % side), place(index / side)]).map(|place| ((place * side as f32) as usize).min(side - 1));
    (0..side * side).map(coded).map(|[x, y]| plane[y * side + x]).collect()
}

/// One picture as a camera gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraPicture {
    /// Pixels across, as the camera says.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// What the bytes are.
    pub layout: CameraLayout,
    /// Rows from the top without gaps, or a JPEG.
    pub bytes: Vec<u8>,
}

/// What a camera's bytes are. Planes of codes are BT.601 in limited range, as cameras have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameraLayout {
    /// 4:2:2: luma, Cb, luma, Cr.
    Yuyv,
    /// A JPEG each.
    Mjpeg,
    /// 4:2:0: a plane of luma, then Cb and Cr in turn.
    Nv12,
    /// Red, green, blue.
    Rgb24,
    /// Blue, green, red.
    Bgr24,
    /// Light alone.
    Grey,
}

/// 4K and a little, either way up.
const SIDE_MAX: usize = 4352;
const SIDE_MIN: usize = 16;
const PIXELS_MAX: i64 = 4352 * 4352;
/// A 4K picture of the best quality has some 6 MB.
const JPEG_BYTES_MAX: usize = 16 << 20;
/// As many pixels as ever share a sample of chroma.
const SHARED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_stands_in_the_middle_on_whole_samples() {
        let middle = |size, aspect| Square::in_middle(size, aspect).unwrap().0;
        assert_eq!(middle((640, 480), 1.0), Crop { x: 80, y: 0, width: 480, height: 480 });
        assert_eq!(middle((481, 641), 1.0), Crop { x: 0, y: 80, width: 480, height: 480 });
        // Pixels twice as wide as high.
        assert_eq!(middle((720, 576), 2.0), Crop { x: 216, y: 0, width: 288, height: 576 });
        assert_eq!(middle((720, 576), f64::NAN).width, 576);
        assert!(Square::in_middle((3, 900), 1.0).is_err());
    }
}
