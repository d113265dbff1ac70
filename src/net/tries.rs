use std::{collections::BTreeMap, net::IpAddr};

use super::ParticipantId;

/// Counts what somebody does at the door, per address or per participant, so that nobody does it for long. Pure.
///
/// A secret cannot be guessed anyway; this keeps the log and the machine quiet.
#[derive(Debug)]
pub(super) struct Tries {
    /// So many a minute.
    max: u32,
    counted: BTreeMap<Who, (i64, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Address(IpAddr),
    Participant(ParticipantId),
}

impl Who {
    /// A home has a whole /64 of IPv6.
    pub(super) fn at(ip: IpAddr) -> Self {
        Self::Address(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
            ip @ IpAddr::V4(_) => ip,
        })
    }
}

impl Tries {
    pub(super) fn new(max: u32) -> Self {
        Self { max, counted: BTreeMap::new() }
    }

    pub(super) fn is_blocked(&self, who: Who, now_ns: i64) -> bool {
        self.counted.get(&who).is_some_and(|(since_ns, count)| *count >= self.max && now_ns.saturating_sub(*since_ns) < WINDOW_NS)
    }

    pub(super) fn count(&mut self, who: Who, now_ns: i64) {
        self.counted.retain(|_, (since_ns, _)| now_ns.saturating_sub(*since_ns) < WINDOW_NS);
        if self.counted.len() >= KEPT_MAX && !self.counted.contains_key(&who) {
            return; // a flood from everywhere; the proofs stand on their own
        }
        let (_, count) = self.counted.entry(who).or_insert((now_ns, 0));
        *count = count.saturating_add(1);
    }
}

const WINDOW_NS: i64 = 60_000_000_000;
const KEPT_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_tries_cost_a_minute() {
        let (mut tries, who) = (Tries::new(10), Who::at([10, 0, 0, 1].into()));
        for now in 0..10 {
            assert!(!tries.is_blocked(who, now));
            tries.count(who, now);
        }
        assert!(tries.is_blocked(who, 10) && !tries.is_blocked(Who::at([10, 0, 0, 2].into()), 10));
        assert!(!tries.is_blocked(who, WINDOW_NS));
        tries.count(who, WINDOW_NS);
        assert!(!tries.is_blocked(who, WINDOW_NS));
    }

    #[test]
    fn the_list_stays_short_and_a_home_counts_once() {
        let mut tries = Tries::new(10);
        for i in 0..10_000u32 {
            tries.count(Who::Address(i.to_be_bytes().into()), 0);
        }
        assert_eq!(tries.counted.len(), KEPT_MAX);
        let ip = |text: &str| Who::at(text.parse().unwrap());
        assert_eq!(ip("2001:db8::1"), ip("2001:db8::ffff:1"));
        assert_eq!(ip("::ffff:10.0.0.1"), ip("10.0.0.1"));
    }
}
