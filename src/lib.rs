//! Houselights: a theater that friends share. Someone opens a film; it plays on the big screen of a 3D cinema, and its sound is the clock.
//!
//! This page is the map. Arrows point down: a folder knows only what stands below it, and a test (`tests/it/house.rs`) holds the code to that.
//!
//! | floor | folder | what it does |
//! |---|---|---|
//! | roof | `app` | the command line; the window, headless, one picture, the doctor: each puts the plugins together |
//! | roof | `ui` | lobby, remote, bar, people, chat, keys, notices: what a person touches |
//! | second | `film` | playback to pictures and sound; opening films |
//! | second | `voice` | microphone to ear: what each person says, heard from their seat |
//! | second | `webcam` | cameras, and faces on their way to the avatars |
//! | first | `theater` | the place: hall, light, seats, people, screen, camera |
//! | first | `room` | who is here and what everybody agreed on: seats, rights, chat, how the film moves |
//! | first | `audio` | the mixer, live feeds with an exact clock, the outputs |
//! | first | `notice` | what a person should be told |
//! | ground | [`media`] | bytes to pictures, sound and subtitles |
//! | ground | [`net`] | the door: who is who, one connection a pair, pings |
//! | ground | [`swarm`] | the film's bytes between people |
//! | ground | [`clock`] | film time, room time, the host's clock, the timeline, how to follow it |
//! | ground | [`handover`] | how things pass between threads |
//! | ground | [`settings`], [`trace`] | what is kept; what is measured |
//!
//! The ground floor knows no Bevy and is built and tested alone with `--no-default-features`; the first floor is Bevy plugins that know nothing of films.
//!
//! # The paths
//!
//! 1. **File byte → pixel.** `media`'s `demux` thread reads packets, its `decode` thread makes pictures of them; `film::show` takes the one that belongs to what
//!    is heard; `theater::screen` writes its planes to the GPU, and `shaders/screen.wgsl` makes light of them.
//! 2. **File byte → ear.** The same threads write one unbroken stretch of 48 kHz sound into a ring; `audio`'s feed plays it in the sound device's own callback, at the
//!    instant it was told. No frame of Bevy is on this path.
//! 3. **Key → pause.** `ui` triggers an action, that asks the room (`room::Ask`), a pure function decides, the immutable component `room::Playback` is inserted, and
//!    `film::follow` hears of it. Buttons, the remote, headless lines and, later, other people's machines take the same way.
//! 4. **Mouth → ear.** `voice::microphone` fills a ring, `voice`'s thread takes 10 ms at a time through echo canceller, gate and encoder and gives them to the lines;
//!    the other's thread takes them out of its jitter buffer as its sound device asks for them. No frame of Bevy is on this path either.
//!
//! # What is always true
//!
//! - What is heard is the clock that pictures follow; the room's timeline is the clock that sound follows; a wall clock is neither.
//! - Every frame reads the time once ([`clock`] never does), works in the order Hear → Decide → Show, and never waits.
//! - Work for an older seek or film is recognised by its generation and dropped.
//! - Nothing in a file can panic our code, hang it, or make it allocate without bound.
//! - A failure is told once, in words that say what to do; the theater stays open.

pub mod clock;
pub mod handover;
pub mod media;
pub mod net;
pub mod settings;
pub mod swarm;
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
pub mod voice;
#[cfg(feature = "theater")]
pub mod webcam;
