/// Starts, stops and changes of rate that are dated for later, in the order of their dates, each another rate than the one before.
///
/// The newest word wins: an order takes back whatever was dated for the same time or later, and moves the last of its own kind.
#[derive(Default)]
pub(super) struct Plans {
    dated: Vec<Plan>,
}

impl Plans {
    pub(super) fn with_room() -> Self {
        Self { dated: Vec::with_capacity(PLANS_MAX) }
    }

    /// Plans to play (or to stand) from `at_ns` on; `rate` says what is done before all plans.
    pub(super) fn add(&mut self, plan: Plan, rate: f64) {
        while self.dated.last().is_some_and(|last| last.at_ns >= plan.at_ns) {
            self.dated.pop();
        }
        let is_full = self.dated.len() == PLANS_MAX;
        match self.dated.last_mut() {
            Some(last) if last.rate == plan.rate => *last = plan,
            None if rate == plan.rate => {}
            // What was to happen just before is given up: the newest word is where it ends.
            Some(last) if is_full => *last = plan,
            _ => self.dated.push(plan),
        }
    }

    /// The next plan that concerns the frame at `now_ns`: a start not before its time, a stop at the last frame that is not after it,
    /// so that the place moves on to the exact one in both.
    pub(super) fn due(&mut self, now_ns: i64, frame_ns: f64) -> Option<Plan> {
        let next = self.dated.first()?;
        let early = if next.plays() { 0 } else { frame_ns as i64 };
        (next.at_ns <= now_ns.saturating_add(early)).then(|| self.dated.remove(0))
    }

    pub(super) fn clear(&mut self) {
        self.dated.clear();
    }
}

/// Play or stand from a moment on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    pub(super) at_ns: i64,
    /// Film against time; at 0 it stands.
    pub(super) rate: f64,
}

impl Plan {
    pub(super) const fn plays(&self) -> bool {
        self.rate > 0.0
    }
}

/// More than a room can agree on within its lead.
const PLANS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_word_wins() {
        let (start, stop) = (|at_ns| Plan { at_ns, rate: 1.0 }, |at_ns| Plan { at_ns, rate: 0.0 });
        let fast = |at_ns| Plan { at_ns, rate: 1.5 };
        let check = |plays: bool, words: &[Plan], left: &[Plan]| {
            let mut plans = Plans::with_room();
            words.iter().for_each(|word| plans.add(*word, if plays { 1.0 } else { 0.0 }));
            assert_eq!(plans.dated, left, "{words:?}");
        };
        check(false, &[start(10), stop(20)], &[start(10), stop(20)]);
        check(false, &[start(10), stop(10)], &[]);
        check(false, &[start(10), stop(5)], &[]);
        check(false, &[start(10), start(20)], &[start(20)]);
        check(false, &[start(10), start(5)], &[start(5)]);
        check(true, &[start(10)], &[]);
        check(true, &[stop(10), start(5)], &[]);
        check(true, &[stop(10), start(20), stop(15)], &[stop(15)]);
        check(true, &[fast(10), start(20)], &[fast(10), start(20)]);
        check(false, &[start(10), fast(10)], &[fast(10)]);
        check(true, &[fast(10), start(10)], &[]);
        let many: Vec<_> = (0..9).map(|k| if k % 2 == 0 { start(k) } else { stop(k) }).collect();
        check(false, &many, &[&many[..7], &many[8..]].concat());
    }
}
