use std::collections::VecDeque;

use kira::{Frame, effect::Effect, info::Info};

use crate::handover::StereoFrame;

/// Keeps stereo sound below [`CEILING`] without clipping it: the gain goes down over [`LOOK_AHEAD`] frames before a peak and comes back within a tenth of a
/// second. Sound that needs no limiting passes bit by bit.
///
/// A sliding minimum of the needed gain, smoothed by a mean of the same length, is never above what the frame leaving now needs (the usual look-ahead limiter).
/// The output is the input [`LOOK_AHEAD`] frames later. It is the last thing before the device, behind every volume: what a person turns up beyond the original is
/// held here, and so are a film's six channels that have become two.
#[derive(Debug)]
pub(super) struct Limiter {
    delayed: VecDeque<StereoFrame>,
    /// Needed gains that may still become the minimum, oldest first, with their frame number; rising.
    minima: VecDeque<(u64, f32)>,
    held: VecDeque<f32>,
    held_sum: f64,
    released: f32,
    frame: u64,
}

impl Limiter {
    /// Begins with silence before the first frame.
    pub(super) fn new() -> Self {
        Self {
            delayed: full_of([0.0; 2]),
            minima: VecDeque::with_capacity(LOOK_AHEAD + 1),
            held: full_of(1.0),
            held_sum: LOOK_AHEAD as f64,
            released: 1.0,
            frame: 0,
        }
    }

    /// Takes one frame and gives the one that came [`LOOK_AHEAD`] frames ago.
    pub(super) fn process(&mut self, frame: StereoFrame) -> StereoFrame {
        // A damaged film may decode to anything.
        let frame = frame.map(|sample| if sample.is_finite() { sample } else { 0.0 });
        let peak = frame[0].abs().max(frame[1].abs());
        let needed = if peak > CEILING { CEILING / peak } else { 1.0 };
        while self.minima.back().is_some_and(|&(_, gain)| gain >= needed) {
            self.minima.pop_back();
        }
        self.minima.push_back((self.frame, needed));
        if self.minima.front().is_some_and(|&(number, _)| number + LOOK_AHEAD as u64 <= self.frame) {
            self.minima.pop_front();
        }
        self.frame += 1;
        let minimum = self.minima.front().map_or(1.0, |&(_, gain)| gain);
        self.released = minimum.min(self.released + (1.0 - self.released) * RELEASE);
        if self.released > 0.9999 {
            self.released = minimum;
        }
        self.held.push_back(self.released);
        self.held_sum += f64::from(self.released) - self.held.pop_front().map_or(1.0, f64::from);
        let gain = (self.held_sum / LOOK_AHEAD as f64).min(1.0) as f32;
        self.delayed.push_back(frame);
        let frame = self.delayed.pop_front().unwrap_or_default();
        if gain > 0.99999 { frame } else { frame.map(|sample| (sample * gain).clamp(-CEILING, CEILING)) }
    }
}

impl Effect for Limiter {
    fn process(&mut self, frames: &mut [Frame], _dt: f64, _info: &Info) {
        for frame in frames {
            let [left, right] = self.process([frame.left, frame.right]);
            *frame = Frame { left, right };
        }
    }
}

/// With room for one more, so that nothing is allocated later.
fn full_of<T: Copy>(value: T) -> VecDeque<T> {
    let mut full = VecDeque::with_capacity(LOOK_AHEAD + 1);
    full.resize(LOOK_AHEAD, value);
    full
}

/// 5 ms at 48 kHz; as many frames on a faster device, where the gain turns quicker and holds as well.
pub(super) const LOOK_AHEAD: usize = 240;
/// −0.18 dBFS: room for the overshoot of a device's own converter.
pub(super) const CEILING: f32 = 0.98;
/// Per frame; a time constant of 50 ms at 48 kHz.
const RELEASE: f32 = 1.0 / 2400.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(input: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new();
        let tail = std::iter::repeat_n(0.0, LOOK_AHEAD);
        input.iter().copied().chain(tail).map(|sample| limiter.process([sample, -sample])[0]).skip(LOOK_AHEAD).collect()
    }

    #[test]
    fn quiet_sound_passes_bit_by_bit() {
        let input: Vec<f32> = (0..4800).map(|i| (i as f32 * 0.1).sin() * 0.9).collect();
        assert_eq!(limit(&input), input);
    }

    #[test]
    fn loud_sound_keeps_its_shape_and_comes_back() {
        let input: Vec<f32> = (0..48_000).map(|i| (i as f32 * 0.05).sin() * if i < 4800 { 2.4 } else { 0.5 }).collect();
        let output = limit(&input);
        assert!(output.iter().all(|sample| sample.abs() <= CEILING));
        // In the loud part the gain is steady, so the sine is still a sine.
        let ratio = output[2000] / input[2000];
        assert!((output[2100] / input[2100] - ratio).abs() < 0.02);
        assert!((output[40_000] - input[40_000]).abs() < 1e-4);
    }

    proptest! {
        #[test]
        fn nothing_leaves_above_the_ceiling(input in prop::collection::vec(prop_oneof![-4.0f32..4.0, Just(f32::NAN), Just(f32::INFINITY), Just(0.0)], 1..2000)) {
            prop_assert!(limit(&input).iter().all(|sample| sample.abs() <= CEILING));
        }
    }
}
