use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

/// What a media thread is at, so that one which is stuck inside FFmpeg can be told from one that waits.
///
/// Waiting for bytes, for room or for a command may last for ever; working on one step may not.
#[derive(Debug, Default)]
pub(super) struct Activity {
    working: AtomicU8,
    since_mono_ns: AtomicI64,
}

impl Activity {
    pub(super) fn work(&self, now_mono_ns: i64) {
        self.since_mono_ns.store(now_mono_ns, Ordering::Relaxed);
        self.working.store(1, Ordering::Release);
    }

    pub(super) fn wait(&self) {
        self.working.store(0, Ordering::Release);
    }

    /// How long the thread has been working on one thing; zero while it waits.
    pub(super) fn working_for_ns(&self, now_mono_ns: i64) -> i64 {
        if self.working.load(Ordering::Acquire) == 0 { 0 } else { now_mono_ns - self.since_mono_ns.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::Activity;

    #[test]
    fn waiting_is_never_being_stuck() {
        let activity = Activity::default();
        activity.work(5);
        assert_eq!(activity.working_for_ns(9), 4);
        activity.wait();
        assert_eq!(activity.working_for_ns(1_000_000_000_000), 0);
    }
}
