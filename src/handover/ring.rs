use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Left and right, nominally within ±1.
pub type StereoFrame = [f32; 2];

/// A ring of stereo samples; both ends are wait-free. One ring carries one unbroken stretch of sound: after a seek a new one is made.
#[must_use]
pub fn ring(capacity_frames: usize) -> (SampleProducer, SampleConsumer) {
    let (producer, consumer) = rtrb::RingBuffer::new(capacity_frames);
    let ended = Arc::new(AtomicBool::new(false));
    (SampleProducer { samples: producer, ended: Arc::clone(&ended) }, SampleConsumer { samples: consumer, ended })
}

/// The decoder's end.
#[derive(Debug)]
pub struct SampleProducer {
    samples: rtrb::Producer<StereoFrame>,
    ended: Arc<AtomicBool>,
}

impl SampleProducer {
    /// Puts in as many frames as fit and returns how many did.
    #[must_use]
    pub fn push(&mut self, frames: &[StereoFrame]) -> usize {
        let (pushed, _) = self.samples.push_partial_slice(frames);
        pushed.len()
    }

    /// Puts in what fits; the rest is lost, as live sound is that nobody takes in time.
    pub fn offer(&mut self, frames: &[StereoFrame]) {
        let lost = frames.len() - self.push(frames);
        if lost > 0 {
            tracing::trace!(lost, "live sound that nobody took");
        }
    }

    /// How many frames fit now.
    #[must_use]
    pub fn room_frames(&self) -> usize {
        self.samples.slots()
    }

    /// Says that nothing more will come.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Whether the consumer is gone.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.samples.is_abandoned()
    }
}

/// The ear's end.
#[derive(Debug)]
pub struct SampleConsumer {
    samples: rtrb::Consumer<StereoFrame>,
    ended: Arc<AtomicBool>,
}

impl SampleConsumer {
    /// Takes the next frame.
    pub fn pop(&mut self) -> Option<StereoFrame> {
        self.samples.pop().ok()
    }

    /// How many frames can be taken now.
    #[must_use]
    pub fn available_frames(&self) -> usize {
        self.samples.slots()
    }

    /// Throws away up to `frames` frames and returns how many.
    pub fn discard(&mut self, frames: usize) -> usize {
        let count = frames.min(self.samples.slots());
        if let Ok(chunk) = self.samples.read_chunk(count) {
            chunk.commit_all();
        }
        count
    }

    /// Whether the producer said that nothing more will come; frames may still wait.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire) || self.samples.is_abandoned()
    }
}
