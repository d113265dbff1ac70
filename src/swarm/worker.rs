use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    Event, Keys, Ticket,
    disk::{self, Job as DiskJob},
    feed::Feed,
    line::{Answer, Line},
    manifest::Batch,
    message::{Gone, Message, Violation},
    pieces::Cut,
    present::Presented,
    reader::End,
    serve::{self, Job as ServeJob, ReadSeek},
    watch::{BatchFault, Watched, WrongBytes},
};
use crate::{
    handover::{MailboxReceiver, MailboxSender},
    net::{FilmEvent, FilmId, FilmOrder, FilmPort, LineId},
};

/// The swarm's thread: hears what happened, decides by the pure parts, and orders. It never waits for a disk, a reader or a peer.
pub(super) struct Worker {
    keys: Box<dyn Keys>,
    port: FilmPort,
    /// Orders that the port had no room for.
    outbox: VecDeque<FilmOrder>,
    retry_ns: i64,
    commands: MailboxReceiver<Command>,
    events: MailboxSender<Event>,
    lines: BTreeMap<LineId, Line>,
    presented: BTreeMap<FilmId, Presented>,
    watched: BTreeMap<FilmId, Watched>,
    serve: Outlet<ServeJob>,
    served: MailboxReceiver<serve::Done>,
    reading: usize,
    turn: u64,
    disk: Outlet<DiskJob>,
    stored: MailboxReceiver<disk::Done>,
    writing: usize,
    has_disk_failed: bool,
    last_key: u64,
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

    fn event(&mut self, event: FilmEvent, now_ns: i64) {
        let (line, result) = match event {
            FilmEvent::Up { line, peer } => {
                self.lines.insert(line, Line::new(peer, now_ns));
                for watched in self.watched.values_mut().filter(|watched| watched.ticket.presenter == peer && !watched.is_ended()) {
                    watched.up(line);
                    self.outbox.push_back(said(line, &Message::Interest { film: watched.ticket.film }));
                }
                return;
            }
            FilmEvent::Down { line } => return self.forget_line(line, now_ns),
            FilmEvent::Unreachable { peer } => {
                for watched in self.watched.values_mut().filter(|watched| watched.ticket.presenter == peer && watched.line.is_none()) {
                    watched.connect.failed(now_ns);
                }
                return;
            }
            FilmEvent::Sent { line, request } => {
                // The number is one film's only.
                if self.presented.values_mut().any(|presented| presented.sent(line, request))
                    && let Some(line) = self.lines.get_mut(&line)
                {
                    line.sent();
                }
                return;
            }
            // What comes late from a line that was closed is nobody's.
            FilmEvent::Message { line, .. } | FilmEvent::Piece { line, .. } | FilmEvent::Broken { line, .. }
                if !self.lines.contains_key(&line) =>
            {
                return;
            }
            FilmEvent::Message { line, bytes } => (line, self.message(line, &bytes, now_ns)),
            FilmEvent::Piece { line, request, bytes } => (line, self.piece(line, request, bytes, now_ns)),
            FilmEvent::Broken { line, request } => (line, self.broken(line, request, now_ns)),
        };
        if let Err(violation) = result {
            self.blame(line, violation, now_ns);
        }
    }

    fn message(&mut self, id: LineId, bytes: &[u8], now_ns: i64) -> Result<(), Violation> {
        let Some(line) = self.lines.get_mut(&id) else { return Ok(()) };
        line.message(now_ns)?;
        match Message::decode(bytes)? {
            Message::Interest { film } => match self.presented.get_mut(&film) {
                Some(presented) => presented.interest(id),
                None => self.has_no(film, id),
            },
            Message::Leave { film } => {
                let sending = self.presented.get_mut(&film).map(|presented| presented.leave(id)).unwrap_or_default();
                self.outbox.extend(sending.into_iter().map(|request| FilmOrder::Cancel { line: id, request }));
            }
            Message::Request { film, requests } => {
                requests.iter().try_for_each(|request| line.numbered(request.number))?;
                match self.presented.get_mut(&film) {
                    Some(presented) => presented.request(id, &requests)?,
                    None if self.watched.contains_key(&film) => {
                        let requests = requests.iter().map(|request| request.number).collect();
                        self.outbox.push_back(said(id, &Message::Refused { requests }));
                    }
                    None => self.has_no(film, id),
                }
            }
            Message::Cancel { requests } => {
                for request in requests {
                    let is_sending = self.presented.values_mut().any(|presented| presented.cancel(id, request));
                    if is_sending {
                        self.outbox.push_back(FilmOrder::Cancel { line: id, request });
                    }
                }
            }
            Message::Hashes(batch) => {
                line.batch(now_ns)?;
                self.batch(&batch, now_ns)?;
            }
            Message::Gone { film, why } => self.gone(film, id, why),
            Message::Choke { film, is_choked } => {
                if let Some(watched) = self.watched.get_mut(&film).filter(|watched| watched.line == Some(id)) {
                    watched.choke(is_choked);
                }
            }
            Message::Ask { request, .. } => self.refused(id, &[request], now_ns)?,
            Message::Refused { requests } => self.refused(id, &requests, now_ns)?,
            // For guests that serve each other.
            Message::Have { .. } => {}
        }
        Ok(())
    }

