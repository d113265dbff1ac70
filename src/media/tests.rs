use std::{
    fs,
    io::{self, Cursor, Read, SeekFrom},
    path::Path,
    sync::mpsc,
    task::Waker,
    time::Duration,
};

use proptest::{prelude::*, strategy::ValueTree as _};

use super::{
    ByHand, Error, Event, FilmInfo, OtherSound, Picture, Player, PlayerOptions, Seek, Source,
    hardware::pretended::{self, Card},
};
use crate::handover::{SampleConsumer, ring};

#[path = "../../tests/it/support/clip.rs"]
pub(super) mod clip;

use clip::Clip;

/// A film played by hand, as fast as it decodes.
pub(super) struct Playing {
    pub(super) player: Player,
    pub(super) hand: ByHand,
    pub(super) info: FilmInfo,
    samples: SampleConsumer,
    pub(super) generation: u32,
    pub(super) ended_ns: Option<i64>,
    /// The sizes that were told to be too large.
    pub(super) too_large: Vec<(u32, u32)>,
}

fn options(mono_ns: fn() -> i64) -> PlayerOptions {
    PlayerOptions { mono_ns, waker: Waker::noop().clone(), on_hardware: false }
}

pub(super) fn open(source: Source) -> Result<Playing, Error> {
    open_on(source, false)
}

