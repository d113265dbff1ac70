//! `film.seek`: from the command to the exact picture on the graphics device, beside mpv from its command to `playback-restart`. Both stand.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use houselights::{
    audio::Output,
    clock::FilmTime,
    film::Screening,
    room::Ask,
    theater::Tier,
    trace::{Trace, mono_ns},
};
use serde_json::Value;

use super::{
    clip::Clip,
    kept::kept,
    stage::Stage,
    table::{Row, quantile},
};

const PLACES: i64 = 20;
const SECONDS: f64 = 60.0;

pub(crate) fn run() -> Vec<Row> {
    // A key frame every five seconds, as films are made.
    let video = ["libx264", "-preset", "veryfast", "-b:v", "6M", "-g", "120", "-keyint_min", "120", "-sc_threshold", "0", "-bf", "3"];
    let film = kept(&Clip { size: (1920, 1080), seconds: SECONDS, video: &video, sound: &["aac"], name: "seek.mkv", ..Clip::default() });
    // To and fro, never where one is.
    let places: Vec<f64> = (0..PLACES).map(|number| (number * 7 % PLACES) as f64 * (SECONDS - 4.0) / PLACES as f64 + 1.37).collect();
    let mut ours = ours_ms(&film, &places);
    let mut rivals = mpv_ms(&film, &places);
    let (longest, mpvs_longest) = (quantile(&mut ours, 1.0), quantile(&mut rivals, 1.0));
    let (our, rival) = (quantile(&mut ours, 0.5), quantile(&mut rivals, 0.5));
    let note = format!("ms, median of {PLACES} places, 1080p, a key frame every 5 s; longest {longest:.0} and {mpvs_longest:.0}");
    vec![Row::at_most("film.seek", our / rival, 1.0, "×").against(our, rival).noting(note)]
}

fn ours_ms(film: &Path, places: &[f64]) -> Vec<f64> {
    let mut stage = Stage::open((640, 360), Tier::Low, &Output::Null { ppm: 0.0 }, &Trace::default());
    stage.note_arrivals();
    stage.play_file(film);
    stage.world().trigger(Ask::Pause);
    for _ in 0..60 {
        stage.offscreen.step();
    }
    places.iter().map(|&place_s| seek_ms(&mut stage, place_s)).collect()
}

fn seek_ms(stage: &mut Stage, place_s: f64) -> f64 {
    let wanted_ns = (place_s * 1e9) as i64;
    let begin_ns = mono_ns();
    stage.world().trigger(Ask::SeekTo(FilmTime::from_ns(wanted_ns)));
    stage.world().flush();
    loop {
        let before = stage.uploads();
        stage.offscreen.step();
        let shown_ns = stage.world().get_resource::<Screening>().and_then(Screening::shown_ns);
        if stage.uploads() > before && shown_ns.is_some_and(|shown_ns| (0..=PICTURE_NS).contains(&(wanted_ns - shown_ns))) {
            break;
        }
        assert!(mono_ns() - begin_ns < 20_000_000_000, "the picture at {place_s} s does not come");
        stage.rest();
    }
    let took_ms = (stage.arrived_ns() - begin_ns) as f64 / 1e6;
    for _ in 0..60 {
        stage.offscreen.step();
    }
    took_ms
}

fn mpv_ms(film: &Path, places: &[f64]) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("mpv");
    let mut mpv = Mpv(Command::new("mpv")
        .args(["--no-config", "--vo=null", "--ao=null", "--hr-seek=yes", "--pause", "--no-terminal", "--keep-open=yes"])
        .arg(format!("--input-ipc-server={}", socket.display()))
        .arg(film)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the rival is missing: scripts/rivals (apt-get install mpv)"));
    let begin_ns = mono_ns();
    let stream = loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(error) => assert!(mono_ns() - begin_ns < 20_000_000_000, "mpv does not answer: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut commands, mut answers) = (stream.try_clone().unwrap(), BufReader::new(stream).lines());
    let mut hears = |is_it: &dyn Fn(&Value) -> bool| {
        answers
            .by_ref()
            .map(|line| line.expect("mpv answers"))
            .any(|line| serde_json::from_str::<Value>(&line).is_ok_and(|answer| is_it(&answer)))
    };
    let mut number = 0;
    let mut seek = |place_s: f64| {
        // What it told before is not about this seek.
        number += 1;
        writeln!(commands, r#"{{"command":["get_property","pause"],"request_id":{number}}}"#).unwrap();
        assert!(hears(&|answer| answer["request_id"] == number), "mpv left");
        let begin_ns = mono_ns();
        writeln!(commands, r#"{{"command":["seek",{place_s},"absolute+exact"]}}"#).unwrap();
        assert!(hears(&|answer| answer["event"] == "playback-restart"), "mpv left");
        (mono_ns() - begin_ns) as f64 / 1e6
    };
    std::thread::sleep(Duration::from_secs(2));
    seek(30.0);
    let took = places.iter().map(|&place_s| {
        std::thread::sleep(Duration::from_millis(500));
        seek(place_s)
    });
    let took = took.collect();
    mpv.end();
    took
}

struct Mpv(Child);

impl Mpv {
    fn end(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Mpv {
    fn drop(&mut self) {
        self.end();
    }
}

const PICTURE_NS: i64 = 1_000_000_000 / 24 + 1;
