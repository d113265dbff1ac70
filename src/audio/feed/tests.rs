use proptest::prelude::*;

use super::{
    heard::{Heard, History, Segment},
    orders::Order,
    plans::Plan,
    player::Player,
};
use crate::handover::ring;

fn segment(number: i64) -> Segment {
    let film = Heard { film_ns: number * 500, playing: true, ended: false, cue: 3 };
    Segment { start_ns: number * 1000, end_ns: number * 1000 + 900, film, end_film_ns: number * 500 + 450 }
}

#[test]
fn what_is_heard_lies_on_the_segment_of_its_time_and_stands_in_gaps() {
    let history = History::default();
    assert_eq!(history.at(0), None);
    (5..10).for_each(|number| history.push(&segment(number)));
    let film = |now| history.at(now).map(|heard| heard.film_ns);
    assert_eq!(film(4999), None);
    assert_eq!(film(5000), Some(2500));
    assert_eq!(film(7400), Some(3700));
    assert_eq!(film(7950), Some(3950));
    assert_eq!(film(1_000_000), Some(4950));
    assert_eq!(history.at(9000), Some(Heard { film_ns: 4500, playing: true, ended: false, cue: 3 }));
}

#[test]
fn an_old_time_gets_the_oldest_answer_there_is() {
    let history = History::default();
    (0..1000).for_each(|number| history.push(&segment(number)));
    assert_eq!(history.at(744_500).map(|heard| heard.film_ns), Some(372_250));
    assert_eq!(history.at(5).map(|heard| heard.film_ns), Some(372_000));
}

#[derive(Debug, Clone)]
enum Deed {
    Cue { capacity: usize, film_ms: i64 },
    Push(usize),
    End,
    Plan { in_us: i64, rate: f64 },
    Trim(f64),
    Skip { ms: i64 },
    Rate(f64),
    Render { frames: usize, jitter_us: i64 },
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        1 => (1_usize..30_000, 0_i64..10_000_000).prop_map(|(capacity, film_ms)| Deed::Cue { capacity, film_ms }),
        4 => (0_usize..5000).prop_map(Deed::Push),
        1 => Just(Deed::End),
        4 => (-50_000_i64..50_000, pace()).prop_map(|(in_us, rate)| Deed::Plan { in_us, rate }),
        1 => (any::<i64>(), pace()).prop_map(|(in_us, rate)| Deed::Plan { in_us, rate }),
        2 => (0.995..=1.005).prop_map(Deed::Trim),
        2 => (-30_i64..100).prop_map(|ms| Deed::Skip { ms }),
        1 => any::<i64>().prop_map(|ms| Deed::Skip { ms }),
        1 => prop::sample::select(vec![8_000.0, 44_100.0, 48_000.0, 192_000.0]).prop_map(Deed::Rate),
        12 => (1_usize..1000, -200_i64..200).prop_map(|(frames, jitter_us)| Deed::Render { frames, jitter_us }),
    ]
}

fn pace() -> impl Strategy<Value = f64> {
    prop_oneof![3 => Just(0.0), 3 => Just(1.0), 2 => 0.5..=2.0]
}

proptest! {
    #[test]
    fn no_order_of_events_breaks_the_sound_or_turns_the_film_back(deeds in prop::collection::vec(deed(), 1..200)) {
        let mut player = Player::default();
        let (mut now_ns, mut rate) = (1_000_000_000, 48_000.0);
        let (mut producer, consumer) = ring(4800);
        player.obey(Order::Cue { ring: consumer, film_ns: 0, cue: 1 });
        let (mut sample, mut cue, mut last) = (0_u32, 1, (1, 0));
        for deed in deeds {
            match deed {
                Deed::Cue { capacity, film_ms } => {
                    let consumer;
                    (producer, consumer) = ring(capacity);
                    cue += 1;
                    player.obey(Order::Cue { ring: consumer, film_ns: film_ms * 1_000_000, cue });
                }
                Deed::Push(frames) => {
                    let frames: Vec<_> = (0..frames).map(|k| [0.9 * ((sample + k as u32) as f32 * 0.3).sin(), 0.9]).collect();
                    sample += producer.push(&frames) as u32;
                }
                Deed::End => producer.end(),
                Deed::Plan { in_us, rate } => {
                    player.obey(Order::Plan(Plan { at_ns: now_ns + in_us.clamp(-1 << 50, 1 << 50) * 1000, rate }));
                }
                Deed::Trim(trim) => {
                    player.obey(Order::Trim(trim));
                }
                Deed::Skip { ms } => {
                    player.obey(Order::Skip(ms.saturating_mul(1_000_000)));
                }
                Deed::Rate(other) => {
                    rate = other;
                    player.set_rate(other);
                }
                Deed::Render { frames, jitter_us } => {
                    let (mut sounds, mut segments) = (Vec::new(), Vec::new());
                    player.render(now_ns + jitter_us * 1000, frames, |_, sound| sounds.push(sound), |segment| segments.push(*segment));
                    prop_assert!(sounds.as_flattened().iter().all(|sample| sample.abs() <= 1.5));
                    prop_assert_eq!(sounds.len(), frames);
                    for segment in segments {
                        prop_assert!(segment.film.cue != last.0 || segment.film.film_ns >= last.1, "{:?} after {:?}", segment, last);
                        prop_assert!(segment.end_film_ns >= segment.film.film_ns && segment.end_ns >= segment.start_ns);
                        last = (segment.film.cue, segment.end_film_ns);
                    }
                    now_ns += (frames as f64 * 1e9 / rate) as i64;
                }
            }
        }
    }
}
