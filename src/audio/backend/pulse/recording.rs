use std::ffi::CString;

use pulseaudio::protocol::{ChannelMap, Command, CreateRecordStreamReply, Prop, Props, ProtocolError, RecordStreamParams, stream};

use super::{Heard, Socket, Worker, dial, spec};

/// A mono stream of floats at 48 kHz; it records until dropped.
pub(crate) struct Recording {
    _worker: Worker,
}

impl Recording {
    /// Records from the source of that name; one that was `chosen` is not to be moved to another when it goes, as servers do without a word. `hear` is given what comes, mostly in pieces of 5 ms; `ended` is called once the server does not go on.
    ///
    /// # Errors
    /// There is no server, or it does not want this.
    pub(crate) fn open(
        (source, is_chosen): (&str, bool),
        hear: impl FnMut(&[f32]) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ProtocolError> {
        Self::open_on(dial()?, (source, is_chosen), hear, ended)
    }

    fn open_on(
        server: (Socket, Vec<u8>),
        source: (&str, bool),
        mut hear: impl FnMut(&[f32]) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ProtocolError> {
        let worker = Worker::start(server, "pulse-in", &begin(source)?, ended, move |mut line, begun: CreateRecordStreamReply| {
            let mut samples = Vec::with_capacity(FRAGMENT_FRAMES);
            loop {
                match line.hear::<CreateRecordStreamReply>(None)? {
                    Heard::Sound { channel } if channel == begun.channel => {
                        samples.clear();
                        samples.extend(line.message.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes)));
                        hear(&samples);
                    }
                    Heard::Killed(channel) if channel == begun.channel => {
                        return Err(ProtocolError::Invalid("somebody ended the stream".to_owned()));
                    }
                    _ => {}
                }
            }
        })?;
        Ok(Self { _worker: worker })
    }
}

fn begin((source, is_chosen): (&str, bool)) -> Result<Command, ProtocolError> {
    let mut about = Props::new();
    about.set(Prop::MediaName, c"My voice");
    Ok(Command::CreateRecordStream(RecordStreamParams {
        sample_spec: spec(1),
        channel_map: ChannelMap::mono(),
        source_name: Some(CString::new(source).map_err(|error| ProtocolError::Invalid(error.to_string()))?),
        buffer_attr: stream::BufferAttr { fragment_size: (FRAGMENT_FRAMES * size_of::<f32>()) as u32, ..Default::default() },
        props: about,
        flags: stream::StreamFlags { adjust_latency: true, no_move: is_chosen, ..Default::default() },
        ..Default::default()
    }))
}

/// 5 ms.
const FRAGMENT_FRAMES: usize = 240;

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::mpsc::sync_channel};

    use pulseaudio::protocol::{DESCRIPTOR_SIZE, Descriptor, DescriptorFlags, encode_descriptor};

    use super::{
        super::{
            GREETING_TIMEOUT,
            tests::{Server, beside},
        },
        *,
    };

    #[test]
    fn what_the_server_records_comes_as_it_is_until_it_ends() {
        let (ours, theirs) = Socket::pair().unwrap();
        let greeting = beside(move || {
            let mut server = Server::on(theirs);
            let begun = server.greet(&CreateRecordStreamReply { channel: 3, ..Default::default() });
            (server, begun)
        });
        let ((tell, told), (tell_end, end)) = (sync_channel(16), sync_channel(1));
        let hear = move |samples: &[f32]| tell.send(samples.to_vec()).unwrap();
        let recording = Recording::open_on((ours, Vec::new()), ("mic", true), hear, move || tell_end.send(()).unwrap()).unwrap();
        let (mut server, Command::CreateRecordStream(params)) = greeting.join().unwrap() else { panic!("no stream") };
        assert_eq!((params.source_name.as_deref(), params.buffer_attr.fragment_size), (Some(c"mic"), 960));
        assert!(params.flags.no_move);

        for (channel, samples) in [(3, vec![0.5, -1.0, 0.25]), (4, vec![9.0]), (3, vec![0.0; 240])] {
            let mut head = [0; DESCRIPTOR_SIZE];
            let length = size_of_val(samples.as_slice()) as u32;
            encode_descriptor(&mut head, &Descriptor { length, channel, offset: 0, flags: DescriptorFlags::empty() });
            server.reader.get_mut().write_all(&head).unwrap();
            for sample in samples {
                server.reader.get_mut().write_all(&f32::to_ne_bytes(sample)).unwrap();
            }
        }
        assert_eq!(told.recv_timeout(GREETING_TIMEOUT).unwrap(), [0.5, -1.0, 0.25]);
        assert_eq!(told.recv_timeout(GREETING_TIMEOUT).unwrap(), [0.0; 240], "another stream is none of ours");
        server.say(&Command::RecordStreamKilled(3));
        end.recv_timeout(GREETING_TIMEOUT).unwrap();
        drop(recording);
    }
}
