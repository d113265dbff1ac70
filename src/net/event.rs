use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
};

use super::{Arrival, Line, LineId, ParticipantId, Stamps, lock};
use crate::handover::{MailboxReceiver, MailboxSender, Slot, mailbox};

/// What happened at the door or on a line.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody is there.
    Up {
        /// The line to them.
        line: Line,
        /// Who they are.
        arrival: Arrival,
    },
    /// Somebody is gone. If they came back by a new line ([`Reason::Replaced`]), this stands before its [`Up`](Self::Up).
    Down {
        /// Which line.
        line: LineId,
        /// Who was at its other end.
        peer: ParticipantId,
        /// Why.
        reason: Reason,
    },
    /// The last [`join`](super::Net::join) came to nothing.
    CannotJoin {
        /// For the person: what happened and what to do.
        sentence: String,
        /// Whether trying again with the same invite would come to the same.
        is_final: bool,
    },
    /// A ping came back from the host. May stand before its line's [`Up`](Self::Up) or after its [`Down`](Self::Down).
    Stamps {
        /// On which line.
        line: LineId,
        /// When.
        stamps: Stamps,
    },
    /// This machine can be reached elsewhere than before: a new invite, and a word to the room, are due.
    AddressesChanged,
}

/// Why a line went down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The other end left, or its program ended in order.
    Left,
    /// Nothing came for 4 s: the network or the other machine is gone.
    Lost,
    /// The other end closed it and says why.
    Closed(String),
    /// We closed it, for this reason.
    ClosedHere(String),
    /// We closed it: the other end broke the protocol.
    Blamed(String),
    /// A newer line to the same participant took its place.
    Replaced,
}

/// The boxes in which events wait, as the net's tasks see them.
///
/// Up and Down are never lost: a line is only made once there is room for both. Of the rest the newest or the first few hundred wait.
#[derive(Debug)]
pub(super) struct Post {
    lines: MailboxSender<Event>,
    free: AtomicUsize,
    stamps: MailboxSender<Event>,
    cannot_join: Slot<(u64, String, bool)>,
    /// The number of the join that counts.
    joins: AtomicU64,
    addresses_changed: Slot<()>,
    bell: Mutex<Waker>,
}

/// The other side.
#[derive(Debug)]
pub(super) struct Letters {
    lines: MailboxReceiver<Event>,
    stamps: MailboxReceiver<Event>,
}

pub(super) fn post() -> (Post, Letters) {
    let (lines, lines_read) = mailbox(LINE_EVENTS_WAITING);
    let (stamps, stamps_read) = mailbox(STAMPS_WAITING);
    let (cannot_join, addresses_changed, bell) = (Slot::default(), Slot::default(), Mutex::new(Waker::noop().clone()));
    let post =
        Post { lines, free: AtomicUsize::new(LINE_EVENTS_WAITING), stamps, cannot_join, joins: AtomicU64::new(0), addresses_changed, bell };
    (post, Letters { lines: lines_read, stamps: stamps_read })
}

impl Post {
    /// Keeps room for a line's Up and Down; `false` if nobody reads.
    pub(super) fn reserve_line(&self) -> bool {
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(2)).is_ok()
    }

    /// The line came to nothing.
    pub(super) fn release_line(&self) {
        self.free.fetch_add(2, Ordering::Relaxed);
    }

    /// Up or Down, for which room was kept.
    pub(super) fn of_line(&self, event: Event) {
        if self.lines.send(event).is_err() {
            tracing::debug!("nobody hears of lines any more");
        }
        self.ring();
    }

    pub(super) fn stamps(&self, line: LineId, stamps: Stamps) {
        if self.stamps.send(Event::Stamps { line, stamps }).is_ok() {
            self.ring();
        }
    }

    pub(super) fn cannot_join(&self, number: u64, sentence: String, is_final: bool) {
        self.cannot_join.put((number, sentence, is_final));
        self.ring();
    }

    pub(super) fn addresses_changed(&self) {
        self.addresses_changed.put(());
        self.ring();
    }

    /// Another join counts from now on; what an earlier one still has to say is not heard.
    pub(super) fn next_join(&self) -> u64 {
        self.joins.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn is_current_join(&self, number: u64) -> bool {
        self.joins.load(Ordering::Relaxed) == number
    }

    pub(super) fn ring(&self) {
        lock(&self.bell).wake_by_ref();
    }

    pub(super) fn wakes(&self, waker: Waker) {
        *lock(&self.bell) = waker;
    }

    pub(super) fn next(&self, letters: &Letters) -> Option<Event> {
        if let Some(event) = letters.lines.receive() {
            self.free.fetch_add(1, Ordering::Relaxed);
            return Some(event);
        }
        if let Some((number, sentence, is_final)) = self.cannot_join.take()
            && self.is_current_join(number)
        {
            return Some(Event::CannotJoin { sentence, is_final });
        }
        let changed = self.addresses_changed.take().map(|()| Event::AddressesChanged);
        changed.or_else(|| letters.stamps.receive())
    }
}

const LINE_EVENTS_WAITING: usize = 512;
const STAMPS_WAITING: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn down(line: u64) -> Event {
        Event::Down { line: LineId(line), peer: ParticipantId::from_bytes([0; 32]), reason: Reason::Lost }
    }

    #[test]
    fn no_line_is_made_of_which_nobody_would_hear() {
        let (post, letters) = post();
        let lines = (0..).take_while(|_| post.reserve_line()).count();
        assert_eq!(lines, LINE_EVENTS_WAITING / 2);
        for line in 0..LINE_EVENTS_WAITING {
            post.of_line(down(line as u64));
        }
        assert!(!post.reserve_line());
        for line in 0..LINE_EVENTS_WAITING {
            assert!(matches!(post.next(&letters), Some(Event::Down { line: read, .. }) if read == LineId(line as u64)));
        }
        assert!(post.next(&letters).is_none() && post.reserve_line());
        post.release_line();
    }

    #[test]
    fn the_last_failed_join_counts() {
        let (post, letters) = post();
        let first = post.next_join();
        post.cannot_join(first, "one".into(), false);
        let second = post.next_join();
        assert!(post.next(&letters).is_none());
        post.cannot_join(first, "one, late".into(), false);
        assert!(post.next(&letters).is_none());
        post.cannot_join(second, "two".into(), true);
        post.addresses_changed();
        post.addresses_changed();
        assert!(matches!(post.next(&letters), Some(Event::CannotJoin { sentence, is_final: true }) if sentence == "two"));
        assert!(matches!(post.next(&letters), Some(Event::AddressesChanged)));
        assert!(post.next(&letters).is_none());
    }
}
