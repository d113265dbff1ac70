/// One voice datagram: one Opus packet of 10 or 20 ms and what its hearer must know before decoding it.
///
/// On the wire, after the net's own kind byte: `run` (1 byte), `tick` (4, little endian), flags (1), level (1), then the Opus packet to the end of the
/// datagram. How much time it covers is not said a second time: the Opus packet's own first byte says it (RFC 6716, 3.1), and anything but one mono frame of
/// 10 or 20 ms is refused here, so no decoder ever meets a packet that unfolds to more.
///
/// A tick is 10 ms of the sender's microphone and counts on in silence. `run` is another number whenever the ticks begin anew (a microphone that was
/// reopened, a program that was restarted): only that it differs means something.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// What stands before the sound.
    pub head: Head,
    ticks: u8,
    length: u16,
    payload: [u8; PAYLOAD_BYTES_MAX],
}

/// What a packet says about its sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// Which count of ticks this is.
    pub run: u8,
    /// The first tick covered, modulo 2³² (497 days).
    pub tick: u32,
    /// Loudness of what was spoken, see [`super::level`].
    pub level: u8,
    /// The encoder began afresh with it: the decoder does the same.
    pub is_first: bool,
    /// Nothing follows for a while: what is missing after it is silence and not loss.
    pub is_last: bool,
    /// It waited at the sender until it was clear that somebody speaks, so its delay says nothing about the path.
    pub is_held_back: bool,
    /// It is for the neighbours only.
    pub is_whisper: bool,
}

impl Packet {
    /// One Opus packet under its head; none if the sound is not one mono frame of 10 or 20 ms in at most [`PAYLOAD_BYTES_MAX`] bytes.
    #[must_use]
    pub fn new(head: Head, opus: &[u8]) -> Option<Self> {
        let ticks = ticks_of(opus)?;
        let length = u16::try_from(opus.len()).ok()?;
        let mut payload = [0; PAYLOAD_BYTES_MAX];
        payload.get_mut(..opus.len())?.copy_from_slice(opus);
        Some(Self { head, ticks, length, payload })
    }

    /// What a datagram holds, without its kind byte; none if it is not a voice datagram of ours.
    #[must_use]
    pub fn decode(datagram: &[u8]) -> Option<Self> {
        let (head, opus) = datagram.split_first_chunk::<HEAD_BYTES>()?;
        let [run, t0, t1, t2, t3, flags, level] = *head;
        if flags & !flag::ALL != 0 {
            return None;
        }
        let head = Head {
            run,
            tick: u32::from_le_bytes([t0, t1, t2, t3]),
            level,
            is_first: flags & flag::FIRST != 0,
            is_last: flags & flag::LAST != 0,
            is_held_back: flags & flag::HELD_BACK != 0,
            is_whisper: flags & flag::WHISPER != 0,
        };
        Self::new(head, opus)
    }

    /// Writes it behind what is already in `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Head { run, tick, level, is_first, is_last, is_held_back, is_whisper } = self.head;
        let set = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags =
            set(is_first, flag::FIRST) | set(is_last, flag::LAST) | set(is_held_back, flag::HELD_BACK) | set(is_whisper, flag::WHISPER);
        let [t0, t1, t2, t3] = tick.to_le_bytes();
        out.extend_from_slice(&[run, t0, t1, t2, t3, flags, level]);
        out.extend_from_slice(self.opus());
    }

    /// How many ticks it covers: 1 or 2.
    #[must_use]
    pub const fn ticks(&self) -> u8 {
        self.ticks
    }

    /// The Opus packet.
    #[must_use]
    pub fn opus(&self) -> &[u8] {
        self.payload.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packet").field("head", &self.head).field("ticks", &self.ticks).field("bytes", &self.length).finish()
    }
}

