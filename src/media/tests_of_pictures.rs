//! Which picture comes, how it is turned, what its codes mean.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Picture, Source, SubtitleWish, Transfer, Turn,
    tests::{Playing, SECOND, clip::Clip, number, open, open_clip, open_on},
};

/// A film made by the program `ffmpeg`, from `input` if that is not empty.
fn make(folder: &Path, name: &str, arguments: &str, input: &[u8]) -> PathBuf {
    let path = folder.join(name);
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("this test needs the program ffmpeg");
    let written = ffmpeg.stdin.take().map(|mut pipe| pipe.write_all(input));
    assert!(ffmpeg.wait().unwrap().success() && written.is_some_and(|written| written.is_ok()), "{name}");
    path
}

fn open_made(folder: &Path, name: &str, arguments: &str) -> Playing {
    open(Source::file(&make(folder, name, arguments, b"")).unwrap()).unwrap()
}

fn codes(picture: &Picture) -> Vec<u16> {
    let planes = [0, 1, 2].map(|index| picture.plane(index));
    planes.iter().flat_map(|plane| (0..plane.height).flat_map(move |y| (0..plane.width).map(move |x| plane.at(x, y)))).collect()
}

fn first(film: &mut Playing, film_ns: i64) -> Picture {
    film.seek(film_ns, None);
    film.picture(&mut Vec::new()).expect("a picture")
}

#[test]
fn what_is_left_out_on_the_way_to_a_place_changes_no_picture() {
    let x264 = ["libx264", "-preset", "veryfast", "-g", "60", "-bf", "3", "-b_strategy", "0", "-x264-params", "b-pyramid=normal"];
    let x265 = ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=60:bframes=4:b-pyramid=1:b-adapt=0"];
    for (name, video) in [("a.mkv", &x264[..]), ("b.mkv", &x265), ("c.mkv", &["mpeg2video", "-q:v", "3", "-g", "60", "-bf", "2"])] {
        let mut film = open_clip(&Clip { size: (160, 90), seconds: 2.5, video, sound: &[], name, ..Clip::default() });
        film.seek(0, None);
        let whole: Vec<_> =
            std::iter::from_fn(|| film.picture(&mut Vec::new()).map(|picture| (picture.film_ns, codes(&picture)))).collect();
        assert_eq!(whole.len(), 60, "{name}");
        for (index, (film_ns, expected)) in whole.iter().enumerate() {
            let found = first(&mut film, film_ns + SECOND / 100);
            assert!(found.film_ns == *film_ns && codes(&found) == *expected, "{name}: picture {index}");
        }
    }
}

#[test]
fn a_picture_that_stands_long_is_found_though_it_is_no_reference() {
    let folder = tempfile::tempdir().unwrap();
    let source =
        "-f lavfi -i testsrc2=s=160x90:r=24:d=2 -vf setpts='if(gt(N,20),PTS+5/TB,PTS)' -vsync vfr -c:v libx264 -bf 3 -b_strategy 0 -g 100";
    let mut film = open_made(folder.path(), "slow.mkv", source);
    let stands: Vec<i64> = [0.84, 3.0, 5.8].into_iter().map(|seconds: f64| first(&mut film, (seconds * 1e9) as i64).film_ns).collect();
    assert!(stands.iter().all(|&film_ns| film_ns == stands[0]) && (800_000_000..840_000_000).contains(&stands[0]), "{stands:?}");
}

#[test]
fn a_glance_at_the_key_frame_comes_before_the_exact_picture() {
    let mut film = open_clip(&Clip { sound: &[], ..Clip::default() });
    let pictures = |film: &mut Playing, film_ns| {
        film.seek_with(film_ns, None, true);
        [(); 2].map(|()| film.picture(&mut Vec::new()).map(|picture| (picture.is_glance, number(&picture))))
    };
    let at = |picture: i64| (picture * 2 + 1) * SECOND / 48;
    assert_eq!(pictures(&mut film, at(90)), [Some((true, Some(48))), Some((false, Some(90)))]);
    assert_eq!(pictures(&mut film, at(30)), [Some((true, Some(0))), Some((false, Some(30)))]);
    // As near as this the exact one is as fast.
    assert_eq!(pictures(&mut film, at(50)), [Some((false, Some(50))), Some((false, Some(51)))]);
    assert_eq!(first(&mut film, at(90)).film_ns / SECOND, 3);
}

