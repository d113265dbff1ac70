//! A sound server of the test's own, with a loudspeaker, a mouth and a microphone for everybody, and one recording of them all.
//!
//! They are channels of one null sink: what a mouth said and what an ear heard at the same instant stands side by side in the recording, whatever the server's
//! clock does. Needs what `scripts/setup test` installs.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{Builder, park_timeout},
    time::Duration,
};

use houselights::trace::mono_ns;
use tempfile::TempDir;

/// The server and its recorder. Fields are dropped in this order.
pub(crate) struct SoundServer {
    _recorder: Running,
    server: Running,
    /// The power of each channel in each 10 ms.
    tape: Arc<Mutex<Vec<Vec<f32>>>>,
    people: usize,
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl SoundServer {
    /// For so many people, and a recording that has run for a while.
    ///
    /// # Panics
    /// If a program is missing, or the server does not come up.
    pub(crate) fn open(people: usize) -> Self {
        for program in ["pulseaudio", "pactl", "parec", "paplay", "espeak-ng", "setpriv"] {
            assert!(
                is_installed(program),
                "{program} is missing, without which nobody talks: `scripts/setup test` installs it, but for pulseaudio where PipeWire is the desktop's own sound server, which it would replace: test in a container there."
            );
        }
        // Sound at its time is much for two cores already: one of these tests after the other.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let (channels, names) = channels(people);
        let script = folder.path().join("default.pa");
        std::fs::write(&script, modules(people, folder.path())).unwrap();
        let mut command = bound("pulseaudio");
        // Without a home and a session of the user's own nothing of theirs is read or changed. Root without --system is warned, not refused.
        command
            .args(["-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--realtime=yes", "--high-priority=yes"])
            .args(["--log-level=error", "-F"])
            .arg(&script)
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path());
        for foreign in ["DBUS_SESSION_BUS_ADDRESS", "PULSE_RUNTIME_PATH", "PULSE_SERVER"] {
            command.env_remove(foreign);
        }
        let log = File::create(folder.path().join(LOG)).unwrap();
        let mut server = Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        wait_for_microphones(&mut server, people, folder.path());

        let mut command = bound("parec");
        command
            .args(["--raw", "--latency-msec=5", "--rate=48000", "--format=s16le", "-d", "hall.monitor"])
            .args([format!("--channels={channels}"), format!("--channel-map={names}")]);
        give(folder.path(), &mut command);
        let mut recorder = Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let output = recorder.0.stdout.take().unwrap();
        let tape: Arc<Mutex<Vec<Vec<f32>>>> = Arc::default();
        let kept = Arc::clone(&tape);
        Builder::new().name("tape".to_owned()).spawn(move || record(output, channels, &kept)).unwrap();

        let mut espeak = Command::new("espeak-ng");
        espeak.args(["-v", "en", "-s", "150", "-w"]).arg(folder.path().join(SENTENCE_FILE)).arg(SENTENCE);
        run(&mut espeak);
        let sounds = Self { _recorder: recorder, server, tape, people, folder, _alone: alone };
        // An idle null sink works in blocks of two seconds; once it was recorded from for so long, a new stream begins at once.
        sounds.wait_for_tape(SETTLED_BLOCKS);
        sounds
    }

    /// For a command that plays and records here.
    pub(crate) fn give_to(&self, command: &mut Command) {
        give(self.folder.path(), command);
    }

    /// Somebody says the sentence into their microphone; what came of it to every ear.
    ///
    /// # Panics
    /// If the server stands still.
    pub(crate) fn says(&self, who: usize) -> Vec<Heard> {
        let quiet_from = self.length();
        let from = quiet_from + QUIET_BLOCKS;
        self.wait_for_tape(from);
        let mut command = bound("paplay");
        command.arg(format!("--device={}", mouth(who))).arg(self.folder.path().join(SENTENCE_FILE));
        self.give_to(&mut command);
        let mut speech = Running(command.stdin(Stdio::null()).spawn().unwrap());
        let mut status = None;
        wait("the sentence to be said", || {
            status = speech.0.try_wait().unwrap();
            status.is_some()
        });
        assert!(status.is_some_and(|status| status.success()), "paplay: {status:?}; {}", self.log());
        let to = self.length() + DELAY_MOST_BLOCKS;
        self.wait_for_tape(to);
        let tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        let ear = |blocks: &[Vec<f32>], ear: usize| -> Vec<f32> {
            blocks.iter().map(|block| (block[2 * ear] + block[2 * ear + 1]) / 2.0).collect()
        };
        let spoken: Vec<f32> = tape[from..to].iter().map(|block| block[2 * self.people + who]).collect();
        assert!(dbfs(&spoken) > LOUD_DBFS, "nothing was said: {} dBFS", dbfs(&spoken));
        let heard = |index: usize| {
            let (before, during) = (ear(&tape[quiet_from..from], index), ear(&tape[from..to], index));
            Heard { before_dbfs: dbfs(&before), dbfs: dbfs(&during), likeness: likeness(&spoken, &during) }
        };
        (0..self.people).map(heard).collect()
    }

