use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bevy::prelude::*;
use kira::{
    AudioManager, AudioManagerSettings, Capacities, Decibels, Tween,
    listener::ListenerHandle,
    track::{MainTrackBuilder, TrackBuilder, TrackHandle},
};

use super::{
    FeedSound, Moment, OpenError, Output,
    backend::{BLOCK_FRAMES, Change, Engine, Settings, Taps},
    clip::PlaceTrack,
    limiter::Limiter,
    night::Night,
};
use crate::{
    handover::{MailboxReceiver, SampleConsumer, Slot, mailbox, ring},
    notice::Notice,
    trace::Trace,
};

/// The loudest the film can be set to, in percent of the original: 10.6 dB above it, for films that whisper. The limiter behind the volume keeps it whole.
pub const VOLUME_MAX: f32 = 150.0;
/// The farthest that sound and picture can be moved against each other, in milliseconds.
pub const OFFSET_MAX_MS: i32 = 1000;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Output>()
        .add_systems(PreStartup, open.run_if(not(resource_exists::<Mixer>)))
        .add_systems(PreUpdate, tell.run_if(resource_exists::<Mixer>));
}

fn open(mut commands: Commands, output: Res<Output>) {
    match Mixer::open(&output, &Trace::default()) {
        Ok(mixer) => commands.insert_resource(mixer),
        Err(error) => {
            commands.trigger(Notice::problem(format!("There is no sound: {error}.")));
            // Time must pass all the same, or the film would stand.
            if let Ok(mixer) = Mixer::open(&Output::Null { ppm: 0.0 }, &Trace::default()) {
                commands.insert_resource(mixer);
            }
        }
    }
}

fn tell(mut commands: Commands, mixer: Res<Mixer>) {
    while let Some(change) = mixer.changes.receive() {
        commands.trigger(match change {
            Change::Lost => {
                Notice::problem("No sound device answers. The film goes on without sound and is heard as soon as one is there.")
            }
            Change::Playing(name) => Notice::news(format!("The sound plays on {name}.")),
            Change::StandsIn(name) => {
                Notice::news(format!("The sound device you chose is not there. The sound plays on {name} until it is back."))
            }
        });
    }
}

/// Mixes all that is heard; the film has a track of its own, which people's voices will stand beside.
///
/// Dropping it closes the output.
#[derive(Resource)]
pub struct Mixer {
    film: TrackHandle,
    place: PlaceTrack,
    volume_percent: f32,
    is_muted: bool,
    is_night: Arc<AtomicBool>,
    offset_ms: i32,
    device: Device,
    moment: Moment,
    changes: MailboxReceiver<Change>,
    pub(super) ear: Option<ListenerHandle>,
    /// What the film is held down to while somebody speaks, in decibels.
    duck: Decibels,
    taps: Taps,
    /// Last, so that the output closes when nothing uses it any more.
    manager: AudioManager<Engine>,
}

impl Mixer {
    /// Opens an output. A device that is missing is no error: time passes without sound until there is one.
    ///
    /// # Errors
    /// When the file of [`Output::File`] cannot be written, or the system gives us no thread.
    pub fn open(output: &Output, trace: &Trace) -> Result<Self, OpenError> {
        let moment = Moment::default();
        let device = Device {
            wishes: Slot::default(),
            chosen: None,
            is_one: matches!(output, Output::Device { .. }),
            is_named: matches!(output, Output::Device { name: Some(_) }),
        };
        let (sender, changes) = mailbox(CHANGES_MAX);
        let taps = Taps::default();
        let mut manager = AudioManager::<Engine>::new(AudioManagerSettings {
            capacities: Capacities::default(),
            main_track_builder: MainTrackBuilder::default().with_built_effect(Box::new(Limiter::new())),
            // One block of the device in one go: fewer pieces for the clock to remember.
            internal_buffer_size: BLOCK_FRAMES,
            backend_settings: Settings {
                output: output.clone(),
                device: device.wishes.clone(),
                moment: moment.clone(),
                taps: taps.clone(),
                changes: sender,
                trace: trace.clone(),
            },
        })?;
        let is_night = Arc::new(AtomicBool::new(false));
        // A track's effects come before its volume: night mode hears the film as it is, whatever the volume.
        let track = TrackBuilder::new().with_built_effect(Box::new(Night::new(Arc::clone(&is_night))));
        let place = manager.add_sub_track(TrackBuilder::new()).map_err(|full| OpenError::Mixer(full.to_string()))?;
        let film = manager.add_sub_track(track).map_err(|full| OpenError::Mixer(full.to_string()))?;
        Ok(Self {
            film,
            place,
            volume_percent: 100.0,
            is_muted: false,
            is_night,
            offset_ms: 0,
            device,
            moment,
            changes,
            ear: None,
            duck: Decibels::IDENTITY,
            taps,
            manager,
        })
    }

