//! What a decoded frame says of itself: how its samples lie in memory, what light they mean, which way up it is to be shown.

#![expect(unsafe_code, reason = "these calls read plain fields of C structures that the safe wrappers own")]

use ffmpeg_next::{
    codec::packet::side_data::Type as OfPackets,
    ffi,
    format::{Pixel, stream::Stream},
    frame::{self, side_data::Type as OfFrames},
};

use super::colour::{Light, Matrix, PEAK_UNSAID_NITS, Primaries, Transfer};

/// How the samples of a format lie in memory; `None` unless they are three planes of whole bytes, least significant first, that can be shown as they are.
pub(super) fn layout(format: Pixel) -> Option<Layout> {
    // SAFETY: takes a number and returns a pointer to a static table or null.
    let descriptor = unsafe { ffi::av_pix_fmt_desc_get(format.into()).as_ref() }?;
    let flags = descriptor.flags as i64;
    let has = |flag: i32| flags & i64::from(flag) != 0;
    let is_foreign = [
        ffi::AV_PIX_FMT_FLAG_PAL,
        ffi::AV_PIX_FMT_FLAG_BITSTREAM,
        ffi::AV_PIX_FMT_FLAG_HWACCEL,
        ffi::AV_PIX_FMT_FLAG_BAYER,
        ffi::AV_PIX_FMT_FLAG_FLOAT,
    ];
    if is_foreign.into_iter().any(has) || !has(ffi::AV_PIX_FMT_FLAG_PLANAR) || descriptor.nb_components < 3 {
        return None;
    }
    let bits = descriptor.comp[0].depth;
    let sample_bytes = if bits == 8 { 1 } else { 2 };
    let is_big_endian = has(ffi::AV_PIX_FMT_FLAG_BE) && sample_bytes > 1;
    let is_rgb = has(ffi::AV_PIX_FMT_FLAG_RGB);
    // Green, blue, red, which H.273 calls luma, Cb and Cr of the identity matrix.
    let planes = if is_rgb { [2, 0, 1] } else { [0, 1, 2] };
    let is_plain = descriptor.comp[..3]
        .iter()
        .zip(planes)
        .all(|(comp, plane)| comp.plane == plane && comp.step == sample_bytes && comp.offset == 0 && comp.shift == 0 && comp.depth == bits);
    let layout = Layout {
        bits: u32::try_from(bits).ok()?,
        shift_x: descriptor.log2_chroma_w.into(),
        shift_y: descriptor.log2_chroma_h.into(),
        is_rgb,
        is_jpeg: matches!(format, Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P | Pixel::YUVJ411P),
    };
    (is_plain && !is_big_endian && (8..=16).contains(&bits) && cfg!(target_endian = "little")).then_some(layout)
}

/// The format with a layout of its own that loses least of another one.
pub(super) fn nearest_with_layout(format: Pixel) -> Pixel {
    // SAFETY: takes a number and returns a pointer to a static table or null.
    let Some(descriptor) = (unsafe { ffi::av_pix_fmt_desc_get(format.into()).as_ref() }) else { return Pixel::YUV420P };
    let flags = descriptor.flags as i64;
    let has = |flag: i32| flags & i64::from(flag) != 0;
    let depth = descriptor.comp.iter().take(descriptor.nb_components.into()).map(|comp| comp.depth).max().unwrap_or(8);
    let one_of = |choice: [Pixel; 4]| choice[usize::from(depth > 8) + usize::from(depth > 10) + usize::from(depth > 12)];
    let is_rgb = [ffi::AV_PIX_FMT_FLAG_RGB, ffi::AV_PIX_FMT_FLAG_PAL, ffi::AV_PIX_FMT_FLAG_BAYER].into_iter().any(has);
    let is_grey = descriptor.nb_components < 3;
    match (descriptor.log2_chroma_w, descriptor.log2_chroma_h) {
        _ if is_rgb => one_of([Pixel::GBRP, Pixel::GBRP10LE, Pixel::GBRP12LE, Pixel::GBRP16LE]),
        (1, 0) => one_of([Pixel::YUV422P, Pixel::YUV422P10LE, Pixel::YUV422P12LE, Pixel::YUV422P16LE]),
        (0, 0) if !is_grey => one_of([Pixel::YUV444P, Pixel::YUV444P10LE, Pixel::YUV444P12LE, Pixel::YUV444P16LE]),
        _ => one_of([Pixel::YUV420P, Pixel::YUV420P10LE, Pixel::YUV420P12LE, Pixel::YUV420P16LE]),
    }
}

