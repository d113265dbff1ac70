//! A world in memory for tests: people, lines with a rate and a delay, and a time that only `tick` moves.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{Cursor, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

use bytes::Bytes;

use super::{ByHand, End, Event, Keys, Options, Reader, Swarm, Ticket, message::Message};
use crate::net::{FilmEvent, FilmId, FilmOrder, FilmPort, FilmWire, LineId, ParticipantId, film_port};

pub(super) const MS: i64 = 1_000_000;
pub(super) const MBIT: u64 = 125_000;

/// People, and the lines between them.
pub(super) struct World {
    pub(super) now_ns: i64,
    pub(super) people: Vec<Person>,
    pub(super) links: BTreeMap<LineId, Link>,
    /// For lines made from now on.
    pub(super) path: Course,
    /// Whether lines can be made.
    pub(super) is_reachable: bool,
    /// Who closed a line on whom, and why.
    pub(super) blames: Vec<(usize, usize, String)>,
    /// When somebody asked for a line.
    pub(super) connects: Vec<i64>,
    coming: Vec<(i64, usize, usize)>,
    last_line: u64,
    chance: u64,
}

/// What lines are like, in each direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub(super) bytes_per_second: u64,
    pub(super) delay_ns: i64,
    /// Pieces and messages overtake each other by so much.
    pub(super) jitter_ns: i64,
}

pub(super) struct Person {
    pub(super) port: FilmPort,
    pub(super) swarm: Option<Swarm>,
    hand: Option<ByHand>,
    wire: FilmWire,
    pub(super) wake_ns: Option<i64>,
    is_woken: bool,
}

pub(super) struct Link {
    ends: [usize; 2],
    pub(super) ways: [Way; 2],
    path: Course,
}

/// One direction of a line.
#[derive(Default)]
pub(super) struct Way {
    messages: VecDeque<Bytes>,
    pieces: Vec<Sending>,
    on_air: Vec<(i64, FilmEvent)>,
    last_message_ns: i64,
    credit_bytes: u64,
    /// Bytes of pieces carried, of whole ones or not.
    pub(super) carried_bytes: u64,
    /// Requests of the one who sends here.
    outstanding: BTreeSet<u32>,
    pub(super) outstanding_max: usize,
}

impl Link {
    pub(super) const fn slow_down(&mut self, bytes_per_second: u64) {
        self.path.bytes_per_second = bytes_per_second;
    }
}

impl Way {
    /// Pieces that are on their way or wait for it.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }
}

struct Sending {
    request: u32,
    priority: i32,
    bytes: Bytes,
    sent: u64,
}

impl World {
    pub(super) fn new(mbit: u64, delay_ms: i64) -> Self {
        Self {
            now_ns: 1_000 * MS,
            people: Vec::new(),
            links: BTreeMap::new(),
            path: Course { bytes_per_second: mbit * MBIT, delay_ns: delay_ms * MS, jitter_ns: 0 },
            is_reachable: true,
            blames: Vec::new(),
            connects: Vec::new(),
            coming: Vec::new(),
            last_line: 0,
            chance: 88_172_645_463_325_252,
        }
    }

    /// Somebody with a swarm.
    pub(super) fn person(&mut self, cache: Option<(&Path, u64)>) -> usize {
        let number = self.stranger();
        let options = Options {
            keys: Box::new(FakeKeys::of(number as u8)),
            cache_folder: cache.map(|(folder, _)| folder.to_owned()),
            cache_limit_bytes: cache.map_or(0, |(_, limit_bytes)| limit_bytes),
            mono_ns: || 0,
        };
        let person = &mut self.people[number];
        let (swarm, hand) = Swarm::by_hand(person.port.clone(), options);
        (person.swarm, person.hand) = (Some(swarm), Some(hand));
        number
    }

