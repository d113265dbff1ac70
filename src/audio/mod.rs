//! Everything heard: the mixer, its feeds, and the device under them.
//!
//! A [`Feed`] plays one stretch of live sound at exactly the time it is told and says what leaves the loudspeaker *now*; pictures follow
//! that clock. The [`Mixer`] holds the film's track: night mode, its volume, and behind everything a limiter. Below it an [`Output`]
//! pulls frames: a sound device, the passing of time where there is none, a file, or a test's own hand. Each of them publishes for
//! every callback the moment at which its first frame is heard; the limiter's look-ahead and the person's own offset are counted in.
//!
//! Invariant: nothing here knows what a film, a room or a person is; nothing blocks, allocates or frees in the audio callback; kira and
//! cpal are not named outside.
//!
//! Decided: kira mixes, over a backend of our own. Rejected: kira's own cpal backend, which stays silent for ever once a device dies and
//! does not say what is heard; kira's streaming sounds, which keep 341 ms of old sound after a seek and poll on a thread of their own; a
//! clock that counts samples, which errs by the device's buffer; waiting for a device before anything plays, because the film must go on
//! where there is none.

pub mod backend;
mod clip;
mod feed;
mod limiter;
mod mixer;
mod night;
mod speaker;
#[cfg(test)]
mod tests;
mod tune;
mod volume;

pub use backend::{OpenError, Output, default_device, devices};
pub use clip::{Clip, Drone};
pub use feed::{Feed, FeedSound, Heard, RATE_MAX, RATE_MIN, TRIM_MAX, feed};
pub use mixer::{Mixer, OFFSET_MAX_MS, VOLUME_MAX};
pub use speaker::Speaker;
pub use tune::{DeviceName, Devices, LookForDevices, Tune, Tuning};
pub use volume::ChangeVolume;

use std::sync::{
    Arc, Mutex, MutexGuard, TryLockError,
    atomic::{AtomicI64, AtomicU32, Ordering},
};

use bevy::prelude::*;

/// Opens the chosen [`Output`] unless a [`Mixer`] is there already, and tells the person when the sound goes and comes.
///
/// Who traces, or wants to say at once that a file cannot be written, opens the mixer itself and inserts it before the app runs.
pub fn plugin(app: &mut App) {
    app.add_plugins((mixer::plugin, volume::plugin, tune::plugin));
}

/// When the first frame of the present callback reaches the ear: written by the output, read by feeds inside the same callback.
#[derive(Clone, Default)]
struct Moment(Arc<Stamps>);

#[derive(Default)]
struct Stamps {
    heard_mono_ns: AtomicI64,
    /// What lies between the loudspeaker, as the device knows it, and the ear: a wireless headphone that says nothing of its own delay.
    beyond_ns: AtomicI64,
    /// Streams that were opened on devices.
    openings: AtomicU32,
}

impl Moment {
    fn get(&self) -> i64 {
        self.0.heard_mono_ns.load(Ordering::Relaxed)
    }

    /// By the device's word.
    fn set(&self, mono_ns: i64) {
        let heard_mono_ns = mono_ns.saturating_add(self.0.beyond_ns.load(Ordering::Relaxed));
        self.0.heard_mono_ns.store(heard_mono_ns, Ordering::Relaxed);
    }

    fn note_opening(&self) {
        self.0.openings.fetch_add(1, Ordering::Relaxed);
    }

    fn openings(&self) -> u32 {
        self.0.openings.load(Ordering::Relaxed)
    }

    fn set_beyond_ns(&self, ns: i64) {
        self.0.beyond_ns.store(ns, Ordering::Relaxed);
    }
}

/// Locks without waiting; a holder that panicked does not silence the theater.
fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
