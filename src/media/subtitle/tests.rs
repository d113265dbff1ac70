use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use proptest::prelude::*;

use super::{Order, SubtitlePicture, SubtitleWish, Subtitler};
use crate::{
    handover::{mailbox, ring},
    media::{ByHand, Event, FilmInfo, Player, Seek, Source, decode::Step},
};

/// A film whose steps are made here.
struct Playing {
    player: Player,
    hand: ByHand,
    info: FilmInfo,
    generation: u32,
    said: Vec<String>,
}

impl Playing {
    fn open(film: &Path) -> Self {
        Self::open_at(film, 0, false)
    }

    fn open_at(film: &Path, ms: i64, looks_back: bool) -> Self {
        let (player, mut hand) = Player::by_hand(Source::file(film).unwrap(), false);
        hand.run_until_idle();
        let Some(Event::Opened(info)) = player.next_event() else { panic!("{} does not open", film.display()) };
        let mut playing = Self { player, hand, info, generation: 0, said: Vec::new() };
        if looks_back {
            assert!(playing.player.look_back_in(Source::file(film).unwrap()));
        }
        playing.seek(ms);
        playing
    }

    fn seek(&mut self, ms: i64) {
        self.generation += 1;
        assert!(self.player.seek(Seek {
            generation: self.generation,
            film_ns: ms * 1_000_000,
            sound: None,
            ring: ring(48_000).0,
            glances: false
        }));
        self.settle();
    }

    fn settle(&mut self) {
        self.hand.run_until_idle();
        while let Some(event) = self.player.next_event() {
            match event {
                Event::SubtitlesAdded(track) => self.info.subtitles.push(track),
                Event::NoSubtitles { sentence } => self.said.push(sentence),
                _ => {}
            }
        }
    }

    fn add(&mut self, file: &Path) {
        assert!(self.player.add_subtitles(file.to_owned()));
        self.settle();
    }

    /// What changes when this is wanted; `None` if nothing does.
    fn wish(&mut self, wish: SubtitleWish) -> Option<SubtitlePicture> {
        self.player.show_subtitles(wish);
        self.settle();
        self.player.subtitle_picture()
    }

    /// What is seen of a track at a time, drawn anew.
    fn seen(&mut self, track: usize, ms: i64) -> SubtitlePicture {
        self.wish(SubtitleWish { track: None, ..at(track, ms) });
        self.wish(at(track, ms)).expect("another track is always drawn")
    }
}

fn at(track: usize, ms: i64) -> SubtitleWish {
    SubtitleWish { track: Some(track), film_ns: ms * 1_000_000, frame: (640, 360), band: 40, scale: 1.0, lift: 0.0 }
}

/// Where something is seen: left, top, right, bottom in the film's picture. Only what is nearly opaque counts.
fn ink(picture: &SubtitlePicture, is_ink: impl Fn(&[u8]) -> bool) -> Option<(i32, i32, i32, i32)> {
    let mut found: Option<(i32, i32, i32, i32)> = None;
    for (index, pixel) in picture.rgba.chunks_exact(4).enumerate() {
        if pixel[3] > 128 && is_ink(pixel) {
            let (x, y) = (picture.x + (index as u32 % picture.width) as i32, picture.y + (index as u32 / picture.width) as i32);
            let (left, top, right, bottom) = found.unwrap_or((x, y, x, y));
            found = Some((left.min(x), top.min(y), right.max(x), bottom.max(y)));
        }
    }
    found
}

fn inked(picture: &SubtitlePicture) -> Option<(i32, i32, i32, i32)> {
    ink(picture, |_| true)
}

fn ffmpeg(arguments: &[&str], out: &Path) {
    let made = Command::new("ffmpeg").args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]).args(arguments).arg(out).output();
    let made = made.expect("this test needs the program ffmpeg: apt-get install ffmpeg");
    assert!(made.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&made.stderr));
}

const VIDEO: [&str; 4] = ["-f", "lavfi", "-i", "color=gray:s=160x90:r=10:d=6"];

