//! Where one's own voice comes from: a device, or a file for tests and for those who want to be heard without one.
//!
//! A device's stream lives on a thread of its own, which opens it again when it is lost and says so once. What it records goes into a ring of 48 kHz mono, in
//! whatever portions the device likes; nothing here knows what becomes of it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    thread::{Builder, Thread, park_timeout},
    time::Duration,
};

use cpal::{
    BufferSize, Data, Sample as _, SampleFormat, StreamConfig, SupportedBufferSize,
    traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _},
};

use super::resample::Resampler;
use crate::handover::{SampleConsumer, SampleProducer, Slot, ring};

/// Which microphone; choose before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MicrophoneChoice {
    /// A device; none follows the system's choice.
    Device(Option<String>),
    /// None at all.
    None,
    /// A WAV file, spoken once in real time.
    File(PathBuf),
}

impl Default for MicrophoneChoice {
    fn default() -> Self {
        Self::Device(None)
    }
}

/// The names of the devices that record; empty when the system has none. It asks the system and may wait for it.
#[must_use]
pub fn microphones() -> Vec<String> {
    let Ok(inputs) = cpal::default_host().input_devices() else { return Vec::new() };
    inputs.take(DEVICES_MAX).filter_map(|device| Some(device.description().ok()?.name().to_owned())).collect()
}

/// An open microphone. Dropping it closes the device; it does not wait for it.
#[derive(Debug)]
pub(super) struct Microphone {
    stop: Arc<AtomicBool>,
    thread: Thread,
    pub(super) news: Slot<News>,
}

/// What became of the microphone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A stream of it has begun.
    Records(String),
    /// The same, of another than the chosen one, which is not there.
    StandsIn(String),
    /// It does not; a sentence for the person.
    Missing(String),
}

/// Opens it: the device may come later.
///
/// # Errors
/// A sentence: the file cannot be read, or the system gives no thread.
pub(super) fn open(choice: &MicrophoneChoice, mono_ns: fn() -> i64) -> Result<Option<(Microphone, SampleConsumer)>, String> {
    let (producer, consumer) = ring(RING_FRAMES);
    let news = Slot::default();
    let stop = Arc::new(AtomicBool::new(false));
    let body: Box<dyn FnOnce() + Send> = match choice {
        MicrophoneChoice::None => return Ok(None),
        MicrophoneChoice::File(path) => {
            let samples = read_wav(path)?;
            let stop = Arc::clone(&stop);
            Box::new(move || speak_file(&samples, producer, &stop, mono_ns))
        }
        MicrophoneChoice::Device(name) => {
            let (name, stop, news) = (name.clone(), Arc::clone(&stop), news.clone());
            let shared = Arc::new(Mutex::new(Recorder { producer, resampler: Resampler::new(RATE) }));
            Box::new(move || record(name.as_deref(), (&shared, mono_ns), &stop, &news))
        }
    };
    let thread = Builder::new().name("microphone".into()).spawn(body).map_err(|error| format!("The microphone cannot start: {error}."))?;
    Ok(Some((Microphone { stop, thread: thread.thread().clone(), news }, consumer)))
}

impl Drop for Microphone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// What a callback needs; the stream is dropped and made again, this stays.
struct Recorder {
    producer: SampleProducer,
    resampler: Resampler,
}

impl Recorder {
    fn take(&mut self, mono: impl Iterator<Item = f32>, rate: u32) {
        self.resampler.set_rate(rate);
        for sample in mono {
            let sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            // A full ring means that nobody listens just now; the newest is lost, and the level says so.
            self.resampler.push(sample, |out| self.producer.offer(&[[out; 2]]));
        }
    }
}

/// When the device called last, and how often it complained since.
#[derive(Default)]
struct Pulse {
    called_ns: AtomicI64,
    errors: AtomicU32,
}

