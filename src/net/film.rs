//! The film's way through a line, as `swarm` sees it: small messages in order, and pieces each on a stream of its own with a priority.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::ParticipantId;
use crate::handover::{MailboxReceiver, MailboxSender, mailbox};

/// A port and the wire behind it. `net` keeps the wire; tests may hold it in place of a network.
#[must_use]
pub fn film_port() -> (FilmPort, FilmWire) {
    let (sender, events) = mailbox(EVENTS_WAITING);
    let (orders, receiver) = mpsc::channel(ORDERS_WAITING);
    (FilmPort { events: Arc::new(events), orders }, FilmWire { events: sender, orders: receiver })
}

/// What `swarm` holds.
#[derive(Debug, Clone)]
pub struct FilmPort {
    events: Arc<MailboxReceiver<FilmEvent>>,
    orders: mpsc::Sender<FilmOrder>,
}

impl FilmPort {
    /// Wakes this thread whenever something happened; call it once on the thread that calls [`next`](Self::next).
    pub fn wake_current_thread(&self) {
        self.events.wake_current_thread();
    }

    /// The oldest thing that happened.
    #[must_use]
    pub fn next(&self) -> Option<FilmEvent> {
        self.events.receive()
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
