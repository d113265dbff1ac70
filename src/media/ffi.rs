//! What `ffmpeg-next` does not offer, one small safe function each; and libass's version.

#![expect(unsafe_code, reason = "these calls read or set plain fields of C structures that the safe wrappers own")]

use std::{ffi::CStr, sync::Once};

use ffmpeg_next::{
    DictionaryRef, Packet, codec, ffi,
    format::{Pixel, context::Input, stream::Stream},
    frame, media,
    packet::{Mut as _, Ref as _},
    software::scaling,
};

use super::subtitle::SubtitleFont;

/// Prepares FFmpeg once a process: quiet log, bounded allocations.
pub(super) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = ffmpeg_next::init() {
            tracing::error!("FFmpeg does not start: {error}");
        }
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
        // SAFETY: sets one number under FFmpeg's own lock-free store.
        unsafe { ffi::av_max_alloc(MAX_ALLOCATION_BYTES) };
    });
}

/// A picture of 16 384 × 8 704 with 16 bits of three full planes fits; nothing sensible is larger.
const MAX_ALLOCATION_BYTES: usize = 1 << 30;

/// The file's own time at which the film begins, in microseconds.
///
/// What lies before zero is a codec's priming (7 ms for Opus) and not part of the film, so it does not shift it.
pub(super) fn start_time_us(input: &Input) -> i64 {
    // SAFETY: `input` owns the context and is borrowed.
    let start = unsafe { (*input.as_ptr()).start_time };
    if start == ffi::AV_NOPTS_VALUE { 0 } else { start.clamp(0, MAX_START_US) }
}

/// Time stamps of a broadcast may begin anywhere within 33 bits of 90 kHz; a hundred days are beyond any.
const MAX_START_US: i64 = 100 * 86_400 * 1_000_000;

/// Lets the demuxer skip every stream that is not in `wanted`.
pub(super) fn discard_others(input: &mut Input, wanted: &[usize]) {
    for index in 0..input.nb_streams() as usize {
        let discard = if wanted.contains(&index) { ffi::AVDiscard::AVDISCARD_DEFAULT } else { ffi::AVDiscard::AVDISCARD_ALL };
        // SAFETY: `index` is below `nb_streams`, and `input` is borrowed mutably.
        unsafe { (**(*input.as_mut_ptr()).streams.add(index)).discard = discard };
    }
}

/// Goes back to the file's first byte, for formats without any index or time.
pub(super) fn seek_to_first_byte(input: &mut Input) -> Result<(), ffmpeg_next::Error> {
    // SAFETY: `input` owns the context and is borrowed mutably.
    match unsafe { ffi::avformat_seek_file(input.as_mut_ptr(), -1, 0, 0, 0, ffi::AVSEEK_FLAG_BYTE) } {
        0.. => Ok(()),
        error => Err(error.into()),
    }
}

/// Frame and slice threads, and a limit on pixels, for a decoder that is not open yet.
pub(super) fn set_threads_and_limits(context: &mut codec::Context, threads: usize, max_pixels: i64) {
    // SAFETY: `context` owns the structure and is borrowed mutably.
    unsafe {
        let context = context.as_mut_ptr();
        (*context).thread_type = ffi::FF_THREAD_FRAME | ffi::FF_THREAD_SLICE;
        (*context).thread_count = i32::try_from(threads).unwrap_or(1);
        (*context).max_pixels = max_pixels;
    }
}

/// Width and height of the pictures that begin with a packet, found by a decoder that may see sizes up to so many pixels and gets no memory for a picture.
/// Where the packet does not say, it is what the file says.
pub(super) fn size_in(parameters: codec::Parameters, packet: &Packet, max_pixels: i64) -> Option<(u32, u32)> {
    unsafe extern "C" fn give_nothing(_: *mut ffi::AVCodecContext, _: *mut ffi::AVFrame, _: std::ffi::c_int) -> std::ffi::c_int {
        ffi::AVERROR(ffmpeg_next::error::ENOMEM)
    }
    let mut context = codec::Context::from_parameters(parameters).ok()?;
    set_threads_and_limits(&mut context, 1, max_pixels);
    // SAFETY: `context` owns the structure and is borrowed mutably; the function lives as long as the program and touches nothing.
    unsafe { (*context.as_mut_ptr()).get_buffer2 = Some(give_nothing) };
    let mut decoder = context.decoder().video().ok()?;
    let told = decoder.send_packet(packet).and_then(|()| decoder.receive_frame(&mut frame::Video::empty()));
    tracing::debug!("a refused packet was looked at: {told:?}");
    Some((decoder.width(), decoder.height()))
}

/// The same packet once more: its bytes are shared, not copied. `None` without memory.
pub(super) fn share_packet(packet: &Packet) -> Option<Packet> {
    let mut shared = Packet::empty();
    // SAFETY: both own their structures, and the new one is empty.
    let result = unsafe { ffi::av_packet_ref(shared.as_mut_ptr(), packet.as_ptr()) };
    (result >= 0).then_some(shared)
}

/// Whether every plane's rows stand in ascending order, one after the other.
pub(super) fn rows_ascend(frame: &frame::Video) -> bool {
    // SAFETY: `frame` owns the structure and is borrowed.
    let strides = unsafe { (*frame.as_ptr()).linesize };
    strides.iter().all(|&stride| stride >= 0)
}

/// The duration of the decoded frame in its stream's time base; zero if unknown.
pub(super) fn frame_duration(frame: &frame::Video) -> i64 {
    // SAFETY: `frame` owns the structure and is borrowed.
    unsafe { (*frame.as_ptr()).pkt_duration }.max(0)
}