/// Opens the device again and again until it is there, and whenever it is lost.
fn record(name: Option<&str>, (recorder, mono_ns): (&Arc<Mutex<Recorder>>, fn() -> i64), stop: &AtomicBool, news: &Slot<News>) {
    let mut open: Option<Open> = None;
    let mut told = Told::default();
    let mut looked_ns = mono_ns();
    while !stop.load(Ordering::Relaxed) {
        let now_ns = mono_ns();
        // Whoever plugs the chosen one in again is not to be heard through another.
        let is_elsewhere = now_ns - looked_ns > LOOK_EVERY_NS && {
            looked_ns = now_ns;
            open.as_ref().is_some_and(|open| open.stands_in) && name.is_some_and(is_there)
        };
        if is_elsewhere || open.as_ref().is_some_and(|open| open.is_lost(now_ns)) {
            let lost = open.take();
            told.lost(lost.is_some_and(|lost| lost.records()));
        }
        if open.is_none() {
            open = start(name, recorder, mono_ns).inspect_err(|error| tracing::debug!("no microphone: {error}")).ok();
        }
        if let Some(said) = told.tell(open.as_ref().map(|open| (open.records(), open.stands_in, open.title.as_str()))) {
            drop(news.put(said));
        }
        park_timeout(if open.is_some() { CHECK_EVERY } else { RETRY_EVERY });
    }
}

/// A stream and what belongs to it.
struct Open {
    _stream: Stream,
    pulse: Arc<Pulse>,
    opened_ns: i64,
    /// For people.
    title: String,
    /// Whether it records because the chosen one is not there.
    stands_in: bool,
}

impl Open {
    fn records(&self) -> bool {
        self.pulse.called_ns.load(Ordering::Relaxed) > 0
    }

    fn is_lost(&self, now_ns: i64) -> bool {
        let last_ns = self.pulse.called_ns.load(Ordering::Relaxed).max(self.opened_ns);
        let patience_ns = if self.pulse.errors.load(Ordering::Relaxed) > 0 { ERRORS_NS } else { SILENT_NS };
        now_ns - last_ns > patience_ns
    }
}

/// What records until it is dropped.
#[expect(dead_code, reason = "held for what they do")]
enum Stream {
    Device(cpal::Stream),
    #[cfg(target_os = "linux")]
    Server(crate::audio::backend::pulse::Recording),
}

/// What the person knows of the microphone: each stream that begins is told of once, and once that none does.
#[derive(Debug, Default)]
struct Told {
    /// `Some(true)`: that it records.
    records: Option<bool>,
    /// Streams that opened and never gave a sound, one after the other.
    mute_streams: u32,
}

impl Told {
    fn lost(&mut self, recorded: bool) {
        self.mute_streams = if recorded { 0 } else { self.mute_streams + 1 };
        if self.records == Some(true) {
            // The next one that records is another.
            self.records = None;
        }
    }

    /// What is new, of a stream (does it record, does it stand in for another, its name) or of none.
    fn tell(&mut self, stream: Option<(bool, bool, &str)>) -> Option<News> {
        match stream {
            Some((true, stands_in, title)) if self.records != Some(true) => {
                (self.records, self.mute_streams) = (Some(true), 0);
                Some(if stands_in { News::StandsIn(title.to_owned()) } else { News::Records(title.to_owned()) })
            }
            None if self.records != Some(false) => {
                self.records = Some(false);
                let says = "No microphone answers. Plug one in, or choose another in the settings; it is used as soon as it is there.";
                Some(News::Missing(says.to_owned()))
            }
            // Another program may hold it, and such streams open all the same.
            Some((false, _, title)) if self.mute_streams > 0 && self.records != Some(false) => {
                self.records = Some(false);
                let says = format!("{title} gives no sound. Another program may hold it: close that, or choose another in the settings.");
                Some(News::Missing(says))
            }
            _ => None,
        }
    }
}

fn is_there(name: &str) -> bool {
    let host = cpal::default_host();
    host.input_devices().is_ok_and(|mut inputs| inputs.by_ref().take(DEVICES_MAX).any(|device| is_named(&device, name)))
}

fn is_named(device: &cpal::Device, name: &str) -> bool {
    device.id().is_ok_and(|id| id.id() == name) || device.description().is_ok_and(|about| about.name() == name)
}

