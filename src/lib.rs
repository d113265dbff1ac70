//! Houselights: a theater that friends share.

pub mod clock;
pub mod handover;
pub mod settings;
pub mod trace;

#[cfg(feature = "theater")]
pub mod notice;