/// The same, on the graphics card where there is one.
pub(super) fn open_on(source: Source, on_hardware: bool) -> Result<Playing, Error> {
    let (player, mut hand) = Player::by_hand(source, on_hardware);
    hand.run_until_idle();
    match player.next_event().expect("opening ends in an event") {
        Event::Opened(info) => Ok(Playing { player, hand, info, samples: ring(1).1, generation: 0, ended_ns: None, too_large: Vec::new() }),
        Event::Failed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

pub(super) fn open_clip(clip: &Clip<'_>) -> Playing {
    let folder = tempfile::tempdir().unwrap();
    open(Source::file(&clip.make(folder.path())).unwrap()).unwrap()
}

impl Playing {
    pub(super) fn seek(&mut self, film_ns: i64, sound: Option<usize>) {
        self.seek_with(film_ns, sound, false);
    }

    pub(super) fn seek_with(&mut self, film_ns: i64, sound: Option<usize>, glances: bool) {
        let (producer, samples) = ring(48_000);
        self.samples = samples;
        self.generation += 1;
        assert!(self.player.seek(Seek { generation: self.generation, film_ns, sound, ring: producer, glances }));
    }

    /// The next picture; sound that comes meanwhile is gathered.
    pub(super) fn picture(&mut self, sound: &mut Vec<f32>) -> Option<Picture> {
        loop {
            let moved = self.hand.run_until_idle() | (self.samples.available_frames() > 0);
            sound.extend(std::iter::from_fn(|| self.samples.pop()).map(|frame| frame[0]));
            match self.player.next_event() {
                Some(Event::Ended { generation, film_ns }) if generation == self.generation => self.ended_ns = Some(film_ns),
                Some(Event::TooLarge { generation, width, height }) if generation == self.generation => {
                    self.too_large.push((width, height));
                }
                _ => {}
            }
            match self.player.pictures().pop() {
                Some(picture) if picture.generation == self.generation => return Some(picture.item),
                None if !moved => return None,
                _ => {}
            }
        }
    }

    /// Everything from here to the end: numbers of the pictures, and the samples.
    pub(super) fn rest(&mut self) -> (Vec<u16>, Vec<f32>) {
        let mut sound = Vec::new();
        let numbers = std::iter::from_fn(|| self.picture(&mut sound)).map(|picture| number(&picture).expect("a readable number")).collect();
        (numbers, sound)
    }
}

pub(super) fn number(picture: &Picture) -> Option<u16> {
    let luma = picture.plane(0);
    clip::read_number(|cell| luma.at((cell * 2 + 1) * luma.width / 40, luma.height / 36) as u8)
}

pub(super) const SECOND: i64 = 1_000_000_000;

fn check_whole(clip: &Clip<'_>) {
    let mut film = open_clip(clip);
    film.seek(0, film.info.default_sound);
    let (numbers, sound) = film.rest();
    assert_eq!(numbers, (0..96).collect::<Vec<u16>>(), "{}", clip.name);
    let end_s = film.ended_ns.expect("the end is told") as f64 / 1e9;
    assert!((end_s - 4.0).abs() < 0.05, "{}: ends at {end_s}", clip.name);
    assert!((sound.len() as f64 / 48_000.0 - end_s).abs() < 0.01, "{}: {} samples", clip.name, sound.len());
    // At each full second the ramp falls, and nowhere else; codecs that take steady parts away keep that.
    let fall = |at: usize| sound[at - 1440] - sound[at + 1440];
    assert!(fall(96_000) > 0.3 && fall(72_000).abs() < 0.1, "{}: {} {}", clip.name, fall(96_000), fall(72_000));
}

#[test]
fn films_play_from_the_first_picture_to_the_last_with_unbroken_sound() {
    let aac = ["aac", "-b:a", "192k"];
    check_whole(&Clip::default());
    check_whole(&Clip { name: "b-frames.mp4", sound: &aac, ..Clip::default() });
    check_whole(&Clip {
        name: "a.webm",
        video: &["libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime"],
        sound: &["libopus"],
        ..Clip::default()
    });
    check_whole(&Clip { name: "stream.ts", video: &["mpeg2video", "-q:v", "3"], sound: &["mp2", "-b:a", "384k"], ..Clip::default() });
    check_whole(&Clip { name: "old.avi", video: &["mpeg4", "-q:v", "3"], sound: &["pcm_s16le"], ..Clip::default() });
}

#[test]
fn a_seek_shows_the_exact_picture_and_the_exact_sound() {
    let mut film = open_clip(&Clip { sound_tracks: 2, ..Clip::default() });
    for (film_ms, track) in [(2500, 0), (0, 0), (3999, 1), (41, 0), (42, 1), (1000, 0), (2041, 1)] {
        film.seek(film_ms * 1_000_000, Some(track));
        let mut sound = Vec::new();
        let first = film.picture(&mut sound).map(|picture| number(&picture)).expect("a picture");
        assert_eq!(first, Some((film_ms * 24 / 1000) as u16), "at {film_ms} ms");
        let period = (track + 1) as f64;
        let expected = 0.8 * ((film_ms as f64 / 1000.0) % period) / period - 0.4;
        assert!((f64::from(sound[0]) - expected).abs() < 2e-4, "at {film_ms} ms: {} is not {expected}", sound[0]);
    }
}

#[test]
fn a_seek_is_exact_in_containers_that_land_anywhere() {
    let x264 = ["libx264", "-preset", "veryfast", "-g", "48", "-bf", "2"];
    for (name, video) in
        [("a.ts", &x264[..]), ("b.ts", &["mpeg2video", "-q:v", "3", "-g", "24"]), ("c.mp4", &x264), ("d.avi", &["mpeg4", "-g", "36"])]
    {
        let mut film = open_clip(&Clip { name, video, sound: &["mp2"], seconds: 8.0, ..Clip::default() });
        film.seek(0, Some(0));
        // Where the file's own clock puts the first picture: a container may begin with sound.
        let zero_ns = film.picture(&mut Vec::new()).expect("a first picture").film_ns;
        for picture in [100, 30, 191, 1, 150] {
            film.seek(zero_ns + (picture * 2 + 1) * SECOND / 48, Some(0));
            let first = film.picture(&mut Vec::new()).map(|picture| number(&picture)).expect("a picture");
            assert_eq!(first, Some(picture as u16), "{name}");
        }
    }
}

#[test]
fn of_many_seeks_the_last_one_wins() {
    let mut film = open_clip(&Clip::default());
    for place in 0..20 {
        film.seek((place * 37 % 40) * SECOND / 10, Some(0));
        if place % 3 == 0 {
            film.hand.run_until_idle();
        }
    }
    let (numbers, _) = film.rest();
    assert_eq!(numbers, (55..96).collect::<Vec<u16>>());
}

#[test]
fn a_seek_to_the_end_or_beyond_ends_the_film_in_order() {
    let mut film = open_clip(&Clip::default());
    film.seek(3600 * SECOND, Some(0));
    let (numbers, _) = film.rest();
    assert_eq!(numbers.last(), Some(&95));
    assert!(film.ended_ns.is_some());
    film.seek(SECOND, Some(0));
    assert_eq!(film.rest().0.first(), Some(&24));
}

#[test]
fn a_film_without_sound_runs_over_silence_to_its_end() {
    let mut film = open_clip(&Clip { sound: &[], ..Clip::default() });
    assert!(film.info.sounds.is_empty());
    film.seek(SECOND, None);
    let (numbers, sound) = film.rest();
    assert_eq!(numbers.len(), 72);
    // Matroska rounds to milliseconds.
    assert!(sound.len().abs_diff(144_000) <= 48, "{}", sound.len());
    assert!(sound.iter().all(|&sample| sample == 0.0));
}

/// Plays as the theater does: a picture is taken once the sound has come to its time, a hundredth of a second of sound at a time.
fn play_in_step(film: &mut Playing) -> (u32, usize) {
    let (mut pictures, mut frames, mut idle) = (0, 0, 0);
    for _ in 0..10_000 {
        let moved = film.hand.run_until_idle();
        let heard = film.samples.discard(480);
        frames += heard;
        let heard_ns = frames as i64 * SECOND / 48_000;
        let shown = std::iter::from_fn(|| film.player.pictures().pop_if(|picture| picture.item.film_ns <= heard_ns)).count();
        pictures += shown as u32;
        idle = if moved || heard > 0 || shown > 0 { 0 } else { idle + 1 };
        if idle == 3 {
            break;
        }
    }
    (pictures, frames)
}

/// Everything up to the film's end, or up to where the player asks for another seek, and whether it does: numbers of the pictures, frames of sound.
fn until_asked(film: &mut Playing) -> (Vec<u16>, usize, bool) {
    let (mut numbers, mut frames) = (Vec::new(), 0);
    loop {
        let moved = film.hand.run_until_idle();
        let heard = film.samples.discard(48_000);
        frames += heard;
        let shown: Vec<u16> = std::iter::from_fn(|| film.player.pictures().pop())
            .filter(|picture| picture.generation == film.generation)
            .map(|picture| number(&picture.item).expect("a readable number"))
            .collect();
        let is_over = !moved && heard == 0 && shown.is_empty();
        numbers.extend(shown);
        let is_of_now = |event: &Event| matches!(event, Event::SeekAgain { generation } if *generation == film.generation);
        let asks = std::iter::from_fn(|| film.player.next_event()).any(|event| is_of_now(&event));
        if asks || is_over {
            return (numbers, frames, asks);
        }
    }
}

#[test]
fn a_graphics_card_that_fails_is_given_up_and_the_processor_plays_on() {
    let folder = tempfile::tempdir().unwrap();
    // What comes out at the end of one picture is all there is of it.
    for (pictures_left, seconds, place) in [(0, 4.0, 24), (30, 4.0, 24), (0, 0.04, 0)] {
        let film = Clip { seconds, ..Clip::default() }.make(folder.path());
        pretended::put(Some(Card { pictures_left, ..Card::default() }));
        let mut film = open_on(Source::file(&film).unwrap(), true).unwrap();
        film.seek(0, Some(0));
        let (numbers, _, asks) = until_asked(&mut film);
        assert!(asks, "{pictures_left} of {seconds} s: the picture has to be sought anew");
        assert!(numbers.len() <= pictures_left as usize && numbers == (0..numbers.len() as u16).collect::<Vec<_>>(), "{numbers:?}");
        // As whoever shows the film does: to where it is.
        film.seek(place * SECOND / 24, Some(0));
        let (numbers, frames, asks) = until_asked(&mut film);
        let card = pretended::put(None).unwrap();
        let last = if seconds > 1.0 { 96 } else { 1 };
        assert_eq!(numbers, (place as u16..last).collect::<Vec<_>>(), "every picture from there to the end");
        assert!(!asks && frames.abs_diff((last as usize - place as usize) * 2000) < 480, "{frames} frames of sound");
        assert_eq!((card.pictures_left, card.lent), (0, 1), "nothing was asked of the card again");
        assert!(card.failed > 0);
    }
}

#[test]
fn sound_that_ends_before_the_picture_or_begins_after_it_is_silence() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Clip { seconds: 8.0, ..Clip::default() }.make(folder.path());
    for (name, cut) in [("early.mkv", "atrim=end=2"), ("late.mkv", "atrim=start=6")] {
        let path = folder.path().join(name);
        let made = std::process::Command::new("ffmpeg")
            .args(["-loglevel", "error", "-i"])
            .arg(&whole)
            .args(["-c:v", "copy", "-af", cut, "-c:a", "flac"])
            .arg(&path)
            .status();
        assert!(made.expect("this test needs the program ffmpeg").success());
        let mut film = open(Source::file(&path).unwrap()).unwrap();
        film.seek(0, Some(0));
        let (pictures, frames) = play_in_step(&mut film);
        assert!(pictures == 192 && frames.abs_diff(8 * 48_000) < 480, "{name}: {pictures} pictures, {frames} frames of sound");
    }
}

#[test]
fn slides_that_stand_for_seconds_keep_their_sound() {
    let mut film = open_clip(&Clip { rate: "1/5", seconds: 20.0, video: &["ffv1"], ..Clip::default() });
    film.seek(0, Some(0));
    let (numbers, sound) = film.rest();
    assert_eq!(numbers, [0, 1, 2, 3]);
    for second in 0..19 {
        let quarter = sound[second * 48_000 + 12_000];
        assert!((quarter + 0.2).abs() < 1e-3, "at {second} s: {quarter}");
    }
}

#[test]
fn a_cover_shows_at_once_and_its_song_plays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let song = Clip { video: &[], name: "song.flac", seconds: 6.0, ..Clip::default() }.make(folder.path());
    let path = folder.path().join("covered.flac");
    let made = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "error", "-i"])
        .arg(&song)
        .args([
            "-f",
            "lavfi",
            "-i",
            "color=red:s=64x64:d=0.1",
            "-map",
            "0",
            "-map",
            "1",
            "-frames:v",
            "1",
            "-c:v",
            "png",
            "-disposition:v",
            "attached_pic",
        ])
        .arg(&path)
        .status();
    assert!(made.expect("this test needs the program ffmpeg").success());
    let mut film = open(Source::file(&path).unwrap()).unwrap();
    for film_ns in [0, 3 * SECOND] {
        film.seek(film_ns, Some(0));
        film.hand.run_until_idle();
        assert_eq!(film.player.pictures().pop().map(|picture| picture.item.film_ns), Some(film_ns));
        assert_eq!(film.rest().1.len(), (6 * SECOND - film_ns) as usize * 48 / 1_000_000);
    }
}

