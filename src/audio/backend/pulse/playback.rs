use std::{convert::Infallible, ffi::CString, time::SystemTime};

use pulseaudio::protocol::{
    ChannelMap, Command, CreatePlaybackStreamReply, LatencyParams, PlaybackLatency, PlaybackStreamParams, Prop, Props, ProtocolError,
    stream,
};

use super::{Heard, Line, RATE, Socket, Worker, dial, spec};
use crate::audio::backend::stage::BLOCK_FRAMES;

/// A stereo stream of floats at [`RATE`]; it plays until dropped.
pub(in crate::audio::backend) struct Playback {
    _worker: Worker,
}

impl Playback {
    /// Plays on the sink of that name. `fill` is given a block of interleaved samples and how long it is until its first one is heard, in nanoseconds, zero if
    /// nobody knows; `ended` is called once the server does not go on.
    ///
    /// # Errors
    /// There is no server, or it does not want this.
    pub(in crate::audio::backend) fn open(
        sink: &str,
        mono_ns: fn() -> i64,
        fill: impl FnMut(&mut [f32], i64) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ProtocolError> {
        Self::open_on(dial()?, sink, mono_ns, fill, ended)
    }

    fn open_on(
        server: (Socket, Vec<u8>),
        sink: &str,
        mono_ns: fn() -> i64,
        fill: impl FnMut(&mut [f32], i64) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ProtocolError> {
        let worker = Worker::start(server, "pulse-out", &begin(sink)?, ended, move |line, begun: CreatePlaybackStreamReply| {
            let player =
                Player { line, fill, mono_ns, channel: begun.channel, written_bytes: 0, asked: None, asked_ns: i64::MIN / 2, place: None };
            player.run(begun.requested_bytes as usize)
        })?;
        Ok(Self { _worker: worker })
    }
}

fn begin(sink: &str) -> Result<Command, ProtocolError> {
    let mut about = Props::new();
    about.set(Prop::MediaName, c"Film and voices");
    Ok(Command::CreatePlaybackStream(PlaybackStreamParams {
        sample_spec: spec(2),
        channel_map: ChannelMap::stereo(),
        sink_name: Some(CString::new(sink).map_err(|error| ProtocolError::Invalid(error.to_string()))?),
        buffer_attr: stream::BufferAttr {
            target_length: (TARGET_FRAMES * FRAME_BYTES) as u32,
            minimum_request_length: (REQUEST_FRAMES * FRAME_BYTES) as u32,
            ..Default::default()
        },
        props: about,
        flags: stream::StreamFlags { adjust_latency: true, ..Default::default() },
        ..Default::default()
    }))
}

/// Answers what the server asks for.
struct Player<F> {
    line: Line,
    fill: F,
    mono_ns: fn() -> i64,
    channel: u32,
    written_bytes: i64,
    /// The question under way about where the sound stands.
    asked: Option<u32>,
    asked_ns: i64,
    place: Option<Place>,
}

impl<F: FnMut(&mut [f32], i64)> Player<F> {
    fn run(mut self, first_bytes: usize) -> Result<Infallible, ProtocolError> {
        self.give(first_bytes)?;
        loop {
            match self.line.hear(self.asked)? {
                Heard::Request { channel, bytes } if channel == self.channel => self.give(bytes)?,
                Heard::Answer(latency) => {
                    self.asked = None;
                    self.place = Some(Place::new(&latency, self.asked_ns, (self.mono_ns)()));
                }
                Heard::Killed(channel) if channel == self.channel => {
                    return Err(ProtocolError::Invalid("somebody ended the stream".to_owned()));
                }
                Heard::Request { .. } | Heard::Sound { .. } | Heard::Killed(_) | Heard::Other => {}
            }
        }
    }

    fn give(&mut self, bytes: usize) -> Result<(), ProtocolError> {
        let mut frames = bytes / FRAME_BYTES;
        let mut block = [0.0; BLOCK_FRAMES * 2];
        while frames > 0 {
            let samples = &mut block[..2 * frames.min(BLOCK_FRAMES)];
            frames -= samples.len() / 2;
            let now_ns = (self.mono_ns)();
            let ahead_ns = self.place.map_or(0, |place| place.ahead_ns(self.written_bytes, now_ns));
            (self.fill)(samples, ahead_ns);
            self.line.play(self.channel, samples)?;
            self.written_bytes += (samples.len() / 2 * FRAME_BYTES) as i64;
        }
        let now_ns = (self.mono_ns)();
        if self.asked.is_none() && now_ns - self.asked_ns >= ASK_EVERY_NS {
            // Our time is only sent back, and we have noted it.
            let question = LatencyParams { channel: self.channel, now: SystemTime::UNIX_EPOCH };
            self.asked = Some(self.line.say(&Command::GetPlaybackLatency(question))?);
            self.asked_ns = now_ns;
        }
        Ok(())
    }
}

/// Where the sound stood when the server was asked.
#[derive(Debug, Clone, Copy)]
struct Place {
    at_ns: i64,
    read_bytes: i64,
    /// From leaving the stream to being heard.
    device_ns: i64,
}

impl Place {
    /// The answer is of some moment between question and answer.
    fn new(latency: &PlaybackLatency, asked_ns: i64, answered_ns: i64) -> Self {
        let device_ns = i64::try_from(latency.sink_usec).unwrap_or(i64::MAX).saturating_mul(1_000);
        Self { at_ns: asked_ns + (answered_ns - asked_ns) / 2, read_bytes: latency.read_offset, device_ns }
    }

    /// How long until the byte after `written_bytes` is heard.
    fn ahead_ns(self, written_bytes: i64, now_ns: i64) -> i64 {
        let waiting_frames = written_bytes.saturating_sub(self.read_bytes).max(0) / FRAME_BYTES as i64;
        let waiting_ns = waiting_frames.saturating_mul(1_000_000_000) / i64::from(RATE);
        self.device_ns.saturating_add(waiting_ns).saturating_sub(now_ns - self.at_ns)
    }
}

const FRAME_BYTES: usize = 8;
/// 15 ms from writing to hearing; of which the server gives the device (15 - 2 x 5) / 2 ms.
const TARGET_FRAMES: usize = 720;
/// 5 ms.
const REQUEST_FRAMES: usize = 240;
const ASK_EVERY_NS: i64 = 8_000_000;

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        sync::mpsc::{Receiver, sync_channel},
    };

