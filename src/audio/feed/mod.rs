//! One stretch of live sound with an exact clock.
//!
//! A [`Feed`] is told what to play and when; its [`FeedSound`] plays it inside the mixer. Everything between the ring and the loudspeaker
//! happens in `player`, a pure state machine that is given the time at which each frame will be heard. Above it `stretch` keeps the samples
//! around the place, `tempo` keeps their pitch when the film runs faster or slower, `sinc` reads between them, `fade` joins what does not fit together, `plans` keeps what is dated for later; `orders`
//! and `heard` are the ways down and back.
//!
//! Invariant: the place is exact whatever is faded, because fades read ahead and take nothing away, and the interpolator delays nothing.
//!
//! Rejected: counting samples in the callback and adding a guessed latency (wrong by a device's buffer); tails played from a second ring
//! (which must then be kept alive); kira's own playback rate (not there for custom sounds).

mod fade;
mod heard;
mod orders;
mod plans;
mod player;
mod sinc;
mod stretch;
mod tempo;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use kira::{
    Frame,
    info::Info,
    sound::{Sound, SoundData},
};

pub use self::heard::Heard;
use self::{
    heard::History,
    orders::{Desk, Order},
    plans::Plan,
    player::Player,
};
use super::Moment;
use crate::{
    handover::SampleConsumer,
    trace::{Event, Trace},
};

/// The largest trim of the playback rate, either way: half a percent cannot be heard.
pub const TRIM_MAX: f64 = 0.005;

/// The slowest and the fastest that sound is worth hearing.
pub const RATE_MIN: f64 = 0.5;
/// See [`RATE_MIN`].
pub const RATE_MAX: f64 = 2.0;

/// A feed and the sound it plays as; give the sound to the mixer. The trace notes what is heard, once per callback while the film plays.
#[must_use]
pub fn feed(trace: Trace) -> (Feed, FeedSound) {
    let shared = Arc::new(Shared::default());
    let sound = FeedSound {
        player: Player::default(),
        shared: Arc::clone(&shared),
        trace,
        moment: Moment::default(),
        callback: Callback { start_ns: 0, frames: 0, is_new: false, is_noted: false },
        is_hushed: false,
    };
    (Feed { shared }, sound)
}

/// Tells a stretch of sound what to do, and what is heard of it. All times are of the monotonic clock. Dropping it ends the sound.
pub struct Feed {
    shared: Arc<Shared>,
}

impl Feed {
    /// Replaces what is played by this ring, whose first sample has the given film time, and stands there. What was planned is forgotten,
    /// the trim stays.
    ///
    /// The answer is the ring's number, to be found again in [`Heard::cue`].
    pub fn cue(&self, ring: SampleConsumer, film_ns: i64) -> u32 {
        let cue = self.shared.cues.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.desk.hand_in(Order::Cue { ring, film_ns, cue });
        cue
    }

    /// The place at which the feed stands leaves the loudspeaker at `mono_ns`. If that is already past, it begins at once with what would
    /// be heard by then, as far as the ring holds it.
    pub fn start_at(&self, mono_ns: i64) {
        self.run_at(mono_ns, 1.0);
    }

    /// The same at another rate, [`RATE_MIN`] to [`RATE_MAX`], with the pitch kept; while it runs, it runs at that rate from then on.
    pub fn run_at(&self, mono_ns: i64, rate: f64) {
        let rate = if rate.is_nan() { 1.0 } else { rate.clamp(RATE_MIN, RATE_MAX) };
        self.shared.desk.hand_in(Order::Plan(Plan { at_ns: mono_ns, rate }));
    }

    /// The feed stands from `mono_ns` on, or at once if that is past.
    ///
    /// Starts and stops may be planned ahead in any number; a new one takes back those that are dated for the same time or later.
    pub fn stop_at(&self, mono_ns: i64) {
        self.shared.desk.hand_in(Order::Plan(Plan { at_ns: mono_ns, rate: 0.0 }));
    }

    /// Plays faster or slower by up to [`TRIM_MAX`]; 1 is as recorded.
    pub fn trim(&self, rate: f64) {
        let rate = if rate.is_nan() { 1.0 } else { rate.clamp(1.0 - TRIM_MAX, 1.0 + TRIM_MAX) };
        self.shared.desk.hand_in(Order::Trim(rate));
    }

