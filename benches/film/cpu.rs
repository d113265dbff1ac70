//! `film.cpu`: the whole process's time for a picture, beside the `ffmpeg` program decoding alone.

use std::{path::Path, process::Command};

use bevy::{prelude::*, render::RenderApp};
use houselights::{
    app::{
        self, Ground,
        offscreen::{Offscreen, Options},
    },
    audio::{Mixer, Output, backend::capture},
    film::{FilmSource, Open, Screening},
    room::Now,
    theater::{Upload, screen},
    trace::Trace,
};

use super::{
    clip::Clip,
    kept::kept,
    table::{Row, quantile},
};

const FIRST: i64 = 100;
const LAST: i64 = 1000;
const RUNS: usize = 3;
const GOAL: f64 = 1.10;

pub(crate) fn run() -> Vec<Row> {
    let mut rows: Vec<Row> = FILMS.iter().map(|(id, name, video)| measure(id, name, video)).collect();
    let worst = rows.iter().max_by(|a, b| a.value.total_cmp(&b.value)).map(|row| (row.id, row.value));
    if let Some((id, value)) = worst {
        rows.push(Row::at_most("film.cpu", value, GOAL, "×").noting(format!("the worst of the three: {id}")));
    }
    rows
}

/// What films are made with today; all at 1080p, 8 Mbit/s and 24 pictures a second.
const FILMS: [(&str, &str, &[&str]); 3] = [
    (
        "film.cpu.h264",
        "cpu-h264.mkv",
        &[
            "libx264",
            "-preset",
            "veryfast",
            "-b:v",
            "8M",
            "-maxrate",
            "8M",
            "-bufsize",
            "8M",
            "-x264-params",
            "nal-hrd=cbr",
            "-g",
            "48",
            "-bf",
            "2",
        ],
    ),
    (
        "film.cpu.hevc10",
        "cpu-hevc10.mkv",
        &["libx265", "-preset", "superfast", "-pix_fmt", "yuv420p10le", "-b:v", "8M", "-x265-params", "log-level=error:keyint=48"],
    ),
    ("film.cpu.av1", "cpu-av1.mkv", &["libsvtav1", "-preset", "10", "-b:v", "8M", "-g", "48"]),
];

fn measure(id: &'static str, name: &str, video: &[&str]) -> Row {
    let film = kept(&Clip { size: (1920, 1080), seconds: 43.0, video, sound: &[], name, ..Clip::default() });
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(8));
    let (mut ours, mut bevys, mut rivals) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (whole_ns, updates) = play(Some(&film), None);
        let (bevy_ns, _) = play(None, Some(&updates));
        let per_picture = |ns: f64| ns / 1e6 / (LAST - FIRST) as f64;
        ours.push(per_picture(whole_ns - bevy_ns));
        bevys.push(per_picture(bevy_ns));
        rivals.push((ffmpeg_ms(&film, LAST, threads) - ffmpeg_ms(&film, FIRST, threads)) / (LAST - FIRST) as f64);
    }
    let (ours, rival, bevy) = (quantile(&mut ours, 0.5), quantile(&mut rivals, 0.5), quantile(&mut bevys, 0.5));
    let note = format!("ms a picture, median of {RUNS}, N = {threads}; Bevy's own {bevy:.3} ms subtracted");
    Row::at_most(id, ours / rival, GOAL, "×").against(ours, rival).noting(note)
}

/// Process time between two pictures that were uploaded, and the updates in between; or of the same updates without a film.
fn play(film: Option<&Path>, as_before: Option<&[i64]>) -> (f64, Vec<i64>) {
    let ear = capture::Handle::default();
    let mixer = Mixer::open(&Output::Capture(ear.clone()), &Trace::default()).unwrap();
    let mut offscreen = Offscreen::new(Options { width: 64, height: 36, step: None, dummy_window: false }, |app| {
        app::house(app, Ground::nobodys(mixer));
        app.add_plugins(screen::plugin);
    });
    let mut stage = Stage { now_ns: 0, ear };
    for _ in 0..10 {
        stage.update(&mut offscreen, 0);
    }
    let Some(film) = film else {
        let begin_ns = process_ns();
        for &by_ns in as_before.unwrap_or_default() {
            stage.update(&mut offscreen, by_ns);
        }
        return (process_ns() - begin_ns, Vec::new());
    };
    offscreen.app.world_mut().trigger(Open { source: FilmSource::File(film.to_owned()), plays: true });
    let (mut updates, mut begin) = (Vec::new(), None);
    loop {
        // Time goes on until the next picture is due; then it is waited for.
        let screening = offscreen.app.world().get_resource::<Screening>();
        let shown_ns = screening.and_then(Screening::shown_ns);
        let heard_ns = screening.and_then(|screening| screening.heard(stage.now_ns)).map(|heard| heard.film_ns);
        let is_there = shown_ns.zip(heard_ns).is_none_or(|(shown_ns, heard_ns)| heard_ns < shown_ns + PICTURE_NS);
        let picture = shown_ns.map_or(0, |shown_ns| (shown_ns + PICTURE_NS / 2) / PICTURE_NS);
        if picture >= FIRST && begin.is_none() {
            begin = Some((process_ns(), uploads(&offscreen)));
            updates.clear();
        }
        if let Some((begin_ns, uploaded)) = begin.filter(|_| picture >= LAST) {
            let uploaded = uploads(&offscreen) - uploaded;
            assert!(uploaded >= (LAST - FIRST) as u64, "only {uploaded} pictures were uploaded");
            return (process_ns() - begin_ns, updates);
        }
        if !is_there {
            std::thread::sleep(std::time::Duration::from_micros(500));
        }
        let by_ns = if is_there { STEP_NS } else { 0 };
        stage.update(&mut offscreen, by_ns);
        updates.push(by_ns);
        assert!(updates.len() < 50_000, "the film stands at picture {picture}");
    }
}

struct Stage {
    now_ns: i64,
    ear: capture::Handle,
}

impl Stage {
    fn update(&mut self, offscreen: &mut Offscreen, by_ns: i64) {
        self.now_ns += by_ns;
        if by_ns > 0 {
            let frames = (by_ns * 48_000 / 1_000_000_000) as usize;
            drop(self.ear.render(frames, self.now_ns));
        }
        offscreen.app.world_mut().resource_mut::<Now>().mono_ns = self.now_ns;
        offscreen.step();
    }
}

const PICTURE_NS: i64 = 1_000_000_000 / 24;
/// Less than a picture, so that none is dropped: 960 frames of sound.
const STEP_NS: i64 = 20_000_000;

fn uploads(offscreen: &Offscreen) -> u64 {
    offscreen.app.sub_app(RenderApp).world().resource::<Upload>().uploads
}

/// User and system time of all threads.
fn process_ns() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// User and system time of the program decoding so many pictures, as it says itself.
fn ffmpeg_ms(film: &Path, pictures: i64, threads: usize) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-benchmark", "-threads", &threads.to_string(), "-i"])
        .arg(film)
        .args(["-an", "-frames:v", &pictures.to_string(), "-f", "null", "-"])
        .output()
        .expect("the rival is missing: scripts/rivals (apt-get install ffmpeg)");
    let said = String::from_utf8_lossy(&output.stderr);
    let seconds =
        |name: &str| said.split(name).nth(1).and_then(|rest| rest.split('s').next()).and_then(|number| number.parse::<f64>().ok());
    (seconds("utime=").expect("ffmpeg says its time") + seconds("stime=").expect("ffmpeg says its time")) * 1e3
}
