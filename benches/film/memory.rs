//! `film.memory`: the most memory a process ever held that plays a 4K film in the theater.

use std::{path::Path, process::Command};

use houselights::{
    audio::Output,
    theater::Tier,
    trace::{Trace, mono_ns},
};

use super::{clip::Clip, kept::repeated, stage::Stage, table::Row};

const SECONDS: i64 = 60;
/// The bench starts itself again with this and a film, because what was measured before it would be counted, too.
pub(crate) const CHILD: &str = "--play-for-memory";

pub(crate) fn run() -> Vec<Row> {
    let video = ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=48", "-b:v", "20M"];
    let clip = Clip { size: (3840, 2160), seconds: 5.0, video: &video, sound: &["aac"], name: "memory-once.mkv", ..Clip::default() };
    let film = repeated(&clip, 13, "memory.mkv");
    let output = Command::new(std::env::current_exe().unwrap()).arg(CHILD).arg(&film).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = said.split_whitespace().map(|word| word.parse::<f64>().ok());
    let (Some(Some(peak_mb)), Some(Some(pictures))) = (numbers.next(), numbers.next()) else {
        return vec![Row::at_most("film.memory", f64::NAN, 700.0, "MB").noting(String::from_utf8_lossy(&output.stderr).into_owned())];
    };
    let note = format!("3840×2160 HEVC at 24/s for {SECONDS} s, offscreen at 640×360, low tier; {pictures:.0} pictures were shown");
    vec![Row::at_most("film.memory", peak_mb, 700.0, "MB").noting(note)]
}

/// Plays the film and prints the most megabytes (10⁶) that were resident, and the pictures shown.
pub(crate) fn play(film: &Path) {
    let mut stage = Stage::open((640, 360), Tier::Low, &Output::Null { ppm: 0.0 }, &Trace::default());
    stage.play_file(film);
    let begin_ns = mono_ns();
    while mono_ns() < begin_ns + SECONDS * 1_000_000_000 {
        stage.offscreen.step();
        stage.wait_until_drawn();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak_kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    println!("{:.0} {}", peak_kib.expect("Linux says how much memory was used") * 1024.0 / 1e6, stage.uploads());
}