/// A film of six grey seconds with these files as its subtitle tracks.
fn film(folder: &Path, name: &str, files: &[&Path], more: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let mut arguments = VIDEO.to_vec();
    for file in files {
        arguments.extend(["-i", file.to_str().unwrap()]);
    }
    let maps: Vec<String> = (0..=files.len()).map(|input| input.to_string()).collect();
    for map in &maps {
        arguments.extend(["-map", map]);
    }
    arguments.extend(["-c:v", "mpeg4", "-g", "10"]);
    arguments.extend(more);
    ffmpeg(&arguments, &path);
    path
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nThe first line\n\n2\n00:00:04,000 --> 00:00:05,000\nThe <i>second</i> one\n";

fn script(events: &str) -> String {
    format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: 640\nPlayResY: 360\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, \
         SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, \
         Alignment, MarginL, MarginR, MarginV, Encoding\nStyle: Default,sans-serif,24,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,1,0,2,\
         10,10,20,1\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n{events}"
    )
}

#[test]
fn text_of_every_kind_is_seen_at_the_bottom_in_its_time_and_at_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let srt = write(folder.path(), "a.srt", SRT);
    for (name, codec) in [("a.mkv", "srt"), ("b.mkv", "ass"), ("c.mkv", "webvtt"), ("d.mp4", "mov_text")] {
        let film = film(folder.path(), name, &[&srt], &["-c:s", codec]);
        let mut film = Playing::open(&film);
        assert_eq!(film.info.subtitles.len(), 1, "{name}");
        for (ms, is_seen) in [(500, false), (1500, true), (2500, false), (4500, true), (5500, false)] {
            let seen = inked(&film.seen(0, ms));
            assert_eq!(seen.is_some(), is_seen, "{name} at {ms} ms");
            if let Some((left, top, right, bottom)) = seen {
                assert!(left > 150 && right < 490 && ((left + right) / 2).abs_diff(320) < 8, "{name}: in the middle, {seen:?}");
                assert!(top > 270 && bottom < 360, "{name}: at the bottom, {seen:?}");
            }
        }
    }
}

#[test]
fn a_line_is_drawn_once_and_taken_down() {
    let folder = tempfile::tempdir().unwrap();
    let srt = write(folder.path(), "a.srt", SRT);
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[&srt], &["-c:s", "srt"]));
    assert!(inked(&film.seen(0, 1200)).is_some());
    assert_eq!(film.wish(at(0, 1300)), None, "nothing changes within a line");
    assert!(film.wish(at(0, 3000)).unwrap().is_empty());
    assert_eq!(film.wish(at(0, 3100)), None);
    assert!(film.wish(at(0, 4200)).is_some());
    assert!(film.wish(SubtitleWish { track: None, ..at(0, 4300) }).unwrap().is_empty());
}

#[test]
fn a_line_that_began_before_the_key_frame_is_found_after_a_seek() {
    let folder = tempfile::tempdir().unwrap();
    let srt = write(folder.path(), "a.srt", "1\n00:00:01,000 --> 00:00:05,000\nA long line\n");
    // A key frame each second, and what is read at once is no longer.
    let short: &[&str] = &["-cluster_time_limit", "900"];
    for (name, codec, more) in [("a.mkv", "srt", short), ("b.mkv", "ass", short), ("c.mp4", "mov_text", &[])] {
        let film = film(folder.path(), name, &[&srt], &[&["-c:s", codec], more].concat());
        let sees = |looks_back: bool, ms| inked(&Playing::open_at(&film, ms, looks_back).seen(0, ms)).is_some();
        // MP4 seeks in each track.
        assert_eq!(sees(false, 4500), codec == "mov_text", "{name}: the demuxer alone");
        assert!(sees(true, 4500), "{name}");
        assert!(!sees(true, 5500), "{name}: it is over");
        let mut film = Playing::open_at(&film, 4500, true);
        assert!(inked(&film.seen(0, 4500)).is_some());
        film.seek(1200);
        film.seek(4200);
        assert!(inked(&film.seen(0, 4200)).is_some(), "{name}: once more");
    }
}

