use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use kira::{Frame, effect::Effect, info::Info};

use crate::handover::StereoFrame;

/// Night mode: what is loud comes down and what is quiet comes up, around the level of speech, so that a film can be followed beside somebody who sleeps.
///
/// A compressor by level: the power of the louder channel is followed quickly upwards and slowly downwards, and both channels get the same gain, so that nothing
/// moves from its place. Silence stays silent. What it lets through before its gain is down is held by the limiter behind it.
pub(super) struct Night {
    is_wanted: Arc<AtomicBool>,
    /// Mean square of the louder channel over a few waves, and how loud it is taken to be: that falls slower.
    power: f64,
    level: f64,
    /// What the level asks for, smoothed.
    gain_db: f32,
    /// From 0, off, to 1: it is turned on and off without a step.
    amount: f32,
    /// Linear, at the frame that was last rendered, and what each frame adds to it.
    gain: f32,
    slope: f32,
    /// Frames until the gain is computed anew.
    left: u32,
}

impl Night {
    /// On while the flag is.
    pub(super) fn new(is_wanted: Arc<AtomicBool>) -> Self {
        Self { is_wanted, power: 0.0, level: 0.0, gain_db: 0.0, amount: 0.0, gain: 1.0, slope: 0.0, left: 0 }
    }

    /// One frame, `dt` seconds after the last.
    fn frame(&mut self, frame: StereoFrame, dt: f64) -> StereoFrame {
        if self.left == 0 {
            self.turn(dt);
        }
        self.left -= 1;
        if self.amount == 0.0 {
            return frame;
        }
        let peak = f64::from(frame[0].abs().max(frame[1].abs())).min(LOUDEST);
        if peak.is_finite() {
            self.power += (peak * peak - self.power) * (dt / RISE_S).min(1.0);
            self.level = if self.power > self.level { self.power } else { self.level + (self.power - self.level) * (dt / FALL_S).min(1.0) };
        }
        self.gain += self.slope;
        frame.map(|sample| sample * self.gain)
    }

    /// Computes where the gain goes over the next frames.
    fn turn(&mut self, dt: f64) {
        self.left = FRAMES_A_TURN;
        let passed_s = dt as f32 * FRAMES_A_TURN as f32;
        let to = if self.is_wanted.load(Relaxed) { 1.0 } else { 0.0 };
        self.amount += (to - self.amount).clamp(-passed_s / TURN_ON_S, passed_s / TURN_ON_S);
        if self.amount == 0.0 {
            (self.power, self.level, self.gain_db, self.gain, self.slope) = (0.0, 0.0, 0.0, 1.0, 0.0);
            return;
        }
        let level_db = 10.0 * self.level.max(1e-12).log10() as f32;
        let wanted_db = gain_db(level_db);
        let time_s = if wanted_db < self.gain_db { DOWN_S } else { UP_S };
        self.gain_db += (wanted_db - self.gain_db) * (passed_s / time_s).min(1.0);
        let gain = 10.0_f32.powf(self.gain_db * self.amount / 20.0);
        self.slope = (gain - self.gain) / FRAMES_A_TURN as f32;
    }
}

impl Effect for Night {
    fn process(&mut self, frames: &mut [Frame], dt: f64, _info: &Info) {
        for frame in frames {
            let [left, right] = self.frame([frame.left, frame.right], dt);
            *frame = Frame { left, right };
        }
    }
}

/// What a steady level asks for, in decibels: three to one above speech, two to one below it, and less and less where there is only noise.
fn gain_db(level_db: f32) -> f32 {
    let from_speech_db = SPEECH_DB - level_db;
    if from_speech_db < 0.0 {
        return from_speech_db * (2.0 / 3.0);
    }
    let lift_db = (from_speech_db / 2.0).min(LIFT_MOST_DB);
    lift_db * ((level_db - SILENCE_DB) / (QUIET_DB - SILENCE_DB)).clamp(0.0, 1.0)
}

