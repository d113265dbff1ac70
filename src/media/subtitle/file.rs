use std::{
    ffi::OsStr,
    fs::File,
    io::{Cursor, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use ffmpeg_next::{
    Dictionary, Packet, Rational, decoder,
    format::{self, context::StreamIo},
    media::Type,
};

use super::{
    SubtitleTrack, charset,
    track::{Known, PacketBytes, Track},
};
use crate::media::{film_info::text, player::Shared, video::to_ns};

/// Reads a subtitle file whole: any common charset, any format of text that FFmpeg knows, and Blu-ray's `.sup`.
pub(super) fn load(path: &Path, language: &str, shared: &Arc<Shared>) -> Result<Track, Refusal> {
    let name = subtitle_title(path);
    let refusal = |why: Why| Refusal { name: name.clone(), why };
    let bytes = read(path).map_err(refusal)?;
    let bytes = if has_ending(path, &["sup"]) || bytes.starts_with(b"PG") { bytes } else { charset::decode(&bytes, language).into_bytes() };
    let said = said_by_name(path);
    let info = SubtitleTrack {
        language: language.to_owned(),
        title: name.clone(),
        is_forced: said.is_forced,
        is_external: true,
        ..SubtitleTrack::default()
    };
    let track = demux(path, bytes, info, shared).ok_or_else(|| refusal(Why::NoSubtitles))?;
    match &track.known {
        Known::Text(text) if text.lines.is_empty() => Err(refusal(Why::NoSubtitles)),
        Known::Bitmaps { packets, .. } if packets.is_empty() => Err(refusal(Why::NoSubtitles)),
        Known::Broken(reason) => Err(refusal(Why::Undecodable(reason.clone()))),
        _ => Ok(track),
    }
}

/// The files beside a film that are its subtitles, by their names: `Film.srt`, `Film.en.forced.ass`.
pub(super) fn beside(film: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (film.parent(), film.file_stem()) else { return Vec::new() };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let belongs = |path: &PathBuf| {
        is_subtitle_file(path) && path != film && path.file_stem().is_some_and(|other| is_of(other, stem)) && path.is_file()
    };
    let mut found: Vec<PathBuf> = entries.take(ENTRIES_MAX).flatten().map(|entry| entry.path()).filter(belongs).collect();
    found.sort();
    found.truncate(FILES_MAX);
    found
}

/// Whether a file's name is the film's, or the film's with words behind it.
fn is_of(name: &OsStr, film: &OsStr) -> bool {
    let behind = name.as_encoded_bytes().strip_prefix(film.as_encoded_bytes());
    behind.is_some_and(|words| words.first().is_none_or(|mark| b"._- [(".contains(mark)))
}

/// The name under which the track of a file is known.
#[must_use]
pub fn subtitle_title(path: &Path) -> String {
    text(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy())
}

/// Whether a file is one with subtitles, by its name.
#[must_use]
pub fn is_subtitle_file(path: &Path) -> bool {
    has_ending(path, &["srt", "ass", "ssa", "vtt", "sub", "smi", "sup", "mpl"])
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|ending| endings.iter().any(|other| ending.eq_ignore_ascii_case(other)))
}

/// Language and purpose, as the words between a file's name and its ending say them.
pub(super) fn said_by_name(path: &Path) -> Said {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let words: Vec<&str> = stem.split_once('.').map_or("", |(_, words)| words).rsplit('.').take(3).collect();
    let is_language = |word: &&&str| {
        let (code, region) = word.split_once(['-', '_']).unwrap_or((word, ""));
        (2..=3).contains(&code.len())
            && code.bytes().all(|letter| letter.is_ascii_lowercase())
            && region.len() <= 4
            && !NO_LANGUAGES.contains(&code)
    };
    Said {
        language: words.iter().find(is_language).map_or_else(String::new, |word| (*word).to_owned()),
        is_forced: words.contains(&"forced"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Why> {
    // Asked before opening: opening a pipe would wait for its writer.
    let metadata = path.metadata().map_err(Why::Unreadable)?;
    if !metadata.is_file() {
        return Err(Why::NotAFile);
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(Why::Unreadable)?;
    if bytes.len() as u64 > BYTES_MAX { Err(Why::TooLarge) } else { Ok(bytes) }
}

fn demux(path: &Path, bytes: Vec<u8>, info: SubtitleTrack, shared: &Arc<Shared>) -> Option<Track> {
    let io = StreamIo::from_read_seek_with_capacity(Cursor::new(bytes), READ_BUFFER_BYTES).ok()?;
    let options = [("format_whitelist", FORMATS), ("protocol_whitelist", "none"), ("max_streams", "16")];
    let options: Dictionary<'_> = options.into_iter().collect();
    let hint = format!("a.{}", path.extension().map_or_else(String::new, |ending| ending.to_string_lossy().to_ascii_lowercase()));
    let leaves = Arc::clone(shared);
    let opened = format::input_from_stream_with_interrupt(io, Some(&hint), Some(options), move || leaves.is_stopped());
    let mut input = opened.inspect_err(|error| tracing::debug!("no subtitles: {error}")).ok()?;
    let stream = input.streams().find(|stream| stream.parameters().medium() == Type::Subtitle)?;
    let (index, base, parameters) = (stream.index(), stream.time_base(), stream.parameters());
    decoder::find(parameters.id())?;
    let info = SubtitleTrack { codec: parameters.id().name(), ..info };
    let mut track = Track::new(info, parameters, 1);
    let mut faults = 0;
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) if packet.stream() == index => {
                if let Some(packet) = packet_bytes(&packet, base, 0) {
                    track.take(packet);
                }
            }
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof | ffmpeg_next::Error::Exit) => return Some(track),
            Err(_) if faults > MAX_FAULTS => return Some(track),
            Err(_) => faults += 1,
        }
    }
}

/// A packet in milliseconds of film time; `None` if it says no time or nothing.
pub(super) fn packet_bytes(packet: &Packet, base: Rational, start_us: i64) -> Option<PacketBytes> {
    let data = packet.data().filter(|data| !data.is_empty() && data.len() <= PACKET_BYTES_MAX)?;
    let start_ns = packet.pts().or(packet.dts()).and_then(|stamp| to_ns(stamp, base))?.checked_sub(start_us * 1000)?;
    let duration_ns = to_ns(packet.duration().max(0), base).unwrap_or(0).min(LONGEST_NS);
    Some(PacketBytes { start_ms: start_ns.div_euclid(1_000_000), duration_ms: duration_ns / 1_000_000, data: data.into() })
}

/// What a file's name says of its subtitles.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) language: String,
    pub(super) is_forced: bool,
}

