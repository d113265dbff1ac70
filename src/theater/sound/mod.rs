//! What the place sounds like: the lobby's air, the curtain, seats, steps on the carpet, the remote's click. Quiet, made in code, off in one switch
//! ([`PlaceSettings::sounds`]).
//!
//! Invariant: no frame is drawn for a sound's sake: what goes on plays in the mixer alone, and is only told to when the hall's mood changes.

mod crowd;
mod synth;

use std::{sync::LazyLock, time::Duration};

use bevy::prelude::*;

use super::{Curtain, HouseLights, Mood, PlaceSettings, hall::curtain::CURTAIN_S};
use crate::audio::{Clip, Drone, Mixer};

/// Lets the place be heard.
pub(super) fn plugin(app: &mut App) {
    app.add_plugins(crowd::plugin).init_resource::<Air>().add_observer(on_sound);
    app.add_systems(Update, (follow_curtain.run_if(resource_exists::<Mixer>), breathe).in_set(super::Theater::Light));
}

fn on_sound(
    sound: On<PlaceSound>,
    mixer: Option<ResMut<Mixer>>,
    settings: Res<PlaceSettings>,
    house: Res<HouseLights>,
    mut steps: Local<usize>,
) {
    let Some(mut mixer) = mixer.filter(|_| settings.sounds) else { return };
    // In the dark one is quieter oneself.
    let hush = if house.mood() == Mood::Playing { 0.5 } else { 1.0 };
    match sound.event() {
        PlaceSound::Curtain => mixer.play_clip(&CURTAIN, 0.05, 0.0),
        PlaceSound::Sit => mixer.play_clip(&SIT, 0.09 * hush, 0.0),
        PlaceSound::Rise => mixer.play_clip(&RISE, 0.07 * hush, 0.0),
        PlaceSound::Step => {
            *steps = (*steps + 1) % STEPS.len();
            mixer.play_clip(&STEPS[*steps], 0.05 * hush, if steps.is_multiple_of(2) { 0.1 } else { -0.1 });
        }
        PlaceSound::Click => mixer.play_clip(&CLICK, 0.045, 0.3),
    }
}

/// The curtain is heard when it sets off, not where it is put.
fn follow_curtain(curtain: Res<Curtain>, settings: Res<PlaceSettings>, mut was_moving: Local<bool>, mut commands: Commands) {
    let is_moving = curtain.is_moving();
    if is_moving && !std::mem::replace(&mut *was_moving, is_moving) && !settings.reduce_motion {
        commands.trigger(PlaceSound::Curtain);
    }
    *was_moving = is_moving;
}

/// The hall's air is heard before the film, hardly in a pause, and never under the film.
fn breathe(mixer: Option<ResMut<Mixer>>, settings: Res<PlaceSettings>, house: Res<HouseLights>, mut air: ResMut<Air>) {
    let gain = if settings.sounds { air_of(house.mood()) } else { 0.0 };
    if gain == air.gain {
        return;
    }
    let Some(mut mixer) = mixer else { return };
    air.gain = gain;
    if air.drone.is_none() && gain > 0.0 {
        air.drone = mixer.play_drone(&ROOM_TONE);
    }
    if let Some(drone) = &mut air.drone {
        drone.fade_to(gain, FADE);
    }
}

fn air_of(mood: Mood) -> f32 {
    match mood {
        Mood::Lobby => 0.014,
        Mood::Paused => 0.006,
        Mood::Playing => 0.0,
    }
}

/// Something in the place that is heard.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaceSound {
    /// The curtain opens or closes.
    Curtain,
    /// One sits down.
    Sit,
    /// One gets up.
    Rise,
    /// One's own step on the carpet.
    Step,
    /// A button of the remote.
    Click,
}

#[derive(Resource, Default)]
struct Air {
    drone: Option<Drone>,
    gain: f32,
}

const FADE: Duration = Duration::from_millis(1500);

// Made when they are heard first, a few milliseconds each.
static ROOM_TONE: LazyLock<Clip> = LazyLock::new(|| Clip::new(synth::room_tone()));
static CURTAIN: LazyLock<Clip> = LazyLock::new(|| Clip::new(synth::curtain(CURTAIN_S)));
static SIT: LazyLock<Clip> = LazyLock::new(|| Clip::new(synth::sit()));
static RISE: LazyLock<Clip> = LazyLock::new(|| Clip::new(synth::rise()));
static CLICK: LazyLock<Clip> = LazyLock::new(|| Clip::new(synth::click()));
static STEPS: LazyLock<[Clip; 4]> = LazyLock::new(|| std::array::from_fn(|number| Clip::new(synth::footfall(number as u32))));
