//! `film.lowtier`: how many pictures of the theater are drawn a second in software on two cores, with a film playing.

use std::{path::Path, process::Command};

use bevy::render::renderer::RenderAdapterInfo;
use houselights::{
    app::offscreen::Offscreen,
    audio::Output,
    theater::Tier,
    trace::{Trace, mono_ns},
};

use super::{clip::Clip, stage::Stage, table::Row};

const SECONDS: i64 = 15;
const CORES: usize = 2;
const GOAL: f64 = 48.0;
/// The bench starts itself again with this and a film: what draws is chosen by a process's environment, and its threads keep to the cores it began on.
pub(crate) const CHILD: &str = "--draw-in-software";

pub(crate) fn run() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let film =
        Clip { size: (1280, 720), seconds: SECONDS as f64 + 6.0, sound: &["aac"], name: "low.mp4", ..Clip::default() }.make(folder.path());
    let mut command = on_two_cores(&std::env::current_exe().unwrap());
    command.arg(CHILD).arg(&film).env("WGPU_FORCE_FALLBACK_ADAPTER", "1").env_remove("WGPU_ADAPTER_NAME");
    let output = command.output().expect("this figure needs taskset where there are more cores: apt-get install util-linux");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = said.trim().splitn(3, ' ');
    let mut number = || words.next().and_then(|word| word.parse::<f64>().ok());
    let (Some(per_s), Some(cores)) = (number(), number()) else {
        return vec![Row::at_least("film.lowtier", f64::NAN, GOAL, "/s").noting(String::from_utf8_lossy(&output.stderr).into_owned())];
    };
    let note = format!("640×360 from seat 35, {cores} cores, {}, film of 720p at 24/s playing", words.next().unwrap_or_default());
    vec![Row::at_least("film.lowtier", per_s, GOAL, "/s").noting(note)]
}

/// Plays the film and prints the pictures drawn a second, the cores there are, and what drew.
pub(crate) fn play(film: &Path) {
    let mut stage = Stage::open((640, 360), Tier::Low, &Output::Null { ppm: 0.0 }, &Trace::default());
    let (name, is_software) = adapter(&stage.offscreen);
    assert!(is_software, "{name} draws, which is no software");
    let per_s = drawn_per_s(&mut stage, film, SECONDS);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{per_s:.3} {cores} {name}");
}

/// How many pictures of the theater are drawn a second while the film plays.
pub(crate) fn drawn_per_s(stage: &mut Stage, film: &Path, seconds: i64) -> f64 {
    stage.play_file(film);
    let begin_ns = mono_ns();
    let mut drawn = 0;
    while mono_ns() < begin_ns + seconds * 1_000_000_000 {
        stage.offscreen.step();
        stage.wait_until_drawn();
        drawn += 1;
    }
    f64::from(drawn) / ((mono_ns() - begin_ns) as f64 / 1e9)
}

/// What draws, and whether it is software.
pub(crate) fn adapter(offscreen: &Offscreen) -> (String, bool) {
    let adapter = offscreen.app.world().resource::<RenderAdapterInfo>();
    // wgpu's own enums are not named by us: their words are enough.
    (adapter.name.clone(), format!("{:?}", adapter.device_type) == "Cpu")
}

/// The program on the first two of the cores it may use, where there are more.
fn on_two_cores(program: &Path) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let numbers: Vec<String> = allowed.split(',').flat_map(range).take(CORES).map(|core| core.to_string()).collect();
    if cores <= CORES || numbers.len() < CORES {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &numbers.join(",")]).arg(program);
    command
}

/// Of a list such as `0-3,8`, what stands between two commas.
fn range(text: &str) -> impl Iterator<Item = u32> + use<> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u32>().ok();
    number(first).zip(number(last)).into_iter().flat_map(|(first, last)| first..=last)
}
