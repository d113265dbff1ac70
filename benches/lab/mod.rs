//! The lab in which rooms are measured: namespaces with a network between them ([`hub`]), participants with clocks of their own ([`person`]), a loudspeaker for
//! each and one recording of them all ([`ear`]), the ruler that finds the film in it ([`correlate`]); and microphones to talk into ([`mouth`]), with what
//! finds the words again ([`word`]).
//!
//! Invariant: what is measured is not asked; of the program's own words only those are used that a figure is about.
//! Needs Linux and root. Everything ends with this process, however it ends: processes by `setpriv --pdeathsig`, namespaces and files by a guard.

pub(crate) mod arguments;
pub(crate) mod correlate;
pub(crate) mod ear;
mod fft;
pub(crate) mod film;
pub(crate) mod heads;
pub(crate) mod hub;
pub(crate) mod mouth;
pub(crate) mod person;
pub(crate) mod self_test;
mod spaces;
pub(crate) mod step;
pub(crate) mod tool;
pub(crate) mod track;
pub(crate) mod wire;
pub(crate) mod word;

use std::{cell::Cell, ffi::OsStr, path::Path, process::Command, time::Duration};

use houselights::trace::Event;

use self::{ear::Ear, hub::Hub, spaces::Spaces, wire::Line};
pub(crate) use self::{
    ear::speaker,
    person::Person,
    spaces::{address, check},
};

/// A network with so many places, and ears if wished. Fields are dropped in this order.
pub(crate) struct Lab {
    pub(crate) ear: Option<Ear>,
    pub(crate) hub: Hub,
    spaces: Spaces,
    round: Cell<usize>,
}

impl Lab {
    /// A place for each line.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn open(lines: &[Line], has_ears: bool) -> Result<Self, String> {
        Self::make(lines, |folder| has_ears.then(|| Ear::open(folder, lines.len(), false)).transpose())
    }

    /// A place for each line, and for the first so many ears and a microphone. Each makes the sound server work, so nobody has them in vain.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn open_to_talk(lines: &[Line], people: usize) -> Result<Self, String> {
        Self::make(lines, |folder| Ear::open(folder, people, true).map(Some))
    }

    fn make(lines: &[Line], ear: impl FnOnce(&Path) -> Result<Option<Ear>, String>) -> Result<Self, String> {
        warn_if_busy();
        let (spaces, interfaces) = Spaces::make(lines.len())?;
        let hub = Hub::start(interfaces, lines)?;
        let ear = ear(&spaces.folder)?;
        Ok(Self { ear, hub, spaces, round: Cell::new(0) })
    }

    /// For files; gone at the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.spaces.folder
    }

    /// Another program in a participant's place, clock and all.
    pub(crate) fn command(&self, place: usize, program: &str) -> Command {
        self.spaces.command(place, program)
    }

    /// A stamp of a participant's clock, by ours.
    pub(crate) fn ours_ns(&self, place: usize, theirs_ns: i64) -> i64 {
        theirs_ns - spaces::offset_ns(place)
    }

    /// What was recorded.
    ///
    /// # Errors
    /// If nothing is.
    pub(crate) fn ear(&self) -> Result<&Ear, String> {
        self.ear.as_ref().ok_or_else(|| "This lab has no ears.".to_owned())
    }
}

/// On a busy machine sound stalls, and the recording shows it: that is a true figure, but one of the machine.
fn warn_if_busy() {
    let said = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if said.split(' ').next().and_then(|load| load.parse::<f64>().ok()).is_some_and(|load| load > cores as f64 / 2.0) {
        eprintln!("this machine is busy (load {}): figures will be worse than they are", said.trim());
    }
}

/// A host with the film and guests who see it, each with further words; nothing plays yet.
///
/// # Errors
/// In a sentence.
pub(crate) fn gather(lab: &Lab, film: &Path, count: usize, own: impl Fn(usize) -> Vec<String>) -> Result<Vec<Person>, String> {
    let start = |index: usize, words: [&dyn AsRef<OsStr>; 2]| {
        let own = own(index);
        let own = own.iter().map(|word| word as &dyn AsRef<OsStr>);
        let words: Vec<_> = words.into_iter().chain([&"--relay" as &dyn AsRef<OsStr>, &"none"]).chain(own).collect();
        Person::start(lab, index, &format!("device:{}", speaker(index)), &words)
    };
    let mut host = start(0, [&"host", &film])?;
    let invite = host.invite()?;
    let mut people = vec![host];
    for index in 1..count {
        people.push(start(index, [&"join", &invite])?);
    }
    for person in &mut people {
        person.wait_for("film", Duration::from_secs(30), |state| state["film"].is_string())?;
    }
    Ok(people)
}

/// Everybody leaves, the host last; the traces in the order of the people.
///
/// # Errors
/// In a sentence.
pub(crate) fn leave(mut people: Vec<Person>) -> Result<Vec<Vec<Event>>, String> {
    let mut traces = Vec::new();
    while let Some(person) = people.pop() {
        traces.push(person.leave()?);
    }
    traces.reverse();
    Ok(traces)
}
