//! The ruler: which place of the film is heard in a piece of a recording.
//!
//! A window of half a second is laid along the film's own track; where the normalised cross-correlation is highest is the place. First roughly and anywhere,
//! in a thinned-out track; then to a fraction of a sample around there, or around where the window before it lay. A player that catches up plays up to half
//! a per cent too fast or slow: a window that fits nowhere is stretched and tried again.
//!
//! Where people talk over the film, [`Ruler::beside_voices`] compares only what lies above their words.

use std::borrow::Cow;

use super::fft::{Complex, Fft, times};

/// The film's own track, ready to be searched.
pub(crate) struct Ruler {
    /// What is compared closely.
    track: Vec<f32>,
    thin: Vec<f32>,
    /// Of the thinned-out track.
    spectrum: Vec<Complex>,
    wide: Fft,
    near: Fft,
    /// Samples of a window that are compared closely.
    window: usize,
    /// From this likeness on a place is no chance.
    sure: f64,
    /// Below this one, stretching is tried.
    clear: f64,
    is_sieved: bool,
}

impl Ruler {
    /// Of a mono track of [`RATE`] samples a second.
    pub(crate) fn new(track: Vec<f32>) -> Self {
        let thin = thin_out(&track, THIN);
        let length = (thin.len() + WINDOW / THIN).next_power_of_two();
        let wide = Fft::new(length);
        let spectrum = transform(&wide, length, &thin);
        Self { track, thin, spectrum, wide, near: Fft::new(NEAR), window: WINDOW, sure: SURE, clear: CLEAR, is_sieved: false }
    }

    /// For recordings in which the film is held down and people talk over it: of both only what lies above 12 kHz is compared, where a word from a synthesiser
    /// of 22 kHz has nothing and the track has its floor. Up there half a second does not bear the smallest stretching; a tenth does, and so much bandwidth
    /// makes chance resemblance rarer still.
    pub(crate) fn beside_voices(track: Vec<f32>) -> Self {
        let whole = Self::new(track);
        Self { track: sieved(&whole.track), window: WINDOW / 5, sure: SURE / 2.0, clear: SURE, is_sieved: true, ..whole }
    }

    /// The windows of a recording with these middles, in their order.
    pub(crate) fn follow(&self, recording: &[f32], middles: impl IntoIterator<Item = usize>) -> Vec<Place> {
        let mut last: Option<(usize, f64)> = None;
        let mut misses = 0;
        let mut places = Vec::new();
        let close = if self.is_sieved { Cow::Owned(sieved(recording)) } else { Cow::Borrowed(recording) };
        for middle in middles {
            let expected = last.map(|(then, at)| at + middle as f64 - then as f64);
            let window = around(&close, middle, self.window);
            let found = window.filter(|window| power(window) > SILENT).and_then(|window| {
                expected.and_then(|at| self.search_near(window, at)).or_else(|| {
                    // What cannot be found (a gap, a strange sound) is not searched everywhere again and again.
                    misses += 1;
                    let is_worth_it = misses < 4 || misses % 8 == 0;
                    let wide = around(recording, middle, WINDOW).filter(|_| is_worth_it)?;
                    self.search_near(window, self.search_anywhere(wide)? + ((WINDOW - self.window) / 2) as f64)
                })
            });
            if found.is_some() {
                misses = 0;
            }
            places.push(Place { middle, film_s: found.map(|at| (at + (self.window / 2) as f64) / RATE) });
            // Where nothing is found the film may still run: the next window is first looked for there.
            last = found.or(expected).map(|at| (middle, at));
        }
        places
    }

    /// The window's first sample in the track, roughly.
    fn search_anywhere(&self, window: &[f32]) -> Option<f64> {
        let norms = sliding_energy(&self.thin, WINDOW / THIN);
        let best = [0.0, 0.0025, -0.0025, 0.005, -0.005].into_iter().filter_map(|slope| {
            let window = thin_out(&stretched(window, slope), THIN);
            peak(&correlate(&self.wide, &self.spectrum, &window), &norms, energy(&window))
        });
        best.max_by(|a, b| a.likeness.total_cmp(&b.likeness)).map(|best| best.at * THIN as f64)
    }

    /// The same to a fraction of a sample, if it lies within 0.4 s of `expected` and is beyond doubt.
    fn search_near(&self, window: &[f32], expected: f64) -> Option<f64> {
        let reach = ((NEAR - self.window) / 2) as f64;
        let from = ((expected - reach).max(0.0) as usize).min(self.track.len().saturating_sub(self.window));
        let part = &self.track[from..(from + NEAR).min(self.track.len())];
        let spectrum = transform(&self.near, NEAR, part);
        let norms = sliding_energy(part, self.window);
        let look = |slope: f64| {
            let window = stretched(window, slope);
            peak(&correlate(&self.near, &spectrum, &window), &norms, energy(&window))
        };
        let mut best = look(0.0)?;
        if best.likeness < self.clear {
            // Small ones first; the search ends where there is hardly a difference left.
            for slope in (1..=SLOPES).flat_map(|slope| [slope, -slope]).map(|slope| f64::from(slope) * SLOPE_STEP) {
                best = look(slope).filter(|other| other.likeness > best.likeness).unwrap_or(best);
                if best.likeness > SAME {
                    break;
                }
            }
        }
        (best.likeness >= self.sure).then_some(from as f64 + best.at)
    }
}

