//! What the host's clock says, from pings with four stamps. Pure.
//!
//! Offset and drift are one line between all delays forth and all delays back of the last minute (`envelope`, which says whose method that is); `course` follows it
//! without a step. A queue in one direction only adds delay, so it does not move the line; while nothing but queue is seen, nothing is forgotten (`window`). What cannot
//! be measured is a lasting difference between the way forth and the way back: half of it is error.
//!
//! Invariant: the clock shown never goes back and never jumps, except before [`Quality::is_settled`] and where [`Quality::restarts`] counts up. Stamps are a peer's: no
//! value of them panics, and memory is bounded. Rejected: the sample with the shortest round trip (with ±5 ms of jitter it errs by 1.5 ms, under load in one direction by
//! half the queue); minima without a drift (a minute at 100 ppm is 6 ms); a filter of offsets (averages the queue in).

mod course;
mod envelope;
#[cfg(test)]
mod tests;
mod window;

use course::Course;
use envelope::{Drift, Line, fit};
use window::Window;

use super::RoomTime;

/// An estimate of the host's monotonic clock.
#[derive(Debug, Clone, Default)]
pub struct Estimate {
    known: Option<Known>,
    /// Samples that contradict what is known, the last ones.
    doubts: Vec<Stamps>,
    /// How many samples in a row wanted a step.
    steps_wanted: usize,
    nonsense: u32,
    restarts: u32,
}

impl Estimate {
    /// Takes one answered ping. `now_ns` is our monotonic clock now: what has been told of times before it stays true.
    pub fn feed(&mut self, stamps: Stamps, now_ns: i64) -> Fed {
        if !stamps.are_sane() {
            self.nonsense = self.nonsense.saturating_add(1);
            return Fed::Nonsense;
        }
        self.nonsense = 0;
        if self.known.as_ref().is_some_and(|known| known.contradicts(&stamps)) {
            self.doubts.push(stamps);
            if self.doubts.len() < PROOFS {
                return Fed::Doubted;
            }
            return if self.forget(now_ns) { Fed::Restarted } else { Fed::Taken };
        }
        self.doubts.clear();
        let known = self.known.get_or_insert_with(|| Known::new(&stamps));
        known.add(&stamps);
        let behind_ns = known.behind_ns(now_ns);
        if stamps.returned_ns.saturating_sub(known.since_ns) < SETTLING_NS {
            known.step(now_ns);
            return Fed::Taken;
        }
        if behind_ns.abs() <= known.step_limit_ns() {
            self.steps_wanted = 0;
            known.course.steer(now_ns, behind_ns, known.line.drift.rate);
            return Fed::Taken;
        }
        self.steps_wanted += 1;
        if self.steps_wanted < PROOFS {
            return Fed::Taken;
        }
        self.steps_wanted = 0;
        self.restarts = self.restarts.wrapping_add(1);
        known.since_ns = stamps.returned_ns;
        known.step(now_ns);
        Fed::Restarted
    }

    /// Starts anew from the doubts, keeping the drift: clocks jump, crystals do not. Whether the clock shown jumped too.
    fn forget(&mut self, now_ns: i64) -> bool {
        let doubts = std::mem::take(&mut self.doubts);
        self.steps_wanted = 0;
        let (Some(old), Some(first)) = (self.known.take(), doubts.first()) else { return false };
        let mut known = Known::new(first);
        known.prior = Drift { rate: old.line.drift.rate, error: old.line.drift.error.max(DRIFT_KEPT) };
        known.line.drift = known.prior;
        for stamps in &doubts {
            known.add(stamps);
        }
        known.course = old.course;
        let has_jumped = known.behind_ns(now_ns).abs() > known.step_limit_ns();
        if has_jumped {
            self.restarts = self.restarts.wrapping_add(1);
            known.step(now_ns);
        } else {
            known.since_ns = old.since_ns;
            known.course.steer(now_ns, known.behind_ns(now_ns), known.line.drift.rate);
        }
        self.known = Some(known);
        has_jumped
    }

    /// The host's clock when ours says this; `None` before the first ping. Never decreases with `mono_ns`.
    #[must_use]
    pub fn room_at(&self, mono_ns: i64) -> Option<RoomTime> {
        self.known.as_ref().map(|known| RoomTime::from_ns(known.course.room_ns(mono_ns)))
    }

    /// Our monotonic clock when the host's says this, to a nanosecond or two; `None` before the first ping.
    #[must_use]
    pub fn mono_ns_at(&self, room: RoomTime) -> Option<i64> {
        self.known.as_ref().map(|known| known.course.mono_ns(room.ns()))
    }

