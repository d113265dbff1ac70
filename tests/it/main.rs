//! One integration binary: each module is one promise-keeper of the house.

#![expect(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

mod bar;
mod clicks;
mod faces;
mod film;
mod friends;
mod hands;
mod house;
#[cfg(target_os = "linux")] // desktops with such entries are there alone
mod install;
mod journey;
mod keyboard;
mod picture;
mod place;
mod serve;
mod shaders;
mod source;
mod speaking;
mod subtitles;
mod support;
mod tracks;
#[cfg(target_os = "linux")] // PulseAudio, and setpriv around it, are there alone
mod voices;
