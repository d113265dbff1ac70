//! `faces.room`: what a person's interface sends while eight people see each other and two of them talk.
//!
//! All sit so near that everybody gets the finest picture of whom they turn to, all turn their heads, and the two who talk (the host is one of them, who sends the
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
    let mut people = gathered(&lab, seconds + 180)?;
    let unseen = rates(&lab, &mut people, arguments.long_or(15, 5))?;
    for person in &mut people {
        person.ask("camera on")?;
    }
    let count = |numbers: &BTreeMap<String, u64>| numbers.values().filter(|number| **number > 0).count();
    let sees_all = |said: &Value| Seen::of(said).is_ok_and(|seen| count(&seen.shown) == PEOPLE - 1);
    people[WATCHER].wait_for_answer("seen", "sight of all", PATIENCE, sees_all)?;
    let unheard = rates(&lab, &mut people, arguments.long_or(15, 5))?;
    for person in &mut people[..TALKING] {
        person.ask("talk on")?;
    }
    let hears_two = |said: &Value| Seen::of(said).is_ok_and(|seen| count(&seen.heard) == TALKING);
    people[WATCHER].wait_for_answer("seen", "sound of two", PATIENCE, hears_two)?;
    let refused = lab.hub.refused();
    let rates = rates(&lab, &mut people, seconds)?;
    let seen = Seen::of(&people[WATCHER].ask("seen")?)?;
    let refused = lab.hub.refused() - refused;
    let worst = (0..PEOPLE).max_by(|&a, &b| rates[a].up.total_cmp(&rates[b].up)).ok_or("Nobody came.")?;
    let shown: Vec<f64> = seen.shown.values().map(|shown| *shown as f64 * 1e9 / seen.passed_ns as f64).collect();
    let heard = |person: usize| seen.heard.get(&format!("P{person}")).copied().unwrap_or(0) as f64 * 100.0 / seen.frames as f64;
    let each = |rates: &[Rate]| {
        let silent = |side: fn(&Rate) -> f64| rates[TALKING..].iter().map(side).sum::<f64>() / (PEOPLE - TALKING) as f64;
        format!("{:.3}, {:.3}, {:.3} (down {:.3})", rates[0].up, rates[1].up, silent(|rate| rate.up), silent(|rate| rate.down))
    };
    // Of what is due: whoever never turned to a face gets the smaller one of it.
    let share = |shown: f64| shown / if shown < (PICTURES + PICTURES_UNSEEN) / 2.0 { PICTURES_UNSEEN } else { PICTURES };
    let least = if shown.len() == PEOPLE - 1 { shown.iter().map(|shown| share(*shown)).fold(1.0, f64::min) } else { 0.0 };
    let keeps_up = least >= SHARE_LEAST;
    let note = format!(
        "{}the worst is {}, as sent {:.3}; up from the host, who talks, a guest who talks, a silent one on the mean: {}; before they talked: {}; without cameras: {}; \
         pictures/s shown of each at one guest (15 are due, 5 of a face nobody there turned to): {}; heard {:.0} and {:.0} % of the time; {refused} packets refused",
        if keeps_up { "" } else { "this machine does not keep up with eight cameras; " },
        if worst == 0 { "the host".to_owned() } else { format!("guest {worst}") },
        rates[worst].up,
        each(&rates),
        each(&unheard),
        each(&unseen),
        shown.iter().map(|shown| format!("{shown:.1}")).collect::<Vec<_>>().join(" "),
        heard(0),
        heard(1)
    );
    // Where a few pictures were left out, faces and voices count as if as many had been everywhere; with more of them it is not the figure of its name.
    let (without, with) = (unseen[worst].up, rates[worst].up);
    let value = if keeps_up { without + (with - without) / least } else { f64::NAN };
    Ok(vec![Row::at_most("faces.room", value, GOAL_MBIT, "Mbit/s").noting(note)])
}

/// Megabits a second.
struct Rate {
    up: f64,
    down: f64,
}

/// What everybody's interface carries while all look around; the watcher counts anew from its beginning.
fn rates(lab: &Lab, people: &mut [Person], seconds: usize) -> Result<Vec<Rate>, String> {
    // What beginning costs (key frames, finding out how fast a line is) is over after that.
    look_around(people, SETTLING_S)?;
    people[WATCHER].ask("forget")?;
    let before: Vec<_> = (0..PEOPLE).map(|person| lab.hub.bytes(person)).collect();
    let begin_ns = mono_ns();
    look_around(people, seconds)?;
    let passed_s = (mono_ns() - begin_ns) as f64 / 1e9;
    let mbit = |bytes: u64| bytes as f64 * 8e-6 / passed_s;
    let rate = |person: usize| {
        let (before, after) = (before[person], lab.hub.bytes(person));
        Rate { up: mbit(after.up.abs_diff(before.up)), down: mbit(after.down.abs_diff(before.down)) }
    };
    Ok((0..PEOPLE).map(rate).collect())
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
const SETTLING_S: usize = 10;
/// A second, of each.
const PICTURES: f64 = 15.0;
/// The same, of a face that its watcher has not looked at.
const PICTURES_UNSEEN: f64 = 5.0;
/// One in twenty may be missing.
const SHARE_LEAST: f64 = 0.95;
const PATIENCE: Duration = Duration::from_secs(60);
