use std::ffi::CStr;

use ffmpeg_next::{
    format::{
        context::Input,
        stream::{Disposition, Stream},
    },
    media::Type,
};

use super::{SubtitleTrack, ffi, subtitle::TRACKS_MAX, video};

/// What is known of a film once it is open.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilmInfo {
    /// The film's name as people read it: its title, or the file's name.
    pub title: String,
    /// Length in nanoseconds; `None` if the file does not say.
    pub duration_ns: Option<i64>,
    /// The picture that plays, if there is one.
    pub video: Option<VideoInfo>,
    /// Every stream of pictures but covers, in the file's order.
    pub pictures: Vec<PictureTrack>,
    /// Which of them plays: the first that the file names, else the first.
    pub picture: Option<usize>,
    /// Every sound track, in the file's order.
    pub sounds: Vec<SoundTrack>,
    /// Which sound track plays unless somebody chooses.
    pub default_sound: Option<usize>,
    /// Every subtitle track, in the file's order; those that are added come behind.
    pub subtitles: Vec<SubtitleTrack>,
    /// Named places, in order.
    pub chapters: Vec<Chapter>,
}

/// What is known of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoInfo {
    /// The codec's short name.
    pub codec: &'static str,
    /// Coded width in pixels.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// Pictures a second, if the file says.
    pub rate: Option<f64>,
    /// Whether it is the cover of a sound file.
    pub is_cover: bool,
}

/// One stream of pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureTrack {
    /// ISO 639 code, empty if unknown.
    pub language: String,
    /// Its name in the file, may be empty.
    pub title: String,
    /// The codec's short name.
    pub codec: &'static str,
    /// Coded width in pixels; 0 if the file does not say.
    pub width: u32,
    /// Coded height in pixels; 0 if the file does not say.
    pub height: u32,
    /// Whether the file names it as the one to play.
    pub is_default: bool,
    /// Whether the file asks to play it whatever else is chosen.
    pub is_forced: bool,
}

/// One sound track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundTrack {
    /// ISO 639 code, empty if unknown.
    pub language: String,
    /// Its name in the file, may be empty.
    pub title: String,
    /// The codec's short name.
    pub codec: &'static str,
    /// Number of channels.
    pub channels: u16,
    /// Whether the file names it as the one to play.
    pub is_default: bool,
    /// Whether the file asks to play it whatever the viewer's language is.
    pub is_forced: bool,
}

/// A named place in the film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Where it begins, in nanoseconds of film time.
    pub start_ns: i64,
    /// Its name, may be empty.
    pub title: String,
}

/// Which streams of the file play.
#[derive(Debug, Default, Clone)]
pub(super) struct Streams {
    pub(super) video: Option<usize>,
    pub(super) sounds: Vec<usize>,
    pub(super) subtitles: Vec<usize>,
}

/// How long the film is from where it begins.
fn length_us(input: &Input) -> i64 {
    let (said_us, start_us) = (input.duration(), ffi::start_time_us(input));
    let format = input.format();
    let counts_from_zero = if format.name().starts_with("matroska") {
        // Wherever it begins.
        true
    } else if format.name().starts_with("mov") {
        // With an empty edit before the film, of which its tracks know nothing.
        let mut tracks_us = input.streams().filter_map(|stream| video::to_ns(stream.duration(), stream.time_base())).map(|ns| ns / 1000);
        tracks_us.any(|track_us| track_us > 0 && (said_us.saturating_sub(start_us) - track_us).abs() < SAME_LENGTH_US)
    } else {
        false
    };
    if counts_from_zero { said_us.saturating_sub(start_us) } else { said_us }
}

