use std::{sync::Arc, thread::Builder, time::Duration};

use bytes::Bytes;

use super::{
    CameraSource, Look, Shot,
    group::{GroupHead, GroupOrder, picture_head},
    layer::Layer,
    studio::Studio,
};
use crate::{
    handover::{MailboxReceiver, MailboxSender, Slot, mailbox},
    media::{FACE_SIDE, FaceCutter, FaceEncoder, FaceFrame, FacePicture, FaceSettings},
    net::ParticipantId,
};

/// One's own camera while it is on. Dropping it turns the camera off.
#[derive(Debug)]
pub struct Camera {
    orders: MailboxSender<Order>,
    preview: Slot<FacePicture>,
    state: Slot<CameraState>,
    /// Its end is how the worker knows that it may go.
    _alive: Arc<()>,
}

impl Camera {
    /// Turns it on, on a thread of its own. What comes of it goes into the mailbox, for the net to take out.
    ///
    /// The net opens a stream with each picture of number 0, says by [`Order::Taken`] what has left, and resets all streams when the mailbox is finished: then the camera is off.
    ///
    /// The generation counts how often the camera was turned on, so that those who watch know the new from the old.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(source: Box<dyn CameraSource>, generation: u32, mono_ns: fn() -> i64) -> Result<(Self, MailboxReceiver<Parcel>), String> {
        let (camera, parcels, mut outgoing) = Self::by_hand(source, generation);
        let work = move || {
            outgoing.orders.wake_current_thread();
            outgoing.source.wake(std::thread::current());
            loop {
                match outgoing.step(mono_ns()) {
                    Step::Worked => {}
                    // A camera wakes it; a pattern or a film is looked at so often.
                    Step::Idle => std::thread::park_timeout(IDLE),
                    Step::Done => return,
                }
            }
        };
        Builder::new()
            .name("webcam".into())
            .spawn(work)
            .map_err(|error| format!("The camera cannot be turned on because the system gave no thread: {error}."))?;
        Ok((camera, parcels))
    }

    /// A camera whose steps are made by the caller.
    #[must_use]
    pub fn by_hand(source: Box<dyn CameraSource>, generation: u32) -> (Self, MailboxReceiver<Parcel>, Outgoing) {
        let (order_sender, orders) = mailbox(ORDERS_MAX);
        let (parcel_sender, parcels) = mailbox(PARCELS_MAX);
        let (preview, state, alive) = (Slot::default(), Slot::default(), Arc::new(()));
        let outgoing = Outgoing {
            source,
            orders,
            parcels: parcel_sender,
            unsent: Vec::new(),
            preview: preview.clone(),
            state: state.clone(),
            told: CameraState::Opening,
            studio: Studio::new(generation),
            cutter: FaceCutter::default(),
            encoders: [const { None }; 3],
            started_ns: None,
            broken_in_a_row: 0,
            cannot_encode: false,
            alive: Arc::downgrade(&alive),
        };
        (Self { orders: order_sender, preview, state, _alive: alive }, parcels, outgoing)
    }

    /// Where the net says what it took, and what others ask for; cheap to clone.
    #[must_use]
    pub const fn orders(&self) -> &MailboxSender<Order> {
        &self.orders
    }

    /// Says how finely somebody watches, or that they no longer do. Returns false if too much is waiting; then say it again.
    #[must_use]
    pub fn watch(&self, who: ParticipantId, layer: Option<Layer>) -> bool {
        self.orders.send(Order::Watch { who, layer }).is_ok()
    }

    /// What oneself sees, mirrored, if it is new.
    #[must_use]
    pub fn preview(&self) -> Option<FacePicture> {
        self.preview.take()
    }

    /// How the camera is, if that changed.
    #[must_use]
    pub fn state(&self) -> Option<CameraState> {
        self.state.take()
    }
}

/// What the camera's worker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// How finely somebody watches, if at all.
    Watch {
        /// Who.
        who: ParticipantId,
        /// By which layer; none when they are gone.
        layer: Option<Layer>,
    },
    /// Somebody needs a key frame.
    AskKey {
        /// Who.
        who: ParticipantId,
    },
    /// The network took this part of a group and all before it. If this is never said, every group is given up after 200 ms.
    Taken {
        /// For whom.
        who: ParticipantId,
        /// Of which group.
        order: GroupOrder,
        /// As its parcel says.
        picture: u32,
    },
    /// The network cannot send more of this group: its stream is gone.
    Broken {
        /// For whom.
        who: ParticipantId,
    },
    /// There is no line to somebody; nothing is made for them until there is.
    Away {
        /// To whom.
        who: ParticipantId,
    },
    /// There is a line again, or another one: what went by the old one is gone.
    Here {
        /// To whom.
        who: ParticipantId,
    },
}

