//! One integration binary: each module is one promise-keeper of the house.

#![expect(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

mod clicks;
mod film;
mod friends;
mod hands;
mod house;
mod journey;
mod picture;
mod serve;
mod shaders;
mod source;
mod subtitles;
mod support;
mod tracks;
#[cfg(target_os = "linux")] // PulseAudio, and setpriv around it, are there alone
mod voices;
