/// Takes one pitch period out of the sound that is about to be played, crossfading over it, and says how many samples went: 0 if no two stretches are alike
/// enough.
///
/// Waveform-similarity overlap-add (WSOLA, Verhelst and Roelands 1993) as `NetEq` does it for a single place: the lag between 2.5 and 12.5 ms at which the
/// sound is most like itself is found on every eighth sample, then to the sample. Pitch stays, because whole periods go. `most` bounds what is taken; `ahead`
/// must hold at least [`SHORTEN_SAMPLES`].
pub(super) fn shorten(ahead: &mut Vec<f32>, most: usize, eager: bool) -> usize {
    if ahead.len() < SHORTEN_SAMPLES || most < LAG_MIN {
        return 0;
    }
    let lag_max = LAG_MAX.min(most);
    let Some(lag) = best_lag(lag_max, eager, |lag| Some((ahead.get(..COMPARED)?, ahead.get(lag..lag + COMPARED)?))) else { return 0 };
    let fade = lag.min(ahead.len() - lag);
    for i in 0..fade {
        let (from, to) = (ahead.get(i).copied().unwrap_or_default(), ahead.get(lag + i).copied().unwrap_or_default());
        if let Some(sample) = ahead.get_mut(lag + i) {
            *sample = mix(from, to, i, fade);
        }
    }
    ahead.drain(..lag);
    lag
}

/// Plays one pitch period twice: what was just played goes before what is about to be, crossfaded. Says how many samples were added: 0 if no two stretches
/// are alike.
///
/// `played` is the newest of what was heard, at least [`LENGTHEN_PLAYED_SAMPLES`]; `ahead` at least a tick. The rest as in [`shorten`].
pub(super) fn lengthen(played: &[f32], ahead: &mut Vec<f32>, most: usize, eager: bool) -> usize {
    if played.len() < LENGTHEN_PLAYED_SAMPLES || ahead.len() < COMPARED || most < LAG_MIN {
        return 0;
    }
    let end = played.len();
    let lag_max = LAG_MAX.min(most);
    // A lag shorter than what is compared reaches from what was played into what comes.
    let mut both = [0.0; LENGTHEN_PLAYED_SAMPLES + COMPARED];
    let (before, after) = both.split_at_mut(LENGTHEN_PLAYED_SAMPLES);
    for (to, from) in before.iter_mut().zip(played.get(end - LENGTHEN_PLAYED_SAMPLES..).unwrap_or_default()) {
        *to = *from;
    }
    for (to, from) in after.iter_mut().zip(ahead.iter()) {
        *to = *from;
    }
    let now = LENGTHEN_PLAYED_SAMPLES;
    let Some(lag) = best_lag(lag_max, eager, |lag| Some((both.get(now..)?, both.get(now - lag..now - lag + COMPARED)?))) else { return 0 };
    // From what was to come into the same a period ago.
    let fade = lag.min(COMPARED);
    for i in 0..fade {
        let (from, to) = (both.get(now + i).copied().unwrap_or_default(), both.get(now - lag + i).copied().unwrap_or_default());
        if let Some(sample) = both.get_mut(now - lag + i) {
            *sample = mix(from, to, i, fade);
        }
    }
    ahead.splice(..0, both.get(now - lag..now).unwrap_or_default().iter().copied());
    lag
}

/// The lag at which two stretches are most alike, if they are alike enough or so quiet that nobody can tell.
fn best_lag<'a>(lag_max: usize, eager: bool, stretches: impl Fn(usize) -> Option<(&'a [f32], &'a [f32])>) -> Option<usize> {
    let likeness = |lag: usize, step: usize| stretches(lag).map_or(-1.0, |(a, b)| likeness(a, b, step));
    let best =
        |lags: &mut dyn Iterator<Item = usize>, step: usize| lags.map(|lag| (lag, likeness(lag, step))).max_by(|a, b| a.1.total_cmp(&b.1));
    let (coarse, _) = best(&mut (LAG_MIN..=lag_max).step_by(COARSE), COARSE)?;
    let (lag, alike) = best(&mut (coarse.saturating_sub(COARSE).max(LAG_MIN)..=(coarse + COARSE).min(lag_max)), 2)?;
    let (a, b) = stretches(lag)?;
    let power = energy(a).max(energy(b)) / COMPARED as f32;
    let enough = if eager { LIKENESS_EAGER } else { LIKENESS };
    (alike >= enough || power < QUIET_POWER).then_some(lag)
}