/// What one window says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    /// The sample of the recording in the window's middle.
    pub(crate) middle: usize,
    /// Seconds into the film there; none in silence, or when in doubt.
    pub(crate) film_s: Option<f64>,
}

/// Where something resembles something most, and how much, up to 1.
pub(super) struct Peak {
    pub(super) at: f64,
    pub(super) likeness: f64,
}

/// So many samples with this one in their middle.
fn around(samples: &[f32], middle: usize, length: usize) -> Option<&[f32]> {
    middle.checked_sub(length / 2).and_then(|from| samples.get(from..from + length))
}

/// Without what lies below 12 kHz: a sinc in Blackman's window, −70 dB from 11 kHz downwards. Nothing is shifted.
fn sieved(samples: &[f32]) -> Vec<f32> {
    use std::f64::consts::PI;
    let tap = |at: usize| {
        let (x, turn) = (at as f64 - SIEVE_REACH as f64, PI * at as f64 / SIEVE_REACH as f64);
        let low = if x == 0.0 { 0.5 } else { (PI * x / 2.0).sin() / (PI * x) };
        let window = 0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos();
        (if x == 0.0 { 1.0 } else { 0.0 } - low * window) as f32
    };
    let taps: Vec<f32> = (0..=SIEVE_REACH * 2).map(tap).collect();
    let silence = [0.0; SIEVE_REACH];
    let padded = [&silence, samples, &silence].concat();
    padded.windows(taps.len()).map(|window| window.iter().zip(&taps).map(|(sample, tap)| sample * tap).sum()).collect()
}

pub(super) fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>().max(TINY)
}

/// Energy a sample.
pub(crate) fn power(samples: &[f32]) -> f64 {
    energy(samples) / samples.len().max(1) as f64
}

/// Means of so many samples: what is lost above is lost in both.
pub(super) fn thin_out(samples: &[f32], by: usize) -> Vec<f32> {
    samples.chunks_exact(by).map(|few| few.iter().sum::<f32>() / by as f32).collect()
}

/// As if it had been played slower or faster by that part; its middle stays where it is.
fn stretched(window: &[f32], slope: f64) -> Vec<f32> {
    if slope == 0.0 {
        return window.to_vec();
    }
    let (middle, last) = ((window.len() / 2) as f64, window.len().saturating_sub(2));
    let at = |index: usize| {
        let place = (middle + (index as f64 - middle) * (1.0 + slope)).max(0.0);
        let whole = (place as usize).min(last);
        let part = (place - whole as f64).min(1.0) as f32;
        window[whole] * (1.0 - part) + window[whole + 1] * part
    };
    (0..window.len()).map(at).collect()
}

pub(super) fn transform(fft: &Fft, length: usize, samples: &[f32]) -> Vec<Complex> {
    let mut values: Vec<Complex> = samples.iter().map(|&sample| [f64::from(sample), 0.0]).collect();
    values.resize(length, [0.0; 2]);
    fft.forward(&mut values);
    values
}

/// For every place of the track, the sum of its products with the window.
pub(super) fn correlate(fft: &Fft, track: &[Complex], window: &[f32]) -> Vec<f64> {
    let mut values = transform(fft, track.len(), window);
    for (value, track) in values.iter_mut().zip(track) {
        *value = times([value[0], -value[1]], *track);
    }
    fft.inverse(&mut values);
    values.iter().map(|value| value[0] / track.len() as f64).collect()
}

/// For every place where a window fits, the energy under it.
pub(super) fn sliding_energy(samples: &[f32], window: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(samples.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for &sample in samples {
        sum += f64::from(sample).powi(2);
        sums.push(sum);
    }
    sums.windows(window + 1).map(|ends| (ends[window] - ends[0]).max(TINY)).collect()
}

/// Where the likeness is highest, by a parabola through the highest value and its neighbours.
pub(super) fn peak(sums: &[f64], norms: &[f64], energy: f64) -> Option<Peak> {
    let likeness = |at: usize| sums[at] / (norms[at] * energy).sqrt();
    let at = (0..norms.len()).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b)))?;
    let top = likeness(at);
    let mut offset = 0.0;
    if at > 0 && at + 1 < norms.len() {
        let (left, right) = (likeness(at - 1), likeness(at + 1));
        let curve = left - 2.0 * top + right;
        if curve < 0.0 {
            offset = 0.5 * (left - right) / curve;
        }
    }
    Some(Peak { at: at as f64 + offset, likeness: top })
}

/// Samples a second, of everything here.
pub(crate) const RATE: f64 = 48_000.0;
/// Half a second.
pub(crate) const WINDOW: usize = 24_000;
/// A tenth.
pub(crate) const EVERY: usize = 4_800;
/// What is searched around an expected place: a window and 0.43 s on either side.
const NEAR: usize = 65_536;
/// 48 kHz become 3 kHz.
const THIN: usize = 16;
/// The sieve is twice as long, and one.
const SIEVE_REACH: usize = 63;
/// Less power than −60 dB is silence.
const SILENT: f64 = 1e-6;
const TINY: f64 = 1e-12;
/// From this likeness on a place is no chance: of windows of this length that are unlike none comes near it.
const SURE: f64 = 0.5;
/// What a window without a neighbour's noise over it reaches unless it is stretched.
const CLEAR: f64 = 0.9;
const SAME: f64 = 0.98;
const SLOPES: i32 = 11;
const SLOPE_STEP: f64 = 0.0005;
