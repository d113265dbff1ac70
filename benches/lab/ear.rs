//! A sound server of our own with a loudspeaker for everybody, and one recording of them all: what it holds was heard at the same instant.
//!
//! Microphones, where there are some, hang on further channels of the same sink: what is played to a [`mouth`] is what its [`microphone`] hears, and stands in
//! the same recording beside what the ears hear.

use std::{
    io::Read as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use houselights::trace::mono_ns;

use super::{correlate::RATE, spaces::bound};

/// The server and the recorder.
pub(crate) struct Ear {
    server: Child,
    recorder: Child,
    thread: Option<JoinHandle<()>>,
    tape: Arc<Mutex<Tape>>,
    socket: String,
    folder: String,
}

impl Ear {
    /// Loudspeakers [`speaker`] 0 to `count`, and a recording that begins now. A sink has 32 channels at most, of which a loudspeaker takes two and a
    /// microphone one.
    pub(crate) fn open(folder: &Path, count: usize, has_microphones: bool) -> Result<Self, String> {
        let channel_count = if has_microphones { count * 3 } else { count * 2 };
        let folder = folder.join("sound");
        let about = |what: &str, error: std::io::Error| format!("{what}: {error}. scripts/rivals installs what is missing.");
        std::fs::create_dir(&folder).map_err(|error| about("The sound server's folder", error))?;
        let channels = (0..channel_count).map(|channel| format!("aux{channel}")).collect::<Vec<_>>().join(",");
        let mut script = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}/native\n\
             load-module module-null-sink sink_name=hall rate=48000 channels={channel_count} channel_map={channels}\n",
            folder.display()
        );
        for index in 0..count {
            script += &format!(
                "load-module module-remap-sink sink_name={} master=hall channels=2 channel_map=front-left,front-right \
                 master_channel_map=aux{},aux{} remix=no\n",
                speaker(index),
                index * 2,
                index * 2 + 1
            );
        }
        for index in 0..channel_count - count * 2 {
            let on = format!("channels=1 channel_map=mono master_channel_map=aux{} remix=no", count * 2 + index);
            script += &format!("load-module module-remap-sink sink_name={} master=hall {on}\n", mouth(index));
            script += &format!("load-module module-remap-source source_name={} master=hall.monitor {on}\n", microphone(index));
        }
        std::fs::write(folder.join("default.pa"), script).map_err(|error| about("The sound server's script", error))?;
        let socket = format!("unix:{}/native", folder.display());
        let mut server = bound(&["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--realtime=yes"]);
        server.args(["--high-priority=yes", "--log-level=error", "-F"]).arg(folder.join("default.pa"));
        server.env("HOME", &folder).env("XDG_RUNTIME_DIR", &folder).env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("PULSE_RUNTIME_PATH");
        let log = std::fs::File::create(folder.join("server.log")).map_err(|error| about("The sound server's log", error))?;
        let mut server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().map_err(|e| about("pulseaudio", e))?;
        if let Err(error) = wait_for_speakers(&socket, &folder, count) {
            end(&mut server);
            return Err(error);
        }
        let mut recorder = bound(&["parec", "--raw", "--latency-msec=5", "--rate=48000", "--format=s16le", "-d", "hall.monitor"]);
        recorder
            .args([format!("--channels={channel_count}"), format!("--channel-map={channels}")])
            .env("PULSE_SERVER", &socket)
            .env("HOME", &folder);
        let mut recorder = recorder.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| {
            end(&mut server);
            about("parec", error)
        })?;
        let tape = Arc::new(Mutex::new(Tape {
            speakers: vec![Vec::new(); count],
            mouths: vec![Vec::new(); channel_count - count * 2],
            stamps: Vec::new(),
        }));
        let output = recorder.stdout.take();
        let kept = Arc::clone(&tape);
        let body = move || output.map_or((), |output| record(output, &kept));
        let thread = Builder::new().name("tape".into()).spawn(body).map_err(|error| about("A thread", error))?;
        let ear = Self { server, recorder, thread: Some(thread), tape, socket, folder: folder.display().to_string() };
        // An idle null sink renders in blocks of two seconds; with a recorder on it for that long a new stream starts at once.
        std::thread::sleep(Duration::from_millis(2_500));
        Ok(ear)
    }

    /// For a command that plays here.
    pub(crate) fn give_to(&self, command: &mut Command) {
        command.env("PULSE_SERVER", &self.socket).env("XDG_RUNTIME_DIR", &self.folder).env_remove("PULSE_RUNTIME_PATH");
    }

    /// What has been recorded so far.
    pub(crate) fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        end(&mut self.recorder);
        end(&mut self.server);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            eprintln!("the recording ended early");
        }
    }
}

