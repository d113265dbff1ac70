/// What the arrivals of one person's packets say: how late the quickest come, and how long to hold what comes so that the others are in time.
///
/// A packet's *transit* is its arrival on our clock minus its tick on the sender's; only differences of transits mean anything. The least of the last seconds
/// is the *base*, and what a packet took beyond it is its delay. Delays go into a histogram that forgets; the target is a quantile of it (the idea of
/// `NetEq`'s delay manager in WebRTC, with its bins of 20 ms made 2.5). The quantile is deaf to what is rare, so a delay beyond it is remembered on its own:
/// delays come in families (a neighbour's upload, a scan for other radio cells), and each further one holds the target up for longer.
///
/// Both clocks may drift: the base is never older than [`WINDOW_SLOTS`] slots, in which 200 ppm are one millisecond.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    /// The least transit in each half second, newest first.
    minima_ns: [Option<i64>; WINDOW_SLOTS],
    slot: i64,
    histogram: [f32; BINS],
    packets: u32,
    quantile_ns: i64,
    peak: Option<Peak>,
}

/// Delays beyond what the quantile knows.
#[derive(Debug, Clone, Copy)]
struct Peak {
    delay_ns: i64,
    seen_ns: i64,
    /// How often one came while the former was remembered; those of one moment count once.
    count: u32,
    counted_ns: i64,
}

impl Arrivals {
    /// Nothing came yet.
    pub(super) const fn new() -> Self {
        let mut histogram = [0.0; BINS];
        histogram[(START_NS / BIN_NS) as usize] = 1.0;
        Self { minima_ns: [None; WINDOW_SLOTS], slot: 0, histogram, packets: 0, quantile_ns: START_NS, peak: None }
    }

    /// A packet came at `now_ns` that took `transit_ns`. One that was held back by its sender shows at most that the path is quicker than was thought.
    pub(super) fn arrived(&mut self, transit_ns: i64, was_held_back: bool, now_ns: i64) {
        let slot = now_ns.div_euclid(SLOT_NS);
        let passed = slot.saturating_sub(self.slot);
        if passed > 0 {
            let passed = usize::try_from(passed).unwrap_or(WINDOW_SLOTS).min(WINDOW_SLOTS);
            self.minima_ns.rotate_right(passed);
            self.minima_ns.iter_mut().take(passed).for_each(|minimum| *minimum = None);
            self.slot = slot;
        }
        if was_held_back && self.base_ns().is_some_and(|base_ns| base_ns <= transit_ns) {
            return;
        }
        if let Some(newest) = self.minima_ns.first_mut() {
            *newest = Some(newest.map_or(transit_ns, |least_ns| least_ns.min(transit_ns)));
        }
        let delay_ns = transit_ns.saturating_sub(self.base_ns().unwrap_or(transit_ns)).max(0);
        if !was_held_back {
            self.count(delay_ns, now_ns);
        }
    }

    /// The transit of the quickest packet of the last seconds; none before the first.
    pub(super) fn base_ns(&self) -> Option<i64> {
        self.minima_ns.iter().flatten().copied().min()
    }

    /// How long after the quickest packet's way a tick is to be played.
    pub(super) fn target_ns(&self, now_ns: i64) -> i64 {
        let peak_ns = self.peak.map_or(0, |peak| peak.worth_ns(now_ns));
        self.quantile_ns.saturating_add(MARGIN_NS).max(peak_ns).clamp(TARGET_MIN_NS, TARGET_MAX_NS)
    }

    fn count(&mut self, delay_ns: i64, now_ns: i64) {
        if delay_ns > self.target_ns(now_ns) {
            let former = self.peak.filter(|peak| peak.worth_ns(now_ns) > 0);
            let is_another = former.is_none_or(|peak| now_ns.saturating_sub(peak.counted_ns) > SAME_PEAK_NS);
            self.peak = Some(Peak {
                delay_ns: delay_ns.min(TARGET_MAX_NS),
                seen_ns: now_ns,
                count: former.map_or(0, |peak| peak.count).saturating_add(u32::from(is_another)),
                counted_ns: former.filter(|_| !is_another).map_or(now_ns, |peak| peak.counted_ns),
            });
        } else if let Some(peak) = &mut self.peak
            && delay_ns > self.quantile_ns.saturating_add(MARGIN_NS)
            && delay_ns > peak.delay_ns / 2
        {
            // Held in time thanks to what was remembered: worth remembering on.
            peak.seen_ns = now_ns;
        }
        self.packets = self.packets.saturating_add(1);
        // The first packets weigh more, or the guess of the beginning would stay for seconds.
        let keep = KEEP.min(1.0 - 2.0 / (self.packets as f32 + START_WEIGHT));
        self.histogram.iter_mut().for_each(|part| *part *= keep);
        let bin = usize::try_from(delay_ns / BIN_NS).unwrap_or(BINS).min(BINS - 1);
        if let Some(part) = self.histogram.get_mut(bin) {
            *part += 1.0 - keep;
        }
        let mut rest = 1.0 - QUANTILE;
        let mut above = BINS;
        for part in self.histogram.iter().rev() {
            rest -= part;
            if rest < 0.0 {
                break;
            }
            above -= 1;
        }
        self.quantile_ns = above as i64 * BIN_NS;
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::new()
    }
}

