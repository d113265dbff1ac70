//! The door: people's machines find each other, prove who they are, and keep one connection a pair.
//!
//! Invariant: this is the only folder that says iroh and tokio; nothing here knows what a room agrees on or what a film is.

pub mod codec;
mod film;
mod id;

pub use film::{FilmEvent, FilmOrder, FilmPort, FilmWire, LineId, PIECE_BYTES_MAX, film_port};
pub use id::{FilmId, ParticipantId};