/// The same picture once more: the planes are shared, not copied. `None` without memory.
pub(super) fn share(frame: &frame::Video) -> Option<frame::Video> {
    let mut shared = frame::Video::empty();
    // SAFETY: both own their structures, and the new one is empty.
    let result = unsafe { ffi::av_frame_ref(shared.as_mut_ptr(), frame.as_ptr()) };
    (result >= 0).then_some(shared)
}

/// Gives a converted frame the colours and the turn of its origin.
pub(super) fn copy_properties(from: &frame::Video, to: &mut frame::Video) {
    // SAFETY: both own their structures.
    let copied = unsafe { ffi::av_frame_copy_props(to.as_mut_ptr(), from.as_ptr()) };
    if copied < 0 {
        tracing::debug!("a converted picture lost what was said of it");
    }
}

/// Width of a pixel over its height as the container says; 0 if it does not.
pub(super) fn pixel_aspect(stream: &Stream<'_>) -> f64 {
    // SAFETY: the stream is borrowed from its context.
    let ratio = unsafe { (*stream.as_ptr()).sample_aspect_ratio };
    if ratio.den == 0 { 0.0 } else { f64::from(ratio.num) / f64::from(ratio.den) }
}

/// An entry of a file's metadata; files write what they like, so it need not be UTF-8.
pub(super) fn entry(metadata: &DictionaryRef<'_>, key: &CStr) -> Option<String> {
    // SAFETY: the dictionary is borrowed; FFmpeg's strings end with a zero and live as long as the dictionary.
    unsafe {
        let entry = ffi::av_dict_get(metadata.as_ptr(), key.as_ptr(), std::ptr::null(), 0);
        (!entry.is_null()).then(|| CStr::from_ptr((*entry).value).to_string_lossy().into_owned())
    }
}

/// The fonts that a film brings along for its subtitles, as many as is sensible.
pub(super) fn fonts(input: &Input) -> Vec<SubtitleFont> {
    let mut fonts = Vec::new();
    let mut room = FONT_BYTES_MAX;
    for stream in input.streams() {
        let parameters = stream.parameters();
        // SAFETY: `parameters` owns the structure and is borrowed; FFmpeg keeps pointer and size of the extra data together.
        let bytes = unsafe {
            let raw = parameters.as_ptr();
            let (data, size) = ((*raw).extradata, usize::try_from((*raw).extradata_size).unwrap_or(0));
            if data.is_null() { &[][..] } else { std::slice::from_raw_parts(data, size) }
        };
        if parameters.medium() == media::Type::Attachment && !bytes.is_empty() && bytes.len() <= room && fonts.len() < FONTS_MAX {
            room -= bytes.len();
            let name = entry(&stream.metadata(), c"filename").unwrap_or_default();
            fonts.push(SubtitleFont { name, bytes: bytes.to_vec() });
        }
    }
    fonts
}

/// Films with many scripts bring some thirty fonts.
const FONTS_MAX: usize = 128;
const FONT_BYTES_MAX: usize = 96 << 20;

/// Channels of coded sound as the file says, before a decoder is open.
pub(super) fn channels(parameters: &codec::Parameters) -> u16 {
    // SAFETY: `parameters` owns the structure and is borrowed.
    u16::try_from(unsafe { (*parameters.as_ptr()).channels }).unwrap_or(0)
}

/// Width and height of coded pictures as the file says, before a decoder is open.
pub(super) fn coded_size(parameters: &codec::Parameters) -> (i64, i64) {
    // SAFETY: `parameters` owns the structure and is borrowed.
    unsafe { ((*parameters.as_ptr()).width.into(), (*parameters.as_ptr()).height.into()) }
}

/// The version of the FFmpeg libraries in use, as libavformat says it.
#[must_use]
pub fn ffmpeg_version() -> String {
    // SAFETY: returns a pointer to a static string or null.
    let text = unsafe { ffi::av_version_info() };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: FFmpeg's strings end with a zero and live as long as the program.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The version of libass in use, for instance `0.17.1`.
#[must_use]
pub fn libass_version() -> String {
    #[link(name = "ass")]
    unsafe extern "C" {
        fn ass_library_version() -> std::ffi::c_int;
    }
    // SAFETY: takes nothing and returns a number: 0xMMNNPPP0 in binary-coded decimal.
    let version = unsafe { ass_library_version() };
    format!("{:x}.{:x}.{:x}", version >> 28, version >> 20 & 0xff, version >> 12 & 0xff)
}

/// A new picture in planar 4:2:0, if there is memory for it.
pub(super) fn planar_frame(side: u32) -> Option<frame::Video> {
    let frame = frame::Video::new(Pixel::YUV420P, side, side);
    // SAFETY: `frame` owns the structure and is borrowed.
    let is_empty = unsafe { frame.is_empty() };
    (!is_empty).then_some(frame)
}

/// A swscale context that may move between threads.
pub(super) struct Scaler(scaling::Context);

// SAFETY: a swscale context owns all it points at and is bound to no thread; it is only used through `&mut self`.
unsafe impl Send for Scaler {}

impl Scaler {
    /// A converter of pixel formats that keeps the size.
    pub(super) fn new(from: Pixel, to: Pixel, (width, height): (u32, u32)) -> Result<Self, ffmpeg_next::Error> {
        let flags = scaling::Flags::BILINEAR | scaling::Flags::ACCURATE_RND | scaling::Flags::FULL_CHR_H_INP;
        scaling::Context::get(from, width, height, to, width, height, flags).map(Self)
    }

    pub(super) fn run(&mut self, frame: &frame::Video) -> Result<frame::Video, ffmpeg_next::Error> {
        let mut converted = frame::Video::empty();
        self.0.run(frame, &mut converted)?;
        Ok(converted)
    }
}
