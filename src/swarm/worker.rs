use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    Event, Keys, Ticket,
    disk::{self, Job as DiskJob},
    feed::Feed,
    line::Line,
    message::{Gone, Message},
    pieces::Cut,
    present::Presented,
    reader::End,
    serve::{self, Job as ServeJob, ReadSeek},
    watch::Watched,
};
use crate::{
    handover::{MailboxReceiver, MailboxSender},
    net::{FilmId, FilmOrder, FilmPort, LineId},
};

/// The swarm's thread: hears what happened, decides by the pure parts, and orders. It never waits for a disk, a reader or a peer.
pub(super) struct Worker {
    pub(super) keys: Box<dyn Keys>,
    pub(super) port: FilmPort,
    /// Orders that the port had no room for.
    pub(super) outbox: VecDeque<FilmOrder>,
    pub(super) retry_ns: i64,
    pub(super) commands: MailboxReceiver<Command>,
    pub(super) events: MailboxSender<Event>,
    pub(super) lines: BTreeMap<LineId, Line>,
    pub(super) presented: BTreeMap<FilmId, Presented>,
    pub(super) watched: BTreeMap<FilmId, Watched>,
    pub(super) serve: Outlet<ServeJob>,
    pub(super) served: MailboxReceiver<serve::Done>,
    pub(super) reading: usize,
    pub(super) turn: u64,
    pub(super) disk: Outlet<DiskJob>,
    pub(super) stored: MailboxReceiver<disk::Done>,
    pub(super) writing: usize,
    pub(super) has_disk_failed: bool,
    pub(super) last_key: u64,
}

impl Worker {
    pub(super) fn new(
        keys: Box<dyn Keys>,
        port: FilmPort,
        commands: MailboxReceiver<Command>,
        events: MailboxSender<Event>,
        (serve, served): (MailboxSender<ServeJob>, MailboxReceiver<serve::Done>),
        (disk, stored): (MailboxSender<DiskJob>, MailboxReceiver<disk::Done>),
    ) -> Self {
        Self {
            keys,
            port,
            outbox: VecDeque::new(),
            retry_ns: RETRY_NS,
            commands,
            events,
            lines: BTreeMap::new(),
            presented: BTreeMap::new(),
            watched: BTreeMap::new(),
            serve: Outlet { sender: serve, waiting: VecDeque::new() },
            served,
            reading: 0,
            turn: 0,
            disk: Outlet { sender: disk, waiting: VecDeque::new() },
            stored,
            writing: 0,
            has_disk_failed: false,
            last_key: 0,
        }
    }

    /// Once, on its thread.
    pub(super) fn wake_current_thread(&self) {
        self.port.wake_current_thread();
        self.commands.wake_current_thread();
        self.served.wake_current_thread();
        self.stored.wake_current_thread();
    }

    /// Does what there is to do. Returns when there will be something to do if nothing happens before.
    pub(super) fn step(&mut self, now_ns: i64) -> Option<i64> {
        while let Some(command) = self.commands.receive() {
            self.command(command, now_ns);
        }
        while let Some(done) = self.served.receive() {
            self.served(done);
        }
        while let Some(done) = self.stored.receive() {
            self.stored(done);
        }
        self.flush();
        let mut is_more = false;
        for taken in 0.. {
            is_more = taken == EVENTS_A_STEP || self.outbox.len() >= OUTBOX_FULL;
            if is_more {
                break;
            }
            let Some(event) = self.port.next() else { break };
            self.event(event, now_ns);
        }
        let wake_ns = self.drive(now_ns);
        self.send_pieces();
        self.read_pieces();
        self.write_pieces();
        self.flush();
        self.retry_ns = if self.outbox.is_empty() { RETRY_NS } else { (2 * self.retry_ns).min(LAST_RETRY_NS) };
        if is_more || !self.outbox.is_empty() { Some(now_ns.saturating_add(self.retry_ns)) } else { wake_ns }
    }

    fn command(&mut self, command: Command, now_ns: i64) {
        match command {
            Command::Look => {}
            Command::Present { film, cut, source } => {
                self.presented.insert(film, Presented::new(film, cut));
                self.serve.push(ServeJob::Take { film, cut, source });
            }
            Command::Withdraw { film } => {
                self.unpresent(film, Gone::Withdrawn);
                self.unwatch(film);
            }
            Command::Watch { ticket, cut, feed } => {
                self.unwatch(ticket.film);
                let receiving = self.watched.values().filter(|watched| !watched.is_ended()).count();
                if receiving >= WATCHED_MAX || ticket.presenter == self.keys.id() {
                    feed.end(End::Failed("The film cannot be received: too many are received already, or it is your own.".to_owned()));
                    return;
                }
                self.last_key += 1;
                let mut watched = Watched::new(ticket, cut, feed, self.last_key, now_ns);
                if self.has_disk_failed {
                    watched.end_writing();
                }
                // The newest line, if there are two.
                if let Some((line, _)) = self.lines.iter().rev().find(|(_, line)| line.peer == ticket.presenter) {
                    watched.up(*line);
                    self.outbox.push_back(said(*line, &Message::Interest { film: ticket.film }));
                }
                if let Some(before) = self.watched.insert(ticket.film, watched) {
                    self.disk.push(DiskJob::Remove { key: before.key });
                }
                self.share_memory();
            }
        }
    }

    /// A watched film has failed for good.
    pub(super) fn fail(&mut self, film: FilmId, sentence: &str) {
        self.end(film, End::Failed(sentence.to_owned()));
        self.tell(Event::Failed { film, sentence: sentence.to_owned() });
    }

