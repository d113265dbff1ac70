//! What several tests need: films made on the spot, a theater whose time is moved by hand, panels that are clicked on, programs as people start them, and a sound server to talk on.

pub(crate) mod clip;
pub(crate) mod hall;
pub(crate) mod panels;
pub(crate) mod program;
#[cfg(target_os = "linux")]
pub(crate) mod sound;
