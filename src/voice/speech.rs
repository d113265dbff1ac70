use super::{
    canceller::{Bypass, Canceller},
    coder::{CoderError, DTX_BYTES_MAX, Encoder, Quality, TWO_TICKS_SAMPLES},
    detect::Detector,
    gate::{Gate, Mode, Passage},
    level,
    pack::{Pack, Path},
    packet::{Head, Packet, TICK_SAMPLES},
};

/// What is sent of one's own voice: 10 ms of microphone in, none or some packets out.
///
/// Canceller → voice detection → gate → encoder. Ticks count the microphone's frames, sent or not, so pauses keep their length. When the voice opens the
/// gate, the frames just before it go out at once with their own ticks, or every word would lose its first consonant; they are marked, because they are late
/// by no fault of the path.
#[derive(Debug)]
pub struct Speech {
    canceller: Canceller,
    detector: Detector,
    gate: Gate,
    pack: Pack,
    encoder: Encoder,
    run: u8,
    tick: u32,
    /// Frames from before the gate opened, the oldest first.
    before: [[f32; TICK_SAMPLES]; BEFORE_FRAMES],
    before_count: usize,
    /// To be encoded; the last frame of it is the newest.
    waiting: Vec<f32>,
    /// The next packet is the first since the encoder began anew.
    is_first: bool,
    /// The encoder said that there is nothing to hear, and that was sent.
    is_paused: bool,
}

/// What the person wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    /// When the microphone is heard.
    pub mode: Mode,
    /// Only by the neighbours.
    pub whispers: bool,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spoken {
    /// How loud it was, cleaned, whether it is sent or not; see [`level`].
    pub level: u8,
    /// Whether the gate let it through.
    pub is_sent: bool,
}

impl Speech {
    /// A microphone that was just opened. `run` must differ from the one before, see [`Packet`].
    ///
    /// # Errors
    /// When the encoder does not start.
    pub fn new(run: u8, quality: Quality, bypass: Bypass) -> Result<Self, CoderError> {
        Ok(Self {
            canceller: Canceller::new(bypass),
            detector: Detector::new(),
            gate: Gate::default(),
            pack: Pack::default(),
            encoder: Encoder::new(quality)?,
            run,
            tick: 0,
            before: [[0.0; TICK_SAMPLES]; BEFORE_FRAMES],
            before_count: 0,
            waiting: Vec::with_capacity((BEFORE_FRAMES + 2) * TICK_SAMPLES),
            is_first: false,
            is_paused: false,
        })
    }

    /// The microphone was reopened: the ticks begin anew, and the room is another.
    pub fn reopened(&mut self) {
        self.run = self.run.wrapping_add(1);
        self.tick = 0;
        (self.before_count, self.is_first, self.is_paused) = (0, false, false);
        self.waiting.clear();
        self.gate = Gate::default();
        self.detector = Detector::new();
        self.canceller.rebuild();
    }

    /// The number of this stretch of ticks.
    #[must_use]
    pub fn run(&self) -> u8 {
        self.run
    }

    /// The loudspeaker was reopened: the echo comes after another time.
    pub fn rebuild_canceller(&mut self) {
        self.canceller.rebuild();
    }

    /// Leaves out parts of the canceller from now on.
    pub fn set_bypass(&mut self, bypass: Bypass) {
        self.canceller.set_bypass(bypass);
    }

    /// Encodes otherwise from now on.
    ///
    /// # Errors
    /// When the encoder does not start; the old one goes on.
    pub fn set_quality(&mut self, quality: Quality) -> Result<(), CoderError> {
        self.encoder = Encoder::new(quality)?;
        // Its first packet begins anew, and so must who hears it.
        self.is_first = true;
        Ok(())
    }

    /// 10 ms of the final mix, mono, as they are played; before the microphone frame that may hold their echo.
    pub fn hear(&mut self, mix: &[f32; TICK_SAMPLES]) {
        self.canceller.hear(mix);
    }

