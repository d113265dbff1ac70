//! What the film does to the hall: house lights and curtain.
//!
//! The curtain opens when a film is put on and not only when it plays: whoever opens a film in pause, or comes late into one, wants to see its picture.

use bevy::prelude::*;

use super::{Curtain, HouseLights, Mood, Theater};
use crate::room::{Frame, Now, Playback, Room};

/// Lets the lights and the curtain follow the film.
pub(super) fn plugin(app: &mut App) {
    // Until the first film comes the curtain is drawn.
    app.world_mut().resource_mut::<Curtain>().jump(0.0);
    app.init_resource::<Lights>().add_systems(Update, follow_film.in_set(Frame::Show).before(Theater::Move));
}

fn follow_film(
    room: Option<Single<&Playback, With<Room>>>,
    now: Option<Res<Now>>,
    lights: Res<Lights>,
    mut house: ResMut<HouseLights>,
    mut curtain: ResMut<Curtain>,
    mut was_open: Local<bool>,
) {
    let (Some(room), Some(now)) = (room, now) else { return };
    let mood = mood(&room, &now, *lights);
    if house.mood() != mood {
        house.set(mood);
    }
    let is_open = room.film.is_some();
    if is_open != *was_open {
        *was_open = is_open;
        if is_open { curtain.open() } else { curtain.close() }
    }
}

fn mood(playback: &Playback, now: &Now, lights: Lights) -> Mood {
    match lights {
        Lights::Up => Mood::Lobby,
        Lights::Down => Mood::Playing,
        Lights::AsTheFilm if playback.film.is_none() => Mood::Lobby,
        Lights::AsTheFilm if playback.plays(now.room()) => Mood::Playing,
        Lights::AsTheFilm => Mood::Paused,
    }
}

/// What the person at the switch wants.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Lights {
    /// Up before the film, half up in a pause, down while it plays.
    #[default]
    AsTheFilm,
    /// Up.
    Up,
    /// Down.
    Down,
}

impl Lights {
    /// Turns the switch on by one.
    pub fn turn(&mut self) {
        *self = match *self {
            Self::AsTheFilm => Self::Up,
            Self::Up => Self::Down,
            Self::Down => Self::AsTheFilm,
        };
    }
}