    /// Jumps ahead by `by_ns` within what the ring holds, or, if negative, stands still for that long; a feed that stands already does not
    /// stand longer.
    pub fn skip(&self, by_ns: i64) {
        self.shared.desk.hand_in(Order::Skip(by_ns));
    }

    /// What leaves the loudspeaker now; nothing before the first cue is heard.
    ///
    /// Beyond what was rendered the film is taken to stand, so the answer never has to be taken back.
    #[must_use]
    pub fn heard(&self, now_mono_ns: i64) -> Option<Heard> {
        self.shared.history.at(now_mono_ns)
    }

    /// How long it takes until what is ordered now is heard: the device's own latency and what lies behind it, in nanoseconds.
    #[must_use]
    pub fn latency_ns(&self, now_mono_ns: i64) -> i64 {
        self.shared.history.end_ns().map_or(0, |end_ns| end_ns.saturating_sub(now_mono_ns).clamp(0, LATENCY_MOST_NS))
    }

    /// How much film waits to be heard, in nanoseconds.
    #[must_use]
    pub fn buffered_ns(&self) -> i64 {
        let frames = self.shared.desk.cued_frames().unwrap_or_else(|| self.shared.buffered_frames.load(Ordering::Relaxed));
        i64::try_from(frames * 62_500 / 3).unwrap_or(i64::MAX)
    }

    /// How often the film stood because samples were missing.
    #[must_use]
    pub fn underruns(&self) -> u64 {
        self.shared.underruns.load(Ordering::Relaxed)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
    }
}

/// The sound of a feed, to be given to the mixer.
pub struct FeedSound {
    player: Player,
    shared: Arc<Shared>,
    trace: Trace,
    moment: Moment,
    callback: Callback,
    is_hushed: bool,
}

impl FeedSound {
    /// Tells it where to read when its frames are heard.
    pub(super) fn timed_by(self, moment: Moment) -> Self {
        Self { moment, ..self }
    }

    fn take_orders(&mut self) {
        if let Some(mut tray) = self.shared.desk.try_open() {
            while let Some(order) = tray.next_order() {
                tray.send_back(self.player.obey(order));
            }
            // Before the desk closes: a cue must not be seen neither waiting nor counted.
            self.shared.buffered_frames.store(self.player.buffered_frames(), Ordering::Relaxed);
        }
        if self.shared.closed.load(Ordering::Relaxed) && !std::mem::replace(&mut self.is_hushed, true) {
            self.player.hush();
        }
    }
}

impl SoundData for FeedSound {
    type Error = Infallible;
    type Handle = ();

    fn into_sound(self) -> Result<(Box<dyn Sound>, ()), Infallible> {
        Ok((Box::new(self), ()))
    }
}

impl Sound for FeedSound {
    fn on_start_processing(&mut self) {
        self.callback = Callback { start_ns: self.moment.get(), frames: 0, is_new: true, is_noted: false };
    }

    fn process(&mut self, out: &mut [Frame], dt: f64, _info: &Info) {
        self.player.set_rate(dt.recip().round());
        if std::mem::take(&mut self.callback.is_new) {
            self.take_orders();
        }
        let start_ns = self.callback.start_ns + (self.callback.frames as f64 * dt * 1e9).round() as i64;
        self.callback.frames += out.len();
        let was_cued = self.player.was_cued();
        self.player.render(
            start_ns,
            out.len(),
            |k, [left, right]| out[k] = Frame { left, right },
            |segment| {
                if was_cued {
                    self.shared.history.push(segment);
                }
                if segment.film.playing && !std::mem::replace(&mut self.callback.is_noted, true) {
                    self.trace.note(Event::Heard { mono_ns: segment.start_ns, film_ns: segment.film.film_ns });
                }
            },
        );
        self.shared.buffered_frames.store(self.player.buffered_frames(), Ordering::Relaxed);
        self.shared.underruns.store(self.player.underruns(), Ordering::Relaxed);
    }

    fn finished(&self) -> bool {
        self.is_hushed && self.player.is_silent()
    }
}

/// PulseAudio's default of two seconds, and what a person adds.
const LATENCY_MOST_NS: i64 = 4_000_000_000;

/// What one callback of the device has come to.
struct Callback {
    start_ns: i64,
    frames: usize,
    is_new: bool,
    is_noted: bool,
}

#[derive(Default)]
struct Shared {
    desk: Desk,
    history: History,
    cues: AtomicU32,
    buffered_frames: AtomicU64,
    underruns: AtomicU64,
    closed: AtomicBool,
}
