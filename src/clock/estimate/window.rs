use std::collections::VecDeque;

use super::envelope::Point;

/// The best of each quarter of a second, for as long as it says something about now.
///
/// Usually that is the last minute. While the path is loaded (no round trip within 15 ms of the shortest), nothing is forgotten, because what is new is worse; but after
/// a minute of that the path has changed, and everything from before is forgotten at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    quarters: VecDeque<Quarter>,
}

impl Window {
    /// Takes one sample; one that comes too late counts as the newest, which its delay does not notice. `rate` compares samples within a quarter.
    pub(super) fn add(&mut self, at_ns: f64, forward_ns: f64, backward_ns: f64, rate: f64) {
        let at_ns = self.quarters.back().map_or(at_ns, |last| at_ns.max(last.forward.at_ns).max(last.backward.at_ns));
        let number = (at_ns / QUARTER_NS).floor() as i64;
        let forward = Point { at_ns, delay_ns: forward_ns };
        let backward = Point { at_ns, delay_ns: backward_ns };
        let round_trip_ns = forward_ns + backward_ns;
        match self.quarters.back_mut() {
            Some(quarter) if quarter.number >= number => {
                if forward_ns - rate * at_ns < quarter.forward.delay_ns - rate * quarter.forward.at_ns {
                    quarter.forward = forward;
                }
                if backward_ns + rate * at_ns < quarter.backward.delay_ns + rate * quarter.backward.at_ns {
                    quarter.backward = backward;
                }
                quarter.round_trip_ns = quarter.round_trip_ns.min(round_trip_ns);
            }
            _ => self.quarters.push_back(Quarter { number, forward, backward, round_trip_ns }),
        }
        self.forget(number);
    }

    fn forget(&mut self, newest: i64) {
        let clear = self.round_trip_ns() + LOADED_NS;
        let last_clear = self.quarters.iter().rev().find(|quarter| quarter.round_trip_ns <= clear).map_or(newest, |quarter| quarter.number);
        let oldest = match newest - last_clear {
            SPELL..=HOLD => i64::MIN,
            ..SPELL => newest - WINDOW,
            _ => last_clear + 1,
        };
        while self.quarters.len() > QUARTERS_MAX || self.quarters.front().is_some_and(|quarter| quarter.number < oldest) {
            self.quarters.pop_front();
        }
    }

    /// Forgets the oldest quarter; `false` if it is the only one.
    pub(super) fn forget_oldest(&mut self) -> bool {
        self.quarters.len() > 1 && self.quarters.pop_front().is_some()
    }

    /// The shortest round trip.
    pub(super) fn round_trip_ns(&self) -> f64 {
        self.quarters.iter().map(|quarter| quarter.round_trip_ns).fold(f64::INFINITY, f64::min)
    }

    /// How much time it covers.
    pub(super) fn span_ns(&self) -> f64 {
        let (Some(first), Some(last)) = (self.quarters.front(), self.quarters.back()) else { return 0.0 };
        (last.number - first.number) as f64 * QUARTER_NS
    }

    /// The best points forth and back, ordered by time: of all quarters, and of those alone that have no short round trip.
    ///
    /// The latter without the first and the last of a spell: there one way may be loaded already and the other not yet.
    pub(super) fn points(&self) -> [[Vec<Point>; 2]; 2] {
        let clear = self.round_trip_ns() + LOADED_NS;
        let is_loaded = |index: usize| self.quarters.get(index).is_some_and(|quarter| quarter.round_trip_ns > clear);
        let is_amid_load = |index: usize| {
            is_loaded(index) && (index == 0 || is_loaded(index - 1)) && (index + 1 == self.quarters.len() || is_loaded(index + 1))
        };
        let loaded = self.quarters.iter().enumerate().filter(|&(index, _)| is_amid_load(index)).map(|(_, quarter)| quarter);
        [both_ways(self.quarters.iter()), both_ways(loaded)]
    }
}

fn both_ways<'a>(quarters: impl Iterator<Item = &'a Quarter>) -> [Vec<Point>; 2] {
    let (forward, backward) = quarters.map(|quarter| (quarter.forward, quarter.backward)).unzip();
    [forward, backward]
}

#[derive(Debug, Clone, Copy)]
struct Quarter {
    number: i64,
    forward: Point,
    backward: Point,
    round_trip_ns: f64,
}

const QUARTER_NS: f64 = 250e6;
/// A minute: long enough for a drift to 2 ppm at ±5 ms of jitter, short enough for a drift to be constant. In quarters of a second, like all below.
const WINDOW: i64 = 240;
/// What is worse than this beside the shortest is a queue, not jitter.
const LOADED_NS: f64 = 15e6;
/// Shorter spells without a short round trip are chance.
const SPELL: i64 = 8;
/// A load that never lets a short one through for this long is a new path. BBR drains its queue every 5 s.
const HOLD: i64 = 240;
const QUARTERS_MAX: usize = (WINDOW + HOLD + 2) as usize;
