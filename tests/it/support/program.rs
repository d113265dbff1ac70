use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread::Builder,
    time::Duration,
};

use houselights::trace::mono_ns;
use serde_json::Value;

/// Runs the program to its end, without a display.
pub(crate) fn run(arguments: &[&str]) -> Output {
    program().args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_houselights"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    command
}

/// Somebody's program, which has no window and answers lines. It does not outlive the test.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// Lines that came without being asked for.
    unasked: VecDeque<Value>,
    said: PathBuf,
}

impl Program {
    /// Starts it for somebody whose key and settings lie in `folder` under their name: whoever is started again there is the same person.
    pub(crate) fn start(folder: &Path, name: &str, arguments: &[&str]) -> Self {
        Self::start_where(folder, name, arguments, |command| {
            command.args(["--sound", "null"]);
        })
    }

    /// The same with whatever sound devices, and the surroundings they are found in, the caller adds.
    pub(crate) fn start_where(folder: &Path, name: &str, arguments: &[&str], add: impl FnOnce(&mut Command)) -> Self {
        let at = |what: &str| folder.join(format!("{name}.{what}"));
        let said = at("said");
        let mut command = program();
        // A room that is only kept has no window anyway.
        if arguments.first() != Some(&"serve") {
            command.arg("--headless");
        }
        add(&mut command);
        command.args(["--relay", "none", "--name", name]);
        command.arg("--config").arg(at("config")).arg("--cache").arg(at("cache")).args(arguments);
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&said).unwrap());
        let mut child = streams.spawn().unwrap();
        let (sender, lines) = sync_channel(LINES_WAITING);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // On a thread of its own, because a pipe cannot be read with a deadline.
        let reader = Builder::new().name(format!("{name}'s answers")).spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        reader.unwrap();
        Self { child, lines, unasked: VecDeque::new(), said }
    }

    /// The answer to a line.
    pub(crate) fn ask(&mut self, line: &str) -> Value {
        let written = writeln!(self.child.stdin.as_mut().unwrap(), "{line}");
        assert!(written.is_ok(), "nobody heard `{line}`; said: {}", self.said());
        loop {
            let answer = self.next_line(&format!("an answer to `{line}`"));
            if answer.get("ok").is_some() {
                return answer;
            }
            self.unasked.push_back(answer);
        }
    }

    /// A line that must be carried out.
    pub(crate) fn does(&mut self, line: &str) {
        let answer = self.ask(line);
        assert!(answer["ok"] == true, "`{line}`: {answer}");
    }

    /// A line that must be refused in words.
    pub(crate) fn refuses(&mut self, line: &str) {
        let answer = self.ask(line);
        assert!(answer["ok"] == false && answer["error"].as_str().is_some_and(|error| !error.is_empty()), "`{line}`: {answer}");
    }

    /// The oldest invites that it printed and that were not yet looked at: for guests, and for moderators, if it prints that one.
    pub(crate) fn invites(&mut self) -> (String, String) {
        let line = self.unasked.pop_front().unwrap_or_else(|| self.next_line("an invite"));
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        (text("invite"), text("moderator_invite"))
    }

    fn next_line(&self, what: &str) -> Value {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("{what} did not come ({error}); said: {}", self.said()));
        serde_json::from_str(&line).unwrap()
    }

    /// Asks again and again until it is so.
    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let since_ns = mono_ns();
        while !is_so(self) {
            assert!(is_patient(since_ns), "never came true: {what}; said: {}", self.said());
            rest();
        }
    }

    /// Where the film is.
    pub(crate) fn place_s(&mut self) -> f64 {
        self.ask("state")["film_time_s"].as_f64().unwrap()
    }

    /// Who is here, by the alphabet.
    pub(crate) fn names(&mut self) -> Vec<String> {
        let people = self.ask("people");
        let people = people["people"].as_array().unwrap().iter();
        let mut names: Vec<_> = people.map(|person| person["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// What is told of somebody; nothing of who is not here.
    pub(crate) fn person(&mut self, name: &str) -> Value {
        let people = self.ask("people");
        let found = people["people"].as_array().unwrap().iter().find(|person| person["name"] == name);
        found.cloned().unwrap_or_default()
    }

    /// How many lines of the chat have these words.
    pub(crate) fn in_chat(&mut self, words: &str) -> usize {
        let chat = self.ask("chat");
        let lines = chat["chat"].as_array().unwrap().iter();
        lines.filter(|line| line["text"].as_str().is_some_and(|text| text.contains(words))).count()
    }

    /// All that it said aloud, on standard error.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Waits until it ends by itself, and how.
    pub(crate) fn ends(&mut self) -> Option<i32> {
        let since_ns = mono_ns();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(is_patient(since_ns), "it does not end; said: {}", self.said());
            rest();
        }
    }

    /// Asks it to end, as the system does.
    pub(crate) fn terminate(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    /// Ends it as a power cut does, without a goodbye; when that was.
    pub(crate) fn cut_off(&mut self) -> i64 {
        let cut_ns = mono_ns();
        self.child.kill().unwrap();
        // Its key is free for its successor once it is gone.
        assert!(!self.child.wait().unwrap().success());
        cut_ns
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Most have ended by now.
        drop((self.child.kill(), self.child.wait()));
    }
}

fn is_patient(since_ns: i64) -> bool {
    mono_ns() - since_ns < PATIENCE.as_nanos() as i64
}

/// Answers come as fast as one asks, and the machine has films to play.
fn rest() {
    std::thread::park_timeout(Duration::from_millis(10));
}

/// Far more than anything takes, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LINES_WAITING: usize = 1024;