#[test]
fn a_bare_stream_without_any_time_stamps_plays() {
    let mut film = open_clip(&Clip { name: "bare.h264", sound: &[], ..Clip::default() });
    film.seek(0, None);
    let (pictures, frames) = play_in_step(&mut film);
    assert!(pictures > 90 && frames > 48_000 * 3, "{pictures} pictures, {frames} frames of silence");
}

#[test]
fn time_stamps_that_leap_ten_hours_do_not_stop_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let video = ["mpeg2video", "-q:v", "4"];
    let clip = |name| Clip { name, seconds: 2.0, video: &video, sound: &["mp2"], ..Clip::default() };
    let first = fs::read(clip("a.ts").make(folder.path())).unwrap();
    let later = folder.path().join("b.ts");
    let made = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "error", "-i"])
        .arg(folder.path().join("a.ts"))
        .args(["-c", "copy", "-output_ts_offset", "36000"])
        .arg(&later)
        .status();
    assert!(made.expect("this test needs the program ffmpeg").success());
    let joined = [first, fs::read(later).unwrap()].concat();
    let mut film = open(Source::new("joined.ts", Cursor::new(joined))).unwrap();
    film.seek(0, Some(0));
    let (pictures, frames) = play_in_step(&mut film);
    assert!((90..=96).contains(&pictures) && (3..6).contains(&(frames / 48_000)), "{pictures} pictures, {frames} frames of sound");
}