/// Whether the format is red, green and blue.
pub(super) fn is_rgb(format: Pixel) -> bool {
    layout(nearest_with_layout(format)).is_some_and(|layout| layout.is_rgb)
}

/// How samples lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Significant bits of a sample; 8 stand in one byte, more in two.
    pub(super) bits: u32,
    /// How far chroma is shifted right and down.
    pub(super) shift_x: u32,
    pub(super) shift_y: u32,
    /// Whether the planes are green, blue and red.
    pub(super) is_rgb: bool,
    /// Whether the format itself says that all codes are used.
    pub(super) is_jpeg: bool,
}

/// What a frame says of its colours, as H.273 numbers. A file can put any number there, so they are not read as enums.
pub(super) fn colour_numbers(frame: &frame::Video) -> ColourNumbers {
    // SAFETY: `frame` owns the structure and is borrowed; the fields are C enums of the size of an `int`.
    unsafe {
        let frame = frame.as_ptr();
        ColourNumbers {
            matrix: (&raw const (*frame).colorspace).cast::<i32>().read(),
            range: (&raw const (*frame).color_range).cast::<i32>().read(),
            transfer: (&raw const (*frame).color_trc).cast::<i32>().read(),
            primaries: (&raw const (*frame).color_primaries).cast::<i32>().read(),
            chroma_place: (&raw const (*frame).chroma_location).cast::<i32>().read(),
        }
    }
}

/// `MatrixCoefficients`, `VideoFullRangeFlag` + 1, `TransferCharacteristics`, `ColourPrimaries` and `ChromaSampleLocType` + 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColourNumbers {
    pub(super) matrix: i32,
    pub(super) range: i32,
    pub(super) transfer: i32,
    pub(super) primaries: i32,
    pub(super) chroma_place: i32,
}

impl ColourNumbers {
    pub(super) fn matrix(&self, height: u32) -> Matrix {
        match self.matrix {
            1 => Matrix::Bt709,
            4 => Matrix::Fcc,
            5 | 6 => Matrix::Bt601,
            7 => Matrix::Smpte240,
            8 => Matrix::YCgCo,
            9 | 10 => Matrix::Bt2020,
            _ if self.transfer().is_high() => Matrix::Bt2020,
            _ => Matrix::assumed_for(height),
        }
    }

    pub(super) const fn transfer(&self) -> Transfer {
        match self.transfer {
            16 => Transfer::Pq,
            18 => Transfer::Hlg,
            _ => Transfer::Standard,
        }
    }

    pub(super) const fn is_full_range(&self) -> bool {
        self.range == 2
    }

    fn primaries(&self) -> Primaries {
        match self.primaries {
            5 => Primaries::Bt601Of625,
            6 | 7 => Primaries::Bt601Of525,
            9 => Primaries::Bt2020,
            11 => Primaries::DciP3,
            12 => Primaries::DisplayP3,
            // High dynamic range comes in wide colours, and so does what has their matrix.
            2 | 0 if self.transfer().is_high() || self.matrix == 9 => Primaries::Bt2020,
            _ => Primaries::Bt709,
        }
    }

    /// From R′, G′, B′ to light; the stream's own word on its brightest light counts where the frame says nothing.
    pub(super) fn light(&self, frame: &frame::Video, stream_peak_nits: Option<f64>) -> Light {
        let transfer = self.transfer();
        let peak_nits = match transfer {
            Transfer::Standard => PEAK_UNSAID_NITS,
            Transfer::Pq => frame_peak_nits(frame).or(stream_peak_nits).unwrap_or(PEAK_UNSAID_NITS),
            // The display that hybrid log-gamma is made for.
            Transfer::Hlg => 1000.0,
        };
        Light::new(transfer, self.primaries(), peak_nits)
    }
}

/// Where chroma stands in luma pixels beyond the middle of those it belongs to, to the left and upwards.
pub(super) const fn chroma_offset(layout: Layout, place: i32) -> [f32; 2] {
    // Left, centre, top left, top, bottom left, bottom; nearly all films that say nothing mean the first, still pictures the second.
    let (is_left, is_top, is_bottom) = match place {
        1 => (true, false, false),
        2 => (false, false, false),
        3 => (true, true, false),
        4 => (false, true, false),
        5 => (true, false, true),
        6 => (false, false, true),
        _ => (!layout.is_jpeg, false, false),
    };
    let x = if is_left && layout.shift_x > 0 { (1 << layout.shift_x) as f32 / 2.0 - 0.5 } else { 0.0 };
    let y = if layout.shift_y > 0 { (1 << layout.shift_y) as f32 / 2.0 - 0.5 } else { 0.0 };
    [
        x,
        if is_top {
            y
        } else if is_bottom {
            -y
        } else {
            0.0
        },
    ]
}

