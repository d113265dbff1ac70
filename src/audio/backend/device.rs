use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use cpal::{
    BufferSize, Data, Device, DeviceId, ErrorKind, FromSample, Host, OutputCallbackInfo, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedBufferSize,
    traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _},
};

use super::{
    Change, OpenError,
    null::{AHEAD_NS, Pace, Step},
    presence::may_have_devices,
    stage::{BLOCK_FRAMES, Patience, RATE, Stage, Worker},
    watch::{Herald, Latency, RETRY_NS, Signs, StreamState, Verdict, judge},
};
use crate::{
    audio::try_lock,
    handover::{MailboxSender, Slot},
    trace::mono_ns,
};

/// Plays on a device, and goes on in silence while there is none. Another name in the slot is another device, at once.
pub(super) fn start(
    name: Option<String>,
    choice: Slot<Option<String>>,
    stage: Stage,
    changes: MailboxSender<Change>,
) -> Result<Worker, OpenError> {
    Worker::start("audio-out", Patience::Short, move || {
        let mut player = Player {
            name,
            choice,
            is_asked: false,
            stage: Arc::new(Mutex::new(stage)),
            changes,
            stream: None,
            stood_in: false,
            tried_ns: i64::MIN / 2,
            pace: None,
            herald: Herald::default(),
            block: vec![0.0; BLOCK_FRAMES * 2],
        };
        move || player.step(mono_ns())
    })
}

/// The devices that [`Output::Device`](super::Output::Device) takes by name, each with what people call it; empty when the system has none. It asks the system
/// and may wait for it.
///
/// ALSA lists its plugins as devices: those that cannot say how they would play, and the one that plays nowhere, are left out.
#[must_use]
pub fn devices() -> Vec<(String, String)> {
    if !may_have_devices() {
        return Vec::new();
    }
    let Ok(outputs) = cpal::default_host().output_devices() else { return Vec::new() };
    let playing = outputs.take(DEVICES_MAX).filter(|device| device.default_output_config().is_ok());
    playing.filter_map(|device| Some((device.id().ok()?.id().to_owned(), title(&device)))).filter(|(name, _)| name != "null").collect()
}

/// For people.
fn title(device: &Device) -> String {
    device.description().map(|description| description.name().to_owned()).unwrap_or_else(|_| "a sound device".to_owned())
}

/// The device the system would choose.
#[must_use]
pub fn default_device() -> Option<String> {
    if !may_have_devices() {
        return None;
    }
    cpal::default_host().default_output_device()?.id().ok().map(|id| id.id().to_owned())
}

/// What the thread `audio-out` is.
struct Player {
    name: Option<String>,
    choice: Slot<Option<String>>,
    /// The person waits to be told where it plays now.
    is_asked: bool,
    stage: Arc<Mutex<Stage>>,
    changes: MailboxSender<Change>,
    stream: Option<Open>,
    /// Whether the person knows that another device plays for the chosen one.
    stood_in: bool,
    tried_ns: i64,
    /// While no stream calls back: there is none, or it has not begun, or it stalls.
    pace: Option<Pace>,
    herald: Herald,
    block: Vec<f32>,
}

impl Player {
    fn step(&mut self, now_ns: i64) -> Duration {
        if let Some(name) = self.choice.take() {
            (self.name, self.is_asked) = (name, true);
            (self.stream, self.tried_ns) = (None, now_ns - RETRY_NS);
        }
        let state = match &mut self.stream {
            None => StreamState::None { tried_ns: self.tried_ns },
            Some(open) => StreamState::Open {
                opened_ns: open.opened_ns,
                signs: open.pulse.signs(),
                default_moved: open.is_elsewhere(self.name.as_deref(), now_ns),
            },
        };
        match judge(&state, now_ns) {
            Verdict::Keep => {}
            Verdict::RunWithout => self.stream = None,
            Verdict::Reopen => {
                self.stream = None;
                self.tried_ns = now_ns;
                // The host is made anew each time: one that has seen its server die does not recover.
                self.stream =
                    open(self.name.as_deref(), &self.stage, now_ns).inspect_err(|error| tracing::debug!("no sound device: {error}")).ok();
            }
        }
        let calls_back = |open: &&Open| open.pulse.signs().last_callback_ns.is_some_and(|last_ns| now_ns - last_ns < STALL_NS);
        let sounding = self.stream.as_ref().filter(calls_back);
        let told = self.herald.tell(now_ns, sounding.is_some());
        let change = match (sounding, told) {
            (Some(open), _) if open.stands_in != self.stood_in => {
                self.stood_in = open.stands_in;
                Some(if open.stands_in { Change::StandsIn(open.title.clone()) } else { Change::Playing(open.title.clone()) })
            }
            (Some(open), told) if self.is_asked || told == Some(false) => Some(Change::Playing(open.title.clone())),
            (None, Some(true)) => Some(Change::Lost),
            _ => None,
        };
        self.is_asked &= sounding.is_none();
        if let Some(change) = change
            && self.changes.send(change).is_err()
        {
            tracing::debug!("nobody hears of the sound device");
        }
        if sounding.is_some() {
            self.pace = None;
            return CHECK_EVERY;
        }
        self.pass_time(mono_ns())
    }

