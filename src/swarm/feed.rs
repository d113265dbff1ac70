use std::{
    collections::VecDeque,
    ops::Range,
    path::PathBuf,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    cache::{Cache, Found},
    pieces::Cut,
    reader::End,
};

/// What a watched film's readers and the swarm's thread share. Both hold it for instants only.
#[derive(Debug)]
pub(super) struct Feed {
    state: Mutex<State>,
    arrived: Condvar,
}

impl Feed {
    /// A film that has one reader.
    pub(super) fn new(size_bytes: u64, cut: Option<Cut>, memory_pieces_max: usize, slots_max: u32) -> Self {
        let cache = cut.map(|cut| Cache::new(cut, memory_pieces_max, slots_max));
        let state = State {
            size_bytes,
            cut,
            cache,
            file: None,
            place_bytes: 0,
            visits: VecDeque::new(),
            end: None,
            readers: 1,
            is_connected: false,
            bytes_per_second: None,
        };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells waiting readers that something changed.
    pub(super) fn wake_readers(&self) {
        self.arrived.notify_all();
    }

    /// Says that nothing more will come. The first reason stays.
    pub(super) fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.wake_readers();
    }

    /// Waits at most `patience` for a piece to come or the film to end.
    pub(super) fn wait_for(&self, index: u32, patience: Duration) {
        let is_waiting = |state: &mut State| state.end.is_none() && state.find(index) == Found::Missing;
        drop(self.arrived.wait_timeout_while(self.lock(), patience, is_waiting).unwrap_or_else(PoisonError::into_inner));
    }
}

/// A watched film, as far as its readers see it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) size_bytes: u64,
    pub(super) cut: Option<Cut>,
    /// `None` for a film that cannot be watched at all.
    pub(super) cache: Option<Cache>,
    /// Where the pieces on disk are.
    pub(super) file: Option<PathBuf>,
    /// Where it was read last.
    pub(super) place_bytes: u64,
    /// Pieces that readers came to and the swarm's thread has not heard of; the oldest are dropped.
    visits: VecDeque<u32>,
    pub(super) end: Option<End>,
    /// Readers there are; at zero nobody watches any more and none may be added.
    pub(super) readers: u32,
    pub(super) is_connected: bool,
    pub(super) bytes_per_second: Option<f64>,
}

impl State {
    /// A reader reads this piece or waits for it; whether the swarm's thread has not heard of that yet.
    pub(super) fn visit(&mut self, index: u32) -> bool {
        let is_news = self.visits.back() != Some(&index);
        if is_news {
            if self.visits.len() >= VISITS_MAX {
                self.visits.pop_front();
            }
            self.visits.push_back(index);
        }
        is_news
    }

    pub(super) fn take_visits(&mut self) -> VecDeque<u32> {
        std::mem::take(&mut self.visits)
    }

    pub(super) fn find(&self, index: u32) -> Found {
        self.cache.as_ref().map_or(Found::Missing, |cache| cache.find(index))
    }

    /// What can be read without waiting: bytes from the place of reading on, and all stretches.
    pub(super) fn buffered(&self) -> (u64, Vec<Range<u64>>) {
        let (Some(cut), Some(cache)) = (self.cut, &self.cache) else { return (0, Vec::new()) };
        let bytes = |index: u32| cut.start_bytes(index).min(cut.size_bytes());
        let missing = cache.have().first_missing(cut.index_of(self.place_bytes));
        let ranges = cache.have().ranges(RANGES_MAX).into_iter().map(|range| bytes(range.start)..bytes(range.end)).collect();
        (bytes(missing).saturating_sub(self.place_bytes), ranges)
    }
}

const VISITS_MAX: usize = 64;
/// Enough to draw a bar of what is there.
const RANGES_MAX: usize = 64;
