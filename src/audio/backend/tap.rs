use super::RATE;
use crate::handover::{SampleProducer, Slot};

/// Where the newest listener to all that is heard is handed in, and the one before comes back: nothing is freed in the callback.
#[derive(Clone, Default)]
pub(in crate::audio) struct Taps {
    pub(in crate::audio) newest: Slot<SampleProducer>,
    pub(in crate::audio) outdated: Slot<SampleProducer>,
}

/// Passes on what is heard, as one channel at 48 kHz, to whoever listens to it.
pub(super) struct Tap {
    taps: Taps,
    producer: Option<SampleProducer>,
    /// Where the next frame at 48 kHz lies behind the newest one of the device, in frames of the device.
    behind: f64,
    last: f32,
}

impl Tap {
    pub(super) const fn new(taps: Taps) -> Self {
        Self { taps, producer: None, behind: 0.0, last: 0.0 }
    }

    /// Takes a callback's frames. Between two of them it draws a line: an echo canceller asks for no more.
    pub(super) fn hear(&mut self, out: &[f32], channels: u16, rate: u32) {
        if let Some(newer) = self.taps.newest.try_take()
            && let Some(outdated) = self.producer.replace(newer)
        {
            // Whoever handed the newer one in has emptied this slot, so nobody holds it now.
            drop(self.taps.outdated.put(outdated));
        }
        let Some(producer) = self.producer.as_mut().filter(|producer| !producer.is_abandoned()) else { return };
        let step = f64::from(rate.max(1)) / f64::from(RATE);
        for frame in out.chunks_exact(usize::from(channels.max(1))) {
            let mono = match *frame {
                [left, right, ..] => (left + right) / 2.0,
                [mono] => mono,
                [] => 0.0,
            };
            while self.behind < 1.0 {
                let at = self.last + (mono - self.last) * self.behind as f32;
                // A reader that is late loses what does not fit.
                producer.offer(&[[at; 2]]);
                self.behind += step;
            }
            self.behind -= 1.0;
            self.last = mono;
        }
    }
}
