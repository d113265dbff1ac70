use std::{
    sync::Arc,
    task::{Wake, Waker},
    thread::Thread,
};

/// Wakes the thread that calls this from `std::thread::park`.
#[must_use]
pub fn unparks_current_thread() -> Waker {
    Waker::from(Arc::new(Unparks(std::thread::current())))
}

struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
