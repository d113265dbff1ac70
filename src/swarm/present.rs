use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Range,
};

use bytes::Bytes;

use super::{
    Keys,
    manifest::{Batch, HASHES_MAX, Hash},
    message::{Message, Request, Urgency, Violation},
    pieces::{Cut, PieceSet},
};
use crate::net::{FilmId, FilmOrder, LineId};

/// A film that is presented here: who asks for what of it, and what was signed.
#[derive(Debug)]
pub(super) struct Presented {
    film: FilmId,
    cut: Cut,
    signed: BTreeMap<u32, (Hash, usize)>,
    batches: Vec<(Range<u32>, Bytes)>,
    audience: BTreeMap<LineId, Listener>,
    /// Read and not signed yet.
    fresh: BTreeMap<u32, (Bytes, Hash)>,
}

impl Presented {
    pub(super) const fn new(film: FilmId, cut: Cut) -> Self {
        Self { film, cut, signed: BTreeMap::new(), batches: Vec::new(), audience: BTreeMap::new(), fresh: BTreeMap::new() }
    }

    pub(super) fn audience(&self) -> impl Iterator<Item = LineId> {
        self.audience.keys().copied()
    }

    pub(super) fn interest(&mut self, line: LineId) {
        let cut = self.cut;
        self.audience.entry(line).or_insert_with(|| Listener::new(cut));
    }

    /// Notes what a guest asks for.
    pub(super) fn request(&mut self, line: LineId, requests: &[Request]) -> Result<(), Violation> {
        self.interest(line);
        let Some(listener) = self.audience.get_mut(&line) else { return Ok(()) };
        listener.messages = listener.messages.wrapping_add(1);
        for (place, request) in requests.iter().enumerate() {
            if request.index >= self.cut.pieces() {
                return Err(Violation("asked for a piece beyond the film's end"));
            }
            if listener.waiting.len() >= WAITING_MAX {
                return Err(Violation("asked for too much at once"));
            }
            let waiting = listener.waiting.iter().chain(listener.reading.values());
            if waiting.clone().any(|waiting| waiting.index == request.index) {
                return Err(Violation("asked for a piece twice"));
            }
            let priority = priority(request.urgency, listener.messages, place, request.number);
            listener.waiting.push_back(Waiting { number: request.number, index: request.index, priority });
        }
        Ok(())
    }

    /// Forgets a request; whether its piece is on its way and must be stopped.
    pub(super) fn cancel(&mut self, line: LineId, number: u32) -> bool {
        let Some(listener) = self.audience.get_mut(&line) else { return false };
        listener.waiting.retain(|waiting| waiting.number != number);
        listener.reading.remove(&number);
        listener.sending.contains(&number)
    }

    /// Everything a guest asked for that is on its way; it has left.
    pub(super) fn leave(&mut self, line: LineId) -> BTreeSet<u32> {
        self.audience.remove(&line).map(|listener| listener.sending).unwrap_or_default()
    }

    /// A piece has left, or will not; whether it was one of this film.
    pub(super) fn sent(&mut self, line: LineId, number: u32) -> bool {
        self.audience.get_mut(&line).is_some_and(|listener| listener.sending.remove(&number))
    }

    /// The most needed piece that is to be read next, and how needed it is; guests take turns. It counts as being read.
    pub(super) fn next_read(&mut self, turn: u64) -> Option<u32> {
        // None may hold up the others by reading slowly.
        let sending_max = (SENDING_MAX / self.audience.len().max(1)).clamp(SENDING_LINE_MIN, SENDING_LINE_MAX);
        let ready = self.audience.iter_mut().filter(|(_, listener)| listener.sending.len() + listener.reading.len() < sending_max);
        let best = |listener: &Listener| listener.waiting.iter().map(|waiting| waiting.priority).max();
        let (_, listener) = ready
            .filter_map(|(_, listener)| best(listener).map(|priority| (priority, listener)))
            .max_by_key(|(priority, listener)| (class(*priority), Reverse(listener.last_turn)))?;
        listener.last_turn = turn;
        let place = (0..listener.waiting.len()).max_by_key(|place| listener.waiting[*place].priority)?;
        let waiting = listener.waiting.remove(place)?;
        listener.reading.insert(waiting.number, waiting);
        Some(waiting.index)
    }

