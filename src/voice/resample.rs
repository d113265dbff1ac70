/// From any rate to 48 kHz, a sample at a time: cubic between four (Catmull–Rom), which is transparent for speech; rates far above are averaged down first.
#[derive(Debug)]
pub(super) struct Resampler {
    rate: u32,
    /// So many samples become one before anything else.
    fold: u32,
    folded: (f32, u32),
    taps: [f32; 4],
    /// Where the next sample lies between the middle two.
    at: f64,
}

impl Resampler {
    pub(super) const fn new(rate: u32) -> Self {
        let fold = if rate >= 2 * TO { rate / TO } else { 1 };
        Self { rate, fold, folded: (0.0, 0), taps: [0.0; 4], at: 0.0 }
    }

    /// Another device has another rate.
    pub(super) const fn set_rate(&mut self, rate: u32) {
        if rate != self.rate {
            *self = Self::new(rate);
        }
    }

    /// Takes a sample and gives those that are due.
    pub(super) fn push(&mut self, sample: f32, mut give: impl FnMut(f32)) {
        self.folded = (self.folded.0 + sample, self.folded.1 + 1);
        if self.folded.1 < self.fold {
            return;
        }
        let sample = self.folded.0 / self.fold as f32;
        self.folded = (0.0, 0);
        let step = f64::from(self.rate) / f64::from(self.fold) / f64::from(TO);
        if (step - 1.0).abs() < 1e-9 {
            return give(sample);
        }
        self.taps.rotate_left(1);
        self.taps[3] = sample;
        while self.at < 1.0 {
            let [before, from, to, after] = self.taps;
            let t = self.at as f32;
            let slope = (to - before) / 2.0;
            let next_slope = (after - from) / 2.0;
            let cubic = 2.0 * (from - to) + slope + next_slope;
            let square = -3.0 * (from - to) - 2.0 * slope - next_slope;
            give(((cubic * t + square) * t + slope) * t + from);
            self.at += step;
        }
        self.at -= 1.0;
    }
}

const TO: u32 = 48_000;
