use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::{
    Keys, Ticket,
    connect::Connect,
    feed::Feed,
    line::Line,
    manifest::{Batch, Contradiction, Hash, Hashes},
    message::{Message, REQUESTS_MAX, Request, Violation},
    pieces::Cut,
    pipe::{IN_FLIGHT_MAX, Pipe},
    reader::End,
    want::{Asked, Places, Plan, State, ahead_pieces, want},
};
use crate::net::LineId;

/// A film that is watched here.
pub(super) struct Watched {
    pub(super) ticket: Ticket,
    pub(super) feed: Arc<Feed>,
    /// Its name towards the cache's thread.
    pub(super) key: u64,
    /// The presenter's line.
    pub(super) line: Option<LineId>,
    pub(super) connect: Connect,
    cut: Cut,
    hashes: Hashes,
    places: Places,
    pipe: Pipe,
    /// Pieces that came before their hashes, by index.
    held: BTreeMap<u32, Held>,
    is_choked: bool,
    /// Nothing is asked for before.
    rests_until_ns: i64,
    violations: u32,
}

impl Watched {
    pub(super) fn new(ticket: Ticket, cut: Cut, feed: Arc<Feed>, key: u64, now_ns: i64) -> Self {
        Self {
            ticket,
            feed,
            key,
            line: None,
            connect: Connect::default(),
            cut,
            hashes: Hashes::new(cut),
            places: Places::at_start(now_ns),
            pipe: Pipe::default(),
            held: BTreeMap::new(),
            is_choked: false,
            rests_until_ns: 0,
            violations: 0,
        }
    }

    /// The presenter's line is there.
    pub(super) fn up(&mut self, line: LineId) {
        self.line = Some(line);
        (self.is_choked, self.rests_until_ns) = (false, 0);
    }

    /// The presenter's line is gone, with all that was under way on it.
    pub(super) fn down(&mut self, now_ns: i64) {
        self.line = None;
        self.held.clear();
        self.pipe = Pipe::default();
        self.connect.failed(now_ns);
    }

    /// What is to be said on the presenter's line now, and when to look again.
    pub(super) fn drive(&mut self, line: &mut Line, now_ns: i64) -> Result<Drive, Violation> {
        let film = self.ticket.film;
        let mut cancels = Vec::new();
        let mut asked = line.asked(film);
        if self.held.values().any(|held| now_ns >= held.until_ns) {
            return Err(Violation("sent a piece without its hash"));
        }
        let overdue = asked.extract_if(.., |asked| self.pipe.is_overdue(asked.at_ns, now_ns));
        cancels.extend(overdue.map(|asked| asked.number));
        if !cancels.is_empty() {
            self.pipe.stalled(now_ns);
        }
        let plan = self.plan(&asked, now_ns);
        if plan != Plan::default() {
            tracing::trace!(requests = ?plan.requests, cancels = ?plan.cancels, "plan");
        }
        cancels.extend(&plan.cancels);
        cancels.iter().for_each(|number| line.cancel(*number));
        let requests: Vec<Request> =
            plan.requests.iter().map(|&(index, urgency)| Request { number: line.ask(film, index, now_ns), index, urgency }).collect();

        let mut messages: Vec<Message> = cancels.chunks(REQUESTS_MAX).map(|part| Message::Cancel { requests: part.to_vec() }).collect();
        messages.extend(requests.chunks(REQUESTS_MAX).map(|part| Message::Request { film, requests: part.to_vec() }));
        let overdue_ns = line.asked(film).iter().map(|asked| self.pipe.overdue_ns(asked.at_ns)).min();
        let held_ns = self.held.values().map(|held| held.until_ns).min();
        let rest_ns = (self.rests_until_ns > now_ns).then_some(self.rests_until_ns);
        Ok(Drive { messages, wake_ns: [overdue_ns, held_ns, rest_ns].into_iter().flatten().min() })
    }

    /// Where readers came to since the last time; when to look again, if nothing happens.
    pub(super) fn look(&mut self, now_ns: i64) -> Option<i64> {
        let visits = self.feed.lock().take_visits();
        visits.into_iter().for_each(|index| self.places.read(index, now_ns));
        self.places.forget(now_ns)
    }

    fn plan(&self, asked: &[Asked], now_ns: i64) -> Plan {
        let state = self.feed.lock();
        let Some(cache) = &state.cache else { return Plan::default() };
        let ahead_pieces = ahead_pieces(self.ticket.bytes_per_second, cache.room_pieces());
        let held: Vec<u32> = self.held.keys().copied().collect();
        let may_ask = !self.is_choked && now_ns >= self.rests_until_ns;
        let plan = want(&State {
            cut: self.cut,
            ahead_pieces,
            places: &self.places,
            have: cache.have(),
            asked,
            held: &held,
            in_flight_max: self.pipe.in_flight_max(),
            spare_pieces: cache.spare_pieces(&self.places.window(self.cut, ahead_pieces)),
        });
        debug_assert!(asked.len() + plan.requests.len() <= IN_FLIGHT_MAX + plan.cancels.len());
        if may_ask { plan } else { Plan { requests: Vec::new(), ..plan } }
    }

