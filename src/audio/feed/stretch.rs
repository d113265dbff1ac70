use super::{
    sinc::{MIDDLE, Sinc, TAPS},
    tempo::REACH,
};
use crate::handover::{SampleConsumer, StereoFrame};

/// Samples a second in every ring.
pub(super) const RATE: f64 = 48_000.0;

/// The samples around the place that is played, and the ring they come from.
///
/// Some stay behind the place and some wait ahead of it, so that the interpolator, and a fade that plays on beyond a stop, read without
/// taking anything away.
pub(super) struct Stretch {
    ring: Option<SampleConsumer>,
    /// Film time of sample 0.
    film_ns: i64,
    near: Box<[StereoFrame]>,
    filled: usize,
    /// The number of the sample at `near[0]`; silence stands before sample 0.
    first: i64,
    /// The place, counted from `near[0]`.
    place: f64,
    /// The ring has ended and everything of it is in `near`.
    complete: bool,
    /// How far from the place sound is read besides.
    reach: f64,
}

impl Default for Stretch {
    fn default() -> Self {
        Self {
            ring: None,
            film_ns: 0,
            near: vec![[0.0; 2]; NEAR].into(),
            filled: BEHIND,
            first: -(BEHIND as i64),
            place: BEHIND as f64,
            complete: false,
            reach: 0.0,
        }
    }
}

impl Stretch {
    /// Takes up another ring at its beginning and returns the old one.
    pub(super) fn replace(&mut self, ring: SampleConsumer, film_ns: i64) -> Option<SampleConsumer> {
        self.near[..BEHIND].fill([0.0; 2]);
        (self.filled, self.first, self.place) = (BEHIND, -(BEHIND as i64), BEHIND as f64);
        (self.film_ns, self.complete) = (film_ns, false);
        let old = self.ring.replace(ring);
        self.fill();
        old
    }

    /// Film time of the place.
    pub(super) fn film_ns(&self) -> i64 {
        let whole = self.first + self.place as i64;
        // 10^9 / 48000 = 62500 / 3, kept whole so that three hours in nothing has been rounded away.
        self.film_ns.saturating_add((whole * 62_500).div_euclid(3) + (self.place.fract() * 1e9 / RATE).round() as i64)
    }

    /// The sound `samples` ahead of the place.
    pub(super) fn read(&self, sinc: &Sinc, samples: f64) -> StereoFrame {
        let place = (self.place + samples).max(MIDDLE as f64);
        let whole = place as usize;
        let fraction = place.fract();
        // Between grains a whole number of samples has gone through many sums.
        let (whole, fraction) = if fraction > 1.0 - WHOLE {
            (whole + 1, 0.0)
        } else if fraction < WHOLE {
            (whole, 0.0)
        } else {
            (whole, fraction)
        };
        if fraction == 0.0 && sinc.is_transparent() {
            return if whole < self.filled { self.near[whole] } else { [0.0; 2] };
        }
        let start = whole - MIDDLE;
        match self.near[..self.filled].get(start..).and_then(<[_]>::first_chunk) {
            Some(taps) => sinc.read(taps, fraction),
            None => {
                let mut taps = [[0.0; 2]; TAPS];
                for (tap, sample) in taps.iter_mut().zip(self.near[..self.filled].iter().skip(start)) {
                    *tap = *sample;
                }
                sinc.read(&taps, fraction)
            }
        }
    }

    /// The mean of some samples of both sides, `from` samples from the place; silence where there are none.
    pub(super) fn mono(&self, from: i64, count: i64) -> f32 {
        let start = (self.place as i64).saturating_add(from);
        let sample =
            |at: i64| usize::try_from(at).ok().and_then(|at| self.near[..self.filled].get(at)).map_or(0.0, |frame| frame[0] + frame[1]);
        (start..start + count).map(sample).sum()
    }

    /// Moves the place on by a part of a sample.
    pub(super) fn nudge(&mut self, samples: f64) {
        self.place += samples.clamp(0.0, 1.0);
    }

