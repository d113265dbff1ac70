use crate::handover::StereoFrame;

/// Leads over from what was heard to what comes.
///
/// Start, stop, cut, skip, hold and a ring run dry are all the same to it: the few milliseconds that would have been heard are rendered
/// ahead and laid, growing fainter, over the new sound, which grows as they fade. The two weights always add up to one, also when a fade
/// interrupts a fade, so that no order of events can click or be louder than its parts.
pub(super) struct Fade {
    /// What fades out, already weighted.
    leaving: Box<[StereoFrame]>,
    at: usize,
    frames: usize,
}

impl Default for Fade {
    fn default() -> Self {
        Self { leaving: vec![[0.0; 2]; FRAMES_MAX].into(), at: 0, frames: 0 }
    }
}

impl Fade {
    /// Begins to leave the present sound, of which `ahead(k)` is the frame `k` frames from now.
    pub(super) fn begin(&mut self, frames: usize, mut ahead: impl FnMut(usize) -> StereoFrame) {
        let frames = frames.min(FRAMES_MAX);
        for k in 0..frames {
            // Written behind where a fade in progress is read: one buffer is enough.
            let [left, right] = self.mix(ahead(k));
            let weight = 1.0 - arrival(k, frames);
            self.leaving[k] = [left * weight, right * weight];
        }
        (self.at, self.frames) = (0, frames);
    }

    /// The next frame, of which `coming` is the new sound.
    pub(super) fn mix(&mut self, coming: StereoFrame) -> StereoFrame {
        if self.at >= self.frames {
            return coming;
        }
        let weight = arrival(self.at, self.frames);
        let [left, right] = self.leaving[self.at];
        self.at += 1;
        [left + coming[0] * weight, right + coming[1] * weight]
    }

    pub(super) fn is_over(&self) -> bool {
        self.at >= self.frames
    }
}

fn arrival(k: usize, frames: usize) -> f32 {
    (k + 1) as f32 / (frames + 1) as f32
}

/// The longest fade on the fastest device: 10 ms at 192 kHz.
const FRAMES_MAX: usize = 1920;