/// Reads what the open file says of itself; every number is checked, every list and text bounded.
pub(super) fn describe(input: &Input, name: &str, playable: impl Fn(usize) -> bool) -> (FilmInfo, Streams) {
    let mut info = FilmInfo { title: name.to_owned(), ..FilmInfo::default() };
    let mut streams = Streams::default();
    if let Some(title) = ffi::entry(&input.metadata(), c"title").map(|title| text(&title)).filter(|title| !title.is_empty()) {
        info.title = title;
    }
    let duration_us = length_us(input);
    info.duration_ns = Some(duration_us).filter(|us| (1..MAX_DURATION_US).contains(us)).map(|us| us * 1000);
    for stream in input.streams().filter(|stream| playable(stream.index())) {
        let is_cover = stream.disposition().contains(Disposition::ATTACHED_PIC);
        let parameters = stream.parameters();
        let said = |key| said(&stream, key);
        match parameters.medium() {
            Type::Video => {
                let (width, height) = ffi::coded_size(&parameters);
                let [width, height] = [width, height].map(|side| u32::try_from(side).unwrap_or(0));
                let codec = parameters.id().name();
                let is_default = stream.disposition().contains(Disposition::DEFAULT);
                let plays = match info.picture.and_then(|number| info.pictures.get(number)) {
                    Some(chosen) => !is_cover && is_default && !chosen.is_default,
                    None => info.video.is_none() || !is_cover,
                };
                if plays {
                    let rate = f64::from(stream.avg_frame_rate());
                    let rate = (rate.is_finite() && (0.01..1000.0).contains(&rate)).then_some(rate);
                    info.video = Some(VideoInfo { codec, width, height, rate, is_cover });
                    info.picture = (!is_cover).then_some(info.pictures.len());
                    streams.video = Some(stream.index());
                }
                if !is_cover {
                    info.pictures.push(PictureTrack {
                        language: said(c"language"),
                        title: said(c"title"),
                        codec,
                        width,
                        height,
                        is_default,
                        is_forced: stream.disposition().contains(Disposition::FORCED),
                    });
                }
            }
            Type::Audio => {
                if stream.disposition().contains(Disposition::DEFAULT) && info.default_sound.is_none() {
                    info.default_sound = Some(info.sounds.len());
                }
                info.sounds.push(SoundTrack {
                    language: said(c"language"),
                    title: said(c"title"),
                    codec: parameters.id().name(),
                    channels: ffi::channels(&parameters),
                    is_default: stream.disposition().contains(Disposition::DEFAULT),
                    is_forced: stream.disposition().contains(Disposition::FORCED),
                });
                streams.sounds.push(stream.index());
            }
            Type::Subtitle if info.subtitles.len() < TRACKS_MAX => {
                info.subtitles.push(SubtitleTrack {
                    language: said(c"language"),
                    title: said(c"title"),
                    codec: parameters.id().name(),
                    is_default: stream.disposition().contains(Disposition::DEFAULT),
                    is_forced: stream.disposition().contains(Disposition::FORCED),
                    is_external: false,
                });
                streams.subtitles.push(stream.index());
            }
            _ => {}
        }
    }
    if info.default_sound.is_none() && !info.sounds.is_empty() {
        info.default_sound = Some(0);
    }
    let start_us = ffi::start_time_us(input);
    info.chapters = input
        .chapters()
        .take(MAX_CHAPTERS)
        .filter_map(|chapter| {
            let start_s = chapter.start() as f64 * f64::from(chapter.time_base()) - start_us as f64 / 1e6;
            let start_ns = (start_s.is_finite() && start_s.abs() < 1e9).then_some((start_s.max(0.0) * 1e9) as i64)?;
            Some(Chapter { start_ns, title: ffi::entry(&chapter.metadata(), c"title").map(|title| text(&title)).unwrap_or_default() })
        })
        .collect();
    info.chapters.sort_by_key(|chapter| chapter.start_ns);
    (info, streams)
}

/// What the file says of a stream; empty if it says nothing.
fn said(stream: &Stream<'_>, key: &CStr) -> String {
    ffi::entry(&stream.metadata(), key).map(|said| text(&said)).unwrap_or_default()
}

/// A text from a file on its way to a screen: bounded, one line, nothing that changes the direction of what stands beside it.
pub(super) fn text(raw: &str) -> String {
    let is_direction = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    raw.chars().filter(|&c| !c.is_control() && !is_direction(c)).take(MAX_TEXT_CHARS).collect::<String>().trim().to_owned()
}

const MAX_TEXT_CHARS: usize = 120;
const MAX_CHAPTERS: usize = 1000;
const SAME_LENGTH_US: i64 = 1_000_000;
/// A hundred days.
const MAX_DURATION_US: i64 = 100 * 86_400 * 1_000_000;

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn titles_are_one_bounded_line() {
        assert_eq!(text("  A\u{202e}B\nC\u{7} "), "ABC");
        assert_eq!(text(&"x".repeat(100_000)).len(), 120);
    }
}
