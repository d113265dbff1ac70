//! `room.idle`: what a guest's interface carries while eight people look around and nothing plays.

use std::time::Duration;

use houselights::trace::mono_ns;

use super::{
    lab::{Lab, Person, arguments::Arguments, heads::look_around, wire::Way},
    table::Row,
};

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let seconds = arguments.long_or(30, 5);
    let lab = Lab::open(&[Way::delay(40.0).into(); PEOPLE], false)?;
    let mut host = Person::start(&lab, 0, "null", &[&"host", &"--relay", &"none"])?;
    let invite = host.invite()?;
    let mut people = vec![host];
    for index in 1..PEOPLE {
        people.push(Person::start(&lab, index, "null", &[&"join", &invite, &"--relay", &"none"])?);
        if let Some(person) = people.last_mut() {
            person.wait_for("seat", Duration::from_secs(30), |state| !state["seat"].is_null())?;
        }
    }
    // What arriving costs is over after that.
    look_around(&mut people, 5)?;
    let before: Vec<_> = (0..PEOPLE).map(|person| lab.hub.bytes(person)).collect();
    let begin_ns = mono_ns();
    look_around(&mut people, seconds)?;
    let passed_s = (mono_ns() - begin_ns) as f64 / 1e9;
    let rates: Vec<[f64; 2]> = (0..PEOPLE)
        .map(|person| {
            let (before, after) = (before[person], lab.hub.bytes(person));
            [before.up.abs_diff(after.up), before.down.abs_diff(after.down)].map(|bytes| bytes as f64 / 1e3 / passed_s)
        })
        .collect();
    let worst = rates[1..].iter().flatten().copied().fold(0.0, f64::max);
    let guest = |side: usize| rates[1..].iter().map(|rate| rate[side]).sum::<f64>() / (PEOPLE - 1) as f64;
    let note = format!(
        "the worst of {} guests; a guest's mean: {:.1} up, {:.1} down; the host's: {:.1} up, {:.1} down",
        PEOPLE - 1,
        guest(0),
        guest(1),
        rates[0][0],
        rates[0][1]
    );
    Ok(vec![Row::at_most("room.idle", worst, 15.0, "kB/s").noting(note)])
}

const PEOPLE: usize = 8;
