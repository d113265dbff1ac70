//! What several tests need: films made on the spot, a theater whose time is moved by hand, and programs as people start them.

pub(crate) mod clip;
pub(crate) mod hall;
pub(crate) mod program;
