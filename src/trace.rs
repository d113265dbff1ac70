//! `--trace FILE`: JSON lines of what was heard and shown, so that tests and benches measure the program from outside.
//!
//! All stamps are `CLOCK_MONOTONIC` in nanoseconds: every process and network namespace of one machine shares that clock,
//! so the true error between two participants can be read off two trace files.
//! Lines pass through a bounded channel to a thread of their own; the audio callback never waits for a disk. What does not fit is counted, and the count is
//! the trace's last line, so that a trace with holes cannot pass for a whole one.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// The monotonic clock of this machine in nanoseconds.
#[must_use]
pub fn mono_ns() -> i64 {
    now()
}

/// One line of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Event {
    /// The place of the film that left the loudspeaker at `mono_ns`, once per audio callback while the film plays.
    Heard {
        /// When, device latency counted.
        mono_ns: i64,
        /// Place in the film.
        film_ns: i64,
    },
    /// A picture that became due and was given to the screen.
    Shown {
        /// When.
        mono_ns: i64,
        /// The picture's own time.
        film_ns: i64,
    },
    /// For a captured output: when sample 0 was consumed, and the true rate.
    Sound {
        /// When sample 0 was consumed.
        mono_ns: i64,
        /// Samples a second of the monotonic clock.
        rate: f64,
    },
    /// Events lost because the disk was slower than the theater; only written when there were any.
    Lost {
        /// How many.
        events: u64,
    },
}

/// Where events are sent; cheap to clone, does nothing without a file.
#[derive(Debug, Clone, Default)]
pub struct Trace(Option<Arc<Writer>>);

impl Trace {
    /// Starts writing to `path`, replacing what is there.
    ///
    /// # Errors
    /// When the file cannot be made or the writing thread cannot start.
    pub fn to_file(path: &Path) -> std::io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        let (events, received) = sync_channel::<Event>(EVENTS_IN_FLIGHT);
        let lost = Arc::new(AtomicU64::new(0));
        let lost_at_end = Arc::clone(&lost);
        let thread = Builder::new().name("trace".into()).spawn(move || {
            let mut result = Ok(());
            loop {
                match received.recv_timeout(FLUSH_EVERY) {
                    Ok(event) => result = result.and_then(|()| write_line(&mut file, event)),
                    Err(RecvTimeoutError::Timeout) => result = result.and_then(|()| file.flush()),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            let events = lost_at_end.load(Ordering::Relaxed);
            if events > 0 {
                result = result.and_then(|()| write_line(&mut file, Event::Lost { events }));
            }
            if let Err(error) = result.and_then(|()| file.flush()) {
                tracing::error!("the trace is incomplete: {error}");
            }
        })?;
        Ok(Self(Some(Arc::new(Writer { events: Some(events), lost, thread: Some(thread) }))))
    }

    /// Notes an event; never waits.
    pub fn note(&self, event: Event) {
        if let Some(writer) = &self.0
            && let Some(events) = &writer.events
            && events.try_send(event).is_err()
        {
            writer.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Reads a trace back, for tests and benches.
///
/// # Errors
/// When the file cannot be read or a line is no event.
pub fn read(path: &Path) -> std::io::Result<Vec<Event>> {
    std::fs::read_to_string(path)?.lines().map(|line| serde_json::from_str(line).map_err(std::io::Error::from)).collect()
}

fn write_line(file: &mut BufWriter<File>, event: Event) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, &event)?;
    file.write_all(b"\n")
}

/// A second of audio callbacks and pictures many times over.
const EVENTS_IN_FLIGHT: usize = 4096;
const FLUSH_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Writer {
    events: Option<SyncSender<Event>>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.events = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the trace's thread ended early; the trace is incomplete");
        }
    }
}

#[cfg(unix)]
fn now() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Elsewhere the zero is the program's first look at the clock: true within one process.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "this is the one place where time comes from")]
fn now() -> i64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = *START.get_or_init(std::time::Instant::now);
    i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_a_line_and_the_file_is_whole_when_the_trace_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        let trace = Trace::to_file(&path).unwrap();
        let event = Event::Heard { mono_ns: 7, film_ns: -3 };
        trace.note(event);
        trace.note(Event::Sound { mono_ns: 1, rate: 48_000.5 });
        drop(trace);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next().unwrap(), r#"{"kind":"heard","mono_ns":7,"film_ns":-3}"#);
        assert_eq!(text.lines().count(), 2);
        assert_eq!(serde_json::from_str::<Event>(text.lines().next().unwrap()).unwrap(), event);
    }

    #[test]
    fn the_clock_never_steps_back() {
        let first = mono_ns();
        assert!(mono_ns() >= first);
    }
}
