use super::{
    coder::{CoderError, Decoder, TWO_TICKS_SAMPLES},
    jitter::{Counts, Jitter, Pace, Put, Step},
    level,
    packet::{Packet, TICK_NS, TICK_SAMPLES},
    stretch::{self, LENGTHEN_PLAYED_SAMPLES, SHORTEN_SAMPLES},
};

/// One person heard: packets go in as they come, 10 ms of sound go out whenever the ear wants them.
///
/// Sound is decoded at the last moment, one or two ticks beyond what is asked for, and stretched there if the wait is wrong. Where sound was made up it fades
/// within an eighth of a second, and where true sound meets made-up sound or silence it comes in within 5 ms: a voice that ends in the middle of a word does
/// not click.
///
/// It allocates nothing after the beginning and holds 64 packets and 60 ms of sound, whatever comes.
#[derive(Debug)]
pub struct Hearing {
    jitter: Jitter,
    decoder: Decoder,
    /// Decoded and not yet played.
    ahead: Vec<f32>,
    /// Played, the newest last.
    played: [f32; LENGTHEN_PLAYED_SAMPLES],
    gain: f32,
    /// Ticks made up in a row.
    made_up: u32,
    /// Samples decoded since the last stretch.
    since_stretch: usize,
    /// And how many must be before the next.
    rest: usize,
    stretched: Stretched,
    is_speaking: bool,
}

/// Samples that stretching took and added since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretched {
    /// Taken out.
    pub shorter: u64,
    /// Added.
    pub longer: u64,
}

impl Hearing {
    /// Nobody spoke yet.
    ///
    /// # Errors
    /// When the decoder does not start.
    pub fn new() -> Result<Self, CoderError> {
        Ok(Self {
            jitter: Jitter::new(),
            decoder: Decoder::new()?,
            ahead: Vec::with_capacity(AHEAD_SAMPLES_MAX),
            played: [0.0; LENGTHEN_PLAYED_SAMPLES],
            gain: 0.0,
            made_up: 0,
            since_stretch: 0,
            rest: 0,
            stretched: Stretched::default(),
            is_speaking: false,
        })
    }

    /// Takes a packet that came at `arrival_ns` on our clock.
    pub fn put(&mut self, packet: Packet, arrival_ns: i64) -> Put {
        self.jitter.put(packet, arrival_ns)
    }

    /// Fills the next 10 ms, asked for at `now_ns`, and says how loud they are, see [`level`].
    pub fn next(&mut self, now_ns: i64, out: &mut [f32; TICK_SAMPLES]) -> u8 {
        for _ in 0..STEPS_MAX {
            if self.ahead.len() >= TICK_SAMPLES {
                break;
            }
            self.step(now_ns);
        }
        self.ahead.resize(self.ahead.len().max(TICK_SAMPLES), 0.0);
        for (to, from) in out.iter_mut().zip(self.ahead.drain(..TICK_SAMPLES)) {
            *to = from;
        }
        self.played.rotate_left(TICK_SAMPLES);
        let older = self.played.len() - TICK_SAMPLES;
        self.played.get_mut(older..).unwrap_or_default().copy_from_slice(out);
        level::of(out)
    }

    /// Whether a voice is being played, made up or not, and nothing is not.
    #[must_use]
    pub const fn is_speaking(&self) -> bool {
        self.is_speaking
    }

    /// How long what is heard waits beyond the quickest path, in ns.
    #[must_use]
    pub const fn wait_ns(&self) -> i64 {
        self.jitter.wait_ns()
    }

    /// How long it should, in ns.
    #[must_use]
    pub fn target_ns(&self, now_ns: i64) -> i64 {
        self.jitter.target_ns(now_ns)
    }

