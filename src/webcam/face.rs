//! One person's face as it arrives. Pure but for the decoder: time is an argument.
//!
//! Streams may overtake each other, so each is read by itself; of their groups the newest that has a picture wins, and what belongs to an older one is dropped. A gap
//! is never bridged: the last picture stands still until a key frame comes, and if none does, one is asked for.
//!
//! A stream may begin with pictures of which others were seen already, in another size: those are decoded for the sake of what follows, but nobody goes back in time.

use crate::media::{FaceCodec, FaceDecoder, FacePicture};

use super::group::{Fault, GroupOrder, GroupPicture, GroupReader};

/// What arrives of one person's face on one line. A new line begins with a new one.
#[derive(Debug, Default)]
pub struct Face {
    streams: Vec<Stream>,
    /// Streams numbered below were forgotten.
    oldest_stream: u64,
    /// The newest group of which a picture was seen.
    newest: Option<GroupOrder>,
    /// Of which camera, and when, the newest picture was taken that was seen.
    shown: Option<(u32, u32)>,
    /// What is decoded at the moment.
    decoder: Option<(FaceCodec, usize, FaceDecoder)>,
    /// Whether pictures are known to be missing.
    is_broken: bool,
    rate: u8,
    last_ns: Option<i64>,
    first_heard_ns: Option<i64>,
    asked_ns: Option<i64>,
    allowance: Allowance,
}

impl Face {
    /// Takes a piece of a stream and gives the newest picture that it completes.
    ///
    /// # Errors
    /// If the bytes break a rule: their sender should lose the line.
    pub fn hear(&mut self, stream: u64, piece: &[u8], is_end: bool, now_ns: i64) -> Result<Option<FacePicture>, Fault> {
        self.first_heard_ns.get_or_insert(now_ns);
        self.allowance.pay(piece.len(), 0, now_ns)?;
        let Some(mut reading) = self.take_stream(stream) else { return Ok(None) };
        let mut pictures = Vec::new();
        reading.reader.read(piece, &mut pictures)?;
        if is_end && !reading.reader.is_whole() {
            return Err(Fault("a group that ends in the middle of a picture"));
        }
        self.allowance.pay(0, pictures.len(), now_ns)?;
        let shown = pictures.into_iter().filter_map(|picture| self.decode(&mut reading, &picture)).last();
        if shown.is_some() {
            self.last_ns = Some(now_ns);
        }
        if is_end {
            self.oldest_stream = self.oldest_stream.max(stream.saturating_add(1).saturating_sub(STREAMS_MAX as u64));
        } else {
            self.streams.push(reading);
        }
        Ok(shown)
    }

    /// A stream that was reset: its sender gave the group up.
    pub fn broken_off(&mut self, stream: u64) {
        let Some(place) = self.streams.iter().position(|known| known.number == stream) else { return };
        let gone = self.streams.swap_remove(place);
        if gone.reader.head().is_none_or(|head| Some(head.order) >= self.newest) {
            self.is_broken = true;
        }
    }

    /// Whether a key frame should be asked for now: pictures are missing and none is on its way, and the last time was a second ago.
    pub fn asks_key(&mut self, now_ns: i64) -> bool {
        let Some(since_ns) = self.last_ns.or(self.first_heard_ns) else { return false };
        let silence_ns = now_ns.saturating_sub(since_ns);
        // A pause of some pictures is the network's, and so is the one between two groups.
        let usual_ns = 1_000_000_000 / i64::from(self.rate.max(1));
        let is_missing = self.is_broken || silence_ns > usual_ns.saturating_mul(3).saturating_add(ASK_PERIOD_NS);
        let may_ask = self.asked_ns.is_none_or(|asked_ns| now_ns.saturating_sub(asked_ns) >= ASK_PERIOD_NS);
        let asks = is_missing && may_ask && silence_ns < GONE_NS;
        if asks {
            self.asked_ns = Some(now_ns);
        }
        asks
    }

    /// Pictures a second, as the newest group says.
    #[must_use]
    pub const fn rate(&self) -> u8 {
        self.rate
    }

    /// How it is to be shown now.
    #[must_use]
    pub fn freshness(&self, now_ns: i64) -> Freshness {
        self.last_ns.map_or(Freshness::Gone, |last_ns| Freshness::of(last_ns, self.rate, now_ns))
    }

    /// Takes a stream out of those under way, or begins it. `None` if it is of no interest any more.
    fn take_stream(&mut self, number: u64) -> Option<Stream> {
        if let Some(place) = self.streams.iter().position(|stream| stream.number == number) {
            return Some(self.streams.swap_remove(place));
        }
        if number < self.oldest_stream {
            return None;
        }
        while self.streams.len() >= STREAMS_MAX {
            let oldest =
                self.streams.iter().enumerate().min_by_key(|(_, stream)| stream.number).map(|(place, stream)| (place, stream.number));
            let (place, oldest) = oldest?;
            if number < oldest {
                return None;
            }
            self.streams.swap_remove(place);
            self.oldest_stream = self.oldest_stream.max(oldest.saturating_add(1));
        }
        Some(Stream { number, reader: GroupReader::default(), pictures: 0, is_lost: false })
    }

