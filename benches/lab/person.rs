//! Somebody in the room: the program, in a namespace of its own, moved by lines of text.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread::Builder,
    time::Duration,
};

use houselights::trace::{Event, mono_ns};
use serde_json::Value;

use super::{Lab, ear::end, spaces::offset_ns};

/// A running program.
pub(crate) struct Person {
    index: usize,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Lines that were written and not answered yet.
    unanswered: usize,
    folder: PathBuf,
    /// When it was started.
    pub(crate) started_ns: i64,
}

impl Person {
    /// Starts the program with these words; the rest (folders, name, trace) is added.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn start(lab: &Lab, index: usize, sound: &str, words: &[&dyn AsRef<OsStr>]) -> Result<Self, String> {
        Self::start_as(PROGRAM.as_ref(), lab, index, sound, words)
    }

    /// The same with a program that takes the same words and lines as ours.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn start_as(program: &OsStr, lab: &Lab, index: usize, sound: &str, words: &[&dyn AsRef<OsStr>]) -> Result<Self, String> {
        let round = lab.round.get();
        lab.round.set(round + 1);
        let folder = lab.spaces.folder.join(format!("person{index}-{round}"));
        let about = |error: std::io::Error| format!("Participant {index} cannot be started: {error}.");
        std::fs::create_dir_all(&folder).map_err(about)?;
        let log = std::fs::File::create(folder.join("stderr")).map_err(about)?;
        let mut command = lab.spaces.command(index, program);
        command.args(words).args(["--headless", "--sound", sound, "--name", &format!("P{index}")]);
        for (option, name) in [("--config", "config"), ("--cache", "cache"), ("--trace", TRACE)] {
            command.arg(option).arg(folder.join(name));
        }
        if let Some(ear) = &lab.ear {
            ear.give_to(&mut command);
        }
        let started_ns = mono_ns();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().map_err(about)?;
        let (sender, lines) = sync_channel(LINES_WAITING);
        if let Some(output) = child.stdout.take() {
            let body = move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line).ok());
            Builder::new().name("answers".into()).spawn(body).map_err(about)?;
        }
        Ok(Self { index, input: child.stdin.take(), child, lines, unanswered: 0, folder, started_ns })
    }

    /// The invites that a host or server prints first.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn invite(&mut self) -> Result<String, String> {
        let line = self.lines.recv_timeout(START_WAIT).map_err(|_gone| self.complaint("printed no invite"))?;
        let invite = serde_json::from_str::<Value>(&line).ok().and_then(|value| Some(value.get("invite")?.as_str()?.to_owned()));
        invite.ok_or_else(|| self.complaint(&format!("printed {line:?} instead of an invite")))
    }

    /// Writes a line and does not wait for the answer.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), String> {
        // One write: a line that is torn would be stamped wrongly.
        let written = self.input.as_mut().map(|input| input.write_all(format!("{line}\n").as_bytes()));
        if !matches!(written, Some(Ok(()))) {
            return Err(self.complaint(&format!("takes no `{line}`")));
        }
        self.unanswered += 1;
        Ok(())
    }

    /// Writes a line and waits for its answer.
    ///
    /// # Errors
    /// In a sentence; also when the program refuses.
    pub(crate) fn ask(&mut self, line: &str) -> Result<Value, String> {
        self.tell(line)?;
        loop {
            let said = self.lines.recv_timeout(ANSWER_WAIT).map_err(|_gone| self.complaint(&format!("does not answer `{line}`")))?;
            // Whatever is no answer was said unasked.
            let Some(answer) = serde_json::from_str::<Value>(&said).ok().filter(|answer| answer.get("ok").is_some()) else { continue };
            self.unanswered -= 1;
            if self.unanswered > 0 {
                continue;
            }
            if answer["ok"] != true {
                return Err(self.complaint(&format!("answers `{line}` with {said}")));
            }
            return Ok(answer);
        }
    }

    /// Takes the answers that are there.
    ///
    /// # Errors
    /// In a sentence, when the program refused something.
    pub(crate) fn forget_answers(&mut self) -> Result<(), String> {
        while let Ok(said) = self.lines.try_recv() {
            let Some(answer) = serde_json::from_str::<Value>(&said).ok().filter(|answer| answer.get("ok").is_some()) else { continue };
            self.unanswered -= 1;
            if answer["ok"] != true {
                return Err(self.complaint(&format!("answers {said}")));
            }
        }
        Ok(())
    }

    /// Asks for the state until it is as wished.
    ///
    /// # Errors
    /// After `limit`, with the last state.
    pub(crate) fn wait_for(&mut self, what: &str, limit: Duration, is_so: impl Fn(&Value) -> bool) -> Result<Value, String> {
        self.wait_for_answer("state", what, limit, is_so)
    }

    /// Writes a line again and again until its answer is as wished.
    ///
    /// # Errors
    /// After `limit`, with the last answer.
    pub(crate) fn wait_for_answer(
        &mut self,
        line: &str,
        what: &str,
        limit: Duration,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let until_ns = mono_ns() + i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX / 2);
        loop {
            let said = self.ask(line)?;
            if is_so(&said) {
                return Ok(said);
            }
            if mono_ns() > until_ns {
                return Err(self.complaint(&format!("has no {what} after {limit:?}; its {line} is {said}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets it leave by itself and reads its trace, on this process's clock.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn leave(mut self) -> Result<Vec<Event>, String> {
        self.tell("quit")?;
        self.input = None;
        for _ in 0..100 {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(50)),
                Ok(Some(_)) => break,
                Err(error) => return Err(self.complaint(&error.to_string())),
            }
        }
        let text = std::fs::read_to_string(self.folder.join(TRACE)).map_err(|error| self.complaint(&format!("left no trace: {error}")))?;
        let offset_ns = offset_ns(self.index);
        let ours = |mut event: Event| {
            if let Event::Heard { mono_ns, .. } | Event::Shown { mono_ns, .. } | Event::Sound { mono_ns, .. } = &mut event {
                *mono_ns -= offset_ns;
            }
            event
        };
        // A trace that was cut off ends with half a line, and there may be kinds of events that are not known here.
        let events: Vec<Event> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).map(ours).collect();
        if let Some(Event::Lost { events }) = events.last() {
            return Err(self.complaint(&format!("lost {events} events of its trace")));
        }
        Ok(events)
    }

    /// A file of its own folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Who does what, and the last that it said.
    fn complaint(&self, what: &str) -> String {
        let said = std::fs::read_to_string(self.folder.join("stderr")).unwrap_or_default();
        let last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = last[last.len().saturating_sub(4)..].join(" / ");
        format!("Participant {} {what}. Its last words: {last}", self.index)
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_houselights");
const TRACE: &str = "trace.jsonl";
const LINES_WAITING: usize = 1024;
const START_WAIT: Duration = Duration::from_secs(20);
const ANSWER_WAIT: Duration = Duration::from_secs(15);
