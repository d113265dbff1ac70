use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, park_timeout},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Keys,
    disk::Disk,
    feed::Feed,
    pieces::{Cut, PIECE_BYTES},
    reader::{End, Reader},
    serve::Serve,
    worker::{Command, MEMORY_PIECES, Worker},
};
use crate::{
    handover::{MailboxReceiver, MailboxSender, mailbox},
    net::{FilmId, FilmPort, ParticipantId},
};

/// The films that are presented and watched on this machine. Dropping it stops everything and removes the cache; readers get an error then.
#[derive(Debug)]
pub struct Swarm {
    commands: MailboxSender<Command>,
    events: MailboxReceiver<Event>,
    watched: Mutex<BTreeMap<FilmId, Weak<Feed>>>,
    patience: Duration,
    slots_max: u32,
    stop: Arc<AtomicBool>,
    cleaned: Arc<Cleaned>,
}

impl Swarm {
    /// Starts its threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(port: FilmPort, options: Options) -> io::Result<Self> {
        let mono_ns = options.mono_ns;
        let (swarm, ByHand { mut worker, mut serve, disk }) = Self::new(port, options, READ_PATIENCE);
        if let Some(mut disk) = disk {
            let cleaned = Arc::clone(&swarm.cleaned);
            cleaned.set(false);
            let thread = Builder::new().name("swarm cache".into()).spawn(move || {
                disk.wake_current_thread();
                disk.tidy();
                while !disk.is_finished() {
                    if !disk.step() {
                        park_timeout(IDLE);
                    }
                }
                drop(disk);
                cleaned.set(true);
            });
            if let Err(error) = thread {
                swarm.cleaned.set(true);
                return Err(error);
            }
        }
        Builder::new().name("swarm serve".into()).spawn(move || {
            serve.wake_current_thread();
            while !serve.is_finished() {
                if !serve.step() {
                    park_timeout(IDLE);
                }
            }
        })?;
        let stop = Arc::clone(&swarm.stop);
        Builder::new().name("swarm".into()).spawn(move || {
            worker.wake_current_thread();
            while !stop.load(Ordering::Relaxed) {
                let now_ns = mono_ns();
                let wait_ns = worker.step(now_ns).map_or(i64::MAX, |wake_ns| wake_ns.saturating_sub(now_ns));
                park_timeout(Duration::from_nanos(wait_ns.max(0).unsigned_abs()).min(IDLE));
            }
        })?;
        Ok(swarm)
    }

    /// One whose steps are made by the caller, for tests; its readers never wait.
    #[must_use]
    pub fn by_hand(port: FilmPort, options: Options) -> (Self, ByHand) {
        Self::new(port, options, Duration::ZERO)
    }

    fn new(port: FilmPort, options: Options, patience: Duration) -> (Self, ByHand) {
        let slots = options.cache_folder.as_ref().map_or(0, |_| options.cache_limit_bytes / PIECE_BYTES);
        let slots_max = u32::try_from(slots).unwrap_or(u32::MAX);
        // A person's commands, and a word for each piece that a reader comes to; a full box is looked into at once anyway.
        let (commands, command_box) = mailbox(256);
        let (event_sender, events) = mailbox(64);
        let (serve_jobs, serve_job_box) = mailbox(64);
        let (serve_done, serve_results) = mailbox(64);
        let (disk_jobs, disk_job_box) = mailbox(64);
        let (disk_done, disk_results) = mailbox(64);
        let disk = options.cache_folder.map(|folder| Disk::new(folder, disk_job_box, disk_done));
        let worker = Worker::new(options.keys, port, command_box, event_sender, (serve_jobs, serve_results), (disk_jobs, disk_results));
        let serve = Serve::new(serve_job_box, serve_done);
        let cleaned = Arc::new(Cleaned { is_cleaned: Mutex::new(true), changed: Condvar::new() });
        let swarm = Self { commands, events, watched: Mutex::default(), patience, slots_max, stop: Arc::default(), cleaned };
        (swarm, ByHand { worker, serve, disk })
    }

    /// Shows a film of this machine to whoever asks. Returns its size in bytes, for the [`Ticket`]. Nothing is read before somebody asks.
    ///
    /// # Errors
    /// When its size cannot be known, or is nothing or beyond 256 GiB.
    pub fn present(&self, film: FilmId, mut source: impl Read + Seek + Send + 'static) -> Result<u64, NotPresentable> {
        let size_bytes = source.seek(SeekFrom::End(0)).map_err(NotPresentable::Unreadable)?;
        let cut = Cut::new(size_bytes).ok_or(NotPresentable::Size)?;
        let command = Command::Present { film, cut, source: Box::new(source) };
        self.commands.send(command).map_err(|_command| NotPresentable::Busy)?;
        Ok(size_bytes)
    }

    /// Takes a film off the screen: whoever watches it from here is told, and what of it was received can be read to its end and no further.
    pub fn withdraw(&self, film: FilmId) {
        // A guest's film ends in any case; the presenter's command finds room unless its thread is gone.
        if let Some(feed) = self.feed(film) {
            feed.end(End::Withdrawn);
        }
        if self.commands.send(Command::Withdraw { film }).is_err() {
            tracing::warn!("too much is asked of the swarm at once; a film stays presented");
        }
    }

    /// Watches a film: it is fetched from now on, from its beginning until the reader reads elsewhere. Further readers of the same film share what is here.
    #[must_use]
    pub fn watch(&self, ticket: Ticket) -> Reader {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, feed| feed.strong_count() > 0);
        if let Some(feed) = watched.get(&ticket.film).and_then(Weak::upgrade) {
            let mut state = feed.lock();
            if state.readers > 0 && state.end.is_none() {
                state.readers += 1;
                drop(state);
                return Reader::new(feed, self.commands.clone(), self.patience);
            }
        }
        let cut = Cut::new(ticket.size_bytes);
        let feed = Arc::new(Feed::new(ticket.size_bytes, cut, MEMORY_PIECES, self.slots_max));
        watched.insert(ticket.film, Arc::downgrade(&feed));
        let reader = Reader::new(Arc::clone(&feed), self.commands.clone(), self.patience);
        match cut {
            None => feed.end(End::Failed("The film cannot be received: it is empty, or larger than 256 GiB.".to_owned())),
            Some(cut) => {
                if self.commands.send(Command::Watch { ticket, cut, feed: Arc::clone(&feed) }).is_err() {
                    feed.end(End::Stopped);
                }
            }
        }
        reader
    }

    /// Looks about in what is here of a film that is watched; nothing is fetched for it, and nobody else notices. `None` if it is not watched.
    #[must_use]
    pub fn look_about(&self, film: FilmId) -> Option<Reader> {
        Some(Reader::standing_by(self.feed(film)?, self.commands.clone()))
    }

    /// How much of a watched film is here.
    #[must_use]
    pub fn progress(&self, film: FilmId) -> Option<Progress> {
        let feed = self.feed(film)?;
        let state = feed.lock();
        let (buffered_bytes, have) = state.buffered();
        let bytes_per_second = state.bytes_per_second;
        Some(Progress { have, buffered_bytes, size_bytes: state.size_bytes, is_connected: state.is_connected, bytes_per_second })
    }

    /// What happened since the last call, oldest first.
    #[must_use]
    pub fn next_event(&self) -> Option<Event> {
        self.events.receive()
    }

    pub(super) fn feed(&self, film: FilmId) -> Option<Arc<Feed>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).get(&film)?.upgrade()
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A full box means that its thread is awake anyway.
        drop(self.commands.send(Command::Look));
        for feed in self.watched.lock().unwrap_or_else(PoisonError::into_inner).values().filter_map(Weak::upgrade) {
            feed.end(End::Stopped);
        }
        self.cleaned.wait(CLEAN_PATIENCE);
    }
}

