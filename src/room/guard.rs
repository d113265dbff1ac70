use std::collections::{BTreeMap, BTreeSet};

/// Checks packets before renet sees them: renet 2.0.1 indexes with numbers out of slice packets that it does not check, and a member's one packet would end the
/// process of everybody's host. One guard a connection.
///
/// A packet is a type (0, 1 small messages; 2, 3 slices; 4 acks), a sequence number and, but for acks, a channel; numbers are QUIC's variable-length integers
/// (RFC 9000, 16).
#[derive(Debug)]
pub(super) struct Guard {
    channels: u8,
    /// The slices each message in progress was said to have, by packet type, channel and message. A message that says another number later is refused.
    slices: BTreeMap<(u8, u8, u64), Slices>,
    /// What came of the messages that renet keeps until those before them are there, by channel.
    kept: BTreeMap<u8, Kept>,
}

#[derive(Debug)]
struct Slices {
    count: u64,
    /// A bit each.
    here: Vec<u64>,
}

/// renet counts the bytes of what it keeps, not the messages: empty ones with ever higher numbers would fill the memory.
#[derive(Debug, Default)]
struct Kept {
    /// All messages before this one came.
    next: u64,
    beyond: BTreeSet<u64>,
}

impl Kept {
    /// Whether a message may come; one far ahead of a gap is no honest program's.
    const fn may(&self, message: u64) -> bool {
        message < self.next.saturating_add(AHEAD)
    }

    fn note(&mut self, message: u64) {
        if message >= self.next {
            self.beyond.insert(message);
        }
        while self.beyond.remove(&self.next) {
            self.next += 1;
        }
    }
}

impl Guard {
    /// For a connection on which the other end may use this many channels.
    pub(super) const fn new(channels: u8) -> Self {
        Self { channels, slices: BTreeMap::new(), kept: BTreeMap::new() }
    }

    /// Whether renet can be given this packet.
    pub(super) fn admits(&mut self, packet: &[u8]) -> bool {
        self.check(packet).is_some()
    }

    fn check(&mut self, packet: &[u8]) -> Option<()> {
        if packet.len() > PACKET_BYTES_MAX {
            return None;
        }
        let mut rest = packet;
        let kind = byte(&mut rest)?;
        let _sequence = number(&mut rest)?;
        if kind == ACK {
            return Some(());
        }
        let channel = byte(&mut rest)?;
        if kind > ACK || channel >= self.channels {
            return None;
        }
        if kind == RELIABLE {
            return self.check_messages(channel, &mut rest);
        }
        if kind != RELIABLE_SLICE && kind != UNRELIABLE_SLICE {
            return Some(());
        }
        let message = number(&mut rest)?;
        let index = number(&mut rest)?;
        let count = number(&mut rest)?;
        let payload = number(&mut rest)?;
        let is_last = index.checked_add(1)? == count;
        let fits = index < count && (1..=SLICES_MAX).contains(&count) && message < 1 << 48;
        // A slice that is not the last one is full: renet places the last by its index.
        let is_whole = payload as usize == rest.len() && (1..=SLICE_BYTES).contains(&payload) && (is_last || payload == SLICE_BYTES);
        if !(fits && is_whole) {
            return None;
        }
        if kind == RELIABLE_SLICE {
            let kept = self.kept.entry(channel).or_default();
            if !kept.may(message) {
                return None;
            }
            if message < kept.next {
                // Sent once more although it came; renet knows.
                return Some(());
            }
        }
        if !self.is_constant((kind, channel, message), count) {
            return None;
        }
        if self.is_complete((kind, channel, message), index) && kind == RELIABLE_SLICE {
            self.kept.entry(channel).or_default().note(message);
        }
        Some(())
    }

    /// Small messages: how many, then number, length and bytes of each.
    fn check_messages(&mut self, channel: u8, rest: &mut &[u8]) -> Option<()> {
        let (count, after) = rest.split_first_chunk()?;
        *rest = after;
        let kept = self.kept.entry(channel).or_default();
        for _ in 0..u16::from_be_bytes(*count) {
            let message = number(rest)?;
            let length = number(rest)?;
            *rest = rest.get(usize::try_from(length).ok()?..)?;
            if !kept.may(message) {
                return None;
            }
            kept.note(message);
        }
        Some(())
    }

    /// Whether with this slice all of the message are here.
    fn is_complete(&mut self, key: (u8, u8, u64), index: u64) -> bool {
        let Some(slices) = self.slices.get_mut(&key) else { return false };
        if let Some(word) = slices.here.get_mut(index as usize / 64) {
            *word |= 1 << (index % 64);
        }
        slices.here.iter().map(|word| u64::from(word.count_ones())).sum::<u64>() == slices.count
    }

