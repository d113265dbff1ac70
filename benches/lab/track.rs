//! A sound that does not resemble itself anywhere: speech-like noise over a steady floor, the same at every run.

/// The film's sound, mono: a beginning is the same whatever the length.
pub(crate) fn track(seconds: usize) -> Vec<f32> {
    let mut noise = Noise(0x2545_F491_4F6C_DD1D);
    let (mut low, mut lower, mut level, mut wanted, mut left) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32, 0_usize);
    let sample = |_| {
        if left == 0 {
            // A syllable: a tenth to four tenths of a second, loud or soft.
            left = 4_800 + (noise.next().abs() * 14_400.0) as usize;
            wanted = 0.15 + 0.85 * noise.next().abs();
        }
        left -= 1;
        level += (wanted - level) * 0.001;
        let white = noise.next();
        // Below 1.2 kHz lies most of what speech has.
        low += (white - low) * 0.15;
        lower += (low - lower) * 0.15;
        lower * level + white * 0.02
    };
    (0..seconds * 48_000).map(sample).collect()
}

/// Even between −1 and 1 (Marsaglia's xorshift).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}