    /// Plays a feed on the film's track.
    ///
    /// # Errors
    /// When the track plays more than a hundred feeds already.
    pub fn play_film_feed(&mut self, sound: FeedSound) -> Result<(), OpenError> {
        self.film.play(sound.timed_by(self.moment.clone())).map_err(|full| OpenError::Mixer(full.to_string()))
    }

    /// Sets the film's volume in percent, 0 to [`VOLUME_MAX`]; even steps sound even.
    pub fn set_film_volume(&mut self, percent: f32) {
        self.volume_percent = if percent.is_nan() { 0.0 } else { percent.clamp(0.0, VOLUME_MAX) };
        self.apply_volume();
    }

    /// Silences the film, or lets it be heard at its volume again.
    pub fn set_film_muted(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
        self.apply_volume();
    }

    /// The film's volume in percent, whether it is muted or not.
    #[must_use]
    pub const fn film_volume(&self) -> f32 {
        self.volume_percent
    }

    /// Whether the film is muted.
    #[must_use]
    pub const fn is_film_muted(&self) -> bool {
        self.is_muted
    }

    pub(super) const fn manager(&mut self) -> &mut AudioManager<Engine> {
        &mut self.manager
    }

    /// Holds the film down by so many decibels, softly, so that voices stand out; 0 lets it go.
    pub fn duck_film(&mut self, db: f32) {
        let duck = Decibels(if db.is_finite() { -db.clamp(0.0, DUCK_MOST_DB) } else { 0.0 });
        if duck != self.duck {
            let tween = if duck < self.duck { DUCK_DOWN } else { DUCK_UP };
            self.duck = duck;
            self.film.set_volume(self.film_decibels(), Tween { duration: tween, ..Tween::default() });
        }
    }

    /// Everything that is heard from now on, as one channel at 48 kHz: what a microphone beside loudspeakers hears as well. Only the newest tap gets it, and what
    /// does not fit into it is lost.
    #[must_use]
    pub fn tap(&self) -> SampleConsumer {
        let (producer, consumer) = ring(TAP_FRAMES);
        drop(self.taps.outdated.take());
        drop(self.taps.newest.put(producer));
        consumer
    }

    pub(super) const fn place(&mut self) -> &mut PlaceTrack {
        &mut self.place
    }

    /// Night mode: what is loud comes down, what is quiet comes up.
    pub fn set_night(&mut self, is_on: bool) {
        self.is_night.store(is_on, Ordering::Relaxed);
    }

    /// Whether night mode is on.
    #[must_use]
    pub fn is_night(&self) -> bool {
        self.is_night.load(Ordering::Relaxed)
    }

    /// Says that sound reaches the ear so much later than the device knows (a wireless headphone), up to [`OFFSET_MAX_MS`]; negative, that the picture
    /// reaches the eye so much later than the sound (a television that polishes it).
    ///
    /// Late sound is sent out earlier, so that the ear stays in step with all others, and pictures follow the ear. A late picture is shown earlier.
    pub fn set_offset_ms(&mut self, ms: i32) {
        self.offset_ms = ms.clamp(-OFFSET_MAX_MS, OFFSET_MAX_MS);
        self.moment.set_beyond_ns(i64::from(self.offset_ms.max(0)) * 1_000_000);
    }

