use bevy::prelude::*;

use super::{Mixer, VOLUME_MAX};
use crate::notice::Notice;

/// Makes the film louder and quieter.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(change);
}

fn change(change: On<ChangeVolume>, mixer: Option<ResMut<Mixer>>, mut commands: Commands) {
    let Some(mut mixer) = mixer else { return };
    match *change.event() {
        ChangeVolume::To(percent) => mixer.set_film_volume(percent),
        ChangeVolume::By(percent) => {
            let volume = mixer.film_volume() + percent;
            mixer.set_film_volume(volume.clamp(0.0, VOLUME_MAX));
        }
        ChangeVolume::ToggleMute => {
            let is_muted = mixer.is_film_muted();
            mixer.set_film_muted(!is_muted);
        }
    }
    // Whoever turns the volume wants to hear it.
    if matches!(change.event(), ChangeVolume::To(_) | ChangeVolume::By(_)) {
        mixer.set_film_muted(false);
    }
    let says = match (mixer.is_film_muted(), mixer.film_volume()) {
        (true, _) => "Sound off".to_owned(),
        (false, percent) => format!("Volume {percent:.0} %"),
    };
    commands.trigger(Notice::news(says).about("volume"));
}

/// Louder, quieter, off: the film's sound for this person alone.
#[derive(Event, Debug, Clone, Copy, PartialEq)]
pub enum ChangeVolume {
    /// To so many percent of the original.
    To(f32),
    /// By so many percent of the original.
    By(f32),
    /// Off, or on at the volume it had.
    ToggleMute,
}