    /// Keeps so many samples more around the place.
    pub(super) fn set_reach(&mut self, samples: f64) {
        self.reach = samples;
    }

    /// Moves the place on by a few samples.
    pub(super) fn advance(&mut self, samples: f64) {
        self.place += samples;
        self.top_up();
    }

    /// Moves the place on as far as asked and as there is something to play.
    pub(super) fn jump(&mut self, samples: f64) {
        let spare = if self.complete { 0.0 } else { DRY_BELOW + self.reach };
        let reachable = (self.ahead() + self.in_ring() as f64 - spare).max(0.0);
        let target = self.place + samples.clamp(0.0, reachable);
        let beyond = (target as usize).saturating_sub(BEHIND + self.filled);
        if beyond > 0
            && let Some(ring) = &mut self.ring
        {
            let gone = self.filled + ring.discard(beyond);
            (self.filled, self.first, self.place) = (0, self.first + gone as i64, target - gone as f64);
        } else {
            self.place = target;
        }
        self.fill();
    }

    /// Takes from the ring what the next frame and a fade after it may need.
    pub(super) fn top_up(&mut self) {
        if self.ahead() < READY {
            self.fill();
        }
    }

    fn fill(&mut self) {
        let Some(ring) = self.ring.as_mut().filter(|_| !self.complete) else { return };
        // Asked before the last pop: what came before the end was said is then surely seen.
        let ended = ring.is_ended();
        let passed = (self.place as usize).saturating_sub(BEHIND).min(self.filled);
        if passed >= WORTH_MOVING {
            self.near.copy_within(passed..self.filled, 0);
            self.filled -= passed;
            self.first += passed as i64;
            self.place -= passed as f64;
        }
        while self.filled < NEAR
            && let Some(frame) = ring.pop()
        {
            self.near[self.filled] = frame;
            self.filled += 1;
        }
        self.complete = ended && self.filled < NEAR;
    }

    /// Samples from the place on that are here.
    pub(super) fn ahead(&self) -> f64 {
        self.filled as f64 - self.place
    }

    fn in_ring(&self) -> usize {
        self.ring.as_ref().map_or(0, SampleConsumer::available_frames)
    }

    /// Everything from the place on, in samples.
    pub(super) fn buffered(&self) -> u64 {
        self.ahead().max(0.0) as u64 + self.in_ring() as u64
    }

    /// Whether so little is left that playing on would break off: what remains is just enough to fade out on.
    pub(super) fn is_dry(&self) -> bool {
        !self.complete && self.ahead() < DRY_BELOW + self.reach
    }

    /// Whether there is enough again to go on for a while.
    pub(super) fn is_wet(&self) -> bool {
        self.complete || self.ahead() >= WET_FROM + self.reach
    }

    /// How many samples a fade may play on.
    pub(super) fn fade_reach(&self) -> f64 {
        if self.complete { f64::INFINITY } else { (self.ahead() - self.reach - (TAPS / 2 + 1) as f64).max(0.0) }
    }

    /// Whether the last sample was played and no other will come.
    pub(super) fn is_over(&self) -> bool {
        self.complete && self.ahead() <= 0.0
    }
}

/// Samples kept near: what lies behind, what fades and grains need, and a good piece so that moving them is rare.
const NEAR: usize = 10_240;
/// Samples kept behind the place.
const BEHIND: usize = REACH as usize + TAPS;
/// More than 10 ms of skip's fade, the taps and the grains, and more than `WET_FROM`, which could otherwise never be reached.
const READY: f64 = 1024.0 + REACH;
const WORTH_MOVING: usize = 256;
/// 4 ms to fade out on, and the taps.
const DRY_BELOW: f64 = 192.0 + TAPS as f64;
/// 20 ms: a ring filled by drops should not stutter at every drop.
const WET_FROM: f64 = 960.0;
/// A millionth of a sample is not heard.
const WHOLE: f64 = 1e-6;
