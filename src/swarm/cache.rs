use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    manifest::Hash,
    pieces::{Cut, PieceSet},
    want::Window,
};

/// Which verified pieces of one film are here, and where: in memory, in a slot of the file on disk, or in both. It decides; others read and write.
#[derive(Debug)]
pub(super) struct Cache {
    have: PieceSet,
    memory: BTreeMap<u32, InMemory>,
    memory_pieces_max: usize,
    on_disk: BTreeMap<u32, Stored>,
    free_slots: Vec<u32>,
    /// Slots ever used: the file's length.
    slots: u32,
    slots_max: u32,
    last_stamp: u64,
}

impl Cache {
    /// With `slots_max` 0, memory alone.
    pub(super) fn new(cut: Cut, memory_pieces_max: usize, slots_max: u32) -> Self {
        Self {
            have: PieceSet::none_of(cut),
            memory: BTreeMap::new(),
            memory_pieces_max,
            on_disk: BTreeMap::new(),
            free_slots: Vec::new(),
            slots: 0,
            slots_max,
            last_stamp: 0,
        }
    }

    pub(super) const fn have(&self) -> &PieceSet {
        &self.have
    }

    /// Where a piece is.
    pub(super) fn find(&self, index: u32) -> Found {
        match (self.memory.get(&index), self.on_disk.get(&index)) {
            (Some(piece), _) => Found::Memory(piece.bytes.clone()),
            (None, Some(stored)) => Found::Disk(*stored),
            (None, None) => Found::Missing,
        }
    }

    /// Takes a verified piece in; what is least needed of the others makes room.
    pub(super) fn insert(&mut self, index: u32, bytes: Bytes, hash: Hash, window: &Window) {
        if self.have.insert(index) {
            self.memory.insert(index, InMemory { bytes, hash, copy: OnDisk::No });
            self.fit(window);
        }
    }

    /// How many pieces memory takes from now on.
    pub(super) fn set_memory_pieces_max(&mut self, pieces: usize, window: &Window) {
        self.memory_pieces_max = pieces;
        self.fit(window);
    }

    /// How many pieces can be under way without driving out one that is needed and nowhere else.
    pub(super) fn spare_pieces(&self, window: &Window) -> usize {
        let bound = self.memory.iter().filter(|(index, piece)| piece.copy != OnDisk::Yes && window.contains(**index)).count();
        self.memory_pieces_max.saturating_sub(bound)
    }

    /// How many pieces it can hold in all.
    pub(super) fn room_pieces(&self) -> u32 {
        self.slots_max.max(u32::try_from(self.memory_pieces_max).unwrap_or(u32::MAX))
    }

    #[cfg(test)]
    pub(super) fn memory_pieces(&self) -> usize {
        self.memory.len()
    }

    /// A piece that should be written to disk, if there is one and a slot for it. Call [`written`](Self::written) when it was tried.
    pub(super) fn next_write(&mut self, window: &Window) -> Option<(u32, Stored, Bytes)> {
        if self.slots_max == 0 {
            return None;
        }
        let unwritten = self.memory.iter().filter(|(_, piece)| piece.copy == OnDisk::No).map(|(index, _)| *index);
        let index = unwritten.min_by_key(|index| window.distance(*index))?;
        let slot = self.slot(index, window)?;
        self.last_stamp += 1;
        let piece = self.memory.get_mut(&index)?;
        piece.copy = OnDisk::Underway;
        Some((index, Stored { slot, stamp: self.last_stamp, hash: piece.hash }, piece.bytes.clone()))
    }

    /// A piece was written, or was not.
    pub(super) fn written(&mut self, index: u32, stored: Stored, is_written: bool) {
        if let Some(piece) = self.memory.get_mut(&index) {
            piece.copy = if is_written { OnDisk::Yes } else { OnDisk::No };
        }
        if is_written {
            self.on_disk.insert(index, stored);
        } else {
            self.free_slots.push(stored.slot);
        }
    }

    /// Nothing more is written; what is on disk stays readable.
    pub(super) fn end_writing(&mut self) {
        self.slots_max = 0;
    }

    /// Whether a slot still holds what it held when it was found.
    pub(super) fn still_holds(&self, index: u32, stored: Stored) -> bool {
        self.on_disk.get(&index) == Some(&stored)
    }

    /// A piece on disk cannot be read: it is missing again.
    pub(super) fn lost(&mut self, index: u32, stored: Stored) {
        if self.still_holds(index, stored) {
            self.on_disk.remove(&index);
            match self.memory.get_mut(&index) {
                Some(piece) => piece.copy = OnDisk::No,
                None => {
                    self.have.remove(index);
                }
            }
        }
    }

    fn slot(&mut self, index: u32, window: &Window) -> Option<u32> {
        if let Some(slot) = self.free_slots.pop() {
            return Some(slot);
        }
        if self.slots < self.slots_max {
            self.slots += 1;
            return Some(self.slots - 1);
        }
        // What is needed least gives its slot away, unless it is needed more than this.
        let victim = *self.on_disk.keys().max_by_key(|other| window.distance(**other))?;
        if window.contains(victim) || window.distance(victim) < window.distance(index) {
            return None;
        }
        let stored = self.on_disk.remove(&victim)?;
        match self.memory.get_mut(&victim) {
            Some(piece) => piece.copy = OnDisk::No,
            None => {
                self.have.remove(victim);
            }
        }
        Some(stored.slot)
    }