#[test]
fn tracks_say_what_they_are_and_another_one_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high) = (write(folder.path(), "a.srt", SRT), write(folder.path(), "b.srt", SRT.replace("The first", "{\\an8}The first")));
    let says = [
        "-c:s",
        "srt",
        "-metadata:s:s:0",
        "language=eng",
        "-metadata:s:s:1",
        "language=fre",
        "-metadata:s:s:1",
        "title=Signs",
        "-disposition:s:0",
        "0",
    ];
    let film = film(folder.path(), "a.mkv", &[&low, &high], &[&says[..], &["-disposition:s:1", "forced+default"]].concat());
    let mut film = Playing::open(&film);
    let [first, second] = &film.info.subtitles[..] else { panic!("two tracks: {:?}", film.info.subtitles) };
    assert_eq!((&*first.language, first.is_default, first.is_forced, first.codec), ("eng", false, false, "subrip"));
    assert_eq!((&*second.language, &*second.title, second.is_default, second.is_forced), ("fre", "Signs", true, true));
    assert!(inked(&film.seen(0, 1500)).unwrap().1 > 270);
    // No seek and no reading: the other one was read along.
    assert!(inked(&film.wish(at(1, 1500)).unwrap()).unwrap().3 < 90, "at the top");
}

#[test]
fn going_back_and_forth_doubles_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let script = write(
        folder.path(),
        "a.ass",
        script("Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,One\nDialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,Two\n"),
    );
    let srt = write(folder.path(), "a.srt", SRT);
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[&script, &srt], &["-c:s", "copy"]));
    let (two, one) = (film.seen(0, 1500), film.seen(1, 1500));
    assert!(
        inked(&two).unwrap().3 - inked(&two).unwrap().1 > inked(&one).unwrap().3 - inked(&one).unwrap().1,
        "two lines stand above each other"
    );
    for ms in [5000, 0, 3000, 1200] {
        film.seek(ms);
    }
    assert_eq!((film.seen(0, 1500), film.seen(1, 1500)), (two, one));
}

#[test]
fn right_to_left_lines_begin_at_the_right() {
    let folder = tempfile::tempdir().unwrap();
    // Red is said first, so it stands at the right; the full stop at the end of the sentence is at its left.
    for (first, then) in [("שלום", "עולם"), ("مرحبا", "بالعالم"), ("שלום", "world")] {
        let line =
            format!("1\n00:00:01,000 --> 00:00:02,000\n<font color=\"#ff0000\">{first}</font> <font color=\"#0000ff\">{then}</font>\n");
        let mut film = Playing::open(&film(folder.path(), "a.mkv", &[&write(folder.path(), "a.srt", line)], &["-c:s", "srt"]));
        let picture = film.seen(0, 1500);
        let red = ink(&picture, |pixel| pixel[0] > 200 && pixel[2] < 60).unwrap();
        let blue = ink(&picture, |pixel| pixel[2] > 200 && pixel[0] < 60).unwrap();
        assert!(red.0 > blue.2, "{first} {then}: {red:?} {blue:?}");
    }
    let english = SRT.replace("The first", "<font color=\"#ff0000\">The</font> <font color=\"#0000ff\">first</font>");
    let mut film = Playing::open(&film(folder.path(), "b.mkv", &[&write(folder.path(), "b.srt", english)], &["-c:s", "srt"]));
    let picture = film.seen(0, 1500);
    let (red, blue) = (ink(&picture, |pixel| pixel[0] > 200 && pixel[2] < 60), ink(&picture, |pixel| pixel[2] > 200 && pixel[0] < 60));
    assert!(red.unwrap().2 < blue.unwrap().0);
}

#[test]
fn a_long_line_without_spaces_stays_in_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("1\n00:00:01,000 --> 00:00:02,000\n{}。\n", "私たちは今夜映画館で古い映画を見ます".repeat(3));
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[&write(folder.path(), "a.srt", line)], &["-c:s", "srt"]));
    let (left, top, right, bottom) = inked(&film.seen(0, 1500)).unwrap();
    assert!(left > 4 && right < 636 && bottom < 360 && bottom - top > 40, "{left} {top} {right} {bottom}");
}

