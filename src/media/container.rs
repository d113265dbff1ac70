use std::io::{Read, Seek};

use ffmpeg_next::{
    Dictionary,
    format::{self, context::Input, context::StreamIo},
};

use super::Error;

/// Opens whatever container the bytes are, and nothing that it points at. Reading ends early whenever `must_leave` says so.
///
/// # Errors
/// [`Error::NotAFilm`]; FFmpeg's own words are in the log.
pub(super) fn open(
    bytes: impl Read + Seek + Send + 'static,
    name: &str,
    must_leave: impl FnMut() -> bool + Send + 'static,
) -> Result<Input, Error> {
    let not_a_film = || Error::NotAFilm { name: name.to_owned() };
    let io = StreamIo::from_read_seek_with_capacity(bytes, READ_BUFFER_BYTES).map_err(|refusal| {
        tracing::debug!("no reader: {refusal}");
        not_a_film()
    })?;
    let options = [("format_whitelist", FORMATS), ("protocol_whitelist", "none"), ("max_streams", "256")];
    let options: Dictionary<'_> = options.into_iter().collect();
    // Only a part of the name helps to recognise a format.
    let hint: String = name.chars().rev().take(16).filter(char::is_ascii_graphic).collect::<String>().chars().rev().collect();
    // Named as a still picture it would be taken for a series of files, which nobody may open here.
    let is_still = STILLS.iter().any(|ending| hint.to_ascii_lowercase().ends_with(ending));
    let hint = (!is_still).then_some(hint.as_str());
    format::input_from_stream_with_interrupt(io, hint, Some(options), must_leave).map_err(|error| {
        tracing::debug!("opening failed: {error}");
        not_a_film()
    })
}

/// Containers that hold their own media. Playlists and whatever else points at other files or servers are not among them.
const FORMATS: &str = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,vc1,ogg,flac,mp3,aac,ac3,eac3,dts,truehd,\
    wav,w64,aiff,au,caf,amr,ape,wv,tta,flv,asf,rm,dv,mxf,nut,wtv,gif,apng,rawvideo,yuv4mpegpipe,bmp_pipe,png_pipe,jpeg_pipe,webp_pipe";
const STILLS: [&str; 5] = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];
const READ_BUFFER_BYTES: usize = 64 * 1024;
