use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    thread::Thread,
};

use super::lock;

/// Bounded messages to one receiver from any number of senders, in order.
///
/// # Panics
/// If `capacity` is zero.
#[must_use]
pub fn mailbox<T>(capacity: usize) -> (MailboxSender<T>, MailboxReceiver<T>) {
    assert!(capacity > 0, "a mailbox of no capacity passes nothing");
    let shared = Arc::new(Mutex::new(Shared { messages: VecDeque::new(), receiver: None, receiver_gone: false }));
    let sender = MailboxSender { shared: Arc::clone(&shared), capacity };
    (sender, MailboxReceiver { shared })
}

/// Sends; clone it for further senders.
#[derive(Debug)]
pub struct MailboxSender<T> {
    shared: Arc<Mutex<Shared<T>>>,
    capacity: usize,
}

impl<T> MailboxSender<T> {
    /// Puts a message at the end and wakes the receiver.
    ///
    /// # Errors
    /// Gives the message back when the box is full or the receiver is gone.
    pub fn send(&self, message: T) -> Result<(), T> {
        let mut shared = lock(&self.shared);
        if shared.receiver_gone || shared.messages.len() >= self.capacity {
            return Err(message);
        }
        shared.messages.push_back(message);
        if let Some(receiver) = &shared.receiver {
            receiver.unpark();
        }
        Ok(())
    }
}

impl<T> Clone for MailboxSender<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), capacity: self.capacity }
    }
}

/// Receives.
#[derive(Debug)]
pub struct MailboxReceiver<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

impl<T> MailboxReceiver<T> {
    /// Wakes this thread whenever a message comes; call it once on the receiving thread.
    pub fn wake_current_thread(&self) {
        lock(&self.shared).receiver = Some(std::thread::current());
    }

    /// Takes the oldest message.
    pub fn receive(&self) -> Option<T> {
        lock(&self.shared).messages.pop_front()
    }

    /// Whether every sender is gone and every message was read.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        Arc::strong_count(&self.shared) < 2 && lock(&self.shared).messages.is_empty()
    }
}

impl<T> Drop for MailboxReceiver<T> {
    fn drop(&mut self) {
        lock(&self.shared).receiver_gone = true;
    }
}

#[derive(Debug)]
struct Shared<T> {
    messages: VecDeque<T>,
    receiver: Option<Thread>,
    receiver_gone: bool,
}
