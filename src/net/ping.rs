use std::collections::VecDeque;

use super::packet::kind;

/// Four instants of one ping, from which the room's clock is estimated; all in nanoseconds of a monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// Our clock, as the question left.
    pub sent_ns: i64,
    /// The host's clock, as it arrived there.
    pub received_ns: i64,
    /// The host's clock, as the answer left.
    pub replied_ns: i64,
    /// Our clock, as the answer arrived.
    pub returned_ns: i64,
}

/// The side that asks.
#[derive(Debug, Default)]
pub(super) struct Asker {
    open: VecDeque<(u64, i64)>,
    asked: u32,
}

impl Asker {
    /// A question with a number that nobody guesses.
    pub(super) fn ask(&mut self, nonce: u64, sent_ns: i64) -> [u8; PING_BYTES] {
        self.asked = self.asked.saturating_add(1);
        self.open.push_back((nonce, sent_ns));
        if self.open.len() > OPEN_MAX {
            self.open.pop_front();
        }
        let mut datagram = [kind::PING; PING_BYTES];
        datagram[1..].copy_from_slice(&nonce.to_le_bytes());
        datagram
    }

    /// How long until the next question: 20 a second for the first 3 s, then four in a burst twice a second.
    pub(super) fn pause_ms(&self) -> u64 {
        match self.asked.checked_sub(EAGER + 1) {
            None => 50,
            Some(later) if later % 4 == 3 => 470,
            Some(_) => 10,
        }
    }

    /// The stamps, if this answers a question that is still open and could have happened.
    pub(super) fn answered(&mut self, datagram: &[u8], returned_ns: i64) -> Option<Stamps> {
        let (&kind::PONG, rest) = datagram.split_first()? else { return None };
        let (nonce, rest) = rest.split_first_chunk()?;
        let (received, rest) = rest.split_first_chunk()?;
        let replied = rest.try_into().ok()?;
        let nonce = u64::from_le_bytes(*nonce);
        let place = self.open.iter().position(|(open, _)| *open == nonce)?;
        let (_, sent_ns) = self.open.remove(place)?;
        let stamps = Stamps { sent_ns, received_ns: i64::from_le_bytes(*received), replied_ns: i64::from_le_bytes(replied), returned_ns };
        let away_ns = returned_ns.checked_sub(sent_ns)?;
        let there_ns = stamps.replied_ns.checked_sub(stamps.received_ns)?;
        (0..=away_ns).contains(&there_ns).then_some(stamps)
    }
}

/// The number in a question.
pub(super) fn question(datagram: &[u8]) -> Option<u64> {
    let (&kind::PING, nonce) = datagram.split_first()? else { return None };
    Some(u64::from_le_bytes(nonce.try_into().ok()?))
}

/// The answer to it.
pub(super) fn answer(nonce: u64, received_ns: i64, replied_ns: i64) -> [u8; PONG_BYTES] {
    let mut datagram = [kind::PONG; PONG_BYTES];
    datagram[1..9].copy_from_slice(&nonce.to_le_bytes());
    datagram[9..17].copy_from_slice(&received_ns.to_le_bytes());
    datagram[17..].copy_from_slice(&replied_ns.to_le_bytes());
    datagram
}

/// So many a second and no more, saved up to a burst.
#[derive(Debug)]
pub(super) struct Allowance {
    per_s: i64,
    burst: i64,
    /// In tokens of a billionth.
    saved: i64,
    last_ns: Option<i64>,
}

impl Allowance {
    pub(super) fn new(per_s: i64, burst: i64) -> Self {
        Self { per_s, burst: burst * NS, saved: burst * NS, last_ns: None }
    }

    /// Whether one more is allowed now.
    pub(super) fn take(&mut self, now_ns: i64) -> bool {
        let passed_ns = self.last_ns.map_or(0, |last| now_ns.saturating_sub(last).clamp(0, 60 * NS));
        self.last_ns = Some(now_ns);
        self.saved = (self.saved + passed_ns * self.per_s).min(self.burst);
        if self.saved < NS {
            return false;
        }
        self.saved -= NS;
        true
    }
}

const NS: i64 = 1_000_000_000;
const PING_BYTES: usize = 9;
const PONG_BYTES: usize = 25;
/// How many questions go out eagerly.
const EAGER: u32 = 60;
/// How many may be unanswered: 4 s of them.
const OPEN_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_brings_four_stamps_once() {
        let mut asker = Asker::default();
        let nonce = question(&asker.ask(77, 1_000)).unwrap();
        let datagram = answer(nonce, -500, -400);
        let stamps = Stamps { sent_ns: 1_000, received_ns: -500, replied_ns: -400, returned_ns: 1_300 };
        assert_eq!(asker.answered(&datagram, 1_300), Some(stamps));
        assert_eq!(asker.answered(&datagram, 1_301), None, "answered before");
        assert_eq!(asker.answered(&answer(78, 0, 0), 1_300), None, "never asked");
    }

    #[test]
    fn what_cannot_have_happened_is_no_answer() {
        for (received, replied) in [(0, 101), (1, 0), (i64::MIN, i64::MAX), (i64::MAX, i64::MIN)] {
            let mut asker = Asker::default();
            asker.ask(7, 1_000);
            assert_eq!(asker.answered(&answer(7, received, replied), 1_100), None, "{received} {replied}");
        }
    }

    #[test]
    fn questions_are_many_at_first_and_then_eight_a_second() {
        let mut asker = Asker::default();
        let (mut now_ms, mut asked_at) = (0, Vec::new());
        while now_ms < 23_000 {
            asker.ask(now_ms, 0);
            asked_at.push(now_ms);
            now_ms += asker.pause_ms();
        }
        assert_eq!(asked_at.iter().filter(|at| **at < 3_000).count(), 60);
        assert!((155..=165).contains(&asked_at.iter().filter(|at| **at >= 3_000).count()), "{}", asked_at.len());
        assert!(asker.open.len() <= OPEN_MAX);
    }

    #[test]
    fn the_asker_keeps_within_the_allowance_and_a_flood_does_not() {
        let (mut asker, mut allowance, mut now_ms) = (Asker::default(), Allowance::new(40, 20), 0);
        for _ in 0..200 {
            asker.ask(0, 0);
            assert!(allowance.take(now_ms * 1_000_000));
            now_ms += asker.pause_ms() as i64;
        }
        let mut allowance = Allowance::new(40, 20);
        let allowed = (0..10_000).filter(|i| allowance.take(i * 1_000_000)).count();
        assert!((410..=421).contains(&allowed), "{allowed} in 10 s");
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne(datagram in prop::collection::vec(any::<u8>(), 0..40), now: i64) {
            let mut asker = Asker::default();
            asker.ask(1, 0);
            prop_assert!(asker.answered(&datagram, now).is_none() || datagram.len() == PONG_BYTES);
            prop_assert!(question(&datagram).is_none() || datagram.len() == PING_BYTES);
        }

        #[test]
        fn only_the_exact_length_is_read(nonce: u64, cut in 0usize..25) {
            let mut asker = Asker::default();
            asker.ask(nonce, 0);
            let whole = answer(nonce, 5, 6);
            prop_assert_eq!(asker.answered(&whole[..cut], 10), None);
            prop_assert_eq!(asker.answered(&[&whole[..], &[0]].concat(), 10), None);
            prop_assert!(asker.answered(&whole, 10).is_some());
        }
    }
}