    /// The next 10 ms of the microphone. Appends what is to be sent to `out`, at most [`PACKETS_MAX`].
    pub fn speak(&mut self, microphone: &[f32; TICK_SAMPLES], wish: Wish, path: &Path, out: &mut Vec<Packet>) -> Spoken {
        let mut frame = *microphone;
        self.canceller.clean(&mut frame);
        let level = level::of(&frame);
        let speaks = self.detector.frame(&frame);
        let ticks = self.pack.ticks(path);
        self.encoder.expect_loss(path.loss_percent.clamp(0.0, 100.0) as u8);
        let passage = self.gate.frame(wish.mode, speaks);
        match passage {
            Passage::Closed | Passage::Open => {}
            Passage::Opens => {
                self.encoder.begin_anew();
                (self.is_first, self.is_paused) = (true, false);
                self.waiting.clear();
                let before = self.before.get(..self.before_count).unwrap_or_default();
                before.iter().for_each(|frame| self.waiting.extend_from_slice(frame));
            }
            // Muted is muted: what is left is for the ear, not for the word.
            Passage::Closes => fade_out(&mut frame, if wish.mode == Mode::Muted { TICK_SAMPLES / 4 } else { TICK_SAMPLES }),
        }
        if passage == Passage::Closed {
            self.keep(&frame, wish.mode);
        } else {
            self.before_count = 0;
            self.waiting.extend_from_slice(&frame);
            self.send(ticks, passage == Passage::Closes, wish.whispers, out);
        }
        self.tick = self.tick.wrapping_add(1);
        Spoken { level, is_sent: passage != Passage::Closed }
    }

    /// Keeps a frame for the case that somebody just began to speak. Not for a finger: it said that before was nothing.
    fn keep(&mut self, frame: &[f32; TICK_SAMPLES], mode: Mode) {
        if mode != Mode::Open {
            self.before_count = 0;
            return;
        }
        if self.before_count == BEFORE_FRAMES {
            self.before.rotate_left(1);
            self.before_count -= 1;
        }
        if let Some(place) = self.before.get_mut(self.before_count) {
            *place = *frame;
            self.before_count += 1;
        }
    }

    /// Encodes what is waiting, in packets of so many ticks; at the end also what is left.
    fn send(&mut self, ticks: usize, is_end: bool, is_whisper: bool, out: &mut Vec<Packet>) {
        while !self.waiting.is_empty() {
            let frames = self.waiting.len() / TICK_SAMPLES;
            if frames < ticks && !is_end {
                break;
            }
            let samples = (ticks * TICK_SAMPLES).min(self.waiting.len());
            let is_last = is_end && samples == self.waiting.len();
            let first = self.tick.wrapping_sub((frames - 1) as u32);
            let head = Head {
                run: self.run,
                tick: first,
                level: level::of(self.waiting.get(..samples).unwrap_or_default()),
                is_first: self.is_first,
                is_last,
                is_held_back: frames > samples / TICK_SAMPLES,
                is_whisper,
            };
            self.encode(head, samples, out);
            self.waiting.drain(..samples);
        }
    }

    fn encode(&mut self, mut head: Head, samples: usize, out: &mut Vec<Packet>) {
        let Some(sound) = self.waiting.get(..samples.min(TWO_TICKS_SAMPLES)) else { return };
        let opus = match self.encoder.encode(sound) {
            Ok(opus) => opus,
            Err(error) => return tracing::debug!(%error, "10 ms of speech are left out"),
        };
        let is_nothing = opus.len() <= DTX_BYTES_MAX;
        // Somebody holds the key and says nothing: it is said once.
        if is_nothing && self.is_paused && !head.is_last {
            return;
        }
        head.is_last |= is_nothing;
        self.is_paused = is_nothing;
        if let Some(packet) = Packet::new(head, opus) {
            out.push(packet);
            self.is_first = false;
        }
    }
}

