//! How things pass between threads and floors: three shapes and the sample ring, and no others.
//!
//! - [`Slot`]: the newest value wins; an unread older one is dropped.
//! - [`Queue`](queue): bounded and ordered, each item stamped with the seek generation it belongs to; when full, the producer keeps its item and waits.
//! - [`Mailbox`](mailbox): bounded commands or events; when full, the sender gets its message back and decides.
//! - [`ring`]: stereo samples from a decoder to the audio callback, wait-free on both sides.
//!
//! Invariant: nothing here knows what it carries. The shapes wake a sleeping consumer or producer by `Thread::unpark`,
//! so a worker is a plain `step()` that a test calls by hand, and only its `start()` parks. The program's own loop is no thread that parks: whoever may have
//! something for it is given a [`Waker`](std::task::Waker).
//!
//! Rejected: channels of several crates, each with its own idea of "full"; callbacks upward, which run on a thread their author did not choose;
//! a mutex across folders, which nobody owns.

mod mailbox;
mod queue;
mod ring;
mod slot;
#[cfg(test)]
mod tests;
mod wake;

pub use mailbox::{MailboxReceiver, MailboxSender, mailbox};
pub use queue::{QueueConsumer, QueueProducer, Stamped, queue};
pub use ring::{SampleConsumer, SampleProducer, StereoFrame, ring};
pub use slot::Slot;
pub use wake::unparks_current_thread;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks even if another holder panicked: every value in this folder is whole between two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