    /// Somebody whose port the test holds.
    pub(super) fn stranger(&mut self) -> usize {
        let (port, wire) = film_port();
        self.people.push(Person { port, swarm: None, hand: None, wire, wake_ns: None, is_woken: false });
        self.people.len() - 1
    }

    pub(super) fn id(number: usize) -> ParticipantId {
        FakeKeys::of(number as u8).id()
    }

    pub(super) fn swarm(&mut self, number: usize) -> &Swarm {
        self.people[number].is_woken = true;
        self.people[number].swarm.as_ref().unwrap()
    }

    pub(super) fn leave(&mut self, number: usize) {
        let person = &mut self.people[number];
        (person.swarm, person.hand) = (None, None);
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) -> LineId {
        self.last_line += 1;
        let line = LineId(self.last_line);
        self.links.insert(line, Link { ends: [a, b], ways: Default::default(), path: self.path });
        self.tell(a, FilmEvent::Up { line, peer: Self::id(b) });
        self.tell(b, FilmEvent::Up { line, peer: Self::id(a) });
        line
    }

    pub(super) fn line(&self, a: usize, b: usize) -> Option<LineId> {
        self.links.iter().find(|(_, link)| link.ends == [a, b] || link.ends == [b, a]).map(|(line, _)| *line)
    }

    /// The direction of a line in which this person sends.
    pub(super) fn way(&mut self, from: usize, to: usize) -> &mut Way {
        let line = self.line(from, to).unwrap();
        let link = self.links.get_mut(&line).unwrap();
        let side = usize::from(link.ends[0] != from);
        &mut link.ways[side]
    }

    pub(super) fn disconnect(&mut self, a: usize, b: usize) {
        while let Some(line) = self.line(a, b) {
            self.links.remove(&line);
            self.tell(a, FilmEvent::Down { line });
            self.tell(b, FilmEvent::Down { line });
        }
    }

    pub(super) fn events(&mut self, number: usize) -> Vec<Event> {
        let swarm = self.swarm(number);
        std::iter::from_fn(|| swarm.next_event()).collect()
    }

    /// What came to a stranger.
    pub(super) fn heard(&self, stranger: usize) -> Vec<FilmEvent> {
        std::iter::from_fn(|| self.people[stranger].port.next()).collect()
    }

    /// A stranger says something.
    pub(super) fn say(&mut self, stranger: usize, to: usize, message: &Message) {
        self.say_bytes(stranger, to, message.encode());
    }

    pub(super) fn say_bytes(&mut self, stranger: usize, to: usize, bytes: Bytes) {
        if let Some(line) = self.line(stranger, to) {
            self.people[stranger].port.order(FilmOrder::Message { line, bytes }).unwrap();
        }
    }

    /// A stranger sends a piece.
    pub(super) fn send(&mut self, stranger: usize, to: usize, request: u32, bytes: Bytes) {
        if let Some(line) = self.line(stranger, to) {
            self.people[stranger].port.order(FilmOrder::Piece { line, request, priority: 0, bytes }).unwrap();
        }
    }

    pub(super) fn run_ms(&mut self, ms: i64) {
        (0..ms).for_each(|_| self.tick());
    }

    /// A millisecond passes.
    pub(super) fn tick(&mut self) {
        self.now_ns += MS;
        for (_, a, b) in self.coming.extract_if(.., |(at_ns, ..)| *at_ns <= self.now_ns).collect::<Vec<_>>() {
            if self.line(a, b).is_none() {
                self.connect(a, b);
            }
        }
        self.carry();
        for number in 0..self.people.len() {
            let now_ns = self.now_ns;
            let person = &mut self.people[number];
            // Only when there is something to do, so that a wake-up that was forgotten shows.
            if let Some(hand) = &mut person.hand
                && (person.is_woken || person.wake_ns.is_some_and(|wake_ns| wake_ns <= now_ns))
            {
                person.is_woken = false;
                person.wake_ns = hand.step(now_ns);
            }
            while let Ok(order) = self.people[number].wire.orders.try_recv() {
                self.obey(number, order);
            }
        }
    }