/// Makes a [`Swarm`]'s steps.
pub struct ByHand {
    pub(super) worker: Worker,
    pub(super) serve: Serve,
    pub(super) disk: Option<Disk>,
}

impl ByHand {
    /// Does what there is to do at this instant. Returns when there will be something to do if nothing happens before.
    pub fn step(&mut self, now_ns: i64) -> Option<i64> {
        loop {
            let wake_ns = self.worker.step(now_ns);
            let mut worked = false;
            while self.serve.step() || self.disk.as_mut().is_some_and(Disk::step) {
                worked = true;
            }
            if !worked {
                return wake_ns;
            }
        }
    }
}

impl std::fmt::Debug for ByHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByHand").finish_non_exhaustive()
    }
}

/// What a swarm needs.
pub struct Options {
    /// This machine's key.
    pub keys: Box<dyn Keys>,
    /// Where received films are kept while they are watched; `None` keeps them in memory, a minute or so at a time.
    pub cache_folder: Option<PathBuf>,
    /// The most bytes of a film that lie there.
    pub cache_limit_bytes: u64,
    /// The clock, in nanoseconds.
    pub mono_ns: fn() -> i64,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cache_folder, cache_limit_bytes, .. } = self;
        f.debug_struct("Options").field("cache_folder", cache_folder).field("cache_limit_bytes", cache_limit_bytes).finish_non_exhaustive()
    }
}