    /// A piece was read. `Err` if it is not what it was before: the file has changed.
    pub(super) fn was_read(&mut self, index: u32, bytes: Bytes, hash: Hash) -> Result<(), Changed> {
        if self.signed.get(&index).is_some_and(|(signed, _)| *signed != hash) {
            return Err(Changed);
        }
        self.fresh.insert(index, (bytes, hash));
        Ok(())
    }

    /// Signs what was read and orders it to be sent to those who wait for it.
    pub(super) fn send(&mut self, keys: &dyn Keys) -> Vec<FilmOrder> {
        let fresh = std::mem::take(&mut self.fresh);
        self.sign(&fresh, keys);
        let mut orders = Vec::new();
        for (index, (bytes, _)) in fresh {
            for (line, listener) in &mut self.audience {
                let numbers: Vec<u32> =
                    listener.reading.values().filter(|waiting| waiting.index == index).map(|waiting| waiting.number).collect();
                for number in numbers {
                    let Some(waiting) = listener.reading.remove(&number) else { continue };
                    if !listener.told.contains(index)
                        && let Some((_, batch)) = self.signed.get(&index)
                        && let Some((range, message)) = self.batches.get(*batch)
                    {
                        for told in range.clone() {
                            listener.told.insert(told);
                        }
                        orders.push(FilmOrder::Message { line: *line, bytes: message.clone() });
                    }
                    listener.sending.insert(number);
                    orders.push(FilmOrder::Piece { line: *line, request: number, priority: waiting.priority, bytes: bytes.clone() });
                }
            }
        }
        orders
    }

    fn sign(&mut self, fresh: &BTreeMap<u32, (Bytes, Hash)>, keys: &dyn Keys) {
        let new: Vec<(u32, Hash)> =
            fresh.iter().filter(|(index, _)| !self.signed.contains_key(index)).map(|(index, (_, hash))| (*index, *hash)).collect();
        for neighbours in new.chunk_by(|a, b| a.0 + 1 == b.0).flat_map(|run| run.chunks(HASHES_MAX)) {
            let first = neighbours[0].0;
            let hashes: Vec<Hash> = neighbours.iter().map(|(_, hash)| *hash).collect();
            let range = first..first + hashes.len() as u32;
            for (index, hash) in neighbours {
                self.signed.insert(*index, (*hash, self.batches.len()));
            }
            let batch = Batch::sign(keys, self.film, self.cut, first, hashes);
            self.batches.push((range, Message::Hashes(batch).encode()));
        }
    }
}

/// The file is not what it was when its pieces were signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changed;

/// One guest's line.
#[derive(Debug)]
struct Listener {
    /// The pieces whose hashes were sent.
    told: PieceSet,
    waiting: VecDeque<Waiting>,
    reading: BTreeMap<u32, Waiting>,
    sending: BTreeSet<u32>,
    messages: u32,
    last_turn: u64,
}

impl Listener {
    fn new(cut: Cut) -> Self {
        Self {
            told: PieceSet::none_of(cut),
            waiting: VecDeque::new(),
            reading: BTreeMap::new(),
            sending: BTreeSet::new(),
            messages: 0,
            last_turn: 0,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    number: u32,
    index: u32,
    priority: i32,
}

/// What goes first on the line: always below 0, so that whatever else the line carries can go before. What hurries is newest first, because the reader has left the older place;
/// what is for later is oldest first, because it is read in order.
fn priority(urgency: Urgency, message: u32, place: usize, number: u32) -> i32 {
    let newest_first = ((message % (CLASS as u32 / 64)) * 64 + 63).saturating_sub(place.min(63) as u32) as i32;
    match urgency {
        Urgency::Ahead => -2 * CLASS - 1 - (number % CLASS as u32) as i32,
        Urgency::Soon => -2 * CLASS + newest_first,
        Urgency::Now => -CLASS + newest_first,
    }
}

const fn class(priority: i32) -> i32 {
    priority.div_euclid(CLASS)
}

/// More requests than are made of one film.
const CLASS: i32 = 1 << 24;
/// An honest guest has 16 under way.
const WAITING_MAX: usize = 32;
/// Pieces read and not yet sent: 64 MiB for all lines together, 4 MiB for one.
const SENDING_MAX: usize = 256;
const SENDING_LINE_MAX: usize = 16;
const SENDING_LINE_MIN: usize = 4;
