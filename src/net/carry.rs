use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use iroh::endpoint::VarInt;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    Arrival, Event, FilmEvent, Line, LiveEvent, LivePacket, Standing,
    endpoint::{PIECES_MAX, STREAMS_MAX},
    faces,
    line::{LineOrder, Orders},
    lock,
    net::Shared,
    packet::{Joiner, kind},
    ping::{self, Allowance, Asker},
    stream::{self, Fault, Opened},
};

/// Carries one line from its greeting to its end: tells everybody, passes things on, and closes it when the other end breaks the protocol.
pub(super) async fn carry(shared: Arc<Shared>, line: Line, orders: Orders, arrival: Arrival, replaced: Option<Line>) {
    if let Some(replaced) = replaced
        && timeout(REPLACED_WAIT, replaced.wait_gone()).await.is_err()
    {
        tracing::debug!(?replaced, "still winding up");
    }
    let (id, peer) = (line.id(), line.peer());
    let asks = matches!(arrival.standing, Standing::Host { .. });
    tracing::info!(?line, standing = ?arrival.standing, "up");
    shared.post.of_line(Event::Up { line: line.clone(), arrival });
    for ears in [&shared.voices, &shared.faces] {
        ears.tell(LiveEvent::Up { line: line.clone() });
    }
    let connection = line.connection();
    connection.set_max_concurrent_uni_streams(VarInt::from_u32(STREAMS_MAX));

    let mut tasks = JoinSet::new();
    tasks.spawn(datagrams(Arc::clone(&shared), line.clone(), asks));
    let mut film_knows = false;
    let film = async {
        shared.tell_film(FilmEvent::Up { line: id, peer }).await;
        film_knows = true;
        serve(&shared, &line, orders, &mut tasks).await;
    };
    let error = tokio::select! {
        biased;
        error = connection.closed() => error,
        () = film => connection.closed().await,
    };
    // Nothing of this line may be told after it is down.
    tasks.shutdown().await;
    lock(&shared.state).book.remove(id);
    let reason = line.reason(&error);
    tracing::info!(?line, ?reason, %error, "down");
    shared.post.of_line(Event::Down { line: id, peer, reason });
    for ears in [&shared.voices, &shared.faces] {
        ears.tell(LiveEvent::Down { line: id });
    }
    if film_knows {
        shared.tell_film(FilmEvent::Down { line: id }).await;
    }
    line.set_gone();
}

/// What a task of a line has to say when it ends.
pub(super) enum Done {
    Nothing,
    Sent {
        request: u32,
    },
    /// A stream of the other end's.
    Read,
    Fault(Fault),
}

/// Runs until the connection is gone.
async fn serve(shared: &Arc<Shared>, line: &Line, orders: Orders, tasks: &mut JoinSet<Done>) {
    let Orders { pieces: mut orders, messages, faces } = orders;
    tasks.spawn(write_messages(line.clone(), messages));
    tasks.spawn(faces::write_faces(Arc::clone(shared), line.clone(), faces));
    let heard = Arc::new(Heard::default());
    let mut pieces: BTreeMap<u32, oneshot::Sender<()>> = BTreeMap::new();
    let mut reading = 0;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(LineOrder::Piece { request, priority, bytes }) => {
                    if pieces.len() >= PIECES_MAX || pieces.contains_key(&request) {
                        tracing::warn!(?line, request, under_way = pieces.len(), "a piece was not sent");
                        tasks.spawn(tell_sent(Arc::clone(shared), line.clone(), request));
                        continue;
                    }
                    let (cancel, cancelled) = oneshot::channel();
                    pieces.insert(request, cancel);
                    let line = line.clone();
                    tasks.spawn(async move {
                        stream::send_piece(line.connection(), request, priority, bytes, cancelled).await;
                        Done::Sent { request }
                    });
                }
                Some(LineOrder::Cancel { request }) => {
                    if let Some(cancel) = pieces.get_mut(&request) {
                        // Dropping it says the same as sending; the piece stays listed until its task has ended.
                        *cancel = oneshot::channel().0;
                    }
                }
                None => return,
            },
            // What was read whole waits in its task while swarm is busy; then no more is read.
            stream = line.connection().accept_uni(), if reading < STREAMS_MAX => match stream {
                Ok(stream) => {
                    reading += 1;
                    tasks.spawn(read_stream(Arc::clone(shared), line.clone(), stream, Arc::clone(&heard)));
                }
                Err(_) => return,
            },
            stream = line.connection().accept_bi() => match stream {
                Ok(_) => line.blame("a second greeting"),
                Err(_) => return,
            },
            Some(done) = tasks.join_next() => match done {
                Ok(Done::Sent { request }) => {
                    pieces.remove(&request);
                    tasks.spawn(tell_sent(Arc::clone(shared), line.clone(), request));
                }
                Ok(Done::Fault(Fault(what))) => line.blame(what),
                Ok(Done::Read) => reading -= 1,
                Ok(Done::Nothing) => {}
                Err(error) => tracing::error!(?line, %error, "a task of a line failed"),
            },
        }
    }
}

