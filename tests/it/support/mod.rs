//! What several tests need: films made on the spot, and a theater whose time is moved by hand.

pub(crate) mod clip;
pub(crate) mod hall;