/// What one must know of a film to watch it; the room passes it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which film.
    pub film: FilmId,
    /// Who has it.
    pub presenter: ParticipantId,
    /// How long its file is.
    pub size_bytes: u64,
    /// What a second of it takes, on average; `None` if its duration is not known.
    pub bytes_per_second: Option<u64>,
}

/// How much of a film is here.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is here, as stretches of bytes in order; beyond the first 64, none.
    pub have: Vec<Range<u64>>,
    /// Bytes that can be read on from where it was read last.
    pub buffered_bytes: u64,
    /// How long the film is.
    pub size_bytes: u64,
    /// Whether there is a line to its presenter.
    pub is_connected: bool,
    /// What the line brings, if it was measured.
    pub bytes_per_second: Option<f64>,
}

/// What a person or the room should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A watched film cannot be received, or a presented one cannot be sent, any more; why and what to do, as a sentence.
    Failed {
        /// Which film.
        film: FilmId,
        /// For the person.
        sentence: String,
    },
    /// A watched film's presenter took it off the screen.
    Withdrawn {
        /// Which film.
        film: FilmId,
    },
    /// Something does not work as it should, but everything goes on; a sentence.
    Problem {
        /// For the person.
        sentence: String,
    },
}

/// Why a film cannot be presented.
#[derive(Debug, thiserror::Error)]
pub enum NotPresentable {
    /// The source does not say how long it is.
    #[error("The film cannot be presented, because its file cannot be read: {0}. Try again or choose another film.")]
    Unreadable(#[source] io::Error),
    /// There is nothing of it, or too much.
    #[error("The film cannot be presented, because it is empty or larger than 256 GiB. Choose another film.")]
    Size,
    /// Too many commands at once, or the swarm has ended.
    #[error("The film cannot be presented at this moment. Try again.")]
    Busy,
}

/// Whether the cache's files are gone.
#[derive(Debug)]
struct Cleaned {
    is_cleaned: Mutex<bool>,
    changed: Condvar,
}

impl Cleaned {
    fn set(&self, is_cleaned: bool) {
        *self.is_cleaned.lock().unwrap_or_else(PoisonError::into_inner) = is_cleaned;
        self.changed.notify_all();
    }

    /// What is not cleaned within the patience is removed at the next start.
    fn wait(&self, patience: Duration) {
        let is_cleaned = self.is_cleaned.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(is_cleaned, patience, |is_cleaned| !*is_cleaned).unwrap_or_else(PoisonError::into_inner));
    }
}

/// A demuxer must notice a seek.
const READ_PATIENCE: Duration = Duration::from_millis(50);
/// A thread that is not woken looks around all the same.
const IDLE: Duration = Duration::from_secs(1);
const CLEAN_PATIENCE: Duration = Duration::from_secs(2);
