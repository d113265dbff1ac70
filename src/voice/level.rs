//! How loud.

/// How loud a piece of sound is on the scale that mouths and rings use: 0 at −60 dBFS (RMS) and below, 255 at 0 dBFS, even in decibels.
#[must_use]
pub fn of(samples: &[f32]) -> u8 {
    let dbfs = dbfs(samples);
    // The cast saturates, and nothing that is not a number gets here.
    ((dbfs - SILENT_DBFS) / -SILENT_DBFS * 255.0).round() as u8
}

/// The mean power of a piece of sound in decibels below a full-scale square wave; at least −120. What is not a number counts as silence.
#[must_use]
pub fn dbfs(samples: &[f32]) -> f32 {
    let energy: f32 = samples.iter().filter(|sample| sample.is_finite()).map(|sample| sample * sample).sum();
    let power = energy / samples.len().max(1) as f32;
    10.0 * power.clamp(1e-12, 1e12).log10()
}

/// A room's own murmur, and the breath of somebody who listens.
const SILENT_DBFS: f32 = -60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_even_in_decibels_and_never_leaves_its_range() {
        assert_eq!([0.0f32, 1e-4, 0.001, 0.1, 1.0, 50.0, f32::NAN].map(|sample| of(&[sample; 480])), [0, 0, 0, 170, 255, 255, 0]);
        assert_eq!(of(&[]), 0);
    }
}
