use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use iroh::endpoint::{Connection, ConnectionError, VarInt};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    LineId, ParticipantId, Reason, Refusal,
    faces::FaceFrame,
    lock,
    packet::{self, ROOM_PACKET_BYTES_MAX},
};
use crate::handover::{MailboxReceiver, MailboxSender, mailbox};

/// The connection to one participant. Clones are the same line.
#[derive(Clone)]
pub struct Line(Arc<Inner>);

struct Inner {
    id: LineId,
    peer: ParticipantId,
    connection: Connection,
    packets_in: MailboxSender<Bytes>,
    packets: MailboxReceiver<Bytes>,
    packets_sent: AtomicU16,
    orders: mpsc::Sender<LineOrder>,
    messages: mpsc::Sender<Bytes>,
    faces: mpsc::Sender<FaceFrame>,
    message_bytes_waiting: AtomicUsize,
    /// Why we closed it, if we did.
    closed_here: Mutex<Option<Reason>>,
    /// Becomes true when the line's task has told everybody that it is gone.
    gone: watch::Sender<bool>,
}

/// Film orders for one line, but for messages.
#[derive(Debug)]
pub(super) enum LineOrder {
    Piece { request: u32, priority: i32, bytes: Bytes },
    Cancel { request: u32 },
}

/// What the line's task reads.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) pieces: mpsc::Receiver<LineOrder>,
    pub(super) messages: mpsc::Receiver<Bytes>,
    pub(super) faces: mpsc::Receiver<FaceFrame>,
}

/// By which way packets go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// From machine to machine.
    Direct,
    /// Over a relay.
    Relay,
}