    fn is_constant(&mut self, key: (u8, u8, u64), count: u64) -> bool {
        if let Some(said) = self.slices.get(&key) {
            return said.count == count;
        }
        let (kind, channel, message) = key;
        let of_channel = (kind, channel, 0)..=(kind, channel, u64::MAX);
        // Messages of a channel are numbered upwards. One that is far behind the newest was finished long ago or is a trick.
        if self.slices.range(of_channel.clone()).next_back().is_some_and(|((.., newest), _)| message + WINDOW <= *newest) {
            return false;
        }
        self.slices.insert(key, Slices { count, here: vec![0; count.div_ceil(64) as usize] });
        let old: Vec<_> = self.slices.range(of_channel).map(|(key, _)| *key).rev().skip(WINDOW as usize).collect();
        for key in old {
            self.slices.remove(&key);
        }
        true
    }
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let length = 1 << (rest.first()? >> 6);
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes[1..].iter().fold(u64::from(bytes[0] & 0x3f), |value, byte| value << 8 | u64::from(*byte)))
}

const RELIABLE: u8 = 0;
const RELIABLE_SLICE: u8 = 2;
const UNRELIABLE_SLICE: u8 = 3;
const ACK: u8 = 4;
/// renet's own buffer for a packet.
const PACKET_BYTES_MAX: usize = 1400;
const SLICE_BYTES: u64 = 1200;
/// What fits in a channel's 5 MiB.
const SLICES_MAX: u64 = 5 * 1024 * 1024 / SLICE_BYTES;
/// Sliced messages of a channel that can be under way at once.
const WINDOW: u64 = 256;
/// How far a message may be ahead of one that did not come: more than an honest program has on its way, and a few hundred kilobytes of book-keeping.
const AHEAD: u64 = 8192;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slice(kind: u8, message: u8, index: u64, count: u64, payload: usize) -> Vec<u8> {
        let mut packet = vec![kind, 7, 0, message];
        for value in [index, count, payload as u64] {
            packet.extend((value as u32 | 0x8000_0000).to_be_bytes());
        }
        packet.extend(vec![0; payload]);
        packet
    }

    #[test]
    fn a_slice_beyond_its_message_is_refused() {
        let mut guard = Guard::new(3);
        assert!(guard.admits(&slice(2, 1, 1, 2, 1)));
        assert!(!guard.admits(&slice(2, 1, 9, 2, 1200)), "this one would end the process");
        assert!(!guard.admits(&slice(3, 1, 2, 2, 1200)));
        assert!(!guard.admits(&slice(2, 2, 0, 5000, 1200)) && !guard.admits(&slice(2, 3, 0, 0, 1200)));
    }

    #[test]
    fn a_message_keeps_its_number_of_slices() {
        let mut guard = Guard::new(3);
        assert!(guard.admits(&slice(2, 1, 0, 3, 1200)));
        assert!(!guard.admits(&slice(2, 1, 1, 4, 1200)) && guard.admits(&slice(2, 1, 1, 3, 1200)));
        assert!(guard.admits(&slice(3, 1, 0, 5, 1200)), "another kind is another message");
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        let mut guard = Guard::new(3);
        for packet in [&[][..], &[5, 0, 0], &[0, 0, 3], &[4], &[0, 0x40], &[0; 1401]] {
            assert!(!guard.admits(packet), "{packet:?}");
        }
        assert!(guard.admits(&[4, 9, 9, 0, 0]) && guard.admits(&[0, 1, 2, 0, 0]));
        assert!(!guard.admits(&[0, 1, 2, 0, 1, 0]), "a message that is cut off");
    }

    #[test]
    fn messages_far_ahead_of_a_gap_are_refused() {
        let small = |message: u64| {
            let mut packet = vec![0, 7, 0, 0, 1];
            packet.extend((message as u32 | 0x8000_0000).to_be_bytes());
            packet.push(0);
            packet
        };
        let mut guard = Guard::new(1);
        for message in 1..AHEAD {
            assert!(guard.admits(&small(message)));
        }
        assert!(!guard.admits(&small(AHEAD)), "the first one never came");
        assert!(guard.admits(&small(0)) && guard.admits(&small(2 * AHEAD - 1)));
        assert_eq!(guard.kept[&0].beyond.len(), 1);

        // A large message that stays incomplete is a gap too.
        let mut guard = Guard::new(1);
        assert!(guard.admits(&slice(2, 0, 0, 2, 1200)));
        for message in 1..AHEAD {
            assert!(guard.admits(&small(message)));
        }
        assert!(!guard.admits(&small(AHEAD)));
        assert!(guard.admits(&slice(2, 0, 1, 2, 5)) && guard.admits(&small(AHEAD)) && guard.admits(&slice(2, 0, 1, 2, 5)));
    }

    proptest! {
        #[test]
        fn anything_may_come_and_little_is_remembered(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..200)) {
            let mut guard = Guard::new(8);
            for packet in packets {
                guard.admits(&packet);
            }
            prop_assert!(guard.slices.len() <= 200 && guard.kept.values().all(|kept| kept.beyond.len() <= 200 * 20));
        }

        #[test]
        fn the_memory_of_messages_is_bounded(messages in prop::collection::vec(0u64..1 << 40, 0..2000)) {
            let mut guard = Guard::new(1);
            for message in messages {
                guard.is_constant((2, 0, message), 2);
            }
            prop_assert!(guard.slices.len() <= WINDOW as usize);
        }
    }
}
