use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::manifest::{Batch, HASHES_MAX};
use crate::net::{FilmId, ParticipantId, codec};

/// What is said on a line about films. The words are those of RFC 7574.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    /// I watch this film.
    Interest { film: FilmId },
    /// I no longer watch it; what I asked for is not wanted.
    Leave { film: FilmId },
    /// Send me these pieces. Numbers rise on a line and are never used twice.
    Request { film: FilmId, requests: Vec<Request> },
    /// I no longer want the answers to these requests. There may be answers all the same.
    Cancel { requests: Vec<u32> },
    /// The presenter's word on what the pieces must be.
    Hashes(Batch),
    /// I can give pieces of this film: a bit each, the lowest bit of the first byte is piece `first`. (For guests that serve each other.)
    Have { film: FilmId, first: u32, bits: Vec<u8> },
    /// I answer no requests for this film, until I say otherwise.
    Choke { film: FilmId, is_choked: bool },
    /// Ask that guest, who has this piece or is about to.
    Ask { request: u32, guest: ParticipantId },
    /// I do not answer these.
    Refused { requests: Vec<u32> },
    /// I have no such film (any more).
    Gone { film: FilmId, why: Gone },
}

impl Message {
    pub(super) fn encode(&self) -> Bytes {
        codec::encode(self).into()
    }

    /// Decodes a message and holds it to its limits.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Violation> {
        let message = codec::decode(bytes).map_err(|codec::NotThatMessage| Violation("sent a message that is none"))?;
        let is_within = match &message {
            Self::Request { requests, .. } => (1..=REQUESTS_MAX).contains(&requests.len()),
            Self::Cancel { requests } | Self::Refused { requests } => (1..=REQUESTS_MAX).contains(&requests.len()),
            Self::Hashes(batch) => (1..=HASHES_MAX).contains(&batch.hashes.len()),
            Self::Have { bits, .. } => (1..=HAVE_BYTES_MAX).contains(&bits.len()),
            Self::Interest { .. } | Self::Leave { .. } | Self::Choke { .. } | Self::Ask { .. } | Self::Gone { .. } => true,
        };
        if is_within { Ok(message) } else { Err(Violation("sent a message beyond its limits")) }
    }
}

/// One piece asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// By which the answer is known.
    pub(super) number: u32,
    /// Which piece.
    pub(super) index: u32,
    /// How much it hurries.
    pub(super) urgency: Urgency,
}

/// How much a piece hurries; the more comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Urgency {
    /// For later.
    Ahead,
    /// The reader will want it next.
    Soon,
    /// The reader waits for it.
    Now,
}

/// Why a film is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Gone {
    /// It is not shown here (any more).
    Withdrawn,
    /// Its file cannot be read any more.
    Unreadable,
}

/// What a peer did against the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation(pub(super) &'static str);

/// Requests or their numbers in one message.
pub(super) const REQUESTS_MAX: usize = 32;
/// 8192 pieces: 2 GiB of film.
const HAVE_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::swarm::manifest::Signature;

    fn batch(hashes: usize) -> Batch {
        let film = FilmId::from_bytes([9; 16]);
        Batch { film, size_bytes: u64::MAX, first: u32::MAX, hashes: vec![[7; 32]; hashes], signature: Signature::from([3; 64]) }
    }

    #[test]
    fn the_largest_batch_fits_into_a_message_and_a_larger_one_is_refused() {
        let largest = Message::Hashes(batch(HASHES_MAX));
        assert_eq!(Message::decode(&largest.encode()), Ok(largest));
        assert!(Message::decode(&Message::Hashes(batch(HASHES_MAX + 1)).encode()).is_err());
        assert!(Message::decode(&Message::Hashes(batch(0)).encode()).is_err());
    }

    #[test]
    fn a_message_beyond_its_limits_is_refused() {
        let film = FilmId::from_bytes([1; 16]);
        let request = Request { number: 1, index: 2, urgency: Urgency::Now };
        for (count, is_fine) in [(0, false), (1, true), (REQUESTS_MAX, true), (REQUESTS_MAX + 1, false)] {
            for message in [
                Message::Request { film, requests: vec![request; count] },
                Message::Cancel { requests: vec![4; count] },
                Message::Refused { requests: vec![4; count] },
            ] {
                assert_eq!(Message::decode(&message.encode()).is_ok(), is_fine, "{message:?}");
            }
        }
        assert!(Message::decode(&Message::Have { film, first: 0, bits: vec![0; HAVE_BYTES_MAX + 1] }.encode()).is_err());
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let film = any::<[u8; 16]>().prop_map(FilmId::from_bytes);
        let urgency = prop_oneof![Just(Urgency::Ahead), Just(Urgency::Soon), Just(Urgency::Now)];
        let request = (any::<u32>(), any::<u32>(), urgency).prop_map(|(number, index, urgency)| Request { number, index, urgency });
        let numbers = prop::collection::vec(any::<u32>(), 1..=REQUESTS_MAX);
        prop_oneof![
            film.clone().prop_map(|film| Message::Interest { film }),
            film.clone().prop_map(|film| Message::Leave { film }),
            (film.clone(), prop::collection::vec(request, 1..=REQUESTS_MAX))
                .prop_map(|(film, requests)| Message::Request { film, requests }),
            numbers.clone().prop_map(|requests| Message::Cancel { requests }),
            numbers.prop_map(|requests| Message::Refused { requests }),
            (film.clone(), any::<u64>(), any::<u32>(), prop::collection::vec(any::<[u8; 32]>(), 1..40)).prop_map(
                |(film, size_bytes, first, hashes)| Message::Hashes(Batch {
                    film,
                    size_bytes,
                    first,
                    hashes,
                    signature: Signature::from([5; 64])
                })
            ),
            (film.clone(), any::<u32>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(film, first, bits)| Message::Have {
                film,
                first,
                bits
            }),
            (film.clone(), any::<bool>()).prop_map(|(film, is_choked)| Message::Choke { film, is_choked }),
            (any::<u32>(), any::<[u8; 32]>())
                .prop_map(|(request, guest)| Message::Ask { request, guest: ParticipantId::from_bytes(guest) }),
            film.prop_map(|film| Message::Gone { film, why: Gone::Unreadable }),
        ]
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(message in any_message()) {
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn any_bytes_are_a_message_within_its_limits_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
            }
        }

        #[test]
        fn a_damaged_message_harms_nobody(message in any_message(), at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = message.encode().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = to;
            bytes.truncate(cut.index(bytes.len()) + 1);
            let decoded = Message::decode(&bytes);
            prop_assert!(decoded.is_err() || decoded.is_ok());
        }
    }
}