#[test]
fn size_and_place_are_the_viewer_s() {
    let folder = tempfile::tempdir().unwrap();
    let srt = write(folder.path(), "a.srt", SRT);
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[&srt], &["-c:s", "srt"]));
    let usual = inked(&film.seen(0, 1500)).unwrap();
    let mut of = |wish: SubtitleWish| inked(&film.wish(wish).unwrap()).unwrap();
    let large = of(SubtitleWish { scale: 1.5, ..at(0, 1500) });
    assert!((large.2 - large.0) as f32 > (usual.2 - usual.0) as f32 * 1.4, "{large:?}");
    let lifted = of(SubtitleWish { lift: 0.5, ..at(0, 1500) });
    assert!((usual.1 - lifted.1).abs_diff(180) < 12, "{lifted:?}");
    let beneath = of(SubtitleWish { lift: -1.0, ..at(0, 1500) });
    assert!(beneath.1 > usual.1 + 20 && beneath.3 < 400, "{beneath:?}");
    let twice = of(SubtitleWish { frame: (1280, 720), band: 80, ..at(0, 1500) });
    assert!((twice.0 - usual.0 * 2).abs() < 6 && (twice.1 - usual.1 * 2).abs() < 6, "{twice:?}");
}

/// One segment of a Blu-ray's subtitles as `.sup` files have it.
fn segment(ms: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let head = [&b"PG"[..], &(ms * 90).to_be_bytes(), &[0; 4], &[kind], &(payload.len() as u16).to_be_bytes()];
    [&head.concat(), payload].concat()
}

/// A display set: a plain rectangle of 400 × 60 in one colour, or nothing.
fn display_set(ms: u32, number: u16, place: Option<(u16, u16)>) -> Vec<u8> {
    let wide = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let mut composition =
        [&wide(&[1920, 1080])[..], &[0x10], &wide(&[number]), &[if place.is_some() { 0x80 } else { 0 }, 0, 0, u8::from(place.is_some())]]
            .concat();
    let (x, y) = place.unwrap_or((0, 0));
    if place.is_some() {
        composition.extend([&wide(&[0])[..], &[0, 0], &wide(&[x, y])].concat());
    }
    let window = [&[1, 0][..], &wide(&[x, y, 400, 60])].concat();
    // Index, Y, Cr, Cb, alpha: a yellow.
    let palette = [0, 0, 1, 210, 146, 16, 255];
    let line = [0, 0xc1, 0x90, 1, 0, 0];
    let runs = line.repeat(60);
    let object = [&wide(&[0])[..], &[0, 0xc0], &(runs.len() as u32 + 4).to_be_bytes()[1..], &wide(&[400, 60]), &runs].concat();
    let mut set = segment(ms, 0x16, &composition);
    set.extend(segment(ms, 0x17, &window));
    if place.is_some() {
        set.extend(segment(ms, 0x14, &palette));
        set.extend(segment(ms, 0x15, &object));
    }
    set.extend(segment(ms, 0x80, &[]));
    set
}

fn sup() -> Vec<u8> {
    // The program ffmpeg lets a file begin with its first packet.
    let nothing = display_set(0, 0, None);
    [
        nothing,
        display_set(1000, 1, Some((760, 960))),
        display_set(2000, 2, None),
        display_set(4000, 3, Some((0, 0))),
        display_set(5000, 4, None),
    ]
    .concat()
}

