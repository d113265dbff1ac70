use proptest::prelude::*;

use super::*;
use crate::voice::{Head, testing::Random};

const MS: i64 = 1_000_000;
/// A CELT frame of 10 ms, and one of 20.
const TEN: u8 = 30 << 3;
const TWENTY: u8 = 31 << 3;

fn packet(tick: u32, ticks: u8) -> Packet {
    marked(Head { tick, ..Head::default() }, ticks)
}

fn marked(head: Head, ticks: u8) -> Packet {
    Packet::new(head, &[if ticks == 1 { TEN } else { TWENTY }, 1, 2, 3]).unwrap()
}

/// A buffer that plays a steady stream from tick 0 on; the first `count` ticks were played, the last at the time it says, and nothing is left in it.
fn playing(count: u32) -> (Jitter, i64) {
    let mut jitter = Jitter::new();
    let mut now_ns = 0;
    let mut played = 0;
    for tick in 0.. {
        now_ns = i64::from(tick) * 10 * MS;
        if tick < count {
            assert_eq!(jitter.put(packet(tick, 1), now_ns), Put::Kept);
        }
        played += u32::from(matches!(jitter.take(now_ns, 0), Step::Decode { .. }));
        if played == count {
            break;
        }
    }
    (jitter, now_ns)
}

fn name(step: &Step) -> String {
    match step {
        Step::Silence => "silence".to_owned(),
        Step::Decode { packet, skip_ticks: 0, .. } => format!("{}", packet.head.tick),
        Step::Decode { packet, skip_ticks, .. } => format!("{}+{skip_ticks}", packet.head.tick),
        Step::Recover { packet, skip_ticks: 0 } => format!("before {}", packet.head.tick),
        Step::Recover { packet, skip_ticks } => format!("before {}+{skip_ticks}", packet.head.tick),
        Step::Conceal => "conceal".to_owned(),
    }
}

/// What is played when these come at once into a buffer that has played 50 ticks.
fn check(packets: &[Packet], expected: &[&str]) {
    let (mut jitter, mut now_ns) = playing(50);
    now_ns += 10 * MS;
    for packet in packets {
        jitter.put(packet.clone(), now_ns);
    }
    let mut steps = Vec::new();
    for _ in expected {
        steps.push(name(&jitter.take(now_ns, 0)));
        now_ns += 10 * MS;
    }
    assert_eq!(steps, expected);
}

#[test]
fn order_does_not_matter_and_twice_is_once() {
    check(&[packet(51, 1), packet(50, 1), packet(53, 1), packet(51, 1), packet(52, 1)], &["50", "51", "52", "53", "conceal"]);
}

#[test]
fn a_voice_may_begin_out_of_order() {
    let mut jitter = Jitter::new();
    for tick in [1002, 1000, 1001, 1003] {
        assert_eq!(jitter.put(packet(tick, 1), i64::from(tick) * 10 * MS), Put::Kept);
    }
    let now_ns = 1003 * 10 * MS + 50 * MS;
    assert_eq!((0..4).map(|_| name(&jitter.take(now_ns, 0))).collect::<Vec<_>>(), ["1000", "1001", "1002", "1003"]);
}

#[test]
fn what_is_lost_is_repaired_from_the_next_or_made_up() {
    check(&[packet(51, 1), packet(52, 1)], &["before 51", "51", "52"]);
    check(&[packet(52, 2)], &["before 52", "52"]);
    check(&[packet(51, 2)], &["before 51+1", "51"]);
    check(&[packet(53, 1)], &["conceal", "conceal", "before 53", "53"]);
}

#[test]
fn the_second_half_is_played_of_what_came_after_its_first() {
    let (mut jitter, now_ns) = playing(50);
    let _ = jitter.put(packet(52, 1), now_ns);
    assert_eq!(name(&jitter.take(now_ns, 0)), "conceal");
    assert_eq!(jitter.put(packet(50, 2), now_ns), Put::Kept);
    assert_eq!(name(&jitter.take(now_ns, 0)), "50+1");
    assert_eq!(jitter.put(packet(50, 2), now_ns), Put::Late);
}