#[test]
fn sound_without_a_picture_plays() {
    let mut film = open_clip(&Clip { video: &[], name: "song.flac", ..Clip::default() });
    assert!(film.info.video.is_none());
    film.seek(0, Some(0));
    let (numbers, sound) = film.rest();
    assert_eq!((numbers.len(), sound.len()), (0, 192_000));
}

#[test]
fn another_sound_track_begins_where_it_is_asked_to_and_no_picture_is_missing() {
    let mut film = open_clip(&Clip { sound_tracks: 2, sound: &["flac", "-ar", "48000"], ..Clip::default() });
    film.seek(0, Some(0));
    let mut numbers: Vec<u16> = (0..6).map(|_| number(&film.picture(&mut Vec::new()).unwrap()).unwrap()).collect();
    let mut at = SECOND / 4;
    for (sound, period_s) in [(Some(1), 2.0), (Some(0), 1.0), (None, 0.0), (Some(1), 2.0)] {
        let (producer, samples) = ring(48_000);
        film.samples = samples;
        assert!(film.player.turn_to(OtherSound { generation: film.generation, film_ns: at, sound, ring: producer }));
        let mut heard = Vec::new();
        numbers.extend((0..6).map(|_| number(&film.picture(&mut heard).unwrap()).unwrap()));
        assert!(heard.len() > 12_000, "{} frames", heard.len());
        for (k, sample) in heard.iter().enumerate() {
            let second = at as f64 / 1e9 + k as f64 / 48e3;
            let expected = if period_s == 0.0 { 0.0 } else { 0.8 * (second % period_s) / period_s - 0.4 };
            let is_edge = period_s > 0.0 && (second % period_s).min(period_s - second % period_s) < 1e-3;
            assert!(is_edge || (f64::from(*sample) - expected).abs() < 1e-3, "{sample} at {second} s of {sound:?}, not {expected}");
        }
        at += SECOND / 4;
    }
    // An order of an older seek is nobody's.
    let (producer, old) = ring(100);
    assert!(film.player.turn_to(OtherSound { generation: film.generation - 1, film_ns: 0, sound: Some(0), ring: producer }));
    let (rest, _) = film.rest();
    numbers.extend(rest);
    assert_eq!(numbers, (0..96).collect::<Vec<u16>>());
    assert!(old.is_ended() && old.available_frames() == 0 && film.ended_ns == Some(4 * SECOND));
    // Far from what was kept it has to be sought.
    let (producer, _) = ring(100);
    assert!(film.player.turn_to(OtherSound { generation: film.generation, film_ns: -SECOND, sound: Some(0), ring: producer }));
    film.hand.run_until_idle();
    assert!(matches!(film.player.next_event(), Some(Event::SeekAgain { .. })));
}