#[test]
fn bitmaps_of_discs_are_seen_where_and_when_they_belong() {
    let folder = tempfile::tempdir().unwrap();
    let sup = write(folder.path(), "a.sup", sup());
    let merged = film(folder.path(), "a.mkv", &[&sup], &["-c:s", "copy", "-bsf:s", "pgs_frame_merge"]);
    let dvd = film(folder.path(), "b.mkv", &[&sup], &["-c:s", "dvdsub"]);
    let plain = film(folder.path(), "d.mkv", &[], &[]);
    for (film, adds) in [(merged, false), (dvd, false), (plain, true)] {
        let name = film.display().to_string();
        let mut film = Playing::open(&film);
        if adds {
            film.add(&sup);
        }
        assert_eq!(film.info.subtitles.len(), 1, "{name}: {:?}", film.said);
        for (ms, place) in
            [(500, None), (1500, Some((253, 320))), (2500, None), (4500, Some((0, 0))), (1700, Some((253, 320))), (5500, None)]
        {
            // The program ffmpeg does not write for a DVD that nothing is shown.
            if name.ends_with("b.mkv") && place.is_none() && ms > 1000 {
                continue;
            }
            let picture = film.seen(0, ms);
            let seen = ink(&picture, |pixel| pixel[0] > 150 && pixel[1] > 150 && pixel[2] < 100);
            let expected = place.map(|(left, top)| (left, top, left + 133, top + 20));
            let is_near = match (seen, expected) {
                (Some(seen), Some(expected)) => {
                    [seen.0 - expected.0, seen.1 - expected.1, seen.2 - expected.2, seen.3 - expected.3].iter().all(|off| off.abs() <= 3)
                }
                (None, None) => true,
                _ => false,
            };
            assert!(is_near, "{name} at {ms} ms: {seen:?} is not {expected:?}");
        }
    }
}

/// A picture of a DVD's subtitles: a plain rectangle in its second colour, shown at once and taken down after so many times 1024/90 ms.
fn dvd_picture((x, y): (u16, u16), (width, height): (u16, u16), lasts: u16) -> Vec<u8> {
    // Each line is one run to its end; first every other line, then those between.
    let lines = [0x00_u8, 0x01].repeat(usize::from(height / 2));
    let (upper, lower) = (4, 4 + lines.len() as u16);
    let shown_at = lower + lines.len() as u16;
    let ended_at = shown_at + 24;
    let wide = |number: u16| number.to_be_bytes();
    let pair = |from: u16, to: u16| [(from >> 4) as u8, (from << 4 | to >> 8) as u8, to as u8];
    let (right, bottom) = (x + width - 1, y + height - 1);
    // Which colours of the palette, how opaque, where, where the lines are, and go.
    let shows = [
        &wide(0)[..],
        &wide(ended_at),
        &[3, 0x32, 0x10, 4, 0x00, 0xf0, 5],
        &pair(x, right),
        &pair(y, bottom),
        &[6],
        &wide(upper),
        &wide(lower),
        &[1, 0xff],
    ]
    .concat();
    let ends = [&wide(lasts)[..], &wide(ended_at), &[2, 0xff]].concat();
    let size = ended_at + ends.len() as u16;
    [&wide(size)[..], &wide(shown_at), &lines, &lines, &shows, &ends].concat()
}

/// The same as a disc has it: in a packet of a private stream, behind a head of its own.
fn dvd_packet(ms: u64, picture: &[u8]) -> Vec<u8> {
    let head = [0_u8, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 1, 0x89, 0xc3, 0xf8, 0, 0, 1, 0xbd];
    let stamp = ms * 90;
    let bits = |from: u32, most: u64| (stamp >> from & most) as u8;
    let time = [0x21 | bits(30, 7) << 1, bits(22, 255), 1 | bits(15, 127) << 1, bits(7, 255), 1 | bits(0, 127) << 1];
    let size = (3 + time.len() + 1 + picture.len()) as u16;
    [&head[..], &size.to_be_bytes(), &[0x81, 0x80, 5], &time, &[0x20], picture].concat()
}

