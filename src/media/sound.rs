use ffmpeg_next::{ChannelLayout, Packet, Rational, codec, decoder, format::Sample, format::sample::Type, frame, software::resampling};

use super::{fold::fold, video::to_ns};
use crate::handover::{SampleProducer, StereoFrame};

/// Samples a second of all sound that leaves this folder.
pub const SOUND_RATE: i64 = 48_000;

/// Writes one unbroken stretch of sound into the ring: sample `n` belongs to the film time `start + n / 48 000 s`, whatever the file's time stamps do.
pub(super) struct SoundWriter {
    ring: SampleProducer,
    /// Frames of film time at the next frame to be written.
    next_frame: i64,
    /// Frames that the ring had no room for.
    waiting: Vec<StereoFrame>,
    /// Silence to be written before anything else.
    silence_owed: i64,
    /// Whether sound has come since the start; the first stamp is believed to the sample.
    has_begun: bool,
}

impl SoundWriter {
    pub(super) fn new(ring: SampleProducer, start_ns: i64) -> Self {
        Self { ring, next_frame: frames_at(start_ns), waiting: Vec::new(), silence_owed: 0, has_begun: false }
    }

    /// Whether more sound should be decoded now.
    pub(super) fn wants(&self) -> bool {
        self.waiting.is_empty() && self.silence_owed == 0 && self.ring.room_frames() > 0
    }

    /// Passes on what waits; returns whether anything moved.
    pub(super) fn pump(&mut self) -> bool {
        let mut moved = false;
        loop {
            if !self.waiting.is_empty() {
                let pushed = self.ring.push(&self.waiting);
                self.waiting.drain(..pushed);
                moved |= pushed > 0;
            }
            if self.silence_owed == 0 || !self.waiting.is_empty() {
                return moved;
            }
            let count = self.silence_owed.min(SILENCE_AT_ONCE);
            self.silence_owed -= count;
            self.be_silent(count);
            moved = true;
        }
    }

    /// Where the sound written or owed so far ends, in nanoseconds of film time.
    pub(super) fn end_ns(&self) -> i64 {
        ns_of(self.next_frame)
    }

    /// Silence up to a place; returns whether any was missing.
    pub(super) fn silence_until(&mut self, film_ns: i64) -> bool {
        let missing = (frames_at(film_ns) - self.next_frame).max(0);
        self.silence_owed += missing;
        self.next_frame += missing;
        missing > 0
    }

    /// Writes frames that begin at `film_ns` if the file says when, else right behind the last ones.
    ///
    /// Up to [`JITTER_FRAMES`] the stamps are believed to jitter; beyond, missing time is filled with silence and what was already written is dropped. A leap of
    /// more than [`MAX_GAP_FRAMES`] is a damaged stamp and not believed.
    fn write(&mut self, film_ns: Option<i64>, frames: &[StereoFrame]) {
        let ahead = film_ns.map_or(0, |film_ns| frames_at(film_ns) - self.next_frame);
        let jitter = if self.has_begun { JITTER_FRAMES } else { 0 };
        let mut frames = frames;
        if ahead > jitter && ahead < MAX_GAP_FRAMES {
            self.silence_owed += ahead;
            self.next_frame += ahead;
        } else if ahead < -jitter && (ahead > -MAX_GAP_FRAMES || !self.has_begun) {
            let late = usize::try_from(-ahead).unwrap_or(usize::MAX);
            frames = frames.get(late..).unwrap_or_default();
        }
        self.has_begun |= !frames.is_empty();
        self.pump_silence_into_waiting();
        self.next_frame += frames.len() as i64;
        self.waiting.extend(frames.iter().map(|frame| frame.map(sane)));
    }

    /// Silence in front of decoded sound is at most a minute and is made at once, to keep the order.
    fn pump_silence_into_waiting(&mut self) {
        let owed = std::mem::take(&mut self.silence_owed);
        self.be_silent(owed);
    }

    fn be_silent(&mut self, frames: i64) {
        self.waiting.extend(std::iter::repeat_n([0.0; 2], usize::try_from(frames).unwrap_or(0)));
    }

    /// True once the ring has everything and knows that it was all; to be asked when nothing more will be written.
    pub(super) fn has_ended(&mut self) -> bool {
        self.pump();
        let has_ended = self.silence_owed == 0 && self.waiting.is_empty();
        if has_ended {
            self.ring.end();
        }
        has_ended
    }
}

