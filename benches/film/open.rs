//! `film.open`: from opening a film in the running theater to its first picture on the graphics device, beside the `ffmpeg` program decoding one picture.

use std::{path::Path, process::Command};

use houselights::{
    audio::Output,
    film::{FilmSource, Open},
    room::Ask,
    theater::Tier,
    trace::{Trace, mono_ns},
};

use super::{
    clip::Clip,
    kept::kept,
    stage::Stage,
    table::{Row, quantile},
};

const RUNS: usize = 9;

pub(crate) fn run() -> Vec<Row> {
    let film = kept(&Clip { size: (1920, 1080), seconds: 43.0, sound: &["aac"], name: "open.mkv", ..Clip::default() });
    let mut stage = Stage::open((640, 360), Tier::Low, &Output::Null { ppm: 0.0 }, &Trace::default());
    stage.note_arrivals();
    let (mut ours, mut rivals) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(open_ms(&mut stage, &film));
        rivals.push(ffmpeg_ms(&film));
    }
    let (ours, rival) = (quantile(&mut ours, 0.5), quantile(&mut rivals, 0.5));
    let note = format!("ms, median of {RUNS}, 1080p in Matroska; ffmpeg with its own start");
    vec![Row::at_most("film.open", ours / rival, 1.3, "×").against(ours, rival).noting(note)]
}

fn open_ms(stage: &mut Stage, film: &Path) -> f64 {
    let before = stage.uploads();
    let begin_ns = mono_ns();
    stage.world().trigger(Open { source: FilmSource::File(film.to_owned()), plays: false });
    stage.world().flush();
    while stage.uploads() == before {
        stage.offscreen.step();
        assert!(mono_ns() - begin_ns < 20_000_000_000, "the film does not open");
        if stage.uploads() == before {
            stage.rest();
        }
    }
    let took_ms = (stage.arrived_ns() - begin_ns) as f64 / 1e6;
    stage.world().trigger(Ask::Close);
    stage.world().flush();
    for _ in 0..20 {
        stage.offscreen.step();
    }
    took_ms
}

fn ffmpeg_ms(film: &Path) -> f64 {
    let begin_ns = mono_ns();
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"])
        .arg(film)
        .args(["-an", "-frames:v", "1", "-f", "null", "-"])
        .output()
        .expect("the rival is missing: scripts/rivals (apt-get install ffmpeg)");
    assert!(output.status.success());
    (mono_ns() - begin_ns) as f64 / 1e6
}
