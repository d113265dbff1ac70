/// What is shown as the host's clock: a straight line, on the first piece of which an error is worked off. Continuous and growing everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    mono_ns: i64,
    room_ns: i64,
    rate: f64,
    correction_ns: f64,
    /// The correction is complete this long after `mono_ns`.
    over_ns: f64,
}

impl Course {
    pub(super) const fn new(mono_ns: i64, room_ns: i64, rate: f64) -> Self {
        Self { mono_ns, room_ns, rate, correction_ns: 0.0, over_ns: 1.0 }
    }

    /// The same until `mono_ns`; from there on towards a line that is `behind_ns` away, and then along it.
    pub(super) fn steer(&mut self, mono_ns: i64, behind_ns: f64, rate: f64) {
        let mono_ns = mono_ns.max(self.mono_ns);
        let over_ns = (behind_ns.abs() / SLEW_MAX).max(SLEW_NS);
        *self = Self { mono_ns, room_ns: self.room_ns(mono_ns), rate, correction_ns: behind_ns, over_ns };
    }

    pub(super) fn room_ns(&self, mono_ns: i64) -> i64 {
        let elapsed_ns = i128::from(mono_ns) - i128::from(self.mono_ns);
        let elapsed = elapsed_ns as f64;
        let gained = elapsed * self.rate + self.correction_ns * (elapsed / self.over_ns).clamp(0.0, 1.0);
        saturated(i128::from(self.room_ns) + elapsed_ns + gained.round() as i128)
    }

    pub(super) fn mono_ns(&self, room_ns: i64) -> i64 {
        let elapsed_ns = i128::from(room_ns) - i128::from(self.room_ns);
        let elapsed = elapsed_ns as f64;
        let slope = self.rate + self.correction_ns / self.over_ns;
        let gained = if elapsed < 0.0 {
            elapsed * self.rate / (1.0 + self.rate)
        } else if elapsed < self.over_ns * (1.0 + slope) {
            elapsed * slope / (1.0 + slope)
        } else {
            self.correction_ns + (elapsed - self.correction_ns) * self.rate / (1.0 + self.rate)
        };
        saturated(i128::from(self.mono_ns) + elapsed_ns - gained.round() as i128)
    }
}

/// Saturating only at the end keeps the order of times at the ends of the range.
fn saturated(ns: i128) -> i64 {
    ns.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The steepest correction, beyond the drift: nobody hears 0.3 ‰ (with a drift not yet well known it stays below 0.5), and a follower trims ten times that.
const SLEW_MAX: f64 = 300e-6;
/// Small corrections take this long: quick beside a drift, slow beside the noise.
const SLEW_NS: f64 = 2e9;
