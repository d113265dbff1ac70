use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    thread::Thread,
};

use super::lock;

/// A bounded queue whose items carry the seek generation they were made for.
///
/// # Panics
/// If `capacity` is zero: such a queue could never pass anything.
#[must_use]
pub fn queue<T>(capacity: usize) -> (QueueProducer<T>, QueueConsumer<T>) {
    assert!(capacity > 0, "a queue of no capacity passes nothing");
    let shared = Arc::new(Mutex::new(Shared { items: VecDeque::with_capacity(capacity), producer: None, consumer: None }));
    let producer = QueueProducer { shared: Arc::clone(&shared), capacity };
    (producer, QueueConsumer { shared })
}

/// An item and the generation (number of the seek) it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped<T> {
    /// Number of the seek this was made for.
    pub generation: u32,
    /// What is passed.
    pub item: T,
}

/// The end that puts in.
#[derive(Debug)]
pub struct QueueProducer<T> {
    shared: Arc<Mutex<Shared<T>>>,
    capacity: usize,
}

impl<T> QueueProducer<T> {
    /// Wakes this thread whenever room appears; call it once on the producing thread.
    pub fn wake_current_thread(&self) {
        lock(&self.shared).producer = Some(std::thread::current());
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.shared).items.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether another item fits now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        lock(&self.shared).items.len() < self.capacity
    }

    /// Puts one item at the end.
    ///
    /// # Errors
    /// Gives the item back when the queue is full.
    pub fn push(&self, generation: u32, item: T) -> Result<(), T> {
        let mut shared = lock(&self.shared);
        if shared.items.len() >= self.capacity {
            return Err(item);
        }
        shared.items.push_back(Stamped { generation, item });
        if let Some(consumer) = &shared.consumer {
            consumer.unpark();
        }
        Ok(())
    }

    /// Whether the consumer is gone, so that nothing put in will ever be read.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.shared) < 2
    }
}

/// The end that takes out.
#[derive(Debug)]
pub struct QueueConsumer<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

impl<T> QueueConsumer<T> {
    /// Wakes this thread whenever an item comes; call it once on the consuming thread.
    pub fn wake_current_thread(&self) {
        lock(&self.shared).consumer = Some(std::thread::current());
    }

    /// Takes the first item if `wanted` says so; what stands behind it stays.
    pub fn pop_if(&self, wanted: impl FnOnce(&Stamped<T>) -> bool) -> Option<Stamped<T>> {
        let mut shared = lock(&self.shared);
        let item = shared.items.pop_front_if(|item| wanted(item))?;
        if let Some(producer) = &shared.producer {
            producer.unpark();
        }
        Some(item)
    }

    /// What is asked of the first item, which stays.
    pub fn look<R>(&self, ask: impl FnOnce(&Stamped<T>) -> R) -> Option<R> {
        lock(&self.shared).items.front().map(ask)
    }

    /// Takes the first item.
    pub fn pop(&self) -> Option<Stamped<T>> {
        self.pop_if(|_| true)
    }

    /// How many items wait.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.shared).items.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Debug)]
struct Shared<T> {
    items: VecDeque<Stamped<T>>,
    producer: Option<Thread>,
    consumer: Option<Thread>,
}