/// Normalised cross-correlation of every `step`-th sample, −1 to 1.
fn likeness(a: &[f32], b: &[f32], step: usize) -> f32 {
    let (mut ab, mut aa, mut bb) = (0.0f32, 0.0f32, 0.0f32);
    for (a, b) in a.iter().step_by(step).zip(b.iter().step_by(step)) {
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    let norm = (aa * bb).sqrt();
    if norm > 1e-12 { ab / norm } else { 0.0 }
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// Both are alike, so their amplitudes add and not their powers.
fn mix(from: f32, to: f32, i: usize, length: usize) -> f32 {
    let part = (i as f32 + 0.5) / length as f32;
    from + (to - from) * part
}

/// 2.5 ms: a voice of 400 Hz, or several periods of a higher one.
const LAG_MIN: usize = 120;
/// 12.5 ms: a voice of 80 Hz.
const LAG_MAX: usize = 600;
/// 7.5 ms.
const COMPARED: usize = 360;
const COARSE: usize = 8;
/// What [`shorten`] needs: two ticks.
pub(super) const SHORTEN_SAMPLES: usize = LAG_MAX + COMPARED;
/// What [`lengthen`] needs of the past.
pub(super) const LENGTHEN_PLAYED_SAMPLES: usize = LAG_MAX;
/// Alike enough that nobody hears the seam; `NetEq`'s figure.
const LIKENESS: f32 = 0.9;
/// When the wait is far off, a seam is the smaller evil.
const LIKENESS_EAGER: f32 = 0.5;
/// −50 dBFS.
const QUIET_POWER: f32 = 1e-5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::voice::{level, testing};

    /// Plays a signal, now and then for longer or for shorter, and gives what was heard and the samples taken and added.
    fn play(signal: &[f32], shorter: bool, eager: bool) -> (Vec<f32>, usize) {
        let (mut heard, mut ahead, mut changed, mut rest) = (vec![0.0; LENGTHEN_PLAYED_SAMPLES], Vec::new(), 0, signal);
        let mut since = 0;
        while !rest.is_empty() || ahead.len() >= 480 {
            while ahead.len() < SHORTEN_SAMPLES && !rest.is_empty() {
                let (next, after) = rest.split_at(rest.len().min(480));
                ahead.extend_from_slice(next);
                rest = after;
            }
            since += 1;
            if since >= 2 {
                let by = if shorter { shorten(&mut ahead, LAG_MAX, eager) } else { lengthen(&heard, &mut ahead, LAG_MAX, eager) };
                changed += by;
                since = if by > 0 { 0 } else { since };
            }
            if ahead.len() < 480 && !rest.is_empty() {
                continue;
            }
            if ahead.len() < 480 {
                break;
            }
            heard.extend(ahead.drain(..480));
        }
        heard.drain(..LENGTHEN_PLAYED_SAMPLES);
        (heard, changed)
    }

    /// Rising zero crossings a second.
    fn pitch(signal: &[f32]) -> f32 {
        signal.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count() as f32 / signal.len() as f32 * 48_000.0
    }

    fn bend(signal: &[f32]) -> f32 {
        signal.windows(3).map(|three| (three[0] - 2.0 * three[1] + three[2]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_keeps_pitch_and_level_and_gets_no_click() {
        for hz in [85.0f32, 120.0, 197.0, 333.0, 440.0, 1000.0] {
            let tone: Vec<f32> = (0..96_000).map(|i| (i as f32 * hz * std::f32::consts::TAU / 48_000.0).sin() * 0.5).collect();
            for shorter in [true, false] {
                let (heard, changed) = play(&tone, shorter, false);
                assert!(changed > 8_000, "{hz} Hz: {changed}");
                let expected = if shorter { 96_000 - changed } else { 96_000 + changed };
                assert!(heard.len().abs_diff(expected) < 960, "{hz} Hz");
                assert!((pitch(&heard) / hz - 1.0).abs() < 0.02, "{hz} Hz became {}", pitch(&heard));
                assert!((level::dbfs(&heard) - level::dbfs(&tone)).abs() < 0.2, "{hz} Hz");
                assert!(bend(&heard) < bend(&tone) * 1.5 + 2e-3, "{hz} Hz: {} of {}", bend(&heard), bend(&tone));
            }
        }
    }

    #[test]
    fn speech_keeps_its_level_and_gets_no_click() {
        let speech = testing::speech(11, 4.0);
        for shorter in [true, false] {
            let (heard, changed) = play(&speech, shorter, true);
            assert!(changed > 9600, "{changed}");
            assert!((level::dbfs(&heard) - level::dbfs(&speech)).abs() < 1.0);
            assert!(bend(&heard) < bend(&speech) * 1.2, "{} of {}", bend(&heard), bend(&speech));
        }
    }

    #[test]
    fn noise_is_left_alone_unless_it_is_quiet() {
        let mut random = testing::Random::new(5);
        let noise: Vec<f32> = (0..48_000).map(|_| random.sample() * 0.3).collect();
        assert_eq!(play(&noise, true, false).1, 0);
        let quiet: Vec<f32> = noise.iter().map(|sample| sample * 0.005).collect();
        assert!(play(&quiet, true, false).1 > 4800);
    }

    proptest! {
        #[test]
        fn any_sound_of_any_length_is_borne(
            ahead in prop::collection::vec(-2.0f32..2.0, 0..1500),
            played in prop::collection::vec(-2.0f32..2.0, 0..700),
            most in 0usize..2000,
        ) {
            let mut shorter = ahead.clone();
            let gone = shorten(&mut shorter, most, true);
            prop_assert_eq!(shorter.len() + gone, ahead.len());
            prop_assert!(gone <= most);
            let mut longer = ahead.clone();
            let come = lengthen(&played, &mut longer, most, true);
            prop_assert_eq!(longer.len(), ahead.len() + come);
            prop_assert!(come <= most);
            prop_assert!(shorter.iter().chain(&longer).all(|sample| sample.abs() <= 2.0));
        }
    }
}
