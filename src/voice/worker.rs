use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, Thread, park_timeout},
    time::Duration,
};

use super::{Bypass, Hearing, Mode, PACKETS_MAX, Packet, Path, Put, Quality, Speech, TICK_SAMPLES, Wish};
use crate::{
    handover::{MailboxReceiver, MailboxSender, SampleConsumer, SampleProducer, Slot, mailbox, unparks_current_thread},
    net::{Line, LineId, LiveEvent, LivePort, ParticipantId},
};

/// Voices on their way, on a thread of their own: no drawn frame and no slow disk stands between a mouth and an ear. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Voices {
    orders: MailboxSender<Order>,
    /// The newest word on who speaks.
    pub(super) report: Slot<Report>,
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Voices {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn start(mono_ns: fn() -> i64) -> std::io::Result<Self> {
        let (orders, orders_in) = mailbox(ORDERS_WAITING);
        let report = Slot::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, told) = (Arc::clone(&stop), report.clone());
        let thread = Builder::new().name("voice".into()).spawn(move || {
            let mut worker = Worker::new(orders_in, told);
            worker.orders.wake_current_thread();
            while !stopped.load(Ordering::Relaxed) {
                park_timeout(worker.step(mono_ns()));
            }
        })?;
        Ok(Self { orders, report, stop, thread: thread.thread().clone() })
    }

    /// Tells it something; false if far too much waits, which only a stuck thread causes.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }
}

impl Drop for Voices {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Order {
    /// The way through the network.
    Port(LivePort),
    /// A microphone was opened, with everything that is heard beside it; or it was closed.
    Microphone(Option<(SampleConsumer, SampleConsumer)>),
    /// Its stream began, once more perhaps: what it gives has nothing to do with what it gave.
    MicrophoneBegins,
    /// The loudspeaker's stream began once more: its echo comes after another time.
    LoudspeakerBegins,
    /// When it is heard; in a trial by nobody but me.
    Wish { wish: Wish, is_trial: bool },
    /// Without canceller or parts of it.
    Bypass(Bypass),
    /// By whom.
    SendTo(Vec<ParticipantId>),
    /// Somebody is heard, into this ring.
    Hear(ParticipantId, SampleProducer),
    /// Somebody is not heard any more.
    Unhear(ParticipantId),
    /// I hear myself, too, as others do.
    HearMyself(Option<SampleProducer>),
}

/// Who speaks, and how loud.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// The microphone's level, sent or not.
    pub(super) my_level: u8,
    /// Whether I am heard by others.
    pub(super) am_sent: bool,
    /// Everybody who is heard: how loud just now, 0 for whoever is silent.
    pub(super) people: Vec<(ParticipantId, u8)>,
    /// To whom there are lines.
    pub(super) lines: Vec<ParticipantId>,
}

/// The thread's own things; a test makes its steps.
pub(super) struct Worker {
    pub(super) orders: MailboxReceiver<Order>,
    report: Slot<Report>,
    port: Option<LivePort>,
    lines: BTreeMap<ParticipantId, Line>,
    peers: BTreeMap<LineId, (ParticipantId, Oddities)>,
    microphone: Option<Recording>,
    wish: Wish,
    is_trial: bool,
    bypass: Bypass,
    send_to: Vec<ParticipantId>,
    ears: BTreeMap<ParticipantId, Ear>,
    myself: Option<Ear>,
    runs: u8,
    path: Path,
    told: Report,
    told_ns: i64,
    looked_ns: i64,
    packets: Vec<Packet>,
    bytes: Vec<u8>,
}

struct Recording {
    ring: SampleConsumer,
    mix: SampleConsumer,
    speech: Speech,
    level: u8,
    is_sent: bool,
}

/// One person heard.
struct Ear {
    hearing: Hearing,
    ring: SampleProducer,
    capacity_frames: usize,
    intake: Intake,
    /// In the ring, when it was filled last.
    left_frames: usize,
    level: u8,
    played: u64,
    lost: u64,
}

impl Ear {
    fn new(ring: SampleProducer) -> Option<Self> {
        let hearing = Hearing::new().inspect_err(|error| tracing::error!("a voice cannot be decoded: {error}")).ok()?;
        let capacity_frames = ring.room_frames();
        Some(Self { hearing, ring, capacity_frames, intake: Intake::default(), left_frames: 0, level: 0, played: 0, lost: 0 })
    }

