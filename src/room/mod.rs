//! Who is here and what we agreed on: what time it is, and how the film on the screen moves.
//!
//! There is one entity, the [`Room`]. What everybody must agree on is an immutable component of it, changed only by inserting, so that nobody can miss a change:
//! `On<Insert, Playback>` is where every machine hears of it. A wish is an event ([`Ask`]); whoever keeps the room decides it in one place, by a pure function.
//!
//! Invariant: nothing here decodes, draws or plays, and no decision reads a clock: [`Now`] is read once a frame.
//!
//! Decided: a component of an entity, not a resource: a replicated resource breaks when somebody rejoins. The room of one person takes the same way as a room
//! of seventy, so that a second person changes nothing but who decides.

mod now;
mod playback;

use bevy::prelude::*;

pub use now::{Clock, Now};
pub use playback::{Ask, FilmOnScreen, Gather, Playback, decide};

/// The order of every frame's work: what has come is taken in, decided on, shown.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frame {
    /// Drain what other threads handed over.
    Hear,
    /// Call the pure functions.
    Decide,
    /// Textures, transforms, gains.
    Show,
}

/// The one entity that carries what everybody agreed on.
#[derive(Component, Debug)]
#[require(Playback)]
pub struct Room;

/// Makes the room.
pub fn plugin(app: &mut App) {
    app.configure_sets(Update, (Frame::Hear, Frame::Decide, Frame::Show).chain());
    app.add_plugins((now::plugin, playback::plugin));
    app.world_mut().spawn(Room);
}
