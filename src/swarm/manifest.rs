use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Keys, pieces::Cut};
use crate::net::{FilmId, ParticipantId};

/// BLAKE3 of a piece.
pub(super) type Hash = [u8; 32];

/// Some neighbouring pieces' hashes, signed by the film's presenter. Anybody may hand it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) film: FilmId,
    pub(super) size_bytes: u64,
    pub(super) first: u32,
    pub(super) hashes: Vec<Hash>,
    pub(super) signature: Signature,
}

impl Batch {
    /// At most [`HASHES_MAX`] hashes.
    pub(super) fn sign(keys: &dyn Keys, film: FilmId, cut: Cut, first: u32, hashes: Vec<Hash>) -> Self {
        let signature = keys.sign(&signed_bytes(film, cut.size_bytes(), first, &hashes)).into();
        Self { film, size_bytes: cut.size_bytes(), first, hashes, signature }
    }

    pub(super) fn is_signed_by(&self, presenter: &ParticipantId, keys: &dyn Keys) -> bool {
        let bytes = signed_bytes(self.film, self.size_bytes, self.first, &self.hashes);
        keys.verify(presenter, &bytes, &self.signature.into())
    }
}

/// What is known of a film's pieces.
#[derive(Debug)]
pub(super) struct Hashes {
    cut: Cut,
    known: BTreeMap<u32, Hash>,
}

impl Hashes {
    pub(super) const fn new(cut: Cut) -> Self {
        Self { cut, known: BTreeMap::new() }
    }

    pub(super) fn get(&self, index: u32) -> Option<&Hash> {
        self.known.get(&index)
    }

    /// Whether the batch says nothing that is not known.
    pub(super) fn knows(&self, batch: &Batch) -> bool {
        self.fits(batch) && (batch.first..).zip(&batch.hashes).all(|(index, hash)| self.known.get(&index) == Some(hash))
    }

    /// Learns from a batch whose signature holds. `Err` if it contradicts what the presenter signed before, or the film's size.
    pub(super) fn learn(&mut self, batch: &Batch) -> Result<(), Contradiction> {
        if !self.fits(batch) {
            return Err(Contradiction);
        }
        for (index, hash) in (batch.first..).zip(&batch.hashes) {
            if *self.known.entry(index).or_insert(*hash) != *hash {
                return Err(Contradiction);
            }
        }
        Ok(())
    }

    /// Whether it is about a film of this size and no piece beyond its end.
    fn fits(&self, batch: &Batch) -> bool {
        let end = u64::from(batch.first) + batch.hashes.len() as u64;
        batch.size_bytes == self.cut.size_bytes() && end <= u64::from(self.cut.pieces())
    }
}

/// A presenter signed two things of which only one can be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contradiction;

/// An ed25519 signature, in halves because serde's arrays end at 32.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signature([[u8; 32]; 2]);

impl From<[u8; 64]> for Signature {
    fn from(bytes: [u8; 64]) -> Self {
        let mut halves = [[0; 32]; 2];
        halves.as_flattened_mut().copy_from_slice(&bytes);
        Self(halves)
    }
}

impl From<Signature> for [u8; 64] {
    fn from(signature: Signature) -> Self {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(signature.0.as_flattened());
        bytes
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signature").finish_non_exhaustive()
    }
}

/// What a signature covers. It begins with words that nothing else of ours begins with, so that a signature is good for nothing else.
fn signed_bytes(film: FilmId, size_bytes: u64, first: u32, hashes: &[Hash]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 + hashes.len() * 32);
    bytes.extend_from_slice(b"houselights: pieces of a film\0");
    bytes.extend_from_slice(film.as_bytes());
    bytes.extend_from_slice(&size_bytes.to_le_bytes());
    bytes.extend_from_slice(&first.to_le_bytes());
    hashes.iter().for_each(|hash| bytes.extend_from_slice(hash));
    bytes
}

/// Hashes in one batch, so that it fits into a message: 32 KiB.
pub(super) const HASHES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::{pieces::PIECE_BYTES, simulation::FakeKeys};

    fn cut() -> Cut {
        Cut::new(10 * PIECE_BYTES).unwrap()
    }

    fn batch(first: u32, hashes: &[u8]) -> Batch {
        let hashes = hashes.iter().map(|byte| [*byte; 32]).collect();
        Batch::sign(&FakeKeys::of(1), FilmId::from_bytes([1; 16]), cut(), first, hashes)
    }

    #[test]
    fn a_signature_holds_for_exactly_what_was_signed_and_by_whom() {
        let (keys, presenter) = (FakeKeys::of(2), FakeKeys::of(1).id());
        let good = batch(3, &[1, 2]);
        assert!(good.is_signed_by(&presenter, &keys));
        assert!(!good.is_signed_by(&keys.id(), &keys));
        let changed = [
            Batch { film: FilmId::from_bytes([2; 16]), ..good.clone() },
            Batch { size_bytes: 1, ..good.clone() },
            Batch { first: 4, ..good.clone() },
            Batch { hashes: vec![[1; 32]], ..good.clone() },
            Batch { signature: [0; 64].into(), ..good },
        ];
        for batch in changed {
            assert!(!batch.is_signed_by(&presenter, &keys), "{batch:?}");
        }
    }

    #[test]
    fn what_contradicts_an_earlier_word_is_noticed() {
        let mut hashes = Hashes::new(cut());
        assert!(!hashes.knows(&batch(3, &[1, 2])));
        assert_eq!(hashes.learn(&batch(3, &[1, 2])), Ok(()));
        assert!(hashes.knows(&batch(4, &[2])) && hashes.get(3) == Some(&[1; 32]));
        assert_eq!(hashes.learn(&batch(4, &[2, 5])), Ok(()));
        assert_eq!(hashes.learn(&batch(5, &[6])), Err(Contradiction));
        let other_size = Batch { size_bytes: 1, ..batch(0, &[1]) };
        assert_eq!(hashes.learn(&other_size), Err(Contradiction));
    }

    #[test]
    fn pieces_beyond_the_end_are_a_contradiction() {
        let mut hashes = Hashes::new(cut());
        assert_eq!(hashes.learn(&batch(9, &[1])), Ok(()));
        assert_eq!(hashes.learn(&batch(9, &[1, 2])), Err(Contradiction));
        for far in [batch(10, &[1]), batch(u32::MAX, &[1, 2])] {
            assert!(!hashes.knows(&far) && hashes.learn(&far) == Err(Contradiction), "{far:?}");
        }
    }
}
