use proptest::prelude::*;

use super::*;

const MS: f64 = 1e6;
const SECOND: f64 = 1e9;

/// `SplitMix64` (Steele, Lea, Flood 2014): the same luck in every run.
struct Dice(u64);

impl Dice {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A path between two clocks, in true nanoseconds since the start. Order is kept: a message leaves the wire no sooner than the one before it.
struct Path {
    /// What it takes in each direction without jitter.
    delay_ns: fn(f64) -> [f64; 2],
    jitter_ns: f64,
    loss: f64,
    /// Nothing passes from then to then.
    blackout_ns: [f64; 2],
    drift: f64,
    /// From then to then our clock goes faster by this, because its system sets it.
    bend: [f64; 3],
    /// Our clock stood still at this time for this long.
    suspend_ns: [f64; 2],
}

const LAN: Path = Path {
    delay_ns: |_| [0.1 * MS; 2],
    jitter_ns: 0.05 * MS,
    loss: 0.0,
    blackout_ns: [0.0; 2],
    drift: 100e-6,
    bend: [0.0; 3],
    suspend_ns: [f64::INFINITY, 0.0],
};
const WAN: Path = Path { delay_ns: |_| [40.0 * MS; 2], jitter_ns: 5.0 * MS, loss: 0.01, ..LAN };

/// Both clocks count from far apart and from odd times.
const HOST_ZERO: i64 = 7_000_000_000_000_000_123;
const OWN_ZERO: i64 = -1_234_567_890_123;

impl Path {
    fn own_ns(&self, true_ns: f64) -> i64 {
        let awake = if true_ns > self.suspend_ns[0] { (true_ns - self.suspend_ns[1]).max(self.suspend_ns[0]) } else { true_ns };
        let [from_ns, to_ns, extra] = self.bend;
        OWN_ZERO + (awake * (1.0 + self.drift) + (awake.clamp(from_ns, to_ns) - from_ns) * extra) as i64
    }

    /// Several lives, with the drift to both sides.
    fn runs(&self, seconds: f64) -> Vec<Look> {
        (1..=4).flat_map(|seed| [self.drift, -self.drift].map(|drift| Self { drift, ..*self }.run(seconds, seed))).flatten().collect()
    }