fn start(name: Option<&str>, recorder: &Arc<Mutex<Recorder>>, mono_ns: fn() -> i64) -> Result<Open, cpal::Error> {
    // The host is made anew each time: one that has seen its server die does not recover.
    let host = cpal::default_host();
    let named = match name {
        Some(name) => host.input_devices()?.take(DEVICES_MAX).find(|device| is_named(device, name)),
        None => None,
    };
    let stands_in = name.is_some() && named.is_none();
    let device = named.or_else(|| host.default_input_device()).ok_or_else(|| cpal::Error::new(cpal::ErrorKind::DeviceNotAvailable))?;
    let title = device.description().map(|about| about.name().to_owned()).unwrap_or_else(|_| "a microphone".to_owned());
    let pulse = Arc::new(Pulse::default());
    let stream = match record_on_server((&device, name.is_some() && !stands_in), recorder, &pulse, mono_ns) {
        Some(stream) => stream,
        None => record_on_device(&device, recorder, &pulse, mono_ns)?,
    };
    tracing::info!("microphone: {title}");
    Ok(Open { _stream: stream, pulse, opened_ns: mono_ns(), title, stands_in })
}

/// On PulseAudio, by a stream of our own; none if it is not there or does not want it.
#[cfg(target_os = "linux")]
fn record_on_server(
    (device, is_chosen): (&cpal::Device, bool),
    recorder: &Arc<Mutex<Recorder>>,
    pulse: &Arc<Pulse>,
    mono_ns: fn() -> i64,
) -> Option<Stream> {
    let id = device.id().ok().filter(|id| id.host() == cpal::HostId::PulseAudio)?;
    let (recorder, called, failed) = (Arc::clone(recorder), Arc::clone(pulse), Arc::clone(pulse));
    let hear = move |samples: &[f32]| {
        called.called_ns.store(mono_ns(), Ordering::Relaxed);
        recorder.lock().unwrap_or_else(PoisonError::into_inner).take(samples.iter().copied(), RATE);
    };
    let ended = move || {
        failed.errors.fetch_add(1, Ordering::Relaxed);
    };
    let opened = crate::audio::backend::pulse::Recording::open((id.id(), is_chosen), hear, ended);
    opened.inspect_err(|error| tracing::warn!("the sound server does not record for us, cpal tries: {error}")).ok().map(Stream::Server)
}

#[cfg(not(target_os = "linux"))]
fn record_on_server(_: (&cpal::Device, bool), _: &Arc<Mutex<Recorder>>, _: &Arc<Pulse>, _: fn() -> i64) -> Option<Stream> {
    None
}

fn record_on_device(
    device: &cpal::Device,
    recorder: &Arc<Mutex<Recorder>>,
    pulse: &Arc<Pulse>,
    mono_ns: fn() -> i64,
) -> Result<Stream, cpal::Error> {
    let ideal = device
        .supported_input_configs()?
        .find(|range| range.channels() <= 2 && range.sample_format() == SampleFormat::F32 && range.contains_rate(RATE))
        .map(|range| range.with_sample_rate(RATE));
    let supported = ideal.map_or_else(|| device.default_input_config(), Ok)?;
    let format = supported.sample_format();
    if format.is_dsd() {
        return Err(cpal::Error::new(cpal::ErrorKind::UnsupportedConfig));
    }
    let block = BLOCK_FRAMES * supported.sample_rate() / RATE;
    let buffer_size = match *supported.buffer_size() {
        SupportedBufferSize::Range { min, max } => BufferSize::Fixed(block.clamp(min, max.max(min))),
        SupportedBufferSize::Unknown => BufferSize::Fixed(block),
    };
    let config = StreamConfig { channels: supported.channels(), sample_rate: supported.sample_rate(), buffer_size };
    let build = |config: StreamConfig| {
        let (recorder, called, failed) = (Arc::clone(recorder), Arc::clone(pulse), Arc::clone(pulse));
        let (channels, rate) = (usize::from(config.channels.max(1)), config.sample_rate);
        device.build_input_stream_raw(
            config,
            format,
            move |data: &Data, _: &cpal::InputCallbackInfo| {
                called.called_ns.store(mono_ns(), Ordering::Relaxed);
                let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
                hear(data, channels, rate, &mut recorder);
            },
            // Some hosts complain a hundred thousand times a second: counted, not told.
            move |_| {
                failed.errors.fetch_add(1, Ordering::Relaxed);
            },
            None,
        )
    };
    let stream = build(config).or_else(|_| build(StreamConfig { buffer_size: BufferSize::Default, ..config }))?;
    stream.play()?;
    tracing::debug!("it gives {} Hz, {} channels, {format}", config.sample_rate, config.channels);
    Ok(Stream::Device(stream))
}

