//! The live way through a line, as `voice` and `webcam` see it: voices in datagrams, which come at once or never; faces in streams, one for each group of
//! pictures that need each other.
//!
//! Nothing waits here: what is not read in time is dropped, and a group that lags is given up by its sender. Up and Down are never lost.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
};

use bytes::Bytes;

use super::{Line, LineId, lock};
use crate::handover::{MailboxReceiver, MailboxSender, mailbox};

/// What one of the live floors holds: lines that come and go, and what they bring.
#[derive(Debug)]
pub struct LivePort {
    lines: MailboxReceiver<LiveEvent>,
    packets: MailboxReceiver<LivePacket>,
    shared: Arc<Waiting>,
}

/// Where net puts in what comes.
#[derive(Debug, Clone)]
pub(super) struct LiveEars {
    lines: MailboxSender<LiveEvent>,
    packets: MailboxSender<LivePacket>,
    shared: Arc<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    bytes: AtomicUsize,
    waker: Mutex<Waker>,
}

/// A line that carries live things now, or no more.
#[derive(Debug, Clone)]
pub enum LiveEvent {
    /// Somebody can be talked to.
    Up {
        /// The line to them.
        line: Line,
    },
    /// They are gone.
    Down {
        /// Which line.
        line: LineId,
    },
    /// They cannot follow our face without a key frame.
    FaceAsked {
        /// On which line.
        line: LineId,
    },
    /// A group of ours lagged and was given up: the other side waits for a new one.
    GivenUp {
        /// On which line.
        line: LineId,
        /// Which group.
        group: u32,
    },
}

/// A datagram of a voice, or a part of a face's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePacket {
    /// On which line it came.
    pub line: LineId,
    /// When, by the clock that net was given.
    pub arrived_ns: i64,
    /// The number of its stream on this line, counted by its receiver; 0 for datagrams.
    pub stream: u32,
    /// As sent, unchecked; for a stream, the next part of it.
    pub bytes: Bytes,
    /// Whether it is the last part of its stream.
    pub is_last: bool,
    /// Whether the stream ended before its last part: its sender gave it up.
    pub is_broken: bool,
}

/// A port and the ears behind it.
pub(super) fn live_port() -> (LivePort, LiveEars) {
    let (lines, lines_told) = mailbox(LINES_WAITING);
    let (packets, packets_told) = mailbox(PACKETS_WAITING);
    let shared = Arc::new(Waiting { bytes: AtomicUsize::new(0), waker: Mutex::new(Waker::noop().clone()) });
    let port = LivePort { lines: lines_told, packets: packets_told, shared: Arc::clone(&shared) };
    (port, LiveEars { lines, packets, shared })
}

impl LivePort {
    /// Wakes this one whenever something comes. It is called on the network's threads and must not wait.
    pub fn wakes(&self, waker: Waker) {
        *lock(&self.shared.waker) = waker;
    }

    /// The oldest coming or going that was not asked for yet. Ask before [`next_packet`](Self::next_packet): a packet is never older than its line.
    #[must_use]
    pub fn next_event(&self) -> Option<LiveEvent> {
        self.lines.receive()
    }

    /// The oldest packet that waits.
    #[must_use]
    pub fn next_packet(&self) -> Option<LivePacket> {
        let packet = self.packets.receive()?;
        self.shared.bytes.fetch_sub(packet.bytes.len(), Ordering::Relaxed);
        Some(packet)
    }
}

impl LiveEars {
    /// Tells of a line; `false` if nobody listens to this port at all.
    pub(super) fn tell(&self, event: LiveEvent) -> bool {
        let is_told = self.lines.send(event).is_ok();
        self.ring();
        is_told
    }

    /// Gives a packet; it is dropped, and `false` returned, if too much waits.
    pub(super) fn give(&self, packet: LivePacket) -> bool {
        let size = packet.bytes.len();
        let room = |waiting: usize| (waiting + size <= BYTES_WAITING).then_some(waiting + size);
        if self.shared.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return false;
        }
        if self.packets.send(packet).is_err() {
            self.shared.bytes.fetch_sub(size, Ordering::Relaxed);
            return false;
        }
        self.ring();
        true
    }

    fn ring(&self) {
        lock(&self.shared.waker).wake_by_ref();
    }
}

/// Lines come and go at the speed of people; far more than a full room makes while its frame lasts.
const LINES_WAITING: usize = 1024;
/// A second of ten voices.
const PACKETS_WAITING: usize = 1024;
const BYTES_WAITING: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(bytes: usize) -> LivePacket {
        LivePacket { line: LineId(1), arrived_ns: 0, stream: 0, bytes: vec![0; bytes].into(), is_last: false, is_broken: false }
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes() {
        let (port, ears) = live_port();
        let taken = (0..5000).take_while(|_| ears.give(packet(10))).count();
        assert_eq!(taken, PACKETS_WAITING);
        assert_eq!(std::iter::from_fn(|| port.next_packet()).count(), taken);
        let taken = (0..5000).take_while(|_| ears.give(packet(1 << 20))).count();
        assert_eq!(taken, BYTES_WAITING >> 20);
        assert!(port.next_packet().is_some() && ears.give(packet(1 << 20)) && !ears.give(packet(1)));
    }
}