    pub(super) fn tell(&mut self, number: usize, event: FilmEvent) {
        self.people[number].is_woken = true;
        self.people[number].wire.events.send(event).unwrap();
    }

    fn carry(&mut self) {
        let (now_ns, chance) = (self.now_ns, &mut self.chance);
        let mut arrived = Vec::new();
        for (id, link) in &mut self.links {
            for side in 0..2 {
                let (from, to) = (link.ends[side], link.ends[1 - side]);
                let way = &mut link.ways[side];
                way.credit_bytes += link.path.bytes_per_second / 1000;
                let mut air = |way: &mut Way, event: FilmEvent| {
                    *chance ^= *chance << 13;
                    *chance ^= *chance >> 7;
                    *chance ^= *chance << 17;
                    let mut at_ns = now_ns + link.path.delay_ns + (*chance % (link.path.jitter_ns as u64 + 1)) as i64;
                    if matches!(event, FilmEvent::Message { .. }) {
                        at_ns = at_ns.max(way.last_message_ns);
                        way.last_message_ns = at_ns;
                    }
                    way.on_air.push((at_ns, event));
                };
                while let Some(bytes) = way.messages.pop_front_if(|bytes| bytes.len() as u64 <= way.credit_bytes) {
                    way.credit_bytes -= bytes.len() as u64;
                    air(way, FilmEvent::Message { line: *id, bytes });
                }
                while way.credit_bytes > 0 && way.messages.is_empty() {
                    let Some(best) = (0..way.pieces.len()).max_by_key(|place| (way.pieces[*place].priority, std::cmp::Reverse(*place)))
                    else {
                        break;
                    };
                    let piece = &mut way.pieces[best];
                    let part = way.credit_bytes.min(piece.bytes.len() as u64 - piece.sent);
                    piece.sent += part;
                    way.credit_bytes -= part;
                    way.carried_bytes += part;
                    if piece.sent == piece.bytes.len() as u64 {
                        let Sending { request, bytes, .. } = way.pieces.remove(best);
                        air(way, FilmEvent::Piece { line: *id, request, bytes });
                        arrived.push((now_ns, from, FilmEvent::Sent { line: *id, request }));
                    }
                }
                // An idle line saves nothing up.
                if way.messages.is_empty() {
                    way.credit_bytes = 0;
                }
                way.on_air.sort_by_key(|(at_ns, _)| *at_ns);
                while way.on_air.first().is_some_and(|(at_ns, _)| *at_ns <= now_ns) {
                    let (at_ns, event) = way.on_air.remove(0);
                    arrived.push((at_ns, to, event));
                }
            }
            for (_, to, event) in &arrived {
                if let FilmEvent::Piece { line, request, .. } = event
                    && line == id
                {
                    let side = usize::from(link.ends[0] != *to);
                    link.ways[side].outstanding.remove(request);
                }
            }
        }
        arrived.into_iter().for_each(|(_, to, event)| self.tell(to, event));
    }

