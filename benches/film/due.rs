//! `film.due`: the number in the pixels beside what is heard at that instant.

use houselights::{
    audio::Output,
    theater::Tier,
    trace::{Trace, mono_ns},
};

use super::{
    clip::{self, Clip},
    stage::{Stage, wait_until},
    table::{Row, quantile},
};

const SECONDS: i64 = 20;

pub(crate) fn run() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let film =
        Clip { size: (1280, 720), seconds: SECONDS as f64 + 4.0, sound: &["aac"], name: "due.mp4", ..Clip::default() }.make(folder.path());
    let mut stage = Stage::open((640, 360), Tier::Low, &Output::Null { ppm: 0.0 }, &Trace::default());
    stage.set_cinema();
    stage.play_file(&film);
    let mut outside_ms = Vec::new();
    let mut unreadable = 0;
    let begin_ns = mono_ns();
    let mut next_ns = begin_ns;
    while mono_ns() < begin_ns + SECONDS * 1_000_000_000 {
        next_ns = (next_ns + 16_666_667).max(mono_ns());
        wait_until(next_ns);
        stage.offscreen.step();
        stage.wait_until_drawn();
        // The picture is drawn: this is the instant it is of.
        let drawn_ns = mono_ns();
        let Some(heard_s) = stage.heard_s(drawn_ns).filter(|&heard_s| heard_s > 0.5) else { continue };
        let Some(number) = read(&mut stage) else {
            unreadable += 1;
            continue;
        };
        let (from_s, to_s) = (f64::from(number) / 24.0, f64::from(number + 1) / 24.0);
        outside_ms.push((from_s - heard_s).max(heard_s - to_s).max(0.0) * 1e3);
    }
    let count = outside_ms.len();
    let p99 = quantile(&mut outside_ms, 0.99);
    let note = format!(
        "{count} pictures drawn in {SECONDS} s, {unreadable} unreadable; p50 {:.2}, max {:.1}",
        quantile(&mut outside_ms, 0.5),
        quantile(&mut outside_ms, 1.0)
    );
    vec![Row::at_most("film.due", if unreadable * 100 > count { f64::NAN } else { p99 }, 16.7, "ms").noting(note)]
}

fn read(stage: &mut Stage) -> Option<u16> {
    let pixels = stage.offscreen.read_pixels().unwrap();
    let places: Vec<_> = (0..20).map(|cell| stage.pixel_of_film((cell as f32 + 0.5) / 20.0, 1.0 / 36.0)).collect();
    let width = stage.size.0 as usize;
    clip::read_number(|cell| pixels[(places[cell].y as usize * width + places[cell].x as usize) * 4 + 1])
}
