//! Sounds that benches make: speech, a film, and a room.

use houselights::voice::testing::Random;
pub(crate) use houselights::voice::testing::speech;

/// What a film sounds like to an echo canceller, at about −18 dBFS: chords that change, a beat, wind, voices, and bangs.
pub(crate) fn film(seed: u64, seconds: f64) -> Vec<f32> {
    let count = (seconds * 48_000.0) as usize;
    let mut random = Random::new(seed);
    let voices: Vec<f32> = speech(seed + 1, seconds).iter().zip(speech(seed + 2, seconds)).map(|(a, b)| a * 0.7 + b * 0.5).collect();
    let (mut wind, mut bang, mut phases) = (0.0f32, 0.0f32, [0.0f32; 6]);
    let mut notes = [110.0f32, 165.0, 220.0, 277.0, 330.0, 440.0];
    (0..count)
        .map(|i| {
            if i % 36_000 == 0 {
                notes.iter_mut().for_each(|note| *note = 80.0 * 2f32.powf((random.unit() * 36.0).floor() as f32 / 12.0));
            }
            let decay = 1.0 - (i % 36_000) as f32 / 48_000.0;
            let chord: f32 = phases
                .iter_mut()
                .zip(notes)
                .map(|(phase, hz)| {
                    *phase = (*phase + hz / 48_000.0).fract();
                    // A sawtooth, softened: harmonics up to where hearing ends.
                    let turn = *phase * std::f32::consts::TAU;
                    turn.sin() + (2.0 * turn).sin() / 2.0 + (3.0 * turn).sin() / 3.0 + (5.0 * turn).sin() / 5.0 + (8.0 * turn).sin() / 8.0
                })
                .sum();
            wind += (random.sample() - wind) * 0.08;
            if random.unit() < 0.7 / 48_000.0 {
                bang = 1.0;
            }
            bang *= 0.9997;
            let beat = if i % 24_000 < 2400 { random.sample() * (1.0 - (i % 24_000) as f32 / 2400.0) } else { 0.0 };
            chord * 0.03 * decay + wind * 0.15 + random.sample() * bang * 0.3 + beat * 0.12 + voices[i] * 0.5
        })
        .map(|sample: f32| sample.clamp(-0.98, 0.98))
        .collect()
}

/// A room's answer to a click: it comes after 5 ms, rings for 60 ms (to −60 dB), and gives back so many decibels of the power of white noise.
pub(crate) fn room(seed: u64, decibels: f32) -> Vec<f32> {
    let mut random = Random::new(seed);
    let (late, length) = (240, 2880);
    let mut answer: Vec<f32> = vec![0.0; late];
    answer.extend((0..length).map(|i| random.sample() * (-6.9 * i as f32 / length as f32).exp()));
    answer[late] += 1.0;
    let power: f32 = answer.iter().map(|sample| sample * sample).sum();
    let gain = 10f32.powf(decibels / 20.0) / power.sqrt();
    answer.iter().map(|sample| sample * gain).collect()
}

/// A signal in a room, as long as the signal.
pub(crate) fn in_room(signal: &[f32], answer: &[f32]) -> Vec<f32> {
    let reversed: Vec<f32> = answer.iter().rev().copied().collect();
    let padded = [vec![0.0; answer.len() - 1], signal.to_vec()].concat();
    padded
        .windows(answer.len())
        .map(|window| {
            let parts = window.chunks_exact(16).zip(reversed.chunks_exact(16));
            let mut sums = [0.0f32; 16];
            for (a, b) in parts {
                for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                    *sum += a * b;
                }
            }
            sums.iter().sum()
        })
        .collect()
}