    /// Without a device the clock runs on: the same pacing as the null output.
    fn pass_time(&mut self, now_ns: i64) -> Duration {
        let pace = self.pace.get_or_insert_with(|| Pace::new(now_ns + AHEAD_NS, 0.0));
        loop {
            match pace.step(now_ns) {
                Step::Rest { ns } => return Duration::from_nanos(ns).min(CHECK_EVERY),
                Step::Render { heard_ns, .. } => {
                    self.stage.lock().unwrap_or_else(PoisonError::into_inner).render(&mut self.block, 2, RATE, heard_ns);
                }
            }
        }
    }
}

fn open(name: Option<&str>, stage: &Arc<Mutex<Stage>>, now_ns: i64) -> Result<Open, cpal::Error> {
    if !may_have_devices() {
        return Err(cpal::Error::new(ErrorKind::DeviceNotAvailable));
    }
    let host = cpal::default_host();
    let named = name.and_then(|name| find(&host, name).ok().flatten());
    let stands_in = name.is_some() && named.is_none();
    let device = named.or_else(|| host.default_output_device()).ok_or_else(|| cpal::Error::new(ErrorKind::DeviceNotAvailable))?;
    let pulse = Arc::new(Pulse::default());
    let title = title(&device);
    let stream = match play_on_server(&device, stage, &pulse) {
        Some(stream) => stream,
        None => play_on_device(&device, stage, &pulse)?,
    };
    stage.lock().unwrap_or_else(PoisonError::into_inner).note_opening();
    tracing::info!("sound device: {title}");
    Ok(Open { _stream: stream, id: device.id().ok(), host, title, pulse, opened_ns: now_ns, looked_ns: now_ns, stands_in })
}

/// On PulseAudio, by a stream of our own; none if it is not there or does not want it.
#[cfg(target_os = "linux")]
fn play_on_server(device: &Device, stage: &Arc<Mutex<Stage>>, pulse: &Arc<Pulse>) -> Option<Playing> {
    let id = device.id().ok().filter(|id| id.host() == cpal::HostId::PulseAudio)?;
    let config = StreamConfig { channels: 2, sample_rate: RATE, buffer_size: BufferSize::Default };
    let mut callback = Callback::new::<f32>(config, stage, pulse);
    let fill = move |block: &mut [f32], ahead_ns| {
        callback.fill(block.len(), ahead_ns, |at, mixed| block[at..at + mixed.len()].copy_from_slice(mixed));
    };
    let ended = {
        let pulse = Arc::clone(pulse);
        move || pulse.is_gone.store(true, Relaxed)
    };
    let playback = super::pulse::Playback::open(id.id(), mono_ns, fill, ended);
    playback.inspect_err(|error| tracing::warn!("the sound server does not take our stream, cpal tries: {error}")).ok().map(Playing::Server)
}

#[cfg(not(target_os = "linux"))]
fn play_on_server(_: &Device, _: &Arc<Mutex<Stage>>, _: &Arc<Pulse>) -> Option<Playing> {
    None
}

fn play_on_device(device: &Device, stage: &Arc<Mutex<Stage>>, pulse: &Arc<Pulse>) -> Result<Playing, cpal::Error> {
    let (format, config) = choose_config(device)?;
    let stream = build(device, format, config, stage, pulse).or_else(|error| match config.buffer_size {
        // A device with periods of its own mind.
        BufferSize::Fixed(_) => build(device, format, StreamConfig { buffer_size: BufferSize::Default, ..config }, stage, pulse),
        BufferSize::Default => Err(error),
    })?;
    stream.play()?;
    tracing::debug!("it takes {} Hz, {} channels, {format}", config.sample_rate, config.channels);
    Ok(Playing::Device(stream))
}