    fn fit(&mut self, window: &Window) {
        while self.memory.len() > self.memory_pieces_max {
            // First what is on disk too, then what is not needed soon, then what is needed last. What is being written stays, it is soon done.
            let rank =
                |(index, piece): &(&u32, &InMemory)| (piece.copy == OnDisk::Yes, !window.contains(**index), window.distance(**index));
            let candidates = self.memory.iter().filter(|(_, piece)| piece.copy != OnDisk::Underway);
            let Some(victim) = candidates.max_by_key(rank).map(|(index, _)| *index) else { return };
            if self.memory.remove(&victim).is_some_and(|piece| piece.copy == OnDisk::No) {
                self.have.remove(victim);
            }
        }
    }
}

/// Where a piece was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Memory(Bytes),
    Disk(Stored),
    Missing,
}

/// A piece's place in the file; the stamp tells whether the slot was used again since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) slot: u32,
    stamp: u64,
    /// What the piece must be when it is read again; a disk is trusted no more than a peer.
    pub(super) hash: Hash,
}

#[derive(Debug)]
struct InMemory {
    bytes: Bytes,
    hash: Hash,
    copy: OnDisk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnDisk {
    No,
    Underway,
    Yes,
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;
    use crate::swarm::{pieces::PIECE_BYTES, want::Places};

    fn cut() -> Cut {
        Cut::new(100 * PIECE_BYTES).unwrap()
    }

    fn window(at: u32) -> Window {
        let mut places = Places::at_start(0);
        places.read(at, 0);
        places.forget(i64::MAX);
        places.window(cut(), 10)
    }

    fn only(range: Range<u32>) -> [Range<u32>; 1] {
        [range]
    }

    fn piece(index: u32) -> Bytes {
        Bytes::copy_from_slice(&index.to_le_bytes())
    }

    #[test]
    fn memory_alone_keeps_what_comes_next_and_forgets_what_lies_behind() {
        let mut cache = Cache::new(cut(), 12, 0);
        (0..20).for_each(|index| cache.insert(index, piece(index), [0; 32], &window(index)));
        assert_eq!(cache.have().ranges(9), only(8..20));
        assert_eq!((cache.find(7), cache.find(8)), (Found::Missing, Found::Memory(piece(8))));
        assert_eq!(cache.next_write(&window(19)), None);
        assert_eq!(cache.spare_pieces(&window(15)), 12 - 5);
    }

    #[test]
    fn what_is_on_disk_leaves_memory_first_and_is_still_there() {
        let mut cache = Cache::new(cut(), 4, 50);
        for index in 0..20 {
            cache.insert(index, piece(index), [0; 32], &window(0));
            let (written, stored, bytes) = cache.next_write(&window(0)).unwrap();
            assert_eq!((written, bytes), (index, piece(index)));
            cache.written(index, stored, true);
        }
        assert_eq!((cache.have().ranges(9), cache.memory_pieces()), (only(0..20).to_vec(), 4));
        assert_eq!((cache.find(2), cache.find(19)), (Found::Memory(piece(2)), Found::Memory(piece(19))), "the nearest and the newest");
        let Found::Disk(stored) = cache.find(10) else { panic!("{:?}", cache.find(10)) };
        cache.lost(10, stored);
        assert_eq!(cache.have().ranges(9), [0..10, 11..20]);
    }

    #[test]
    fn a_full_disk_gives_the_slot_of_what_lies_furthest_behind() {
        let mut cache = Cache::new(cut(), 1, 5);
        for index in 0..30 {
            cache.insert(index, piece(index), [0; 32], &window(index));
            if let Some((index, stored, _)) = cache.next_write(&window(index)) {
                assert!(stored.slot < 5);
                cache.written(index, stored, true);
            }
        }
        assert_eq!(cache.have().ranges(9), only(25..30));
    }

    #[test]
    fn a_piece_that_could_not_be_written_stays_in_memory_and_its_slot_free() {
        let mut cache = Cache::new(cut(), 4, 1);
        cache.insert(3, piece(3), [0; 32], &window(3));
        let (_, stored, _) = cache.next_write(&window(3)).unwrap();
        assert_eq!(cache.next_write(&window(3)), None, "it is being written");
        cache.written(3, stored, false);
        assert_eq!(cache.find(3), Found::Memory(piece(3)));
        assert_eq!(cache.next_write(&window(3)).unwrap().1.slot, stored.slot);
    }

    proptest! {
        #[test]
        fn a_cache_has_what_it_says_it_has(memory in 1usize..8, slots in 0u32..8, steps in prop::collection::vec((0u32..100, 0u32..100, 0u8..4), 0..80)) {
            let mut cache = Cache::new(cut(), memory, slots);
            let (mut underway, mut file) = (Vec::new(), vec![None; slots as usize]);
            for (index, at, step) in steps {
                match step {
                    0 => cache.insert(index, piece(index), [0; 32], &window(at)),
                    1 => underway.extend(cache.next_write(&window(at))),
                    2 if !underway.is_empty() => {
                        let (index, stored, bytes): (u32, Stored, Bytes) = underway.remove(0);
                        file[stored.slot as usize] = Some(bytes);
                        cache.written(index, stored, at % 5 > 0);
                    }
                    _ => {
                        if let Found::Disk(stored) = cache.find(index) {
                            cache.lost(index, stored);
                        }
                    }
                }
                prop_assert!(cache.memory_pieces() <= memory + underway.len());
                for index in 0..100 {
                    match cache.find(index) {
                        Found::Memory(bytes) => prop_assert_eq!(bytes, piece(index)),
                        Found::Disk(stored) => prop_assert_eq!(file[stored.slot as usize].clone(), Some(piece(index))),
                        Found::Missing => prop_assert!(!cache.have().contains(index)),
                    }
                    prop_assert!(cache.have().contains(index) || cache.find(index) == Found::Missing);
                }
            }
        }
    }
}