/// The first channel alone: a second one is often the same a little later, and their mean a comb.
fn hear(data: &Data, channels: usize, rate: u32, recorder: &mut Recorder) {
    macro_rules! take {
        ($kind:ty) => {
            if let Some(samples) = data.as_slice::<$kind>() {
                recorder.take(samples.iter().step_by(channels).map(|sample| f32::from_sample(*sample)), rate);
            }
        };
    }
    match data.sample_format() {
        SampleFormat::F32 => take!(f32),
        SampleFormat::F64 => take!(f64),
        SampleFormat::I8 => take!(i8),
        SampleFormat::I16 => take!(i16),
        SampleFormat::I24 => take!(cpal::I24),
        SampleFormat::I32 => take!(i32),
        SampleFormat::I64 => take!(i64),
        SampleFormat::U8 => take!(u8),
        SampleFormat::U16 => take!(u16),
        SampleFormat::U24 => take!(cpal::U24),
        SampleFormat::U32 => take!(u32),
        SampleFormat::U64 => take!(u64),
        // Refused when it was opened.
        _ => {}
    }
}

/// Plays a file into the ring by the clock, and silence after it.
fn speak_file(samples: &[f32], mut producer: SampleProducer, stop: &AtomicBool, mono_ns: fn() -> i64) {
    let begin_ns = mono_ns();
    let mut said = 0usize;
    while !stop.load(Ordering::Relaxed) {
        let due = usize::try_from((mono_ns() - begin_ns).max(0) / 1_000 * 48 / 1_000).unwrap_or(usize::MAX);
        while said + FILE_BLOCK <= due {
            let block: Vec<[f32; 2]> = (said..said + FILE_BLOCK).map(|at| [samples.get(at).copied().unwrap_or(0.0); 2]).collect();
            // Whoever does not listen loses it, as with a device.
            producer.offer(&block);
            said += FILE_BLOCK;
        }
        park_timeout(Duration::from_millis(4));
    }
}

/// Mono at 48 kHz of a WAV file: PCM of 16 bits or floats, any channels, any rate.
fn read_wav(path: &Path) -> Result<Vec<f32>, String> {
    let cannot = |why: &str| format!("{} cannot be spoken: {why}.", path.display());
    let length = fs::metadata(path).map_err(|error| cannot(&error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(cannot("it is longer than ten minutes"));
    }
    let bytes = fs::read(path).map_err(|error| cannot(&error.to_string()))?;
    wav_samples(&bytes).ok_or_else(|| cannot("it is no WAV file of 16 bits or floats"))
}

fn wav_samples(bytes: &[u8]) -> Option<Vec<f32>> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let half = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut format) = (12, None);
    loop {
        let (name, size) = (bytes.get(at..at + 4)?, word(at + 4)? as usize);
        let body = at + 8;
        if name == b"fmt " {
            format = Some((half(body)?, usize::from(half(body + 2)?), word(body + 4)?, half(body + 14)?));
        } else if name == b"data" {
            let (kind, channels, rate, bits) = format?;
            // A program that wrote to a pipe did not know the size.
            let data = bytes.get(body..body.saturating_add(size).min(bytes.len()))?;
            if channels == 0 || !(4_000..=384_000).contains(&rate) {
                return None;
            }
            let mono: Vec<f32> = match (kind, bits) {
                (1 | 0xFFFE, 16) => {
                    data.as_chunks().0.iter().step_by(channels).map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect()
                }
                (3 | 0xFFFE, 32) => data.as_chunks().0.iter().step_by(channels).map(|b| f32::from_le_bytes(*b)).collect(),
                _ => return None,
            };
            let mut out = Vec::new();
            let mut resampler = Resampler::new(rate);
            for sample in mono {
                resampler.push(if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }, |sample| out.push(sample));
            }
            return Some(out);
        }
        at = body.checked_add(size)?.checked_add(size % 2)?;
    }
}

