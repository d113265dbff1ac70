//! `sync.ppm`: devices whose clocks differ by 200 millionths. What they would have played is in two files; of the traces only the line `sound` is taken.

use std::{path::Path, time::Duration};

use houselights::trace::{Event, mono_ns};

use super::{
    lab::{
        Lab, Person,
        arguments::Arguments,
        correlate::{EVERY, RATE, Ruler},
        film::Recipe,
        leave,
        step::{Steps, found},
        track::track,
        wire::Way,
    },
    table::Row,
};

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let seconds = arguments.long_or(300, 20);
    let lab = Lab::open(&[Way::delay(0.2).into(); 2], false)?;
    let recipe = Recipe { seconds: seconds + 60, ..Recipe::default() };
    let film = recipe.make(lab.folder())?;
    let files = [lab.folder().join("host.wav"), lab.folder().join("guest.wav")];
    let sounds = files.each_ref().map(|file| format!("file:{}", file.display()));
    let mut host = Person::start(&lab, 0, &sounds[0], &[&"host", &film, &"--relay", &"none", &"--null-ppm", &"100"])?;
    let invite = host.invite()?;
    let mut guest = Person::start(&lab, 1, &sounds[1], &[&"join", &invite, &"--relay", &"none", &"--null-ppm", &"-100"])?;
    for person in [&mut host, &mut guest] {
        person.wait_for("film", Duration::from_secs(30), |state| state["film"].is_string())?;
    }
    host.ask("play")?;
    std::thread::sleep(Duration::from_secs(5));
    let from_ns = mono_ns();
    std::thread::sleep(Duration::from_secs(seconds as u64 + 1));
    let ruler = Ruler::new(track(recipe.seconds));
    let mut at = Vec::new();
    let traces = leave(vec![host, guest])?;
    for (trace, file) in traces.iter().zip(&files) {
        let sound = trace.iter().find_map(|event| if let Event::Sound { mono_ns, rate } = event { Some((*mono_ns, *rate)) } else { None });
        let (start_ns, rate) = sound.ok_or("A trace does not say when its sound began.")?;
        let middle = |window: usize| {
            let at_ns = from_ns + (window * EVERY) as i64 * 1_000_000_000 / RATE as i64;
            ((at_ns - start_ns) as f64 * rate / 1e9).round() as usize
        };
        at.push(found(&ruler.follow(&left_of(file)?, (0..seconds * 10).map(middle))));
    }
    let steps = Steps::between(&at);
    Ok(vec![Row::at_most("sync.ppm", steps.p95(), 2.0, "ms").noting(steps.summary())])
}

/// The left samples of a stereo WAV of 16 bits.
fn left_of(path: &Path) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let data = bytes.windows(4).position(|four| four == b"data").ok_or("The sound file has no samples.")? + 8;
    Ok(bytes[data..].chunks_exact(4).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect())
}
