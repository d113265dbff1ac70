//! The program as people start it: processes, their lines, their exit codes, the files they leave.

use std::{ops::Range, path::Path};

use houselights::trace::{Event, mono_ns};

use crate::support::{
    clip::Clip,
    program::{Program, run},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_headless_theater_is_moved_by_lines() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { sound_tracks: 2, ..Clip::default() }.make(folder.path());
    let mut theater = Program::start(folder.path(), "Ann", &[film.to_str().unwrap()]);
    let state = theater.ask("state");
    assert_eq!(
        (state["film"].as_str(), state["film_time_s"].as_f64(), state["playing"].as_bool()),
        (Some("clip.mkv"), Some(0.0), Some(false))
    );
    assert!((state["duration_s"].as_f64().unwrap() - 4.0).abs() < 0.1);
    assert_eq!((state["volume"].as_f64(), state["audio"].as_u64()), (Some(100.0), Some(1)));
    for line in ["seek 2.5", "audio 2", "volume 80"] {
        theater.does(line);
    }
    let state = theater.ask("state");
    assert_eq!((state["film_time_s"].as_f64(), state["volume"].as_f64(), state["audio"].as_u64()), (Some(2.5), Some(80.0), Some(2)));
    for wrong in ["dance", "seek nan", "volume 1e9", "audio 7", ""] {
        let answer = theater.ask(wrong);
        assert!(answer["ok"] == false && answer["error"].as_str().is_some_and(|error| error.ends_with('.')), "{wrong}: {answer}");
    }
    theater.does("play");
    assert_eq!(theater.ask("state")["playing"].as_bool(), Some(true));
    theater.does("pause");
    theater.does("quit");
    assert_eq!(theater.ends(), Some(0));
}

