use opus::{Application, Bitrate, Channels, Signal};

use super::{
    level,
    packet::{PAYLOAD_BYTES_MAX, TICK_SAMPLES},
};

/// Makes Opus packets (RFC 6716) of 48 kHz mono speech, each repeating a little of the one before (in-band FEC), and next to nothing of silence (DTX).
#[derive(Debug)]
pub struct Encoder {
    opus: opus::Encoder,
    loss_percent: i32,
    may_pause: bool,
    out: [u8; PAYLOAD_BYTES_MAX],
}

/// What may be chosen about encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Quality {
    /// 6000 to 64 000; what repairs losses is paid out of it.
    pub bits_per_second: u32,
    /// 0 to 10: how much time the encoder takes.
    pub complexity: u8,
}

impl Default for Quality {
    /// The least rate at which a voice has its full width; complexity 5 costs half of 10 and is told apart by nobody at this rate.
    fn default() -> Self {
        Self { bits_per_second: 28_000, complexity: 5 }
    }
}

/// Opus said no. After it the sound is as if the packet had been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CoderError {
    /// The coder could not be made, or refused a setting.
    #[error("the voice coder does not start")]
    Start,
    /// Not a length it takes, or not a packet.
    #[error("not one or two ticks of sound, or not a packet of them")]
    Refused,
}

impl Encoder {
    /// A fresh one.
    ///
    /// # Errors
    /// When Opus refuses a setting or there is no memory.
    pub fn new(quality: Quality) -> Result<Self, CoderError> {
        let start = |_| CoderError::Start;
        let mut opus = opus::Encoder::new(SAMPLES_PER_SECOND, Channels::Mono, Application::Voip).map_err(start)?;
        let bits_per_second = i32::try_from(quality.bits_per_second.clamp(6000, 64_000)).unwrap_or(28_000);
        opus.set_bitrate(Bitrate::Bits(bits_per_second)).map_err(start)?;
        opus.set_complexity(i32::from(quality.complexity.min(10))).map_err(start)?;
        opus.set_signal(Signal::Voice).map_err(start)?;
        opus.set_inband_fec(true).map_err(start)?;
        opus.set_packet_loss_perc(LOSS_PERCENT_MIN).map_err(start)?;
        Ok(Self { opus, loss_percent: LOSS_PERCENT_MIN, may_pause: false, out: [0; PAYLOAD_BYTES_MAX] })
    }

    /// How many packets in a hundred are expected to be lost: the more, the more of each is spent on the one before.
    pub fn expect_loss(&mut self, percent: u8) {
        let percent = i32::from(percent).clamp(LOSS_PERCENT_MIN, LOSS_PERCENT_MAX);
        if percent != self.loss_percent && self.opus.set_packet_loss_perc(percent).is_ok() {
            self.loss_percent = percent;
        }
    }

    /// Forgets what came before, so that a decoder may begin here.
    pub fn begin_anew(&mut self) {
        if let Err(error) = self.opus.reset_state() {
            tracing::debug!(%error, "the encoder keeps its past");
        }
    }

    /// The packet of 480 or 960 samples. One of at most [`DTX_BYTES_MAX`] bytes means that there is nothing to hear.
    ///
    /// # Errors
    /// When the samples are neither one nor two ticks.
    pub fn encode(&mut self, samples: &[f32]) -> Result<&[u8], CoderError> {
        if !matches!(samples.len(), TICK_SAMPLES | TWO_TICKS_SAMPLES) {
            return Err(CoderError::Refused);
        }
        // Left to itself it also leaves out the fading of a sung vowel, which it takes for a hum.
        let may_pause = level::dbfs(samples) < PAUSE_DBFS;
        if may_pause != self.may_pause && self.opus.set_dtx(may_pause).is_ok() {
            self.may_pause = may_pause;
        }
        let length = self.opus.encode_float(samples, &mut self.out).map_err(|_opus| CoderError::Refused)?;
        self.out.get(..length).ok_or(CoderError::Refused)
    }
}

