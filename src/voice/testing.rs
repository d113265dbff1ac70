//! Sounds for tests: the same on every machine, and alike enough to speech for a coder, a voice detector and a stretcher.

/// A stream of numbers, the same for a seed (xorshift64*, Vigna 2016).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// One stream for each seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next, even between −1 and 1.
    pub fn sample(&mut self) -> f32 {
        self.unit() as f32 * 2.0 - 1.0
    }

    /// The next, even between 0 and 1.
    pub fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// So many seconds of syllables at −20 dBFS or so: pulses of a gliding pitch through three resonances, hisses between them, a pause after every few.
#[must_use]
pub fn speech(seed: u64, seconds: f64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut out = Vec::with_capacity((seconds * 48_000.0) as usize + 20_000);
    let voice_hz = 95.0 + 110.0 * random.unit() as f32;
    let mut resonances = [Resonance::default(); 3];
    let (mut phase, mut syllables) = (0.0f32, 0);
    while out.len() < (seconds * 48_000.0) as usize {
        let hiss = (random.unit() * 3000.0) as usize + 800;
        for i in 0..hiss {
            let rise = (i as f32 / hiss as f32 * std::f32::consts::PI).sin();
            out.push(random.sample() * 0.03 * rise);
        }
        let length = (random.unit() * 8000.0) as usize + 5000;
        let formants = [300.0 + 500.0 * random.unit() as f32, 900.0 + 1300.0 * random.unit() as f32, 2400.0 + 600.0 * random.unit() as f32];
        let (pitch, glide, loud) =
            (voice_hz * (0.85 + 0.3 * random.unit() as f32), random.sample() * 0.15, 0.5 + 0.5 * random.unit() as f32);
        for i in 0..length {
            let part = i as f32 / length as f32;
            phase += pitch * (1.0 + glide * part) / 48_000.0;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase = phase.fract();
            let source = pulse + random.sample() * 0.004;
            let sound: f32 = resonances
                .iter_mut()
                .zip(formants)
                .zip([1.0, 0.6, 0.35])
                .map(|((resonance, hz), gain)| resonance.step(source, hz) * gain)
                .sum();
            out.push(sound * loud * (part * std::f32::consts::PI).sin().sqrt());
        }
        syllables += 1;
        if syllables % 5 == 0 {
            let pause = (random.unit() * 24_000.0) as usize + 12_000;
            out.extend((0..pause).map(|_| random.sample() * 2e-5));
        }
    }
    out.truncate((seconds * 48_000.0) as usize);
    let peak = out.iter().fold(1e-9f32, |peak, sample| peak.max(sample.abs()));
    out.iter_mut().for_each(|sample| *sample *= 0.5 / peak);
    out
}

/// Two poles 80 Hz wide.
#[derive(Debug, Clone, Copy, Default)]
struct Resonance {
    last: [f32; 2],
}

impl Resonance {
    fn step(&mut self, input: f32, hz: f32) -> f32 {
        let radius = (-std::f32::consts::PI * 80.0 / 48_000.0).exp();
        let turn = 2.0 * radius * (std::f32::consts::TAU * hz / 48_000.0).cos();
        let out = input * 0.05 + turn * self.last[0] - radius * radius * self.last[1];
        self.last = [out, self.last[0]];
        out
    }
}
