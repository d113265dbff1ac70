//! The one integration test binary: a second would link Bevy a second time.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod house;
mod shaders;
mod source;
