//! `room.pause` and `room.saturated`: from the key of a guest until the last machine is silent, on the recording.
//!
//! The tape's stamps relate the recording to the moment at which the line was written; `lab.ruler.tape` says how well (a few milliseconds).

use std::time::Duration;

use houselights::trace::mono_ns;

use super::{
    lab::{
        Lab, Person,
        arguments::{Arguments, blank},
        correlate::power,
        ear::Tape,
        film::Recipe,
        speaker,
        wire::Way,
    },
    table::{Row, quantile},
};

pub(crate) fn run(arguments: &Arguments, rows: &mut Vec<Row>) {
    let mut idle_ms = None;
    if arguments.wants("room.pause") || arguments.wants("room.saturated") {
        eprintln!("measuring room.pause …");
        rows.push(match pauses(arguments, Way::delay(DELAY_MS), false) {
            Ok(Pauses { p95_ms, summary, .. }) => {
                idle_ms = Some(p95_ms);
                Row::at_most("room.pause", p95_ms - 4.0 * DELAY_MS, 60.0, "ms")
                    .noting(format!("{} ms subtracted; {summary}", 4.0 * DELAY_MS))
            }
            Err(error) => {
                eprintln!("room.pause: {error}");
                blank("room.pause", 60.0, "ms").noting(format!("not measured: {error}"))
            }
        });
    }
    arguments.measure(rows, blank("room.saturated", 1.5, "×"), |arguments| {
        let idle_ms = idle_ms.ok_or("there is no idle figure to compare with")?;
        let busy = pauses(arguments, Way::delay(DELAY_MS).rate(RATE_MBIT), true)?;
        let note = format!("link {:.0} % full; {}", busy.filled * 100.0, busy.summary);
        // With a link that is not full nothing is shown.
        let ratio = if busy.filled < FULL { f64::NAN } else { busy.p95_ms / idle_ms };
        Ok(vec![Row::at_most("room.saturated", ratio, 1.5, "×").against(busy.p95_ms, idle_ms).noting(note)])
    });
}

/// What fifty pauses were like.
struct Pauses {
    p95_ms: f64,
    /// How full the host's link upward was, 0 to 1; for a link with a rate.
    filled: f64,
    summary: String,
}

fn pauses(arguments: &Arguments, way: Way, is_heavy: bool) -> Result<Pauses, String> {
    let count = arguments.long_or(50, 5);
    let lab = Lab::open(&[way.into(); PEOPLE], true)?;
    // Heavy: to read a minute ahead for both guests takes the link longer than all pauses.
    let seconds = if is_heavy { arguments.long_or(900, 240) } else { count * 4 + 60 };
    let film = Recipe { seconds, is_heavy, ..Recipe::default() }.make(lab.folder())?;
    let sound = |index: usize| format!("device:{}", speaker(index));
    let mut host = Person::start(&lab, 0, &sound(0), &[&"host", &film, &"--relay", &"none"])?;
    let invite = host.invite()?;
    let mut people = vec![host];
    for index in 1..PEOPLE {
        people.push(Person::start(&lab, index, &sound(index), &[&"join", &invite, &"--relay", &"none"])?);
    }
    for person in &mut people {
        person.wait_for("film", Duration::from_secs(30), |state| state["film"].is_string())?;
    }
    people[0].ask("play")?;
    wait_for_sound(&lab)?;
    let (begin_ns, begin) = (mono_ns(), lab.hub.bytes(0));
    let mut keys_ns = Vec::new();
    for round in 0..count {
        // Not in step with any tick of the program.
        std::thread::sleep(Duration::from_millis(1_000 + 37 * round as u64 % 100));
        keys_ns.push(mono_ns());
        people[1].tell("pause")?;
        std::thread::sleep(Duration::from_millis(1_200));
        people[1].ask("play")?;
        wait_for_sound(&lab)?;
    }
    let filled_bytes = (lab.hub.bytes(0).up - begin.up) as f64;
    let filled = way.rate_mbit.map_or(0.0, |mbit| filled_bytes * 8e3 / (mbit * (mono_ns() - begin_ns) as f64));
    drop(people);
    let tape = lab.ear()?.tape();
    let mut delays_ms: Vec<f64> = keys_ns.iter().map(|&key_ns| silence_ms(&tape, key_ns)).collect();
    let p95_ms = quantile(&mut delays_ms, 0.95);
    let summary = format!(
        "{count} pauses: median {:.1}, p95 {p95_ms:.1}, max {:.1} ms before subtraction",
        quantile(&mut delays_ms, 0.5),
        quantile(&mut delays_ms, 1.0)
    );
    Ok(Pauses { p95_ms, filled, summary })
}

/// Everybody has sounded for a fifth of a second.
fn wait_for_sound(lab: &Lab) -> Result<(), String> {
    for _ in 0..400 {
        std::thread::sleep(Duration::from_millis(50));
        let tape = lab.ear()?.tape();
        let sounds = |samples: &Vec<i16>| samples.len() > 9_600 && samples[samples.len() - 9_600..].chunks_exact(BLOCK).all(is_loud);
        if tape.speakers.iter().all(sounds) {
            return Ok(());
        }
    }
    Err("Not everybody could be heard within 20 s of `play`.".to_owned())
}

/// From the key until the last loudspeaker is silent, and stays so for a fifth of a second; infinite if one is not within a second.
fn silence_ms(tape: &Tape, key_ns: i64) -> f64 {
    let Some(key) = tape.sample_at(key_ns) else { return f64::INFINITY };
    let silent_after = |samples: &Vec<i16>| {
        let after = samples.get(key..key + 57_600)?;
        // Somebody who was silent before the key did not obey it.
        if !is_loud(&samples[key - BLOCK..key]) {
            return None;
        }
        let loud: Vec<bool> = after.chunks_exact(BLOCK).map(is_loud).collect();
        (0..loud.len() - STAYS).find(|&block| loud[block..block + STAYS].iter().all(|is_loud| !is_loud))
    };
    let blocks = tape.speakers.iter().map(silent_after).collect::<Option<Vec<_>>>();
    blocks.and_then(|blocks| blocks.into_iter().max()).map_or(f64::INFINITY, |block| (block * BLOCK) as f64 / 48.0)
}

/// The film has a floor of noise at −39 dB; what a fade leaves is soon far below.
fn is_loud(block: &[i16]) -> bool {
    let samples: Vec<f32> = block.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
    power(&samples) > 3e-6
}

const PEOPLE: usize = 3;
const DELAY_MS: f64 = 40.0;
const RATE_MBIT: f64 = 20.0;
const FULL: f64 = 0.8;
/// A millisecond, near enough.
const BLOCK: usize = 48;
/// Blocks.
const STAYS: usize = 200;
