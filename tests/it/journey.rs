//! The program as people start it: processes, their lines, their exit codes, the files they leave.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use houselights::trace::Event;
use serde_json::Value;

use crate::support::clip::Clip;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_houselights"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A headless theater that answers lines.
struct Headless {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Headless {
    fn start(arguments: &[&str]) -> Self {
        let mut child =
            program().args(["--headless", "--sound", "null"]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn ask(&mut self, line: &str) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        assert!(self.answers.read_line(&mut answer).unwrap() > 0, "an answer to `{line}`");
        serde_json::from_str(&answer).unwrap()
    }

    fn is_ok(&mut self, line: &str) -> bool {
        self.ask(line)["ok"] == Value::Bool(true)
    }
}

#[test]
fn a_headless_theater_is_moved_by_lines() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { sound_tracks: 2, ..Clip::default() }.make(folder.path());
    let mut theater = Headless::start(&[film.to_str().unwrap()]);
    let state = theater.ask("state");
    assert_eq!(
        (state["film"].as_str(), state["film_time_s"].as_f64(), state["playing"].as_bool()),
        (Some("clip.mkv"), Some(0.0), Some(false))
    );
    assert!((state["duration_s"].as_f64().unwrap() - 4.0).abs() < 0.1);
    assert_eq!((state["volume"].as_f64(), state["audio"].as_u64()), (Some(100.0), Some(1)));
    assert!(theater.is_ok("seek 2.5") && theater.is_ok("audio 2") && theater.is_ok("volume 80"));
    let state = theater.ask("state");
    assert_eq!((state["film_time_s"].as_f64(), state["volume"].as_f64(), state["audio"].as_u64()), (Some(2.5), Some(80.0), Some(2)));
    for wrong in ["dance", "seek nan", "volume 1e9", "audio 7", ""] {
        let answer = theater.ask(wrong);
        assert!(
            answer["ok"] == Value::Bool(false) && answer["error"].as_str().is_some_and(|error| error.ends_with('.')),
            "{wrong}: {answer}"
        );
    }
    assert!(theater.is_ok("play"));
    assert_eq!(theater.ask("state")["playing"].as_bool(), Some(true));
    assert!(theater.is_ok("pause") && theater.is_ok("quit"));
    assert!(theater.child.wait().unwrap().success());
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
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let film = Clip::default().make(folder.path());
    let (ann_trace, bo_trace) = (path("ann.trace"), path("bo.trace"));
    // One machine, one configuration: the second program takes a temporary identity.
    let (config, cache) = (path("config"), path("cache"));
    let mut ann =
        Headless::start(&["host", film.to_str().unwrap(), "--relay", "none", "--name", "Ann", "--config", &config, "--trace", &ann_trace]);
    let mut line = String::new();
    ann.answers.read_line(&mut line).unwrap();
    let invite: Value = serde_json::from_str(&line).unwrap();
    let invite = invite["invite"].as_str().unwrap();
    let mut bo =
        Headless::start(&["join", invite, "--relay", "none", "--name", "Bo", "--config", &config, "--cache", &cache, "--trace", &bo_trace]);
    let watching = |theater: &mut Headless| {
        let people = theater.ask("people");
        let people = people["people"].as_array().unwrap();
        people.len() == 2 && people.iter().all(|person| person["status"] == "watching")
    };
    while !watching(&mut bo) {
        assert!(bo.child.try_wait().unwrap().is_none(), "Bo's program ended");
    }
    assert!(bo.is_ok("sit 12") && bo.is_ok("say hello") && ann.is_ok("play"));
    let place_s = |theater: &mut Headless| theater.ask("state")["film_time_s"].as_f64().unwrap();
    while place_s(&mut bo) < 1.5 {}
    assert!(bo.is_ok("pause"));
    while ann.ask("state")["playing"] == Value::Bool(true) || bo.ask("state")["playing"] == Value::Bool(true) {}
    assert_eq!(place_s(&mut ann), place_s(&mut bo), "a pause is one place for both");
    let chat = ann.ask("chat")["chat"].to_string();
    assert!(chat.contains("Bo paused at 0:0") && chat.contains(r#""text":"hello""#), "{chat}");
    assert_eq!(ann.ask("people")["people"][0]["seat"], 12);
    // Told by the system to end, Ann's program says goodbye: a line that only broke would be mended for a minute.
    let ann_id = rustix::process::Pid::from_child(&ann.child);
    rustix::process::kill_process(ann_id, rustix::process::Signal::TERM).unwrap();
    assert!(ann.child.wait().unwrap().success());
    let output = bo.child.wait().unwrap();
    assert_eq!(output.code(), Some(1), "the theater is closed, so whoever joined it leaves");
    // Both clocks are one on this machine: where both heard the same instant, they heard the same place.
    let heard = |trace: &str| -> Vec<(i64, i64)> {
        let events = houselights::trace::read(Path::new(trace)).unwrap();
        let heard = events.into_iter().filter_map(|event| match event {
            Event::Heard { mono_ns, film_ns, .. } => Some((mono_ns, film_ns)),
            _ => None,
        });
        heard.collect()
    };
    let (ann, bo) = (heard(&ann_trace), heard(&bo_trace));
    let offset = |(mono_ns, film_ns): (i64, i64)| film_ns - mono_ns;
    let (Some(last_ann), Some(last_bo)) = (ann.last(), bo.last()) else { panic!("nothing was heard") };
    let step_ms = (offset(*last_ann) - offset(*last_bo)) as f64 / 1e6;
    assert!(step_ms.abs() < 40.0, "{step_ms} ms apart");
    assert!(!Path::new(&cache).exists() || std::fs::read_dir(&cache).unwrap().count() == 0, "the cache is gone with the guest");
}