#[test]
fn a_film_that_the_graphics_card_may_decode_is_the_same_film() {
    let clip = Clip { sound: &[], ..Clip::default() };
    let folder = tempfile::tempdir().unwrap();
    let mut film = open_on(Source::file(&clip.make(folder.path())).unwrap(), true).unwrap();
    let at = |picture: i64| (picture * 2 + 1) * SECOND / 48;
    let numbers: Vec<_> = [0, 90, 30].map(|picture| number(&first(&mut film, at(picture)))).into();
    assert_eq!(numbers, [0, 90, 30].map(Some), "with a card or without one");
}

#[test]
fn films_held_upright_or_upside_down_are_turned() {
    let folder = tempfile::tempdir().unwrap();
    let plain = make(folder.path(), "plain.mp4", "-f lavfi -i testsrc2=s=160x90:r=10:d=0.5 -c:v libx264", b"");
    // FFmpeg counts counterclockwise.
    for (degrees, upper_left) in [(90, [1.0, 0.0]), (180, [1.0, 1.0]), (270, [0.0, 1.0])] {
        let turn = format!("-i {} -c copy -metadata:s:v rotate={degrees}", plain.display());
        let mut film = open_made(folder.path(), &format!("{degrees}.mp4"), &turn);
        let picture = first(&mut film, 0);
        let aspect = if degrees == 180 { 160.0 / 90.0 } else { 90.0 / 160.0 };
        assert!((picture.aspect - aspect).abs() < 1e-6, "{degrees}: {}", picture.aspect);
        assert_eq!(picture.turn.coded([0.0, 0.0]), upper_left, "{degrees}");
    }
    assert_eq!(first(&mut open(Source::file(&plain).unwrap()).unwrap(), 0).turn, Turn::NONE);
}

#[test]
fn pixels_that_are_not_square_are_shown_as_wide_as_they_are_meant() {
    let folder = tempfile::tempdir().unwrap();
    // VP9 does not say it, so there the container does; in a broadcast only the picture says it.
    for (name, video) in [
        ("container.mkv", "libvpx-vp9 -cpu-used 8 -deadline realtime"),
        ("both.mkv", "libx264"),
        ("both.mp4", "libx264"),
        ("picture.ts", "libx264"),
        ("disc.ts", "mpeg2video -q:v 3"),
    ] {
        let arguments = format!("-f lavfi -i testsrc2=s=720x576:r=25:d=0.4 -vf setsar=64/45 -pix_fmt yuv420p -c:v {video}");
        let picture = first(&mut open_made(folder.path(), name, &arguments), 0);
        assert_eq!((picture.size(), (picture.aspect * 576.0).round()), ((720, 576), 1024.0), "{name}");
    }
}

