//! Voices: what a person says is heard by the others from where that person sits.
//!
//! ```text
//! microphone → Speech (canceller → detector → gate → encoder) → Packet ⇒ Jitter → decoder → stretch → the ear
//!                 ↑ the final mix, mono                                └────────── Hearing ─────────┘
//! ```
//!
//! [`Speech`] is what is sent and [`Hearing`] is one person heard. Both are plain values: samples and packets go in and come out, time is an argument, and
//! nothing in them waits. Everything is 48 kHz mono in ticks of 10 ms.
//!
//! `worker` runs them on a thread of its own between the rings and the line, `microphone` fills the one, `talk` decides who is heard from where and by whom.
//!
//! Invariant: only `talk` knows Bevy, only `microphone` a sound device, only `worker` the network. The only folder that says opus and sonora.
//!
//! Decided, with the rejected:
//! - *The ear pulls.* Its device's clock is the master, so clocks that drift show as a wait that changes, and the jitter buffer mends it with what it has
//!   anyway: pauses and stretching. Rejected: a resampler a person with a controller of its own, which hears the same drift twice and costs a second
//!   buffer.
//! - *A dry buffer waits; it does not run on.* No word is lost to a path that stood for a moment, and the wait grows exactly when the path asks for it.
//!   Rejected: going on with the clock and dropping what comes too late, which loses what then arrives by the dozen.
//! - *A tick is the microphone's, sent or not*, so pauses keep their length, and the end of speech is said instead of guessed. Rejected: numbering packets,
//!   where a pause and a loss look alike.
//! - *Opus repairs and conceals* (in-band FEC, PLC); the stretcher is our own, because it needs what was played and what is next at once. Rejected:
//!   sending everything twice (RED), which doubles the rate.
//! - *An energy gate behind noise suppression*, not a neural detector: a film is on, everybody has push to talk, and a wrong guess costs a third of a
//!   second of murmur.

mod canceller;
mod coder;
mod detect;
mod gate;
mod hearing;
mod jitter;
pub mod level;
mod microphone;
mod pack;
mod packet;
mod place;
mod resample;
mod speech;
mod stretch;
mod talk;
pub mod testing;
mod worker;

pub use canceller::{Bypass, Canceller};
pub use coder::{CoderError, DTX_BYTES_MAX, Decoder, Encoder, Quality};
pub use gate::Mode;
pub use hearing::{Hearing, Stretched};
pub use jitter::{Counts, Jitter, Pace, Put, Step};
pub use microphone::{MicrophoneChoice, microphones};
pub use pack::Path;
pub use packet::{HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, Packet, TICK_NS, TICK_SAMPLES};
pub use speech::{PACKETS_MAX, Speech, Spoken, Wish};
pub use talk::{Hearers, MicrophoneLevel, MyVoice, Speak};

/// Lets people talk and hear each other.
pub fn plugin(app: &mut bevy::prelude::App) {
    talk::plugin(app);
}