    /// What became of the ticks so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.jitter.counts()
    }

    /// How much was stretched so far.
    #[must_use]
    pub const fn stretched(&self) -> Stretched {
        self.stretched
    }

    fn step(&mut self, now_ns: i64) {
        self.is_speaking = true;
        match self.jitter.take(now_ns, self.queued_ns()) {
            Step::Silence => self.be_silent(),
            Step::Conceal => self.make_up(TICK_SAMPLES, None),
            Step::Recover { packet, skip_ticks } => {
                self.play(&packet, skip_ticks, true);
            }
            Step::Decode { packet, skip_ticks, pace } => {
                if self.play(&packet, skip_ticks, false) {
                    self.stretch(pace, now_ns);
                }
            }
        }
    }

    /// Appends a packet's sound, or what it repeats, coming in from what was made up before it. Says whether the packet was whole.
    fn play(&mut self, packet: &Packet, skip_ticks: u8, repairs: bool) -> bool {
        let begin = self.ahead.len();
        if packet.head.is_first && !repairs {
            self.decoder.begin_anew();
        }
        if !self.decode(packet, skip_ticks, repairs) {
            return false;
        }
        self.made_up = 0;
        self.fade(begin, 1.0, FADE_IN_SAMPLES);
        self.since_stretch = self.since_stretch.saturating_add(self.ahead.len() - begin);
        true
    }

    /// Appends a packet's sound; if it is broken, as much made up, and says so.
    fn decode(&mut self, packet: &Packet, skip_ticks: u8, repairs: bool) -> bool {
        let mut scratch = [0.0; TWO_TICKS_SAMPLES];
        let samples = usize::from(packet.ticks()) * TICK_SAMPLES;
        let skip = usize::from(skip_ticks) * TICK_SAMPLES;
        let Some(out) = scratch.get_mut(..samples) else { return false };
        let decoded = if repairs { self.decoder.recover(packet.opus(), out) } else { self.decoder.decode(packet.opus(), out) };
        if decoded.is_err() {
            self.make_up(samples.saturating_sub(skip).max(1), None);
            return false;
        }
        self.ahead.extend_from_slice(out.get(skip..).unwrap_or_default());
        true
    }

    /// Stretches what is about to be played, now and then.
    fn stretch(&mut self, pace: Pace, now_ns: i64) {
        if self.since_stretch < self.rest {
            return;
        }
        let samples = |ns: i64| usize::try_from(ns.saturating_mul(48) / 1_000_000).unwrap_or(0);
        match pace {
            Pace::Steady => {}
            Pace::Faster { by_ns } => {
                // Two ticks are needed to find a period in; what is too long in the buffer is there.
                if self.ahead.len() < SHORTEN_SAMPLES
                    && self.jitter.has_next()
                    && let Step::Decode { packet, skip_ticks, .. } = self.jitter.take(now_ns, self.queued_ns())
                {
                    self.play(&packet, skip_ticks, false);
                }
                let gone = stretch::shorten(&mut self.ahead, samples(by_ns), by_ns > EAGER_NS);
                self.stretched.shorter += gone as u64;
                self.jitter.stretched(-ns_of(gone));
                self.rest_after(gone, by_ns);
            }
            Pace::Slower { by_ns } => {
                let most = samples(by_ns).min(AHEAD_SAMPLES_MAX.saturating_sub(self.ahead.len()));
                let come = stretch::lengthen(&self.played, &mut self.ahead, most, by_ns > EAGER_NS);
                self.stretched.longer += come as u64;
                self.jitter.stretched(ns_of(come));
                self.rest_after(come, by_ns);
            }
        }
    }

    /// Speech that is hurried too much is not understood; a pause may be.
    fn rest_after(&mut self, changed: usize, by_ns: i64) {
        if changed == 0 {
            return;
        }
        let is_quiet = level::dbfs(&self.ahead) < QUIET_DBFS;
        let periods = if is_quiet {
            REST_QUIET
        } else if by_ns > EAGER_NS {
            REST_EAGER
        } else {
            REST
        };
        self.rest = (changed * periods).max(TICK_SAMPLES);
        self.since_stretch = 0;
    }

    fn queued_ns(&self) -> i64 {
        ns_of(self.ahead.len())
    }

    /// Fills the tick up, so that what comes next begins with one.
    fn be_silent(&mut self) {
        let samples = TICK_SAMPLES.saturating_sub(self.ahead.len()).max(1);
        if self.gain > 0.0 {
            // What follows a moment later is a moment later still: less harm than a click.
            self.make_up(samples.max(FADE_OUT_SAMPLES_MIN), Some(0.0));
            return;
        }
        self.is_speaking = false;
        self.made_up = 0;
        self.ahead.resize(self.ahead.len() + samples, 0.0);
    }

    /// Appends so many samples that might have come next, going down to a gain at once, or slowly the longer nothing came.
    fn make_up(&mut self, samples: usize, to_gain: Option<f32>) {
        let begin = self.ahead.len();
        let mut scratch = [0.0; TWO_TICKS_SAMPLES];
        let wanted = samples.min(scratch.len());
        // Opus makes up multiples of 2.5 ms.
        let whole = wanted.next_multiple_of(TICK_SAMPLES / 4).min(scratch.len());
        if self.gain > 0.0
            && let Some(out) = scratch.get_mut(..whole)
            && self.decoder.conceal(out).is_err()
        {
            out.fill(0.0);
        }
        self.ahead.extend_from_slice(scratch.get(..wanted).unwrap_or_default());
        self.made_up = self.made_up.saturating_add(1);
        let fading = self.made_up.saturating_sub(MADE_UP_FULL_TICKS) as f32 / MADE_UP_FADE_TICKS;
        let to_gain = to_gain.unwrap_or((1.0 - fading).clamp(0.0, 1.0)).min(self.gain);
        self.fade(begin, to_gain, wanted);
        if self.gain <= 0.0 {
            self.is_speaking = false;
        }
    }

    /// Takes the gain evenly from where it is to another within so many samples from `begin` on.
    fn fade(&mut self, begin: usize, to_gain: f32, samples: usize) {
        let from_gain = self.gain;
        let change = to_gain - from_gain;
        if change == 0.0 && to_gain == 1.0 {
            return;
        }
        let samples = samples.max(1);
        let mut last = from_gain;
        for (i, sample) in self.ahead.iter_mut().skip(begin).enumerate() {
            last = if i + 1 >= samples { to_gain } else { from_gain + change * (i + 1) as f32 / samples as f32 };
            *sample *= last;
        }
        self.gain = last;
    }
}