#[test]
fn a_film_whose_own_time_begins_late_is_as_one_that_begins_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let words = folder.path().join("words.srt");
    std::fs::write(&words, "1\n00:00:01,000 --> 00:00:02,000\nIn its time\n").unwrap();
    let clip = Clip { size: (160, 90), sound: &["alac", "-ar", "48000"], ..Clip::default() }.make(folder.path());
    for (name, subtitles) in [("late.mkv", "srt"), ("late.mp4", "mov_text")] {
        let (clip, words) = (clip.display(), words.display());
        // Of sound that is copied FFmpeg's MP4 leaves out the last packet: Matroska says no duration, and the track's edit ends where that packet begins.
        let arguments = format!("-i {clip} -i {words} -map 0 -map 1 -c copy -c:a alac -c:s {subtitles} -output_ts_offset 37");
        let mut film = open_made(folder.path(), name, &arguments);
        let duration_ns = film.info.duration_ns.expect("the file says how long it is");
        assert!((duration_ns - 4 * SECOND).abs() < SECOND / 20, "{name}: {duration_ns} ns long");
        film.seek(0, Some(0));
        let pictures: Vec<_> =
            std::iter::from_fn(|| film.picture(&mut Vec::new()).map(|picture| (number(&picture), picture.film_ns))).collect();
        assert_eq!(pictures.iter().map(|picture| picture.0).collect::<Vec<_>>(), (0..96).map(Some).collect::<Vec<_>>(), "{name}");
        for (index, (_, film_ns)) in pictures.iter().enumerate() {
            assert!((film_ns - index as i64 * SECOND / 24).abs() <= 1_000_000, "{name}: picture {index} at {film_ns} ns");
        }
        let end_ns = film.ended_ns.expect("the end is told");
        assert!((end_ns - 4 * SECOND).abs() < SECOND / 20, "{name}: ends at {end_ns} ns");
        for (ms, is_seen) in [(900, false), (1100, true), (2100, false)] {
            let wish = SubtitleWish { track: Some(0), film_ns: ms * 1_000_000, frame: (640, 360), band: 40, scale: 1.0, lift: 0.0 };
            film.player.show_subtitles(wish);
            film.hand.run_until_idle();
            let seen = film.player.subtitle_picture().map(|picture| !picture.is_empty());
            assert_eq!(seen, Some(is_seen), "{name}: the line at {ms} ms");
        }
        for picture in [60, 0, 95, 30] {
            let film_ns = (picture * 2 + 1) * SECOND / 48;
            film.seek(film_ns, Some(0));
            let mut sound = Vec::new();
            let found = film.picture(&mut sound).and_then(|picture| number(&picture));
            assert_eq!(found, Some(picture as u16), "{name}");
            let (sample, expected) = (f64::from(sound[0]), 0.8 * ((film_ns % SECOND) as f64 / 1e9) - 0.4);
            assert!((sample - expected).abs() < 3e-3, "{name}: {sample} is heard with picture {picture}, not {expected}");
        }
    }
}

/// Wide bars over a still ground that move four pixels a field, as a camera of fields sees them.
fn fields(top_first: bool) -> Vec<u8> {
    let (width, height) = (64, 32);
    let bar = |field: usize, x: usize, y: usize| {
        if y < 16 && x / 8 == field % 8 {
            200
        } else if y >= 16 && y.is_multiple_of(4) {
            150
        } else {
            30
        }
    };
    let frame = |number: usize| -> Vec<u8> {
        let luma = (0..width * height).map(|i| {
            let (x, y) = (i % width, i / width);
            bar(number * 2 + usize::from((y % 2 == 0) != top_first), x, y)
        });
        luma.chain(std::iter::repeat_n(128, width * height / 2)).collect()
    };
    (0..8).flat_map(frame).collect()
}

#[test]
fn interlaced_pictures_become_one_for_each_field_without_combs() {
    let folder = tempfile::tempdir().unwrap();
    for (order, flag) in [("tff", 1), ("bff", 0)] {
        let arguments = format!(
            "-f rawvideo -pix_fmt yuv420p -s 64x32 -r 25 -i - -vf setfield={order} -c:v mpeg2video -q:v 1 -g 1 -flags +ildct+ilme -top {flag}"
        );
        let path = make(folder.path(), &format!("{order}.mkv"), &arguments, &fields(order == "tff"));
        let mut film = open(Source::file(&path).unwrap()).unwrap();
        film.seek(0, None);
        let pictures: Vec<_> = std::iter::from_fn(|| film.picture(&mut Vec::new())).collect();
        assert_eq!(pictures.len(), 16, "{order}");
        for (field, picture) in pictures.iter().enumerate() {
            assert!((picture.film_ns - field as i64 * SECOND / 50).abs() <= 1_000_000, "{order}: {field} at {} ns", picture.film_ns);
            let luma = picture.plane(0);
            // Past the ends there is nothing to compare with; inside, the bar stands where its field saw it, in all lines.
            for y in 2..14 {
                let bright = (0..64).filter(|&x| luma.at(x, y) > 115).map(|x| x / 8).collect::<std::collections::BTreeSet<_>>();
                let expected = std::collections::BTreeSet::from([field % 8]);
                assert!(
                    (1..15).contains(&field) && bright == expected || !(1..15).contains(&field),
                    "{order} {field}, line {y}: {bright:?}"
                );
            }
            for y in (20..28).step_by(4) {
                let (on, beside) = (luma.at(30, y), luma.at(30, y + 2));
                assert!(!(1..15).contains(&field) || on > 125 && beside < 55, "{order} {field}: a still line is lost: {on} {beside}");
            }
        }
        // Half a frame on is the second field.
        let second = first(&mut film, 4 * SECOND / 25 + SECOND / 40);
        assert!((second.film_ns - 9 * SECOND / 50).abs() <= 1_000_000, "{}", second.film_ns);
    }
}

