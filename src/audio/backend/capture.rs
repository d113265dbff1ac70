//! An output that a test pulls by hand: nothing runs by itself, and time is an argument.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::stage::{RATE, Stage};
use crate::handover::StereoFrame;

/// Renders when asked to; clones pull the same mixer.
#[derive(Clone)]
pub struct Handle {
    stage: Arc<Mutex<Option<Stage>>>,
    rate: u32,
}

impl Default for Handle {
    fn default() -> Self {
        Self::with_rate(RATE)
    }
}

impl Handle {
    /// As a device of that many frames a second would.
    #[must_use]
    pub fn with_rate(rate: u32) -> Self {
        Self { stage: Arc::default(), rate }
    }

    /// One callback of which the first frame is heard at `heard_mono_ns`; silence while no mixer has this output.
    #[must_use]
    pub fn render(&self, frames: usize, heard_mono_ns: i64) -> Vec<StereoFrame> {
        let mut out = vec![0.0; frames * 2];
        if let Some(stage) = &mut *self.stage.lock().unwrap_or_else(PoisonError::into_inner) {
            stage.render(&mut out, 2, self.rate, heard_mono_ns);
        }
        out.as_chunks().0.to_vec()
    }

    pub(super) fn take_over(&self, stage: Stage) {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).replace(stage);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("rate", &self.rate).finish_non_exhaustive()
    }
}
