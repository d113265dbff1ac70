//! libass, made safe: a script with its own library, fonts and renderer, and the few functions of it that are needed.

#![expect(unsafe_code, reason = "libass is a C library, and the crates for it cannot hold a script and draw it again")]

use std::{
    ffi::{CString, c_char, c_double, c_int, c_longlong, c_uchar, c_void},
    ptr::NonNull,
};

use super::{
    SubtitleFont,
    picture::{MAX_SIDE, SubtitlePicture},
};

/// Lines of text that are drawn as their styles say.
pub(super) struct Script {
    library: NonNull<c_void>,
    renderer: NonNull<c_void>,
    track: NonNull<c_void>,
    frame: (u32, u32),
}

// SAFETY: libass binds nothing to a thread; the three objects belong to this one and are only used through `&mut self`.
unsafe impl Send for Script {}

impl Script {
    /// A script without lines. `header` has its styles and size, in `fonts` are those that the film brings along.
    pub(super) fn new<'a>(fonts: impl Iterator<Item = &'a SubtitleFont>, header: &[u8], is_plain: bool) -> Option<Self> {
        // SAFETY: the objects are made one from the other, checked, and freed by `Drop` or here; strings end with a zero; buffers are given with their
        // lengths and are copied.
        unsafe {
            let library = NonNull::new(ass_library_init())?;
            ass_set_message_cb(library.as_ptr(), keep_silent, std::ptr::null_mut());
            ass_set_extract_fonts(library.as_ptr(), 1);
            for font in fonts {
                if let (Ok(name), Ok(size)) = (CString::new(font.name.replace('\0', "")), c_int::try_from(font.bytes.len())) {
                    ass_add_font(library.as_ptr(), name.as_ptr(), font.bytes.as_ptr().cast(), size);
                }
            }
            let Some(track) = NonNull::new(ass_new_track(library.as_ptr())) else {
                ass_library_done(library.as_ptr());
                return None;
            };
            // Fonts inside the header must be known before the renderer looks for fonts.
            if let Ok(size) = c_int::try_from(header.len()) {
                let mut header = header.to_vec();
                ass_process_codec_private(track.as_ptr(), header.as_mut_ptr().cast(), size);
            }
            ass_set_check_readorder(track.as_ptr(), 0);
            if is_plain {
                ass_track_set_feature(track.as_ptr(), INCOMPATIBLE_EXTENSIONS, 1);
            }
            let Some(renderer) = NonNull::new(ass_renderer_init(library.as_ptr())) else {
                ass_free_track(track.as_ptr());
                ass_library_done(library.as_ptr());
                return None;
            };
            ass_set_cache_limits(renderer.as_ptr(), GLYPHS_CACHED, BITMAP_CACHE_MB);
            ass_set_fonts(renderer.as_ptr(), std::ptr::null(), FAMILY.as_ptr(), FIND_FONTS, std::ptr::null(), 1);
            ass_set_selective_style_override_enabled(renderer.as_ptr(), SCALE_DIALOGUE_ONLY);
            Some(Self { library, renderer, track, frame: (0, 0) })
        }
    }

    /// For which picture and how the lines are laid out.
    pub(super) fn lay_out(&mut self, layout: &Layout) {
        let int = |side: u32| c_int::try_from(side.min(MAX_SIDE)).unwrap_or(0);
        let (width, height) = layout.frame;
        // Below the picture, lines may use the band beneath it.
        let is_below = layout.lift < 0.0;
        let whole = f64::from(height + layout.band).max(1.0);
        let position = if is_below { (1.0 + layout.lift).max(0.0) * f64::from(layout.band) / whole } else { layout.lift };
        self.frame = layout.frame;
        // SAFETY: the renderer is alive; all arguments are numbers in sensible ranges.
        unsafe {
            let renderer = self.renderer.as_ptr();
            ass_set_frame_size(renderer, int(width), int(height + layout.band));
            ass_set_margins(renderer, 0, int(layout.band), 0, 0);
            ass_set_use_margins(renderer, c_int::from(is_below));
            ass_set_storage_size(renderer, int(layout.video.0), int(layout.video.1));
            ass_set_font_scale(renderer, layout.scale.clamp(0.1, 10.0));
            ass_set_line_position(renderer, (position * 100.0).clamp(0.0, 100.0));
        }
    }

    /// Adds a line: all fields of an event behind its number.
    pub(super) fn add(&mut self, order: i32, text: &str, start_ms: i64, duration_ms: i64) {
        let mut event = format!("{order},{text}").into_bytes();
        let Ok(size) = c_int::try_from(event.len()) else { return };
        // SAFETY: the track is alive; the buffer is given with its length and is copied.
        unsafe { ass_process_chunk(self.track.as_ptr(), event.as_mut_ptr().cast(), size, start_ms, duration_ms) };
    }

    /// Forgets all lines.
    pub(super) fn clear(&mut self) {
        // SAFETY: the track is alive, and nothing of it is borrowed.
        unsafe { ass_flush_events(self.track.as_ptr()) };
    }

    /// The lines of a time; `None` if it looks as it did last time, unless `afresh`.
    pub(super) fn draw(&mut self, ms: i64, afresh: bool) -> Option<SubtitlePicture> {
        let mut change: c_int = 0;
        // SAFETY: renderer and track are alive and belong to the same library.
        let first = unsafe { ass_render_frame(self.renderer.as_ptr(), self.track.as_ptr(), ms, &raw mut change) };
        if change == 0 && !afresh {
            return None;
        }
        let mut images = Vec::new();
        let mut next = first;
        // SAFETY: libass gives a list of images that ends with null and lives until the next frame is drawn.
        while let Some(image) = unsafe { next.as_ref() } {
            next = image.next;
            if image.w > 0 && image.h > 0 && !image.bitmap.is_null() && images.len() < IMAGES_MAX {
                images.push(image);
            }
        }
        let edge = |of: fn(&Image) -> i32, pick: fn(i32, i32) -> i32| images.iter().map(|image| of(image)).reduce(pick).unwrap_or(0);
        let left = edge(|image| image.dst_x, i32::min);
        let top = edge(|image| image.dst_y, i32::min);
        let right = edge(|image| image.dst_x.saturating_add(image.w), i32::max);
        let bottom = edge(|image| image.dst_y.saturating_add(image.h), i32::max);
        let nothing = SubtitlePicture { frame: self.frame, ..SubtitlePicture::default() };
        let Some(mut picture) = SubtitlePicture::clear(self.frame, (left, top, right, bottom)) else { return Some(nothing) };
        for image in images {
            let (Ok(width), Ok(height), Ok(stride)) = (usize::try_from(image.w), usize::try_from(image.h), usize::try_from(image.stride))
            else {
                continue;
            };
            // The last row may end at its last pixel.
            let size = stride * (height - 1) + width;
            // SAFETY: libass's stencil has `h` rows, one every `stride` bytes, each of `w` bytes.
            let coverage = unsafe { std::slice::from_raw_parts(image.bitmap, size) };
            let [red, green, blue, clearness] = image.color.to_be_bytes();
            picture.lay((image.dst_x, image.dst_y), (width, height, stride), coverage, [red, green, blue, 255 - clearness]);
        }
        Some(picture)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // SAFETY: the three objects are alive, belong to this script alone, and are freed in the order libass asks for.
        unsafe {
            ass_free_track(self.track.as_ptr());
            ass_renderer_done(self.renderer.as_ptr());
            ass_library_done(self.library.as_ptr());
        }
    }
}