/// Makes sound of Opus packets, and of their absence.
#[derive(Debug)]
pub struct Decoder {
    opus: opus::Decoder,
}

impl Decoder {
    /// A fresh one.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new() -> Result<Self, CoderError> {
        let opus = opus::Decoder::new(SAMPLES_PER_SECOND, Channels::Mono).map_err(|_opus| CoderError::Start)?;
        Ok(Self { opus })
    }

    /// Forgets what came before.
    pub fn begin_anew(&mut self) {
        if let Err(error) = self.opus.reset_state() {
            tracing::debug!(%error, "the decoder keeps its past");
        }
    }

    /// Fills `out` with a packet, which must last exactly as long.
    ///
    /// # Errors
    /// When the packet is broken or of another length; `out` then holds anything.
    pub fn decode(&mut self, opus: &[u8], out: &mut [f32]) -> Result<(), CoderError> {
        if opus.is_empty() {
            return Err(CoderError::Refused);
        }
        self.fill(opus, out, false)
    }

    /// Fills `out` with what a packet repeats about the time just before it. `out` must be as long as the packet.
    ///
    /// # Errors
    /// When the packet is broken.
    pub fn recover(&mut self, opus: &[u8], out: &mut [f32]) -> Result<(), CoderError> {
        if opus.is_empty() {
            return Err(CoderError::Refused);
        }
        self.fill(opus, out, true)
    }

    /// Fills `out`, a multiple of 120 samples up to 960, with what might have come next.
    ///
    /// # Errors
    /// When `out` has another length.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<(), CoderError> {
        self.fill(&[], out, false)
    }

    fn fill(&mut self, opus: &[u8], out: &mut [f32], repairs: bool) -> Result<(), CoderError> {
        // Opus conceals for as long as its buffer is, so that is never longer than wanted.
        if out.is_empty() || out.len() > TWO_TICKS_SAMPLES {
            return Err(CoderError::Refused);
        }
        let samples = self.opus.decode_float(opus, out, repairs).map_err(|_opus| CoderError::Refused)?;
        for sample in out.iter_mut() {
            *sample = if sample.is_finite() { sample.clamp(-SAMPLE_MAX, SAMPLE_MAX) } else { 0.0 };
        }
        if samples == out.len() { Ok(()) } else { Err(CoderError::Refused) }
    }
}