/// What plays until it is dropped.
#[expect(dead_code, reason = "held for what they do")]
enum Playing {
    Device(Stream),
    #[cfg(target_os = "linux")]
    Server(super::pulse::Playback),
}

fn find(host: &Host, name: &str) -> Result<Option<Device>, cpal::Error> {
    let is_named = |device: &Device| {
        device.id().is_ok_and(|id| id.id() == name || id.to_string() == name)
            || device.description().is_ok_and(|about| about.name() == name)
    };
    Ok(host.output_devices()?.take(DEVICES_MAX).find(is_named))
}

/// 48 kHz stereo in floats where the device takes it, so that nothing is converted on our side; else what it likes best.
fn choose_config(device: &Device) -> Result<(SampleFormat, StreamConfig), cpal::Error> {
    let ideal = device
        .supported_output_configs()?
        .find(|range| range.channels() == 2 && range.sample_format() == SampleFormat::F32 && range.contains_rate(RATE))
        .map(|range| range.with_sample_rate(RATE));
    let config = ideal.map_or_else(|| device.default_output_config(), Ok)?;
    let block = BLOCK_FRAMES as u32 * config.sample_rate() / RATE;
    let buffer_size = match *config.buffer_size() {
        SupportedBufferSize::Range { min, max } => BufferSize::Fixed(block.clamp(min, max.max(min))),
        SupportedBufferSize::Unknown => BufferSize::Fixed(block),
    };
    Ok((config.sample_format(), StreamConfig { buffer_size, ..config.config() }))
}

fn build(
    device: &Device,
    format: SampleFormat,
    config: StreamConfig,
    stage: &Arc<Mutex<Stage>>,
    pulse: &Arc<Pulse>,
) -> Result<Stream, cpal::Error> {
    let mut callback = match format {
        SampleFormat::F32 => Callback::new::<f32>(config, stage, pulse),
        SampleFormat::F64 => Callback::new::<f64>(config, stage, pulse),
        SampleFormat::I8 => Callback::new::<i8>(config, stage, pulse),
        SampleFormat::I16 => Callback::new::<i16>(config, stage, pulse),
        SampleFormat::I24 => Callback::new::<cpal::I24>(config, stage, pulse),
        SampleFormat::I32 => Callback::new::<i32>(config, stage, pulse),
        SampleFormat::I64 => Callback::new::<i64>(config, stage, pulse),
        SampleFormat::U8 => Callback::new::<u8>(config, stage, pulse),
        SampleFormat::U16 => Callback::new::<u16>(config, stage, pulse),
        SampleFormat::U24 => Callback::new::<cpal::U24>(config, stage, pulse),
        SampleFormat::U32 => Callback::new::<u32>(config, stage, pulse),
        SampleFormat::U64 => Callback::new::<u64>(config, stage, pulse),
        _ => return Err(cpal::Error::new(ErrorKind::UnsupportedConfig)),
    };
    let pulse = Arc::clone(pulse);
    device.build_output_stream_raw(
        config,
        format,
        move |data, info| callback.run(data, info),
        // Up to eight hundred thousand a second have been seen: nothing is logged here.
        move |error| pulse.note_error(error.kind(), mono_ns()),
        Some(OPEN_TIMEOUT),
    )
}

/// The device's callback.
struct Callback {
    config: StreamConfig,
    stage: Arc<Mutex<Stage>>,
    pulse: Arc<Pulse>,
    latency: Latency,
    mixed: Box<[f32]>,
    /// Writes samples, from the one at `at` on, in the device's own format.
    write: fn(data: &mut Data, at: usize, mixed: &[f32]),
}

impl Callback {
    fn new<T: SizedSample + FromSample<f32>>(config: StreamConfig, stage: &Arc<Mutex<Stage>>, pulse: &Arc<Pulse>) -> Self {
        Self {
            config,
            stage: Arc::clone(stage),
            pulse: Arc::clone(pulse),
            latency: Latency::default(),
            mixed: vec![0.0; BLOCK_FRAMES * usize::from(config.channels)].into(),
            write: write::<T>,
        }
    }

    fn run(&mut self, data: &mut Data, info: &OutputCallbackInfo) {
        // The stamps are of a clock of their own; their difference is not.
        let stamp = info.timestamp();
        let raw_ns = stamp.playback.saturating_duration_since(stamp.callback).as_nanos() as i64;
        let write = self.write;
        self.fill(data.len(), raw_ns, |at, mixed| write(data, at, mixed));
    }