    /// How good it is when our clock says this.
    #[must_use]
    pub fn quality(&self, mono_ns: i64) -> Quality {
        let (restarts, nonsense) = (self.restarts, self.nonsense);
        let Some(known) = &self.known else { return Quality { restarts, nonsense, ..Quality::default() } };
        let error_ns = known.error_ns(mono_ns);
        let is_old_enough = known.newest_ns.saturating_sub(known.since_ns) >= SETTLING_NS;
        Quality {
            error_ns: error_ns as i64,
            round_trip_min_ns: known.window.round_trip_ns() as i64,
            round_trip_now_ns: known.round_trip_ns as i64,
            jitter_ns: known.jitter_ns[0].max(known.jitter_ns[1]) as i64,
            drift_ppm: known.line.drift.rate * 1e6,
            is_settled: is_old_enough && error_ns < SETTLED_NS,
            restarts,
            nonsense,
        }
    }
}

/// Everything relative to the first sample, so that `f64` is exact to a nanosecond for a hundred days.
#[derive(Debug, Clone)]
struct Known {
    base_mono_ns: i64,
    base_offset_ns: i64,
    since_ns: i64,
    newest_ns: i64,
    window: Window,
    prior: Drift,
    /// What becomes the prior when a window has passed, and when it was so.
    next_prior: (Drift, f64),
    line: Line,
    course: Course,
    round_trip_ns: f64,
    jitter_ns: [f64; 2],
}

impl Known {
    fn new(first: &Stamps) -> Self {
        let offset_ns = first.received_ns - first.sent_ns;
        let prior = Drift { rate: 0.0, error: DRIFT_UNKNOWN };
        Self {
            base_mono_ns: first.sent_ns,
            base_offset_ns: offset_ns,
            since_ns: first.returned_ns,
            newest_ns: first.returned_ns,
            window: Window::default(),
            prior,
            next_prior: (prior, 0.0),
            line: fit([&[]; 2], [&[]; 2], prior, 0.0, 0.0),
            course: Course::new(first.returned_ns, first.returned_ns.saturating_add(offset_ns), 0.0),
            round_trip_ns: first.round_trip_ns() as f64,
            jitter_ns: [0.0; 2],
        }
    }

    /// Delays are never negative, so every sample bounds the offset from both sides. A line outside is wrong, whatever the network does: a clock was set or stood still.
    fn contradicts(&self, stamps: &Stamps) -> bool {
        let Delays { at_ns, forward_ns, backward_ns } = self.delays(stamps);
        let offset_ns = self.line.offset_ns(at_ns);
        offset_ns > forward_ns + CONTRADICTION_NS || offset_ns < -backward_ns - CONTRADICTION_NS
    }

    fn delays(&self, stamps: &Stamps) -> Delays {
        let forward = stamps.received_ns.saturating_sub(stamps.sent_ns).saturating_sub(self.base_offset_ns);
        let backward = stamps.returned_ns.saturating_sub(stamps.replied_ns).saturating_add(self.base_offset_ns);
        let middle = stamps.sent_ns + (stamps.returned_ns - stamps.sent_ns) / 2;
        Delays { at_ns: middle.saturating_sub(self.base_mono_ns) as f64, forward_ns: forward as f64, backward_ns: backward as f64 }
    }

    fn add(&mut self, stamps: &Stamps) {
        let Delays { at_ns, forward_ns, backward_ns } = self.delays(stamps);
        self.newest_ns = self.newest_ns.max(stamps.returned_ns);
        self.window.add(at_ns, forward_ns, backward_ns, self.line.drift.rate);
        loop {
            let [all, loaded] = self.window.points();
            self.line =
                fit(all.each_ref().map(Vec::as_slice), loaded.each_ref().map(Vec::as_slice), self.prior, self.line.drift.rate, at_ns);
            // No line fits: the rate has changed, and the oldest are no longer true.
            if self.line.round_trip_ns >= 0.0 || !self.window.forget_oldest() {
                break;
            }
        }
        if at_ns - self.next_prior.1 > PRIOR_AFTER_NS && self.window.span_ns() > PRIOR_SPAN_NS {
            self.prior = self.next_prior.0;
            self.next_prior = (Drift { rate: self.line.drift.rate, error: (2.0 * self.line.drift.error).max(DRIFT_WANDERS) }, at_ns);
        }
        self.round_trip_ns += (stamps.round_trip_ns() as f64 - self.round_trip_ns) / SMOOTHING;
        let excess_ns = self.line.excess_ns(at_ns, forward_ns, backward_ns);
        for (jitter_ns, excess_ns) in self.jitter_ns.iter_mut().zip(excess_ns) {
            *jitter_ns += (excess_ns.max(0.0) - *jitter_ns) / SMOOTHING;
        }
    }

    /// Where the host's clock is believed to be.
    fn target_ns(&self, mono_ns: i64) -> i64 {
        let offset_ns = self.line.offset_ns(mono_ns.saturating_sub(self.base_mono_ns) as f64);
        mono_ns.saturating_add(self.base_offset_ns).saturating_add(offset_ns.round() as i64)
    }