fn fade_out(frame: &mut [f32], samples: usize) {
    for (i, sample) in frame.iter_mut().enumerate() {
        *sample *= (1.0 - (i + 1) as f32 / samples as f32).max(0.0);
    }
}

/// 40 ms: what the detector needs to be sure, and a little.
const BEFORE_FRAMES: usize = 4;
/// How many packets a frame may cause.
pub const PACKETS_MAX: usize = BEFORE_FRAMES + 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::{hearing::Hearing, testing};

    const OFF: Bypass = Bypass { everything: true, echo: true, noise: true, gain: true };
    const OPEN: Wish = Wish { mode: Mode::Open, whispers: false };
    const BAD: Path = Path { loss_percent: 10.0, jitter_ns: 0, hearers: 1 };

    /// Speaks and says after how many frames each packet came.
    fn speak(sound: &[f32], wish: impl Fn(usize) -> Wish, path: &Path) -> Vec<(usize, Packet)> {
        let mut speech = Speech::new(9, Quality::default(), OFF).unwrap();
        let (mut all, mut out) = (Vec::new(), Vec::new());
        for (i, frame) in sound.chunks_exact(480).enumerate() {
            speech.speak(frame.try_into().unwrap(), wish(i), path, &mut out);
            assert!(out.len() <= PACKETS_MAX);
            all.extend(out.drain(..).map(|packet| (i, packet)));
        }
        all
    }

    fn with_silence(seconds_before: usize, speech: &[f32]) -> Vec<f32> {
        [vec![1e-5; seconds_before * 48_000], speech.to_vec(), vec![1e-5; 48_000]].concat()
    }

    #[test]
    fn every_tick_of_a_spurt_is_sent_once_and_its_ends_are_marked() {
        let sound = with_silence(1, &testing::speech(3, 3.0));
        for (path, ticks) in [(Path::default(), 1), (BAD, 2)] {
            let packets = speak(&sound, |_| OPEN, &path);
            assert!(packets[0].1.head.is_first && packets[0].1.head.is_held_back);
            assert!(packets.last().unwrap().1.head.is_last);
            let mut next = None;
            for (i, packet) in &packets {
                let Head { tick, is_first, is_last, is_held_back, .. } = packet.head;
                assert!(next.is_none_or(|(next, ended)| next == tick && !is_first || ended && tick >= next), "{tick} after {next:?}");
                assert!(packet.ticks() <= ticks);
                let end = tick + u32::from(packet.ticks());
                assert_eq!(is_held_back, end as usize != i + 1, "{packet:?} at {i}");
                next = Some((end, is_last));
            }
        }
    }

    #[test]
    fn the_first_consonant_is_sent_and_silence_is_not() {
        let speech = testing::speech(3, 1.0);
        let packets = speak(&with_silence(1, &speech), |_| OPEN, &Path::default());
        let first = packets[0].1.head.tick;
        assert!((96..=105).contains(&first), "{first}");
        assert!(packets.iter().all(|(i, _)| *i < 100 + 100 + 40));
    }

    #[test]
    fn muted_sends_nothing_and_a_finger_sends_nothing_from_before_it() {
        let speech = testing::speech(3, 2.0);
        assert!(speak(&speech, |_| Wish::default(), &Path::default()).is_empty());
        let packets =
            speak(&speech, |i| Wish { mode: Mode::PushToTalk { held: (50..100).contains(&i) }, whispers: true }, &Path::default());
        assert_eq!(packets[0].1.head.tick, 50);
        assert!(packets.iter().all(|(_, packet)| packet.head.is_whisper && !packet.head.is_held_back));
        let last = packets.last().unwrap();
        assert!(last.1.head.is_last && last.0 == 110, "{last:?}");
    }

    #[test]
    fn who_holds_the_key_and_is_quiet_sends_next_to_nothing() {
        let held = Wish { mode: Mode::PushToTalk { held: true }, whispers: false };
        let packets = speak(&vec![0.0; 48_000 * 4], |_| held, &Path::default());
        assert!(packets.len() < 80, "{}", packets.len());
        let sound = [vec![0.0; 48_000 * 2], testing::speech(3, 1.0)].concat();
        assert!(speak(&sound, |_| held, &Path::default()).len() > 100);
    }

    #[test]
    fn a_voice_takes_its_bits_while_it_speaks_and_next_to_none_while_it_does_not() {
        assert!((24_000..=32_000).contains(&Quality::default().bits_per_second));
        let held = Wish { mode: Mode::PushToTalk { held: true }, whispers: false };
        let sound = [testing::speech(7, 10.0), vec![0.0; 48_000 * 10]].concat();
        let speaks: Vec<bool> = sound.chunks_exact(480).map(|frame| level::dbfs(frame) > -52.0).collect();
        for (hearers, ticks) in [(1, 1), (12, 2)] {
            let (mut spoken_bits, mut spoken_ticks, mut quiet_bits) = (0, 0, 0);
            for (_, packet) in speak(&sound, |_| held, &Path { hearers, ..Path::default() }) {
                assert_eq!(usize::from(packet.ticks()), ticks);
                let (tick, bits) = (packet.head.tick as usize, packet.opus().len() * 8);
                if speaks[tick] {
                    (spoken_bits, spoken_ticks) = (spoken_bits + bits, spoken_ticks + ticks);
                } else if tick >= 1_100 {
                    // A second after the last word.
                    quiet_bits += bits;
                }
            }
            let (spoken, quiet) = (spoken_bits * 100 / spoken_ticks, quiet_bits / 9);
            // The coder lets its rate swing, and pauses pay for words.
            assert!((24_000..=34_000).contains(&spoken), "{spoken} bit/s of words in packets of {ticks}");
            assert!(quiet < 2_000, "{quiet} bit/s of silence in packets of {ticks}");
        }
    }

    #[test]
    fn what_is_spoken_is_heard() {
        for path in [Path::default(), BAD] {
            let sound = with_silence(1, &testing::speech(3, 6.0));
            let packets = speak(&sound, |_| OPEN, &path);
            let mut hearing = Hearing::new().unwrap();
            let mut packets = packets.into_iter().peekable();
            let (mut heard, mut tick) = (Vec::new(), [0.0; 480]);
            for i in 0..sound.len() / 480 {
                let now_ns = i as i64 * 10_000_000;
                while let Some((_, packet)) = packets.next_if(|(sent, _)| *sent <= i) {
                    hearing.put(packet, now_ns);
                }
                hearing.next(now_ns, &mut tick);
                heard.extend(tick);
            }
            let counts = hearing.counts();
            assert_eq!((counts.late, counts.skipped, counts.concealed, counts.refused), (0, 0, 0, 0), "{counts:?}");
            assert!(counts.stalled < 10, "{counts:?}");
            assert!((level::dbfs(&heard) - level::dbfs(&sound)).abs() < 1.5, "{} of {}", level::dbfs(&heard), level::dbfs(&sound));
        }
    }

    #[test]
    fn a_reopened_microphone_begins_anew() {
        let mut speech = Speech::new(255, Quality::default(), OFF).unwrap();
        let held = Wish { mode: Mode::PushToTalk { held: true }, whispers: false };
        let sound = testing::speech(3, 0.2);
        let mut out = Vec::new();
        let mut speak = |speech: &mut Speech| {
            sound.chunks_exact(480).for_each(|frame| {
                speech.speak(frame.try_into().unwrap(), held, &Path::default(), &mut out);
            });
        };
        speak(&mut speech);
        speech.reopened();
        speak(&mut speech);
        assert_eq!((out[0].head.run, out[20].head.run, out[20].head.tick, out[20].head.is_first), (255, 0, 0, true));
    }
}
