//! `voice.cpu`: this thread's time for eight people heard and one microphone sent, beside eight Opus decoders and one encoder alone with the same settings.
//!
//! The final mix is not in it (it is `audio`'s), and the canceller is measured apart. All eight speak without a pause worth speaking of, over a path with 1 %
//! loss and 10 ms of unevenness, so that buffers, repair and stretching have something to do.

use houselights::voice::{
    Bypass, Canceller, Decoder, Encoder, Hearing, Mode, Packet, Path, Quality, Speech, TICK_NS, TICK_SAMPLES, Wish, testing::Random,
};

use super::{
    signal,
    table::{Row, quantile},
};

const GOAL: f64 = 1.5;
const TALKERS: usize = 8;
const SECONDS: usize = 30;
const RUNS: usize = 5;
const OFF: Bypass = Bypass { everything: true, echo: true, noise: true, gain: true };
const WISH: Wish = Wish { mode: Mode::PushToTalk { held: true }, whispers: false };

pub(crate) fn run() -> Vec<Row> {
    let voices: Vec<Vec<f32>> = (0..TALKERS as u64).map(|seed| signal::speech(seed, SECONDS as f64)).collect();
    let packets: Vec<Vec<Packet>> = voices.iter().map(|voice| said(voice)).collect();
    let (mut ours, mut rivals, mut heards, mut cancellers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS as u64 {
        let heard = hear(&packets, run);
        heards.push(heard);
        ours.push(heard + speak(&voices[0]));
        rivals.push(bare(&voices[0], &packets));
        cancellers.push(cancel(&voices[0], &voices[1]));
    }
    let [ours, rival, heard, canceller] = [&mut ours, &mut rivals, &mut heards, &mut cancellers].map(|values| quantile(values, 0.5));
    let note =
        format!("% of a core; eight heard {heard:.2}, one sent {:.2}; canceller {canceller:.2} apart; median of {RUNS}", ours - heard);
    vec![Row::at_most("voice.cpu", ours / rival, GOAL, "×").against(ours, rival).noting(note)]
}

fn said(voice: &[f32]) -> Vec<Packet> {
    let mut speech = Speech::new(0, Quality::default(), OFF).unwrap();
    let mut out = Vec::new();
    for frame in voice.chunks_exact(TICK_SAMPLES) {
        speech.speak(frame.try_into().unwrap(), WISH, &Path::default(), &mut out);
    }
    out
}

fn hear(packets: &[Vec<Packet>], seed: u64) -> f64 {
    let mut random = Random::new(seed);
    let mut people: Vec<(Hearing, Vec<(i64, Packet)>)> = packets
        .iter()
        .map(|packets| {
            let arrive = packets.iter().map(|packet| {
                let late_ns = (random.unit() * 1e7) as i64 + if random.unit() < 0.01 { i64::MAX / 4 } else { 0 };
                (i64::from(packet.head.tick) * TICK_NS + late_ns, packet.clone())
            });
            let mut arrive: Vec<_> = arrive.filter(|(at_ns, _)| *at_ns < i64::MAX / 8).collect();
            arrive.sort_by_key(|(at_ns, _)| std::cmp::Reverse(*at_ns));
            (Hearing::new().unwrap(), arrive)
        })
        .collect();
    let mut out = [0.0; TICK_SAMPLES];
    percent(|| {
        for pull in 0..SECONDS as i64 * 100 {
            let now_ns = pull * TICK_NS;
            for (hearing, arrive) in &mut people {
                while arrive.last().is_some_and(|(at_ns, _)| *at_ns <= now_ns) {
                    let (at_ns, packet) = arrive.pop().unwrap();
                    hearing.put(packet, at_ns);
                }
                hearing.next(now_ns, &mut out);
            }
        }
    })
}

fn speak(voice: &[f32]) -> f64 {
    let mut speech = Speech::new(0, Quality::default(), OFF).unwrap();
    let (mut out, mut datagram) = (Vec::new(), Vec::new());
    percent(|| {
        for frame in voice.chunks_exact(TICK_SAMPLES) {
            speech.speak(frame.try_into().unwrap(), WISH, &Path::default(), &mut out);
            for packet in out.drain(..) {
                datagram.clear();
                packet.encode(&mut datagram);
            }
        }
    })
}

/// Opus alone: every packet decoded, every frame encoded.
fn bare(voice: &[f32], packets: &[Vec<Packet>]) -> f64 {
    let mut encoder = Encoder::new(Quality::default()).unwrap();
    let mut decoders: Vec<Decoder> = packets.iter().map(|_| Decoder::new().unwrap()).collect();
    let mut out = [0.0; TICK_SAMPLES];
    percent(|| {
        for frame in voice.chunks_exact(TICK_SAMPLES) {
            encoder.encode(frame).unwrap();
        }
        for (decoder, packets) in decoders.iter_mut().zip(packets) {
            for packet in packets {
                decoder.decode(packet.opus(), &mut out).unwrap();
            }
        }
    })
}

fn cancel(near: &[f32], far: &[f32]) -> f64 {
    let mut canceller = Canceller::new(Bypass::default());
    percent(|| {
        for (near, far) in near.chunks_exact(TICK_SAMPLES).zip(far.chunks_exact(TICK_SAMPLES)) {
            canceller.hear(far.try_into().unwrap());
            canceller.clean(&mut near.try_into().unwrap());
        }
    })
}

/// This thread's time for [`SECONDS`] of sound, in % of a core.
fn percent(work: impl FnOnce()) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let begin = now();
    work();
    (now() - begin) / SECONDS as f64 * 100.0
}
