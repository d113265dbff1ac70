//! People in their seats and on their feet: who is where, what they look like, where they look.
//!
//! `company` puts [`Person`] on the room's participants and keeps [`HeadPose`] and [`Presence`] there; [`Sits`](crate::room::Sits) and [`Me`](crate::room::Me) are the
//! room's own. A test may put them on any entity. This folder draws them, keeps [`Occupied`] and each [`HeadTop`], and says by [`Stirring`] whether anything is still on its way.
//!
//! A figure is one mesh that all of the same outfit share, and a plate for its face. What differs from person to person (colours, light, the head's
//! turn, the eyes) stands in one list that the shader reads by the mesh's tag; breath, blinks and the sleepers' letters are made of the time in the
//! shader. So seventy people are few draws, a turning head moves no transform, and who sits still costs nothing but being drawn. Blinks and breath do
//! not count as stirring: a resting theater does not wake for them.
//!
//! Invariant: nothing but `company` knows what a participant is; nothing here asks the network or the film, and whatever is told is drawn safely.
//! Rejected: a skeleton for each figure (Bevy's skinning breaks batches and costs a transform a bone); light baked into each mesh (then no two could
//! share one, and moving would bake again).

use bevy::prelude::*;

mod act;
mod body;
mod company;
mod face;
mod figure;
mod follow;
mod gait;
mod gaze;
mod material;
mod occupied;
mod person;
mod plate;
mod probe;
mod sample;
mod sculpt;
mod sleep;
#[cfg(test)]
mod tests;
mod wear;

pub use face::Face;
pub use figure::{FacePlate, head_top};
pub use gaze::{HEAD_RADIUS_M, gazed_person};
pub use occupied::Occupied;
pub use person::{HeadPose, HeadTop, Hue, Look, Person, Presence, Speech, Stands};
pub use sample::sample;

/// Seats people and draws them.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Stirring>().add_plugins((company::plugin, material::plugin, occupied::plugin, figure::plugin, face::plugin));
}

/// Whether any figure or anything else of the place is still on its way: while it is, every frame is to be drawn.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stirring(pub bool);
