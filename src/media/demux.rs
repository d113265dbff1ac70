use std::{
    collections::VecDeque,
    io::{self, Read, SeekFrom},
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use ffmpeg_next::{
    Packet, codec, decoder,
    format::{self, context::Input},
};

use super::{
    Error, Event, ReadSeek, Source, Turn, container,
    decode::{Item, Opened, Step},
    ffi, film_info, frame,
    kept::TRACKS_MAX,
    picture::Said,
    player::{Seek, Shared},
    subtitle::{EmbeddedTrack, Order, Packets},
    video::{self, VideoStream},
};
use crate::handover::{MailboxReceiver, MailboxSender, QueueProducer};

/// Opens the film, then reads packets ahead into a bounded queue and seeks when asked.
pub(super) struct Demux {
    pub(super) source: Option<Source>,
    pub(super) name: String,
    pub(super) input: Option<Input>,
    pub(super) start_us: i64,
    pub(super) video: Option<usize>,
    pub(super) sounds: Vec<usize>,
    /// The streams that are passed on: the picture, and all sound, so that another track is heard at once.
    pub(super) wanted: Vec<usize>,
    /// Streams of subtitles: all are read along, whichever is shown.
    pub(super) subtitles: Vec<usize>,
    pub(super) packets: Packets,
    pub(super) generation: u32,
    /// Whether nothing was read since the film was opened: some formats cannot be sought in at all.
    pub(super) is_fresh: bool,
    /// On its way to the decoder.
    pub(super) waiting: VecDeque<Item>,
    /// Read after a seek, until it is known whether the place is right.
    pub(super) held: Vec<Packet>,
    pub(super) landing: Option<Landing>,
    pub(super) reads: bool,
    pub(super) faults: u32,
    pub(super) commands: MailboxReceiver<Seek>,
    pub(super) events: MailboxSender<Event>,
    pub(super) items: QueueProducer<Item>,
    pub(super) shared: Arc<Shared>,
    pub(super) waker: Waker,
    pub(super) on_hardware: bool,
}

impl Demux {
    /// One packet, one seek or one opening.
    pub(super) fn step(&mut self) -> Step {
        if self.shared.stop.load(Ordering::Relaxed) {
            return Step::Done;
        }
        self.shared.demux.work(self.shared.now_ns());
        let step = self.work();
        self.shared.demux.wait();
        step
    }

    fn work(&mut self) -> Step {
        if let Some(source) = self.source.take() {
            return match self.open(source) {
                Ok(()) => Step::Worked,
                Err(error) => {
                    self.shared.report(&self.events, Event::Failed(error));
                    Step::Done
                }
            };
        }
        if let Some(seek) = std::iter::from_fn(|| self.commands.receive()).last() {
            self.waiting.clear();
            self.seek(seek);
            return Step::Worked;
        }
        if let Some(item) = self.waiting.pop_front() {
            return match self.items.push(self.generation, item) {
                Ok(()) => Step::Worked,
                Err(item) => {
                    self.waiting.push_front(item);
                    Step::Idle
                }
            };
        }
        if !self.reads || self.shared.bytes_in_flight.load(Ordering::Relaxed) > MAX_BYTES_IN_FLIGHT {
            return Step::Idle;
        }
        self.read()
    }

    fn read(&mut self) -> Step {
        let Some(input) = &mut self.input else { return Step::Done };
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) => {
                self.faults = 0;
                let is_wanted = self.wanted.contains(&packet.stream());
                if is_wanted {
                    self.land(packet);
                } else if let Some(track) = self.subtitles.iter().position(|index| *index == packet.stream())
                    && let Some(base) = input.stream(packet.stream()).map(|stream| stream.time_base())
                {
                    self.packets.send(track, &packet, base, self.start_us);
                }
                Step::Worked
            }
            // A newer seek interrupted this read; it is in the mailbox.
            Err(ffmpeg_next::Error::Exit) => Step::Idle,
            Err(error) => {
                self.faults += 1;
                if error == ffmpeg_next::Error::Eof || self.faults > MAX_FAULTS {
                    self.reads = false;
                    self.landing = None;
                    let held = std::mem::take(&mut self.held);
                    held.into_iter().for_each(|packet| self.pass_on(packet));
                    self.waiting.push_back(Item::End);
                }
                Step::Worked
            }
        }
    }

    fn seek(&mut self, seek: Seek) {
        tracing::debug!(seek.generation, seek.film_ns, "seek");
        self.shared.serving.store(seek.generation, Ordering::Release);
        self.generation = seek.generation;
        let chosen = seek.sound.and_then(|number| self.sounds.get(number));
        self.wanted = self.video.iter().chain(self.sounds.iter().take(TRACKS_MAX)).chain(chosen).copied().collect();
        self.faults = 0;
        self.reads = true;
        self.held.clear();
        self.landing = None;
        let film_ns = seek.film_ns.max(0);
        if let Some(input) = &mut self.input {
            let wanted: Vec<usize> = self.wanted.iter().chain(&self.subtitles).copied().collect();
            ffi::discard_others(input, &wanted);
            let is_at_start = film_ns == 0 && std::mem::take(&mut self.is_fresh);
            if !is_at_start && self.go_to(film_ns) && self.video.is_some() {
                self.landing = Some(Landing { film_ns, back_ns: FIRST_STEP_BACK_NS });
            }
            self.is_fresh = false;
        }
        self.waiting.push_back(Item::Start { film_ns, sound: seek.sound, ring: seek.ring, glances: seek.glances });
    }

    /// Goes to the key frame before a place; where the file cannot say, to its beginning, from which decoding comes to the place as well.
    /// Returns whether it is somewhere after the beginning.
    fn go_to(&mut self, film_ns: i64) -> bool {
        let Some(input) = &mut self.input else { return false };
        let target_us = self.start_us + film_ns / 1000;
        if film_ns > 0 && input.seek(target_us, ..target_us).is_ok() {
            return true;
        }
        // A broadcast has no index, and its beginning is sought by bytes: by time it lands behind the first key frame.
        let by_bytes = input.format().name().starts_with("mpeg");
        let sought = if by_bytes { ffi::seek_to_first_byte(input) } else { input.seek(self.start_us, ..self.start_us + 1) };
        let sought = sought.or_else(|_| ffi::seek_to_first_byte(input));
        if let Err(error) = sought {
            tracing::warn!("“{}” cannot be sought in: {error}", self.name);
        }
        false
    }

    /// Some containers (MPEG-TS) land anywhere. Packets are held back until the first one of the picture shows whether it can be decoded and is not after the
    /// place; if not, the seek is made again further back.
    fn land(&mut self, packet: Packet) {
        let Some(landing) = self.landing.take() else {
            self.pass_on(packet);
            return;
        };
        if Some(packet.stream()) != self.video && self.held.len() < MAX_HELD {
            self.held.push(packet);
            self.landing = Some(landing);
            return;
        }
        let time_base = self.input.as_ref().and_then(|input| input.stream(packet.stream())).map(|stream| stream.time_base());
        let at_ns = packet
            .pts()
            .or(packet.dts())
            .zip(time_base)
            .and_then(|(stamp, base)| video::to_ns(stamp, base))
            .map(|ns| ns - self.start_us * 1000);
        let is_fit = packet.is_key() && at_ns.is_none_or(|at_ns| at_ns <= landing.film_ns);
        tracing::debug!(is_fit, ?at_ns, "landed");
        if is_fit || landing.back_ns > LAST_STEP_BACK_NS || Some(packet.stream()) != self.video {
            let held = std::mem::take(&mut self.held);
            held.into_iter().chain([packet]).for_each(|packet| self.pass_on(packet));
            return;
        }
        self.held.clear();
        if self.go_to((landing.film_ns - landing.back_ns).max(0)) {
            self.landing = Some(Landing { back_ns: landing.back_ns * 2, ..landing });
        }
    }

    fn pass_on(&mut self, packet: Packet) {
        self.shared.bytes_in_flight.fetch_add(packet.size(), Ordering::Relaxed);
        self.waiting.push_back(Item::Packet(packet));
    }

    fn open(&mut self, source: Source) -> Result<(), Error> {
        let reader = WatchedReader { bytes: source.bytes, shared: Arc::clone(&self.shared) };
        let shared = Arc::clone(&self.shared);
        let input = container::open(reader, &self.name, move || shared.must_leave())?;
        let has_decoder = |index| {
            let stream: Option<format::stream::Stream<'_>> = input.stream(index);
            stream.is_some_and(|stream| decoder::find(stream.parameters().id()).is_some())
        };
        let (mut info, mut streams) = film_info::describe(&input, &self.name, has_decoder);
        if streams.video.is_none() && streams.sounds.is_empty() {
            return Err(Error::NothingToPlay { name: self.name.clone() });
        }
        let cover = info.video.is_some_and(|video| video.is_cover).then(|| streams.video.and_then(|index| input.stream(index))).flatten();
        if let Some((width, height)) = cover.map(|stream| ffi::coded_size(&stream.parameters()))
            && !streams.sounds.is_empty()
            && video::check_size(&self.name, width, height).is_err()
        {
            tracing::info!("“{}” has a cover of {width} × {height}, which is left out", self.name);
            (info.video, streams.video) = (None, None);
        }
        self.start_us = ffi::start_time_us(&input);
        let mut opened = Opened { video: None, sounds: Vec::new() };
        if let (Some(stream), Some(described)) = (streams.video.and_then(|index| input.stream(index)), info.video) {
            let (width, height) = ffi::coded_size(&stream.parameters());
            video::check_size(&self.name, width, height)?;
            let of_stream = VideoStream {
                time_base: stream.time_base(),
                start_us: self.start_us,
                is_cover: described.is_cover,
                rate: described.rate,
                on_hardware: self.on_hardware,
                threads: std::thread::available_parallelism().map_or(1, |count| count.get().min(MAX_DECODER_THREADS)),
                said: Said {
                    pixel_aspect: ffi::pixel_aspect(&stream),
                    turn: frame::stream_turn(&stream).unwrap_or(Turn::NONE),
                    peak_nits: frame::stream_peak_nits(&stream),
                },
            };
            opened.video = Some((stream.index(), stream.parameters(), of_stream));
        }
        for &index in &streams.sounds {
            if let Some(stream) = input.stream(index) {
                let (parameters, time_base) = (stream.parameters(), stream.time_base());
                opened.sounds.push(SoundStream { index, parameters, time_base, start_us: self.start_us });
            }
        }
        let with_parameters = streams.subtitles.iter().map(|index| input.stream(*index).map(|stream| stream.parameters()));
        let tracks = info.subtitles.iter().cloned().zip(with_parameters);
        let tracks = tracks.filter_map(|(info, parameters)| Some(EmbeddedTrack { info, parameters: parameters? })).collect();
        let video_size = info.video.map_or((0, 0), |video| (video.width, video.height));
        if !self.packets.order(Order::Opened { tracks, fonts: ffi::fonts(&input), video: video_size }) {
            tracing::error!("the subtitles' first order does not fit");
        }
        self.video = streams.video;
        self.sounds = streams.sounds;
        self.subtitles = streams.subtitles;
        // Before it is told: the seek that follows must find the streams known.
        if self.items.push(0, Item::Opened(Box::new(opened))).is_err() {
            tracing::error!("the first item does not fit");
        }
        self.input = Some(input);
        tracing::debug!("“{}” is open", self.name);
        self.shared.is_open.store(true, Ordering::Release);
        self.shared.report(&self.events, Event::Opened(info));
        self.waker.wake_by_ref();
        Ok(())
    }
}