/// A second of one tone in some channels, as it comes out: the level of each side against the tone's own.
fn folded(layout: &str, channels: &[f32]) -> [f32; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.mkv");
    let tones: Vec<_> = channels.iter().map(|level| format!("{}*sin(440*t*2*PI)", level * 0.5)).collect();
    let made = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "lavfi", "-i"])
        .arg(format!("aevalsrc={}:s=48000:d=1{layout}", tones.join("|")))
        .args(["-c:a", "pcm_f32le"])
        .arg(&path)
        .status();
    assert!(made.expect("this test needs the program ffmpeg").success());
    let mut film = open(Source::file(&path).unwrap()).unwrap();
    assert_eq!(usize::from(film.info.sounds[0].channels), channels.len());
    film.seek(0, Some(0));
    let mut sums = [0.0_f32; 2];
    let mut count = 0.0;
    loop {
        while let Some(frame) = film.samples.pop() {
            sums = [sums[0] + frame[0] * frame[0], sums[1] + frame[1] * frame[1]];
            count += 1.0;
        }
        film.hand.run_until_idle();
        if film.samples.is_ended() && film.samples.available_frames() == 0 {
            break;
        }
    }
    assert!(count > 47_000.0);
    sums.map(|sum| ((sum / count).sqrt() / (0.5 * std::f32::consts::FRAC_1_SQRT_2) * 1000.0).round() / 1000.0)
}

