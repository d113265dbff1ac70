//! `sync.lan`, `sync.wan`, `sync.honest`: a host and two guests who hear the film in one recording.

use std::time::Duration;

use houselights::trace::mono_ns;

use super::{
    lab::{
        Lab,
        arguments::{Arguments, blank},
        correlate::Ruler,
        film::Recipe,
        gather, leave,
        self_test::hub_note,
        step::{Steps, found, middles, said},
        track::track,
        wire::Way,
    },
    table::Row,
};

pub(crate) fn run(arguments: &Arguments, rows: &mut Vec<Row>) {
    let lan = Way::delay(0.2);
    let wan = Way { jitter_ms: 5.0, loss: 0.01, ..Way::delay(40.0) };
    let wants_honest = arguments.wants("sync.honest");
    let mut honest: Option<Row> = None;
    for (id, way, goal_ms) in [("sync.lan", lan, 2.0), ("sync.wan", wan, 10.0)] {
        if !arguments.wants(id) && !wants_honest {
            continue;
        }
        eprintln!("measuring {id} …");
        let goal_honest_ms = 1.0;
        let (step, truth) = match three(arguments, way) {
            Ok((recorded, error, note)) => (
                Row::at_most(id, recorded.p95(), goal_ms, "ms").noting(format!("{}; {note}", recorded.summary())),
                Row::at_most("sync.honest", error.p95(), goal_honest_ms, "ms").noting(format!("worst in {id}: {}", error.summary())),
            ),
            Err(error) => {
                eprintln!("{id}: {error}");
                let note = format!("not measured: {error}");
                (blank(id, goal_ms, "ms").noting(note.clone()), blank("sync.honest", goal_honest_ms, "ms").noting(note))
            }
        };
        rows.push(step);
        // The worse of the two; what was not measured is the worst.
        honest = Some(match honest {
            Some(other) if other.value.is_nan() || other.value >= truth.value => other,
            _ => truth,
        });
    }
    rows.extend(honest);
}

/// What the recording says, what it says minus what the traces say, and something about the network.
fn three(arguments: &Arguments, way: Way) -> Result<(Steps, Steps, String), String> {
    let seconds = arguments.long_or(120, 15);
    let lab = Lab::open(&[way.into(); 3], true)?;
    let note = hub_note(&lab, way.delay_ms)?;
    let recipe = Recipe { seconds: seconds + 60, ..Recipe::default() };
    let film = recipe.make(lab.folder())?;
    let mut people = gather(&lab, &film, 3, |_| Vec::new())?;
    people[0].ask("play")?;
    std::thread::sleep(Duration::from_secs(5));
    let from_ns = mono_ns();
    std::thread::sleep(Duration::from_secs(seconds as u64 + 1));
    let traces = leave(people)?;
    let ruler = Ruler::new(track(recipe.seconds));
    let tape = lab.ear()?.tape();
    let from = tape.sample_at(from_ns).ok_or("Nothing was recorded.")?;
    let places: Vec<_> = (0..3).map(|index| ruler.follow(&tape.sound(index), middles(from, from + seconds * 48_000))).collect();
    let recorded = Steps::between(&places.iter().map(|places| found(places)).collect::<Vec<_>>());
    let claimed = Steps::between(&traces.iter().zip(&places).map(|(trace, places)| said(trace, places, &tape)).collect::<Vec<_>>());
    let error = recorded.minus(&claimed);
    Ok((recorded, error, note))
}