/// The brightest light that the frame's own metadata tell of.
fn frame_peak_nits(frame: &frame::Video) -> Option<f64> {
    let data = |kind| frame.side_data(kind);
    let content = data(OfFrames::ContentLightLevel).and_then(|data| content_peak(data.data()));
    content.or_else(|| data(OfFrames::MasteringDisplayMetadata).and_then(|data| mastering_peak(data.data())))
}

/// The brightest light that the container tells of.
pub(super) fn stream_peak_nits(stream: &Stream<'_>) -> Option<f64> {
    let found = |wanted| stream.side_data().find(|data| data.kind() == wanted);
    let content = found(OfPackets::ContentLightLevel).and_then(|data| content_peak(data.data()));
    content.or_else(|| found(OfPackets::MasteringDisplayMetadata).and_then(|data| mastering_peak(data.data())))
}

/// `AVContentLightMetadata`: the first number is `MaxCLL`.
fn content_peak(data: &[u8]) -> Option<f64> {
    number(data, 0).map(f64::from).filter(|&nits| nits > 0.0)
}

/// `AVMasteringDisplayMetadata`: nine fractions, of which the last is the brightest light, and two flags.
fn mastering_peak(data: &[u8]) -> Option<f64> {
    let [above, below, is_said] = [number(data, 18)?, number(data, 19)?, number(data, 21)?];
    let nits = f64::from(above) / f64::from(below);
    (is_said != 0 && below > 0 && nits > 0.0).then_some(nits)
}

fn number(data: &[u8], index: usize) -> Option<i32> {
    data.get(index * 4..index * 4 + 4)?.try_into().ok().map(i32::from_ne_bytes)
}

/// How a picture is turned before it is shown: factors that take a place on the screen (to the right, down) to one in the coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn(pub [[i8; 2]; 2]);

impl Turn {
    /// Shown as it is coded.
    pub const NONE: Self = Self([[1, 0], [0, 1]]);

    /// Whether width and height change places.
    #[must_use]
    pub const fn is_sideways(self) -> bool {
        self.0[0][0] == 0
    }

    /// Where a place on the screen, in parts of its width and height, lies in the coded picture.
    #[must_use]
    pub fn coded(self, [x, y]: [f32; 2]) -> [f32; 2] {
        self.0.map(|[across, down]| f32::from(across) * (x - 0.5) + f32::from(down) * (y - 0.5) + 0.5)
    }

    /// Where a place in the coded picture is on the screen: the other way round.
    pub(super) fn shown(self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [[a, b], [c, d]] = self.0.map(|row| row.map(f32::from));
        [a * (x - 0.5) + c * (y - 0.5) + 0.5, b * (x - 0.5) + d * (y - 0.5) + 0.5]
    }

    /// Of a display matrix (nine fixed-point numbers, of which the first, second, fourth and fifth turn); the nearest quarter.
    fn of_matrix(data: &[u8]) -> Option<Self> {
        let [a, b, c, d] = [number(data, 0)?, number(data, 1)?, number(data, 3)?, number(data, 4)?].map(i64::from);
        let sign = |value: i64| if value < 0 { -1 } else { 1 };
        if a.abs() + d.abs() >= b.abs() + c.abs() {
            return (a != 0 && d != 0).then(|| Self([[sign(a), 0], [0, sign(d)]]));
        }
        (b != 0 && c != 0).then(|| Self([[0, sign(b)], [sign(c), 0]]))
    }
}

/// What the frame says of how it is turned.
pub(super) fn frame_turn(frame: &frame::Video) -> Option<Turn> {
    frame.side_data(OfFrames::DisplayMatrix).and_then(|data| Turn::of_matrix(data.data()))
}

/// What the container says of how its pictures are turned.
pub(super) fn stream_turn(stream: &Stream<'_>) -> Option<Turn> {
    stream.side_data().find(|data| data.kind() == OfPackets::DisplayMatrix).and_then(|data| Turn::of_matrix(data.data()))
}

