use std::path::PathBuf;

use bevy::prelude::*;

use super::{Cli, Sound, TierChoice};
use crate::{
    audio::{self, Mixer},
    film::{self, CacheFolder, TraceTo},
    room::{self, Appearance, Clock, Identity, Myself, PersonName, Relay, RelayChoice},
    settings, theater,
    theater::{Quality, Tier},
    trace::{Trace, mono_ns},
    ui,
    voice::{self, MicrophoneChoice, MyVoice},
    webcam::{self, CameraChoice, MyCamera},
};

/// What runs with and without a window: the room, the sound, the film.
pub fn house(app: &mut App, ground: Ground) {
    app.insert_resource(ground.mixer)
        .insert_resource(TraceTo(ground.trace))
        .insert_resource(ground.myself)
        .insert_resource(RelayChoice(ground.relay))
        .insert_resource(ground.cache);
    if let Some(mono_ns) = ground.clock {
        app.insert_resource(Clock(mono_ns));
    }
    app.add_plugins((room::plugin, audio::plugin, film::plugin, voice::plugin, webcam::plugin));
    app.world_mut().resource_mut::<MyCamera>().choice = ground.camera;
    app.world_mut().resource_mut::<MyVoice>().choice = ground.microphone;
}

/// What is seen: the theater and the hands in it.
pub fn hall(app: &mut App, tier: Option<Tier>) {
    if let Some(tier) = tier {
        app.insert_resource(tier).insert_resource(Quality::from(tier));
    }
    app.add_plugins((theater::plugin, ui::plugin, super::pace::plugin));
}

/// What must be opened before an app starts, so that a mistake is one sentence on the command line.
pub struct Ground {
    /// The output, open.
    pub mixer: Mixer,
    /// The trace, open.
    pub trace: Trace,
    /// Where the time comes from; without one it is moved by hand.
    pub clock: Option<fn() -> i64>,
    /// Who one is to others.
    pub myself: Myself,
    /// Which relays help.
    pub relay: Relay,
    /// Where films of others lie while one watches them.
    pub cache: CacheFolder,
    /// Which microphone, once one speaks.
    pub microphone: MicrophoneChoice,
    /// Which camera, once it is turned on.
    pub camera: CameraChoice,
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
        let folder = cli.config.clone().or_else(settings::default_folder);
        let (identity, problem) = Identity::open(folder.as_deref());
        if let Some(problem) = problem {
            super::say(&problem);
        }
        let name = cli.name.clone().or_else(user_name).unwrap_or_default();
        let myself = Myself { name: PersonName::from(name), ..Myself::new(identity) };
        let cache = CacheFolder { path: cli.cache.clone().or_else(default_cache), ..CacheFolder::default() };
        let microphone = cli.mic.clone().unwrap_or_default().0;
        Ok(Self {
            mixer,
            trace,
            clock: Some(mono_ns),
            myself,
            relay: cli.relay.0.clone(),
            cache,
            microphone,
            camera: cli.camera.clone().unwrap_or_default().0,
        })
    }

    /// Nobody's: no key is kept, no relay asked, nothing cached; time is moved by hand.
    #[must_use]
    pub fn nobodys(mixer: Mixer) -> Self {
        // The same each time, though the key is not.
        let myself = Myself { appearance: Appearance::default(), ..Myself::new(Identity::open(None).0) };
        Self {
            mixer,
            trace: Trace::default(),
            clock: None,
            myself,
            relay: Relay::None,
            cache: CacheFolder::default(),
            microphone: MicrophoneChoice::None,
            camera: CameraChoice::None,
        }
    }
}

impl From<TierChoice> for Tier {
    fn from(choice: TierChoice) -> Self {
        match choice {
            TierChoice::Low => Self::Low,
            TierChoice::Medium => Self::Medium,
            TierChoice::High => Self::High,
        }
    }
}

/// The name the system knows.
fn user_name() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|variable| std::env::var(variable).ok().filter(|name| !name.is_empty()))
}

/// The user's folder for what may be thrown away (XDG base directories; the system's folder for temporary files elsewhere).
fn default_cache() -> Option<PathBuf> {
    let from = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = from("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| from("HOME").map(|home| home.join(".cache")));
    Some(base.unwrap_or_else(std::env::temp_dir).join("houselights").join("films"))
}

/// Refuses to write over the film that is to be watched.
fn spare_the_film(cli: &Cli) -> Result<(), String> {
    let Some(film) = cli.film().and_then(|film| film.canonicalize().ok()) else { return Ok(()) };
    let sound = if let Sound::File(path) = &cli.sound { Some(path) } else { None };
    match [sound, cli.trace.as_ref()].into_iter().flatten().find(|path| path.canonicalize().is_ok_and(|path| path == film)) {
        Some(path) => Err(format!("{} is the film itself and would be overwritten. Choose another name.", path.display())),
        None => Ok(()),
    }
}