/// A packet of so many bytes says only that nothing is to be heard.
pub const DTX_BYTES_MAX: usize = 2;
pub(super) const SAMPLES_PER_SECOND: u32 = 48_000;
pub(super) const TWO_TICKS_SAMPLES: usize = 2 * TICK_SAMPLES;
/// The least that the gate takes for a voice.
const PAUSE_DBFS: f32 = -52.0;
/// Below it the encoder leaves the repair out altogether, and a path without any loss is one that was not used for long.
const LOSS_PERCENT_MIN: i32 = 3;
const LOSS_PERCENT_MAX: i32 = 25;
/// What a decoder may overshoot by is for the limiter; what a stranger makes of it is not.
const SAMPLE_MAX: f32 = 2.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::voice::{level, packet::Packet, testing};

    #[test]
    fn speech_comes_through_in_both_lengths_and_fits_a_packet() {
        for ticks in [1, 2] {
            let (mut encoder, mut decoder) = (Encoder::new(Quality::default()).unwrap(), Decoder::new().unwrap());
            let speech = testing::speech(7, 2.0);
            let (mut heard, mut bytes) = (Vec::new(), 0);
            for frame in speech.chunks_exact(ticks * TICK_SAMPLES) {
                let opus = encoder.encode(frame).unwrap().to_vec();
                bytes += opus.len();
                let packet = Packet::new(super::super::packet::Head::default(), &opus).expect("one mono frame");
                assert_eq!(usize::from(packet.ticks()), ticks);
                let mut out = vec![0.0; ticks * TICK_SAMPLES];
                decoder.decode(packet.opus(), &mut out).unwrap();
                heard.extend(out);
            }
            assert!((level::dbfs(&heard) - level::dbfs(&speech)).abs() < 1.5);
            assert!(bytes * 8 / 2 < 40_000, "{bytes}");
        }
    }

    #[test]
    fn a_lost_packet_is_repaired_from_the_next_better_than_concealed() {
        for ticks in [1, 2] {
            let samples = ticks * TICK_SAMPLES;
            let mut encoder = Encoder::new(Quality::default()).unwrap();
            encoder.expect_loss(15);
            let speech = testing::speech(3, 4.0);
            let packets: Vec<Vec<u8>> = speech.chunks_exact(samples).map(|frame| encoder.encode(frame).unwrap().to_vec()).collect();
            let error_db = |repairs: Option<bool>| {
                let mut decoder = Decoder::new().unwrap();
                let (mut truth, mut sum, mut count) = (Decoder::new().unwrap(), 0.0, 0.0);
                for (i, packet) in packets.iter().enumerate() {
                    let (mut out, mut right) = (vec![0.0; samples], vec![0.0; samples]);
                    truth.decode(packet, &mut right).unwrap();
                    match (repairs, packets.get(i + 1)) {
                        (Some(true), Some(next)) if i % 10 == 5 => decoder.recover(next, &mut out).unwrap(),
                        (Some(false), Some(_)) if i % 10 == 5 => decoder.conceal(&mut out).unwrap(),
                        _ => decoder.decode(packet, &mut out).unwrap(),
                    }
                    if i % 10 == 5 {
                        sum += out.iter().zip(&right).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
                        count += right.iter().map(|b| b * b).sum::<f32>();
                    }
                }
                10.0 * (sum / count).log10()
            };
            let (repaired, concealed) = (error_db(Some(true)), error_db(Some(false)));
            assert!(repaired < concealed - 2.0, "{ticks} ticks: {repaired} dB repaired, {concealed} dB concealed");
        }
    }

    #[test]
    fn silence_costs_next_to_nothing() {
        for ticks in [1, 2] {
            let mut encoder = Encoder::new(Quality::default()).unwrap();
            let quiet = vec![0.0; ticks * TICK_SAMPLES];
            let lengths: Vec<usize> = (0..100).map(|_| encoder.encode(&quiet).unwrap().len()).collect();
            assert!(lengths[50..].iter().filter(|length| **length <= DTX_BYTES_MAX).count() > 40, "{lengths:?}");
        }
    }

    #[test]
    fn a_sung_vowel_is_not_left_out() {
        let mut encoder = Encoder::new(Quality::default()).unwrap();
        let sung: Vec<f32> = (0..96_000).map(|i| (i as f32 * 200.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.3).collect();
        assert!(sung.chunks_exact(480).all(|frame| encoder.encode(frame).unwrap().len() > DTX_BYTES_MAX));
    }

    #[test]
    fn concealment_is_exactly_as_long_as_wanted() {
        let mut decoder = Decoder::new().unwrap();
        assert_eq!(decoder.conceal(&mut [0.0; 480]), Ok(()));
        assert_eq!(decoder.conceal(&mut [0.0; 961]), Err(CoderError::Refused));
        assert_eq!(decoder.conceal(&mut []), Err(CoderError::Refused));
    }

    proptest! {
        #[test]
        fn any_packet_is_borne(
            packets in prop::collection::vec(
                (prop::sample::select(vec![0u8, 8, 96, 104, 240, 248]), prop::collection::vec(any::<u8>(), 0..60), any::<bool>()),
                1..20,
            ),
        ) {
            let mut decoder = Decoder::new().unwrap();
            for (first, rest, repairs) in packets {
                let packet = Packet::new(super::super::packet::Head::default(), &[vec![first], rest].concat()).unwrap();
                let mut out = vec![0.0; usize::from(packet.ticks()) * TICK_SAMPLES];
                let _whether = if repairs { decoder.recover(packet.opus(), &mut out) } else { decoder.decode(packet.opus(), &mut out) };
                prop_assert!(out.iter().all(|sample| sample.abs() <= SAMPLE_MAX));
            }
        }
    }
}
