use bytes::Bytes;

use super::{
    Event,
    line::{Answer, Line},
    manifest::Batch,
    message::{Gone, Message, Violation},
    reader::End,
    watch::{BatchFault, WrongBytes},
    worker::{Worker, said},
};
use crate::net::{FilmEvent, FilmId, FilmOrder, LineId};

/// What happens on lines, and what follows from it.
impl Worker {
    pub(super) fn event(&mut self, event: FilmEvent, now_ns: i64) {
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

    pub(super) fn blame(&mut self, id: LineId, Violation(what): Violation, now_ns: i64) {
        self.outbox.push_back(FilmOrder::Blame { line: id, reason: format!("it {what}") });
        let its = self.watched.values_mut().filter(|watched| watched.line == Some(id));
        let films: Vec<FilmId> = its.filter_map(|watched| watched.violated().then_some(watched.ticket.film)).collect();
        films.into_iter().for_each(|film| self.fail(film, BROKEN_RULES));
        self.forget_line(id, now_ns);
    }

    pub(super) fn forget_line(&mut self, id: LineId, now_ns: i64) {
        self.lines.remove(&id);
        self.outbox.retain(|order| is_blame(order) || line_of(order) != Some(id));
        for watched in self.watched.values_mut().filter(|watched| watched.line == Some(id)) {
            watched.down(now_ns);
        }
        for presented in self.presented.values_mut() {
            drop(presented.leave(id));
        }
    }
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