/// Something to send to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// To whom.
    pub to: ParticipantId,
    /// On the stream of which group.
    pub order: GroupOrder,
    /// What.
    pub what: Content,
}

/// What is to be sent, or done with the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The next picture; with number 0 a new stream begins.
    Picture {
        /// Its place in the stream.
        picture: u32,
        /// The picture; if it is the first, before it the group's head and the pictures of the group that whoever came late has missed.
        bytes: Bytes,
    },
    /// The stream ends in order.
    End,
    /// What is not sent yet will not be.
    Reset,
}

/// How the camera is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameraState {
    /// No picture yet.
    Opening,
    /// It gives pictures.
    On,
    /// It has stopped giving pictures; perhaps it goes on.
    Stalled,
    /// It gives pictures that cannot be read or sent; a sentence for the person.
    Useless(String),
    /// It is over; a sentence for the person.
    Failed(String),
}

/// Makes the steps of a camera.
pub struct Outgoing {
    source: Box<dyn CameraSource>,
    orders: MailboxReceiver<Order>,
    parcels: MailboxSender<Parcel>,
    /// Ends of groups for which the mailbox had no room.
    unsent: Vec<Parcel>,
    preview: Slot<FacePicture>,
    state: Slot<CameraState>,
    told: CameraState,
    studio: Studio,
    cutter: FaceCutter,
    encoders: [Option<(FaceSettings, FaceEncoder)>; 3],
    started_ns: Option<i64>,
    broken_in_a_row: u32,
    cannot_encode: bool,
    alive: std::sync::Weak<()>,
}

impl Outgoing {
    /// Hears orders, looks at the camera and sends what is due.
    pub fn step(&mut self, now_ns: i64) -> Step {
        if self.alive.strong_count() == 0 {
            return Step::Done;
        }
        while let Some(order) = self.orders.receive() {
            self.obey(order);
        }
        self.send_unsent();
        match self.source.look(now_ns) {
            Look::Shot(shot) => {
                self.take(&shot, now_ns);
                Step::Worked
            }
            Look::Nothing => Step::Idle,
            Look::Stalled => {
                self.tell(CameraState::Stalled);
                Step::Idle
            }
            Look::Failed(sentence) => {
                self.tell(CameraState::Failed(sentence));
                Step::Done
            }
        }
    }

