use bytes::Bytes;

/// What a datagram is, by its first byte.
pub(super) mod kind {
    pub(in crate::net) const ROOM_WHOLE: u8 = 0;
    pub(in crate::net) const ROOM_FIRST: u8 = 1;
    pub(in crate::net) const ROOM_SECOND: u8 = 2;
    pub(in crate::net) const PING: u8 = 3;
    pub(in crate::net) const PONG: u8 = 4;
    pub(in crate::net) const VOICE: u8 = 5;
    pub(in crate::net) const FACE_ASK: u8 = 6;
}

/// One or two datagrams for a packet; none if it is too large or the path too narrow. `number` tells halves of different packets apart.
pub(super) fn datagrams(packet: &[u8], number: u16, datagram_bytes_max: usize) -> (Option<Bytes>, Option<Bytes>) {
    let half = packet.len().div_ceil(2);
    if packet.len() > ROOM_PACKET_BYTES_MAX || packet.is_empty() {
        (None, None)
    } else if packet.len() < datagram_bytes_max {
        (Some([&[kind::ROOM_WHOLE], packet].concat().into()), None)
    } else if half + HALF_HEAD_BYTES <= datagram_bytes_max {
        let [low, high] = number.to_le_bytes();
        let part = |kind: u8, bytes: &[u8]| Some([&[kind, low, high], bytes].concat().into());
        (part(kind::ROOM_FIRST, &packet[..half]), part(kind::ROOM_SECOND, &packet[half..]))
    } else {
        (None, None)
    }
}

/// Puts halves together again, in whatever order they come; a lost half is a lost packet.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    halves: Vec<Half>,
    newest: u16,
}

#[derive(Debug)]
struct Half {
    number: u16,
    is_first: bool,
    bytes: Bytes,
}

impl Joiner {
    /// The packet in, or completed by, a datagram of one of the room's kinds.
    pub(super) fn packet(&mut self, datagram: &Bytes) -> Option<Bytes> {
        let first_or_second = match *datagram.first()? {
            kind::ROOM_WHOLE => {
                return (2..=ROOM_PACKET_BYTES_MAX + 1).contains(&datagram.len()).then(|| datagram.slice(1..));
            }
            kind @ (kind::ROOM_FIRST | kind::ROOM_SECOND) => kind,
            _ => return None,
        };
        if !(HALF_HEAD_BYTES + 1..=HALF_HEAD_BYTES + ROOM_PACKET_BYTES_MAX).contains(&datagram.len()) {
            return None;
        }
        let number = u16::from_le_bytes([datagram[1], datagram[2]]);
        let half = Half { number, is_first: first_or_second == kind::ROOM_FIRST, bytes: datagram.slice(HALF_HEAD_BYTES..) };
        // Numbers come round again, so a half that waited long may not meet one of another packet.
        if (number.wrapping_sub(self.newest) as i16) > 0 {
            self.newest = number;
        }
        let newest = self.newest;
        self.halves.retain(|half| newest.wrapping_sub(half.number) < HALVES_MAX);
        if newest.wrapping_sub(number) >= HALVES_MAX {
            return None;
        }
        let Some(place) = self.halves.iter().position(|other| other.number == number) else {
            self.halves.push(half);
            return None;
        };
        if self.halves[place].is_first == half.is_first {
            return None; // the network repeated it
        }
        let other = self.halves.swap_remove(place);
        let (first, second) = if half.is_first { (half, other) } else { (other, half) };
        let whole = [first.bytes, second.bytes].concat();
        (whole.len() <= ROOM_PACKET_BYTES_MAX).then(|| whole.into())
    }
}

/// The largest packet of the room.
pub const ROOM_PACKET_BYTES_MAX: usize = 1400;

const HALF_HEAD_BYTES: usize = 3;
/// How many split packets may be under way at once.
const HALVES_MAX: u16 = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_goes_whole_if_it_fits_and_else_in_two() {
        let packet = [7; 1390];
        assert!(matches!(datagrams(&packet, 0, 1391), (Some(whole), None) if whole.len() == 1391));
        assert!(matches!(datagrams(&packet, 0, 1162), (Some(first), Some(second)) if first.len() == 698 && second.len() == 698));
        assert_eq!(datagrams(&packet, 0, 600), (None, None));
        assert_eq!(datagrams(&[0; ROOM_PACKET_BYTES_MAX + 1], 0, 9000), (None, None));
        assert_eq!(datagrams(&[], 0, 9000), (None, None));
    }

    #[test]
    fn a_half_that_waited_for_a_full_round_of_numbers_meets_nobody() {
        let mut joiner = Joiner::default();
        let (first, _) = datagrams(&[1; 1000], 5, 600);
        assert_eq!(joiner.packet(&first.unwrap()), None);
        let mut numbers = (6..=u16::MAX).step_by(100).chain((0..5).step_by(100)).collect::<Vec<_>>();
        numbers.push(5);
        for number in numbers {
            let (_, second) = datagrams(&[2; 1000], number, 600);
            assert_eq!(joiner.packet(&second.unwrap()), None);
        }
        assert!(joiner.halves.len() <= usize::from(HALVES_MAX));
    }

    proptest! {
        #[test]
        fn what_arrives_is_what_was_sent(
            lengths in prop::collection::vec(1usize..=ROOM_PACKET_BYTES_MAX, 1..200), room in 705usize..1500, start: u16,
            fates in prop::collection::vec((0u8..10, 0usize..6), 400),
        ) {
            let mut under_way: Vec<(usize, Bytes)> = Vec::new();
            let packets: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(i, length)| vec![i as u8; *length]).collect();
            let mut fates = fates.into_iter();
            for (i, packet) in packets.iter().enumerate() {
                let (first, second) = datagrams(packet, start.wrapping_add(i as u16), room);
                prop_assert!(first.is_some());
                for datagram in [first, second].into_iter().flatten() {
                    let (fate, late) = fates.next().unwrap();
                    if fate > 0 { under_way.push((under_way.len() + late, datagram.clone())); }
                    if fate == 9 { under_way.push((under_way.len() + late, datagram)); }
                }
            }
            under_way.sort_by_key(|(when, _)| *when);
            let mut joiner = Joiner { newest: start.wrapping_sub(1), ..Joiner::default() };
            for (_, datagram) in under_way {
                if let Some(packet) = joiner.packet(&datagram) {
                    prop_assert_eq!(&packets[usize::from(packet[0])][..], &packet[..]);
                }
                prop_assert!(joiner.halves.len() <= usize::from(HALVES_MAX));
            }
        }

        #[test]
        fn any_datagram_is_borne(datagrams in prop::collection::vec(prop::collection::vec(0u8..6, 0..40), 0..100)) {
            let mut joiner = Joiner::default();
            for datagram in datagrams {
                let packet = joiner.packet(&datagram.into());
                prop_assert!(packet.is_none_or(|packet| !packet.is_empty() && packet.len() <= ROOM_PACKET_BYTES_MAX));
            }
        }
    }
}
