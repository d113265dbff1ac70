//! The film's way through a line, as `swarm` sees it: small messages in order, and pieces each on a stream of its own with a priority.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::ParticipantId;
use crate::handover::{MailboxReceiver, MailboxSender, mailbox};

/// A port and the wire behind it. `net` keeps the wire; tests may hold it in place of a network.
#[must_use]
pub fn film_port() -> (FilmPort, FilmWire) {
    let (sender, events) = mailbox(EVENTS_WAITING);
    let (orders, receiver) = mpsc::channel(ORDERS_WAITING);
    let bytes_waiting = Arc::<AtomicUsize>::default();
    let port = FilmPort { events: Arc::new(events), orders, bytes_waiting: Arc::clone(&bytes_waiting) };
    (port, FilmWire { events: sender, orders: receiver, bytes_waiting })
}

/// What `swarm` holds.
#[derive(Debug, Clone)]
pub struct FilmPort {
    events: Arc<MailboxReceiver<FilmEvent>>,
    orders: mpsc::Sender<FilmOrder>,
    bytes_waiting: Arc<AtomicUsize>,
}

impl FilmPort {
    /// Wakes this thread whenever something happened; call it once on the thread that calls [`next`](Self::next).
    pub fn wake_current_thread(&self) {
        self.events.wake_current_thread();
    }

    /// The oldest thing that happened.
    #[must_use]
    pub fn next(&self) -> Option<FilmEvent> {
        let event = self.events.receive()?;
        // Whoever put it in without counting it (a test) takes nothing off what others put in.
        self.bytes_waiting.update(Ordering::Relaxed, Ordering::Relaxed, |waiting| waiting.saturating_sub(event.bytes()));
        Some(event)
    }

    /// Asks for something to be sent or done.
    ///
    /// # Errors
    /// Gives the order back when too many wait; try again after the next event or a little later.
    pub fn order(&self, order: FilmOrder) -> Result<(), FilmOrder> {
        self.orders.try_send(order).map_err(|error| match error {
            mpsc::error::TrySendError::Full(order) | mpsc::error::TrySendError::Closed(order) => order,
        })
    }
}

/// The other side of a [`FilmPort`].
#[derive(Debug)]
pub struct FilmWire {
    /// Towards `swarm`.
    pub events: MailboxSender<FilmEvent>,
    /// From `swarm`.
    pub orders: mpsc::Receiver<FilmOrder>,
    bytes_waiting: Arc<AtomicUsize>,
}

impl FilmWire {
    /// The two directions, for two tasks.
    pub(super) fn split(self) -> (FilmEars, mpsc::Receiver<FilmOrder>) {
        (FilmEars { events: self.events, bytes_waiting: self.bytes_waiting }, self.orders)
    }
}

/// Where `swarm` is told things.
#[derive(Debug)]
pub(super) struct FilmEars {
    events: MailboxSender<FilmEvent>,
    bytes_waiting: Arc<AtomicUsize>,
}

impl FilmEars {
    /// Gives the event back if too much waits already: by number, or by bytes, so that peers cannot fill our memory while `swarm` is busy.
    pub(super) fn tell(&self, event: FilmEvent) -> Result<(), FilmEvent> {
        let bytes = event.bytes();
        let room = |waiting: usize| (bytes == 0 || waiting < BYTES_WAITING).then_some(waiting + bytes);
        if self.bytes_waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return Err(event);
        }
        self.events.send(event).inspect_err(|_| {
            self.bytes_waiting.fetch_sub(bytes, Ordering::Relaxed);
        })
    }
}

/// Number of a connection in this process; never used twice, so that what comes late from an old one is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u64);

/// What happened on the film's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilmEvent {
    /// A line to this participant can carry film now.
    Up {
        /// Which line.
        line: LineId,
        /// Who is at its other end.
        peer: ParticipantId,
    },
    /// The line is gone, with all that was under way on it.
    Down {
        /// Which line.
        line: LineId,
    },
    /// No line to this participant could be made.
    Unreachable {
        /// Who.
        peer: ParticipantId,
    },
    /// A message came; at most [`MESSAGE_BYTES_MAX`](super::codec::MESSAGE_BYTES_MAX).
    Message {
        /// On which line.
        line: LineId,
        /// As sent, undecoded.
        bytes: Bytes,
    },
    /// A piece came whole; at most [`PIECE_BYTES_MAX`]. It is not verified.
    Piece {
        /// On which line.
        line: LineId,
        /// The number its request had.
        request: u32,
        /// The bytes.
        bytes: Bytes,
    },
    /// A piece began and broke off: its sender reset it.
    Broken {
        /// On which line.
        line: LineId,
        /// The number its request had.
        request: u32,
    },
    /// A piece of ours left: sent whole, cancelled, or refused by the other side.
    Sent {
        /// On which line.
        line: LineId,
        /// The number its request had.
        request: u32,
    },
}

impl FilmEvent {
    /// What it weighs.
    fn bytes(&self) -> usize {
        match self {
            Self::Message { bytes, .. } | Self::Piece { bytes, .. } => bytes.len(),
            Self::Up { .. } | Self::Down { .. } | Self::Unreachable { .. } | Self::Broken { .. } | Self::Sent { .. } => 0,
        }
    }
}

/// What `swarm` wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilmOrder {
    /// Make a line to this participant, if there is none.
    Connect {
        /// Who.
        peer: ParticipantId,
    },
    /// Send a message, in order with all others on this line, before any piece.
    Message {
        /// On which line.
        line: LineId,
        /// At most [`MESSAGE_BYTES_MAX`](super::codec::MESSAGE_BYTES_MAX).
        bytes: Bytes,
    },
    /// Send a piece. [`FilmEvent::Sent`] follows in any case while the line is up.
    Piece {
        /// On which line.
        line: LineId,
        /// The number its request had.
        request: u32,
        /// Larger goes first.
        priority: i32,
        /// At most [`PIECE_BYTES_MAX`].
        bytes: Bytes,
    },
    /// Stop sending that piece.
    Cancel {
        /// On which line.
        line: LineId,
        /// The number its request had.
        request: u32,
    },
    /// Close the line: its other end broke the protocol.
    Blame {
        /// Which line.
        line: LineId,
        /// What it did, for the log and for the other end.
        reason: String,
    },
}

/// A piece of a film: 256 KiB; the last one of a film may be shorter.
pub const PIECE_BYTES_MAX: usize = 256 * 1024;

/// Bounded by the requests in flight on all lines of a full room.
const EVENTS_WAITING: usize = 8192;
const ORDERS_WAITING: usize = 8192;
/// Of messages and pieces that came and were not read.
const BYTES_WAITING: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_swarm_is_bounded_by_bytes_and_read_in_order() {
        let (port, wire) = film_port();
        let (ears, _orders) = wire.split();
        let piece = |request| FilmEvent::Piece { line: LineId(1), request, bytes: vec![0; PIECE_BYTES_MAX].into() };
        let taken = (0..).take_while(|request| ears.tell(piece(*request)).is_ok()).count();
        assert_eq!(taken, BYTES_WAITING / PIECE_BYTES_MAX);
        assert_eq!(ears.tell(FilmEvent::Down { line: LineId(1) }), Ok(()), "what weighs nothing goes through");
        assert_eq!(port.next(), Some(piece(0)));
        assert_eq!(ears.tell(piece(999)), Ok(()));
        assert!(ears.tell(piece(1000)).is_err());
        assert_eq!(std::iter::from_fn(|| port.next()).count(), taken + 1);
        assert_eq!(port.bytes_waiting.load(Ordering::Relaxed), 0);
    }
}
