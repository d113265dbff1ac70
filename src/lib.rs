//! Houselights: a theater that friends share.

pub mod clock;
pub mod handover;
pub mod media;
pub mod settings;
pub mod trace;

#[cfg(feature = "theater")]
pub mod app;
#[cfg(feature = "theater")]
pub mod audio;
#[cfg(feature = "theater")]
pub mod film;
#[cfg(feature = "theater")]
pub mod notice;
#[cfg(feature = "theater")]
pub mod room;
#[cfg(feature = "theater")]
pub mod theater;
#[cfg(feature = "theater")]
pub mod ui;
#[cfg(feature = "theater")]
pub mod webcam;
