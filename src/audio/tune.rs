use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::Builder,
};

use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::Mixer;
use crate::{handover::Slot, notice::Notice};

/// What a person sets about sound besides its volume.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Devices>().add_observer(tune).add_observer(look).add_systems(PreUpdate, found);
}

fn tune(tune: On<Tune>, mixer: Option<ResMut<Mixer>>, mut commands: Commands) {
    let Some(mut mixer) = mixer else { return };
    if let Tune::Device(name) = tune.event() {
        // Where it plays then is told once it does.
        if !mixer.choose_device(name.clone()) {
            commands.trigger(Notice::problem("The sound goes to no device here. Start the theater without --sound to choose one."));
        }
        return;
    }
    let (says, about) = match tune.event().clone() {
        Tune::Night(is_on) => night(&mut mixer, is_on),
        Tune::ToggleNight => {
            let is_on = !mixer.is_night();
            night(&mut mixer, is_on)
        }
        Tune::OffsetMs(ms) => offset(&mut mixer, ms),
        Tune::OffsetByMs(ms) => {
            let ms = mixer.offset_ms().saturating_add(ms);
            offset(&mut mixer, ms)
        }
        Tune::Device(_) => return,
    };
    commands.trigger(Notice::news(says).about(about));
}

/// Asking the system for its devices may take as long as the system likes.
fn look(_: On<LookForDevices>, devices: Res<Devices>) {
    if devices.is_looking.swap(true, Ordering::AcqRel) {
        return;
    }
    let (found, is_looking) = (devices.found.clone(), Arc::clone(&devices.is_looking));
    let looks = move || {
        let list = super::devices().into_iter().map(|(name, title)| DeviceName { name, title }).collect();
        drop(found.put(list));
        is_looking.store(false, Ordering::Release);
    };
    if let Err(error) = Builder::new().name("sound devices".into()).spawn(looks) {
        tracing::warn!("nobody looks for sound devices: {error}");
        devices.is_looking.store(false, Ordering::Release);
    }
}

fn found(mut devices: ResMut<Devices>) {
    if let Some(list) = devices.bypass_change_detection().found.take() {
        devices.list = list;
    }
}

fn night(mixer: &mut Mixer, is_on: bool) -> (String, &'static str) {
    mixer.set_night(is_on);
    let says = if is_on { "Night mode: loud parts are quieter, quiet parts louder" } else { "Night mode off" };
    (says.to_owned(), "night mode")
}

fn offset(mixer: &mut Mixer, ms: i32) -> (String, &'static str) {
    mixer.set_offset_ms(ms);
    let says = match mixer.offset_ms() {
        0 => "Sound and picture as the device says".to_owned(),
        ms if ms > 0 => format!("The sound reaches you {ms} ms late: it is sent earlier"),
        ms => format!("The picture reaches you {} ms late: it is shown earlier", -ms),
    };
    (says, "sound offset")
}

/// Changes how sound is heard, for this person alone.
#[derive(Event, Debug, Clone, PartialEq, Eq)]
pub enum Tune {
    /// Night mode on or off.
    Night(bool),
    /// Night mode off if it is on, else on.
    ToggleNight,
    /// How much later sound reaches the ear than the device knows; negative, how much later the picture reaches the eye. Within [`OFFSET_MAX_MS`](super::OFFSET_MAX_MS).
    OffsetMs(i32),
    /// The same, by so much more.
    OffsetByMs(i32),
    /// On this device, by its [`DeviceName::name`]; `None` follows the system's choice.
    Device(Option<String>),
}

/// See which sound devices there are; the answer comes into [`Devices`] a moment later.
#[derive(Event, Debug, Clone, Copy)]
pub struct LookForDevices;

/// The sound devices as they were when they were last looked for.
#[derive(Resource, Default)]
pub struct Devices {
    /// In the system's order.
    pub list: Vec<DeviceName>,
    found: Slot<Vec<DeviceName>>,
    is_looking: Arc<AtomicBool>,
}

/// A sound device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName {
    /// As the system names it, and as it is chosen.
    pub name: String,
    /// As people call it.
    pub title: String,
}

/// What a person set about sound, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tuning {
    /// In percent of the original.
    pub volume: f32,
    /// Whether night mode is on.
    pub night: bool,
    /// As in [`Tune::OffsetMs`].
    pub offset_ms: i32,
    /// As in [`Tune::Device`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { volume: 100.0, night: false, offset_ms: 0, device: None }
    }
}

impl Tuning {
    /// As the mixer stands.
    #[must_use]
    pub fn of(mixer: &Mixer) -> Self {
        Self {
            volume: mixer.film_volume(),
            night: mixer.is_night(),
            offset_ms: mixer.offset_ms(),
            device: mixer.chosen_device().map(str::to_owned),
        }
    }

    /// Sets the mixer so; what cannot be is brought into its range.
    pub fn apply(&self, mixer: &mut Mixer) {
        mixer.set_film_volume(self.volume);
        mixer.set_night(self.night);
        mixer.set_offset_ms(self.offset_ms);
        mixer.recall_device(self.device.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio::{OFFSET_MAX_MS, Output, backend::capture},
        trace::Trace,
    };

    #[test]
    fn what_is_kept_comes_back_and_nonsense_is_brought_into_range() {
        let mut mixer = Mixer::open(&Output::Capture(capture::Handle::default()), &Trace::default()).unwrap();
        let tuning = Tuning { volume: 130.0, night: true, offset_ms: -250, device: Some("headphones".to_owned()) };
        tuning.apply(&mut mixer);
        assert_eq!((Tuning::of(&mixer), mixer.picture_lead_ns()), (tuning, 250_000_000));
        Tuning { volume: f32::INFINITY, night: false, offset_ms: i32::MIN, device: None }.apply(&mut mixer);
        assert_eq!(Tuning::of(&mixer), Tuning { volume: 150.0, night: false, offset_ms: -OFFSET_MAX_MS, device: None });
    }
}