    use pulseaudio::protocol::{DESCRIPTOR_SIZE, PulseError, Request, write_error};

    use super::{
        super::{
            GREETING_TIMEOUT,
            tests::{Server, beside},
        },
        *,
    };

    /// A stream whose samples count up, what it was told, and whether it ended.
    fn begin() -> (Playback, Server, PlaybackStreamParams, Receiver<i64>, Receiver<()>) {
        let (ours, theirs) = Socket::pair().unwrap();
        theirs.set_read_timeout(Some(GREETING_TIMEOUT)).unwrap();
        let mut server = Server::on(theirs);
        let greeting = beside(move || {
            let begun = server.greet(&CreatePlaybackStreamReply { channel: CHANNEL, requested_bytes: 5_760, ..Default::default() });
            let Command::CreatePlaybackStream(params) = begun else { panic!("no stream") };
            (server, params)
        });
        let ((told, hears), (tell_end, end), mut next) = (sync_channel(16), sync_channel(1), 0.0);
        let fill = move |block: &mut [f32], ahead_ns| {
            block.fill_with(|| {
                next += 1.0;
                next
            });
            told.send(ahead_ns).unwrap();
        };
        let playback = Playback::open_on((ours, Vec::new()), "room", || 0, fill, move || tell_end.send(()).unwrap()).unwrap();
        let (server, params) = greeting.join().unwrap();
        (playback, server, params, hears, end)
    }

    #[test]
    fn each_request_is_answered_whole_and_knows_when_it_is_heard() {
        let (playback, mut server, params, hears, end) = begin();
        assert_eq!(params.sink_name.as_deref(), Some(c"room"));
        assert!(params.flags.adjust_latency && params.buffer_attr.minimum_request_length * 2 < params.buffer_attr.target_length);
        // 15 ms at once, as a block of 10 and one of 5, heard nobody knows when.
        let (first, second) = (server.sound(CHANNEL), server.sound(CHANNEL));
        assert_eq!((first.len(), second.len(), second[479]), (960, 480, 1440.0));
        assert_eq!((hears.recv().unwrap(), hears.recv().unwrap()), (0, 0));

        let (seq, Command::GetPlaybackLatency(_)) = server.hear() else { panic!("it does not ask") };
        // 5 ms were read and the device takes 2.5: what comes next waits behind 10 ms.
        server.answer(seq, &PlaybackLatency { sink_usec: 2_500, write_offset: 5_760, read_offset: 1_920, ..latency() });
        server.say(&Command::Request(Request { channel: CHANNEL + 1, length: 800 }));
        server.say(&Command::Request(Request { channel: CHANNEL, length: 1_920 }));
        assert_eq!(server.sound(CHANNEL).len(), 480);
        assert_eq!(hears.recv().unwrap(), 12_500_000);
        // Two requests before another answer: each stands behind the one before.
        server.say(&Command::Request(Request { channel: CHANNEL, length: 1_920 }));
        assert_eq!((server.sound(CHANNEL)[0], hears.recv().unwrap()), (1921.0, 17_500_000));
        assert!(end.try_recv().is_err());
        drop(playback);
        assert!(end.recv().is_ok());
    }

    #[test]
    fn a_stream_that_was_ended_or_whose_server_went_says_so() {
        let (_playback, mut server, _params, _hears, end) = begin();
        server.say(&Command::PlaybackStreamKilled(CHANNEL));
        end.recv_timeout(GREETING_TIMEOUT).unwrap();

        let (_playback, server, _params, _hears, end) = begin();
        drop(server);
        end.recv_timeout(GREETING_TIMEOUT).unwrap();

        let (_playback, mut server, _params, _hears, end) = begin();
        server.reader.get_mut().write_all(&[0xFF; DESCRIPTOR_SIZE]).unwrap();
        end.recv_timeout(GREETING_TIMEOUT).unwrap();
    }

    #[test]
    fn a_server_that_refuses_is_an_error() {
        let (ours, theirs) = Socket::pair().unwrap();
        let refusing = beside(move || {
            let mut server = Server::on(theirs);
            let (seq, _) = server.hear();
            write_error(server.reader.get_mut(), seq, &PulseError::AccessDenied).unwrap();
        });
        let refused = Playback::open_on((ours, Vec::new()), "room", || 0, |_, _| {}, || {});
        assert!(matches!(refused, Err(ProtocolError::ServerError(PulseError::AccessDenied))));
        refusing.join().unwrap();
    }

    fn latency() -> PlaybackLatency {
        PlaybackLatency {
            sink_usec: 0,
            source_usec: 0,
            playing: true,
            local_time: SystemTime::UNIX_EPOCH,
            remote_time: SystemTime::UNIX_EPOCH,
            write_offset: 0,
            read_offset: 0,
            underrun_for: 0,
            playing_for: 0,
        }
    }

    const CHANNEL: u32 = 7;
}