    fn decode(&mut self, stream: &mut Stream, picture: &GroupPicture) -> Option<FacePicture> {
        let head = *stream.reader.head()?;
        let is_first = stream.pictures == 0;
        stream.pictures += 1;
        // The group under way goes on, a newer one takes over, and an older one is history.
        let is_current = self.newest == Some(head.order) && !is_first;
        let is_newer = is_first && Some(head.order) > self.newest;
        if stream.is_lost || !is_current && !is_newer {
            stream.is_lost = true;
            return None;
        }
        if is_newer {
            self.newest = Some(head.order);
            self.rate = head.rate;
            if self.decoder.as_ref().is_none_or(|(codec, side, _)| (*codec, *side) != (head.codec, head.side)) {
                self.decoder = FaceDecoder::open(head.codec, head.side)
                    .inspect_err(|error| tracing::warn!("{error}"))
                    .ok()
                    .map(|decoder| (head.codec, head.side, decoder));
            }
        }
        let decoded = self.decoder.as_mut().map(|(_, _, decoder)| decoder.decode(&picture.bytes, picture.captured_ms));
        self.is_broken = !matches!(decoded, Some(Ok(_)));
        match decoded {
            Some(Ok(picture)) => self.is_news(head.order.generation, picture.captured_ms).then_some(picture),
            other => {
                if let Some(Err(error)) = other {
                    tracing::debug!("{error}");
                }
                stream.is_lost = true;
                None
            }
        }
    }

    /// Whether no newer picture of the same camera was seen; notes that this one is.
    fn is_news(&mut self, generation: u32, captured_ms: u32) -> bool {
        let seen_ms = self.shown.filter(|(seen, _)| *seen == generation).map_or(captured_ms, |(_, seen_ms)| seen_ms);
        // One that is much older comes from a clock that leapt, not from a group that is given once more.
        let is_news = !(1..=AGAIN_MS_MAX).contains(&seen_ms.wrapping_sub(captured_ms));
        if is_news {
            self.shown = Some((generation, captured_ms));
        }
        is_news
    }
}

/// How old the last picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It moves.
    Live,
    /// It stands still; shown as it is, perhaps paler.
    Still,
    /// There is none, or it has stood too long to be true: the drawn face comes back.
    Gone,
}

impl Freshness {
    /// Of a face whose last picture came at `last_ns`, of so many a second.
    #[must_use]
    pub fn of(last_ns: i64, rate: u8, now_ns: i64) -> Self {
        let silence_ns = now_ns.saturating_sub(last_ns);
        let usual_ns = 1_000_000_000 / i64::from(rate.max(1));
        match silence_ns {
            _ if silence_ns >= GONE_NS => Self::Gone,
            _ if silence_ns > usual_ns * 2 + STILL_NS => Self::Still,
            _ => Self::Live,
        }
    }
}

#[derive(Debug)]
struct Stream {
    number: u64,
    reader: GroupReader,
    /// So far.
    pictures: u32,
    /// Whether nothing of it is shown any more.
    is_lost: bool,
}

/// What one person may send in the long run: a sender who keeps to the rules is far below, and one who does not costs us little.
///
/// Each thing takes the time that it would at the rate allowed; whoever is too far ahead of the clock breaks the rule. So nothing is saved up while nothing comes.
#[derive(Debug, Default)]
struct Allowance {
    pictures_until_ns: i64,
    bytes_until_ns: i64,
}

impl Allowance {
    fn pay(&mut self, bytes: usize, pictures: usize, now_ns: i64) -> Result<(), Fault> {
        let pay = |until_ns: &mut i64, count: usize, each_ns: i64| {
            *until_ns = (*until_ns).max(now_ns).saturating_add(each_ns.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)));
            until_ns.saturating_sub(now_ns) <= AHEAD_NS
        };
        if !pay(&mut self.bytes_until_ns, bytes, 1_000_000_000 / BYTES_A_SECOND) {
            return Err(Fault("too many bytes of a face"));
        }
        if pay(&mut self.pictures_until_ns, pictures, 1_000_000_000 / PICTURES_A_SECOND) {
            Ok(())
        } else {
            Err(Fault("too many pictures of a face"))
        }
    }
}

/// Two groups and their neighbours.
const STREAMS_MAX: usize = 4;
const STILL_NS: i64 = 500_000_000;
/// What somebody may get who comes in the middle of a group, and some more of a slow layer.
const AGAIN_MS_MAX: u32 = 5_000;
/// After so long people no longer take it for a pause.
const GONE_NS: i64 = 6_000_000_000;
const ASK_PERIOD_NS: i64 = 1_000_000_000;
/// Between two layers a person may send both for a moment.
const PICTURES_A_SECOND: i64 = 20;
/// Three times what a face takes.
const BYTES_A_SECOND: i64 = 40_000;
/// A network that stood still for seconds brings all of them at once; a group of the largest size is within it.
const AHEAD_NS: i64 = 8_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_goes_back_in_time_but_with_another_camera_or_clock() {
        let mut face = Face::default();
        let mut shows = |generation: u32, captured_ms: u32| face.is_news(generation, captured_ms);
        assert_eq!([5_000, 5_000, 4_999, 1, 5_001].map(|ms| shows(1, ms)), [true, true, false, false, true]);
        assert_eq!([10, u32::MAX, 11].map(|ms| shows(2, ms)), [true, false, true], "the camera was turned on again; its clock comes round");
        assert_eq!([100_000, 10, 9].map(|ms| shows(2, ms)), [true, true, false], "its clock leapt");
    }
}