#[test]
fn high_dynamic_range_and_deep_codes_are_known_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let colours = "-colorspace bt2020nc -color_primaries bt2020 -color_range tv -chroma_sample_location topleft";
    for (transfer, expected) in [("smpte2084", Transfer::Pq), ("arib-std-b67", Transfer::Hlg), ("bt2020-10", Transfer::Standard)] {
        let arguments = format!("-f lavfi -i color=gray:s=64x64:r=10:d=0.3 -pix_fmt yuv420p10le -c:v ffv1 {colours} -color_trc {transfer}");
        let picture = first(&mut open_made(folder.path(), &format!("{transfer}.mkv"), &arguments), 0);
        assert_eq!((picture.bits, picture.light.transfer, picture.chroma_offset), (10, expected, [0.5, 0.5]), "{transfer}");
        assert!((picture.light.gamut[0][0] - 1.6605).abs() < 1e-3, "wide colours");
        assert!(picture.plane(0).at(5, 5) > 256, "codes keep their ten bits");
    }
    let mastering = "-f lavfi -i color=gray:s=64x64:r=10:d=0.3 -pix_fmt yuv420p10le -c:v libx265 -x265-params \
        log-level=none:colorprim=9:transfer=16:colormatrix=9:max-cll=4000,400:hdr10=1";
    let picture = first(&mut open_made(folder.path(), "bright.mkv", mastering), 0);
    let tone = picture.light.tone;
    assert!(tone.peak > 0.9 && tone.white < 0.65, "the film's own brightest light counts: {tone:?}");
    for (name, format, bits, shift) in
        [("422.mkv", "yuv422p12le", 12, [1, 0]), ("444.mkv", "yuv444p16le", 16, [0, 0]), ("411.mkv", "yuv411p", 8, [2, 0])]
    {
        let arguments = format!("-f lavfi -i testsrc2=s=66x34:r=10:d=0.3 -pix_fmt {format} -c:v ffv1");
        let picture = first(&mut open_made(folder.path(), name, &arguments), 0);
        assert_eq!((picture.bits, picture.chroma_shift), (bits, shift), "{name}");
    }
}

#[test]
fn a_film_of_one_picture_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [("one.png", "-c:v png"), ("one.mkv", "-c:v libx264"), ("one.jpg", "-c:v mjpeg")] {
        let arguments = format!("-f lavfi -i testsrc2=s=64x64:r=24:d=0.04 -frames:v 1 {arguments}");
        let mut film = open_made(folder.path(), name, &arguments);
        for film_ns in [0, SECOND] {
            assert_eq!(first(&mut film, film_ns).size(), (64, 64), "{name}");
            assert!(film.picture(&mut Vec::new()).is_none() && film.ended_ns.is_some(), "{name}");
        }
    }
}

