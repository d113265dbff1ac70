use std::{io, sync::Arc};

use ffmpeg_next::{Packet, decoder, format::context::Input};

use super::{file, track::PacketBytes};
use crate::media::{ReadSeek, Source, container, ffi, film_info, player::Shared};

/// Looks for lines that began before the key frame from which a seek is served, and still stand at its place: the film is open a second time for it.
pub(super) struct Lookback {
    name: String,
    bytes: Option<Box<dyn ReadSeek>>,
    open: Option<Open>,
    shared: Arc<Shared>,
}

struct Open {
    input: Input,
    start_us: i64,
    subtitles: Vec<usize>,
    /// The stream by which one sees how far reading has come.
    pace: usize,
}

impl Lookback {
    pub(super) fn new(source: Source, shared: Arc<Shared>) -> Self {
        Self { name: source.name, bytes: Some(source.bytes), open: None, shared }
    }

    /// The packets from some seconds before a place up to it, with the number of their track. What cannot be read is not looked for.
    pub(super) fn look(&mut self, place_ns: i64) -> Vec<(usize, PacketBytes)> {
        if let Some(bytes) = self.bytes.take() {
            self.open = self.begin(bytes);
        }
        let Some(Open { input, start_us, subtitles, pace }) = &mut self.open else { return Vec::new() };
        let from_us = *start_us + (place_ns - BACK_NS).max(0) / 1000;
        if let Err(error) = input.seek(from_us, ..from_us.saturating_add(1)) {
            tracing::debug!("no looking back for subtitles: {error}");
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut packet = Packet::empty();
        for _ in 0..PACKETS_MAX {
            if packet.read(input).is_err() {
                break;
            }
            let Some(base) = input.stream(packet.stream()).map(|stream| stream.time_base()) else { continue };
            if packet.stream() == *pace {
                let at_ns = packet.dts().or(packet.pts()).and_then(|stamp| crate::media::video::to_ns(stamp, base));
                if at_ns.is_some_and(|at_ns| at_ns - *start_us * 1000 > place_ns) {
                    break;
                }
            } else if let Some(track) = subtitles.iter().position(|index| *index == packet.stream()) {
                found.extend(file::packet_bytes(&packet, base, *start_us).map(|bytes| (track, bytes)));
            }
        }
        found
    }

    fn begin(&self, bytes: Box<dyn ReadSeek>) -> Option<Open> {
        let shared = Arc::clone(&self.shared);
        let mut input = container::open(Unwatched(bytes), &self.name, move || shared.is_stopped()).ok()?;
        let has_decoder = |index| {
            let stream: Option<ffmpeg_next::format::stream::Stream<'_>> = input.stream(index);
            stream.is_some_and(|stream| decoder::find(stream.parameters().id()).is_some())
        };
        let (_, streams) = film_info::describe(&input, &self.name, has_decoder);
        let pace = streams.video.or(streams.sounds.first().copied())?;
        let wanted: Vec<usize> = streams.subtitles.iter().copied().chain([pace]).collect();
        ffi::discard_others(&mut input, &wanted);
        Some(Open { start_us: ffi::start_time_us(&input), input, subtitles: streams.subtitles, pace })
    }
}

/// The subtitler counts as waiting all the while; nobody else reads here.
struct Unwatched(Box<dyn ReadSeek>);

impl io::Read for Unwatched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl io::Seek for Unwatched {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Hardly a line stands longer.
const BACK_NS: i64 = 10_000_000_000;
/// Ten seconds of the picture and every track, with room.
const PACKETS_MAX: usize = 20_000;
