//! FFmpeg's subtitle decoders, made safe: packets become lines of text or bitmaps of our own, and what FFmpeg allocated is freed.

#![expect(unsafe_code, reason = "ffmpeg-next neither frees decoded subtitles nor shows their bitmaps")]

use std::ffi::CStr;

use ffmpeg_next::{Packet, Rational, codec, decoder, ffi};

/// A decoder of one track.
pub(super) struct Decoder(decoder::Subtitle);

// SAFETY: a decoder's context is bound to no thread; it is only used through `&mut self`.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Opens a decoder; packets will be given in milliseconds.
    pub(super) fn open(parameters: codec::Parameters) -> Result<Self, ffmpeg_next::Error> {
        let mut context = codec::Context::from_parameters(parameters)?;
        context.set_time_base(MILLISECOND);
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(MILLISECOND);
        decoder.subtitle().map(Self)
    }

    /// The head of an ASS script with the styles that the lines name.
    pub(super) fn header(&self) -> Vec<u8> {
        // SAFETY: the context is open and borrowed; FFmpeg keeps pointer and size together.
        unsafe {
            let context = self.0.as_ptr();
            let (head, size) = ((*context).subtitle_header, usize::try_from((*context).subtitle_header_size).unwrap_or(0));
            if head.is_null() { Vec::new() } else { std::slice::from_raw_parts(head, size).to_vec() }
        }
    }

    /// The picture for which bitmaps were made, in pixels; zero until a packet says.
    pub(super) fn canvas(&self) -> (i32, i32) {
        // SAFETY: the context is open and borrowed.
        unsafe { ((*self.0.as_ptr()).width, (*self.0.as_ptr()).height) }
    }

    /// Forgets what came before, for a place elsewhere in the film.
    pub(super) fn forget(&mut self) {
        self.0.flush();
    }

    /// What a packet shows; `None` if it shows nothing new or is damaged.
    pub(super) fn decode(&mut self, start_ms: i64, duration_ms: i64, data: &[u8]) -> Option<Shown> {
        if data.is_empty() || i32::try_from(data.len()).is_err() {
            return None;
        }
        let mut packet = Packet::copy(data);
        packet.set_pts(Some(start_ms));
        packet.set_dts(Some(start_ms));
        packet.set_duration(duration_ms.max(0));
        let mut decoded = ffmpeg_next::Subtitle::new();
        let outcome = self.0.decode(&packet, &mut decoded);
        if let Err(error) = &outcome {
            tracing::debug!("a packet of subtitles was skipped: {error}");
        }
        let shown = matches!(outcome, Ok(true)).then(|| read(&decoded));
        // SAFETY: the structure is owned and was filled by FFmpeg or is zero; it is not used afterwards.
        unsafe { ffi::avsubtitle_free(decoded.as_mut_ptr()) };
        shown
    }
}

fn read(decoded: &ffmpeg_next::Subtitle) -> Shown {
    // SAFETY: `decoded` was filled by FFmpeg and is borrowed.
    let raw = unsafe { &*decoded.as_ptr() };
    let mut shown = Shown {
        start_ms: raw.start_display_time.min(MINUTE_MS),
        end_ms: Some(raw.end_display_time).filter(|end| (1..10 * MINUTE_MS).contains(end)),
        ..Shown::default()
    };
    for index in 0..(raw.num_rects as usize).min(RECTS_MAX) {
        // SAFETY: FFmpeg gives `num_rects` pointers to rectangles.
        let Some(rect) = (unsafe { (*raw.rects.add(index)).as_ref() }) else { continue };
        if !rect.ass.is_null() {
            // SAFETY: FFmpeg's strings end with a zero and live as long as the rectangle.
            shown.lines.push(unsafe { CStr::from_ptr(rect.ass) }.to_string_lossy().into_owned());
        } else if rect.type_ == ffi::AVSubtitleType::SUBTITLE_BITMAP {
            shown.bitmaps.extend(bitmap(rect));
        }
    }
    shown
}

fn bitmap(rect: &ffi::AVSubtitleRect) -> Option<Bitmap> {
    let side = |side: i32| usize::try_from(side).ok().filter(|side| (1..=BITMAP_SIDE_MAX).contains(side));
    let (width, height, stride) = (side(rect.w)?, side(rect.h)?, usize::try_from(rect.linesize[0]).ok()?);
    if rect.data[0].is_null() || rect.data[1].is_null() || stride < width {
        return None;
    }
    let mut indices = Vec::with_capacity(width * height);
    for row in 0..height {
        // SAFETY: FFmpeg's bitmap has `height` rows of `stride` bytes, of which `width` are pixels.
        indices.extend_from_slice(unsafe { std::slice::from_raw_parts(rect.data[0].add(row * stride), width) });
    }
    // SAFETY: a palette always has room for 256 colours, each four bytes.
    let colours = unsafe { std::slice::from_raw_parts(rect.data[1], 1024) };
    let mut palette = [[0; 4]; 256];
    for (colour, bytes) in palette.iter_mut().zip(colours.chunks_exact(4)) {
        let [alpha, red, green, blue] = bytes.try_into().map_or(0, u32::from_ne_bytes).to_be_bytes();
        *colour = [red, green, blue, alpha];
    }
    Some(Bitmap { x: rect.x, y: rect.y, width, height, indices, palette })
}

/// What one packet shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// From the packet's own time.
    pub(super) start_ms: u32,
    /// From the packet's own time; `None` if it stands until something else comes.
    pub(super) end_ms: Option<u32>,
    /// Events of an ASS script as Matroska writes them.
    pub(super) lines: Vec<String>,
    pub(super) bitmaps: Vec<Bitmap>,
}

/// A picture of up to 256 colours.
#[derive(Debug)]
pub(super) struct Bitmap {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Rows from the top.
    pub(super) indices: Vec<u8>,
    /// Red, green, blue, alpha.
    pub(super) palette: [[u8; 4]; 256],
}

const MILLISECOND: Rational = Rational(1, 1000);
const MINUTE_MS: u32 = 60_000;
const RECTS_MAX: usize = 64;
const BITMAP_SIDE_MAX: usize = 4096;