#[test]
fn play_leaves_at_the_end_with_0_and_the_end_of_input_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let film = Clip { seconds: 1.5, ..Clip::default() }.make(folder.path());
    let (wav, trace) = (at("heard.wav"), at("trace.jsonl"));
    let output =
        run(&["--headless", "--play", "--sound", &format!("file:{wav}"), "--null-ppm", "200", "--trace", &trace, film.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let events = houselights::trace::read(Path::new(&trace)).unwrap();
    let shown: Vec<i64> =
        events.iter().filter_map(|event| if let Event::Shown { film_ns, .. } = event { Some(*film_ns) } else { None }).collect();
    assert!(shown.first() == Some(&0) && shown.is_sorted() && shown.last().unwrap() + 42_000_000 > 1_450_000_000, "{shown:?}");
    assert!(!events.iter().any(|event| matches!(event, Event::Lost { .. })));
    let sound = events.iter().find_map(|event| if let Event::Sound { mono_ns, rate } = event { Some((*mono_ns, *rate)) } else { None });
    let (start_ns, rate) = sound.expect("the file's beginning is in the trace");
    assert!((rate / 48_000.0 - 1.0002).abs() < 1e-9);
    check_heard(&events, start_ns, rate, &wav);
}

/// What the trace says was heard is what stands in the file at that instant: the clip's ramp tells its time.
fn check_heard(events: &[Event], start_ns: i64, rate: f64, wav: &str) {
    let samples = read_wav(Path::new(wav));
    let mut compared = 0;
    for event in events {
        let Event::Heard { mono_ns, film_ns } = *event else { continue };
        let place = (mono_ns - start_ns) as f64 * rate / 1e9;
        let in_film = film_ns as f64 / 1e9;
        // Away from the ramp's edges and the fades.
        if (0.05..0.95).contains(&in_film) && (place as usize) < samples.len() {
            let expected = 0.8 * in_film - 0.4;
            let sample = f64::from(samples[place.round() as usize]);
            // 0.8 a second: 1 ms is 0.0008.
            assert!((sample - expected).abs() < 4e-4, "at {in_film} s: {sample}, not {expected}");
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared} callbacks compared");
}

/// Left samples of a WAV file of 16-bit or float stereo.
fn read_wav(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let is_float = bytes[20] == 3;
    let data = bytes.windows(4).position(|four| four == b"data").unwrap() + 8;
    if is_float {
        bytes[data..].chunks_exact(8).map(|pair| f32::from_le_bytes(pair[..4].try_into().unwrap())).collect()
    } else {
        bytes[data..].chunks_exact(4).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect()
    }
}

#[test]
fn what_cannot_be_played_leaves_with_1_and_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.mkv");
    std::fs::write(&empty, b"").unwrap();
    for (film, expected) in
        [("/nowhere/none.mkv", "no file"), (folder.path().to_str().unwrap(), "folder"), (empty.to_str().unwrap(), "empty")]
    {
        let output = run(&["--headless", "--play", "--sound", "null", film]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn pictures_that_are_too_large_are_said_once_and_the_film_plays_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    // Two broadcasts in one file, of which the second is wider than anything shown.
    let part = |name: &str, size: &str, begins_at_s: &str| {
        let path = folder.path().join(name);
        let made = format!(
            "-loglevel error -nostdin -f lavfi -i testsrc2=s={size}:r=10:d=1 -f lavfi -i sine=d=1 -pix_fmt yuv420p -c:v mpeg2video -q:v 5 -c:a mp2"
        );
        let mut command = std::process::Command::new("ffmpeg");
        command.args(made.split_whitespace()).args(["-output_ts_offset", begins_at_s]).arg(&path);
        assert!(command.status().expect("this test needs the program ffmpeg").success());
        std::fs::read(path).unwrap()
    };
    let film = folder.path().join("film.ts");
    std::fs::write(&film, [part("a.ts", "160x90", "0"), part("b.ts", "8400x64", "1")].concat()).unwrap();
    let output = run(&["--headless", "--play", "--sound", "null", film.to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    let sentences: Vec<_> = said.lines().filter(|line| line.contains("too large: 8400 × 64")).collect();
    assert!(sentences.len() == 1 && sentences[0].ends_with("Its sound plays on."), "{said}");
}

#[test]
fn the_command_line_explains_its_mistakes() {
    for (arguments, expected) in [
        (&["--sound", "trumpet"][..], "device:NAME"),
        (&["--headless", "--play"], "--play needs a film"),
        (&["--headless", "--sound", "file:/nowhere/a.wav"], "/nowhere/a.wav"),
        (&["--headless", "--trace", "/nowhere/a.jsonl"], "/nowhere/a.jsonl"),
        (&[], "no display"),
        (&["shot", "--film", "/nowhere/none.mkv", "--out", "/tmp/never.png"], "no file"),
        (&["shot", "--seat", "71", "--out", "a.png"], "1 to 70"),
        (&["shot", "--out", "a.jpg"], ".png"),
        (&["--headless", "--trace", "assets/demo.mkv", "assets/demo.mkv"], "the film itself"),
    ] {
        let output = run(arguments);
        assert!(!output.status.success() && text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_shot_is_a_picture_of_the_asked_size() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { seconds: 1.0, ..Clip::default() }.make(folder.path());
    let out = folder.path().join("a.png");
    let output = run(&[
        "shot",
        "--film",
        film.to_str().unwrap(),
        "--at",
        "0.5",
        "--out",
        out.to_str().unwrap(),
        "--size",
        "320x180",
        "--tier",
        "low",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let png = std::fs::read(&out).unwrap();
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((&png[1..4], side(16), side(20)), (&b"PNG"[..], 320, 180));
}

#[test]
fn the_doctor_says_what_is_there() {
    let output = run(&["doctor"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for word in ["Graphics", "Sound", "FFmpeg", "libass", "Display"] {
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn two_people_watch_one_film_in_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let trace = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ann_trace, bo_trace) = (trace("ann.trace"), trace("bo.trace"));
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.mkv");
    let mut ann = Program::start(folder.path(), "Ann", &["host", demo, "--trace", &ann_trace]);
    let (invite, _) = ann.invites();
    let mut bo = Program::start(folder.path(), "Bo", &["join", &invite, "--trace", &bo_trace]);
    bo.until("both watch", |bo| ["Ann", "Bo"].iter().all(|name| bo.person(name)["status"] == "watching"));
    bo.does("sit 12");
    bo.does("say hello");
    ann.does("play");
    let before = settled_run(&mut bo, 0.0);
    bo.does("seek 30");
    let after = settled_run(&mut bo, 30.0);
    bo.does("pause");
    for theater in [&mut ann, &mut bo] {
        theater.until("the film stands", |theater| theater.ask("state")["playing"] == false);
    }
    assert_eq!(ann.place_s(), bo.place_s(), "a pause is one place for both");
    let read = ["hello", "Bo went to 0:30.", "Bo paused at 0:3"].map(|words| ann.in_chat(words));
    assert_eq!(read, [1; 3], "{}", ann.ask("chat"));
    assert_eq!(ann.person("Bo")["seat"], 12);
    // Told by the system to end, Ann's program says goodbye: a line that only broke would be mended for a minute.
    ann.terminate();
    assert_eq!(ann.ends(), Some(0));
    assert_eq!(bo.ends(), Some(1), "the theater is closed, so whoever joined it leaves");
    assert!(bo.said().contains("The host left and the theater is closed."), "{}", bo.said());
    let (ann, bo) = (heard(&ann_trace), heard(&bo_trace));
    for (run, during) in [("from the beginning", before), ("after Bo's seek", after)] {
        let mut apart_ms = apart_ms(&ann, &bo, &during);
        apart_ms.sort_by(f64::total_cmp);
        let seconds = (during.end - during.start) as f64 / 1e9;
        // A hundred a second are heard; who misses many of them is not watching.
        assert!(apart_ms.len() as f64 > 50.0 * seconds, "{run}: heard by both {} times in {seconds} s", apart_ms.len());
        let at = |part: f64| apart_ms[(part * (apart_ms.len() - 1) as f64) as usize];
        let (median_ms, most_ms) = (at(0.5), at(0.95));
        assert!(median_ms <= 20.0 && most_ms <= 40.0, "{run}: {median_ms} ms apart at the median, 95 % within {most_ms} ms");
    }
    let cache = folder.path().join("Bo.cache");
    assert!(!cache.exists() || std::fs::read_dir(&cache).unwrap().count() == 0, "the cache is gone with the guest");
}

/// Three seconds in which the film runs, from some time after it was set going at this place: when they were.
fn settled_run(theater: &mut Program, from_s: f64) -> Range<i64> {
    theater.until("the film runs", |theater| theater.place_s() > from_s + 1.5);
    let since_ns = mono_ns();
    theater.until("it runs on", |theater| theater.place_s() > from_s + 4.5);
    since_ns..mono_ns()
}

/// When each callback was heard, and what place of the film.
fn heard(trace: &str) -> Vec<(i64, i64)> {
    let events = houselights::trace::read(Path::new(trace)).unwrap();
    let heard = events.into_iter().filter_map(|event| match event {
        Event::Heard { mono_ns, film_ns } => Some((mono_ns, film_ns)),
        _ => None,
    });
    heard.collect()
}

/// How far apart two people were at every instant at which both heard the film. Both clocks are one on this machine.
fn apart_ms(one: &[(i64, i64)], other: &[(i64, i64)], during: &Range<i64>) -> Vec<f64> {
    let instants = one.iter().filter(|(mono_ns, _)| during.contains(mono_ns));
    let apart = instants.filter_map(|&(mono_ns, film_ns)| {
        let next = other.partition_point(|&(other_ns, _)| other_ns <= mono_ns);
        let &(before_ns, before_film_ns) = other.get(next.checked_sub(1)?)?;
        let passed_ns = mono_ns - before_ns;
        // Whoever heard nothing for five callbacks hears nothing.
        (passed_ns < 50_000_000).then(|| (film_ns - before_film_ns - passed_ns).abs() as f64 / 1e6)
    });
    apart.collect()
}

#[test]
fn what_is_no_invite_leaves_with_1_and_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut ann = Program::start(folder.path(), "Ann", &["host"]);
    let (invite, _) = ann.invites();
    for (wrong, expected) in [
        (&invite[..invite.len() - 9], "The end of the invite is missing"),
        ("syncplay.pl:8999", "looks like a Syncplay server"),
        ("https://example.org/watch", "web address"),
        ("come at eight", "not a Houselights invite"),
    ] {
        let mut bo = Program::start(folder.path(), "Bo", &["join", wrong]);
        assert_eq!(bo.ends(), Some(1), "{wrong}");
        let said = bo.said();
        assert!(said.contains(expected) && said.lines().count() == 1 && said.trim_end().ends_with('.'), "{wrong}: {said}");
    }
    assert_eq!(ann.names(), ["Ann"]);
}

#[test]
fn a_guest_whose_program_was_killed_is_missed_soon_and_sits_in_the_old_seat_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut ann = Program::start(folder.path(), "Ann", &["host"]);
    let (invite, _) = ann.invites();
    let comes = || Program::start(folder.path(), "Bo", &["join", &invite]);
    let is_seated = |bo: &mut Program| {
        let state = bo.ask("state");
        state["room"] == "guest" && state["seat"] == 12
    };
    let mut bo = comes();
    bo.until("Bo is in", |bo| bo.names() == ["Ann", "Bo"]);
    bo.does("sit 12");
    bo.until("Bo sits there", is_seated);

    let cut_ns = bo.cut_off();
    let mut bo = comes();
    let has_left = |ann: &mut Program, times: usize| {
        let names = ann.names();
        assert!(names == ["Ann"] || names == ["Ann", "Bo"], "the same person is not somebody else: {names:?}");
        ann.in_chat("Bo lost the connection.") == times
    };
    ann.until("Ann reads that Bo is gone", |ann| has_left(ann, 1));
    assert_soon(cut_ns, NOTICED_S, "Ann read that Bo was gone");
    ann.until("Ann reads that Bo is back", |ann| has_left(ann, 1) && ann.in_chat("Bo is back.") == 1);
    assert_soon(cut_ns, NOTICED_S + STARTED_S, "Bo was back");
    assert_eq!(ann.names(), ["Ann", "Bo"]);
    assert_eq!(ann.person("Bo")["seat"], 12);
    bo.until("Bo sits there again", is_seated);

    // Without a successor whose line takes its place, the silence is all there is to notice.
    let cut_ns = bo.cut_off();
    ann.until("Ann reads that Bo is gone again", |ann| has_left(ann, 2));
    assert_soon(cut_ns, NOTICED_S, "Ann read that Bo was gone");
    assert_eq!(ann.names(), ["Ann"]);
    let mut bo = comes();
    bo.until("Bo sits there a third time", is_seated);
    ann.until("Ann reads it", |ann| has_left(ann, 2) && ann.in_chat("Bo is back.") == 2);
    assert_eq!(ann.names(), ["Ann", "Bo"]);
}

#[test]
fn whoever_loses_the_host_is_told_soon_and_may_wait_or_go_home() {
    let folder = tempfile::tempdir().unwrap();
    let mut ann = Program::start(folder.path(), "Ann", &["host"]);
    let (invite, _) = ann.invites();
    let mut bo = Program::start(folder.path(), "Bo", &["join", &invite]);
    bo.until("Bo is in", |bo| bo.names() == ["Ann", "Bo"]);
    let cut_ns = ann.cut_off();
    bo.until("Bo is told", |bo| bo.said().contains("The connection to the theater is lost. Trying again…"));
    assert_soon(cut_ns, NOTICED_S, "Bo was told");
    let state = bo.ask("state");
    assert!(state["room"] == "joining" && state["problem"].as_str().is_some_and(|problem| problem.contains("lost")), "{state}");
    bo.refuses("say are you there");
    assert_eq!(bo.ask("state")["room"], "joining", "the host may come back");
    bo.does("leave");
    bo.until("Bo is at home", |bo| bo.ask("state")["room"] == "alone" && bo.names() == ["Bo"]);
}

fn assert_soon(since_ns: i64, most_s: f64, what: &str) {
    let took_s = (mono_ns() - since_ns) as f64 / 1e9;
    assert!(took_s <= most_s, "{what} only after {took_s:.1} s");
}

/// A line is dead when nothing came for 4 s; the rest is for a busy machine.
const NOTICED_S: f64 = 8.0;
/// For a program to start and find the host, on a busy machine.
const STARTED_S: f64 = 12.0;