/// The name of a participant's loudspeaker.
pub(crate) fn speaker(index: usize) -> String {
    format!("p{index}")
}

/// Where to play what a participant says.
pub(crate) fn mouth(index: usize) -> String {
    format!("mouth{index}")
}

/// The name of a participant's microphone.
pub(crate) fn microphone(index: usize) -> String {
    format!("mic{index}")
}

/// The left channel of every loudspeaker, what every mouth said, and when it was heard.
pub(crate) struct Tape {
    pub(crate) speakers: Vec<Vec<i16>>,
    mouths: Vec<Vec<i16>>,
    /// So many samples were there at that time.
    stamps: Vec<(usize, i64)>,
}

impl Tape {
    /// The sample heard at `mono_ns` of this process's clock, to the millisecond: the null sink's clock is not exact, so stamps within a second decide.
    pub(crate) fn sample_at(&self, mono_ns: i64) -> Option<usize> {
        let near = self.near(|stamp| stamp.1, mono_ns, 1_000_000_000);
        let early = near.iter().map(|&(count, at_ns)| count as f64 - (at_ns - mono_ns) as f64 * RATE / 1e9).max_by(f64::total_cmp)?;
        (early >= 0.0).then_some(early as usize)
    }

    /// When a sample was heard, by this process's clock.
    pub(crate) fn heard_ns(&self, sample: usize) -> Option<i64> {
        let near = self.near(|stamp| stamp.0 as i64, sample as i64, RATE as i64);
        let at = |&(count, at_ns): &(usize, i64)| at_ns - ((count as i64 - sample as i64) as f64 * 1e9 / RATE) as i64;
        near.iter().map(at).min()
    }

    fn near(&self, key: impl Fn(&(usize, i64)) -> i64, at: i64, reach: i64) -> &[(usize, i64)] {
        let from = self.stamps.partition_point(|stamp| key(stamp) < at - reach);
        let to = self.stamps.partition_point(|stamp| key(stamp) < at + reach);
        &self.stamps[from..to]
    }

    /// One loudspeaker's samples, −1 to 1.
    pub(crate) fn sound(&self, speaker: usize) -> Vec<f32> {
        floats(&self.speakers[speaker])
    }

    /// What a mouth said, −1 to 1; a sample is of the same instant as that of any loudspeaker.
    pub(crate) fn speech(&self, mouth: usize) -> Vec<f32> {
        floats(&self.mouths[mouth])
    }

    /// Samples so far.
    pub(crate) fn length(&self) -> usize {
        self.speakers[0].len()
    }
}

fn floats(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|&sample| f32::from(sample) / 32_768.0).collect()
}

/// Reads until the recorder ends.
fn record(mut output: ChildStdout, tape: &Mutex<Tape>) {
    let mut pending = Vec::new();
    let mut buffer = [0; 65_536];
    while let Ok(length @ 1..) = output.read(&mut buffer) {
        let now_ns = mono_ns();
        let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
        pending.extend_from_slice(&buffer[..length]);
        let ears_bytes = tape.speakers.len() * 4;
        let frame_bytes = ears_bytes + tape.mouths.len() * 2;
        let whole = pending.len() / frame_bytes * frame_bytes;
        for frame in pending[..whole].chunks_exact(frame_bytes) {
            let (ears, mouths) = frame.split_at(ears_bytes);
            for (speaker, pair) in tape.speakers.iter_mut().zip(ears.chunks_exact(4)) {
                speaker.push(i16::from_le_bytes([pair[0], pair[1]]));
            }
            for (mouth, sample) in tape.mouths.iter_mut().zip(mouths.chunks_exact(2)) {
                mouth.push(i16::from_le_bytes([sample[0], sample[1]]));
            }
        }
        pending.drain(..whole);
        let count = tape.length();
        tape.stamps.push((count, now_ns));
    }
}

fn wait_for_speakers(socket: &str, home: &Path, count: usize) -> Result<(), String> {
    for _ in 0..100 {
        let output = Command::new("pactl").args(["list", "short", "sinks"]).env("PULSE_SERVER", socket).env("HOME", home).output();
        let output = output.map_err(|error| format!("pactl cannot be run ({error}): scripts/rivals."))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if (0..count).all(|index| said.lines().any(|line| line.split('\t').nth(1) == Some(&*speaker(index)))) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err("The sound server did not come up within ten seconds.".to_owned())
}

/// Kills and reaps.
pub(crate) fn end(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        eprintln!("a process may be left: {error}");
    }
}