    /// A piece came that was asked for, or had been.
    pub(super) fn piece(&mut self, index: u32, bytes: Bytes, asked: Option<Asked>, now_ns: i64) -> Result<(), WrongBytes> {
        tracing::trace!(index, was_asked = asked.is_some(), "piece");
        if let Some(asked) = asked {
            self.pipe.arrived(bytes.len(), asked.at_ns, now_ns);
        }
        if bytes.len() != self.cut.len_bytes(index) {
            return Err(WrongBytes);
        }
        match self.hashes.get(index) {
            Some(hash) if blake3::hash(&bytes) != *hash => return Err(WrongBytes),
            Some(hash) => self.accept(index, bytes, *hash),
            // Its hash was sent before it, on another stream. What was called off is not worth waiting for it.
            None if asked.is_some() => {
                self.held.insert(index, Held { bytes, until_ns: now_ns.saturating_add(HASH_WITHIN_NS) });
            }
            None => {}
        }
        Ok(())
    }

    /// The presenter's word on what pieces must be came, over whichever line.
    pub(super) fn batch(&mut self, batch: &Batch, keys: &dyn Keys) -> Result<(), BatchFault> {
        if self.hashes.knows(batch) {
            return Ok(());
        }
        if !batch.is_signed_by(&self.ticket.presenter, keys) {
            return Err(BatchFault::Forged);
        }
        self.hashes.learn(batch).map_err(|Contradiction| BatchFault::Contradiction)?;
        let ready: Vec<u32> = self.held.keys().copied().filter(|index| self.hashes.get(*index).is_some()).collect();
        for index in ready {
            let Some(Held { bytes, .. }) = self.held.remove(&index) else { continue };
            let Some(hash) = self.hashes.get(index).copied().filter(|hash| blake3::hash(&bytes) == *hash) else {
                return Err(BatchFault::WrongBytes);
            };
            self.accept(index, bytes, hash);
        }
        Ok(())
    }

    fn accept(&mut self, index: u32, bytes: Bytes, hash: Hash) {
        self.connect.proved();
        let mut state = self.feed.lock();
        state.bytes_per_second = self.pipe.bytes_per_second();
        if let Some(cache) = &mut state.cache {
            let window = self.places.window(self.cut, ahead_pieces(self.ticket.bytes_per_second, cache.room_pieces()));
            cache.insert(index, bytes, hash, &window);
        }
        drop(state);
        self.feed.wake_readers();
    }

    /// The presenter does not answer some requests, or none for now.
    pub(super) fn refused(&mut self, now_ns: i64) {
        self.rests_until_ns = now_ns.saturating_add(REST_NS);
    }

    pub(super) const fn choke(&mut self, is_choked: bool) {
        self.is_choked = is_choked;
    }

    /// The presenter broke the protocol; whether that was once too often.
    pub(super) const fn violated(&mut self) -> bool {
        self.violations += 1;
        self.violations >= VIOLATIONS_MAX
    }

    /// Whether anybody still reads it.
    pub(super) fn is_read(&self) -> bool {
        self.feed.lock().readers > 0
    }

    /// Whether nothing more is fetched.
    pub(super) fn is_ended(&self) -> bool {
        self.feed.lock().end.is_some()
    }

    pub(super) fn end(&mut self, end: End) {
        self.held.clear();
        self.feed.end(end);
    }

    /// A piece that is to be written to disk.
    pub(super) fn next_write(&self) -> Option<(u32, super::cache::Stored, Bytes)> {
        let mut state = self.feed.lock();
        let cache = state.cache.as_mut()?;
        let window = self.places.window(self.cut, ahead_pieces(self.ticket.bytes_per_second, cache.room_pieces()));
        cache.next_write(&window)
    }

    /// The disk takes nothing more.
    pub(super) fn end_writing(&self) {
        if let Some(cache) = &mut self.feed.lock().cache {
            cache.end_writing();
        }
    }

    /// Memory is shared with another number of films.
    pub(super) fn set_memory_pieces_max(&self, pieces: usize) {
        if let Some(cache) = &mut self.feed.lock().cache {
            let window = self.places.window(self.cut, ahead_pieces(self.ticket.bytes_per_second, cache.room_pieces()));
            cache.set_memory_pieces_max(pieces, &window);
        }
    }
}

/// What follows from a look at a watched film.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) messages: Vec<Message>,
    pub(super) wake_ns: Option<i64>,
}

/// A piece is not what the presenter signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrongBytes;

/// What can be wrong with hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchFault {
    /// The presenter did not sign them: whoever sent them is at fault.
    Forged,
    /// The presenter signed what cannot be.
    Contradiction,
    /// A piece that waited for them is none of the film.
    WrongBytes,
}

#[derive(Debug)]
struct Held {
    bytes: Bytes,
    until_ns: i64,
}

const HASH_WITHIN_NS: i64 = 10_000_000_000;
const REST_NS: i64 = 1_000_000_000;
/// One may be a misunderstanding.
const VIOLATIONS_MAX: u32 = 3;