#[test]
fn stamps_that_jump_back_show_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let clip =
        Clip { name: "a.ts", size: (160, 90), seconds: 3.0, video: &["mpeg2video", "-q:v", "4"], sound: &["mp2"], ..Clip::default() };
    let once = std::fs::read(clip.make(folder.path())).unwrap();
    let mut film = open(Source::new("twice.ts", std::io::Cursor::new([once.clone(), once].concat()))).unwrap();
    film.seek(0, Some(0));
    let times: Vec<i64> = std::iter::from_fn(|| film.picture(&mut Vec::new()).map(|picture| picture.film_ns)).collect();
    assert!(times.len() >= 70 && times.is_sorted(), "{times:?}");
    assert!(film.ended_ns.is_some());
}

#[test]
fn sixty_four_streams_are_listed_with_all_that_is_said_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let names =
        "-metadata:s:a:1 language=fre -metadata:s:a:1 title=Commentary -disposition:a:0 0 -disposition:a:1 default -disposition:a:2 forced";
    let arguments = format!(
        "-f lavfi -i testsrc2=s=64x64:r=10:d=1 -f lavfi -i sine=d=1 -map 0 {} -c:v libx264 -c:a pcm_s16le {names}",
        "-map 1 ".repeat(63)
    );
    let mut film = open_made(folder.path(), "many.mkv", &arguments);
    assert_eq!((film.info.sounds.len(), film.info.video.map(|video| video.codec)), (63, Some("h264")));
    let second = &film.info.sounds[1];
    assert_eq!((&second.language[..], &second.title[..], second.codec, second.is_default), ("fre", "Commentary", "pcm_s16le", true));
    assert_eq!((film.info.default_sound, film.info.sounds[2].is_forced, film.info.sounds[0].is_default), (Some(1), true, false));
    film.seek(SECOND / 2, Some(62));
    let mut sound = Vec::new();
    assert!(film.picture(&mut sound).is_some());
}

#[test]
fn every_stream_of_pictures_is_listed_but_no_cover() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i testsrc2=s=64x64:r=10:d=1 -f lavfi -i testsrc2=s=96x64:r=10:d=1 -f lavfi -i color=red:s=32x32:d=0.1 \
                     -map 0 -map 1 -map 2 -c:v libx264 -c:v:1 mpeg4 -c:v:2 png -frames:v:2 1 -metadata:s:v:1 language=ger \
                     -metadata:s:v:1 title=Balcony -disposition:v:0 0 -disposition:v:1 default+forced -disposition:v:2 attached_pic";
    let mut film = open_made(folder.path(), "two.mp4", arguments);
    let listed: Vec<_> = film.info.pictures.iter().map(|track| (track.codec, track.width, track.is_default)).collect();
    assert_eq!(listed, [("h264", 64, false), ("mpeg4", 96, true)], "the cover is none");
    assert_eq!((film.info.pictures[1].language.as_str(), film.info.pictures[1].is_forced), ("ger", true));
    assert_eq!((film.info.picture, film.info.video.map(|video| video.codec)), (Some(1), Some("mpeg4")), "the one that the file names");
    assert_eq!([0, SECOND / 2].map(|film_ns| first(&mut film, film_ns).size()), [(96, 64); 2]);
    let song = Clip { video: &[], name: "song.flac", seconds: 1.0, ..Clip::default() }.make(folder.path());
    let cover = "-f lavfi -i color=red:s=32x32:d=0.1 -map 0 -map 1 -frames:v 1 -c:v png -disposition:v attached_pic";
    let film = open_made(folder.path(), "covered.flac", &format!("-i {} {cover}", song.display()));
    assert!(film.info.video.is_some_and(|video| video.is_cover));
    assert_eq!((film.info.pictures.len(), film.info.picture), (0, None));
}

