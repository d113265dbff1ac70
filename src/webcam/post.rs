use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, Thread, park_timeout},
    time::Duration,
};

use super::{Content, FaceNews, Faces, GroupOrder, Order, Parcel, Piece};
use crate::{
    handover::{MailboxReceiver, MailboxSender, mailbox, unparks_current_thread},
    net::{Line, LineId, LiveEvent, LivePort, ParticipantId},
};

/// Carries faces between the cameras' thread, the lines and the decoders' thread, on a thread of its own. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Post {
    orders: MailboxSender<PostOrder>,
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Post {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(port: LivePort, faces: Arc<Faces>) -> std::io::Result<Self> {
        let (orders, received) = mailbox(ORDERS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = Builder::new().name("faces' post".into()).spawn(move || {
            let mut carrier = Carrier {
                port,
                faces,
                orders: received,
                lines: BTreeMap::new(),
                peers: BTreeMap::new(),
                camera: None,
                arrived: Vec::new(),
                begun: Begun::default(),
                inlets: BTreeMap::new(),
                torn: Torn::default(),
            };
            carrier.port.wakes(unparks_current_thread());
            carrier.orders.wake_current_thread();
            while !stopped.load(Ordering::Relaxed) {
                carrier.step();
                park_timeout(if carrier.camera.is_some() { BUSY } else { IDLE });
            }
        })?;
        Ok(Self { orders, stop, thread: thread.thread().clone() })
    }

    pub(super) fn order(&self, order: PostOrder) {
        if self.orders.send(order).is_err() {
            tracing::error!("the faces' post does not keep up");
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// What it is told.
#[derive(Debug)]
pub(super) enum PostOrder {
    /// A camera is on, or off.
    Camera(Option<(MailboxSender<Order>, MailboxReceiver<Parcel>)>),
    /// Somebody's face comes here.
    Expect(ParticipantId, MailboxSender<Piece>),
    /// Nobody's any more.
    Forget(ParticipantId),
}

struct Carrier {
    port: LivePort,
    faces: Arc<Faces>,
    orders: MailboxReceiver<PostOrder>,
    lines: BTreeMap<ParticipantId, Line>,
    peers: BTreeMap<LineId, ParticipantId>,
    camera: Option<(MailboxSender<Order>, MailboxReceiver<Parcel>)>,
    /// Those of whose lines the camera has not heard yet.
    arrived: Vec<ParticipantId>,
    begun: Begun,
    inlets: BTreeMap<ParticipantId, MailboxSender<Piece>>,
    torn: Torn,
}

impl Carrier {
    fn step(&mut self) {
        while let Some(order) = self.orders.receive() {
            match order {
                PostOrder::Camera(camera) => {
                    if let Some((_, parcels)) = std::mem::replace(&mut self.camera, camera) {
                        // What it still had to say ends its streams.
                        std::iter::from_fn(|| parcels.receive())
                            .filter(|parcel| parcel.what == Content::End)
                            .for_each(|parcel| self.end(&parcel));
                        self.lines.values().for_each(|line| line.end_face(0));
                    }
                }
                PostOrder::Expect(who, inlet) => {
                    // A face comes straight, and that it comes goes round by the host: its beginning may be gone, and the next is three seconds away.
                    if let Some(line) = self.lines.get(&who).filter(|line| self.torn.has(line.id())) {
                        line.ask_face();
                    }
                    self.inlets.insert(who, inlet);
                }
                PostOrder::Forget(who) => drop(self.inlets.remove(&who)),
            }
        }
        self.hear_lines();
        self.deliver();
        self.send();
        while let Some(news) = self.faces.news() {
            match news {
                FaceNews::NeedsKey(who) => {
                    if let Some(line) = self.lines.get(&who) {
                        line.ask_face();
                    }
                }
                FaceNews::Fault(who, fault) => {
                    tracing::warn!(%who, ?fault, "a face is none");
                    if let Some(line) = self.lines.get(&who) {
                        line.close("What came as a face is none.");
                    }
                }
            }
        }
    }

    fn hear_lines(&mut self) {
        while let Some(event) = self.port.next_event() {
            match event {
                LiveEvent::Up { line } => {
                    self.peers.insert(line.id(), line.peer());
                    self.begun.forget(line.peer());
                    self.arrived.push(line.peer());
                    self.lines.insert(line.peer(), line);
                }
                LiveEvent::Down { line } => {
                    self.torn.forget(line);
                    if let Some(peer) = self.peers.remove(&line)
                        && self.lines.get(&peer).is_some_and(|known| known.id() == line)
                    {
                        self.lines.remove(&peer);
                        self.begun.forget(peer);
                    }
                }
                LiveEvent::FaceAsked { line } => self.tell_camera(line, |who| Order::AskKey { who }),
                LiveEvent::GivenUp { line, .. } => self.tell_camera(line, |who| Order::Broken { who }),
            }
        }
    }

    fn tell_camera(&self, line: LineId, order: impl FnOnce(ParticipantId) -> Order) {
        if let (Some((orders, _)), Some(who)) = (&self.camera, self.peers.get(&line))
            && orders.send(order(*who)).is_err()
        {
            tracing::debug!("the camera has been told too much");
        }
    }

    fn deliver(&mut self) {
        while let Some(packet) = self.port.next_packet() {
            let inlet = self.peers.get(&packet.line).and_then(|who| self.inlets.get(who));
            let Some(inlet) = inlet else {
                self.torn.tear(packet.line, packet.stream);
                continue;
            };
            if self.torn.is_torn(packet.line, packet.stream) {
                continue;
            }
            // Lines that follow each other count on, so that what comes late from an old one is recognised.
            let stream = packet.line.0 << 32 | u64::from(packet.stream);
            let piece = if packet.is_broken {
                Piece::BrokenOff { stream }
            } else {
                Piece::Bytes { stream, bytes: packet.bytes, is_end: packet.is_last }
            };
            if inlet.send(piece).is_err() {
                tracing::debug!("a face comes faster than it is decoded");
                self.torn.tear(packet.line, packet.stream);
            }
        }
    }

    fn send(&mut self) {
        let Some((orders, parcels)) = &self.camera else {
            // One that is turned on later takes everybody for here.
            self.arrived.clear();
            return;
        };
        self.arrived.retain(|who| orders.send(Order::Here { who: *who }).is_err());
        while let Some(parcel) = parcels.receive() {
            let Some(line) = self.lines.get(&parcel.to) else {
                if orders.send(Order::Away { who: parcel.to }).is_err() {
                    tracing::debug!("the camera has been told too much");
                }
                continue;
            };
            match parcel.what {
                Content::Picture { picture, .. } if !self.begun.may_go(parcel.to, parcel.order, picture) => {
                    tracing::debug!(who = %parcel.to, "the rest of a group that began on another line");
                }
                Content::Picture { picture, bytes } => {
                    let is_taken = line.send_face(group(parcel.order), bytes);
                    // The line gives a group up by itself once 200 ms of it wait, and says so.
                    let order = if is_taken {
                        Order::Taken { who: parcel.to, order: parcel.order, picture }
                    } else {
                        Order::Broken { who: parcel.to }
                    };
                    if orders.send(order).is_err() {
                        tracing::debug!("the camera has been told too much");
                    }
                }
                Content::End | Content::Reset => self.end(&parcel),
            }
        }
    }

    fn end(&self, parcel: &Parcel) {
        if let Some(line) = self.lines.get(&parcel.to) {
            line.end_face(group(parcel.order));
        }
    }
}

/// To each the group that began on their line. The rest of one that began on a line before it would be read as what it is not, and cost the line.
#[derive(Debug, Default)]
struct Begun(BTreeMap<ParticipantId, GroupOrder>);

impl Begun {
    /// Notes it, if it is a beginning.
    fn may_go(&mut self, who: ParticipantId, order: GroupOrder, picture: u32) -> bool {
        if picture == 0 {
            self.0.insert(who, order);
        }
        self.0.get(&who) == Some(&order)
    }

    fn forget(&mut self, who: ParticipantId) {
        self.0.remove(&who);
    }
}

/// On each line the newest stream of which something was not delivered. The rest of it would be read as what it is not, and its sender lose the line.
#[derive(Debug, Default)]
struct Torn(BTreeMap<LineId, u32>);

impl Torn {
    fn tear(&mut self, line: LineId, stream: u32) {
        let newest = self.0.entry(line).or_insert(stream);
        *newest = stream.max(*newest);
    }

    /// Older streams count as torn as well: there is a newer group.
    fn is_torn(&self, line: LineId, stream: u32) -> bool {
        self.0.get(&line).is_some_and(|newest| stream <= *newest)
    }

    fn has(&self, line: LineId) -> bool {
        self.0.contains_key(&line)
    }

    fn forget(&mut self, line: LineId) {
        self.0.remove(&line);
    }
}

/// Tells groups that follow each other apart on a line.
const fn group(order: GroupOrder) -> u32 {
    order.generation << 24 | order.group & 0x00FF_FFFF
}

const ORDERS_MAX: usize = 256;
/// Parcels come fifteen times a second and wake nobody.
const BUSY: Duration = Duration::from_millis(4);
const IDLE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_goes_on_only_where_it_began() {
        let mut begun = Begun::default();
        let [who, other] = [1, 2].map(|number| ParticipantId::from_bytes([number; 32]));
        let order = |group: u32| GroupOrder { generation: 1, group };
        assert!(!begun.may_go(who, order(0), 3), "it began before there was a line");
        assert!(begun.may_go(who, order(1), 0) && begun.may_go(who, order(1), 1) && !begun.may_go(other, order(1), 1));
        // Another line takes the place of theirs.
        begun.forget(who);
        assert!(!begun.may_go(who, order(1), 2) && begun.may_go(who, order(2), 0) && begun.may_go(who, order(2), 1));
    }

    #[test]
    fn nothing_is_delivered_of_a_stream_whose_beginning_was_not() {
        let mut torn = Torn::default();
        let (line, other) = (LineId(1), LineId(2));
        assert!(!torn.is_torn(line, 0) && !torn.has(line));
        torn.tear(line, 4);
        torn.tear(line, 3);
        assert_eq!([3, 4, 5].map(|stream| torn.is_torn(line, stream)), [true, true, false]);
        assert!(torn.has(line) && !torn.has(other) && !torn.is_torn(other, 0));
        torn.forget(line);
        assert!(!torn.is_torn(line, 4));
    }
}
