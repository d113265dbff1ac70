//! Containers and codecs, each opened, played to its end and sought in: the first, a middle and the last picture, the sound, the length.

use super::{
    Source,
    tests::{
        SECOND,
        clip::{Clip, read_number},
        number, open,
    },
};

const H264: &[&str] = &["libx264", "-preset", "veryfast", "-crf", "22", "-g", "12", "-bf", "2"];
const HEVC: &[&str] = &["libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=12:bframes=2"];
const VP9: &[&str] = &["libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-b:v", "400k", "-g", "12"];
const AV1: &[&str] = &["libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-b:v", "400k", "-g", "12"];
const MPEG2: &[&str] = &["mpeg2video", "-q:v", "3", "-g", "12"];
const MPEG4: &[&str] = &["mpeg4", "-q:v", "3", "-g", "12"];
const AAC: &[&str] = &["aac", "-b:a", "192k"];
const AC3: &[&str] = &["ac3", "-b:a", "384k"];
const OPUS: &[&str] = &["libopus", "-b:a", "192k"];
const MP3: &[&str] = &["libmp3lame", "-b:a", "256k"];
const FLAC: &[&str] = &["flac"];
const PCM: &[&str] = &["pcm_s16le"];

/// Each container with what people put into it, each codec more than once. MP4 has its index at the end unless it is told otherwise.
const FILMS: &[(&str, &[&str], &[&str])] = &[
    ("a.mp4", H264, AAC),
    ("b.mp4", HEVC, AC3),
    ("c.mp4", AV1, OPUS),
    ("d.mkv", H264, FLAC),
    ("e.mkv", HEVC, OPUS),
    ("f.mkv", MPEG4, MP3),
    ("g.mkv", VP9, PCM),
    ("h.webm", VP9, OPUS),
    ("i.webm", AV1, OPUS),
    ("j.ts", H264, AAC),
    ("k.ts", HEVC, AC3),
    ("l.ts", MPEG2, MP3),
    ("m.avi", MPEG4, MP3),
    ("n.avi", H264, PCM),
    ("o.mov", H264, PCM),
    ("p.mov", MPEG4, AAC),
];

#[test]
fn every_container_and_codec_plays_whole_and_is_sought_in() {
    let folder = tempfile::tempdir().unwrap();
    for (name, video, sound) in FILMS {
        let clip = Clip { size: (160, 90), seconds: 2.0, video, sound, name, ..Clip::default() };
        let mut film = open(Source::file(&clip.make(folder.path())).unwrap()).unwrap();
        let duration_s = film.info.duration_ns.expect("the file says how long it is") as f64 / 1e9;
        assert!((duration_s - 2.0).abs() < 0.1, "{name}: {duration_s} s");
        film.seek(0, film.info.default_sound);
        let mut samples = Vec::new();
        let pictures: Vec<_> =
            std::iter::from_fn(|| film.picture(&mut samples).map(|picture| (number(&picture), picture.film_ns))).collect();
        let numbers: Vec<_> = pictures.iter().map(|picture| picture.0).collect();
        assert_eq!(numbers, (0..48).map(Some).collect::<Vec<_>>(), "{name}");
        // A container may begin with sound.
        let zero_ns = pictures[0].1;
        assert!(zero_ns < SECOND / 5, "{name}: begins at {zero_ns} ns");
        assert!((samples.len() as f64 / 48_000.0 - 2.0).abs() < 0.15, "{name}: {} samples", samples.len());
        // The ramp falls at the full second; what lies before and after depends on how a codec keeps slow waves.
        let fall = |at: usize| samples[at - 1440] - samples[at + 1440];
        let fallen = (24_000..72_000).step_by(48).max_by(|&a, &b| fall(a).total_cmp(&fall(b))).expect("there are samples");
        // H.264 in AVI has no time of its own but that of its packets, which come early by the pictures that are put in order.
        let apart_ns = (fallen as i64 * SECOND / 48_000 - pictures[24].1).abs();
        assert!(fall(fallen) > 0.3 && apart_ns < SECOND / 10, "{name}: the sound falls at {fallen}, {apart_ns} ns from its picture");
        for picture in [31, 47, 0, 24] {
            film.seek(pictures[picture].1 + SECOND / 48, film.info.default_sound);
            let first = film.picture(&mut Vec::new()).and_then(|picture| number(&picture));
            assert_eq!(first, Some(picture as u16), "{name}");
        }
    }
}

#[test]
fn the_number_is_not_read_where_there_is_none() {
    assert_eq!(read_number(|_| 128), None);
}
