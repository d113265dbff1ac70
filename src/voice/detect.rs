use super::level;

/// Whether somebody speaks, by how far 10 ms stand out from the murmur of the room.
///
/// The murmur is the least of the smoothed power in the last seconds (minimum statistics, Martin 2001): speech always dips, a fan does not. Power is taken
/// between 200 and 4000 Hz, where hum and hiss are little and every vowel is. A keystroke is too short to count: three of four frames must stand out. It runs
/// behind the canceller and its noise suppression; what is left of a film there is below the least level.
#[derive(Debug, Clone)]
pub(super) struct Detector {
    high_pass: OnePole,
    low_pass: OnePole,
    smooth: f32,
    /// The least smoothed power in each half second, newest first.
    minima: [f32; MINIMA],
    frame: u32,
    /// The newest frames, one bit each.
    active: u8,
}

impl Detector {
    pub(super) const fn new() -> Self {
        Self {
            high_pass: OnePole { keep: HIGH_PASS, state: 0.0 },
            low_pass: OnePole { keep: LOW_PASS, state: 0.0 },
            smooth: FLOOR_POWER,
            minima: [FLOOR_POWER; MINIMA],
            frame: 0,
            active: 0,
        }
    }

    /// Takes the next 10 ms and says whether somebody speaks in them.
    pub(super) fn frame(&mut self, samples: &[f32]) -> bool {
        let mut band = 0.0;
        for &sample in samples {
            let sample = if sample.is_finite() { sample } else { 0.0 };
            let low = self.low_pass.step(sample);
            let speech = low - self.high_pass.step(low);
            band += speech * speech;
        }
        let power = (band / samples.len().max(1) as f32).clamp(FLOOR_POWER, 1e6);
        self.smooth += (power - self.smooth) * SMOOTHING;
        if self.frame.is_multiple_of(MINIMUM_FRAMES) {
            self.minima.rotate_right(1);
            if let Some(newest) = self.minima.first_mut() {
                *newest = self.smooth;
            }
        }
        self.frame = self.frame.wrapping_add(1);
        if let Some(newest) = self.minima.first_mut() {
            *newest = newest.min(self.smooth);
        }
        let murmur = self.minima.iter().copied().fold(f32::MAX, f32::min);
        let stands_out = power > murmur * STANDS_OUT && level::dbfs(samples) > LEAST_DBFS;
        self.active = self.active << 1 | u8::from(stands_out);
        (self.active & 0b1111).count_ones() >= ACTIVE_OF_FOUR
    }
}

/// A first-order low pass.
#[derive(Debug, Clone, Copy)]
struct OnePole {
    keep: f32,
    state: f32,
}

impl OnePole {
    fn step(&mut self, input: f32) -> f32 {
        self.state = input + (self.state - input) * self.keep;
        self.state
    }
}

/// exp(−2π · 200 / 48 000)
const HIGH_PASS: f32 = 0.974_16;
/// exp(−2π · 4000 / 48 000)
const LOW_PASS: f32 = 0.592_4;
/// −90 dBFS.
const FLOOR_POWER: f32 = 1e-9;
/// Of the newest frame: 50 ms, so that one lucky frame is not the murmur.
const SMOOTHING: f32 = 0.2;
/// Half a second.
const MINIMUM_FRAMES: u32 = 50;
/// Three seconds: nobody speaks longer without a dip, and a fan that was switched on is forgiven after it.
const MINIMA: usize = 6;
/// 9 dB.
const STANDS_OUT: f32 = 8.0;
/// Quieter is nobody who wants to be heard, once gain control has seen to it.
const LEAST_DBFS: f32 = -52.0;
const ACTIVE_OF_FOUR: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::testing;

    fn share(samples: &[f32], from_seconds: usize) -> f32 {
        let mut detector = Detector::new();
        let frames: Vec<bool> = samples.chunks_exact(480).map(|frame| detector.frame(frame)).skip(from_seconds * 100).collect();
        frames.iter().filter(|is| **is).count() as f32 / frames.len() as f32
    }

    #[test]
    fn steady_noise_is_no_voice_and_speech_over_it_is() {
        let mut random = testing::Random::new(1);
        let noise: Vec<f32> = (0..48_000 * 8).map(|_| random.sample() * 0.01).collect();
        assert!(share(&noise, 4) < 0.01);
        let speech = testing::speech(4, 8.0);
        let both: Vec<f32> = speech.iter().zip(&noise).map(|(a, b)| a + b).collect();
        assert!((0.3..0.9).contains(&share(&both, 4)), "{}", share(&both, 4));
    }

    #[test]
    fn a_hum_and_keystrokes_are_no_voice() {
        let hum: Vec<f32> = (0..48_000 * 6).map(|i| (i as f32 * 50.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.1).collect();
        assert!(share(&hum, 4) < 0.01);
        let mut random = testing::Random::new(1);
        let keys: Vec<f32> = (0..48_000 * 6).map(|i| random.sample() * if i % 12_000 < 300 { 0.3 } else { 1e-4 }).collect();
        assert!(share(&keys, 1) < 0.01);
    }

    #[test]
    fn what_is_not_a_number_does_not_stay() {
        let mut detector = Detector::new();
        assert!(!detector.frame(&[f32::NAN; 480]) && !detector.frame(&[f32::INFINITY; 480]));
        let speech = testing::speech(4, 4.0);
        assert!(speech.chunks_exact(480).any(|frame| detector.frame(frame)));
    }
}
