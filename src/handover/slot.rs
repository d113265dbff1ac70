use std::sync::{Arc, Mutex, TryLockError};

use super::lock;

/// One place for one value; the newest wins.
#[derive(Debug)]
pub struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    /// Puts a value in and returns the unread one it replaces.
    pub fn put(&self, value: T) -> Option<T> {
        lock(&self.0).replace(value)
    }

    /// Takes the value out, if one came since the last time.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }

    /// The same for a thread that must never wait: nothing, if somebody is at it this very instant.
    #[must_use]
    pub fn try_take(&self) -> Option<T> {
        match self.0.try_lock() {
            Ok(mut value) => value.take(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().take(),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
