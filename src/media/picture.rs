use ffmpeg_next::{format::Pixel, frame};

use super::{ColourRange, Matrix, YuvToRgb, ZONES, ffi, light};

/// A decoded picture: three planes of 8-bit codes, luma first, and how they become colours. Cheap to move, never copied.
pub struct Picture {
    frame: frame::Video,
    sizes: [(usize, usize); 3],
    /// When it is due, in nanoseconds of film time.
    pub film_ns: i64,
    /// How long it stands, in nanoseconds; a guess where the file does not say.
    pub duration_ns: i64,
    /// From codes to colours.
    pub to_rgb: YuvToRgb,
    /// Whether chroma stands above the left one of two luma pixels (true for nearly all 4:2:0 films) and not between them.
    pub chroma_left: bool,
    /// Width over height of the picture as it is to be shown.
    pub aspect: f32,
    /// Mean light of six zones, linear RGB; see [`ZONES`].
    pub zones: [[f32; 3]; ZONES],
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("film_ns", &self.film_ns).field("sizes", &self.sizes).finish_non_exhaustive()
    }
}

/// One plane of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// Rows from the top; the last one may end at its last pixel.
    pub bytes: &'a [u8],
    /// From one row to the next.
    pub stride: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Plane<'_> {
    /// The code at a place inside the plane; beyond it, the nearest inside.
    pub(super) fn at(&self, x: usize, y: usize) -> u8 {
        let (x, y) = (x.min(self.width.saturating_sub(1)), y.min(self.height.saturating_sub(1)));
        self.bytes.get(y * self.stride + x).copied().unwrap_or(0)
    }
}

impl Picture {
    /// Wraps a frame of three ascending 8-bit planes; `None` if it is something else.
    pub(super) fn new(frame: frame::Video, film_ns: i64, duration_ns: i64, container_aspect: f64) -> Option<Self> {
        let (shift_x, shift_y) = subsampling(frame.format())?;
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        if width == 0 || height == 0 || width.max(height) > MAX_SIDE || !ffi::rows_ascend(&frame) {
            return None;
        }
        let chroma = (width.div_ceil(1 << shift_x), height.div_ceil(1 << shift_y));
        let (matrix, range, chroma_place) = ffi::colour_numbers(&frame);
        let matrix = match matrix {
            1 => Matrix::Bt709,
            5 | 6 => Matrix::Bt601,
            9 => Matrix::Bt2020,
            _ => Matrix::assumed_for(frame.height()),
        };
        let is_full = range == FULL_RANGE || is_jpeg(frame.format());
        let to_rgb = YuvToRgb::new(matrix, if is_full { ColourRange::Full } else { ColourRange::Limited });
        let is_between = match chroma_place {
            CHROMA_UNSAID => is_jpeg(frame.format()),
            place => matches!(place, CHROMA_CENTRE | CHROMA_TOP | CHROMA_BOTTOM),
        };
        let chroma_left = shift_x == 1 && !is_between;
        let said = [container_aspect, f64::from(frame.aspect_ratio())];
        let pixel_aspect = said.into_iter().find(|aspect| (0.1..10.0).contains(aspect)).unwrap_or(1.0);
        let aspect = (width as f64 / height as f64 * pixel_aspect) as f32;
        let mut picture = Self {
            frame,
            sizes: [(width, height), chroma, chroma],
            film_ns,
            duration_ns,
            to_rgb,
            chroma_left,
            aspect,
            zones: [[0.0; 3]; ZONES],
        };
        if (0..3).any(|index| picture.plane(index).bytes.is_empty()) {
            return None;
        }
        picture.zones = light::zones(&[0, 1, 2].map(|index| picture.plane(index)), &picture.to_rgb);
        Some(picture)
    }

    /// A plane: 0 luma, 1 Cb, 2 Cr.
    ///
    /// # Panics
    /// If `index` is above 2.
    #[must_use]
    pub fn plane(&self, index: usize) -> Plane<'_> {
        let (width, height) = self.sizes[index];
        let stride = self.frame.stride(index);
        let bytes = self.frame.data(index);
        let needed = stride * (height - 1) + width;
        Plane { bytes: bytes.get(..needed).unwrap_or_default(), stride, width, height }
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(&self) -> (usize, usize) {
        self.sizes[0]
    }
}

/// Whether the format's planes are shown as they are, and how far chroma is shifted right and down.
pub(super) const fn subsampling(format: Pixel) -> Option<(u32, u32)> {
    match format {
        Pixel::YUV420P | Pixel::YUVJ420P => Some((1, 1)),
        Pixel::YUV422P | Pixel::YUVJ422P => Some((1, 0)),
        Pixel::YUV444P | Pixel::YUVJ444P => Some((0, 0)),
        _ => None,
    }
}

const fn is_jpeg(format: Pixel) -> bool {
    matches!(format, Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P)
}

/// `AVCOL_RANGE_JPEG`; and places of `AVChromaLocation`.
const FULL_RANGE: i32 = 2;
const CHROMA_UNSAID: i32 = 0;
const CHROMA_CENTRE: i32 = 2;
const CHROMA_TOP: i32 = 4;
const CHROMA_BOTTOM: i32 = 6;
/// What every graphics adapter takes as a texture (WebGPU's limit).
pub(super) const MAX_SIDE: usize = 8192;
