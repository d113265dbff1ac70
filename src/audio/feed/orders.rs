use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use super::plans::Plan;
use crate::handover::SampleConsumer;

/// What the feed is told.
pub(super) enum Order {
    Cue { ring: SampleConsumer, film_ns: i64, cue: u32 },
    Plan(Plan),
    Trim(f64),
    Skip(i64),
}

/// Orders on their way to the audio callback, and used-up rings on their way back.
///
/// The callback only ever *tries* the lock and takes the orders a callback later if their sender was interrupted just then, as if they had
/// been sent later; so it waits for nobody, and it frees nothing.
pub(super) struct Desk(Mutex<Papers>);

impl Default for Desk {
    fn default() -> Self {
        let papers = Papers { waiting: VecDeque::with_capacity(ORDERS_MAX), spent: Vec::with_capacity(SPENT_MAX) };
        Self(Mutex::new(papers))
    }
}

impl Desk {
    /// Hands an order in; frees the rings that came back.
    ///
    /// A cue takes the place of all that waits but the trim. When full (nothing has rendered for a long time) the oldest order that is no
    /// cue is given up.
    pub(super) fn hand_in(&self, order: Order) {
        // Declared before the lock and so freed after it: a ring is megabytes, and the callback may want the desk.
        let mut freed = Vec::with_capacity(SPENT_MAX);
        let overtaken: VecDeque<_>;
        let mut papers = self.lock();
        std::mem::swap(&mut papers.spent, &mut freed);
        if let (Order::Trim(new), Some(Order::Trim(old))) = (&order, papers.waiting.back_mut()) {
            *old = *new;
            return;
        }
        if matches!(order, Order::Cue { .. }) {
            (papers.waiting, overtaken) = papers.waiting.drain(..).partition(|waits| matches!(waits, Order::Trim(_)));
        } else if papers.waiting.len() == ORDERS_MAX {
            let oldest = papers.waiting.iter().position(|waits| !matches!(waits, Order::Cue { .. }));
            overtaken = oldest.and_then(|oldest| papers.waiting.remove(oldest)).into_iter().collect();
        } else {
            overtaken = VecDeque::new();
        }
        papers.waiting.push_back(order);
        drop(papers);
        drop(overtaken);
    }

    /// Frames in a ring that was cued and not yet taken up.
    pub(super) fn cued_frames(&self) -> Option<u64> {
        self.lock().waiting.iter().find_map(|order| match order {
            Order::Cue { ring, .. } => Some(ring.available_frames() as u64),
            _ => None,
        })
    }

    /// For the callback: opens the desk if nobody else is at it.
    pub(super) fn try_open(&self) -> Option<Tray<'_>> {
        match self.0.try_lock() {
            Ok(papers) => Some(Tray(papers)),
            Err(TryLockError::Poisoned(poisoned)) => Some(Tray(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Papers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The open desk, as the callback sees it.
pub(super) struct Tray<'a>(MutexGuard<'a, Papers>);

impl Tray<'_> {
    /// The oldest order; none while there is no room for what it may put out of use.
    pub(super) fn next_order(&mut self) -> Option<Order> {
        if self.0.spent.len() == SPENT_MAX { None } else { self.0.waiting.pop_front() }
    }

    /// Sends a used-up ring back.
    pub(super) fn send_back(&mut self, ring: Option<SampleConsumer>) {
        self.0.spent.extend(ring);
    }
}

pub(super) struct Papers {
    waiting: VecDeque<Order>,
    spent: Vec<SampleConsumer>,
}

const ORDERS_MAX: usize = 64;
const SPENT_MAX: usize = 4;