#[test]
fn pictures_of_a_dvd_are_taken_down_when_their_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    // At the bottom, and in the upper left corner; each stands for 1001 ms.
    let packets = [(1000, (180, 324)), (4000, (0, 0))].map(|(ms, place)| dvd_packet(ms, &dvd_picture(place, (360, 54), 88)));
    let index = format!(
        "# VobSub index file, v7 (do not modify this line!)\nsize: 720x405\npalette: 000000, ffff00{}\nid: en, index: 0\n\
         timestamp: 00:00:01:000, filepos: 000000000\ntimestamp: 00:00:04:000, filepos: {:09x}\n",
        ", 000000".repeat(14),
        packets[0].len()
    );
    write(folder.path(), "a.sub", packets.concat());
    let index = write(folder.path(), "a.idx", index);
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[&index], &["-c:s", "copy"]));
    assert_eq!(film.info.subtitles.first().map(|track| track.codec), Some("dvd_subtitle"));
    let (low, corner) = ((160, 288, 480, 336), (0, 0, 320, 48));
    for (ms, expected) in [(500, None), (1500, Some(low)), (1950, Some(low)), (2050, None), (4500, Some(corner)), (5050, None)] {
        let seen = ink(&film.seen(0, ms), |pixel| pixel[0] > 150 && pixel[1] > 150 && pixel[2] < 100);
        let is_near = match (seen, expected) {
            (Some(seen), Some(expected)) => {
                [seen.0 - expected.0, seen.1 - expected.1, seen.2 - expected.2, seen.3 - expected.3].iter().all(|off| off.abs() <= 3)
            }
            (seen, expected) => seen == expected,
        };
        assert!(is_near, "at {ms} ms: {seen:?} is not {expected:?}");
    }
    // As the film runs: nothing new comes, and what stands goes.
    assert!(!film.seen(0, 1500).is_empty());
    assert_eq!(film.wish(at(0, 1990)), None);
    assert!(film.wish(at(0, 2010)).unwrap().is_empty());
}

#[test]
fn files_in_any_charset_are_shown_and_found_beside_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "Film.mkv", &[], &[]);
    let text = SRT.replace("The first line", "Привет, как дела? Мы давно не виделись.");
    let (old, ..) = encoding_rs::WINDOWS_1251.encode(&text);
    write(folder.path(), "Film.ru.srt", old);
    write(folder.path(), "Film.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nПривет, как дела? Мы давно не виделись.\n");
    write(folder.path(), "Other.srt", SRT);
    let mut film = Playing::open(&path);
    assert!(film.player.find_subtitles_beside(path));
    film.settle();
    let tracks: Vec<_> = film.info.subtitles.iter().map(|track| (&*track.title, &*track.language, track.is_external)).collect();
    assert_eq!(tracks, [("Film.ru.srt", "ru", true), ("Film.vtt", "", true)]);
    // The old charset and the new one look the same.
    let (old, new) = (film.seen(0, 1500), film.seen(1, 1500));
    assert!(inked(&old).is_some() && old == new);
}

#[test]
fn what_gives_no_subtitles_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[], &[]));
    let mut check = |file: PathBuf, words: &str| {
        film.said.clear();
        film.add(&file);
        assert!(film.said.len() == 1 && film.said[0].contains(words), "{}: {:?}", file.display(), film.said);
    };
    check(folder.path().join("none.srt"), "There is no file “none.srt”");
    check(folder.path().to_owned(), "is not a file");
    check(write(folder.path(), "empty.srt", ""), "holds no subtitles");
    check(write(folder.path(), "letter.srt", "Dear film,\nthis is a letter.\n".repeat(100)), "holds no subtitles");
    check(write(folder.path(), "noise.ass", (0..=255).collect::<Vec<u8>>().repeat(50)), "holds no subtitles");
    check(write(folder.path(), "noise.sup", b"PG\0\0\0\0".repeat(50)), "holds no subtitles");
    check(folder.path().join("a.mkv"), "holds no subtitles");
    let large = folder.path().join("large.srt");
    fs::File::create(&large).unwrap().set_len(100 << 20).unwrap();
    check(large, "larger than 64 MB");
}

