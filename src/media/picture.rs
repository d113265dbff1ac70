use ffmpeg_next::frame as av;

use super::{
    ColourRange, Light, Matrix, Turn, YuvToRgb, ZONES, ffi,
    frame::{self, Layout},
    levels::{self, Level},
    light,
    video::Raw,
};

/// A decoded picture: three planes of codes, luma first (or green, blue, red), and how they become light. Cheap to move, never copied.
pub struct Picture {
    frame: av::Video,
    sizes: [(usize, usize); 3],
    levels: [Vec<Level>; 3],
    /// When it is due, in nanoseconds of film time.
    pub film_ns: i64,
    /// How long it stands, in nanoseconds; a guess where the file does not say.
    pub duration_ns: i64,
    /// Whether it is a first glance at the neighbourhood of a place, shown until the exact picture comes.
    pub is_glance: bool,
    /// Bits of a code: 8 in one byte, more in two.
    pub bits: u32,
    /// From codes to R′, G′, B′.
    pub to_rgb: YuvToRgb,
    /// From R′, G′, B′ to light.
    pub light: Light,
    /// How many luma pixels share one of chroma, across and down, as powers of two.
    pub chroma_shift: [u32; 2],
    /// How far chroma stands from the middle of the luma pixels that share it, to the left and upwards, in luma pixels.
    pub chroma_offset: [f32; 2],
    /// How it is turned before it is shown.
    pub turn: Turn,
    /// Width over height of the picture as it is to be shown.
    pub aspect: f32,
    /// Mean light of six zones of the screen, linear RGB; see [`ZONES`].
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
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Whether a code takes two bytes, the lesser first.
    pub is_wide: bool,
}

impl Plane<'_> {
    /// The code at a place inside the plane; beyond it, the nearest inside.
    pub(super) fn at(&self, x: usize, y: usize) -> u16 {
        let (x, y) = (x.min(self.width.saturating_sub(1)), y.min(self.height.saturating_sub(1)));
        let byte = |index: usize| self.bytes.get(index).copied().unwrap_or(0);
        if self.is_wide {
            u16::from_le_bytes([byte(y * self.stride + x * 2), byte(y * self.stride + x * 2 + 1)])
        } else {
            byte(y * self.stride + x).into()
        }
    }
}

impl Picture {
    /// Wraps a frame whose planes can be shown as they are; `None` if it is something else.
    pub(super) fn new(raw: Raw, said: &Said) -> Option<Self> {
        let Raw { frame, film_ns, duration_ns } = raw;
        let layout = frame::layout(frame.format())?;
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        if width == 0 || height == 0 || width.max(height) > MAX_SIDE || !ffi::rows_ascend(&frame) || frame.planes() < 3 {
            return None;
        }
        let Layout { bits, shift_x, shift_y, is_rgb, is_jpeg } = layout;
        let chroma = (width.div_ceil(1 << shift_x), height.div_ceil(1 << shift_y));
        let numbers = frame::colour_numbers(&frame);
        let matrix = if is_rgb { Matrix::Identity } else { numbers.matrix(frame.height()) };
        // RGB uses all codes unless it says otherwise.
        let is_full = numbers.is_full_range() || is_jpeg || is_rgb && numbers.range != 1;
        let turn = frame::frame_turn(&frame).unwrap_or(said.turn);
        let aspects = [said.pixel_aspect, f64::from(frame.aspect_ratio())];
        let pixel_aspect = aspects.into_iter().find(|aspect| (0.1..10.0).contains(aspect)).unwrap_or(1.0);
        let coded_aspect = (width as f64 / height as f64 * pixel_aspect) as f32;
        let light = numbers.light(&frame, said.peak_nits);
        let mut picture = Self {
            sizes: [(width, height), chroma, chroma],
            levels: [const { Vec::new() }; 3],
            film_ns,
            duration_ns,
            is_glance: false,
            bits,
            to_rgb: YuvToRgb::new(matrix, if is_full { ColourRange::Full } else { ColourRange::Limited }, bits),
            light,
            chroma_shift: [shift_x, shift_y],
            chroma_offset: frame::chroma_offset(layout, numbers.chroma_place),
            turn,
            aspect: if turn.is_sideways() { 1.0 / coded_aspect } else { coded_aspect },
            zones: [[0.0; 3]; ZONES],
            frame,
        };
        if (0..3).any(|index| picture.plane(index).bytes.is_empty()) {
            return None;
        }
        picture.zones = light::zones(&picture);
        let count = levels::count(width, height);
        picture.levels = [0, 1, 2].map(|index| levels::of(&picture.plane(index), count));
        Some(picture)
    }

    /// A plane: 0 luma, 1 Cb, 2 Cr; or 0 green, 1 blue, 2 red.
    ///
    /// # Panics
    /// If `index` is above 2.
    #[must_use]
    pub fn plane(&self, index: usize) -> Plane<'_> {
        let (width, height) = self.sizes[index];
        let is_wide = self.bits > 8;
        let stride = self.frame.stride(index);
        let bytes = self.frame.data(index);
        let needed = stride * (height - 1) + if is_wide { width * 2 } else { width };
        Plane { bytes: bytes.get(..needed).unwrap_or_default(), stride, width, height, is_wide }
    }

    /// What it takes of memory, smaller copies included.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let planes = (0..3).flat_map(|index| (0..self.levels()).map(move |level| (index, level)));
        planes.map(|(index, level)| self.plane_of_level(index, level)).map(|plane| plane.bytes.len()).sum()
    }

    /// How many times it is there: as it is, half as wide and high, a quarter, and so on.
    #[must_use]
    pub const fn levels(&self) -> usize {
        1 + self.levels[0].len()
    }

    /// A plane as it is (level 0) or smaller.
    ///
    /// # Panics
    /// If `index` is above 2 or there is no such level.
    #[must_use]
    pub fn plane_of_level(&self, index: usize, level: usize) -> Plane<'_> {
        level.checked_sub(1).map_or_else(|| self.plane(index), |smaller| self.levels[index][smaller].plane())
    }

    /// Coded width and height in pixels.
    #[must_use]
    pub const fn size(&self) -> (usize, usize) {
        self.sizes[0]
    }
}

/// What the container says of all pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// Width of a pixel over its height; 0 if it does not say.
    pub(super) pixel_aspect: f64,
    pub(super) turn: Turn,
    /// The brightest light, in candela per square metre.
    pub(super) peak_nits: Option<f64>,
}

/// What every graphics adapter takes as a texture (WebGPU's limit).
pub(super) const MAX_SIDE: usize = 8192;