async fn tell_sent(shared: Arc<Shared>, line: Line, request: u32) -> Done {
    shared.tell_film(FilmEvent::Sent { line: line.id(), request }).await;
    Done::Nothing
}

async fn write_messages(line: Line, mut messages: mpsc::Receiver<Bytes>) -> Done {
    let Some(mut stream) = stream::open_messages(line.connection()).await else { return Done::Nothing };
    while let Some(bytes) = messages.recv().await {
        let length = bytes.len();
        if stream::write_message(&mut stream, bytes).await.is_none() {
            break;
        }
        line.message_left(length);
    }
    Done::Nothing
}

/// What a line's streams have in common.
#[derive(Debug)]
pub(super) struct Heard {
    has_messages: AtomicBool,
    since: Instant,
    allowance: Mutex<Allowance>,
    faces: Mutex<Faces>,
}

/// What a line shows of a face.
#[derive(Debug)]
struct Faces {
    count: u32,
    open: u32,
    bytes: Allowance,
}

impl Heard {
    /// Waits until this line may tell swarm one thing more, so that one member cannot talk all others down.
    async fn turn(&self) {
        while !lock(&self.allowance).take(since_ns(self.since)) {
            sleep(TURN_PAUSE).await;
        }
    }

    /// The number of one more stream of a face; `None` if too many are open.
    pub(super) fn next_face(&self) -> Option<u32> {
        let mut faces = lock(&self.faces);
        if faces.open >= FACES_OPEN_MAX {
            return None;
        }
        faces.open += 1;
        faces.count = faces.count.wrapping_add(1);
        Some(faces.count)
    }

    pub(super) fn face_ends(&self) {
        let mut faces = lock(&self.faces);
        faces.open = faces.open.saturating_sub(1);
    }

    /// Whether a face may take so many bytes more now.
    pub(super) fn may_show(&self, bytes: usize) -> bool {
        let (mut faces, now_ns) = (lock(&self.faces), since_ns(self.since));
        (0..bytes.div_ceil(FACE_UNIT_BYTES)).all(|_| faces.bytes.take(now_ns))
    }
}

impl Default for Heard {
    fn default() -> Self {
        let allowance = Mutex::new(Allowance::new(EVENTS_PER_S, 2 * EVENTS_PER_S));
        let faces = Mutex::new(Faces { count: 0, open: 0, bytes: Allowance::new(FACE_UNITS_PER_S, FACE_UNITS_AT_ONCE) });
        Self { has_messages: AtomicBool::new(false), since: Instant::now(), allowance, faces }
    }
}

fn since_ns(start: Instant) -> i64 {
    i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX)
}

/// Passes on what comes on one stream, waiting while swarm is busy.
async fn read_stream(shared: Arc<Shared>, line: Line, stream: iroh::endpoint::RecvStream, heard: Arc<Heard>) -> Done {
    let id = line.id();
    let opened = match stream::read(stream).await {
        Ok(opened) => opened,
        Err(fault) => return Done::Fault(fault),
    };
    match opened {
        Opened::Messages(mut stream) => {
            if heard.has_messages.swap(true, Ordering::Relaxed) {
                return Done::Fault(Fault("a second stream of messages"));
            }
            loop {
                match stream::next_message(&mut stream).await {
                    Ok(Some(bytes)) => {
                        heard.turn().await;
                        shared.tell_film(FilmEvent::Message { line: id, bytes }).await;
                    }
                    Ok(None) => break,
                    Err(fault) => return Done::Fault(fault),
                }
            }
        }
        Opened::Piece { request, bytes } => {
            heard.turn().await;
            shared.tell_film(FilmEvent::Piece { line: id, request, bytes }).await;
        }
        Opened::Broken { request } => {
            heard.turn().await;
            shared.tell_film(FilmEvent::Broken { line: id, request }).await;
        }
        Opened::Face(stream) => {
            if let Err(fault) = faces::read_face(&shared, &line, stream, &heard).await {
                return Done::Fault(fault);
            }
        }
        Opened::Nothing => {}
    }
    Done::Read
}