    fn piece(&mut self, id: LineId, number: u32, bytes: Bytes, now_ns: i64) -> Result<(), Violation> {
        let Some(line) = self.lines.get_mut(&id) else { return Ok(()) };
        let (film, index, asked) = match line.answered(number)? {
            Answer::Wanted(film, asked) => (film, asked.index, Some(asked)),
            Answer::Cancelled(film, index) => (film, index, None),
            Answer::Forgotten => return line.broke(now_ns),
        };
        let Some(watched) = self.watched.get_mut(&film) else { return Ok(()) };
        watched.piece(index, bytes, asked, now_ns).map_err(|WrongBytes| {
            self.fail(film, WRONG_BYTES);
            Violation("sent bytes that are not the film’s")
        })
    }

    fn broken(&mut self, id: LineId, number: u32, now_ns: i64) -> Result<(), Violation> {
        let Some(line) = self.lines.get_mut(&id) else { return Ok(()) };
        match line.answered(number) {
            Ok(Answer::Wanted(..)) => line.broke(now_ns),
            // It may have been reset before and after it was called off.
            Ok(Answer::Cancelled(..) | Answer::Forgotten) | Err(_) => Ok(()),
        }
    }

    fn refused(&mut self, id: LineId, requests: &[u32], now_ns: i64) -> Result<(), Violation> {
        for request in requests {
            let Some(line) = self.lines.get_mut(&id) else { return Ok(()) };
            if let Answer::Wanted(film, _) = line.answered(*request)? {
                line.broke(now_ns)?;
                if let Some(watched) = self.watched.get_mut(&film) {
                    watched.refused(now_ns);
                }
            }
        }
        Ok(())
    }

    fn batch(&mut self, batch: &Batch, now_ns: i64) -> Result<(), Violation> {
        let Some(watched) = self.watched.get_mut(&batch.film).filter(|watched| !watched.is_ended()) else { return Ok(()) };
        match watched.batch(batch, &*self.keys) {
            Ok(()) => Ok(()),
            Err(BatchFault::Forged) => Err(Violation("sent hashes that the presenter did not sign")),
            Err(BatchFault::WrongBytes) => {
                self.fail(batch.film, WRONG_BYTES);
                Err(Violation("sent bytes that are not the film’s"))
            }
            // The presenter is to blame, whoever handed it on.
            Err(BatchFault::Contradiction) => {
                let line = watched.line;
                self.fail(batch.film, CONTRADICTION);
                if let Some(line) = line {
                    self.blame(line, Violation("signed two things of which only one can be true"), now_ns);
                }
                Ok(())
            }
        }
    }

    /// Somebody asks for a film that is not here.
    fn has_no(&mut self, film: FilmId, id: LineId) {
        if !self.watched.contains_key(&film) {
            self.outbox.push_back(said(id, &Message::Gone { film, why: Gone::Withdrawn }));
        }
    }

    fn gone(&mut self, film: FilmId, id: LineId, why: Gone) {
        if self.watched.get(&film).is_none_or(|watched| watched.line != Some(id) || watched.is_ended()) {
            return;
        }
        match why {
            Gone::Unreadable => self.fail(film, UNREADABLE),
            Gone::Withdrawn => {
                self.end(film, End::Withdrawn);
                self.tell(Event::Withdrawn { film });
            }
        }
    }

    /// A watched film has failed for good.
    fn fail(&mut self, film: FilmId, sentence: &str) {
        self.end(film, End::Failed(sentence.to_owned()));
        self.tell(Event::Failed { film, sentence: sentence.to_owned() });
    }