#[test]
fn chapters_have_their_places_and_titles() {
    let folder = tempfile::tempdir().unwrap();
    let words = folder.path().join("chapters.txt");
    let chapter = |start: u32, end: u32, title: &str| format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n");
    let text = [";FFMETADATA1\n".to_owned(), chapter(0, 1500, "Arrival"), chapter(1500, 3000, "The lake")].concat();
    std::fs::write(&words, text).unwrap();
    for name in ["a.mkv", "a.mp4"] {
        let arguments = format!("-f lavfi -i testsrc2=s=64x64:r=10:d=3 -i {} -map 0 -map_metadata 1 -c:v libx264", words.display());
        let film = open_made(folder.path(), name, &arguments);
        let chapters: Vec<_> = film.info.chapters.iter().map(|chapter| (chapter.start_ns, &chapter.title[..])).collect();
        assert_eq!(chapters, [(0, "Arrival"), (1_500_000_000, "The lake")], "{name}");
    }
}

#[test]
fn a_picture_beyond_every_adapter_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path(), "huge.mkv", "-f lavfi -i color=s=16384x64:r=1:d=1 -c:v mjpeg -pix_fmt yuvj420p", b"");
    let refusal = open(Source::file(&path).unwrap()).err().expect("it is too wide").to_string();
    assert!(refusal.contains("a picture of 16384 × 64 pixels"), "{refusal}");
}

#[test]
fn a_cover_beyond_every_adapter_is_left_out_and_its_song_plays() {
    let folder = tempfile::tempdir().unwrap();
    let song = Clip { video: &[], name: "song.flac", ..Clip::default() }.make(folder.path());
    let cover = "-f lavfi -i color=red:s=16384x64:d=0.1 -map 0 -map 1 -frames:v 1 -c:v png -disposition:v attached_pic";
    let mut film = open_made(folder.path(), "covered.flac", &format!("-i {} {cover}", song.display()));
    assert!(film.info.video.is_none(), "{:?}", film.info.video);
    film.seek(0, Some(0));
    let (pictures, sound) = film.rest();
    assert_eq!((pictures.len(), sound.len()), (0, 192_000));
}

#[test]
fn pictures_that_only_their_own_bytes_call_too_large_are_told_of_and_the_sound_plays() {
    let folder = tempfile::tempdir().unwrap();
    let small = "-f lavfi -i testsrc2=s=160x90:r=24:d=2 -f lavfi -i sine=d=2 -c:v mpeg2video -q:v 4 -c:a mp2";
    let small = std::fs::read(make(folder.path(), "small.ts", small, b"")).unwrap();
    // One has too many pixels for the decoder, the other decodes and is too wide for an adapter.
    for size in [(8000, 4600), (8400, 64)] {
        let large = format!(
            "-f lavfi -i color=gray:s={}x{}:r=5:d=1 -f lavfi -i sine=d=1 -pix_fmt yuv420p -c:v mpeg2video -c:a mp2 -output_ts_offset 2",
            size.0, size.1
        );
        let large = std::fs::read(make(folder.path(), "large.ts", &large, b"")).unwrap();
        let joined = [small.clone(), large].concat();
        let mut film = open(Source::new("joined.ts", std::io::Cursor::new(joined))).unwrap();
        assert_eq!(film.info.video.map(|video| (video.width, video.height)), Some((160, 90)), "the file does not say it");
        film.seek(0, Some(0));
        let mut sound = Vec::new();
        let sizes: Vec<_> = std::iter::from_fn(|| film.picture(&mut sound).map(|picture| picture.size())).collect();
        assert!(sizes.len() >= 45 && sizes.iter().all(|&shown| shown == (160, 90)), "{size:?}: {sizes:?}");
        assert_eq!(film.too_large, [size], "told once");
        assert!((sound.len() as f64 / 48_000.0 - 3.0).abs() < 0.15, "{size:?}: {} samples", sound.len());
        let last = &sound[sound.len() - 24_000..sound.len() - 12_000];
        assert!(last.iter().any(|sample| sample.abs() > 0.05), "{size:?}: the sound beside them is silent");
        assert!(film.ended_ns.is_some(), "{size:?}");
        // From another place on it is told again: whoever waits for a picture there waits no longer.
        film.seek(SECOND * 5 / 2, Some(0));
        while film.picture(&mut Vec::new()).is_some() {}
        assert!(film.too_large == [size; 2] && film.ended_ns.is_some(), "{size:?}: {:?}", film.too_large);
    }
}