    /// Keeps as much in the ring as the device takes at once, and a little. Up to a tick more lies there while somebody speaks, as the ticks happen to fall;
    /// silence is cut to measure, so that the next word does not wait behind it.
    fn fill(&mut self, now_ns: i64) {
        let mut frame = [0.0; TICK_SAMPLES];
        self.intake.note(self.left_frames.saturating_sub(self.waiting_frames()), now_ns);
        let keep_frames = self.intake.most_frames() + SOONER_FRAMES;
        while let missing @ 1.. = keep_frames.saturating_sub(self.waiting_frames())
            && self.ring.room_frames() >= TICK_SAMPLES
        {
            let level = self.hearing.next(now_ns, &mut frame);
            let is_silence = level == 0 && !self.hearing.is_speaking();
            let level = if self.hearing.is_speaking() { level } else { 0 };
            // Mouths close slower than samples fall.
            self.level = level.max(self.level.saturating_sub(LEVEL_FALLS));
            let frames = frame.map(|sample| [sample; 2]);
            let taken = if is_silence { missing.min(TICK_SAMPLES) } else { TICK_SAMPLES };
            self.ring.offer(frames.get(..taken).unwrap_or_default());
        }
        self.left_frames = self.waiting_frames();
    }

    fn waiting_frames(&self) -> usize {
        self.capacity_frames - self.ring.room_frames()
    }

    /// Losses since the last look, of a hundred.
    fn loss_percent(&mut self) -> f32 {
        let counts = self.hearing.counts();
        let lost = counts.concealed + counts.recovered + counts.late;
        let (played, lost_now) = (counts.played.saturating_sub(self.played), lost.saturating_sub(self.lost));
        (self.played, self.lost) = (counts.played, lost);
        if played + lost_now < LOOK_TICKS { 0.0 } else { 100.0 * lost_now as f32 / (played + lost_now) as f32 }
    }
}

/// How much a device takes at once, at most, in the last second or two.
#[derive(Debug, Default)]
struct Intake {
    before: usize,
    now: usize,
    since_ns: Option<i64>,
}

impl Intake {
    fn note(&mut self, frames: usize, now_ns: i64) {
        if self.since_ns.is_none_or(|since_ns| now_ns - since_ns >= INTAKE_NS) {
            // Until a second is known it may be as much as any device takes.
            self.before = if self.since_ns.is_some() { self.now } else { INTAKE_MOST };
            (self.now, self.since_ns) = (0, Some(now_ns));
        }
        self.now = self.now.max(frames.min(INTAKE_MOST));
    }

    fn most_frames(&self) -> usize {
        self.before.max(self.now)
    }
}

/// What somebody sent as a voice that is none. One now and then is forgiven, however long they stay: each is forgotten after [`FORGIVEN_NS`], one after the
/// other.
#[derive(Debug, Clone, Copy, Default)]
struct Oddities {
    until_ns: i64,
}

impl Oddities {
    /// Counts one more, and says whether their sender has to go.
    fn are_too_many(&mut self, now_ns: i64) -> bool {
        self.until_ns = self.until_ns.max(now_ns).saturating_add(FORGIVEN_NS);
        self.until_ns.saturating_sub(now_ns) > ODDITIES_MAX * FORGIVEN_NS
    }
}

impl Worker {
    pub(super) fn new(orders: MailboxReceiver<Order>, report: Slot<Report>) -> Self {
        Self {
            orders,
            report,
            port: None,
            lines: BTreeMap::new(),
            peers: BTreeMap::new(),
            microphone: None,
            wish: Wish::default(),
            is_trial: false,
            bypass: Bypass::default(),
            send_to: Vec::new(),
            ears: BTreeMap::new(),
            myself: None,
            runs: 0,
            path: Path::default(),
            told: Report::default(),
            told_ns: 0,
            looked_ns: 0,
            packets: Vec::with_capacity(PACKETS_MAX),
            bytes: Vec::with_capacity(512),
        }
    }