    /// Nothing more of a watched film is fetched; what is here stays for its readers.
    fn end(&mut self, film: FilmId, end: End) {
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

    fn unpresent(&mut self, film: FilmId, why: Gone) {
        let Some(presented) = self.presented.remove(&film) else { return };
        self.serve.push(ServeJob::Drop { film });
        for line in presented.audience() {
            self.outbox.push_back(said(line, &Message::Gone { film, why }));
        }
    }

    fn blame(&mut self, id: LineId, Violation(what): Violation, now_ns: i64) {
        self.outbox.push_back(FilmOrder::Blame { line: id, reason: format!("it {what}") });
        let its = self.watched.values_mut().filter(|watched| watched.line == Some(id));
        let films: Vec<FilmId> = its.filter_map(|watched| watched.violated().then_some(watched.ticket.film)).collect();
        films.into_iter().for_each(|film| self.fail(film, BROKEN_RULES));
        self.forget_line(id, now_ns);
    }

    fn forget_line(&mut self, id: LineId, now_ns: i64) {
        self.lines.remove(&id);
        self.outbox.retain(|order| is_blame(order) || line_of(order) != Some(id));
        for watched in self.watched.values_mut().filter(|watched| watched.line == Some(id)) {
            watched.down(now_ns);
        }
        for presented in self.presented.values_mut() {
            drop(presented.leave(id));
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

    fn served(&mut self, serve::Done { film, index, piece }: serve::Done) {
        self.reading -= 1;
        let Some(presented) = self.presented.get_mut(&film) else { return };
        let sentence = match piece {
            Ok((bytes, hash)) => match presented.was_read(index, bytes, hash) {
                Ok(()) => return,
                Err(super::present::Changed) => serve::Unreadable::Changed.to_string(),
            },
            Err(unreadable) => unreadable.to_string(),
        };
        self.unpresent(film, Gone::Unreadable);
        self.tell(Event::Failed { film, sentence });
    }

    fn send_pieces(&mut self) {
        for presented in self.presented.values_mut() {
            self.outbox.extend(presented.send(&*self.keys));
        }
    }

    fn read_pieces(&mut self) {
        for (film, presented) in &mut self.presented {
            while self.reading < READING_MAX {
                self.turn += 1;
                let Some(index) = presented.next_read(self.turn) else { break };
                self.reading += 1;
                self.serve.push(ServeJob::Read { film: *film, index });
            }
        }
        self.serve.flush();
    }

    fn write_pieces(&mut self) {
        for watched in self.watched.values_mut() {
            while self.writing < WRITING_MAX && !self.has_disk_failed {
                let Some((index, stored, bytes)) = watched.next_write() else { break };
                self.writing += 1;
                self.disk.push(DiskJob::Write { key: watched.key, index, stored, bytes });
            }
        }
        self.disk.flush();
    }

    fn stored(&mut self, disk::Done { key, index, stored, result }: disk::Done) {
        self.writing -= 1;
        let watched = self.watched.values().find(|watched| watched.key == key);
        if let Some(watched) = watched
            && let Some(cache) = &mut watched.feed.lock().cache
        {
            cache.written(index, stored, result.is_ok());
        }
        match (result, watched) {
            (Ok(path), Some(watched)) => watched.feed.lock().file = Some(path),
            (Ok(_), None) => {}
            (Err(_), _) if self.has_disk_failed => {}
            (Err(error), _) => {
                self.has_disk_failed = true;
                for watched in self.watched.values() {
                    if let Some(cache) = &mut watched.feed.lock().cache {
                        cache.end_writing();
                    }
                }
                let sentence = format!(
                    "The film cache cannot be written ({error}), so little of a film is kept. Make room on the disk or choose another folder for it."
                );
                self.tell(Event::Problem { sentence });
            }
        }
    }

    fn share_memory(&self) {
        let pieces = MEMORY_PIECES / self.watched.len().max(1);
        self.watched.values().for_each(|watched| watched.set_memory_pieces_max(pieces));
    }

    fn tell(&self, event: Event) {
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
struct Outlet<T> {
    sender: MailboxSender<T>,
    waiting: VecDeque<T>,
}

impl<T> Outlet<T> {
    fn push(&mut self, job: T) {
        self.waiting.push_back(job);
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(job) = self.waiting.pop_front() {
            if let Err(job) = self.sender.send(job) {
                self.waiting.push_front(job);
                break;
            }
        }
    }
}

fn said(line: LineId, message: &Message) -> FilmOrder {
    FilmOrder::Message { line, bytes: message.encode() }
}

const fn is_blame(order: &FilmOrder) -> bool {
    matches!(order, FilmOrder::Blame { .. })
}

const fn line_of(order: &FilmOrder) -> Option<LineId> {
    match order {
        FilmOrder::Connect { .. } => None,
        FilmOrder::Message { line, .. }
        | FilmOrder::Piece { line, .. }
        | FilmOrder::Cancel { line, .. }
        | FilmOrder::Blame { line, .. } => Some(*line),
    }
}

const WRONG_BYTES: &str =
    "The film was stopped, because its presenter’s machine sent bytes that are not the film’s. Ask for it to be presented again.";
const CONTRADICTION: &str = "The film was stopped, because its presenter’s machine described it in two ways that contradict each other. Ask for it to be presented again.";
const UNREADABLE: &str = "The presenter’s machine can no longer read the film. Ask for it to be presented again.";
const BROKEN_RULES: &str = "The film was stopped, because its presenter’s machine does not keep to the rules. Ask for it to be presented again, with the same version of Houselights.";

/// 56 MiB; with what is under way it stays below 64.
pub(super) const MEMORY_PIECES: usize = 224;
const WATCHED_MAX: usize = 4;
/// What hurries waits behind no more reads than these.
const READING_MAX: usize = 4;
const WRITING_MAX: usize = 16;
const EVENTS_A_STEP: usize = 512;
const OUTBOX_FULL: usize = 256;
const OUTBOX_MAX: usize = 4096;
/// When the port had no room; it doubles while that lasts.
const RETRY_NS: i64 = 1_000_000;
const LAST_RETRY_NS: i64 = 256_000_000;