#[test]
fn many_channels_become_two_and_dialogue_keeps_its_level() {
    const HALF: f32 = 0.707;
    let cases: &[(&str, &[f32], [f32; 2])] = &[
        (":c=mono", &[1.0], [1.0, 1.0]),
        (":c=stereo", &[1.0, 0.5], [1.0, 0.5]),
        // The centre is as loud from two loudspeakers as from its own, and what rumbles is left out.
        (":c=5.1", &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [HALF, HALF]),
        (":c=5.1", &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0]),
        (":c=5.1", &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0], [1.0, HALF]),
        (":c=5.1", &[1.0; 6], [1.0 + 2.0 * HALF, 1.0 + 2.0 * HALF]),
        (":c=7.1", &[0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0], [2.0 * HALF, HALF]),
        // Nobody knows where these stand.
        ("", &[0.5; 11], [0.5 * 3.317, 0.5 * 3.317]),
        ("", &[0.25; 64], [2.0, 2.0]),
    ];
    for (layout, channels, expected) in cases {
        let levels = folded(layout, channels);
        assert!(levels.iter().zip(expected).all(|(level, expected)| (level - expected).abs() < 0.01), "{layout} {channels:?}: {levels:?}");
    }
}

#[test]
fn colours_of_every_kind_come_out_right() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [("ten.mkv", "yuv420p10le"), ("rgb.mkv", "bgr0"), ("grey.mkv", "gray")] {
        let path = folder.path().join(name);
        let made = std::process::Command::new("ffmpeg")
            .args(["-loglevel", "error", "-f", "lavfi", "-i", "color=red:s=64x64:r=10:d=1", "-pix_fmt", format, "-c:v", "ffv1"])
            .arg(&path)
            .status();
        assert!(made.expect("this test needs the program ffmpeg").success());
        let mut film = open(Source::file(&path).unwrap()).unwrap();
        film.seek(0, None);
        let picture = film.picture(&mut Vec::new()).unwrap();
        let most = f64::from((1_u32 << picture.bits) - 1);
        let code = [0, 1, 2].map(|plane| f64::from(picture.plane(plane).at(20, 20)) / most);
        let rgb = picture.to_rgb.apply(code).map(|value| (value * 255.0).round());
        let expected = if name == "grey.mkv" { [78.0; 3] } else { [255.0, 0.0, 0.0] };
        assert!(rgb.iter().zip(expected).all(|(got, wanted)| (got - wanted).abs() <= 4.0), "{name}: {rgb:?}");
    }
}