    /// Does what there is to do at this instant, and says how long to rest.
    pub(super) fn step(&mut self, now_ns: i64) -> Duration {
        while let Some(order) = self.orders.receive() {
            self.obey(order);
        }
        self.hear_lines();
        self.hear_packets();
        self.speak(now_ns);
        for ear in self.ears.values_mut().chain(&mut self.myself) {
            ear.fill(now_ns);
        }
        self.look_at_path(now_ns);
        self.tell(now_ns);
        if self.ears.is_empty() && self.microphone.is_none() { IDLE } else { BUSY }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Port(port) => {
                port.wakes(unparks_current_thread());
                self.port = Some(port);
            }
            Order::Microphone(None) => self.microphone = None,
            Order::Microphone(Some((ring, mix))) => {
                // Whoever hears me must know that the count begins anew.
                self.runs = self.runs.wrapping_add(1);
                match Speech::new(self.runs, Quality::default(), self.bypass) {
                    Ok(speech) => self.microphone = Some(Recording { ring, mix, speech, level: 0, is_sent: false }),
                    Err(error) => tracing::error!("the microphone cannot be encoded: {error}"),
                }
            }
            Order::MicrophoneBegins => {
                if let Some(microphone) = &mut self.microphone {
                    microphone.speech.reopened();
                    self.runs = microphone.speech.run();
                }
            }
            Order::LoudspeakerBegins => {
                if let Some(microphone) = &mut self.microphone {
                    microphone.speech.rebuild_canceller();
                }
            }
            Order::Wish { wish, is_trial } => (self.wish, self.is_trial) = (wish, is_trial),
            Order::Bypass(bypass) => {
                self.bypass = bypass;
                if let Some(microphone) = &mut self.microphone {
                    microphone.speech.set_bypass(bypass);
                }
            }
            Order::SendTo(people) => {
                self.path.hearers = people.len();
                self.send_to = people;
            }
            Order::Hear(who, ring) => {
                if let Some(ear) = Ear::new(ring) {
                    self.ears.insert(who, ear);
                }
            }
            Order::Unhear(who) => drop(self.ears.remove(&who)),
            Order::HearMyself(ring) => self.myself = ring.and_then(Ear::new),
        }
    }

    fn hear_lines(&mut self) {
        while let Some(event) = self.port.as_ref().and_then(LivePort::next_event) {
            match event {
                LiveEvent::Up { line } => {
                    self.peers.insert(line.id(), (line.peer(), Oddities::default()));
                    self.lines.insert(line.peer(), line);
                }
                LiveEvent::Down { line } => {
                    if let Some((peer, _)) = self.peers.remove(&line)
                        && self.lines.get(&peer).is_some_and(|known| known.id() == line)
                    {
                        self.lines.remove(&peer);
                    }
                }
                LiveEvent::GivenUp { .. } | LiveEvent::FaceAsked { .. } => {}
            }
        }
    }

    fn hear_packets(&mut self) {
        while let Some(came) = self.port.as_ref().and_then(LivePort::next_packet) {
            let Some((peer, oddities)) = self.peers.get_mut(&came.line) else { continue };
            let Some(ear) = self.ears.get_mut(peer) else { continue };
            let is_odd = match Packet::decode(&came.bytes) {
                Some(packet) => ear.hearing.put(packet, came.arrived_ns) == Put::TooMany,
                None => true,
            };
            if is_odd
                && oddities.are_too_many(came.arrived_ns)
                && let Some(line) = self.lines.get(peer)
            {
                line.close("What came as a voice is none.");
            }
        }
    }

    fn speak(&mut self, now_ns: i64) {
        let Some(microphone) = &mut self.microphone else { return };
        let mut frame = [0.0; TICK_SAMPLES];
        loop {
            // What was played before it is heard first, or the canceller looks for an echo of the future.
            while microphone.mix.available_frames() >= TICK_SAMPLES {
                take(&mut microphone.mix, &mut frame);
                microphone.speech.hear(&frame);
            }
            if microphone.ring.available_frames() < TICK_SAMPLES {
                break;
            }
            take(&mut microphone.ring, &mut frame);
            let spoken = microphone.speech.speak(&frame, self.wish, &self.path, &mut self.packets);
            microphone.level = spoken.level.max(microphone.level.saturating_sub(LEVEL_FALLS));
            microphone.is_sent = spoken.is_sent;
            for packet in self.packets.drain(..) {
                self.bytes.clear();
                packet.encode(&mut self.bytes);
                for who in self.send_to.iter().filter(|_| !self.is_trial) {
                    if let Some(line) = self.lines.get(who)
                        && !line.send_voice(&self.bytes)
                    {
                        tracing::trace!(%who, "10 ms of speech were not sent");
                    }
                }
                if let Some(myself) = &mut self.myself {
                    myself.hearing.put(packet, now_ns);
                }
            }
        }
    }

    /// How the way to others is, by how theirs is to me: nobody sends reports back, and lines are mostly alike both ways.
    fn look_at_path(&mut self, now_ns: i64) {
        if now_ns - self.looked_ns < LOOK_NS {
            return;
        }
        self.looked_ns = now_ns;
        let mut path = Path { hearers: self.send_to.len(), ..Path::default() };
        for ear in self.ears.values_mut() {
            path.loss_percent = path.loss_percent.max(ear.loss_percent());
            path.jitter_ns = path.jitter_ns.max(ear.hearing.target_ns(now_ns));
        }
        self.path = path;
    }

    fn tell(&mut self, now_ns: i64) {
        if now_ns - self.told_ns < TELL_NS {
            return;
        }
        let report = Report {
            my_level: self.microphone.as_ref().map_or(0, |microphone| microphone.level),
            am_sent: self.microphone.as_ref().is_some_and(|microphone| microphone.is_sent)
                && self.wish.mode != Mode::Muted
                && !self.is_trial,
            people: self.ears.iter().map(|(who, ear)| (*who, ear.level)).collect(),
            lines: self.lines.keys().copied().collect(),
        };
        if report != self.told {
            self.told_ns = now_ns;
            self.told = report.clone();
            drop(self.report.put(report));
        }
    }
}

