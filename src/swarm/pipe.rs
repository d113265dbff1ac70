use super::pieces::PIECE_BYTES;

/// What a line was seen to bring: how many requests fill it, and how long an answer may take.
#[derive(Debug, Clone, Default)]
pub(super) struct Pipe {
    bytes_per_second: Option<f64>,
    sample_bytes: u64,
    sample_ns: i64,
    last_arrival_ns: i64,
    /// Time-outs since the last arrival.
    stalls: u32,
}

impl Pipe {
    /// A piece came that was asked for at `asked_ns`.
    pub(super) fn arrived(&mut self, bytes: usize, asked_ns: i64, now_ns: i64) {
        // Before it was asked for the line may have been idle.
        self.sample_ns += now_ns.saturating_sub(asked_ns.max(self.last_arrival_ns)).max(0);
        self.sample_bytes += bytes as u64;
        self.last_arrival_ns = now_ns;
        self.stalls = 0;
        if self.sample_ns >= SAMPLE_NS || self.sample_bytes >= SAMPLE_BYTES {
            let seen = self.sample_bytes as f64 * 1e9 / self.sample_ns.max(1_000_000) as f64;
            self.bytes_per_second = Some(self.bytes_per_second.map_or(seen, |before| (before + seen) / 2.0));
            (self.sample_bytes, self.sample_ns) = (0, 0);
        }
    }

    /// Nothing came for as long as the patience.
    pub(super) fn stalled(&mut self, now_ns: i64) {
        self.stalls += 1;
        self.last_arrival_ns = self.last_arrival_ns.max(now_ns);
    }

    /// How many pieces under way keep the line full: half a second of what it brings, which is more than its round trip.
    pub(super) fn in_flight_max(&self) -> usize {
        let pieces = self.bytes_per_second.unwrap_or(0.0) * 0.5 / PIECE_BYTES as f64;
        (pieces.ceil() as usize).clamp(IN_FLIGHT_MIN, IN_FLIGHT_MAX)
    }

    /// Whether an answer is overdue. The line is reliable: what is late is slow, and asking again costs what already came of it. So the patience is long, and
    /// doubles each time it was too short.
    pub(super) fn is_overdue(&self, asked_ns: i64, now_ns: i64) -> bool {
        now_ns >= self.overdue_ns(asked_ns)
    }

    /// When an answer will be overdue if nothing comes.
    pub(super) fn overdue_ns(&self, asked_ns: i64) -> i64 {
        let patience_ns = self.patience_ns();
        // Others may be served first, but not for ever.
        let silent_ns = asked_ns.max(self.last_arrival_ns).saturating_add(patience_ns);
        silent_ns.min(asked_ns.saturating_add(patience_ns.saturating_mul(4)))
    }

    /// What the line brings, if it was seen.
    pub(super) const fn bytes_per_second(&self) -> Option<f64> {
        self.bytes_per_second
    }

    fn patience_ns(&self) -> i64 {
        let piece_ns = self.bytes_per_second.map_or(0.0, |rate| PIECE_BYTES as f64 * 1e9 / rate.max(1.0));
        let patience_ns = if self.bytes_per_second.is_some() { piece_ns.mul_add(8.0, 3e9) } else { 15e9 };
        (patience_ns.clamp(5e9, 60e9) as i64) << self.stalls.min(4)
    }
}

/// Pieces under way before anything is known: a start must not wait for a round trip.
const IN_FLIGHT_MIN: usize = 4;
/// 4 MiB: 100 Mbit/s over 0.3 s.
pub(super) const IN_FLIGHT_MAX: usize = 16;
const SAMPLE_NS: i64 = 100_000_000;
const SAMPLE_BYTES: u64 = 8 * PIECE_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(bytes_per_second: f64, pieces: i64) -> Pipe {
        let mut pipe = Pipe::default();
        let piece_ns = PIECE_BYTES as f64 * 1e9 / bytes_per_second;
        for piece in 1..=pieces {
            pipe.arrived(PIECE_BYTES as usize, 0, (piece as f64 * piece_ns) as i64);
        }
        pipe
    }

    #[test]
    fn a_fast_line_gets_more_requests_than_a_slow_one() {
        assert_eq!(Pipe::default().in_flight_max(), 4);
        assert_eq!([1e5, 2.5e6, 4e6, 1e8].map(|rate| fed(rate, 20).in_flight_max()), [4, 5, 8, 16]);
    }

    #[test]
    fn patience_follows_what_the_line_brings_and_doubles() {
        let overdue_s = |pipe: &Pipe| (pipe.overdue_ns(i64::from(u32::MAX) * 1000) - i64::from(u32::MAX) * 1000) as f64 / 1e9;
        assert_eq!(overdue_s(&Pipe::default()), 15.0);
        assert_eq!(overdue_s(&fed(1e7, 20)), 5.0);
        let mut slow = fed(1e5, 20);
        assert!((20.0..30.0).contains(&overdue_s(&slow)), "{}", overdue_s(&slow));
        let before_s = overdue_s(&slow);
        slow.stalled(0);
        assert_eq!(overdue_s(&slow), 2.0 * before_s);
    }

    #[test]
    fn many_pieces_at_one_instant_are_a_fast_line_and_no_division_by_zero() {
        let mut pipe = Pipe::default();
        (0..8).for_each(|_| pipe.arrived(PIECE_BYTES as usize, 5, 5));
        assert_eq!(pipe.in_flight_max(), 16);
    }
}