    /// Pulls somebody's microphone out, as if it were a plug.
    ///
    /// # Panics
    /// If it is not there.
    pub(crate) fn unplug(&self, who: usize) {
        let name = format!("source_name={} ", microphone(who));
        let said = self.pactl(&["list", "short", "modules"]);
        let number = said.lines().find(|line| line.contains(&name)).and_then(|line| line.split('\t').next()).unwrap();
        self.pactl(&["unload-module", number]);
    }

    /// Plugs it in again.
    ///
    /// # Panics
    /// If the server does not want it.
    pub(crate) fn plug_in(&self, who: usize) {
        let module = microphone_module(who, self.people);
        let mut words = vec!["load-module"];
        words.extend(module.split(' '));
        self.pactl(&words);
    }

    fn pactl(&self, words: &[&str]) -> String {
        let mut command = Command::new("pactl");
        self.give_to(&mut command);
        run(command.args(words))
    }

    fn length(&self) -> usize {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn wait_for_tape(&self, blocks: usize) {
        wait("the recording to go on", || self.length() >= blocks);
    }

    /// What the server complained about.
    fn log(&self) -> String {
        let said = std::fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default();
        format!("the sound server {}: {said}", self.server.0.id())
    }
}

/// What came to an ear of what somebody said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    before_dbfs: f32,
    dbfs: f32,
    /// Of its loudness over time to the speaker's, at the delay up to a second that fits best: 1 is the same.
    likeness: f32,
}

impl Heard {
    /// Whether it was the sentence, well above what was there before.
    pub(crate) fn is_sentence(&self) -> bool {
        self.dbfs > LOUD_DBFS && self.dbfs > self.before_dbfs + 20.0 && self.likeness >= LIKE
    }

    /// Whether the words can be followed over whatever else is there.
    pub(crate) fn follows_words(&self) -> bool {
        self.dbfs > LOUD_DBFS && self.likeness >= LIKE
    }

    /// Whether nothing was there before.
    pub(crate) fn was_silence(&self) -> bool {
        self.before_dbfs < SILENT_DBFS
    }

    /// Whether nothing came, not even a syllable.
    pub(crate) fn is_silence(&self) -> bool {
        self.dbfs < SILENT_DBFS
    }
}

/// Where somebody's program plays.
pub(crate) fn speaker(who: usize) -> String {
    format!("ear{who}")
}

/// What somebody's program records.
pub(crate) fn microphone(who: usize) -> String {
    format!("mic{who}")
}

fn mouth(who: usize) -> String {
    format!("mouth{who}")
}

/// A process that does not outlive this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop((self.0.kill(), self.0.wait()));
    }
}