    /// Nothing more of a watched film is fetched; what is here stays for its readers.
    pub(super) fn end(&mut self, film: FilmId, end: End) {
        let Some(watched) = self.watched.get_mut(&film) else { return };
        watched.end(end);
        if let Some((id, line)) = watched.line.take().and_then(|id| Some((id, self.lines.get_mut(&id)?))) {
            line.asked(film).iter().for_each(|asked| line.cancel(asked.number));
            self.outbox.push_back(said(id, &Message::Leave { film }));
        }
    }

    /// Nobody reads it any more, or another watch of it begins.
    fn unwatch(&mut self, film: FilmId) {
        self.end(film, End::Withdrawn);
        let is_read = self.watched.get(&film).is_some_and(Watched::is_read);
        if !is_read && let Some(watched) = self.watched.remove(&film) {
            self.disk.push(DiskJob::Remove { key: watched.key });
            self.share_memory();
        }
    }

    pub(super) fn unpresent(&mut self, film: FilmId, why: Gone) {
        let Some(presented) = self.presented.remove(&film) else { return };
        self.serve.push(ServeJob::Drop { film });
        for line in presented.audience() {
            self.outbox.push_back(said(line, &Message::Gone { film, why }));
        }
    }

    /// Lets each watched film ask for what it wants.
    fn drive(&mut self, now_ns: i64) -> Option<i64> {
        let mut wake_ns: Option<i64> = None;
        let mut wake = |at_ns: Option<i64>| wake_ns = [wake_ns, at_ns].into_iter().flatten().min();
        let films: Vec<FilmId> = self.watched.keys().copied().collect();
        for film in films {
            let Some(watched) = self.watched.get_mut(&film) else { continue };
            if !watched.is_read() {
                self.unwatch(film);
                continue;
            }
            wake(watched.look(now_ns));
            watched.feed.lock().is_connected = watched.line.is_some();
            if watched.is_ended() {
                // Withdrawn by a person here, perhaps; then nobody was told yet.
                self.end(film, End::Withdrawn);
                continue;
            }
            let Some(id) = watched.line else {
                if watched.connect.is_due(now_ns) {
                    self.outbox.push_back(FilmOrder::Connect { peer: watched.ticket.presenter });
                }
                wake(Some(watched.connect.next_ns()));
                continue;
            };
            let Some(line) = self.lines.get_mut(&id) else { continue };
            match watched.drive(line, now_ns) {
                Ok(drive) => {
                    self.outbox.extend(drive.messages.iter().map(|message| said(id, message)));
                    wake(drive.wake_ns);
                }
                Err(violation) => {
                    self.blame(id, violation, now_ns);
                    wake(Some(now_ns));
                }
            }
        }
        wake_ns
    }

    fn share_memory(&self) {
        let pieces = MEMORY_PIECES / self.watched.len().max(1);
        self.watched.values().for_each(|watched| watched.set_memory_pieces_max(pieces));
    }

    pub(super) fn tell(&self, event: Event) {
        if let Err(event) = self.events.send(event) {
            tracing::warn!("nobody asks what happened to films: {event:?}");
        }
    }

    fn flush(&mut self) {
        while let Some(order) = self.outbox.pop_front() {
            if let Err(order) = self.port.order(order) {
                self.outbox.push_front(order);
                break;
            }
        }
        if self.outbox.len() > OUTBOX_MAX {
            // Nobody takes orders any more: the lines are dead, whatever was heard of them.
            self.outbox.clear();
            self.lines.clear();
            self.watched.values_mut().for_each(|watched| watched.line = None);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        for watched in self.watched.values() {
            watched.feed.end(End::Stopped);
        }
        // A full box means that they are awake; then they notice that nobody is left to give them work.
        drop(self.serve.sender.send(ServeJob::Stop));
        drop(self.disk.sender.send(DiskJob::Stop));
    }
}

/// What the swarm's thread is told.
pub(super) enum Command {
    Present {
        film: FilmId,
        cut: Cut,
        source: Box<dyn ReadSeek>,
    },
    Withdraw {
        film: FilmId,
    },
    Watch {
        ticket: Ticket,
        cut: Cut,
        feed: Arc<Feed>,
    },
    /// A reader came to another place, or left, or all is to stop.
    Look,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Present { .. } => "Present",
            Self::Withdraw { .. } => "Withdraw",
            Self::Watch { .. } => "Watch",
            Self::Look => "Look",
        };
        f.debug_struct(name).finish_non_exhaustive()
    }
}

/// A mailbox's sender, and what waits for room in it.
pub(super) struct Outlet<T> {
    sender: MailboxSender<T>,
    waiting: VecDeque<T>,
}

impl<T> Outlet<T> {
    pub(super) fn push(&mut self, job: T) {
        self.waiting.push_back(job);
        self.flush();
    }

    pub(super) fn flush(&mut self) {
        while let Some(job) = self.waiting.pop_front() {
            if let Err(job) = self.sender.send(job) {
                self.waiting.push_front(job);
                break;
            }
        }
    }
}

pub(super) fn said(line: LineId, message: &Message) -> FilmOrder {
    FilmOrder::Message { line, bytes: message.encode() }
}

/// 56 MiB; with what is under way it stays below 64.
pub(super) const MEMORY_PIECES: usize = 224;
const WATCHED_MAX: usize = 4;
const EVENTS_A_STEP: usize = 512;
const OUTBOX_FULL: usize = 256;
const OUTBOX_MAX: usize = 4096;
/// When the port had no room; it doubles while that lasts.
const RETRY_NS: i64 = 1_000_000;
const LAST_RETRY_NS: i64 = 256_000_000;
