//! How figures follow what they are told: smooth, bounded, the same at any frame rate. Pure; time is an argument.

use crate::theater::view::wrapped;

/// A number that follows another critically damped: two smoothings in a row. It never leaves the span of where it was and what it was told, so it
/// does not overshoot, and what comes in steps it shows without any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Follow {
    /// Where it is.
    value: f32,
    /// The first smoothing, which the second follows.
    near: f32,
}

impl Follow {
    /// At rest.
    pub(super) const fn at(value: f32) -> Self {
        Self { value, near: value }
    }

    /// Lets time pass on the way to `target`: after `tau_s` a quarter is covered, after four of them nine tenths. What is no number is not followed.
    pub(super) fn advance(&mut self, target: f32, dt_s: f32, tau_s: f32) -> f32 {
        if !target.is_finite() || !dt_s.is_finite() {
            return self.value;
        }
        let steps = if tau_s > 0.0 { (dt_s / tau_s).clamp(0.0, 50.0) } else { 50.0 };
        // The exact solution, with weights that are not negative and sum to one: e^h ≥ 1 + h.
        let stay = (-steps).exp();
        let from_near = steps * stay;
        self.value = self.value * stay + self.near * from_near + target * (1.0 - stay - from_near);
        self.near = self.near * stay + target * (1.0 - stay);
        if (self.value - target).abs() < NEAR && (self.near - target).abs() < NEAR {
            *self = Self::at(target);
        }
        self.value
    }

    /// Lets time pass on the way to an angle, the shorter way round; it may go beyond ±π.
    pub(super) fn advance_round(&mut self, target: f32, dt_s: f32, tau_s: f32) -> f32 {
        self.advance(self.nearest(target), dt_s, tau_s)
    }

    /// Whether it stands at this angle.
    pub(super) fn rests_round(self, target: f32) -> bool {
        !target.is_finite() || self.value == self.near && wrapped(target - self.value).abs() <= NEAR
    }

    /// The same angle nearest to where it is.
    fn nearest(self, target: f32) -> f32 {
        self.value + wrapped(target - self.value)
    }

    /// Where it is.
    pub(super) const fn value(self) -> f32 {
        self.value
    }

    /// Whether it stands where it should.
    pub(super) fn rests_at(self, target: f32) -> bool {
        !target.is_finite() || self == Self::at(target)
    }
}

/// Closer than anybody sees: a twentieth of a degree.
const NEAR: f32 = 1e-3;

/// How a look to this side (radians, to the left) is shared: what the shoulders turn, and how far the head goes with them.
pub(super) fn shared_yaw(yaw: f32) -> (f32, f32) {
    let shoulders = (yaw.abs() - 0.35).max(0.0) * 0.4 * yaw.signum();
    (shoulders.clamp(-SHOULDERS_MOST, SHOULDERS_MOST), yaw.clamp(-HEAD_YAW_MOST, HEAD_YAW_MOST))
}

/// How far the head itself is raised for a look this high; the eyes do the rest.
pub(super) fn shared_pitch(pitch: f32) -> f32 {
    (pitch * 0.8).clamp(-HEAD_DOWN_MOST, HEAD_UP_MOST)
}

const SHOULDERS_MOST: f32 = 0.5;
const HEAD_YAW_MOST: f32 = 1.75;
const HEAD_UP_MOST: f32 = 0.45;
const HEAD_DOWN_MOST: f32 = 0.55;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_stays_within_what_it_was_told(
            start in -3.0f32..3.0, targets in prop::collection::vec(-3.0f32..3.0, 1..20), dt in 0.0f32..0.3, tau in 0.0f32..0.5,
        ) {
            let mut follow = Follow::at(start);
            let (mut low, mut high) = (start, start);
            for target in targets {
                (low, high) = (low.min(target), high.max(target));
                for _ in 0..3 {
                    let value = follow.advance(target, dt, tau);
                    prop_assert!(value >= low - 1e-4 && value <= high + 1e-4);
                }
            }
        }

        #[test]
        fn from_rest_it_comes_without_overshooting(start in -3.0f32..3.0, target in -3.0f32..3.0, dt in 0.001f32..0.2) {
            let mut follow = Follow::at(start);
            let mut far = (target - start).abs();
            for _ in 0..2000 {
                let value = follow.advance(target, dt, 0.07);
                prop_assert!((target - value).abs() <= far + 1e-5);
                prop_assert!((target - value) * (target - start) >= -1e-5);
                far = (target - value).abs();
            }
            prop_assert!(follow.rests_at(target));
        }

        #[test]
        fn it_is_the_same_at_any_frame_rate(target in -3.0f32..3.0, dt in 0.002f32..0.1) {
            let (mut whole, mut halves) = (Follow::at(0.5), Follow::at(0.5));
            for _ in 0..3 {
                whole.advance(target, dt, 0.1);
                halves.advance(target, dt / 2.0, 0.1);
                halves.advance(target, dt / 2.0, 0.1);
                prop_assert!((whole.value() - halves.value()).abs() < 3e-3);
            }
        }

        #[test]
        fn necks_hold(yaw in -9.0f32..9.0, pitch in -9.0f32..9.0) {
            let (shoulders, head) = shared_yaw(yaw);
            prop_assert!((head - shoulders).abs() < 1.6 && shoulders * yaw >= 0.0 && head * yaw >= 0.0);
            prop_assert!(shared_pitch(pitch).abs() < 0.6);
        }
    }

    #[test]
    fn angles_are_followed_the_shorter_way_round() {
        let mut follow = Follow::at(3.0);
        for _ in 0..200 {
            let value = follow.advance_round(-3.0, 0.02, 0.07);
            assert!((3.0 - 1e-4..3.4).contains(&value));
        }
        assert!(follow.rests_round(-3.0));
        follow.advance_round(f32::NAN, 0.1, 0.1);
        assert!(follow.rests_round(-3.0));
    }

    #[test]
    fn what_is_no_number_is_not_followed() {
        let mut follow = Follow::at(0.3);
        for target in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(follow.advance(target, 0.1, 0.1), 0.3);
        }
        assert_eq!(follow.advance(1.0, f32::NAN, 0.1), 0.3);
        assert!(follow.rests_at(f32::NAN));
    }

    #[test]
    fn steps_at_twenty_a_second_are_shown_without_steps() {
        let mut follow = Follow::at(0.0);
        let (mut last, mut fastest) = (0.0, 0.0f32);
        for frame in 0..120 {
            let told = (frame / 3) as f32 * 0.05;
            let value = follow.advance(told, 1.0 / 60.0, 0.07);
            fastest = fastest.max((value - last).abs());
            last = value;
        }
        // The mean speed is a third of a step a frame; a step shown as one would be three times that.
        assert!(fastest < 0.05 * 0.45, "{fastest}");
    }
}
