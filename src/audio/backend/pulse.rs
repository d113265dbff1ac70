//! A stream of our own on a PulseAudio server (PipeWire speaks the same), in place of cpal's.
//!
//! cpal asks for two blocks of which one is requested at a time; the server makes a device latency of zero of that, and its sinks then work two thousand times
//! a second. Here the server may keep [`TARGET_FRAMES`] and asks for [`REQUEST_FRAMES`]; a third of the rest is the device's. One thread answers each request
//! as it comes; where the sound stands is asked beside it. The protocol's letters are the crate `pulseaudio`'s; its client is not used, because it clears a
//! megabyte for each message it reads. Choosing devices stays with cpal.

use std::{
    ffi::CString,
    io::{BufReader, Cursor, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    thread::{Builder, JoinHandle},
    time::{Duration, SystemTime},
};

use pulseaudio::protocol::{
    AuthParams, AuthReply, ChannelMap, Command, CommandReply, CreatePlaybackStreamReply, DESCRIPTOR_SIZE, Descriptor, DescriptorFlags,
    LatencyParams, MAX_VERSION, PlaybackLatency, PlaybackStreamParams, Prop, Props, ProtocolError, SampleFormat, SampleSpec,
    SetClientNameReply, TagStructReader, encode_descriptor, read_descriptor, read_reply_message, stream, write_command_message,
};

use super::stage::{BLOCK_FRAMES, RATE};

/// A stereo stream of floats at [`RATE`]; it plays until dropped.
pub(super) struct Playback {
    socket: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Playback {
    /// Plays on the sink of that name. `fill` is given a block of interleaved samples and how long it is until its first one is heard, in nanoseconds, zero if
    /// nobody knows; `ended` is called once the server does not go on.
    ///
    /// # Errors
    /// There is no server, or it does not want this.
    pub(super) fn open(
        sink: &str,
        mono_ns: fn() -> i64,
        fill: impl FnMut(&mut [f32], i64) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ProtocolError> {
        let path = pulseaudio::socket_path_from_env().ok_or_else(|| ProtocolError::Invalid("there is no sound server".to_owned()))?;
        let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        Self::open_on(UnixStream::connect(path)?, cookie, sink, mono_ns, fill, ended)
    }

    fn open_on(
        socket: UnixStream,
        cookie: Vec<u8>,
        sink: &str,
        mono_ns: fn() -> i64,
        fill: impl FnMut(&mut [f32], i64) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ProtocolError> {
        socket.set_read_timeout(Some(GREETING_TIMEOUT))?;
        socket.set_write_timeout(Some(GREETING_TIMEOUT))?;
        let (line, begun) = Line::greet(socket.try_clone()?, cookie, sink)?;
        // From here on it is the server who speaks when it wants something; whoever drops us ends the wait.
        socket.set_read_timeout(None)?;
        let player =
            Player { line, fill, mono_ns, channel: begun.channel, written_bytes: 0, asked: None, asked_ns: i64::MIN / 2, place: None };
        let body = move || {
            let Err(error) = player.run(begun.requested_bytes as usize);
            tracing::debug!("the stream on the sound server ends: {error}");
            ended();
        };
        let thread = Builder::new().name("pulse-out".into()).spawn(body)?;
        Ok(Self { socket, thread: Some(thread) })
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        if let Err(error) = self.socket.shutdown(Shutdown::Both) {
            tracing::debug!("the sound server has hung up: {error}");
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the sound server ended early");
        }
    }
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
    fn run(mut self, first_bytes: usize) -> Result<std::convert::Infallible, ProtocolError> {
        self.give(first_bytes)?;
        loop {
            match self.line.hear(self.asked)? {
                Heard::Request { channel, bytes } if channel == self.channel => self.give(bytes)?,
                Heard::Latency(latency) => {
                    self.asked = None;
                    self.place = Some(Place::new(&latency, self.asked_ns, (self.mono_ns)()));
                }
                Heard::Killed(channel) if channel == self.channel => {
                    return Err(ProtocolError::Invalid("somebody ended the stream".to_owned()));
                }
                Heard::Request { .. } | Heard::Killed(_) | Heard::Other => {}
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
            let question = LatencyParams { channel: self.channel, now: SystemTime::now() };
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

/// The talk with the server.
struct Line {
    reader: BufReader<UnixStream>,
    version: u16,
    next_seq: u32,
    /// What is read and written, kept for its room.
    message: Vec<u8>,
}

enum Heard {
    Request { channel: u32, bytes: usize },
    Latency(PlaybackLatency),
    Killed(u32),
    Other,
}

impl Line {
    fn greet(socket: UnixStream, cookie: Vec<u8>, sink: &str) -> Result<(Self, CreatePlaybackStreamReply), ProtocolError> {
        let reader = BufReader::new(socket);
        let mut line = Self { reader, version: MAX_VERSION, next_seq: 0, message: Vec::new() };
        let auth = AuthParams { version: MAX_VERSION, supports_shm: false, supports_memfd: false, cookie };
        let welcome: AuthReply = line.ask(&Command::Auth(auth))?;
        line.version = welcome.version.min(MAX_VERSION);
        let mut about = Props::new();
        about.set(Prop::ApplicationName, c"Houselights");
        let _: SetClientNameReply = line.ask(&Command::SetClientName(about))?;

        let mut about = Props::new();
        about.set(Prop::MediaName, c"Film and voices");
        let sink = CString::new(sink).map_err(|error| ProtocolError::Invalid(error.to_string()))?;
        let begun = line.ask(&Command::CreatePlaybackStream(PlaybackStreamParams {
            sample_spec: SampleSpec { format: NATIVE_FLOAT, channels: 2, sample_rate: RATE },
            channel_map: ChannelMap::stereo(),
            sink_name: Some(sink),
            buffer_attr: stream::BufferAttr {
                target_length: (TARGET_FRAMES * FRAME_BYTES) as u32,
                minimum_request_length: (REQUEST_FRAMES * FRAME_BYTES) as u32,
                ..Default::default()
            },
            props: about,
            flags: stream::StreamFlags { adjust_latency: true, ..Default::default() },
            ..Default::default()
        }))?;
        Ok((line, begun))
    }

    /// Says something and waits for the answer, while nothing else can come.
    fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, ProtocolError> {
        let asked = self.say(command)?;
        let (seq, reply) = read_reply_message(&mut self.reader, self.version)?;
        if seq == asked { Ok(reply) } else { Err(ProtocolError::Invalid(format!("answer {seq} to question {asked}"))) }
    }

    fn say(&mut self, command: &Command) -> Result<u32, ProtocolError> {
        let seq = self.next_seq;
        self.next_seq = seq.wrapping_add(1);
        self.message.clear();
        write_command_message(&mut self.message, seq, command, self.version)?;
        self.reader.get_mut().write_all(&self.message)?;
        Ok(seq)
    }

    /// The next message; `asked` is the question about latency that may be answered by it.
    fn hear(&mut self, asked: Option<u32>) -> Result<Heard, ProtocolError> {
        let Descriptor { length, channel, .. } = read_descriptor(&mut self.reader)?;
        if length > MESSAGE_BYTES_MAX {
            return Err(ProtocolError::Invalid(format!("a message of {length} bytes")));
        }
        self.message.resize(length as usize, 0);
        self.reader.read_exact(&mut self.message)?;
        if channel != u32::MAX {
            return Ok(Heard::Other);
        }
        let mut body = Cursor::new(self.message.as_slice());
        Ok(match Command::read_tag_prefixed(&mut body, self.version) {
            Ok((_, Command::Request(request))) => Heard::Request { channel: request.channel, bytes: request.length as usize },
            Ok((_, Command::PlaybackStreamKilled(channel))) => Heard::Killed(channel),
            Ok((seq, Command::Reply)) if Some(seq) == asked => Heard::Latency(TagStructReader::new(&mut body, self.version).read()?),
            Ok((seq, Command::Error(error))) if Some(seq) == asked => return Err(ProtocolError::ServerError(error)),
            // News about things we did not ask for, some of them in words the crate does not know.
            Ok(_) | Err(_) => Heard::Other,
        })
    }

    fn play(&mut self, channel: u32, samples: &[f32]) -> Result<(), ProtocolError> {
        let descriptor = Descriptor { length: size_of_val(samples) as u32, channel, offset: 0, flags: DescriptorFlags::empty() };
        let mut head = [0; DESCRIPTOR_SIZE];
        encode_descriptor(&mut head, &descriptor);
        self.message.clear();
        self.message.extend_from_slice(&head);
        self.message.extend(samples.iter().flat_map(|sample| sample.to_ne_bytes()));
        Ok(self.reader.get_mut().write_all(&self.message)?)
    }
}

const NATIVE_FLOAT: SampleFormat = if cfg!(target_endian = "little") { SampleFormat::Float32Le } else { SampleFormat::Float32Be };
const FRAME_BYTES: usize = 8;
/// 15 ms from writing to hearing; of which the server gives the device (15 - 2 x 5) / 2 ms.
const TARGET_FRAMES: usize = 720;
/// 5 ms.
const REQUEST_FRAMES: usize = 240;
const ASK_EVERY_NS: i64 = 8_000_000;
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that concerns us has some hundred bytes.
const MESSAGE_BYTES_MAX: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use pulseaudio::protocol::{PulseError, Request, read_command_message, write_error, write_reply_message};

    use super::*;

    /// The server's side of the talk.
    struct Server {
        reader: BufReader<UnixStream>,
    }

    impl Server {
        fn hear(&mut self) -> (u32, Command) {
            read_command_message(&mut self.reader, MAX_VERSION).unwrap()
        }

        fn answer<R: CommandReply>(&mut self, seq: u32, reply: &R) {
            write_reply_message(self.reader.get_mut(), seq, reply, MAX_VERSION).unwrap();
        }

        fn say(&mut self, command: &Command) {
            write_command_message(self.reader.get_mut(), u32::MAX, command, MAX_VERSION).unwrap();
        }

        fn greet(&mut self) -> PlaybackStreamParams {
            let (seq, Command::Auth(_)) = self.hear() else { panic!("no credentials") };
            self.answer(seq, &AuthReply { version: MAX_VERSION, ..Default::default() });
            let (seq, Command::SetClientName(_)) = self.hear() else { panic!("no name") };
            self.answer(seq, &SetClientNameReply { client_id: 1 });
            let (seq, Command::CreatePlaybackStream(params)) = self.hear() else { panic!("no stream") };
            self.answer(seq, &CreatePlaybackStreamReply { channel: CHANNEL, requested_bytes: 5_760, ..Default::default() });
            params
        }

        fn sound(&mut self) -> Vec<f32> {
            let descriptor = read_descriptor(&mut self.reader).unwrap();
            assert_eq!(descriptor.channel, CHANNEL);
            let mut bytes = vec![0; descriptor.length as usize];
            self.reader.read_exact(&mut bytes).unwrap();
            bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect()
        }
    }

    /// A stream whose samples count up, what it was told, and whether it ended.
    fn begin() -> (Playback, Server, PlaybackStreamParams, Receiver<i64>, Receiver<()>) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_read_timeout(Some(GREETING_TIMEOUT)).unwrap();
        let mut server = Server { reader: BufReader::new(theirs) };
        let greeting = std::thread::spawn(move || {
            let params = server.greet();
            (server, params)
        });
        let ((told, hears), (tell_end, end), mut next) = (channel(), channel(), 0.0);
        let fill = move |block: &mut [f32], ahead_ns| {
            block.fill_with(|| {
                next += 1.0;
                next
            });
            told.send(ahead_ns).unwrap();
        };
        let playback = Playback::open_on(ours, Vec::new(), "room", || 0, fill, move || tell_end.send(()).unwrap()).unwrap();
        let (server, params) = greeting.join().unwrap();
        (playback, server, params, hears, end)
    }

    #[test]
    fn each_request_is_answered_whole_and_knows_when_it_is_heard() {
        let (playback, mut server, params, hears, end) = begin();
        assert_eq!(params.sink_name.as_deref(), Some(c"room"));
        assert!(params.flags.adjust_latency && params.buffer_attr.minimum_request_length * 2 < params.buffer_attr.target_length);
        // 15 ms at once, as a block of 10 and one of 5, heard nobody knows when.
        let (first, second) = (server.sound(), server.sound());
        assert_eq!((first.len(), second.len(), second[479]), (960, 480, 1440.0));
        assert_eq!((hears.recv().unwrap(), hears.recv().unwrap()), (0, 0));

        let (seq, Command::GetPlaybackLatency(_)) = server.hear() else { panic!("it does not ask") };
        // 5 ms were read and the device takes 2.5: what comes next waits behind 10 ms.
        server.answer(seq, &PlaybackLatency { sink_usec: 2_500, write_offset: 5_760, read_offset: 1_920, ..latency() });
        server.say(&Command::Request(Request { channel: CHANNEL + 1, length: 800 }));
        server.say(&Command::Request(Request { channel: CHANNEL, length: 1_920 }));
        assert_eq!(server.sound().len(), 480);
        assert_eq!(hears.recv().unwrap(), 12_500_000);
        // Two requests before another answer: each stands behind the one before.
        server.say(&Command::Request(Request { channel: CHANNEL, length: 1_920 }));
        assert_eq!((server.sound()[0], hears.recv().unwrap()), (1921.0, 17_500_000));
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
        let (ours, theirs) = UnixStream::pair().unwrap();
        let refusing = std::thread::spawn(move || {
            let mut server = Server { reader: BufReader::new(theirs) };
            let (seq, _) = server.hear();
            write_error(server.reader.get_mut(), seq, &PulseError::AccessDenied).unwrap();
        });
        let refused = Playback::open_on(ours, Vec::new(), "room", || 0, |_, _| {}, || {});
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
