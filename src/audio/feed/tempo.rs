use super::{
    sinc::{Sinc, TAPS},
    stretch::Stretch,
};
use crate::handover::StereoFrame;

/// Lets the film run faster or slower and keeps the pitch of its sound.
///
/// The place moves at the film's rate; what is heard are *grains* of some fifty milliseconds around it, each played at its own speed and faded into the next. Where
/// the next grain begins is chosen so that its waves go on from those of the last one (WSOLA: waveform similarity overlap-add). The place stays exact; a grain
/// is never farther from it than [`REACH`].
///
/// At the film's own rate nothing of this happens: what is read is the place itself.
///
/// Rejected: stretching before the ring (a change of rate would wait for a second of sound, or throw it away, and nobody's ear would turn at the agreed instant);
/// a phase vocoder (a Fourier transform for each 10 ms in the callback, and transients smear).
pub(super) struct Tempo {
    rate: f64,
    /// Where the grain that plays is read, in samples from the place.
    grain: f64,
    /// The one before it, until it has faded.
    leaving: f64,
    /// Samples of the grain that were played.
    played: f64,
    /// Mono sound around the place, one value for each [`COARSE`] samples; what is to be continued, and where it is looked for.
    wanted: Box<[f32]>,
    searched: Box<[f32]>,
}

impl Default for Tempo {
    fn default() -> Self {
        let scratch = |samples: i64| vec![0.0; (samples / COARSE) as usize].into();
        Self {
            rate: 1.0,
            grain: 0.0,
            leaving: 0.0,
            played: FADE,
            wanted: scratch(FADE as i64),
            searched: scratch(FADE as i64 + 2 * SEARCH),
        }
    }
}

impl Tempo {
    /// Film against time.
    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }

    /// Changes the rate; the grain that plays goes on.
    pub(super) fn set_rate(&mut self, rate: f64) {
        if self.is_idle() {
            self.restart();
        }
        self.rate = rate;
    }

    /// The place was moved: begins anew at it.
    pub(super) fn restart(&mut self) {
        // The first grain is left soon, before it is far from the place.
        (self.grain, self.leaving, self.played) = (0.0, 0.0, HOP / 2.0);
    }

    /// How many samples around the place must be there.
    pub(super) const fn reach(&self) -> f64 {
        if self.is_idle() { 0.0 } else { REACH }
    }

    const fn is_idle(&self) -> bool {
        self.rate == 1.0
    }

    /// The sound `frames` from now, as it goes on without another grain; `step` is one frame in samples.
    pub(super) fn read(&self, stretch: &Stretch, sinc: &Sinc, frames: f64, step: f64) -> StereoFrame {
        let ahead = frames * step;
        if self.is_idle() {
            return stretch.read(sinc, ahead);
        }
        let sound = stretch.read(sinc, self.grain + ahead);
        let weight = ((self.played + ahead) / FADE) as f32;
        if weight >= 1.0 {
            return sound;
        }
        let leaving = stretch.read(sinc, self.leaving + ahead);
        [leaving[0] + (sound[0] - leaving[0]) * weight, leaving[1] + (sound[1] - leaving[1]) * weight]
    }

    /// The place is about to move on by `step` samples' worth of time. Returns how far it moves.
    pub(super) fn advance(&mut self, stretch: &Stretch, step: f64) -> f64 {
        let moves = step * self.rate;
        if !self.is_idle() {
            self.grain += step - moves;
            self.leaving += step - moves;
            self.played += step;
            if self.played >= HOP {
                self.next_grain(stretch, moves);
            }
        }
        moves
    }

    /// Leaves the grain for one around the place, whose waves go on as this one's would have.
    fn next_grain(&mut self, stretch: &Stretch, moves: f64) {
        // Seen from where the place will be.
        let from = |offset: f64| (offset + moves).round() as i64;
        // In the middle of its life the grain is at the place.
        let middle = ((self.rate - 1.0) * HOP / 2.0).clamp(-HOP / 2.0, HOP / 2.0);
        let (own, centre) = (from(self.grain), from(middle));
        let mut best = (f64::NEG_INFINITY, 0);
        for (value, k) in self.wanted.iter_mut().zip(0..) {
            *value = stretch.mono(own + k * COARSE, COARSE);
        }
        for (value, k) in self.searched.iter_mut().zip(0..) {
            *value = stretch.mono(centre - SEARCH + k * COARSE, COARSE);
        }
        for shift in 0..=2 * SEARCH / COARSE {
            let there = &self.searched[shift as usize..][..self.wanted.len()];
            best = better(best, alike(&self.wanted, there.iter().copied()), shift * COARSE - SEARCH);
        }
        let coarse = best.1;
        best = (f64::NEG_INFINITY, coarse);
        for (value, k) in self.wanted.iter_mut().zip(0..) {
            *value = stretch.mono(own + k * FINE, 1);
        }
        for shift in coarse - COARSE + 1..coarse + COARSE {
            let there = (0..self.wanted.len() as i64).map(|k| stretch.mono(centre + shift + k * FINE, 1));
            best = better(best, alike(&self.wanted, there), shift);
        }
        self.leaving = self.grain;
        // A whole number of samples apart, so that what was read between samples still is, and what was not is not.
        self.grain += (centre + best.1 - own) as f64;
        self.played = 0.0;
    }
}

fn better(best: (f64, i64), score: f64, shift: i64) -> (f64, i64) {
    // Where all is the same (silence), the nearest to the middle.
    if score > best.0 || score == best.0 && shift.abs() < best.1.abs() { (score, shift) } else { best }
}

/// How alike two pieces of sound are, whatever their loudness: 1 is the same, -1 the opposite.
fn alike(one: &[f32], other: impl Iterator<Item = f32>) -> f64 {
    let (mut product, mut power) = (0.0_f32, 0.0_f32);
    for (a, b) in one.iter().zip(other) {
        product += a * b;
        power += b * b;
    }
    f64::from(product) / f64::from(power + 1e-9).sqrt()
}

/// 12 ms: longer blurs consonants, shorter rasps.
const FADE: f64 = 576.0;
/// From grain to grain, 50 ms: a syllable's worth.
const HOP: f64 = 2400.0;
/// 12 ms to each side: a wave of the deepest voice.
const SEARCH: i64 = 576;
/// Samples taken as one in the first search …
const COARSE: i64 = 4;
/// … and the distance of those compared in the second.
const FINE: i64 = 4;
/// The farthest that is read from the place: the middle of a grain at twice the speed, the search, the fade, and the interpolator's own.
pub(super) const REACH: f64 = HOP / 2.0 + SEARCH as f64 + 2.0 * FADE + TAPS as f64;
