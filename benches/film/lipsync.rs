//! `film.lipsync`: the demo's flashes in the pixels beside its beeps in the captured samples.

use houselights::{
    audio::Output,
    film::FilmSource,
    theater::Tier,
    trace::{self, Event, Trace, mono_ns},
};

use super::{
    stage::{Stage, wait_until},
    table::{Row, quantile},
};

/// Where the demo flashes: the middle of its house's wall.
const FLASH: (f32, f32) = (120.0 / 1280.0, 600.0 / 720.0);

pub(crate) fn run() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let (wav, jsonl) = (folder.path().join("heard.wav"), folder.path().join("trace.jsonl"));
    let log = Trace::to_file(&jsonl).unwrap();
    let mut stage = Stage::open((640, 360), Tier::Low, &Output::File { path: wav.clone(), ppm: 0.0 }, &log);
    stage.set_cinema();
    stage.play(FilmSource::Demo);
    let mut flashes_ns = Vec::new();
    let mut was_bright = true;
    let begin_ns = mono_ns();
    let mut next_ns = begin_ns;
    while mono_ns() < begin_ns + 61_000_000_000 {
        next_ns = (next_ns + 16_666_667).max(mono_ns());
        wait_until(next_ns);
        stage.offscreen.step();
        stage.wait_until_drawn();
        let drawn_ns = mono_ns();
        let at = stage.pixel_of_film(FLASH.0, FLASH.1);
        let pixels = stage.offscreen.read_pixels().unwrap();
        let is_bright = pixels[(at.y as usize * stage.size.0 as usize + at.x as usize) * 4 + 1] > 130;
        if is_bright && !was_bright {
            flashes_ns.push(drawn_ns);
        }
        was_bright = is_bright;
    }
    drop(stage);
    drop(log);
    let events = trace::read(&jsonl).unwrap();
    let (start_ns, rate) =
        events.iter().find_map(|event| if let Event::Sound { mono_ns, rate } = event { Some((*mono_ns, *rate)) } else { None }).unwrap();
    let beeps_ns: Vec<i64> = onsets(&samples(&wav)).into_iter().map(|frame| start_ns + (frame as f64 / rate * 1e9) as i64).collect();
    let mut apart_ms: Vec<f64> = flashes_ns
        .iter()
        .filter_map(|flash| beeps_ns.iter().map(|beep| (flash - beep) as f64 / 1e6).min_by(|a, b| a.abs().total_cmp(&b.abs())))
        .collect();
    let mean = apart_ms.iter().sum::<f64>() / apart_ms.len() as f64;
    apart_ms.iter_mut().for_each(|apart| *apart = apart.abs());
    let note =
        format!("{} flashes and {} beeps in the minute; mean {mean:+.2} ms (plus: the flash is late)", flashes_ns.len(), beeps_ns.len());
    let found = if flashes_ns.len() >= 55 && beeps_ns.len() >= 55 { 1.0 } else { f64::NAN };
    vec![
        Row::at_most("film.lipsync.median", quantile(&mut apart_ms, 0.5) * found, 10.0, "ms").noting(note.clone()),
        Row::at_most("film.lipsync.max", quantile(&mut apart_ms, 1.0) * found, 25.0, "ms").noting(note),
    ]
}

/// Left samples of a stereo WAV file, float or 16 bits.
fn samples(path: &std::path::Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let data = bytes.windows(4).position(|four| four == b"data").unwrap() + 8;
    if bytes[20] == 3 {
        bytes[data..].chunks_exact(8).map(|pair| f32::from_le_bytes(pair[..4].try_into().unwrap())).collect()
    } else {
        bytes[data..].chunks_exact(4).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect()
    }
}

/// Where the beeps begin: a hundredth of a second that is hardly anything but 1000 Hz, and before it the first sample above the silence that the demo keeps
/// for 40 ms around each beep's beginning.
fn onsets(samples: &[f32]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for at in (0..samples.len().saturating_sub(WINDOW)).step_by(WINDOW / 4) {
        if is_beep(&samples[at..at + WINDOW]) && found.last().is_none_or(|last| at > last + 24_000) {
            let from = at.saturating_sub(WINDOW * 3 / 2);
            found.extend(samples[from..at + WINDOW].iter().position(|sample| sample.abs() > 0.05).map(|offset| from + offset));
        }
    }
    found
}

fn is_beep(window: &[f32]) -> bool {
    let (mut sine, mut cosine, mut power) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (index, sample) in window.iter().enumerate() {
        let (s, c) = (index as f32 * std::f32::consts::TAU * 1000.0 / 48_000.0).sin_cos();
        sine += sample * s;
        cosine += sample * c;
        power += sample * sample;
    }
    let count = window.len() as f32;
    let amplitude = sine.hypot(cosine) * 2.0 / count;
    amplitude > 0.2 && amplitude * amplitude / 2.0 > 0.85 * power / count
}

/// A hundredth of a second.
const WINDOW: usize = 480;
