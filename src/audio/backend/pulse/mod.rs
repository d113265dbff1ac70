//! Streams of our own on a PulseAudio server (PipeWire speaks the same), in place of cpal's.
//!
//! cpal asks for two blocks of which one is requested at a time; the server makes a device latency of zero of that, and its sinks then work two thousand times
//! a second. A [`Playback`] lets the server keep 15 ms and request 5, so that a third of the rest is the device's; a [`Recording`] comes in pieces of 5 ms. One
//! thread a stream reads what the server says and does it. The protocol's letters are the crate `pulseaudio`'s; its client is not used, because it clears a
//! megabyte for each message it reads. Choosing devices stays with cpal.

mod playback;
mod recording;

pub(super) use playback::Playback;
pub(crate) use recording::Recording;

use std::{
    convert::Infallible,
    io::{BufReader, Cursor, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream as Socket,
    thread::{Builder, JoinHandle},
    time::Duration,
};

use pulseaudio::protocol::{
    AuthParams, AuthReply, Command, CommandReply, DESCRIPTOR_SIZE, Descriptor, DescriptorFlags, MAX_VERSION, Prop, Props, ProtocolError,
    SampleFormat, SampleSpec, SetClientNameReply, TagStructReader, encode_descriptor, read_descriptor, read_reply_message,
    write_command_message,
};

use super::stage::RATE;

/// A stream's thread; dropping it hangs up.
struct Worker {
    socket: Socket,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Greets the server and begins a stream; then does `work` on a thread of its own until the server does not go on, and calls `ended`.
    fn start<R: CommandReply + Send + 'static>(
        (socket, cookie): (Socket, Vec<u8>),
        name: &str,
        begin: &Command,
        ended: impl FnOnce() + Send + 'static,
        work: impl FnOnce(Line, R) -> Result<Infallible, ProtocolError> + Send + 'static,
    ) -> Result<Self, ProtocolError> {
        socket.set_read_timeout(Some(GREETING_TIMEOUT))?;
        socket.set_write_timeout(Some(GREETING_TIMEOUT))?;
        let mut line = Line::greet(socket.try_clone()?, cookie)?;
        let begun = line.ask(begin)?;
        // From here on it is the server who speaks when it wants something; whoever drops us ends the wait.
        socket.set_read_timeout(None)?;
        let body = move || {
            let Err(error) = work(line, begun);
            tracing::debug!("the stream on the sound server ends: {error}");
            ended();
        };
        let thread = Builder::new().name(name.to_owned()).spawn(body)?;
        Ok(Self { socket, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Err(error) = self.socket.shutdown(Shutdown::Both) {
            tracing::debug!("the sound server has hung up: {error}");
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread of the sound server ended early");
        }
    }
}

/// The user's server, and what it knows them by.
fn dial() -> Result<(Socket, Vec<u8>), ProtocolError> {
    let path = pulseaudio::socket_path_from_env().ok_or_else(|| ProtocolError::Invalid("there is no sound server".to_owned()))?;
    let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    Ok((Socket::connect(path)?, cookie))
}

/// The talk with the server.
struct Line {
    reader: BufReader<Socket>,
    version: u16,
    next_seq: u32,
    /// What is read and written, kept for its room.
    message: Vec<u8>,
}

enum Heard<R> {
    Request {
        channel: u32,
        bytes: usize,
    },
    /// It lies in the line's message.
    Sound {
        channel: u32,
    },
    Answer(R),
    Killed(u32),
    Other,
}

impl Line {
    fn greet(socket: Socket, cookie: Vec<u8>) -> Result<Self, ProtocolError> {
        let reader = BufReader::new(socket);
        let mut line = Self { reader, version: MAX_VERSION, next_seq: 0, message: Vec::new() };
        let auth = AuthParams { version: MAX_VERSION, supports_shm: false, supports_memfd: false, cookie };
        let welcome: AuthReply = line.ask(&Command::Auth(auth))?;
        line.version = welcome.version.min(MAX_VERSION);
        let mut about = Props::new();
        about.set(Prop::ApplicationName, c"Houselights");
        let _: SetClientNameReply = line.ask(&Command::SetClientName(about))?;
        Ok(line)
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

    /// The next message; `asked` is the question that may be answered by it.
    fn hear<R: CommandReply>(&mut self, asked: Option<u32>) -> Result<Heard<R>, ProtocolError> {
        let Descriptor { length, channel, .. } = read_descriptor(&mut self.reader)?;
        if length > MESSAGE_BYTES_MAX {
            return Err(ProtocolError::Invalid(format!("a message of {length} bytes")));
        }
        self.message.resize(length as usize, 0);
        self.reader.read_exact(&mut self.message)?;
        if channel != u32::MAX {
            return Ok(Heard::Sound { channel });
        }
        let mut body = Cursor::new(self.message.as_slice());
        Ok(match Command::read_tag_prefixed(&mut body, self.version) {
            Ok((_, Command::Request(request))) => Heard::Request { channel: request.channel, bytes: request.length as usize },
            Ok((_, Command::PlaybackStreamKilled(channel) | Command::RecordStreamKilled(channel))) => Heard::Killed(channel),
            Ok((seq, Command::Reply)) if Some(seq) == asked => Heard::Answer(TagStructReader::new(&mut body, self.version).read()?),
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
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);
/// A second of sound, and far longer than anything else that concerns us.
const MESSAGE_BYTES_MAX: u32 = 1 << 20;

/// Floats at [`RATE`].
const fn spec(channels: u8) -> SampleSpec {
    SampleSpec { format: NATIVE_FLOAT, channels, sample_rate: RATE }
}

#[cfg(test)]
mod tests {
    use pulseaudio::protocol::{read_command_message, write_reply_message};

    use super::*;

    /// Something the server does while we do something else.
    pub(super) fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        Builder::new().name("sound server".to_owned()).spawn(work).unwrap()
    }

    /// The server's side of the talk.
    pub(super) struct Server {
        pub(super) reader: BufReader<Socket>,
    }

    impl Server {
        pub(super) fn hear(&mut self) -> (u32, Command) {
            read_command_message(&mut self.reader, MAX_VERSION).unwrap()
        }

        pub(super) fn answer<R: CommandReply>(&mut self, seq: u32, reply: &R) {
            write_reply_message(self.reader.get_mut(), seq, reply, MAX_VERSION).unwrap();
        }

        pub(super) fn say(&mut self, command: &Command) {
            write_command_message(self.reader.get_mut(), u32::MAX, command, MAX_VERSION).unwrap();
        }

        pub(super) fn on(socket: Socket) -> Self {
            Self { reader: BufReader::new(socket) }
        }

        /// Lets somebody in who then begins a stream, and hears how.
        pub(super) fn greet<R: CommandReply>(&mut self, begun: &R) -> Command {
            let (seq, Command::Auth(_)) = self.hear() else { panic!("no credentials") };
            self.answer(seq, &AuthReply { version: MAX_VERSION, ..Default::default() });
            let (seq, Command::SetClientName(_)) = self.hear() else { panic!("no name") };
            self.answer(seq, &SetClientNameReply { client_id: 1 });
            let (seq, begin) = self.hear();
            self.answer(seq, begun);
            begin
        }

        pub(super) fn sound(&mut self, channel: u32) -> Vec<f32> {
            let descriptor = read_descriptor(&mut self.reader).unwrap();
            assert_eq!(descriptor.channel, channel);
            let mut bytes = vec![0; descriptor.length as usize];
            self.reader.read_exact(&mut bytes).unwrap();
            bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)).collect()
        }
    }
}