/// A seek that has not shown yet where it came to.
pub(super) struct Landing {
    film_ns: i64,
    /// How far before the place the next attempt is made.
    back_ns: i64,
}

/// What is needed to open a decoder for a sound track.
pub(super) struct SoundStream {
    pub(super) index: usize,
    pub(super) parameters: codec::Parameters,
    pub(super) time_base: ffmpeg_next::Rational,
    pub(super) start_us: i64,
}

impl SoundStream {
    /// When a packet begins, in nanoseconds of film time.
    pub(super) fn film_ns(&self, packet: &Packet) -> Option<i64> {
        packet.pts().or(packet.dts()).and_then(|stamp| video::to_ns(stamp, self.time_base)).map(|ns| ns - self.start_us * 1000)
    }
}

/// The film's bytes; while they are awaited the thread counts as waiting.
struct WatchedReader {
    bytes: Box<dyn ReadSeek>,
    shared: Arc<Shared>,
}

impl Read for WatchedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.shared.demux.wait();
        let read = self.bytes.read(buffer);
        self.shared.demux.work(self.shared.now_ns());
        read
    }
}

impl io::Seek for WatchedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// Packets on their way to the decoder and waiting there.
const MAX_BYTES_IN_FLIGHT: usize = 32 << 20;
/// Damage at a stretch after which the film counts as over.
const MAX_FAULTS: u32 = 200;
/// A group of pictures in a broadcast.
const FIRST_STEP_BACK_NS: i64 = 2_000_000_000;
const LAST_STEP_BACK_NS: i64 = 16_000_000_000;
/// Sound before the first picture after a seek, of all tracks.
const MAX_HELD: usize = 2048;
/// More threads add delay and memory, not speed.
const MAX_DECODER_THREADS: usize = 8;
