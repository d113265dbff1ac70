//! The place: the hall, its light, the people in it, the seat one looks from.
//!
//! Everything here is made in code: meshes, patterns, baked light. Others set [`ScreenGlow`] (what the film throws into the hall),
//! [`HouseLights`] (lobby, paused, playing), [`ScreenShape`] (the film's aspect), [`Curtain`] and [`Viewer`], and [`Person`] on entities;
//! this folder makes it visible, eased. Hands set [`Feet`] and trigger [`StandUp`], [`SitBack`] and [`PlaceSound`]; a settings panel changes [`Quality`] and
//! [`PlaceSettings`]. [`Stirring`] says whether anything is on its way, so that a still hall is hardly drawn.
//!
//! Invariant: nothing here knows of files, decoders or network; of the film only how the room moves it and what its picture looks like, and nothing large is drawn with a `StandardMaterial`.

use bevy::prelude::*;

use crate::room::Frame;

pub mod avatar;
pub mod cinema;
pub mod hall;
pub mod light;
pub mod material;
pub mod mood;
pub mod motion;
mod quality;
pub mod screen;
mod settings;
mod sound;
mod stir;
pub mod subtitles;
pub mod view;
pub mod walk;

pub use avatar::{
    Face, FacePlate, HeadPose, HeadTop, Hue, Look, Occupied, Person, Presence, Speech, Stands, Stirring, gazed_person, head_top,
};
pub use cinema::Cinema;
pub use hall::curtain::Curtain;
pub use hall::measures::{SeatPlace, seat_place};
pub use hall::pick::{HoveredSeat, Seat};
pub use hall::screen::{Rect3, ScreenShape, screen_rect};
pub use light::house::{HouseLights, Mood};
pub use light::{HallLight, ScreenGlow};
pub use mood::Lights;
pub use quality::{Quality, Tier, tier_of};
pub use screen::{Planes, Screen, ScreenCurve, ScreenPicture, ScreenPlane, Surface, Upload};
pub use settings::PlaceSettings;
pub use sound::PlaceSound;
pub use subtitles::{SubtitleFrame, SubtitleSurface, SubtitleText};
pub use view::{SeatedCamera, Viewer};
pub use walk::{Feet, SitBack, StandUp};

/// The whole place. Insert [`Quality`] and [`PlaceSettings`] before, or they are what suits the machine and what is usual.
pub fn plugin(app: &mut App) {
    app.init_resource::<PlaceSettings>();
    app.configure_sets(Update, (Theater::Move, Theater::Light).chain().after(Frame::Show));
    app.add_plugins((
        material::plugin,
        light::plugin,
        hall::plugin,
        view::plugin,
        screen::plugin,
        subtitles::plugin,
        cinema::plugin,
        mood::plugin,
        avatar::plugin,
        (quality::plugin, walk::plugin, sound::plugin, stir::plugin),
    ));
}

/// The order of a picture's work in `Update`.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Theater {
    /// Things take their place: camera, curtain, masking, house lights.
    Move,
    /// The light of the hall goes to the materials.
    Light,
}