    /// Who watches, and how finely.
    #[must_use]
    pub fn watchers(&self) -> Vec<(ParticipantId, Layer)> {
        self.studio.watchers().collect()
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Watch { who, layer } => {
                if let Some(order) = self.studio.watch(who, layer) {
                    self.send_end(Parcel { to: who, order, what: Content::End });
                }
            }
            Order::AskKey { who } => self.studio.ask_key(who),
            Order::Taken { who, order, picture } => self.studio.taken(who, order, picture),
            Order::Broken { who } => {
                // There is no stream any more, so nothing is to be ended.
                self.studio.abandon(who);
            }
            Order::Away { who } => self.studio.reach(who, false),
            Order::Here { who } => self.studio.reach(who, true),
        }
    }

    fn take(&mut self, shot: &Shot, now_ns: i64) {
        let plan = self.studio.plan(shot.captured_ns, now_ns);
        for (to, order) in plan.given_up {
            self.send_end(Parcel { to, order, what: Content::Reset });
        }
        for layer in Layer::ALL {
            if self.studio.watching(layer) == 0 {
                self.encoders[layer as usize] = None;
            }
        }
        if !plan.previews && plan.cuts.is_empty() {
            return;
        }
        let face = match shot.seen.cut(&mut self.cutter, FACE_SIDE) {
            Ok(face) => face,
            Err(error) => {
                tracing::debug!("{error}");
                self.broken_in_a_row += 1;
                if self.broken_in_a_row == BROKEN_MAX {
                    self.tell(CameraState::Useless(format!("The pictures of “{}” cannot be read: {error}", self.source.name())));
                }
                plan.cuts.iter().for_each(|cut| self.studio.failed(cut.layer));
                return;
            }
        };
        self.broken_in_a_row = 0;
        let started_ns = *self.started_ns.get_or_insert(shot.captured_ns);
        let captured_ms = (shot.captured_ns.saturating_sub(started_ns) / 1_000_000) as u32;
        if plan.previews {
            // An unread older one is obsolete.
            self.preview.put(face.picture(captured_ms).mirrored());
        }
        if !self.cannot_encode {
            self.tell(CameraState::On);
        }
        for cut in plan.cuts {
            if let Err(error) = self.code(&face, cut.layer, cut.is_key, captured_ms, now_ns) {
                tracing::debug!("{error}");
                self.encoders[cut.layer as usize] = None;
                self.studio.failed(cut.layer);
                self.cannot_encode = true;
                self.tell(CameraState::Useless(error));
            }
        }
    }

    fn code(&mut self, face: &FaceFrame, layer: Layer, as_key: bool, captured_ms: u32, now_ns: i64) -> Result<(), String> {
        let wanted = layer.settings_for(self.studio.watching(layer));
        let place = &mut self.encoders[layer as usize];
        // Another encoder begins with a key frame, and is only made where there is one.
        if as_key && place.as_ref().is_some_and(|(settings, _)| *settings != wanted) {
            *place = None;
        }
        let (settings, encoder) = match place {
            Some(encoder) => encoder,
            empty => empty.insert((wanted, FaceEncoder::open(&wanted).map_err(|error| error.to_string())?)),
        };
        let resized = face.resized(settings.side).map_err(|error| error.to_string())?;
        let packet = encoder.encode(&resized, as_key).map_err(|error| error.to_string())?;
        let (settings, codec) = (*settings, encoder.codec());
        self.cannot_encode = false;
        let Some(picture_head) = picture_head(packet.bytes.len(), captured_ms) else {
            return Err("The encoder made an empty picture.".to_owned());
        };
        let more = Bytes::from([&picture_head[..], &packet.bytes].concat());
        let coded = self.studio.coded(layer, packet.is_key, &more, now_ns);
        for send in coded.sends {
            if let Some(order) = send.ends {
                self.send_end(Parcel { to: send.to, order, what: Content::End });
            }
            let bytes = if send.part == 0 {
                let head = GroupHead { codec, rate: settings.rate as u8, side: settings.side, order: send.order };
                Bytes::from([&head.bytes()[..], &coded.before, &more].concat())
            } else {
                more.clone()
            };
            let parcel = Parcel { to: send.to, order: send.order, what: Content::Picture { picture: send.part, bytes } };
            // Nothing overtakes an end that waits.
            let is_sent = self.unsent.is_empty() && self.parcels.send(parcel).is_ok();
            // The net does not take what there is; it gets the next group. A stream that did not begin needs no end.
            if !is_sent
                && let Some(order) = self.studio.abandon(send.to)
                && send.part > 0
            {
                self.send_end(Parcel { to: send.to, order, what: Content::Reset });
            }
        }
        Ok(())
    }

    /// An end must arrive, or its stream would stay open.
    fn send_end(&mut self, parcel: Parcel) {
        let refused = if self.unsent.is_empty() { self.parcels.send(parcel).err() } else { Some(parcel) };
        if let Some(parcel) = refused {
            self.unsent.push(parcel);
            // Whoever takes nothing for so long has no streams either.
            let surplus = self.unsent.len().saturating_sub(UNSENT_MAX);
            self.unsent.drain(..surplus);
        }
    }

    fn send_unsent(&mut self) {
        while let Some(parcel) = self.unsent.first() {
            if self.parcels.send(parcel.clone()).is_err() {
                return;
            }
            self.unsent.remove(0);
        }
    }

    fn tell(&mut self, state: CameraState) {
        if self.told != state {
            self.told = state.clone();
            self.state.put(state);
        }
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("source", &self.source.name()).field("studio", &self.studio).finish_non_exhaustive()
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something was done.
    Worked,
    /// There is nothing to do now.
    Idle,
    /// There will be nothing to do any more.
    Done,
}

/// A twelfth of the time from picture to picture.
const IDLE: Duration = Duration::from_millis(5);
/// Everybody's in a room, with what the net took of some pictures.
const ORDERS_MAX: usize = 512;
/// A second for sixteen watchers.
const PARCELS_MAX: usize = 256;
const UNSENT_MAX: usize = 128;
/// Two seconds of them.
const BROKEN_MAX: u32 = 30;
