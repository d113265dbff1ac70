//! The lab measured with itself: what a figure below cannot be trusted to be smaller than.

use std::time::Duration;

use houselights::trace::mono_ns;

use super::{
    Lab, Person, address,
    arguments::Arguments,
    correlate::Ruler,
    film::Recipe,
    leave, speaker,
    step::{Steps, found, middles, said},
    track::track,
    wire::{Line, Way},
};
use crate::table::{Row, quantile};

/// Pings through the hub: how far from the truth its delays are.
pub(crate) fn hub(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let count = arguments.long_or(1000, 200);
    let mut rows = Vec::new();
    for (id, delay_ms) in [("lab.hub.idle", 0.0), ("lab.hub.lan", 0.2), ("lab.hub.wan", 40.0)] {
        let lab = Lab::open(&[Way::delay(delay_ms).into(); 2], false)?;
        let (mut errors, lost) = pings(&lab, delay_ms, count)?;
        let note = format!("p50 {:.3}, max {:.3}, {lost} of {count} lost", quantile(&mut errors, 0.5), quantile(&mut errors, 1.0));
        rows.push(Row::at_most(id, quantile(&mut errors, 0.95), 0.3, "ms").noting(note));
    }
    let lab = Lab::open(&[Way { loss: 0.05, ..Way::default() }.into(); 2], false)?;
    let (_, lost) = pings(&lab, 0.0, count)?;
    let asked = 1.0 - 0.95_f64.powi(2);
    let part = lost as f64 / count as f64;
    let note = format!("asked {asked:.4} there and back, lost {part:.4}");
    rows.push(Row::at_most("lab.hub.loss", (part - asked).abs(), 0.03, "").noting(note));
    Ok(rows)
}

/// One line about the hub, for the notes.
pub(crate) fn hub_note(lab: &Lab, delay_ms: f64) -> Result<String, String> {
    let (mut errors, _) = pings(lab, delay_ms, 100)?;
    Ok(format!("round trips {:+.3} ms off at the median", quantile(&mut errors, 0.5)))
}

/// By how much round trips were longer than asked, in milliseconds, and how many did not come back.
fn pings(lab: &Lab, delay_ms: f64, count: usize) -> Result<(Vec<f64>, usize), String> {
    let output = lab.command(1, "ping").args(["-i", "0.005", "-W", "2", "-c", &count.to_string(), &address(0)]).output();
    let output = output.map_err(|error| format!("ping cannot be run ({error}): scripts/rivals."))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let times = said.lines().filter_map(|line| line.split("time=").nth(1)?.split(' ').next()?.parse::<f64>().ok());
    let errors: Vec<f64> = times.map(|time_ms| time_ms - 2.0 * delay_ms).collect();
    if errors.is_empty() {
        return Err(format!("No ping came back: {said}"));
    }
    let lost = count.saturating_sub(errors.len());
    Ok((errors, lost))
}

/// Two people who know nothing of each other, each with a clock of their own: what the recording says of their distance beside what their traces say.
pub(crate) fn ruler(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let seconds = arguments.long_or(60, 10);
    let lab = Lab::open(&[Line::default(); 2], true)?;
    let recipe = Recipe { seconds: seconds + 30, ..Recipe::default() };
    let film = recipe.make(lab.folder())?;
    let mut people = Vec::new();
    for index in 0..2 {
        let mut person = Person::start(&lab, index, &format!("device:{}", speaker(index)), &[&film, &"--play"])?;
        person.wait_for("moving film", Duration::from_secs(10), |state| state["playing"] == true)?;
        people.push(person);
    }
    std::thread::sleep(Duration::from_secs(5));
    let from_ns = mono_ns();
    std::thread::sleep(Duration::from_secs(seconds as u64 + 1));
    let ruler = Ruler::new(track(recipe.seconds));
    let traces = leave(people)?;
    let tape = lab.ear()?.tape();
    let from = tape.sample_at(from_ns).ok_or("Nothing was recorded.")?;
    let places: Vec<_> = (0..2).map(|index| ruler.follow(&tape.sound(index), middles(from, from + seconds * 48_000))).collect();
    let recorded = Steps::between(&places.iter().map(|places| found(places)).collect::<Vec<_>>());
    let claims: Vec<_> = traces.iter().zip(&places).map(|(trace, places)| said(trace, places, &tape)).collect();
    let error = recorded.minus(&Steps::between(&claims));
    // A tape says when a sample arrived; the program says when it was heard. This is what `room.pause` has to bear.
    let mut rows = vec![Row::at_most("lab.ruler", error.p95(), 0.3, "ms").noting(error.summary())];
    let mut late: Vec<f64> = found(&places[0])
        .iter()
        .zip(&claims[0])
        .filter_map(|(found, said)| found.zip(*said))
        .map(|(found, said)| (said - found) * 1e3)
        .collect();
    let (low, middle, high) = (quantile(&mut late, 0.05), quantile(&mut late, 0.5), quantile(&mut late, 0.95));
    let note = format!("the tape's stamps are {middle:+.2} ms late, 5 to 95 % {low:+.2} to {high:+.2}; apart: {}", recorded.summary());
    rows.push(Row::at_most("lab.ruler.tape", middle.abs().max(low.abs()).max(high.abs()), 5.0, "ms").noting(note));
    Ok(rows)
}