    /// Lives through `seconds` and looks at the estimate every 20 ms, from the first answer on.
    fn run(&self, seconds: f64, seed: u64) -> Vec<Look> {
        let mut dice = Dice(seed);
        let mut estimate = Estimate::default();
        let mut arrived_ns = [0.0; 2];
        let mut on_the_way: Vec<(f64, Stamps)> = Vec::new();
        let mut looks = Vec::new();
        let mut next_ping_ns = 0.0;
        for tick in 0..(seconds / 0.02) as i64 {
            let now_ns = tick as f64 * 0.02 * SECOND;
            let is_asleep = now_ns > self.suspend_ns[0] && now_ns < self.suspend_ns[0] + self.suspend_ns[1];
            if is_asleep {
                next_ping_ns = self.suspend_ns[0] + self.suspend_ns[1] + 0.05 * SECOND;
                on_the_way.clear();
                continue;
            }
            while next_ping_ns <= now_ns {
                let sent_ns = next_ping_ns;
                next_ping_ns += if sent_ns < 3.0 * SECOND { 0.05 } else { 0.125 } * SECOND;
                let mut hop = |at_ns: f64, way: usize| {
                    let late_ns = (self.delay_ns)(at_ns)[way] + self.jitter_ns * (2.0 * dice.unit() - 1.0);
                    let is_lost = dice.unit() < self.loss || (self.blackout_ns[0] <= at_ns && at_ns < self.blackout_ns[1]);
                    arrived_ns[way] = (at_ns + late_ns).max(arrived_ns[way]);
                    (!is_lost).then_some(arrived_ns[way])
                };
                let Some(received_ns) = hop(sent_ns, 0) else { continue };
                let replied_ns = received_ns + 20_000.0;
                let Some(returned_ns) = hop(replied_ns, 1) else { continue };
                on_the_way.push((
                    returned_ns,
                    Stamps {
                        sent_ns: self.own_ns(sent_ns),
                        received_ns: HOST_ZERO / 8 + received_ns as i64,
                        replied_ns: HOST_ZERO / 8 + replied_ns as i64,
                        returned_ns: self.own_ns(returned_ns),
                    },
                ));
            }
            on_the_way.retain(|&(returned_ns, stamps)| {
                if returned_ns <= now_ns {
                    estimate.feed(stamps, self.own_ns(now_ns));
                }
                returned_ns > now_ns
            });
            if let Some(room) = estimate.room_at(self.own_ns(now_ns)) {
                let error_ns = (room.ns() - HOST_ZERO / 8) as f64 - now_ns;
                looks.push(Look { at_s: now_ns / SECOND, error_ms: error_ns / MS, quality: estimate.quality(self.own_ns(now_ns)) });
            }
        }
        looks
    }
}

#[derive(Clone, Copy)]
struct Look {
    at_s: f64,
    error_ms: f64,
    quality: Quality,
}

/// The errors in some part of all lives, in ms, in ascending order.
fn errors_ms(looks: &[Look], from_s: f64) -> Vec<f64> {
    let mut errors: Vec<f64> = looks.iter().filter(|look| look.at_s >= from_s).map(|look| look.error_ms.abs()).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

fn worst_ms(looks: &[Look], from_s: f64) -> f64 {
    errors_ms(looks, from_s).last().copied().unwrap()
}

fn p95_ms(looks: &[Look], from_s: f64) -> f64 {
    let errors = errors_ms(looks, from_s);
    errors[errors.len() * 95 / 100]
}

/// By how much the rate shown differs from the true one while it is said to be settled: looks are 20 ms apart.
fn worst_slew_ppm(looks: &[Look]) -> f64 {
    let pairs = looks.windows(2).filter(|pair| pair[1].at_s > pair[0].at_s && pair.iter().all(|look| look.quality.is_settled));
    let slews = pairs.map(|pair| (pair[1].error_ms - pair[0].error_ms).abs() / (pair[1].at_s - pair[0].at_s) * 1e3);
    slews.fold(0.0, f64::max)
}

#[test]
fn nearby_it_is_right_to_a_tenth_of_a_millisecond_after_three_seconds() {
    for drift in [100e-6, 300e-6] {
        let looks = Path { drift, ..LAN }.runs(15.0);
        assert!(worst_ms(&looks, 3.0) < 0.1, "{}", worst_ms(&looks, 3.0));
        assert!(looks.iter().all(|look| look.at_s < 1.5 || look.quality.is_settled));
    }
}

#[test]
fn far_away_it_is_right_to_a_millisecond_from_the_fifth_second_on() {
    let looks = WAN.runs(120.0);
    assert!(p95_ms(&looks, 5.0) < 0.5, "{}", p95_ms(&looks, 5.0));
    assert!(worst_ms(&looks, 5.0) < 1.5, "{}", worst_ms(&looks, 5.0));
    assert!(worst_slew_ppm(&looks) < 500.0, "{}", worst_slew_ppm(&looks));
    let later: Vec<_> = looks.iter().filter(|look| look.at_s > 60.0).collect();
    assert!(later.iter().all(|look| (look.quality.drift_ppm.abs() - 100.0).abs() < 15.0));
    assert!(later.iter().all(|look| (72_000_000..90_000_000).contains(&look.quality.round_trip_now_ns)));
    assert!(later.iter().all(|look| (1_000_000..10_000_000).contains(&look.quality.jitter_ns)));
}

#[test]
fn what_it_says_of_its_error_is_true() {
    for path in [LAN, WAN, Path { jitter_ns: 15.0 * MS, ..WAN }] {
        let looks = path.runs(60.0);
        let kept = looks.iter().filter(|look| look.error_ms.abs() * MS <= look.quality.error_ns as f64).count();
        assert!(kept as f64 > 0.9 * looks.len() as f64, "{kept} of {}", looks.len());
    }
}

#[test]
fn a_queue_in_one_direction_does_not_move_it() {
    let early = |t: f64| [if (10e9..30e9).contains(&t) { 70.0 * MS } else { 40.0 * MS }, 40.0 * MS];
    let late = |t: f64| [40.0 * MS, if (60e9..80e9).contains(&t) { 70.0 * MS } else { 40.0 * MS }];
    let drained = |t: f64| [if t > 20e9 && t % 5e9 > 0.4e9 { 70.0 * MS } else { 40.0 * MS }, 40.0 * MS];
    for delay_ns in [early, late, drained] {
        let looks = Path { delay_ns, ..WAN }.runs(120.0);
        assert!(worst_ms(&looks, 5.0) < 3.0, "{}", worst_ms(&looks, 5.0));
        assert!(worst_slew_ppm(&looks) < 500.0, "{}", worst_slew_ppm(&looks));
    }
}

#[test]
fn a_queue_at_the_beginning_is_noticed_once_it_goes() {
    let delay_ns = |t: f64| [if t < 4e9 { 70.0 * MS } else { 40.0 * MS }, 40.0 * MS];
    let looks = Path { delay_ns, ..WAN }.runs(30.0);
    assert!(worst_ms(&looks, 7.0) < 4.0 && worst_ms(&looks, 20.0) < 2.0, "{} {}", worst_ms(&looks, 7.0), worst_ms(&looks, 20.0));
    assert!(looks.iter().all(|look| look.at_s < 7.0 || look.quality.restarts >= 1));
}

#[test]
fn without_answers_it_coasts() {
    for until_s in [22.0, 50.0, 120.0] {
        let looks = Path { blackout_ns: [20.0 * SECOND, until_s * SECOND], ..WAN }.runs(until_s + 10.0);
        assert!(worst_ms(&looks, 20.0) < 0.05 * (until_s - 20.0).max(30.0), "{}", worst_ms(&looks, 20.0));
        assert!(looks.iter().all(|look| look.quality.restarts == 0));
    }
}

#[test]
fn after_a_suspend_it_starts_anew_and_says_so() {
    for (path, asleep_s) in [(&LAN, 300.0), (&WAN, 300.0), (&WAN, 1.0)] {
        let path = Path { suspend_ns: [30.0 * SECOND, asleep_s * SECOND], ..*path };
        let looks = path.runs(asleep_s + 40.0);
        assert!(worst_ms(&looks, asleep_s + 33.0) < 2.0, "{}", worst_ms(&looks, asleep_s + 33.0));
        assert!(looks.iter().filter(|look| look.at_s > asleep_s + 31.0).all(|look| look.quality.restarts == 1));
        assert!(looks.iter().filter(|look| look.at_s > asleep_s + 33.0).all(|look| look.quality.is_settled));
    }
}

#[test]
fn another_path_is_learnt() {
    let shorter = |t: f64| [if t > 20e9 { 10.0 * MS } else { 40.0 * MS }; 2];
    let longer = |t: f64| [if t > 20e9 { 40.0 * MS } else { 10.0 * MS }; 2];
    for (delay_ns, round_trip_ms) in [(shorter as fn(f64) -> [f64; 2], 20.0), (longer, 80.0)] {
        let looks = Path { delay_ns, ..WAN }.runs(150.0);
        assert!(worst_ms(&looks, 5.0) < 3.0, "{}", worst_ms(&looks, 5.0));
        assert!(worst_slew_ppm(&looks) < 500.0, "{}", worst_slew_ppm(&looks));
        let learnt = looks.last().unwrap().quality.round_trip_min_ns as f64 / MS;
        assert!((round_trip_ms - 10.0..round_trip_ms + 2.0).contains(&learnt), "{learnt}");
    }
}

#[test]
fn a_clock_that_its_system_steers_is_followed() {
    for (path, limit_ms) in [(&LAN, 0.5), (&WAN, 3.0)] {
        let looks = Path { bend: [40.0 * SECOND, 60.0 * SECOND, 200e-6], ..*path }.runs(120.0);
        assert!(worst_ms(&looks, 40.0) < limit_ms, "{}", worst_ms(&looks, 40.0));
    }
}

fn stamps(sent_ns: i64, received_ns: i64, replied_ns: i64, returned_ns: i64) -> Stamps {
    Stamps { sent_ns, received_ns, replied_ns, returned_ns }
}

#[test]
fn nonsense_is_counted_and_ignored() {
    let mut estimate = Estimate::default();
    assert_eq!((estimate.room_at(5), estimate.mono_ns_at(RoomTime::ZERO)), (None, None));
    assert_eq!(estimate.feed(stamps(0, 1000, 1000, 100), 100), Fed::Taken);
    let good = estimate.room_at(100);
    let nonsense = [
        stamps(200, 1200, 1200, 199),                 // came before it went
        stamps(200, 1200, 1199, 300),                 // answered before it was received
        stamps(200, 1200, 1400, 300),                 // longer at the host's than altogether
        stamps(200, i64::MAX, i64::MAX, 300),         // a time nobody has
        stamps(200, i64::MIN, i64::MIN, 300),         // nor this
        stamps(200, 1200, 1200, 20_000_000_000),      // too late
        stamps(i64::MIN, 1200, 1200, i64::MAX),       // overflows
        stamps(200, i64::MIN / 2, i64::MAX / 2, 300), // overflows
    ];
    for (count, &stamps) in nonsense.iter().enumerate() {
        assert_eq!(estimate.feed(stamps, 400), Fed::Nonsense, "{stamps:?}");
        assert_eq!(estimate.quality(400).nonsense, count as u32 + 1);
    }
    assert_eq!(estimate.room_at(100), good);
    assert_eq!(estimate.feed(stamps(500, 1500, 1500, 600), 600), Fed::Taken);
    assert_eq!(estimate.quality(600).nonsense, 0);
}

#[test]
fn one_sample_alone_does_not_move_a_settled_clock() {
    let mut estimate = Estimate::default();
    let ping =
        |n: i64, offset_ns: i64| stamps(n * 50_000_000, n * 50_000_000 + offset_ns, n * 50_000_000 + offset_ns, n * 50_000_000 + 200_000);
    for n in 0..60 {
        assert_eq!(estimate.feed(ping(n, 100_000), n * 50_000_000 + 200_000), Fed::Taken);
    }
    let now_ns = 3_000_200_000;
    for _ in 0..3 {
        assert_eq!(estimate.feed(ping(60, 3_600_000_000_000), now_ns), Fed::Doubted);
    }
    assert_eq!(estimate.feed(ping(60, 100_000), now_ns), Fed::Taken);
    assert!(estimate.quality(now_ns).is_settled);
    assert!((estimate.room_at(now_ns).unwrap().ns() - now_ns).abs() < 100_000);
}

#[test]
fn memory_is_bounded() {
    let mut estimate = Estimate::default();
    let mut dice = Dice(1);
    for n in 0..20_000_i64 {
        let (sent_ns, late_ns) = (n * 30_000_000, (dice.bits() % 40_000_000) as i64 + if n > 100 { 30_000_000 } else { 0 });
        estimate.feed(stamps(sent_ns, sent_ns + late_ns, sent_ns + late_ns, sent_ns + late_ns + 1000), sent_ns + late_ns + 1000);
        assert!(estimate.known.as_ref().unwrap().window.span_ns() <= 122.0 * SECOND);
        assert!(estimate.doubts.len() < PROOFS);
    }
}

/// What a host may answer: mostly plausible, some odd, some wild. Our own stamps are ours.
fn any_answer() -> impl Strategy<Value = (i64, i64)> {
    let odd = (i64::MIN / 4..i64::MAX / 4, 0..200_000_000_i64).prop_map(|(received, stay)| (received, received + stay));
    let plausible = (-100_000_000..100_000_000_i64, 0..1_000_000_i64).prop_map(|(received, stay)| (received, received + stay));
    prop_oneof![1 => any::<(i64, i64)>(), 2 => odd, 8 => plausible]
}

proptest! {
    #[test]
    fn whatever_the_host_says_the_clock_shown_grows_is_smooth_and_can_be_inverted(
        own_zero in i64::MIN / 8..i64::MAX / 8,
        pings in prop::collection::vec((any_answer(), 0..2_000_000_000_i64, 0..200_000_000_i64), 1..60),
    ) {
        let mut estimate = Estimate::default();
        let mut now_ns = own_zero;
        for ((received_ns, replied_ns), later_ns, round_trip_ns) in pings {
            now_ns += later_ns;
            let (room, quality) = (estimate.room_at(now_ns), estimate.quality(now_ns));
            let fed = estimate.feed(stamps(now_ns - round_trip_ns, received_ns, replied_ns, now_ns), now_ns);
            if matches!(fed, Fed::Nonsense | Fed::Doubted) || (quality.is_settled && fed != Fed::Restarted) {
                prop_assert_eq!(room, estimate.room_at(now_ns));
            }
            prop_assert_eq!(estimate.quality(now_ns).restarts, quality.restarts + u32::from(fed == Fed::Restarted));
            let Some(mut last) = estimate.room_at(now_ns) else { continue };
            for step_ns in [1, 2, 1000, 1_000_000, 1_000_000_000, 60_000_000_000, 1 << 55, i64::MAX] {
                let next = estimate.room_at(now_ns.saturating_add(step_ns)).unwrap();
                prop_assert!(next >= last);
                last = next;
            }
            for near_ns in [-1_000_000_000, -1, 0, 1, 1_000_000, 3_000_000_000, 600_000_000_000] {
                let mono_ns = now_ns + near_ns;
                let back_ns = estimate.mono_ns_at(estimate.room_at(mono_ns).unwrap()).unwrap();
                prop_assert!((back_ns - mono_ns).abs() <= 2, "{} for {}", back_ns, mono_ns);
            }
        }
    }

    #[test]
    fn nothing_panics_and_time_never_runs_backwards(
        fed in prop::collection::vec((any::<[i64; 4]>(), 0..i64::MAX / 4, any::<i64>()), 1..40),
        mut asked in prop::collection::vec(any::<i64>(), 2..20),
    ) {
        let mut estimate = Estimate::default();
        for ([sent_ns, received_ns, _, _], stay_ns, now_ns) in fed {
            let (sent_ns, received_ns, stay_ns) = (sent_ns / 4, received_ns / 4, stay_ns % 1_000_000_000);
            estimate.feed(stamps(sent_ns, received_ns, received_ns + stay_ns, sent_ns + 2 * stay_ns), now_ns);
            prop_assert!(estimate.quality(now_ns).error_ns >= 0);
        }
        asked.sort_unstable();
        let shown: Vec<_> = asked.iter().map(|&mono_ns| estimate.room_at(mono_ns)).collect();
        prop_assert!(shown.is_sorted());
        let inverted: Vec<_> = asked.iter().map(|&room_ns| estimate.mono_ns_at(RoomTime::from_ns(room_ns))).collect();
        prop_assert!(inverted.is_sorted());
    }
}
