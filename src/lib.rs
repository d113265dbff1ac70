//! Houselights: a theater that friends share.

pub mod clock;
pub mod handover;
pub mod media;
pub mod settings;
pub mod trace;

#[cfg(feature = "theater")]
pub mod notice;