/// A command that ends with the thread that started it, should that be killed before it drops anything.
fn bound(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

fn give(folder: &Path, command: &mut Command) {
    command
        .env("PULSE_SERVER", format!("unix:{}/native", folder.display()))
        .env("XDG_RUNTIME_DIR", folder)
        .env_remove("PULSE_RUNTIME_PATH");
}

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// How many channels there are, two for an ear and then one for each mouth, and their names.
fn channels(people: usize) -> (usize, String) {
    let names: Vec<String> = (0..people * 3).map(|channel| format!("aux{channel}")).collect();
    (names.len(), names.join(","))
}

/// The server's script.
fn modules(people: usize, folder: &Path) -> String {
    let (channels, names) = channels(people);
    let mut script = format!(
        "load-module module-native-protocol-unix auth-anonymous=1 socket={}/native\n\
         load-module module-null-sink sink_name=hall rate=48000 channels={channels} channel_map={names}\n",
        folder.display()
    );
    for who in 0..people {
        let (left, right, mono) = (2 * who, 2 * who + 1, 2 * people + who);
        script += &format!(
            "load-module module-remap-sink sink_name={} master=hall channels=2 channel_map=front-left,front-right \
             master_channel_map=aux{left},aux{right} remix=no\n\
             load-module module-remap-sink sink_name={} master=hall channels=1 channel_map=mono master_channel_map=aux{mono} remix=no\n\
             load-module {}\n",
            speaker(who),
            mouth(who),
            microphone_module(who, people)
        );
    }
    script
}

fn microphone_module(who: usize, people: usize) -> String {
    let mono = 2 * people + who;
    let name = microphone(who);
    format!("module-remap-source source_name={name} master=hall.monitor channels=1 channel_map=mono master_channel_map=aux{mono} remix=no")
}

fn wait_for_microphones(server: &mut Running, people: usize, folder: &Path) {
    let log = || std::fs::read_to_string(folder.join(LOG)).unwrap_or_default();
    wait("the sound server", || {
        let ended = server.0.try_wait().unwrap();
        assert!(ended.is_none(), "the sound server ended: {ended:?}: {}", log());
        let mut command = Command::new("pactl");
        give(folder, &mut command);
        // It refuses until the server listens.
        let output = command.args(["list", "short", "sources"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        (0..people).all(|who| said.lines().any(|line| line.split('\t').nth(1) == Some(&*microphone(who))))
    });
}

/// Reads until the recorder ends.
fn record(mut output: ChildStdout, channels: usize, tape: &Mutex<Vec<Vec<f32>>>) {
    let mut block = vec![0; BLOCK_FRAMES * channels * 2];
    while output.read_exact(&mut block).is_ok() {
        let mut powers = vec![0.0; channels];
        for frame in block.chunks_exact(channels * 2) {
            for (power, sample) in powers.iter_mut().zip(frame.chunks_exact(2)) {
                let sample = f32::from(i16::from_le_bytes([sample[0], sample[1]])) / 32_768.0;
                *power += sample * sample / BLOCK_FRAMES as f32;
            }
        }
        tape.lock().unwrap_or_else(PoisonError::into_inner).push(powers);
    }
}

/// Runs a program to its end; what it printed.
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until it is so.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let since_ns = mono_ns();
    while !is_so() {
        assert!(mono_ns() - since_ns < PATIENCE_NS, "waited too long for {what}");
        park_timeout(Duration::from_millis(20));
    }
}

/// Of powers, one each 10 ms.
fn dbfs(powers: &[f32]) -> f32 {
    let mean = powers.iter().sum::<f32>() / powers.len().max(1) as f32;
    10.0 * mean.max(1e-12).log10()
}

fn likeness(spoken: &[f32], heard: &[f32]) -> f32 {
    let loudness = |powers: &[f32]| -> Vec<f32> { powers.iter().map(|power| power.sqrt()).collect() };
    let (spoken, heard) = (loudness(spoken), loudness(heard));
    let length = spoken.len() - DELAY_MOST_BLOCKS;
    let at = |delay: usize| correlation(&spoken[..length], &heard[delay..delay + length]);
    (0..=DELAY_MOST_BLOCKS).map(at).fold(0.0, f32::max)
}

/// Normalised, of what is above and below the mean; 0 if there is nothing but the mean.
fn correlation(one: &[f32], other: &[f32]) -> f32 {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
    let (one_mean, other_mean) = (mean(one), mean(other));
    let (mut both, mut one_power, mut other_power) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (a - one_mean, b - other_mean);
        both += a * b;
        one_power += a * a;
        other_power += b * b;
    }
    let norm = (one_power * other_power).sqrt();
    if norm > 1e-9 { both / norm } else { 0.0 }
}

static ALONE: Mutex<()> = Mutex::new(());
/// Short and long words and a pause: its loudness is like no other delay of itself.
const SENTENCE: &str = "Good evening. The popcorn is warm, and the film begins.";
const SENTENCE_FILE: &str = "sentence.wav";
const LOG: &str = "server.log";
/// 10 ms at 48 kHz.
const BLOCK_FRAMES: usize = 480;
const SETTLED_BLOCKS: usize = 250;
const QUIET_BLOCKS: usize = 50;
/// A second.
const DELAY_MOST_BLOCKS: usize = 100;
/// Over the whole span, pauses and all; what is heard lies 15 dB above.
const LOUD_DBFS: f32 = -45.0;
const SILENT_DBFS: f32 = -70.0;
/// Gain control and distance bend the loudness; words that are not these stay below.
const LIKE: f32 = 0.6;
/// Far more than anything takes, on however busy a machine.
const PATIENCE_NS: i64 = 60_000_000_000;