fn sentence(path: &Path) -> String {
    match Source::file(path).and_then(open) {
        Ok(_) => panic!("{} opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_film_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert!(sentence(&folder.path().join("none.mkv")).starts_with("There is no file “none.mkv”"));
    assert!(sentence(&at("a.txt", b"x").join("b.mkv")).starts_with("There is no file"));
    assert!(sentence(folder.path()).contains("is a folder"));
    assert!(sentence(&at("empty.mkv", b"")).contains("is empty"));
    assert!(sentence(&at("text.mp4", "This is a letter, not a film.\n".repeat(200).as_bytes())).contains("not a film"));
    assert!(sentence(&at("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n")).contains("not a film"));
    assert!(sentence(&at("list.ffconcat", b"ffconcat version 1.0\nfile clip.mkv\n")).contains("not a film"));
    assert!(sentence(&at("huge.y4m", b"YUV4MPEG2 W100000 H100000 F25:1 Ip C420jpeg\nFRAME\n")).contains("film"));
    let subtitles = at("words.mkv", b"");
    let srt = at("words.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHello\n");
    let made =
        std::process::Command::new("ffmpeg").args(["-loglevel", "error", "-y", "-i"]).arg(srt).args(["-c", "srt"]).arg(&subtitles).status();
    assert!(made.expect("this test needs the program ffmpeg").success());
    assert!(sentence(&subtitles).contains("neither a picture nor a sound"));
}

#[test]
fn a_cut_film_is_refused_or_plays_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(Clip::default().make(folder.path())).unwrap();
    let cut = folder.path().join("cut.mkv");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let mut film = open(Source::file(&cut).unwrap()).unwrap();
    film.seek(0, Some(0));
    let (numbers, _) = film.rest();
    assert!((20..90).contains(&numbers.len()) && numbers[..20] == (0..20).collect::<Vec<_>>(), "{numbers:?}");
    assert!(film.ended_ns.unwrap() < film.info.duration_ns.unwrap() - SECOND / 2);
    let mp4 = fs::read(Clip { name: "whole.mp4", sound: &["aac"], ..Clip::default() }.make(folder.path())).unwrap();
    fs::write(folder.path().join("cut.mp4"), &mp4[..mp4.len() / 2]).unwrap();
    assert!(sentence(&folder.path().join("cut.mp4")).contains("damaged"));
}

#[cfg(unix)]
#[test]
fn names_that_are_not_unicode_play() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9 \xff.mkv"));
    fs::rename(Clip { seconds: 1.0, ..Clip::default() }.make(folder.path()), &path).unwrap();
    let mut film = open(Source::file(&path).unwrap()).unwrap();
    film.seek(0, Some(0));
    assert_eq!(film.rest().0.len(), 24);
}

/// A file that ends after so many reads.
struct Shrinking {
    bytes: Cursor<Vec<u8>>,
    reads_left: u32,
}

impl Read for Shrinking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.reads_left == 0 {
            return Ok(0);
        }
        self.reads_left -= 1;
        self.bytes.read(buffer)
    }
}

impl io::Seek for Shrinking {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn a_film_that_shrinks_while_it_plays_ends_early_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(Clip { size: (640, 360), video: &["mpeg4", "-b:v", "4M"], ..Clip::default() }.make(folder.path())).unwrap();
    let mut film = open(Source::new("shrinking.mkv", Shrinking { bytes: Cursor::new(whole), reads_left: 12 })).unwrap();
    film.seek(0, Some(0));
    let (numbers, _) = film.rest();
    assert!(!numbers.is_empty() && numbers.len() < 96, "{}", numbers.len());
    assert!(film.ended_ns.unwrap() < film.info.duration_ns.unwrap());
}

/// Bytes that never come, and word of the reader's end.
struct Stalled(#[expect(dead_code, reason = "its drop is the word")] mpsc::Sender<()>);

impl Read for Stalled {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Interrupted.into())
    }
}

