//! When is it? The times, the host's clock as pings show it, the timeline between them, and how a player comes back to it.
//!
//! Pure: time is an argument everywhere and nothing here reads a clock. [`Estimate`] is everybody's view of room time, the host's clock; [`Timeline`] is the one
//! formula from room time to film time that everybody in the room shares; [`follow`] decides what a player does when what is heard is not what the timeline wants.
//!
//! Invariant: no wall clock and no rate of somebody else's enters here. Rejected: a film position sent around ("we are at 12.5 s now"), which is wrong by the
//! time it arrives; correcting by seeks, which counts a seek's own cost as drift and never ends.

mod estimate;
mod follow;
mod time;
mod timeline;

pub use estimate::{Estimate, Fed, Quality, Stamps};
pub use follow::{Follow, Situation, follow};
pub use time::{FilmTime, RoomTime};
pub use timeline::{Motion, Rate, Timeline};
