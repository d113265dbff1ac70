//! Houselights: a theater that friends share.

pub mod handover;
pub mod trace;

#[cfg(feature = "theater")]
pub mod notice;
