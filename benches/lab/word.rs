//! The other ruler: where words were said, and how much later they are heard.

use std::ops::Range;

use super::{
    correlate::{RATE, correlate, energy, peak, power, sliding_energy, thin_out, transform},
    fft::Fft,
};

/// Where the words are in what a mouth said: sound with at least [`PAUSE`] of next to nothing after it. One that goes on at the end is none yet.
pub(crate) fn words(speech: &[f32]) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for (index, block) in speech.chunks_exact(BLOCK).enumerate() {
        if power(block) < SILENT {
            continue;
        }
        let (from, to) = (index * BLOCK, (index + 1) * BLOCK);
        match words.last_mut() {
            Some(word) if from - word.end < PAUSE => word.end = to,
            _ => words.push(from..to),
        }
    }
    words.retain(|word| word.end + PAUSE <= speech.len());
    words
}

/// How many samples later a word is heard; none if it is not within [`LONGEST`], or cannot be told from something else. `heard` begins with the sample in
/// which the word does, and holds as much as that.
///
/// A jitter buffer may play one word faster and slower, so it is looked for piece by piece, each where it resembles something most. A piece can be mistaken for
/// another; most pieces of a word cannot, and in the same direction: at least half of them must agree, and their median counts.
pub(crate) fn late(word: &[f32], heard: &[f32]) -> Option<f64> {
    let (word, heard) = (thin_out(word, THIN), thin_out(heard.get(..word.len() + LONGEST)?, THIN));
    let length = heard.len().next_power_of_two();
    let fft = Fft::new(length);
    let spectrum = transform(&fft, length, &heard);
    let norms = sliding_energy(&heard, PIECE);
    let look = |from: usize| {
        let piece = word.get(from..from + PIECE)?;
        let best = peak(&correlate(&fft, &spectrum, piece), &norms, energy(piece))?;
        (best.likeness >= LIKELY).then_some(best.at - from as f64)
    };
    let starts = || (0..=word.len().saturating_sub(PIECE)).step_by(PIECE / 2);
    let mut found: Vec<f64> = starts().filter_map(look).collect();
    let middle = median(&mut found)?;
    found.retain(|at| (at - middle).abs() < AGREES);
    let is_sure = found.len() * 2 >= starts().count() && middle >= 0.0;
    median(&mut found).filter(|_| is_sure).map(|at| at * THIN as f64)
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// 10 ms.
const BLOCK: usize = 480;
/// A quarter of a second; within a word nothing is silent for so long.
pub(crate) const PAUSE: usize = 12_000;
/// A second: what comes later is no answer any more.
pub(crate) const LONGEST: usize = RATE as usize;
/// −45 dB.
const SILENT: f64 = 3e-5;
/// 12 kHz are enough for a voice, and the place between two samples is known.
const THIN: usize = 4;
/// 0.15 s, thinned out.
const PIECE: usize = 1_800;
/// Less is no resemblance at all.
const LIKELY: f64 = 0.3;
/// 25 ms, thinned out: what stretching does within a word.
const AGREES: f64 = 300.0;