/// The room's packets and the pings. The stamps are taken here, as datagrams leave and arrive.
async fn datagrams(shared: Arc<Shared>, line: Line, asks: bool) -> Done {
    let connection = line.connection();
    let (mut joiner, mut asker) = (Joiner::default(), Asker::default());
    let (mut answers, mut packets) = (Allowance::new(ANSWERS_PER_S, ANSWERS_PER_S / 2), Allowance::new(PACKETS_PER_S, PACKETS_PER_S / 4));
    let mut asks_of_faces = Allowance::new(FACE_ASKS_PER_S, FACE_ASKS_PER_S);
    let (mut voices, mut voices_dropped) = (Allowance::new(VOICES_PER_S, VOICES_PER_S / 2), 0);
    let (start, mut next_ask, mut oddities) = (Instant::now(), Instant::now(), 0);
    loop {
        let datagram = tokio::select! {
            datagram = connection.read_datagram() => datagram,
            () = sleep_until(next_ask), if asks => {
                let nonce = rand::random();
                let sent_ns = (shared.mono_ns)();
                let sent = connection.send_datagram(Bytes::copy_from_slice(&asker.ask(nonce, sent_ns)));
                if let Err(error) = sent {
                    tracing::trace!(%error, "a ping was not sent");
                }
                next_ask = Instant::now() + Duration::from_millis(asker.pause_ms());
                continue;
            }
        };
        let now_ns = (shared.mono_ns)();
        let Ok(datagram) = datagram else { return Done::Nothing };
        match datagram.first() {
            Some(&(kind::ROOM_WHOLE | kind::ROOM_FIRST | kind::ROOM_SECOND)) => {
                if let Some(packet) = joiner.packet(&datagram) {
                    if !packets.take(since_ns(start)) || !line.deliver_packet(packet) {
                        tracing::debug!(?line, "a packet of the room was dropped: too many come");
                    }
                    shared.post.ring();
                }
            }
            Some(&kind::PING) => {
                if let Some(nonce) = ping::question(&datagram)
                    && answers.take(since_ns(start))
                {
                    let answer = ping::answer(nonce, now_ns, (shared.mono_ns)());
                    if let Err(error) = connection.send_datagram(Bytes::copy_from_slice(&answer)) {
                        tracing::trace!(%error, "an answer was not sent");
                    }
                }
            }
            Some(&kind::PONG) => {
                if let Some(stamps) = asker.answered(&datagram, now_ns) {
                    shared.post.stamps(line.id(), stamps);
                }
            }
            Some(&kind::VOICE) => {
                if !voices.take(since_ns(start)) {
                    voices_dropped += 1;
                    if voices_dropped > VOICES_DROPPED_MAX {
                        return Done::Fault(Fault("far too much voice"));
                    }
                } else if datagram.len() <= VOICE_BYTES_MAX {
                    let packet = LivePacket {
                        line: line.id(),
                        arrived_ns: now_ns,
                        stream: 0,
                        bytes: datagram.slice(1..),
                        is_last: true,
                        is_broken: false,
                    };
                    if !shared.voices.give(packet) {
                        tracing::debug!(?line, "a voice was dropped: nobody listens");
                    }
                }
            }
            Some(&kind::FACE_ASK) => {
                if asks_of_faces.take(since_ns(start)) {
                    shared.faces.tell(LiveEvent::FaceAsked { line: line.id() });
                }
            }
            Some(_) | None => {
                oddities += 1;
                if oddities > ODDITIES_MAX {
                    return Done::Fault(Fault("datagrams of an unknown kind"));
                }
            }
        }
    }
}

/// What a peer may tell swarm; a busy gigabit line brings some 500 pieces.
const EVENTS_PER_S: i64 = 4_000;
const TURN_PAUSE: Duration = Duration::from_millis(2);
/// Packets of the room that are taken; renet sends 60 a second, and some hundred when much is new.
const PACKETS_PER_S: i64 = 4_000;
/// A peer's pings that are answered.
const ANSWERS_PER_S: i64 = 40;
/// Datagrams of a voice that are taken; 100 a second are sent.
const VOICES_PER_S: i64 = 250;
const VOICES_DROPPED_MAX: u32 = 1_000;
/// Key frames are made once a second at most, whoever asks.
const FACE_ASKS_PER_S: i64 = 4;
/// A frame of speech, and more than any line lets through.
const VOICE_BYTES_MAX: usize = 1_000;
/// Groups of a face under way at once: a new one begins while the last one ends, and a lost packet may hold up both.
const FACES_OPEN_MAX: u32 = 6;
const FACE_UNIT_BYTES: usize = 256;
/// 200 kbit/s, and a burst of what waited while the line stood still.
const FACE_UNITS_PER_S: i64 = 100;
const FACE_UNITS_AT_ONCE: i64 = 1_024;
/// Datagrams that make no sense, before it is held against their sender.
const ODDITIES_MAX: u32 = 64;
/// A line that takes another's place waits so long for its Down.
const REPLACED_WAIT: Duration = Duration::from_millis(500);
