//! `film.hightier`: how many pictures of the theater a graphics card draws a second, in every detail, with a film of 4K60 playing. Without a card nothing is
//! measured, and the row says so.

use houselights::{
    app::offscreen::{Offscreen, Options},
    audio::Output,
    theater::Tier,
    trace::Trace,
};

use super::{
    clip::Clip,
    kept::repeated,
    lowtier::{adapter, drawn_per_s},
    stage::Stage,
    table::Row,
};

const SECONDS: i64 = 15;

pub(crate) fn run() -> Vec<Row> {
    let (name, is_software) = adapter(&Offscreen::new(Options { width: 16, height: 16, step: None, dummy_window: false }, |_| {}));
    let row = |per_s| Row::at_least("film.hightier", per_s, 120.0, "/s");
    if is_software {
        let note = format!("not measured: no graphics card here ({name} is software)");
        return vec![Row { unmeasured: true, ..row(f64::NAN).noting(note) }];
    }
    let video = ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=60", "-b:v", "40M"];
    let clip =
        Clip { size: (3840, 2160), rate: "60", seconds: 3.0, video: &video, sound: &["aac"], name: "high-once.mkv", ..Clip::default() };
    let film = repeated(&clip, 8, "high.mkv");
    let mut stage = Stage::open((2560, 1440), Tier::High, &Output::Null { ppm: 0.0 }, &Trace::default());
    let before = stage.uploads();
    let per_s = drawn_per_s(&mut stage, &film, SECONDS);
    let shown = stage.uploads() - before;
    let note =
        format!("2560×1440 from seat 35, {name}, film of 2160p HEVC at 60/s playing, of which {shown} pictures were shown in {SECONDS} s");
    vec![row(per_s).noting(note)]
}