#[test]
fn after_the_last_comes_silence_and_no_guess() {
    let last = marked(Head { tick: 50, is_last: true, ..Head::default() }, 1);
    check(std::slice::from_ref(&last), &["50", "silence", "silence"]);
    check(&[last, packet(70, 1)], &["50", "silence", "silence"]);
    let first = marked(Head { tick: 51, is_first: true, ..Head::default() }, 1);
    check(&[packet(50, 1), first], &["50", "51", "conceal"]);
}

#[test]
fn a_path_that_stands_loses_nothing_and_is_waited_for_until_it_is_hopeless() {
    let (mut jitter, mut now_ns) = playing(50);
    for _ in 0..15 {
        now_ns += 10 * MS;
        assert_eq!(name(&jitter.take(now_ns, 0)), "conceal");
    }
    (50..66).for_each(|tick| assert_eq!(jitter.put(packet(tick, 1), now_ns), Put::Kept));
    for tick in 50..66 {
        now_ns += 10 * MS;
        assert_eq!(name(&jitter.take(now_ns, 0)), format!("{tick}"));
    }
    assert!(jitter.wait_ns() > 100 * MS && jitter.target_ns(now_ns) > 100 * MS);
    let steps: Vec<String> = (0..60).map(|i| name(&jitter.take(now_ns + i * 10 * MS, 0))).collect();
    assert_eq!(steps.iter().filter(|step| *step == "conceal").count(), STALL_TICKS_MAX as usize);
    assert_eq!(steps[59], "silence");
    assert_eq!(jitter.counts().late + jitter.counts().skipped, 0);
}

#[test]
fn a_wrong_wait_asks_for_another_pace() {
    // The first guess was 40 ms, and the path needs ten.
    let (mut jitter, mut now_ns) = playing(100);
    for tick in 100..110 {
        now_ns += 10 * MS;
        assert_eq!(jitter.put(packet(tick, 1), i64::from(tick) * 10 * MS), Put::Kept);
        assert!(matches!(jitter.take(now_ns, 0), Step::Decode { pace: Pace::Faster { by_ns }, .. } if by_ns > 20 * MS));
    }
}

#[test]
fn a_pace_has_some_play_and_what_the_ear_has_in_hand_saves_nothing() {
    let paces = |too_long_ms: i64, queued_ms: i64| {
        [Pace::Steady, Pace::Faster { by_ns: 1 }, Pace::Slower { by_ns: 1 }].map(|before| {
            match pace(too_long_ms * MS, queued_ms * MS, before) {
                Pace::Steady => 0,
                Pace::Faster { by_ns } => by_ns / MS,
                Pace::Slower { by_ns } => -by_ns / MS,
            }
        })
    };
    assert_eq!(paces(20, 5), [20, 20, 20]);
    assert_eq!(paces(10, 5), [0, 10, 0]);
    assert_eq!(paces(3, 5), [0, 0, -2]);
    assert_eq!(paces(-3, 5), [-8, -8, -8]);
}

#[test]
fn another_run_begins_anew_and_the_former_is_late_for_a_while() {
    let (mut jitter, now_ns) = playing(50);
    let of_run = |run: u8, tick: u32| marked(Head { run, tick, ..Head::default() }, 1);
    assert_eq!(jitter.put(of_run(1, 7), now_ns), Put::Kept);
    assert_eq!(jitter.put(of_run(0, 51), now_ns), Put::Late);
    assert_eq!(jitter.put(of_run(1, 8), now_ns), Put::Kept);
    assert_eq!(name(&jitter.take(now_ns + 60 * MS, 0)), "7");
    assert_eq!(jitter.put(of_run(0, 0), now_ns + FORMER_RUN_NS), Put::Kept);
}