    fn behind_ns(&self, mono_ns: i64) -> f64 {
        self.target_ns(mono_ns).saturating_sub(self.course.room_ns(mono_ns)) as f64
    }

    /// What is further off is stepped to.
    fn step_limit_ns(&self) -> f64 {
        if self.newest_ns.saturating_sub(self.since_ns) < YOUTH_NS { STEP_YOUNG_NS } else { STEP_NS }
    }

    fn error_ns(&self, mono_ns: i64) -> f64 {
        let unheard_ns = mono_ns.saturating_sub(self.newest_ns).max(0) as f64;
        self.line.error_ns + unheard_ns * 2.0 * self.line.drift.error + self.behind_ns(mono_ns).abs()
    }

    fn step(&mut self, mono_ns: i64) {
        self.course = Course::new(mono_ns, self.target_ns(mono_ns), self.line.drift.rate);
    }
}

struct Delays {
    at_ns: f64,
    forward_ns: f64,
    backward_ns: f64,
}

/// One ping and its answer. Nothing is known of the two clocks' zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// When it left, on our monotonic clock.
    pub sent_ns: i64,
    /// When it reached the host, on the host's.
    pub received_ns: i64,
    /// When the host answered, on the host's.
    pub replied_ns: i64,
    /// When the answer came, on ours.
    pub returned_ns: i64,
}

impl Stamps {
    fn are_sane(&self) -> bool {
        let Self { sent_ns, received_ns, replied_ns, returned_ns } = *self;
        [sent_ns, received_ns, replied_ns, returned_ns].iter().all(|stamp| stamp.unsigned_abs() <= STAMP_MAX)
            && (0..=PING_MAX_NS).contains(&(returned_ns - sent_ns))
            && (0..=PING_MAX_NS).contains(&(replied_ns - received_ns))
            && self.round_trip_ns() >= 0
    }

    /// Without the time at the host's; only of sane ones.
    fn round_trip_ns(&self) -> i64 {
        (self.returned_ns - self.sent_ns) - (self.replied_ns - self.received_ns)
    }
}

/// What became of a ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// It counts.
    Taken,
    /// It contradicts what is known and does not count; if the next ones do too, they are right.
    Doubted,
    /// A clock has jumped (a suspend): the clock shown has jumped too, and is being learnt anew. [`Quality::restarts`] went up.
    Restarted,
    /// No such ping can be; it was ignored.
    Nonsense,
}

/// How good an estimate is.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Quality {
    /// How wrong it is, 19 times in 20, if the shortest way forth is as long as the shortest way back. Zero when nothing is known.
    pub error_ns: i64,
    /// The shortest round trip of the last minute; half of it bounds the error in any case.
    pub round_trip_min_ns: i64,
    /// The round trip of the last second or two.
    pub round_trip_now_ns: i64,
    /// By how much a message is usually later than the quickest, in the worse direction, in the last second or two.
    pub jitter_ns: i64,
    /// How much faster the host's clock goes than ours.
    pub drift_ppm: f64,
    /// Whether to trust it: no steps from here on.
    pub is_settled: bool,
    /// How often the clock shown has jumped since the first ping.
    pub restarts: u32,
    /// How many nonsensical pings came since the last good one.
    pub nonsense: u32,
}

/// A quarter of what an `i64` holds: differences of two stamps cannot overflow. 73 years.
const STAMP_MAX: u64 = 1 << 61;
/// An answer later than this says nothing.
const PING_MAX_NS: i64 = 10_000_000_000;
/// Until then the estimate may step: nobody watches yet.
const SETTLING_NS: i64 = 1_000_000_000;
/// What is further off is stepped to: slewing would take minutes.
const STEP_NS: f64 = 50e6;
/// Until this age it may have begun under load and learnt better; slewing that off would take the first scene.
const YOUTH_NS: i64 = 30_000_000_000;
const STEP_YOUNG_NS: f64 = 5e6;
/// Below this a film is in step.
const SETTLED_NS: f64 = 5e6;
/// This many in a row are no accident.
const PROOFS: usize = 4;
/// A line may be this wrong without a clock having jumped.
const CONTRADICTION_NS: f64 = 1e6;
/// Of two clocks never met: most are within 50 ppm, few beyond 100.
const DRIFT_UNKNOWN: f64 = 60e-6;
/// What a drift is still worth after a clock has jumped.
const DRIFT_KEPT: f64 = 10e-6;
/// How much warmth changes a drift in minutes.
const DRIFT_WANDERS: f64 = 3e-6;
/// Not sooner, or the same samples would count twice.
const PRIOR_AFTER_NS: f64 = 60e9;
const PRIOR_SPAN_NS: f64 = 30e9;
/// Samples: one or two seconds.
const SMOOTHING: f64 = 8.0;