    fn obey(&mut self, number: usize, order: FilmOrder) {
        let now_ns = self.now_ns;
        let line = match &order {
            FilmOrder::Connect { peer } => {
                self.connects.push(now_ns);
                let other = (0..self.people.len()).find(|other| Self::id(*other) == *peer);
                match other.filter(|_| self.is_reachable) {
                    Some(other) => self.coming.push((now_ns + 2 * self.path.delay_ns, number, other)),
                    None => self.tell(number, FilmEvent::Unreachable { peer: *peer }),
                }
                return;
            }
            FilmOrder::Message { line, .. }
            | FilmOrder::Piece { line, .. }
            | FilmOrder::Cancel { line, .. }
            | FilmOrder::Blame { line, .. } => *line,
        };
        let Some(link) = self.links.get_mut(&line) else { return };
        let side = usize::from(link.ends[0] != number);
        let other = link.ends[1 - side];
        let way = &mut link.ways[side];
        match order {
            FilmOrder::Connect { .. } => {}
            FilmOrder::Message { bytes, .. } => {
                match Message::decode(&bytes) {
                    Ok(Message::Request { requests, .. }) => way.outstanding.extend(requests.iter().map(|request| request.number)),
                    Ok(Message::Cancel { requests }) => way.outstanding.retain(|number| !requests.contains(number)),
                    _ => {}
                }
                way.outstanding_max = way.outstanding_max.max(way.outstanding.len());
                way.messages.push_back(bytes);
            }
            FilmOrder::Piece { request, priority, bytes, .. } => way.pieces.push(Sending { request, priority, bytes, sent: 0 }),
            FilmOrder::Cancel { request, .. } => {
                if let Some(place) = way.pieces.iter().position(|piece| piece.request == request) {
                    if way.pieces.remove(place).sent > 0 {
                        way.on_air.push((now_ns + link.path.delay_ns, FilmEvent::Broken { line, request }));
                    }
                    self.tell(number, FilmEvent::Sent { line, request });
                }
            }
            FilmOrder::Blame { reason, .. } => {
                self.blames.push((number, other, reason));
                self.disconnect(number, other);
            }
        }
    }

    /// Reads so many bytes from a place, and says how long the first took.
    pub(super) fn read(
        &mut self,
        guest: usize,
        reader: &mut Reader,
        from: u64,
        count: usize,
        patience_ms: i64,
    ) -> Result<(Vec<u8>, i64), Option<End>> {
        let (mut bytes, mut first_ms) = (vec![0; count], None);
        let mut have = 0;
        reader.seek(SeekFrom::Start(from)).unwrap();
        for ms in 0..=patience_ms {
            while have < count {
                self.people[guest].is_woken = true;
                match reader.read(&mut bytes[have..]) {
                    Ok(0) => {
                        bytes.truncate(have);
                        return Ok((bytes, first_ms.unwrap_or(ms)));
                    }
                    Ok(part) => {
                        have += part;
                        first_ms.get_or_insert(ms);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => break,
                    Err(error) => return Err(End::of(&error).cloned()),
                }
            }
            if have == count {
                return Ok((bytes, first_ms.unwrap_or(ms)));
            }
            self.tick();
        }
        Err(None)
    }
}

/// A film of bytes that look like chance.
pub(super) struct Film {
    pub(super) id: FilmId,
    pub(super) bytes: Bytes,
}

impl Film {
    pub(super) fn of(size_bytes: usize) -> Self {
        let mut bytes = vec![0; size_bytes];
        blake3::Hasher::new().update(b"a film").finalize_xof().fill(&mut bytes);
        Self { id: FilmId::from_bytes([42; 16]), bytes: bytes.into() }
    }

    pub(super) fn source(&self) -> Cursor<Bytes> {
        Cursor::new(self.bytes.clone())
    }

    pub(super) fn ticket(&self, presenter: usize) -> Ticket {
        Ticket { film: self.id, presenter: World::id(presenter), size_bytes: self.bytes.len() as u64, bytes_per_second: None }
    }
}

/// Keys that hash: good for tests and nothing else.
pub(super) struct FakeKeys(ParticipantId);

impl FakeKeys {
    pub(super) const fn of(number: u8) -> Self {
        Self(ParticipantId::from_bytes([number; 32]))
    }
}

impl Keys for FakeKeys {
    fn id(&self) -> ParticipantId {
        self.0
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        signature(&self.0, bytes)
    }

    fn verify(&self, signer: &ParticipantId, bytes: &[u8], claimed: &[u8; 64]) -> bool {
        signature(signer, bytes) == *claimed
    }
}

fn signature(signer: &ParticipantId, bytes: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    blake3::Hasher::new_keyed(signer.as_bytes()).update(bytes).finalize_xof().fill(&mut signature);
    signature
}