/// A frame of the same format, size and properties, whose samples are not set yet.
pub(super) fn like(frame: &frame::Video) -> Option<frame::Video> {
    let mut new = frame::Video::new(frame.format(), frame.width(), frame.height());
    // SAFETY: both own their structures.
    let copied = unsafe { ffi::av_frame_copy_props(new.as_mut_ptr(), frame.as_ptr()) };
    (copied >= 0 && new.planes() >= 3).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
        [a, b, 0, c, d, 0, 0, 0, 1 << 30].into_iter().flat_map(i32::to_ne_bytes).collect()
    }

    #[test]
    fn display_matrices_become_the_nearest_quarter_turn() {
        const ONE: i32 = 1 << 16;
        assert_eq!(Turn::of_matrix(&matrix(ONE, 0, 0, ONE)), Some(Turn::NONE));
        // A quarter clockwise: what is on the screen's upper left was coded at the lower left.
        let quarter = Turn::of_matrix(&matrix(0, ONE, -ONE, 0)).unwrap();
        assert_eq!((quarter.coded([0.0, 0.0]), quarter.coded([1.0, 0.0])), ([0.0, 1.0], [0.0, 0.0]));
        assert!(quarter.is_sideways());
        assert_eq!(quarter.shown(quarter.coded([0.25, 0.75])), [0.25, 0.75]);
        let nearly = Turn::of_matrix(&matrix(-ONE, 300, -300, -ONE)).unwrap();
        assert_eq!(nearly.coded([0.1, 0.2]), [0.9, 0.8]);
        assert_eq!(Turn::of_matrix(&matrix(-ONE, 0, 0, ONE)).unwrap().coded([0.0, 0.0]), [1.0, 0.0], "a mirror");
        for damaged in [&matrix(0, 0, 0, 0)[..], &[1, 2, 3], &matrix(i32::MIN, i32::MIN, 0, 0)] {
            assert_eq!(Turn::of_matrix(damaged), None);
        }
    }

    #[test]
    fn planes_that_can_be_shown_as_they_are() {
        let deep = layout(Pixel::YUV420P10LE).unwrap();
        assert_eq!((deep.bits, deep.shift_x, deep.shift_y, deep.is_rgb), (10, 1, 1, false));
        assert!(layout(Pixel::GBRP).unwrap().is_rgb && layout(Pixel::YUVA444P).is_some());
        for other in
            [Pixel::NV12, Pixel::YUV420P10BE, Pixel::P010LE, Pixel::RGB24, Pixel::GRAY8, Pixel::PAL8, Pixel::GBRPF32LE, Pixel::None]
        {
            assert_eq!(layout(other), None, "{other:?}");
            assert!(layout(nearest_with_layout(other)).is_some(), "{other:?}");
        }
        assert_eq!(nearest_with_layout(Pixel::P010LE), Pixel::YUV420P10LE);
        assert_eq!(nearest_with_layout(Pixel::RGB48BE), Pixel::GBRP16LE);
    }

    #[test]
    fn chroma_stands_where_it_is_said_to() {
        let [quarter, half] = [Pixel::YUV420P, Pixel::YUV422P].map(|format| layout(format).unwrap());
        let places = [0, 1, 2, 3, 4, 5, 6].map(|place| chroma_offset(quarter, place));
        assert_eq!(places, [[0.5, 0.0], [0.5, 0.0], [0.0, 0.0], [0.5, 0.5], [0.0, 0.5], [0.5, -0.5], [0.0, -0.5]]);
        assert_eq!(chroma_offset(half, 3), [0.5, 0.0]);
        assert_eq!(chroma_offset(layout(Pixel::YUVJ420P).unwrap(), 0), [0.0, 0.0]);
    }

    #[test]
    fn the_brightest_light_is_read_from_metadata() {
        let content: Vec<u8> = [800_i32, 100].into_iter().flat_map(i32::to_ne_bytes).collect();
        assert_eq!(content_peak(&content), Some(800.0));
        let mut mastering = [0_i32; 22];
        (mastering[18], mastering[19], mastering[21]) = (10_000_000, 10_000, 1);
        let bytes = |numbers: [i32; 22]| numbers.into_iter().flat_map(i32::to_ne_bytes).collect::<Vec<u8>>();
        assert_eq!(mastering_peak(&bytes(mastering)), Some(1000.0));
        mastering[19] = 0;
        assert_eq!(mastering_peak(&bytes(mastering)), None);
        assert_eq!(mastering_peak(&[0; 4]), None);
    }
}