impl Peak {
    /// What it still asks for: all for a while, the longer the more there were, then less and less.
    fn worth_ns(&self, now_ns: i64) -> i64 {
        let age_ns = now_ns.saturating_sub(self.seen_ns);
        let held_ns = PEAK_HOLD_NS.saturating_mul(i64::from(self.count.min(PEAK_COUNT_MAX)));
        let fading_ns = age_ns.saturating_sub(held_ns).max(0);
        // Falls by its own height in PEAK_FADE_NS.
        self.delay_ns.saturating_sub((self.delay_ns as f64 * (fading_ns as f64 / PEAK_FADE_NS as f64)) as i64).max(0)
    }
}

const SLOT_NS: i64 = 500_000_000;
/// Five seconds: a path that became longer is believed after that.
const WINDOW_SLOTS: usize = 10;
const BIN_NS: i64 = 2_500_000;
/// Half a second in all; what is later than that counts as that late.
const BINS: usize = 200;
/// Before anything is known: between a wire at home and a bad radio link.
const START_NS: i64 = 40_000_000;
const START_WEIGHT: f32 = 10.0;
/// Of the histogram is left with each packet: a memory of one or two seconds. What is rarer is the peak's, which is raised by one packet and not by five in a
/// hundred; a longer memory on top of it only waits longer (the bench `voice.jitter`: 70 ms for 58, and no more frames in time than the other 10 ms would
/// have bought).
const KEEP: f32 = 0.99;
const QUANTILE: f32 = 0.95;
/// For the unevenness of the ear's own pulls.
const MARGIN_NS: i64 = 3_000_000;
/// One tick.
const TARGET_MIN_NS: i64 = 10_000_000;
/// Beyond it people talk at once (ITU-T G.114).
pub(super) const TARGET_MAX_NS: i64 = 400_000_000;
const PEAK_HOLD_NS: i64 = 250_000_000;
const PEAK_COUNT_MAX: u32 = 6;
const PEAK_FADE_NS: i64 = 2_000_000_000;
/// Late packets within this are one peak.
const SAME_PEAK_NS: i64 = 300_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: i64 = 1_000_000;

    /// Packets every 10 ms whose delays a function gives, from `from_ms` on.
    fn hear(arrivals: &mut Arrivals, from_ms: i64, to_ms: i64, delay_ms: impl Fn(i64) -> i64) {
        for at in (from_ms..to_ms).step_by(10) {
            let delay_ns = (70 + delay_ms(at / 10)) * MS;
            arrivals.arrived(delay_ns, false, at * MS + delay_ns);
        }
    }

    #[test]
    fn an_even_path_needs_one_tick_and_its_base_is_its_delay() {
        let mut arrivals = Arrivals::new();
        assert_eq!(arrivals.base_ns(), None);
        hear(&mut arrivals, 0, 2000, |_| 0);
        assert_eq!(arrivals.base_ns(), Some(70 * MS));
        assert_eq!(arrivals.target_ns(2000 * MS), TARGET_MIN_NS);
    }

    #[test]
    fn a_shaky_path_is_held_for_as_long_as_it_shakes() {
        let mut arrivals = Arrivals::new();
        hear(&mut arrivals, 0, 4000, |i| (i * 7919) % 50);
        let target_ns = arrivals.target_ns(4000 * MS);
        assert!((45 * MS..=60 * MS).contains(&target_ns), "{target_ns}");
    }

    #[test]
    fn a_peak_counts_at_once_and_is_forgotten_unless_more_come() {
        let mut once = Arrivals::new();
        hear(&mut once, 0, 3000, |_| 0);
        once.arrived(270 * MS, false, 3270 * MS);
        assert_eq!(once.target_ns(3270 * MS), 200 * MS);
        let mut often = once.clone();
        for peak in 1..4 {
            let at = 3000 + peak * 800;
            hear(&mut often, at - 790, at, |_| 0);
            often.arrived(270 * MS, false, (at + 270) * MS);
        }
        assert_eq!(once.target_ns((3270 + 2500) * MS), TARGET_MIN_NS);
        assert!(often.target_ns((3000 + 3 * 800 + 270 + 1200) * MS) > 150 * MS);
    }

    #[test]
    fn what_the_sender_held_back_says_nothing_of_the_path() {
        let mut arrivals = Arrivals::new();
        hear(&mut arrivals, 0, 3000, |_| 0);
        let before = arrivals.target_ns(3000 * MS);
        arrivals.arrived(110 * MS, true, 3000 * MS);
        assert_eq!(arrivals.target_ns(3000 * MS), before);
    }

    #[test]
    fn a_path_that_became_longer_is_believed_and_one_that_became_shorter_at_once() {
        let mut arrivals = Arrivals::new();
        hear(&mut arrivals, 0, 3000, |_| 0);
        hear(&mut arrivals, 3000, 25_000, |_| 80);
        assert_eq!(arrivals.base_ns(), Some(150 * MS));
        assert!(arrivals.target_ns(25_200 * MS) <= 15 * MS);
        hear(&mut arrivals, 25_100, 25_110, |_| -10);
        assert_eq!(arrivals.base_ns(), Some(60 * MS));
    }

    proptest! {
        #[test]
        fn any_times_give_a_target_within_bounds(times in prop::collection::vec((any::<i64>(), any::<bool>(), any::<i64>()), 1..100)) {
            let mut arrivals = Arrivals::new();
            for (transit_ns, was_held_back, now_ns) in times {
                arrivals.arrived(transit_ns, was_held_back, now_ns);
                prop_assert!((TARGET_MIN_NS..=TARGET_MAX_NS).contains(&arrivals.target_ns(now_ns)));
            }
        }
    }
}