/// Where films put dialogue, as a mean square below full scale.
const SPEECH_DB: f32 = -27.0;
const LIFT_MOST_DB: f32 = 10.0;
/// Below this what is lifted is more and more the tape's hiss …
const QUIET_DB: f32 = -55.0;
/// … and from here on nothing is.
const SILENCE_DB: f32 = -75.0;
/// A bang is noticed within a few milliseconds; a pause between words is not taken for silence.
const RISE_S: f64 = 0.008;
const FALL_S: f64 = 0.15;
/// The gain is down before a bang has become a fright, and comes back slower than ears notice.
const DOWN_S: f32 = 0.015;
const UP_S: f32 = 0.8;
const TURN_ON_S: f32 = 0.2;
/// Two thirds of a millisecond: a logarithm is not worth more.
const FRAMES_A_TURN: u32 = 32;
/// Nothing louder means anything.
const LOUDEST: f64 = 16.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DT: f64 = 1.0 / 48_000.0;

    fn night(is_on: bool) -> Night {
        Night::new(Arc::new(AtomicBool::new(is_on)))
    }

    fn tone(level_db: f32, frames: usize) -> impl Iterator<Item = f32> {
        // The peak of a sine is 3 dB above its mean square.
        let peak = 10.0_f32.powf((level_db + 3.01) / 20.0);
        (0..frames).map(move |k| peak * (k as f32 * 0.13).sin())
    }

    fn level_db(sound: &[f32]) -> f32 {
        10.0 * (sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32).log10()
    }

    fn heard(night: &mut Night, sound: impl Iterator<Item = f32>) -> Vec<f32> {
        sound.map(|sample| night.frame([sample, sample * 0.5], DT)[0]).collect()
    }

    #[test]
    fn loud_comes_down_quiet_comes_up_and_speech_stays() {
        for (level, expected) in [(-6.0, -20.0), (-15.0, -23.0), (-27.0, -27.0), (-37.0, -32.0), (-47.0, -37.0), (-90.0, -90.0)] {
            let out = heard(&mut night(true), tone(level, 240_000));
            let steady = level_db(&out[192_000..]);
            assert!((steady - expected).abs() < 1.6, "{level} dB became {steady:.1} dB, not {expected}");
        }
    }

    #[test]
    fn a_bang_after_silence_is_down_within_a_twentieth_of_a_second() {
        let mut night = night(true);
        heard(&mut night, tone(-50.0, 96_000));
        let bang = heard(&mut night, tone(-6.0, 4800));
        assert!(level_db(&bang[2400..]) < -18.0, "{:.1} dB", level_db(&bang[2400..]));
    }

    #[test]
    fn it_is_turned_on_and_off_without_a_step_and_off_is_the_original_bit_by_bit() {
        let is_wanted = Arc::new(AtomicBool::new(false));
        let mut night = Night::new(Arc::clone(&is_wanted));
        let original: Vec<f32> = tone(-6.0, 48_000).collect();
        assert_eq!(heard(&mut night, original.iter().copied()), original);
        is_wanted.store(true, Relaxed);
        let mut out = heard(&mut night, original.iter().copied());
        is_wanted.store(false, Relaxed);
        out.extend(heard(&mut night, original.iter().copied()));
        let steepest = out.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        let own = original.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < own * 1.05, "{steepest} of {own}");
        assert_eq!(out[95_000..], original[47_000..]);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_both_channels_keep_their_balance(
            sound in prop::collection::vec(prop_oneof![-4.0f32..4.0, Just(f32::NAN), Just(f32::INFINITY), Just(0.0), Just(1e38)], 1..2000)
        ) {
            let mut night = night(true);
            for sample in sound {
                let [left, right] = night.frame([sample, sample * 0.5], DT);
                prop_assert!(!left.is_finite() || left.abs() <= sample.abs() * 3.17 + 1e-6);
                prop_assert!(!sample.is_finite() || (left * 0.5 - right).abs() <= left.abs() * 1e-5);
            }
            prop_assert!(night.gain.is_finite() && night.power.is_finite());
        }
    }
}