    /// How many streams were opened on devices so far: after each what is played is heard at another time than before.
    #[must_use]
    pub fn openings(&self) -> u32 {
        self.moment.openings()
    }

    /// See [`set_offset_ms`](Self::set_offset_ms).
    #[must_use]
    pub const fn offset_ms(&self) -> i32 {
        self.offset_ms
    }

    /// How much earlier than the sound pictures must be shown, in nanoseconds, for an eye that gets them late.
    #[must_use]
    pub fn picture_lead_ns(&self) -> i64 {
        i64::from((-self.offset_ms).max(0)) * 1_000_000
    }

    /// Plays on another device from now on; `None` follows the system's choice. A device that is not there is waited for, and the system's choice plays meanwhile.
    ///
    /// Returns false if the sound goes to no device at all: there is nothing to choose then, but the choice is remembered.
    pub fn choose_device(&mut self, name: Option<String>) -> bool {
        self.device.chosen.clone_from(&name);
        if self.device.is_one {
            self.device.is_named = name.is_some();
            drop(self.device.wishes.put(name));
        }
        self.device.is_one
    }

    /// As [`choose_device`](Self::choose_device) for a choice of another day: a device named when the output was opened goes before it.
    pub(super) fn recall_device(&mut self, name: Option<String>) {
        if self.device.is_one && !self.device.is_named && name.is_some() {
            self.choose_device(name);
        } else {
            self.device.chosen = name;
        }
    }

    /// The device the person chose; `None` is the system's choice.
    #[must_use]
    pub fn chosen_device(&self) -> Option<&str> {
        self.device.chosen.as_deref()
    }

    fn apply_volume(&mut self) {
        self.film.set_volume(self.film_decibels(), Tween { duration: VOLUME_TWEEN, ..Tween::default() });
    }

    fn film_decibels(&self) -> Decibels {
        if self.is_muted { Decibels::SILENCE } else { Decibels((loudness(self.volume_percent) + self.duck).0.max(Decibels::SILENCE.0)) }
    }
}

/// The choice of a device.
struct Device {
    /// On their way to the output.
    wishes: Slot<Option<String>>,
    chosen: Option<String>,
    /// Whether the output is a device at all.
    is_one: bool,
    /// Whether it was asked for by name.
    is_named: bool,
}

/// The ear hears ratios: a cube, as mpv has it. At 10 % the mixer takes it for silence.
fn loudness(percent: f32) -> Decibels {
    let percent = if percent.is_nan() { 0.0 } else { percent.clamp(0.0, VOLUME_MAX) };
    let part = percent / 100.0;
    Decibels((60.0 * part.log10()).max(Decibels::SILENCE.0))
}

/// A step that long does not click, and is over before the key is up.
const VOLUME_TWEEN: Duration = Duration::from_millis(30);
/// Sooner than a second word, later than a click.
const DUCK_DOWN: Duration = Duration::from_millis(120);
const DUCK_UP: Duration = Duration::from_millis(900);
const DUCK_MOST_DB: f32 = 30.0;
/// A quarter of a second: a reader that late has lost its place anyway.
const TAP_FRAMES: usize = 12_000;
/// Devices come and go at the speed of hands.
const CHANGES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_is_a_cube_and_never_leaves_its_range() {
        for (percent, gain) in [(100.0, 1.0), (50.0, 0.125), (150.0, 3.375), (1000.0, 3.375), (0.0, 0.0), (-5.0, 0.0), (f32::NAN, 0.0)] {
            assert!((loudness(percent).as_amplitude() - gain).abs() < 1e-5, "{percent} %");
        }
    }
}