const RATE: u32 = 48_000;
/// 10 ms.
const BLOCK_FRAMES: u32 = 480;
const FILE_BLOCK: usize = 480;
/// A quarter of a second: speech that waited longer is not said any more.
const RING_FRAMES: usize = 12_000;
const DEVICES_MAX: usize = 64;
/// Ten minutes of stereo floats at 48 kHz.
const FILE_BYTES_MAX: u64 = 240 << 20;
const CHECK_EVERY: Duration = Duration::from_millis(100);
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// Some servers need more than a second to begin.
const SILENT_NS: i64 = 3_000_000_000;
const ERRORS_NS: i64 = 300_000_000;
const LOOK_EVERY_NS: i64 = 2_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wav(kind: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut out = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
        out.extend(16u32.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(channels.to_le_bytes());
        out.extend(rate.to_le_bytes());
        out.extend([0; 6]);
        out.extend(bits.to_le_bytes());
        out.extend(b"data");
        out.extend(u32::MAX.to_le_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn a_wav_file_of_any_rate_becomes_mono_at_48_khz() {
        let tone = |rate: u32| {
            (0..rate).map(|n| ((n as f32 / rate as f32 * 440.0 * std::f32::consts::TAU).sin() * 16_000.0) as i16).collect::<Vec<_>>()
        };
        for rate in [22_050, 44_100, 48_000, 96_000] {
            let data: Vec<u8> = tone(rate).into_iter().flat_map(|sample| [sample, 0]).flat_map(i16::to_le_bytes).collect();
            let samples = wav_samples(&wav(1, 2, rate, 16, &data)).unwrap();
            assert!(samples.len().abs_diff(48_000) < 8, "{rate}: {}", samples.len());
            let crossings = samples.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count();
            assert!(crossings.abs_diff(440) <= 2, "{rate}: {crossings}");
            let power: f32 = samples.iter().map(|sample| sample * sample).sum::<f32>() / 48_000.0;
            assert!((power.sqrt() - 0.345).abs() < 0.01, "{rate}: {}", power.sqrt());
        }
        assert!(wav_samples(b"RIFF....WAVEdata").is_none() && wav_samples(&wav(2, 1, 48_000, 4, &[0; 64])).is_none());
        assert!(open(&MicrophoneChoice::File("/no/such/file".into()), || 0).unwrap_err().contains("cannot be spoken"));
    }

    #[test]
    fn each_stream_is_told_of_once_and_silence_is_not_taken_for_a_microphone() {
        let mut told = Told::default();
        let missing = |news: Option<News>| matches!(news, Some(News::Missing(_)));
        assert_eq!(told.tell(Some((false, false, "A"))), None, "it may begin yet");
        assert_eq!(told.tell(Some((true, false, "A"))), Some(News::Records("A".to_owned())));
        assert_eq!(told.tell(Some((true, false, "A"))), None);
        told.lost(true);
        assert!(missing(told.tell(None)) && told.tell(None).is_none());
        assert_eq!(told.tell(Some((true, true, "B"))), Some(News::StandsIn("B".to_owned())));
        // It hangs: opened again and again, it never gives a sound.
        told.lost(true);
        assert_eq!(told.tell(Some((false, false, "A"))), None);
        told.lost(false);
        assert!(missing(told.tell(Some((false, false, "A")))));
        told.lost(false);
        assert_eq!(told.tell(Some((false, false, "A"))), None, "told once");
        assert_eq!(told.tell(Some((true, false, "A"))), Some(News::Records("A".to_owned())));
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_is_samples_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
            let bytes = if head { wav(1, 1, 48_000, 16, &bytes) } else { bytes };
            if let Some(samples) = wav_samples(&bytes) {
                prop_assert!(samples.iter().all(|sample| sample.is_finite()));
            }
        }
    }
}