    /// Mixes that many samples, of which the first is heard after `raw_ns` if the device says the truth, and `put`s them portion by portion.
    fn fill(&mut self, samples: usize, raw_ns: i64, mut put: impl FnMut(usize, &[f32])) {
        let now_ns = mono_ns();
        self.pulse.beat(now_ns);
        let frame_ns = 1e9 / f64::from(self.config.sample_rate);
        let channels = usize::from(self.config.channels);
        let block_ns = ((samples / channels) as f64 * frame_ns) as i64;
        let heard_ns = now_ns + self.latency.believe(raw_ns, block_ns);
        let mut stage = try_lock(&self.stage);
        for at in (0..samples).step_by(self.mixed.len()) {
            let length = self.mixed.len().min(samples - at);
            let mixed = &mut self.mixed[..length];
            match &mut stage {
                Some(stage) => {
                    let behind_ns = ((at / channels) as f64 * frame_ns) as i64;
                    stage.render(mixed, self.config.channels, self.config.sample_rate, heard_ns + behind_ns);
                }
                // The pacing renders its last block just now.
                None => mixed.fill(0.0),
            }
            put(at, mixed);
        }
    }
}

fn write<T: SizedSample + FromSample<f32>>(data: &mut Data, at: usize, mixed: &[f32]) {
    if let Some(out) = data.as_slice_mut::<T>() {
        for (sample, mixed) in out[at..].iter_mut().zip(mixed) {
            *sample = T::from_sample(*mixed);
        }
    }
}

/// A stream and what belongs to it.
struct Open {
    /// Plays until dropped.
    _stream: Playing,
    host: Host,
    id: Option<DeviceId>,
    /// For people.
    title: String,
    pulse: Arc<Pulse>,
    opened_ns: i64,
    looked_ns: i64,
    /// Whether it plays because the chosen device is not there.
    stands_in: bool,
}

impl Open {
    /// Whether the sound belongs on another device by now: the system chose another one, or the one the person chose is back.
    fn is_elsewhere(&mut self, name: Option<&str>, now_ns: i64) -> bool {
        if now_ns - self.looked_ns < LOOK_EVERY_NS {
            return false;
        }
        self.looked_ns = now_ns;
        let Some(name) = name else {
            let default = self.host.default_output_device().and_then(|device| device.id().ok());
            return default.is_some() && default != self.id;
        };
        let Ok(found) = find(&self.host, name) else { return false };
        let is_there = found.is_some();
        let was_away = self.stands_in;
        // A sound server moves the stream when its device goes, and does not say so.
        self.stands_in = !is_there;
        is_there && was_away
    }
}

/// Signs of life, left by callbacks.
#[derive(Default)]
struct Pulse {
    /// Zero is never.
    last_callback_ns: AtomicI64,
    is_gone: AtomicBool,
    /// Zero is not.
    troubled_since_ns: AtomicI64,
}

impl Pulse {
    fn beat(&self, now_ns: i64) {
        self.last_callback_ns.store(now_ns, Relaxed);
        self.troubled_since_ns.store(0, Relaxed);
    }

    fn note_error(&self, kind: ErrorKind, now_ns: i64) {
        match kind {
            ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::HostUnavailable => self.is_gone.store(true, Relaxed),
            // The stream goes on.
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied | ErrorKind::Xrun => {}
            _ => {
                if self.troubled_since_ns.load(Relaxed) == 0 {
                    self.troubled_since_ns.store(now_ns, Relaxed);
                }
            }
        }
    }

    fn signs(&self) -> Signs {
        let stamp = |at: &AtomicI64| Some(at.load(Relaxed)).filter(|ns| *ns != 0);
        Signs {
            last_callback_ns: stamp(&self.last_callback_ns),
            is_gone: self.is_gone.load(Relaxed),
            troubled_since_ns: stamp(&self.troubled_since_ns),
        }
    }
}

/// How soon a dead stream is noticed; a look costs a few loads.
const CHECK_EVERY: Duration = Duration::from_millis(20);
/// A stall longer than this would be seen: time goes on without the device. Far longer than any block we ask for.
const STALL_NS: i64 = 250_000_000;
const LOOK_EVERY_NS: i64 = 1_000_000_000;
/// More are not looked through.
const DEVICES_MAX: usize = 64;
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);
