use std::collections::VecDeque;

use ffmpeg_next::Packet;

/// The last seconds of all sound tracks as they were read, so that another track is heard at once, without reading anything again.
#[derive(Default)]
pub(super) struct Kept {
    tracks: Vec<VecDeque<KeptPacket>>,
    bytes: usize,
}

impl Kept {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Keeps a packet that begins at `film_ns`, if the file says when; forgets what is older than `oldest_ns`, and the oldest of the largest when it is too much.
    pub(super) fn keep(&mut self, track: usize, film_ns: Option<i64>, packet: Packet, oldest_ns: i64) {
        if track >= TRACKS_MAX || packet.size() > BYTES_MAX / 4 {
            return;
        }
        if self.tracks.len() <= track {
            self.tracks.resize_with(track + 1, VecDeque::new);
        }
        let film_ns = film_ns.or_else(|| self.tracks[track].back().map(|last| last.film_ns)).unwrap_or(oldest_ns);
        self.bytes += packet.size();
        self.tracks[track].push_back(KeptPacket { film_ns, packet });
        for packets in &mut self.tracks {
            while packets.front().is_some_and(|first| first.film_ns < oldest_ns) || packets.len() > PACKETS_MAX {
                self.bytes -= packets.pop_front().map_or(0, |gone| gone.packet.size());
            }
        }
        while self.bytes > BYTES_MAX {
            let largest = self.tracks.iter_mut().max_by_key(|packets| packets.iter().map(|kept| kept.packet.size()).sum::<usize>());
            let Some(gone) = largest.and_then(VecDeque::pop_front) else { return };
            self.bytes -= gone.packet.size();
        }
    }

    /// The packets of a track from shortly before a place on, oldest first, if they begin there.
    pub(super) fn take(&mut self, track: usize, film_ns: i64) -> Option<impl Iterator<Item = Packet> + use<>> {
        let packets = self.tracks.get_mut(track)?;
        if packets.front()?.film_ns > film_ns {
            return None;
        }
        let packets = std::mem::take(packets);
        self.bytes -= packets.iter().map(|kept| kept.packet.size()).sum::<usize>();
        // A codec needs some of what was before to sound right.
        Some(packets.into_iter().filter(move |kept| kept.film_ns >= film_ns - RUN_UP_NS).map(|kept| kept.packet))
    }
}

struct KeptPacket {
    film_ns: i64,
    packet: Packet,
}

/// Before the place: the ring's second, a wireless headphone's, and the run-up.
pub(super) const KEEP_NS: i64 = 4_000_000_000;
const RUN_UP_NS: i64 = 300_000_000;
/// More tracks are sought for as if they were elsewhere.
pub(super) const TRACKS_MAX: usize = 12;
/// Four seconds of eight lossless tracks.
const BYTES_MAX: usize = 16 << 20;
/// Seven seconds of the shortest frames in use.
const PACKETS_MAX: usize = 3000;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn what_is_kept_is_bounded_and_comes_back_in_order() {
        let mut kept = Kept::default();
        for k in 0..1000 {
            kept.keep(1, Some(k * 20 * MS), Packet::copy(&[k as u8; 100]), k * 20 * MS - KEEP_NS);
        }
        assert_eq!((kept.tracks[1].len(), kept.bytes), (201, 20_100));
        assert!(kept.take(1, 10_000 * MS).is_none() && kept.take(0, 0).is_none() && kept.take(7, 0).is_none());
        let taken: Vec<_> = kept.take(1, 19_000 * MS).unwrap().map(|packet| packet.data().unwrap()[0]).collect();
        assert_eq!((taken.len(), taken[0], kept.bytes), (65, 935_u16 as u8, 0));
        for k in 0..1000 {
            kept.keep(k % 20, None, Packet::copy(&vec![0; 1 << 20]), 0);
            assert!(kept.bytes <= BYTES_MAX);
        }
        assert!(kept.tracks.len() <= TRACKS_MAX);
    }
}
