//! `faces.room`: what a person's interface sends while eight people see each other and two of them talk.
//!
//! All sit so near that everybody gets the finest picture of everybody, all turn their heads, and the two who talk (the host is one of them, who sends the
//! room's state as well) do so without a pause. One guest is the bench's own and counts what is shown: a face that is sent less often than it should be
//! would make the figure easier than its name.

use std::{collections::BTreeMap, time::Duration};

use houselights::trace::mono_ns;
use serde_json::Value;

use super::{
    lab::{Lab, Person, arguments::Arguments, heads::look_around, wire::Way},
    speech::speech,
    table::Row,
    watcher::{Seen, Watches},
};

pub(crate) const GOAL_MBIT: f64 = 1.4;

pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Row>, String> {
    let seconds = arguments.long_or(60, 10);
    let lab = Lab::open(&[Way::delay(DELAY_MS).into(); PEOPLE], false)?;
    let mut people = gathered(&lab, seconds + 60)?;
    for person in &mut people {
        person.ask("camera on")?;
    }
    for person in &mut people[..TALKING] {
        person.ask("talk on")?;
    }
    let sees_all = |said: &Value| {
        Seen::of(said).is_ok_and(|seen| {
            let count = |numbers: &BTreeMap<String, u64>| numbers.values().filter(|number| **number > 0).count();
            count(&seen.shown) == PEOPLE - 1 && count(&seen.heard) == TALKING
        })
    };
    people[WATCHER].wait_for_answer("seen", "sight of all and sound of two", Duration::from_secs(60), sees_all)?;
    // What beginning costs (key frames, finding out how fast the line is) is over after that.
    look_around(&mut people, arguments.long_or(15, 5))?;
    people[WATCHER].ask("forget")?;
    let before: Vec<_> = (0..PEOPLE).map(|person| lab.hub.bytes(person)).collect();
    let refused = lab.hub.refused();
    let begin_ns = mono_ns();
    look_around(&mut people, seconds)?;
    let passed_s = (mono_ns() - begin_ns) as f64 / 1e9;
    let rates: Vec<[f64; 2]> = (0..PEOPLE)
        .map(|person| {
            let (before, after) = (before[person], lab.hub.bytes(person));
            [before.up.abs_diff(after.up), before.down.abs_diff(after.down)].map(|bytes| bytes as f64 * 8e-6 / passed_s)
        })
        .collect();
    let seen = Seen::of(&people[WATCHER].ask("seen")?)?;
    let refused = lab.hub.refused() - refused;
    let (worst, worst_mbit) =
        (0..PEOPLE).map(|person| (person, rates[person][0])).max_by(|a, b| a.1.total_cmp(&b.1)).ok_or("Nobody came.")?;
    let silent = |side: usize| rates[TALKING..].iter().map(|rate| rate[side]).sum::<f64>() / (PEOPLE - TALKING) as f64;
    let each: Vec<String> = seen.shown.values().map(|shown| format!("{:.1}", *shown as f64 / passed_s)).collect();
    let heard: Vec<String> = (0..TALKING)
        .map(|person| format!("{:.0} %", seen.heard.get(&format!("P{person}")).copied().unwrap_or(0) as f64 * 100.0 / seen.frames as f64))
        .collect();
    let note = format!(
        "the worst is {}; the host {:.3}, the other who talks {:.3}, the silent {:.3} on the mean, down {:.3}; pictures/s shown of each at one guest: {} \
         (15 are made); heard {} of the time; {refused} packets refused",
        if worst == 0 { "the host".to_owned() } else { format!("guest {worst}") },
        rates[0][0],
        rates[1][0],
        silent(0),
        silent(1),
        each.join(" "),
        heard.join(" and ")
    );
    Ok(vec![Row::at_most("faces.room", worst_mbit, GOAL_MBIT, "Mbit/s").noting(note)])
}

/// Everybody in their seat, with cameras and microphones that are off.
fn gathered(lab: &Lab, speech_seconds: usize) -> Result<Vec<Person>, String> {
    let voices = ["en-us", "en-gb"].map(|voice| speech(lab.folder(), &format!("{voice}.wav"), voice, speech_seconds));
    let [first, second] = voices.map(|file| file.map(|file| format!("file:{}", file.display())));
    let microphones = [first?, second?];
    let words = |person: usize| microphones.get(person).map_or("none", String::as_str);
    let mut host = Person::start(lab, 0, "null", &[&"host", &"--relay", &"none", &"--camera", &"pattern", &"--mic", &words(0)])?;
    let invite = host.invite()?;
    let mut people = vec![host];
    for index in 1..PEOPLE {
        people.push(if index == WATCHER {
            Watches::Everybody.start(lab, index, &invite)?
        } else {
            Person::start(lab, index, "null", &[&"join", &invite, &"--relay", &"none", &"--camera", &"pattern", &"--mic", &words(index)])?
        });
        if let Some(person) = people.last_mut() {
            person.wait_for("seat", Duration::from_secs(30), |state| !state["seat"].is_null())?;
        }
    }
    Ok(people)
}

const PEOPLE: usize = 8;
/// The first so many.
const TALKING: usize = 2;
/// The last one.
const WATCHER: usize = PEOPLE - 1;
const DELAY_MS: f64 = 30.0;
