use std::time::Duration;

use bevy::prelude::*;
use kira::{
    AudioManager, AudioManagerSettings, Capacities, Decibels, Tween,
    track::{MainTrackBuilder, TrackBuilder, TrackHandle},
};

use super::{
    FeedSound, Moment, OpenError, Output,
    backend::{BLOCK_FRAMES, Change, Engine, Settings},
    clip::PlaceTrack,
};
use crate::{
    handover::{MailboxReceiver, mailbox},
    notice::Notice,
    trace::Trace,
};

/// The loudest the film can be set to, in percent of the original. Not beyond it as long as the mixer clips hard: the limiter stands before the volume.
pub const VOLUME_MAX: f32 = 100.0;

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
    moment: Moment,
    changes: MailboxReceiver<Change>,
    /// Last, so that the output closes when nothing uses it any more.
    _manager: AudioManager<Engine>,
}

impl Mixer {
    /// Opens an output. A device that is missing is no error: time passes without sound until there is one.
    ///
    /// # Errors
    /// When the file of [`Output::File`] cannot be written, or the system gives us no thread.
    pub fn open(output: &Output, trace: &Trace) -> Result<Self, OpenError> {
        let moment = Moment::default();
        let (sender, changes) = mailbox(CHANGES_MAX);
        let mut manager = AudioManager::<Engine>::new(AudioManagerSettings {
            capacities: Capacities::default(),
            main_track_builder: MainTrackBuilder::default(),
            // One block of the device in one go: fewer pieces for the clock to remember.
            internal_buffer_size: BLOCK_FRAMES,
            backend_settings: Settings { output: output.clone(), moment: moment.clone(), changes: sender, trace: trace.clone() },
        })?;
        let film = manager.add_sub_track(TrackBuilder::new()).map_err(|full| OpenError::Mixer(full.to_string()))?;
        let place = manager.add_sub_track(TrackBuilder::new()).map_err(|full| OpenError::Mixer(full.to_string()))?;
        Ok(Self { film, place, volume_percent: 100.0, is_muted: false, moment, changes, _manager: manager })
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

    pub(super) const fn place(&mut self) -> &mut PlaceTrack {
        &mut self.place
    }

    fn apply_volume(&mut self) {
        let volume = if self.is_muted { Decibels::SILENCE } else { loudness(self.volume_percent) };
        self.film.set_volume(volume, Tween { duration: VOLUME_TWEEN, ..Tween::default() });
    }
}

/// The ear hears ratios: a cube, as mpv has it. At 10 % the mixer takes it for silence.
fn loudness(percent: f32) -> Decibels {
    let percent = if percent.is_nan() { 0.0 } else { percent.clamp(0.0, VOLUME_MAX) };
    let part = percent / 100.0;
    Decibels((60.0 * part.log10()).max(Decibels::SILENCE.0))
}

/// A step that long does not click, and is over before the key is up.
const VOLUME_TWEEN: Duration = Duration::from_millis(30);
/// Devices come and go at the speed of hands.
const CHANGES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_is_a_cube_and_never_leaves_its_range() {
        for (percent, gain) in [(100.0, 1.0), (50.0, 0.125), (150.0, 1.0), (1000.0, 1.0), (0.0, 0.0), (-5.0, 0.0), (f32::NAN, 0.0)] {
            assert!((loudness(percent).as_amplitude() - gain).abs() < 1e-5, "{percent} %");
        }
    }
}