fn take(ring: &mut SampleConsumer, frame: &mut [f32; TICK_SAMPLES]) {
    for sample in frame {
        *sample = ring.pop().map_or(0.0, |[mono, _]| mono);
    }
}

/// Beside what a device takes at once, so much waits for it: it may take that sooner than we look.
const SOONER_FRAMES: usize = 144;
/// The largest portion: 10 ms.
const INTAKE_MOST: usize = 480;
const INTAKE_NS: i64 = 1_000_000_000;
/// What a ring for somebody's voice holds.
pub(super) const EAR_FRAMES: usize = 2_400;
/// Each 10 ms.
const LEVEL_FALLS: u8 = 12;
const ODDITIES_MAX: i64 = 50;
/// All that is borne at once is forgotten after ten seconds.
const FORGIVEN_NS: i64 = 200_000_000;
const ORDERS_WAITING: usize = 1_024;
/// The next 10 ms are due by then.
const BUSY: Duration = Duration::from_millis(2);
/// Orders and lines wake it.
const IDLE: Duration = Duration::from_millis(500);
const TELL_NS: i64 = 40_000_000;
const LOOK_NS: i64 = 2_000_000_000;
/// Too few say nothing about a path.
const LOOK_TICKS: u64 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_device_follows_what_it_takes() {
        let mut intake = Intake::default();
        let ms = 1_000_000;
        for at in 0..3_000 {
            intake.note(if at % 5 == 0 { 240 } else { 0 }, at * ms);
            let expected = if at < 1_000 { INTAKE_MOST } else { 240 };
            assert_eq!(intake.most_frames(), expected, "{at} ms");
        }
        // Held up once: more waits for a while, and never more than any device takes.
        intake.note(960, 3_000 * ms);
        assert_eq!(intake.most_frames(), INTAKE_MOST);
        for at in 3_001..6_000 {
            intake.note(240, at * ms);
        }
        assert_eq!(intake.most_frames(), 240);
    }

    #[test]
    fn whoever_sends_garbage_has_to_go_and_a_stray_packet_now_and_then_is_forgiven() {
        let ms = 1_000_000;
        // A thousand a second.
        let mut flood = Oddities::default();
        let borne = (0..1_000).take_while(|at| !flood.are_too_many((5_000 + at) * ms)).count();
        assert!((50..60).contains(&borne), "{borne}");
        // All that is borne, at once, and then a stray one a second, for an hour.
        let mut stray = Oddities::default();
        assert!((0..ODDITIES_MAX).all(|_| !stray.are_too_many(5_000 * ms)));
        assert!((6..3_600).all(|s| !stray.are_too_many(s * 1_000 * ms)));
        // By then nothing is left of the beginning.
        let borne = (0..1_000).take_while(|_| !stray.are_too_many(3_600_000 * ms)).count() as i64;
        assert_eq!(borne, ODDITIES_MAX);
    }
}