#[test]
fn a_hundred_thousand_lines_cost_little_each() {
    let folder = tempfile::tempdir().unwrap();
    let time = |ms: u32| format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    let in_turn: String =
        (0..100_000).map(|n: u32| format!("{}\n{} --> {}\nLine {n}\n\n", n + 1, time(n * 100), time(n * 100 + 100))).collect();
    let at_once: String = (0..100_000).map(|n: u32| format!("{}\n{} --> {}\nLine {n}\n\n", n + 1, time(n % 7), time(7_200_000))).collect();
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[], &[]));
    film.add(&write(folder.path(), "turn.srt", in_turn));
    film.add(&write(folder.path(), "once.srt", at_once));
    assert!(film.info.subtitles.len() == 2, "{:?}", film.said);
    for ms in [50, 5_000_050, 9_999_950, 5_000_150] {
        assert!(inked(&film.seen(0, ms)).is_some(), "at {ms} ms");
    }
    assert!(inked(&film.seen(1, 60_000)).is_some());
}

#[test]
fn absurd_scripts_are_drawn_or_left_out_but_break_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut film = Playing::open(&film(folder.path(), "a.mkv", &[], &[]));
    let line = |text: &str| format!("Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,{text}\n");
    let good = line("A good line");
    let absurd = [
        line("{\\fs1000000}Huge"),
        line("{\\fscx99999999\\fscy99999999}Huge"),
        line("{\\blur1000000\\be10000\\bord5000\\shad100000}Blurred"),
        line("{\\frx1e308\\fry-1e308\\frz999999999999999999\\fax1e30}Turned"),
        line("{\\p1}m 0 0 l 1e30 -1e30 99999999 99999999 b 1 2 3 4 5 6 7 8 {\\p0}"),
        line("{\\clip(m 0 0 l 99999999 0 0 99999999)\\iclip(-2147483648,-2147483648,2147483647,2147483647)}Clipped"),
        line(&format!("{}deep{}", "{\\t(".repeat(5000), ")}".repeat(5000))),
        line(&"{\\fnNo such font\\t(0,1,\\fs900)\\move(1,2,3,4,5,6)\\k999999999}a".repeat(500)),
        line(&"𒀀\u{202e}\u{300}\u{200d}".repeat(2000)),
        "Dialogue: 99999999999,9999:99:99.99,-1:00:00.00,None,,-99999,99999999,1e9,Banner;1;2;3,x\n".to_owned(),
        format!("{}{}", line("a"), script(&line("A script in a script"))),
    ];
    for (number, bad) in absurd.iter().enumerate() {
        let path = write(folder.path(), &format!("{number}.ass"), script(&format!("{good}{bad}")));
        film.add(&path);
        assert_eq!(film.info.subtitles.len(), number + 1, "{bad:.80} {:?}", film.said);
        let seen = film.seen(number, 1500);
        assert!(seen.width <= 640 && seen.height <= 400, "{bad:.80}: {} × {}", seen.width, seen.height);
        assert!(inked(&seen).is_some(), "{bad:.80}: the good line is seen");
    }
    let styles = script(&good).replace("640", "0").replace("360", "-2147483648").replace(",24,", ",1e300,");
    film.add(&write(folder.path(), "styles.ass", styles));
    drop(film.seen(absurd.len(), 1500));
}

/// A font of this machine under a family's name that no machine has: `Sidera Sans Mono`.
fn unheard_of_font(folder: &Path) -> PathBuf {
    let known = installed("DejaVuSansMono.ttf", Path::new("/usr/share/fonts"));
    let mut bytes = fs::read(known.expect("this test needs a font: apt-get install fonts-dejavu-core")).unwrap();
    // Names stand in a font's table in two charsets.
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (old, new) in [(b"DejaVu".to_vec(), b"Sidera".to_vec()), (wide("DejaVu"), wide("Sidera"))] {
        let places: Vec<usize> = (0..=bytes.len() - old.len()).filter(|&at| bytes[at..].starts_with(&old)).collect();
        assert!(!places.is_empty(), "the font says its name");
        for at in places {
            bytes[at..at + new.len()].copy_from_slice(&new);
        }
    }
    write(folder, "sidera.ttf", bytes)
}

/// Where a font's file lies, in a folder or below.
fn installed(name: &str, folder: &Path) -> Option<PathBuf> {
    let inside: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let here = inside.iter().find(|path| path.file_name().is_some_and(|own| own == name)).cloned();
    here.or_else(|| inside.iter().filter(|path| path.is_dir()).find_map(|below| installed(name, below)))
}