impl Line {
    pub(super) fn new(id: LineId, peer: ParticipantId, connection: Connection) -> (Self, Orders) {
        let (packets_in, packets) = mailbox(PACKETS_WAITING);
        let (orders, pieces_out) = mpsc::channel(ORDERS_WAITING);
        let (messages, messages_out) = mpsc::channel(MESSAGES_WAITING);
        let (faces, faces_out) = mpsc::channel(FACES_WAITING);
        let line = Self(Arc::new(Inner {
            id,
            peer,
            connection,
            packets_in,
            packets,
            packets_sent: AtomicU16::new(0),
            orders,
            messages,
            faces,
            message_bytes_waiting: AtomicUsize::new(0),
            closed_here: Mutex::new(None),
            gone: watch::Sender::new(false),
        }));
        (line, Orders { pieces: pieces_out, messages: messages_out, faces: faces_out })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> LineId {
        self.0.id
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> ParticipantId {
        self.0.peer
    }

    /// Sends a packet of the room, at most [`ROOM_PACKET_BYTES_MAX`], at once and without waiting. It may be lost, doubled or overtaken, never altered.
    pub fn send_room(&self, packet: &[u8]) {
        let connection = &self.0.connection;
        let Some(space) = connection.max_datagram_size() else { return };
        let number = self.0.packets_sent.fetch_add(1, Ordering::Relaxed);
        let (first, second) = packet::datagrams(packet, number, space);
        if first.is_none() {
            tracing::warn!(
                line = self.0.id.0,
                bytes = packet.len(),
                space,
                "a packet of the room is too large; at most {ROOM_PACKET_BYTES_MAX} fit"
            );
        }
        for datagram in [first, second].into_iter().flatten() {
            if let Err(error) = connection.send_datagram(datagram) {
                tracing::trace!(line = self.0.id.0, %error, "not sent");
            }
        }
    }

    /// Sends a frame of speech at once; it may be lost, doubled or overtaken, never altered. Returns false if it cannot even be tried.
    pub fn send_voice(&self, packet: &[u8]) -> bool {
        self.0.connection.send_datagram([&[packet::kind::VOICE], packet].concat().into()).is_ok()
    }

    /// Sends the next part of a group of our face's pictures, in order with the group's others. A new number ends the group before.
    ///
    /// Returns false if the line is far behind; the group is then given up here as well.
    pub fn send_face(&self, group: u32, bytes: Bytes) -> bool {
        self.0.faces.try_send(FaceFrame { group, bytes: Some(bytes), since: Instant::now() }).is_ok()
    }

    /// Ends a group of our face, after all that was sent of it.
    pub fn end_face(&self, group: u32) {
        if self.0.faces.try_send(FaceFrame { group, bytes: None, since: Instant::now() }).is_err() {
            tracing::debug!(group, "a face is given up with its line");
        }
    }

    /// Asks for a key frame of their face: what came cannot be followed.
    pub fn ask_face(&self) {
        if let Err(error) = self.0.connection.send_datagram(Bytes::from_static(&[packet::kind::FACE_ASK])) {
            tracing::trace!(%error, "a face was not asked for");
        }
    }

    /// The oldest packet of the room that waits. When [`PACKETS_WAITING`] do, further ones are dropped.
    #[must_use]
    pub fn next_room_packet(&self) -> Option<Bytes> {
        self.0.packets.receive()
    }

    /// Closes the line; the other end is told why. [`Reason::ClosedHere`] follows.
    pub fn close(&self, reason: &str) {
        self.end(End::Closed, reason, Reason::ClosedHere(reason.to_owned()));
    }

    /// The way there and back, if it was measured.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.0.connection.paths().iter().find(iroh::endpoint::Path::is_selected).map(|path| path.rtt())
    }

    /// By which way packets go now.
    #[must_use]
    pub fn kind(&self) -> LineKind {
        let paths = self.0.connection.paths();
        let by_relay = paths.iter().find(iroh::endpoint::Path::is_selected).is_some_and(|path| path.is_relay());
        if by_relay { LineKind::Relay } else { LineKind::Direct }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// Gives the order back if the line does not keep up.
    pub(super) fn order(&self, order: LineOrder) -> Result<(), LineOrder> {
        self.0.orders.try_send(order).map_err(mpsc::error::TrySendError::into_inner)
    }

    /// Queues a film message; a line that does not keep up is closed, for the other end would miss some otherwise.
    pub(super) fn message(&self, bytes: Bytes) {
        let waiting = self.0.message_bytes_waiting.fetch_add(bytes.len(), Ordering::Relaxed);
        if waiting > MESSAGE_BYTES_WAITING || self.0.messages.try_send(bytes).is_err() {
            self.close("Your machine or its network is too slow to follow the film.");
        }
    }

    /// A message has left.
    pub(super) fn message_left(&self, bytes: usize) {
        self.0.message_bytes_waiting.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// `false` when the box is full.
    pub(super) fn deliver_packet(&self, packet: Bytes) -> bool {
        self.0.packets_in.send(packet).is_ok()
    }

    /// Closes; the first reason counts.
    pub(super) fn end(&self, end: End, to_them: &str, to_us: Reason) {
        lock(&self.0.closed_here).get_or_insert(to_us);
        close(&self.0.connection, end as u32, to_them);
    }

    /// They broke the protocol.
    pub(super) fn blame(&self, what: &str) {
        tracing::warn!(line = self.0.id.0, peer = %self.0.peer, what, "closed for breaking the protocol");
        self.end(End::Blamed, what, Reason::Blamed(what.to_owned()));
    }

    /// Why the line went down.
    pub(super) fn reason(&self, error: &ConnectionError) -> Reason {
        lock(&self.0.closed_here).take().unwrap_or_else(|| reason_of(error))
    }

    pub(super) fn set_gone(&self) {
        self.0.gone.send_replace(true);
    }

    /// Waits until everybody was told that the line is gone.
    pub(super) async fn wait_gone(&self) {
        if self.0.gone.subscribe().wait_for(|gone| *gone).await.is_err() {
            tracing::debug!("a line cannot outlive itself");
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} to {})", self.0.id.0, self.0.peer)
    }
}

/// Why a line ends, as the other end's number.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// Also what iroh says when an endpoint closes.
    Left = 0,
    Closed,
    Replaced,
    Blamed,
}

/// Closes a connection with a number and a sentence.
pub(super) fn close(connection: &Connection, code: u32, text: &str) {
    let text = &text[..text.floor_char_boundary(REASON_BYTES_MAX)];
    connection.close(VarInt::from_u32(code), text.as_bytes());
}

/// What the other end, or the network, says.
fn reason_of(error: &ConnectionError) -> Reason {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let code = u64::from(close.error_code);
            if code == End::Left as u64 {
                Reason::Left
            } else if code == End::Replaced as u64 {
                Reason::Replaced
            } else if let Some(refusal) = Refusal::of_code(code) {
                Reason::Closed(refusal.to_string())
            } else {
                Reason::Closed(readable(&close.reason))
            }
        }
        _ => Reason::Lost,
    }
}

/// A stranger's words, safe to show.
pub(super) fn readable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(REASON_BYTES_MAX)]);
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Packets of the room that may wait for it.
pub const PACKETS_WAITING: usize = 1024;
const ORDERS_WAITING: usize = 4096;
/// Many small ones come at once, when everybody tells what they have.
const MESSAGES_WAITING: usize = 16 * 1024;
/// A whole film's hashes, and then some.
const MESSAGE_BYTES_WAITING: usize = 16 * 1024 * 1024;
/// Two seconds of a face; the writer gives up far sooner.
const FACES_WAITING: usize = 32;
const REASON_BYTES_MAX: usize = 300;
