//! The lab in which rooms are measured: namespaces with a network between them ([`hub`]), participants with clocks of their own ([`person`]), a loudspeaker for
//! each and one recording of them all ([`ear`]), and the ruler that finds the film in it ([`correlate`]).
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
pub(crate) mod person;
pub(crate) mod self_test;
mod spaces;
pub(crate) mod step;
pub(crate) mod track;
pub(crate) mod wire;

use std::{cell::Cell, path::Path, process::Command};

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
        warn_if_busy();
        let (spaces, interfaces) = Spaces::make(lines.len())?;
        let hub = Hub::start(interfaces, lines)?;
        let ear = if has_ears { Some(Ear::open(&spaces.folder, lines.len())?) } else { None };
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