#[test]
fn a_font_that_the_film_brings_along_is_the_one_that_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let font = unheard_of_font(folder.path());
    let line = script("Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,A little illicit lily\n");
    let script = write(folder.path(), "a.ass", line.replace("sans-serif", "Sidera Sans Mono"));
    let attached = ["-c:s", "copy", "-attach", font.to_str().unwrap(), "-metadata:s:t", "mimetype=application/x-truetype-font"];
    let with = film(folder.path(), "a.mkv", &[&script], &attached);
    let without = film(folder.path(), "b.mkv", &[&script], &["-c:s", "copy"]);
    let width = |film: &Path| {
        let (left, _, right, _) = inked(&Playing::open(film).seen(0, 1500)).expect("the line is seen");
        right - left
    };
    // In this font an i is as wide as an m.
    let (with, without) = (width(&with), width(&without));
    assert!(f64::from(with) > f64::from(without) * 1.25, "{with} pixels wide with the font, {without} without it");
}

#[test]
fn what_a_film_brings_along_as_fonts_and_is_none_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let script = script("Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,A good line\n");
    let script = write(folder.path(), "a.ass", script);
    let noise = write(folder.path(), "noise.ttf", [&b"\0\x01\0\0"[..], &[0xff; 3000]].concat());
    let letter = write(folder.path(), "letter.otf", "Dear font, ".repeat(100));
    let attached = ["-c:s", "copy", "-attach", noise.to_str().unwrap(), "-attach", letter.to_str().unwrap()];
    let mime = ["-metadata:s:t", "mimetype=application/x-truetype-font"];
    let with = film(folder.path(), "a.mkv", &[&script], &[&attached[..], &mime].concat());
    let without = film(folder.path(), "b.mkv", &[&script], &["-c:s", "copy"]);
    let (mut with, mut without) = (Playing::open(&with), Playing::open(&without));
    let (with, without) = (with.seen(0, 1500), without.seen(0, 1500));
    assert!(inked(&with).is_some() && with == without);
}

#[test]
fn embedded_lines_in_an_old_charset_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = SRT.replace("The first line", "Où étais-tu, mon frère? Déjà là, près de la fenêtre.");
    let (old, ..) = encoding_rs::WINDOWS_1252.encode(&text);
    let good = film(folder.path(), "good.mkv", &[&write(folder.path(), "good.srt", &text)], &["-c:s", "copy"]);
    let bad = film(folder.path(), "bad.mkv", &[&write(folder.path(), "bad.srt", old)], &["-c:s", "copy"]);
    let (mut good, mut bad) = (Playing::open(&good), Playing::open(&bad));
    let (good, bad) = (good.seen(0, 1500), bad.seen(0, 1500));
    assert!(inked(&good).is_some() && good == bad);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_file_of_subtitles_is_shown_or_refused(
        ending in prop::sample::select(vec!["srt", "ass", "vtt", "sub", "smi", "sup"]),
        head in prop::sample::select(vec![SRT.as_bytes().to_vec(), script("Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,A\n").into_bytes(), b"WEBVTT\n\n00:01.000 --> 00:02.000\nA\n".to_vec(), b"{1}{50}A\n{60}{90}B\n".to_vec(), sup(), Vec::new()]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..30),
        tail in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = head;
        for (place, byte) in damage {
            if !bytes.is_empty() {
                let at = place.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes.extend(tail);
        bytes.push(b'\n');
        let (events, told) = mailbox(64);
        let (mut subtitler, orders, wishes, _pictures) = Subtitler::new(events, Arc::default());
        let file = write(folder.path(), &format!("a.{ending}"), bytes);
        let is_taken = orders.order(Order::Load(file));
        prop_assert!(is_taken);
        for ms in [0, 1000, 1500, 4500] {
            wishes.put(at(0, ms));
            while subtitler.step() == Step::Worked {}
        }
        let is_told = matches!(told.receive(), Some(Event::SubtitlesAdded(_) | Event::NoSubtitles { .. }));
        prop_assert!(is_told);
    }
}