/// How many ticks an Opus packet lasts, by its first byte: 1 or 2; none for every other packet, for stereo, and for several frames in one.
fn ticks_of(opus: &[u8]) -> Option<u8> {
    let first = *opus.first().filter(|_| opus.len() <= PAYLOAD_BYTES_MAX)?;
    let (configuration, is_stereo, frames_code) = (first >> 3, first & 0b100 != 0, first & 0b11);
    if is_stereo || frames_code != 0 {
        return None;
    }
    // SILK comes in 10, 20, 40 and 60 ms; hybrid in 10 and 20; CELT in 2.5, 5, 10 and 20.
    match (configuration, configuration % 4) {
        (0..12, 0) | (16.., 2) | (12 | 14, _) => Some(1),
        (0..12, 1) | (16.., 3) | (13 | 15, _) => Some(2),
        _ => None,
    }
}

mod flag {
    pub(super) const FIRST: u8 = 1;
    pub(super) const LAST: u8 = 2;
    pub(super) const HELD_BACK: u8 = 4;
    pub(super) const WHISPER: u8 = 8;
    pub(super) const ALL: u8 = FIRST | LAST | HELD_BACK | WHISPER;
}

/// Four times what 20 ms at 32 kbit/s take on the mean, with room for a loud onset and the copy that repairs a loss.
pub const PAYLOAD_BYTES_MAX: usize = 400;
/// What stands before the Opus packet.
pub const HEAD_BYTES: usize = 7;
/// How long a tick lasts.
pub const TICK_NS: i64 = 10_000_000;
/// A tick at 48 kHz.
pub const TICK_SAMPLES: usize = 480;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_one_mono_frame_of_10_or_20_ms_is_taken() {
        let ticks = |configuration: u8| ticks_of(&[configuration << 3]);
        assert_eq!([0, 4, 8, 12, 14, 18, 22, 26, 30].map(ticks), [Some(1); 9]);
        assert_eq!([1, 5, 9, 13, 15, 19, 23, 27, 31].map(ticks), [Some(2); 9]);
        assert_eq!([2, 3, 6, 7, 10, 11, 16, 17, 20, 21, 24, 25, 28, 29].map(ticks), [None; 14]);
        assert_eq!(ticks_of(&[1 << 3 | 4]), None, "stereo");
        assert_eq!([1, 2, 3].map(|code| ticks_of(&[1 << 3 | code, 1, 1])), [None; 3], "several frames");
        assert_eq!(ticks_of(&[]), None);
        assert_eq!(ticks_of(&[8; PAYLOAD_BYTES_MAX + 1]), None);
    }

    fn head() -> impl Strategy<Value = Head> {
        any::<(u8, u32, u8, bool, bool, bool, bool)>().prop_map(|(run, tick, level, is_first, is_last, is_held_back, is_whisper)| Head {
            run,
            tick,
            level,
            is_first,
            is_last,
            is_held_back,
            is_whisper,
        })
    }

    proptest! {
        #[test]
        fn what_arrives_is_what_was_sent(
            head in head(),
            first in prop::sample::select(vec![0u8, 8, 96, 104, 240, 248]),
            rest in prop::collection::vec(any::<u8>(), 0..PAYLOAD_BYTES_MAX),
        ) {
            let opus = [vec![first], rest].concat();
            let packet = Packet::new(head, &opus).unwrap();
            let mut datagram = Vec::new();
            packet.encode(&mut datagram);
            prop_assert_eq!(datagram.len(), HEAD_BYTES + opus.len());
            let arrived = Packet::decode(&datagram).unwrap();
            prop_assert_eq!(arrived.opus(), &opus[..]);
            prop_assert_eq!(arrived, packet);
        }

        #[test]
        fn any_datagram_is_borne(datagram in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Some(packet) = Packet::decode(&datagram) {
                prop_assert!((1..=2).contains(&packet.ticks()));
                prop_assert_eq!(packet.opus(), &datagram[HEAD_BYTES..]);
                let mut again = Vec::new();
                packet.encode(&mut again);
                prop_assert_eq!(again, datagram);
            }
        }
    }
}
