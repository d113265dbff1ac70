use std::ops::Range;

use crate::net::PIECE_BYTES_MAX;

/// How a film of a given size is cut: into pieces of 256 KiB, the last one shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    size_bytes: u64,
    pieces: u32,
}

impl Cut {
    /// `None` for an empty film and for one beyond 256 GiB, whose hashes alone would fill memory.
    pub(super) fn new(size_bytes: u64) -> Option<Self> {
        let pieces = u32::try_from(size_bytes.div_ceil(PIECE_BYTES)).ok()?;
        (1..=PIECES_MAX).contains(&pieces).then_some(Self { size_bytes, pieces })
    }

    pub(super) const fn size_bytes(self) -> u64 {
        self.size_bytes
    }

    pub(super) const fn pieces(self) -> u32 {
        self.pieces
    }

    /// The piece that holds this byte; beyond the end, the last one.
    pub(super) fn index_of(self, offset_bytes: u64) -> u32 {
        u32::try_from(offset_bytes / PIECE_BYTES).unwrap_or(u32::MAX).min(self.pieces - 1)
    }

    /// Where a piece begins.
    pub(super) fn start_bytes(self, index: u32) -> u64 {
        u64::from(index) * PIECE_BYTES
    }

    /// How long a piece is; 0 beyond the end.
    pub(super) fn len_bytes(self, index: u32) -> usize {
        let left = self.size_bytes.saturating_sub(self.start_bytes(index));
        usize::try_from(left.min(PIECE_BYTES)).unwrap_or(PIECE_BYTES_MAX)
    }
}

/// Some of a film's pieces. Takes one bit for each piece of the film, at most 128 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PieceSet {
    words: Vec<u64>,
    pieces: u32,
}

impl PieceSet {
    pub(super) fn none_of(cut: Cut) -> Self {
        Self { words: vec![0; cut.pieces().div_ceil(64) as usize], pieces: cut.pieces() }
    }

    pub(super) fn contains(&self, index: u32) -> bool {
        self.words.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Returns whether it is new.
    pub(super) fn insert(&mut self, index: u32) -> bool {
        let is_new = index < self.pieces && !self.contains(index);
        if is_new {
            self.words[index as usize / 64] |= 1 << (index % 64);
        }
        is_new
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, index: u32) -> bool {
        let was_there = self.contains(index);
        if was_there {
            self.words[index as usize / 64] &= !(1 << (index % 64));
        }
        was_there
    }

    /// The first piece from `index` on that is not among them; the number of pieces if all are.
    pub(super) fn first_missing(&self, index: u32) -> u32 {
        self.first(index, |word| !word)
    }

    /// What is there, in order, in at most `ranges_max` stretches.
    pub(super) fn ranges(&self, ranges_max: usize) -> Vec<Range<u32>> {
        let mut ranges = Vec::new();
        let mut from = self.first(0, |word| word);
        while from < self.pieces && ranges.len() < ranges_max {
            let to = self.first_missing(from);
            ranges.push(from..to);
            from = self.first(to, |word| word);
        }
        ranges
    }

    /// The first piece from `index` on whose bit is set in the mapped words.
    fn first(&self, index: u32, map: impl Fn(u64) -> u64) -> u32 {
        let mut mask = u64::MAX << (index % 64);
        for (number, word) in self.words.iter().enumerate().skip(index as usize / 64) {
            let hit = map(*word) & mask;
            if hit != 0 {
                return (number as u32 * 64 + hit.trailing_zeros()).min(self.pieces);
            }
            mask = u64::MAX;
        }
        self.pieces
    }
}

/// A piece's length, the last one's excepted.
pub(super) const PIECE_BYTES: u64 = PIECE_BYTES_MAX as u64;
/// 256 GiB of film.
pub(super) const PIECES_MAX: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_piece_is_what_is_left() {
        let cut = Cut::new(2 * PIECE_BYTES + 7).unwrap();
        assert_eq!((cut.pieces(), cut.len_bytes(1), cut.len_bytes(2), cut.len_bytes(3)), (3, PIECE_BYTES_MAX, 7, 0));
        assert_eq!((cut.index_of(PIECE_BYTES - 1), cut.index_of(PIECE_BYTES), cut.index_of(u64::MAX)), (0, 1, 2));
    }

    #[test]
    fn a_film_without_bytes_or_beyond_all_measure_is_refused() {
        for size_bytes in [0, PIECE_BYTES * u64::from(PIECES_MAX) + 1, u64::MAX] {
            assert_eq!(Cut::new(size_bytes), None, "{size_bytes}");
        }
        assert!(Cut::new(PIECE_BYTES * u64::from(PIECES_MAX)).is_some());
    }

    proptest! {
        #[test]
        fn a_set_of_pieces_is_a_set(pieces in 1u32..300, steps in prop::collection::vec((any::<bool>(), 0u32..310), 0..200), from in 0u32..310) {
            let cut = Cut::new(u64::from(pieces) * PIECE_BYTES).unwrap();
            let (mut set, mut truth) = (PieceSet::none_of(cut), BTreeSet::new());
            for (inserts, index) in steps {
                if inserts {
                    prop_assert_eq!(set.insert(index), index < pieces && truth.insert(index));
                } else {
                    prop_assert_eq!(set.remove(index), truth.remove(&index));
                }
            }
            prop_assert_eq!(set.first_missing(from), (from..pieces).find(|index| !truth.contains(index)).unwrap_or(pieces));
            let ranges = set.ranges(usize::MAX);
            prop_assert_eq!(ranges.iter().cloned().flatten().collect::<BTreeSet<_>>(), truth);
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
