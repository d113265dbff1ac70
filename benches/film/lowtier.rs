//! `film.lowtier`: how many pictures of the theater are drawn a second in software, with a film playing.

use houselights::{
    audio::Output,
    theater::Tier,
    trace::{Trace, mono_ns},
};

use super::{clip::Clip, stage::Stage, table::Row};

const SECONDS: i64 = 15;

pub(crate) fn run() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let film =
        Clip { size: (1280, 720), seconds: SECONDS as f64 + 6.0, sound: &["aac"], name: "low.mp4", ..Clip::default() }.make(folder.path());
    let mut stage = Stage::open((640, 360), Tier::Low, &Output::Null { ppm: 0.0 }, &Trace::default());
    stage.play_file(&film);
    let begin_ns = mono_ns();
    let mut drawn = 0;
    while mono_ns() < begin_ns + SECONDS * 1_000_000_000 {
        stage.offscreen.step();
        stage.wait_until_drawn();
        drawn += 1;
    }
    let seconds = (mono_ns() - begin_ns) as f64 / 1e9;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    vec![
        Row::at_least("film.lowtier", f64::from(drawn) / seconds, 48.0, "/s")
            .noting(format!("640×360 from seat 35, {cores} cores, film of 720p at 24/s playing")),
    ]
}