impl io::Seek for Stalled {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "one word will ever pass")]
fn dropping_a_player_that_waits_for_bytes_ends_its_threads() {
    let (word, gone) = mpsc::channel();
    let player = Player::start(Source::new("stalled.mkv", Stalled(word)), &options(|| 0)).unwrap();
    drop(player);
    assert_eq!(gone.recv_timeout(Duration::from_secs(20)), Err(mpsc::RecvTimeoutError::Disconnected));
}

fn play_anything(bytes: Vec<u8>) {
    if let Ok(mut film) = open(Source::new("anything.mkv", Cursor::new(bytes))) {
        for film_ns in [0, SECOND] {
            film.seek(film_ns, film.info.default_sound);
            let mut sound = Vec::new();
            while film.picture(&mut sound).is_some() {
                if sound.len() > 48_000 * 60 {
                    break;
                }
            }
            assert!(sound.iter().all(|sample| sample.abs() <= 1.0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn random_bytes_never_panic(
        head in prop::sample::select(vec![&b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"[..], b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"OggS\0\x02", b"RIFF\xff\xff\0\0AVI LIST", b""]),
        bytes in prop::collection::vec(any::<u8>(), 1..5000),
    ) {
        play_anything([head, &bytes].concat());
    }
}

#[test]
fn a_film_damaged_anywhere_never_panics_and_its_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(Clip { seconds: 2.0, ..Clip::default() }.make(folder.path())).unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..40 {
        let damage = prop::collection::vec((0..whole.len(), any::<u8>()), 1..200);
        let damage = damage.new_tree(&mut runner).unwrap().current();
        let mut bytes = whole.clone();
        for (place, byte) in damage {
            bytes[place] = byte;
        }
        play_anything(bytes);
    }
    let mut middle = whole.clone();
    middle[whole.len() / 2..whole.len() / 2 + 3000].fill(0xa5);
    let mut film = open(Source::new("hole.mkv", Cursor::new(middle))).unwrap();
    film.seek(0, Some(0));
    let mut shown = 0;
    while film.picture(&mut Vec::new()).is_some() {
        shown += 1;
    }
    assert!(shown > 20 && film.ended_ns.is_some(), "{shown} pictures");
}

/// A film that says when it is read or sought in, and then does not come back until it is let go.
struct Blocking {
    bytes: Cursor<Vec<u8>>,
    in_seek: bool,
    entered: mpsc::SyncSender<()>,
    let_go: mpsc::Receiver<()>,
}

impl Blocking {
    /// Returns when the test is over.
    fn block(&self) -> bool {
        self.entered.send(()).is_ok() && self.let_go.recv().is_ok()
    }
}

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.in_seek {
            self.block();
        }
        self.bytes.read(buffer)
    }
}

impl io::Seek for Blocking {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.in_seek {
            self.block();
        }
        self.bytes.seek(to)
    }
}

#[test]
fn a_thread_that_does_not_come_back_is_noticed_and_one_that_waits_for_bytes_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let film = fs::read(Clip { seconds: 1.0, name: "a.mp4", sound: &["aac"], ..Clip::default() }.make(folder.path())).unwrap();
    for in_seek in [true, false] {
        let (entered, has_entered) = mpsc::sync_channel(1);
        let (lets_go, let_go) = mpsc::sync_channel(1);
        let source = Source::new("a.mp4", Blocking { bytes: Cursor::new(film.clone()), in_seek, entered, let_go });
        let player = Player::start(source, &options(|| 1_000)).unwrap();
        has_entered.recv_timeout(Duration::from_secs(20)).expect("FFmpeg asks the reader");
        assert_eq!(player.stuck_for_ns(6 * SECOND + 1_000), if in_seek { 6 * SECOND } else { 0 });
        drop((player, has_entered, lets_go));
    }
}
