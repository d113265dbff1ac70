use bevy::prelude::*;

use super::{Cli, Sound, TierChoice};
use crate::{
    audio::{self, Mixer},
    film::{self, TraceTo},
    room::{self, Clock},
    theater,
    theater::Tier,
    trace::{Trace, mono_ns},
    ui,
};

/// What runs with and without a window: the room, the sound, the film.
pub fn house(app: &mut App, ground: Ground) {
    app.insert_resource(ground.mixer).insert_resource(TraceTo(ground.trace));
    if let Some(mono_ns) = ground.clock {
        app.insert_resource(Clock(mono_ns));
    }
    app.add_plugins((room::plugin, audio::plugin, film::plugin));
}

/// What is seen: the theater and the hands in it.
pub fn hall(app: &mut App, tier: Option<Tier>) {
    if let Some(tier) = tier {
        app.insert_resource(tier);
    }
    app.add_plugins((theater::plugin, ui::plugin));
}

/// What must be opened before an app starts, so that a mistake is one sentence on the command line.
pub struct Ground {
    /// The output, open.
    pub mixer: Mixer,
    /// The trace, open.
    pub trace: Trace,
    /// Where the time comes from; without one it is moved by hand.
    pub clock: Option<fn() -> i64>,
}

impl Ground {
    /// Opens what the command line asks for.
    ///
    /// # Errors
    /// One sentence: a file that cannot be written.
    pub fn open(cli: &Cli) -> Result<Self, String> {
        spare_the_film(cli)?;
        let trace = match &cli.trace {
            Some(path) => Trace::to_file(path).map_err(|error| format!("The trace {} cannot be written: {error}.", path.display()))?,
            None => Trace::default(),
        };
        let mixer = Mixer::open(&cli.output(), &trace).map_err(|error| error.to_string())?;
        Ok(Self { mixer, trace, clock: Some(mono_ns) })
    }
}

impl From<TierChoice> for Tier {
    fn from(choice: TierChoice) -> Self {
        match choice {
            TierChoice::Low => Self::Low,
            TierChoice::High => Self::High,
        }
    }
}

/// Refuses to write over the film that is to be watched.
fn spare_the_film(cli: &Cli) -> Result<(), String> {
    let Some(film) = cli.film.as_ref().and_then(|film| film.canonicalize().ok()) else { return Ok(()) };
    let sound = if let Sound::File(path) = &cli.sound { Some(path) } else { None };
    match [sound, cli.trace.as_ref()].into_iter().flatten().find(|path| path.canonicalize().is_ok_and(|path| path == film)) {
        Some(path) => Err(format!("{} is the film itself and would be overwritten. Choose another name.", path.display())),
        None => Ok(()),
    }
}