/// Words of libass's own for its makers; what they mean to a viewer shows in the picture.
unsafe extern "C" fn keep_silent(_level: c_int, _format: *const c_char, _arguments: *mut c_void, _data: *mut c_void) {}

/// For which picture and how lines are laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    /// The film's picture as it is shown, pixels.
    pub(super) frame: (u32, u32),
    /// Room beneath the picture, pixels.
    pub(super) band: u32,
    /// The film's picture as it is coded, pixels; 0 if unknown.
    pub(super) video: (u32, u32),
    /// Size of the text; 1 is as it was meant.
    pub(super) scale: f64,
    /// How far lines at the bottom are lifted: 1 is to the top, below 0 is into the band.
    pub(super) lift: f64,
}

/// A stencil in one colour.
#[repr(C)]
struct Image {
    w: c_int,
    h: c_int,
    stride: c_int,
    bitmap: *const c_uchar,
    color: u32,
    dst_x: c_int,
    dst_y: c_int,
    next: *const Self,
    kind: c_int,
}

#[link(name = "ass")]
unsafe extern "C" {
    fn ass_library_init() -> *mut c_void;
    fn ass_library_done(library: *mut c_void);
    fn ass_set_message_cb(
        library: *mut c_void,
        callback: unsafe extern "C" fn(c_int, *const c_char, *mut c_void, *mut c_void),
        data: *mut c_void,
    );
    fn ass_set_extract_fonts(library: *mut c_void, extract: c_int);
    fn ass_add_font(library: *mut c_void, name: *const c_char, data: *const c_char, size: c_int);
    fn ass_renderer_init(library: *mut c_void) -> *mut c_void;
    fn ass_renderer_done(renderer: *mut c_void);
    fn ass_set_cache_limits(renderer: *mut c_void, glyphs: c_int, bitmap_mb: c_int);
    fn ass_set_fonts(
        renderer: *mut c_void,
        default_font: *const c_char,
        default_family: *const c_char,
        provider: c_int,
        config: *const c_char,
        update: c_int,
    );
    fn ass_set_selective_style_override_enabled(renderer: *mut c_void, bits: c_int);
    fn ass_set_frame_size(renderer: *mut c_void, width: c_int, height: c_int);
    fn ass_set_storage_size(renderer: *mut c_void, width: c_int, height: c_int);
    fn ass_set_margins(renderer: *mut c_void, top: c_int, bottom: c_int, left: c_int, right: c_int);
    fn ass_set_use_margins(renderer: *mut c_void, is_used: c_int);
    fn ass_set_font_scale(renderer: *mut c_void, scale: c_double);
    fn ass_set_line_position(renderer: *mut c_void, percent: c_double);
    fn ass_new_track(library: *mut c_void) -> *mut c_void;
    fn ass_free_track(track: *mut c_void);
    fn ass_process_codec_private(track: *mut c_void, data: *mut c_char, size: c_int);
    fn ass_process_chunk(track: *mut c_void, data: *mut c_char, size: c_int, start_ms: c_longlong, duration_ms: c_longlong);
    fn ass_set_check_readorder(track: *mut c_void, is_checked: c_int);
    fn ass_track_set_feature(track: *mut c_void, feature: c_int, is_on: c_int) -> c_int;
    fn ass_flush_events(track: *mut c_void);
    fn ass_render_frame(renderer: *mut c_void, track: *mut c_void, now_ms: c_longlong, change: *mut c_int) -> *const Image;
}

/// `ASS_FEATURE_INCOMPATIBLE_EXTENSIONS`: brackets, line breaks and directions as Unicode has them, wherever this libass can.
const INCOMPATIBLE_EXTENSIONS: c_int = 0;
/// `ASS_FONTPROVIDER_AUTODETECT`.
const FIND_FONTS: c_int = 1;
/// `ASS_OVERRIDE_BIT_SELECTIVE_FONT_SCALE`: signs that a script puts over the picture keep their size.
const SCALE_DIALOGUE_ONLY: c_int = 1 << 1;
const FAMILY: &std::ffi::CStr = c"sans-serif";
const GLYPHS_CACHED: c_int = 5000;
const BITMAP_CACHE_MB: c_int = 64;
/// Beyond that nothing can be read anyway.
const IMAGES_MAX: usize = 20_000;