/// A damaged film may decode to anything. The loudest downmix there is stays well within; what is louder than loud is limited where it is heard.
fn sane(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

/// Turns packets of any layout and rate into 48 kHz stereo.
pub(super) struct SoundDecoder {
    decoder: decoder::Audio,
    time_base: Rational,
    start_us: i64,
    converter: Option<Converter>,
    refused: bool,
}

impl SoundDecoder {
    /// Opens a decoder for one stream.
    ///
    /// # Errors
    /// When FFmpeg has no decoder for it or refuses its parameters.
    pub(super) fn open(parameters: codec::Parameters, time_base: Rational, start_us: i64) -> Result<Self, ffmpeg_next::Error> {
        let mut context = codec::Context::from_parameters(parameters)?;
        context.set_time_base(time_base);
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(time_base);
        Ok(Self { decoder: decoder.audio()?, time_base, start_us, converter: None, refused: false })
    }

    /// Forgets everything.
    pub(super) fn restart(&mut self) {
        self.decoder.flush();
        self.converter = None;
    }

    /// Decodes one packet; damage is skipped and becomes silence. Returns why the sound cannot be played, the first time that shows.
    pub(super) fn decode(&mut self, packet: &Packet, to: &mut SoundWriter) -> Option<String> {
        if let Err(error) = self.decoder.send_packet(packet) {
            tracing::debug!("a packet of the sound was skipped: {error}");
        }
        self.receive(to)
    }

    /// Brings out what is still inside, at the film's end.
    pub(super) fn finish(&mut self, to: &mut SoundWriter) {
        if let Err(error) = self.decoder.send_eof() {
            tracing::debug!("the sound's decoder does not end: {error}");
        }
        if let Some(refusal) = self.receive(to) {
            tracing::debug!("the end of the sound was refused: {refusal}");
        }
    }

    fn receive(&mut self, to: &mut SoundWriter) -> Option<String> {
        let mut refusal = None;
        let mut frame = frame::Audio::empty();
        while self.decoder.receive_frame(&mut frame).is_ok() {
            let film_ns = frame.timestamp().and_then(|stamp| to_ns(stamp, self.time_base)).map(|ns| ns - self.start_us * 1000);
            match self.convert(&mut frame) {
                Ok((frames, delay_ns)) => to.write(film_ns.map(|ns| ns - delay_ns), &frames),
                Err(error) if !self.refused => {
                    self.refused = true;
                    refusal = Some(format!("{} channels at {} Hz: {error}", frame.channels(), frame.rate()));
                }
                Err(_) => {}
            }
        }
        refusal
    }

    /// The frame's samples as 48 kHz stereo, and how far before the frame's own time they begin.
    fn convert(&mut self, frame: &mut frame::Audio) -> Result<(Vec<StereoFrame>, i64), ffmpeg_next::Error> {
        if frame.channel_layout().is_empty() {
            frame.set_channel_layout(ChannelLayout::default(frame.channels().into()));
        }
        let folded = if frame.channel_layout().is_empty() { fold(frame) } else { None };
        let frame = folded.as_ref().unwrap_or(&*frame);
        let key = (frame.format(), frame.channel_layout(), frame.rate());
        if self.converter.as_ref().is_none_or(|converter| converter.key != key) {
            self.converter = Some(Converter::new(key)?);
        }
        let Some(converter) = &mut self.converter else { return Err(ffmpeg_next::Error::Bug) };
        converter.run(frame)
    }
}

struct Converter {
    context: resampling::Context,
    /// One channel or two.
    to: ChannelLayout,
    key: (Sample, ChannelLayout, u32),
}

impl Converter {
    fn new(key: (Sample, ChannelLayout, u32)) -> Result<Self, ffmpeg_next::Error> {
        let (format, layout, rate) = key;
        if !RATES.contains(&rate) || layout.is_empty() {
            return Err(ffmpeg_next::Error::InvalidData);
        }
        let packed = Sample::F32(Type::Packed);
        // One channel is heard from both sides as it is: FFmpeg would make it 3 dB quieter. Everything else is mixed by ITU-R BS.775: centre and surrounds at -3 dB,
        // nothing of the low-frequency effects, and not turned down as a whole, so that dialogue keeps its level; what gets too loud is limited where it is heard.
        let to = if layout == ChannelLayout::MONO { ChannelLayout::MONO } else { ChannelLayout::STEREO };
        let context = resampling::Context::get(format, layout, rate, packed, to, SOUND_RATE as u32)?;
        Ok(Self { context, to, key })
    }

    fn run(&mut self, frame: &frame::Audio) -> Result<(Vec<StereoFrame>, i64), ffmpeg_next::Error> {
        let delay = self.context.delay().map_or(0, |delay| delay.output);
        // swresample fills what is allocated and keeps the rest for ever, so the output must be large enough (`in × ratio + what is inside`).
        let most = frame.samples() as i64 * SOUND_RATE / i64::from(self.key.2) + delay + 64;
        let mut output = frame::Audio::new(Sample::F32(Type::Packed), usize::try_from(most).unwrap_or(0), self.to);
        self.context.run(frame, &mut output)?;
        let samples = output.samples();
        let frame_bytes = if self.to == ChannelLayout::MONO { 4 } else { 8 };
        let bytes = output.data(0).get(..samples * frame_bytes).unwrap_or_default();
        let sample = |bytes: &[u8]| bytes.try_into().map_or(0.0, f32::from_ne_bytes);
        let frames = bytes.chunks_exact(frame_bytes).map(|frame| [sample(&frame[..4]), sample(&frame[frame_bytes - 4..])]).collect();
        Ok((frames, delay * 1_000_000_000 / SOUND_RATE))
    }
}

/// Frames from film time zero to a place, rounded.
fn frames_at(film_ns: i64) -> i64 {
    let frames = (i128::from(film_ns) * i128::from(SOUND_RATE) + 500_000_000).div_euclid(1_000_000_000);
    i64::try_from(frames).unwrap_or(0)
}

fn ns_of(frames: i64) -> i64 {
    i64::try_from(i128::from(frames) * 1_000_000_000 / i128::from(SOUND_RATE)).unwrap_or(0)
}

/// Eight channels at full scale, all the same, folded into two: 3.8.
const LOUDEST: f32 = 4.0;
/// Slower is no sound, and one packet of it would become gigabytes.
const RATES: std::ops::RangeInclusive<u32> = 1000..=768_000;
/// Most containers round stamps to a millisecond.
const JITTER_FRAMES: i64 = 120;
/// A minute.
const MAX_GAP_FRAMES: i64 = 60 * SOUND_RATE;
const SILENCE_AT_ONCE: i64 = 4800;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handover::{SampleConsumer, ring};

    fn written(steps: impl FnOnce(&mut SoundWriter)) -> Vec<f32> {
        let (producer, mut consumer): (_, SampleConsumer) = ring(100_000);
        let mut writer = SoundWriter::new(producer, 0);
        steps(&mut writer);
        assert!(writer.has_ended() && consumer.is_ended());
        std::iter::from_fn(|| consumer.pop().map(|frame| frame[0])).collect()
    }

    const MS: i64 = 1_000_000;

    #[test]
    fn gaps_become_silence_and_overlaps_are_dropped() {
        let samples = written(|writer| {
            writer.write(Some(10 * MS), &[[0.5; 2]; 480]);
            writer.write(Some(40 * MS), &[[0.25; 2]; 480]);
            writer.write(Some(45 * MS), &[[0.1; 2]; 480]);
        });
        assert_eq!(samples.len(), 480 + 480 + 960 + 480 + 240);
        assert!(samples[..480].iter().all(|&s| s == 0.0) && samples[480..960].iter().all(|&s| s == 0.5));
        assert!(samples[960..1920].iter().all(|&s| s == 0.0) && samples[1920..2400].iter().all(|&s| s == 0.25));
        assert!(samples[2400..].iter().all(|&s| s == 0.1));
    }

    #[test]
    fn stamps_that_jitter_or_leap_break_nothing() {
        let samples = written(|writer| {
            writer.write(Some(0), &[[0.5; 2]; 480]);
            writer.write(Some(11 * MS), &[[0.5; 2]; 480]);
            writer.write(Some(i64::from(i32::MAX) * 1000 * MS), &[[0.5; 2]; 480]);
            writer.write(None, &[[0.5; 2]; 480]);
        });
        assert_eq!(samples, vec![0.5; 1920]);
    }

    #[test]
    fn sound_before_the_target_of_a_seek_is_dropped() {
        let samples = written(|writer| writer.write(Some(-5 * MS), &[[0.5; 2]; 480]));
        assert_eq!(samples, vec![0.5; 240]);
    }

    #[test]
    fn silence_is_written_up_to_a_place_once() {
        let samples = written(|writer| {
            assert!(writer.silence_until(10 * MS) && !writer.silence_until(5 * MS));
            assert_eq!(writer.end_ns(), 10 * MS);
        });
        assert_eq!(samples, vec![0.0; 480]);
    }
}