#[test]
fn ticks_that_wrap_go_on() {
    let mut jitter = Jitter::new();
    let mut steps = Vec::new();
    for i in 0..40u32 {
        let now_ns = i64::from(i) * 10 * MS;
        assert_eq!(jitter.put(packet((u32::MAX - 20).wrapping_add(i), 1), now_ns), Put::Kept);
        if let Step::Decode { packet, .. } = jitter.take(now_ns, 0) {
            steps.push(packet.head.tick);
        }
    }
    assert!(steps.len() > 30 && steps.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{steps:?}");
}

#[test]
fn an_ear_that_stood_goes_on_with_what_is_new() {
    let (mut jitter, now_ns) = playing(50);
    for tick in 50..250 {
        let _ = jitter.put(packet(tick, 1), i64::from(tick) * 10 * MS);
    }
    let now_ns = now_ns.max(2500 * MS);
    assert!(matches!(jitter.take(now_ns, 0), Step::Decode { packet, .. } if packet.head.tick > 180));
}

#[test]
fn a_count_that_went_back_without_a_word_is_believed_after_a_while() {
    let (mut jitter, now_ns) = playing(500);
    let kept = (0..300).position(|tick| jitter.put(packet(tick, 1), now_ns + i64::from(tick) * 10 * MS) == Put::Kept);
    assert_eq!(kept, Some(BEHIND_MAX as usize - 1));
}

#[test]
fn a_thousand_a_second_are_too_many_and_a_burst_is_not() {
    let mut jitter = Jitter::new();
    let refused = |jitter: &mut Jitter, from_ms: i64, count: i64, every_us: i64| {
        (0..count).filter(|i| jitter.put(packet((from_ms / 10 + i) as u32, 1), from_ms * MS + i * every_us * 1000) == Put::TooMany).count()
    };
    assert_eq!(refused(&mut jitter, 0, 60, 0), 0);
    assert_eq!(refused(&mut jitter, 1000, 1000, 10_000), 0);
    assert!(refused(&mut jitter, 20_000, 5000, 1000) > 3500);
}

/// Packets of 10 ms in a steady stream whose delay a function gives; the ear's clock runs off by so much. Counts after the first seconds, and the mean wait
/// in ms.
fn stream(seconds: i64, ppm: i64, mut delay_ms: impl FnMut(i64) -> Option<i64>) -> (Counts, f64) {
    let mut jitter = Jitter::new();
    let mut arrivals: Vec<(i64, u32)> =
        (0..seconds * 101).filter_map(|tick| delay_ms(tick).map(|delay_ms| (tick * 10 * MS + delay_ms * MS, tick as u32))).collect();
    arrivals.sort_unstable();
    let mut arrivals = arrivals.into_iter().peekable();
    let (mut before, mut waits, mut queued_ns) = (Counts::default(), Vec::new(), 0i64);
    for pull in 0..seconds * 100 {
        let now_ns = pull * (10 * MS + ppm * 10);
        while let Some((at_ns, tick)) = arrivals.next_if(|(at_ns, _)| *at_ns <= now_ns) {
            let _ = jitter.put(packet(tick, 1), at_ns);
        }
        while queued_ns < 10 * MS {
            match jitter.take(now_ns, queued_ns) {
                Step::Silence => queued_ns = 10 * MS,
                Step::Decode { pace, .. } => {
                    // A stretcher that takes or gives 4 ms now and then.
                    let by_ns = match pace {
                        Pace::Steady => 0,
                        Pace::Faster { by_ns } => -by_ns.min(4 * MS),
                        Pace::Slower { by_ns } => by_ns.min(4 * MS),
                    };
                    let by_ns = if pull % 3 == 0 { by_ns } else { 0 };
                    jitter.stretched(by_ns);
                    queued_ns += 10 * MS + by_ns;
                }
                Step::Recover { .. } | Step::Conceal => queued_ns += 10 * MS,
            }
        }
        queued_ns -= 10 * MS;
        if pull == 500 {
            before = jitter.counts();
        }
        if pull > 500 {
            waits.push(jitter.wait_ns() as f64 / 1e6);
        }
    }
    let (after, mean) = (jitter.counts(), waits.iter().sum::<f64>() / waits.len() as f64);
    let since = |of: fn(&Counts) -> u64| of(&after) - of(&before);
    let counts = Counts {
        played: since(|counts| counts.played),
        recovered: since(|counts| counts.recovered),
        concealed: since(|counts| counts.concealed),
        stalled: since(|counts| counts.stalled),
        late: since(|counts| counts.late),
        skipped: since(|counts| counts.skipped),
        refused: since(|counts| counts.refused),
    };
    (counts, mean)
}

#[test]
fn clocks_that_drift_neither_starve_it_nor_make_it_grow() {
    for ppm in [-200, -20, 0, 20, 200] {
        let (counts, mean_ms) = stream(600, ppm, |_| Some(30));
        assert!(counts.stalled <= 1 && counts.late == 0 && counts.skipped == 0, "{ppm} ppm: {counts:?}");
        assert!(mean_ms < 25.0, "{ppm} ppm: {mean_ms} ms");
    }
}

#[test]
fn a_shaky_path_costs_little_wait_and_few_ticks() {
    let mut random = Random::new(3);
    let (counts, mean_ms) = stream(120, 50, |_| Some(30 + (random.unit() * 25.0) as i64));
    assert!(counts.stalled + counts.late + counts.concealed + counts.recovered < 60, "{counts:?}");
    assert!(mean_ms < 40.0, "{mean_ms} ms");
}

#[test]
fn losses_alone_do_not_make_the_wait_grow() {
    let mut random = Random::new(4);
    let (counts, mean_ms) = stream(120, 0, |_| (random.unit() > 0.05).then_some(30));
    assert!(counts.recovered > 100 && mean_ms < 25.0, "{counts:?} {mean_ms} ms");
}

proptest! {
    #[test]
    fn whatever_comes_whenever_it_stays_within_bounds_and_never_goes_back(
        events in prop::collection::vec(
            (any::<u8>(), 0u8..3, prop_oneof![0u32..300, any::<u32>()], 1u8..=2, any::<(bool, bool, bool)>(), -5_000_000i64..40_000_000),
            1..600,
        ),
    ) {
        let (mut jitter, mut now_ns, mut newest) = (Jitter::new(), 0i64, None);
        for (kind, run, tick, ticks, (is_first, is_last, is_held_back), after_ns) in events {
            now_ns += after_ns;
            if kind % 2 == 0 {
                let before = jitter.position;
                let _ = jitter.put(marked(Head { run, tick, is_first, is_last, is_held_back, ..Head::default() }, ticks), now_ns);
                if jitter.state == State::Idle && jitter.position != before { newest = None; }
            } else {
                let step = jitter.take(now_ns, i64::from(kind) * 30_000);
                if let Step::Decode { packet, skip_ticks, .. } = step {
                    prop_assert!(skip_ticks < packet.ticks());
                    let tick = packet.head.tick.wrapping_add(u32::from(skip_ticks));
                    prop_assert!(newest.is_none_or(|newest| (tick.wrapping_sub(newest) as i32) > 0));
                    newest = Some(tick);
                }
            }
            prop_assert!(jitter.slots.len() == SLOTS);
        }
    }

    #[test]
    fn every_tick_that_came_in_time_is_played_once(seed: u64, most_ms in 0i64..9, twice: bool) {
        // Less unevenness than a pull: nothing may be missing.
        let mut random = Random::new(seed);
        let (counts, _) = stream(20, 0, |_| Some(30 + (random.unit() * most_ms as f64) as i64));
        prop_assert_eq!(counts.late + counts.skipped + counts.concealed + counts.recovered, 0, "{:?} {}", counts, twice);
        prop_assert!(counts.played + counts.stalled >= 1490, "{:?}", counts);
    }
}
