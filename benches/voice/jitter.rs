//! `voice.jitter`: frames that arrived but were not played in time, beside a buffer that always waits 60 ms.
//!
//! Both hear the same packets. A frame counts for the fixed buffer if it came more than 60 ms after the quickest way; for ours if it was dropped, or if the
//! ear had to make up 10 ms because it was still under way (so a frame that was waited for and then played counts as well: what is counted is holes, not only
//! losses). Losses count for neither. Ours is the whole of `Hearing`, stretching real Opus packets of speech with pauses; its delay is when a tick is played
//! beyond the quickest way, stretching and what lies in the ear's hand included.

use std::collections::VecDeque;

use houselights::voice::{Encoder, Head, Hearing, Packet, Put, Quality, TICK_NS, TICK_SAMPLES, level, testing::Random};

use super::{signal, table::Row};

const FIXED_NS: i64 = 60_000_000;
const GOAL: f64 = 0.5;
const MEAN_MS_MAX: f64 = 60.0;
const SECONDS: usize = 180;
const SEEDS: [u64; 4] = [1, 2, 3, 4];

/// A path that is now good, now bad (Gilbert and Elliott): each state lasts so long on the mean, loses so much, and delays by a gamma-like sum of two
/// exponentials with so much mean. Spikes come by themselves, in the bad state more often: the path stands for a while, and what waited comes at once.
struct Kind {
    name: &'static str,
    good_s: f64,
    bad_s: f64,
    good: State,
    bad: State,
}

struct State {
    loss: f64,
    jitter_ms: f64,
    /// Spikes a second.
    spikes: f64,
    spike_ms: (f64, f64),
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "wireless at home",
        good_s: 15.0,
        bad_s: 4.0,
        good: State { loss: 0.002, jitter_ms: 2.0, spikes: 0.05, spike_ms: (20.0, 80.0) },
        bad: State { loss: 0.03, jitter_ms: 15.0, spikes: 1.5, spike_ms: (60.0, 160.0) },
    },
    Kind {
        name: "somebody uploads",
        good_s: 20.0,
        bad_s: 6.0,
        good: State { loss: 0.0, jitter_ms: 1.0, spikes: 0.02, spike_ms: (20.0, 60.0) },
        bad: State { loss: 0.01, jitter_ms: 35.0, spikes: 0.3, spike_ms: (60.0, 150.0) },
    },
    Kind {
        name: "radio on the move",
        good_s: 10.0,
        bad_s: 3.0,
        good: State { loss: 0.005, jitter_ms: 5.0, spikes: 0.1, spike_ms: (30.0, 100.0) },
        bad: State { loss: 0.05, jitter_ms: 20.0, spikes: 2.0, spike_ms: (80.0, 220.0) },
    },
    Kind {
        name: "shaky wire",
        good_s: 12.0,
        bad_s: 8.0,
        good: State { loss: 0.001, jitter_ms: 3.0, spikes: 0.05, spike_ms: (40.0, 90.0) },
        bad: State { loss: 0.02, jitter_ms: 18.0, spikes: 0.6, spike_ms: (50.0, 130.0) },
    },
];

pub(crate) fn run() -> Vec<Row> {
    let spoken = spoken();
    let (mut all, mut notes) = (Outcome::default(), Vec::new());
    for kind in &KINDS {
        let mut of_kind = Outcome::default();
        for seed in SEEDS {
            of_kind.add(&hear(&spoken, &trace(kind, seed)));
        }
        notes.push(format!("{} {:.2}, {:.0} ms", kind.name, of_kind.ours() / of_kind.fixed as f64, of_kind.mean_ms()));
        eprintln!("  {}: {of_kind:?}, mean {:.1} ms", kind.name, of_kind.mean_ms());
        all.add(&of_kind);
    }
    let percent = |count: f64| count / all.arrived as f64 * 100.0;
    let mean = Row::at_most("voice.jitter.delay", all.mean_ms(), MEAN_MS_MAX, "ms").noting("mean over all ticks played".to_owned());
    let row =
        Row::at_most("voice.jitter", all.ours() / all.fixed as f64, GOAL, "×").against(percent(all.ours()), percent(all.fixed as f64));
    vec![
        row.noting(format!(
            "% of frames that arrived; dropped alone {:.3} %; mean delay {:.1} ms; {}",
            percent(all.dropped as f64),
            all.mean_ms(),
            notes.join("; ")
        )),
        mean,
    ]
}

#[derive(Debug, Default)]
struct Outcome {
    arrived: u64,
    /// Later than the fixed buffer waits.
    fixed: u64,
    /// Came and were never played.
    dropped: u64,
    /// Made up while the frame was under way.
    holes: u64,
    waits_ms: f64,
    waits: u64,
}

impl Outcome {
    fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.fixed += other.fixed;
        self.dropped += other.dropped;
        self.holes += other.holes;
        self.waits_ms += other.waits_ms;
        self.waits += other.waits;
    }

    fn ours(&self) -> f64 {
        (self.dropped + self.holes) as f64
    }

    fn mean_ms(&self) -> f64 {
        self.waits_ms / self.waits as f64
    }
}

