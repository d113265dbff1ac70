//! The other ruler: where words were said, and how much later they are heard.

use std::ops::Range;

use super::{
    correlate::{RATE, correlate, energy, peak, power, sliding_energy, transform},
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
pub(crate) fn late(word: &[f32], heard: &[f32]) -> Option<f64> {
    let heard = heard.get(..word.len() + LONGEST)?;
    let length = heard.len().next_power_of_two();
    let fft = Fft::new(length);
    let sums = correlate(&fft, &transform(&fft, length, heard), word);
    let best = peak(&sums, &sliding_energy(heard, word.len()), energy(word))?;
    (best.likeness >= SURE).then_some(best.at)
}

/// 10 ms.
const BLOCK: usize = 480;
/// A quarter of a second; within a word nothing is silent for so long.
pub(crate) const PAUSE: usize = 12_000;
/// A second: what comes later is no answer any more.
pub(crate) const LONGEST: usize = RATE as usize;
/// −45 dB.
const SILENT: f64 = 3e-5;
/// Another word of the same voice reaches 0.3; one that was cleaned, encoded and stretched, 0.6 and more.
const SURE: f64 = 0.4;