/// Why a file gives no subtitles, in words for the person.
#[derive(Debug, thiserror::Error)]
#[error("{}", sentence(name, why))]
pub(super) struct Refusal {
    name: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Unreadable(std::io::Error),
    NotAFile,
    TooLarge,
    NoSubtitles,
    Undecodable(String),
}

fn sentence(name: &str, why: &Why) -> String {
    match why {
        Why::Unreadable(error) if error.kind() == std::io::ErrorKind::NotFound => format!("There is no file “{name}”. Check its name."),
        Why::Unreadable(error) => format!("“{name}” cannot be read: {error}."),
        Why::NotAFile => format!("“{name}” is not a file. Choose a file with subtitles, such as one that ends with .srt."),
        Why::TooLarge => format!("“{name}” is larger than {} MB, more than subtitles ever are. Choose another file.", BYTES_MAX >> 20),
        Why::NoSubtitles => format!("“{name}” holds no subtitles that Houselights can read, or it is damaged. Choose another file."),
        Why::Undecodable(reason) => format!("The subtitles in “{name}” cannot be shown ({reason}). Choose another file."),
    }
}

/// Formats of subtitles alone; none of them points at other files.
const FORMATS: &str = "srt,ass,webvtt,microdvd,mpl2,mpsub,sami,subviewer,subviewer1,vplayer,jacosub,pjs,realtext,stl,aqtitle,lrc,sup";
/// A script with its fonts inside.
const BYTES_MAX: u64 = 64 << 20;
const PACKET_BYTES_MAX: usize = 8 << 20;
const READ_BUFFER_BYTES: usize = 64 * 1024;
const MAX_FAULTS: u32 = 200;
/// A day: no line stands longer.
const LONGEST_NS: i64 = 86_400 * 1_000_000_000;
const ENTRIES_MAX: usize = 20_000;
const FILES_MAX: usize = 32;
/// Words of two or three letters between the dots of file names that are no languages.
const NO_LANGUAGES: &[&str] = &["sdh", "cc", "hi", "sub", "dvd", "web", "dts", "aac", "ac", "uhd", "hdr", "hd"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_language_and_purpose() {
        let said = |name: &str| {
            let said = said_by_name(Path::new(name));
            (said.language, said.is_forced)
        };
        assert_eq!(said("Film.srt"), (String::new(), false));
        assert_eq!(said("A.Film.2019.en.srt"), ("en".to_owned(), false));
        assert_eq!(said("Film.forced.ger.ass"), ("ger".to_owned(), true));
        assert_eq!(said("Film.pt-BR.sdh.vtt"), ("pt-br".to_owned(), false));
    }

    #[test]
    fn files_beside_a_film_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Film.mkv", "Film.srt", "Film.en.ASS", "Film 2.srt.txt", "Filmed.srt", "Other.srt", "Film.jpg"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(folder.path().join("Film.vtt")).unwrap();
        let found = beside(&folder.path().join("Film.mkv"));
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["Film.en.ASS", "Film.srt"]);
        assert!(beside(Path::new("/nowhere/at all.mkv")).is_empty());
    }
}