/// Speech with pauses as packets of 10 ms; none where nothing is said.
fn spoken() -> Vec<Option<Packet>> {
    let mut encoder = Encoder::new(Quality::default()).unwrap();
    let speech = signal::speech(77, SECONDS as f64);
    let frames: Vec<&[f32]> = speech.chunks_exact(TICK_SAMPLES).collect();
    let mut hang = 0;
    let is_spoken: Vec<bool> = frames
        .iter()
        .map(|frame| {
            hang = if level::dbfs(frame) > -55.0 { 30 } else { i32::max(hang - 1, 0) };
            hang > 0
        })
        .collect();
    let mut packets = Vec::with_capacity(frames.len());
    for (tick, frame) in frames.iter().enumerate() {
        let is_first = is_spoken[tick] && (tick == 0 || !is_spoken[tick - 1]);
        if is_first {
            encoder.begin_anew();
        }
        let is_last = is_spoken[tick] && !is_spoken.get(tick + 1).copied().unwrap_or(false);
        let head = Head { tick: tick as u32, is_first, is_last, ..Head::default() };
        packets.push(is_spoken[tick].then(|| Packet::new(head, encoder.encode(frame).unwrap()).unwrap()));
    }
    packets
}

/// The delay of each packet in ns; none if it is lost.
fn trace(kind: &Kind, seed: u64) -> Vec<Option<i64>> {
    let mut random = Random::new(seed);
    let mut exponential = |mean: f64| -mean * (1.0 - random.unit()).ln();
    let mut delays = Vec::with_capacity(SECONDS * 100);
    let (mut is_bad, mut left_s, mut free_at_ms) = (false, exponential(kind.good_s), 0.0f64);
    for tick in 0..SECONDS * 100 {
        let sent_ms = tick as f64 * 10.0;
        left_s -= 0.01;
        if left_s <= 0.0 {
            is_bad = !is_bad;
            left_s = exponential(if is_bad { kind.bad_s } else { kind.good_s });
        }
        let state = if is_bad { &kind.bad } else { &kind.good };
        // An exponential of mean 1 is below x in 1 − e^−x of all cases.
        if exponential(1.0) < state.spikes * 0.01 {
            let (least, most) = state.spike_ms;
            free_at_ms = free_at_ms.max(sent_ms + least + (most - least) * (1.0 - (-exponential(1.0)).exp()));
        }
        let jitter_ms = (exponential(state.jitter_ms / 2.0) + exponential(state.jitter_ms / 2.0)).min(400.0);
        let arrives_ms = (sent_ms + jitter_ms).max(free_at_ms);
        let is_lost = exponential(1.0) < -(1.0 - state.loss).ln();
        delays.push((!is_lost).then_some(((arrives_ms - sent_ms + 30.0) * 1e6) as i64));
    }
    delays
}

fn hear(spoken: &[Option<Packet>], delays: &[Option<i64>]) -> Outcome {
    let mut outcome = Outcome::default();
    let least_ns = delays.iter().flatten().copied().min().unwrap();
    let mut arrivals: Vec<(i64, &Packet)> = Vec::new();
    for (tick, (packet, delay_ns)) in spoken.iter().zip(delays).enumerate() {
        if let (Some(packet), Some(delay_ns)) = (packet, delay_ns) {
            arrivals.push((tick as i64 * TICK_NS + delay_ns, packet));
            outcome.fixed += u64::from(delay_ns - least_ns > FIXED_NS);
        }
    }
    outcome.arrived = arrivals.len() as u64;
    arrivals.sort_by_key(|(at_ns, packet)| (*at_ns, packet.head.tick));
    let mut arrivals = arrivals.into_iter().peekable();
    let mut hearing = Hearing::new().unwrap();
    let mut out = [0.0; TICK_SAMPLES];
    let (mut played, mut stalled) = (0, 0);
    // Ours reckons from the quickest of the last seconds, the fixed one from the quickest of all: the difference is delay, too.
    let mut recent = VecDeque::new();
    for pull in 0..spoken.len() as i64 + 100 {
        let now_ns = pull * TICK_NS + 3_000_000;
        while let Some((at_ns, packet)) = arrivals.next_if(|(at_ns, _)| *at_ns <= now_ns) {
            assert_ne!(hearing.put(packet.clone(), at_ns), Put::TooMany);
            recent.push_back((at_ns, at_ns - i64::from(packet.head.tick) * TICK_NS));
        }
        hearing.next(now_ns, &mut out);
        let counts = hearing.counts();
        while recent.front().is_some_and(|(at_ns, _)| *at_ns < now_ns - 5_000_000_000) {
            recent.pop_front();
        }
        if counts.played > played {
            let base_ns = recent.iter().map(|(_, delay_ns)| *delay_ns).min().unwrap_or(least_ns);
            outcome.waits += counts.played - played;
            outcome.waits_ms += (counts.played - played) as f64 * (hearing.wait_ns() + base_ns - least_ns) as f64 / 1e6;
        }
        outcome.holes += counts.stalled - stalled;
        (played, stalled) = (counts.played, counts.stalled);
    }
    let counts = hearing.counts();
    outcome.dropped = outcome.arrived - counts.played;
    outcome
}