fn ns_of(samples: usize) -> i64 {
    samples as i64 * TICK_NS / TICK_SAMPLES as i64
}

/// Each step gives a quarter of a tick at least; a few more, in case.
const STEPS_MAX: usize = 16;
/// Room for a full tick, two ticks decoded to find a period in, and the longest period.
const AHEAD_SAMPLES_MAX: usize = 6 * TICK_SAMPLES;
/// One period of so many is taken or doubled: speech is a quarter faster at most.
const REST: usize = 5;
/// Further off than this seams and hurry (half as fast again) are the smaller evil.
const EAGER_NS: i64 = 50_000_000;
const REST_EAGER: usize = 3;
const REST_QUIET: usize = 2;
const QUIET_DBFS: f32 = -45.0;
/// 5 ms: shorter than a consonant, longer than a click.
const FADE_IN_SAMPLES: usize = 240;
const FADE_OUT_SAMPLES_MIN: usize = 120;
/// What Opus makes up is good for two packets' length.
const MADE_UP_FULL_TICKS: u32 = 4;
const MADE_UP_FADE_TICKS: f32 = 8.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::voice::{Encoder, Head, Quality, testing};

    const MS: i64 = 1_000_000;

    fn encoded(sound: &[f32], ticks: usize) -> Vec<Packet> {
        let mut encoder = Encoder::new(Quality::default()).unwrap();
        let packet = |(i, frame): (usize, &[f32])| {
            let head = Head { tick: (i * ticks) as u32, is_first: i == 0, ..Head::default() };
            Packet::new(head, encoder.encode(frame).unwrap()).unwrap()
        };
        sound.chunks_exact(ticks * TICK_SAMPLES).enumerate().map(packet).collect()
    }

    fn tone(seconds: f32) -> Vec<f32> {
        (0..(seconds * 48_000.0) as usize).map(|i| (i as f32 * 200.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.3).collect()
    }

    /// What is heard for so many ticks when each packet comes so many ms after it was spoken, or never.
    fn hear(packets: &[Packet], ticks: usize, delay_ms: impl Fn(u32) -> Option<i64>) -> (Vec<f32>, Hearing) {
        let mut arrivals: Vec<(i64, Packet)> = packets
            .iter()
            .filter_map(|packet| {
                delay_ms(packet.head.tick).map(|late_ms| ((i64::from(packet.head.tick) * 10 + late_ms) * MS, packet.clone()))
            })
            .collect();
        arrivals.sort_by_key(|(at_ns, _)| *at_ns);
        let mut arrivals = arrivals.into_iter().peekable();
        let mut hearing = Hearing::new().unwrap();
        let (mut heard, mut tick) = (Vec::new(), [0.0; TICK_SAMPLES]);
        for pull in 0..ticks as i64 {
            while let Some((at_ns, packet)) = arrivals.next_if(|(at_ns, _)| *at_ns <= pull * TICK_NS) {
                hearing.put(packet, at_ns);
            }
            hearing.next(pull * TICK_NS, &mut tick);
            heard.extend(tick);
        }
        (heard, hearing)
    }

    fn bend(sound: &[f32]) -> f32 {
        sound.windows(3).map(|three| (three[0] - 2.0 * three[1] + three[2]).abs()).fold(0.0, f32::max)
    }

    /// A tone cut off in the middle of a period bends by 0.3.
    const CLICK: f32 = 0.05;

    #[test]
    fn a_voice_that_ends_without_a_word_fades_and_does_not_click() {
        for ticks in [1, 2] {
            let (heard, hearing) = hear(&encoded(&tone(1.0), ticks), 200, |_| Some(30));
            assert!(level::dbfs(&heard[48_000 / 2..48_000]) > -15.0, "{}", level::dbfs(&heard[48_000 / 2..48_000]));
            assert!(heard[48_000 + 12_000..].iter().all(|sample| *sample == 0.0), "made-up sound went on");
            assert!(bend(&heard) < CLICK, "{}", bend(&heard));
            assert!(!hearing.is_speaking());
        }
    }

    #[test]
    fn holes_are_filled_without_a_click() {
        for ticks in [1, 2] {
            let packets = encoded(&tone(4.0), ticks);
            let (heard, hearing) = hear(&packets, 400, |tick| (tick % 24 > 1 && tick % 150 > 8).then_some(30));
            assert!(hearing.counts().recovered > 10, "{:?}", hearing.counts());
            assert!(bend(&heard[9600..]) < CLICK, "{}", bend(&heard[9600..]));
            // A hole of 90 ms is faded over; the rest is there.
            let quiet = heard[9600..].chunks_exact(480).filter(|tick| level::dbfs(tick) < -30.0).count();
            assert!(quiet < 30, "{quiet}");
        }
    }

    #[test]
    fn a_wait_that_is_too_long_is_stretched_away_without_a_click() {
        let packets = encoded(&tone(8.0), 1);
        let (heard, hearing) =
            hear(&packets, 790, |tick| Some(if (100..115).contains(&tick) { 180 - i64::from(tick - 100) * 10 } else { 30 }));
        assert!(hearing.stretched().shorter > 3000, "{:?}", hearing.stretched());
        assert!(hearing.wait_ns() < 30 * MS, "{}", hearing.wait_ns());
        assert_eq!((hearing.counts().late, hearing.counts().skipped), (0, 0));
        let after = &heard[3 * 48_000..];
        assert!(bend(after) < CLICK, "{}", bend(after));
        let crossings = after.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count() as f32 / after.len() as f32 * 48_000.0;
        assert!((crossings / 200.0 - 1.0).abs() < 0.02, "{crossings}");
    }

    #[test]
    fn a_voice_is_as_loud_as_it_was_spoken() {
        let speech = testing::speech(5, 4.0);
        let (heard, _) = hear(&encoded(&speech, 1), 400, |_| Some(30));
        assert!((level::dbfs(&heard) - level::dbfs(&speech)).abs() < 1.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_comes_the_ear_gets_its_ticks(
            events in prop::collection::vec(
                (
                    any::<bool>(),
                    prop_oneof![0u32..100, any::<u32>()],
                    prop::sample::select(vec![0u8, 8, 96, 104, 240, 248]),
                    prop::collection::vec(any::<u8>(), 0..40),
                    any::<u8>(),
                    0i64..30,
                ),
                1..200,
            ),
        ) {
            let (mut hearing, mut now_ns, mut out) = (Hearing::new().unwrap(), 0, [0.0; TICK_SAMPLES]);
            for (pulls, tick, first, rest, bits, after_ms) in events {
                now_ns += after_ms * MS;
                if pulls {
                    hearing.next(now_ns, &mut out);
                    prop_assert!(out.iter().all(|sample| sample.abs() <= 2.0));
                    prop_assert!(hearing.ahead.capacity() <= AHEAD_SAMPLES_MAX && hearing.ahead.len() <= AHEAD_SAMPLES_MAX);
                } else {
                    let head = Head { run: bits & 1, tick, is_first: bits & 2 != 0, is_last: bits & 4 != 0, is_held_back: bits & 8 != 0, ..Head::default() };
                    hearing.put(Packet::new(head, &[vec![first], rest].concat()).unwrap(), now_ns);
                }
            }
        }
    }
}
