use std::collections::{BTreeMap, VecDeque};

use super::{limit::Limit, message::Violation, want::Asked};
use crate::net::{FilmId, ParticipantId};

/// One connection: who is at its end, what was asked for there, and what it has left to say.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) peer: ParticipantId,
    /// Requests of ours that are under way.
    asked: BTreeMap<u32, (FilmId, Asked)>,
    /// Requests that were called off; their answers may come all the same.
    cancelled: VecDeque<(u32, FilmId, u32)>,
    next_number: u32,
    /// Answers below this number may come late and be forgotten.
    forgotten_below: u32,
    /// The peer's last request.
    last_request: Option<u32>,
    messages: Limit,
    batches: Limit,
    breaks: Limit,
}

impl Line {
    pub(super) fn new(peer: ParticipantId, now_ns: i64) -> Self {
        Self {
            peer,
            asked: BTreeMap::new(),
            cancelled: VecDeque::new(),
            next_number: 0,
            forgotten_below: 0,
            last_request: None,
            // Beyond what belongs to pieces that are asked for or sent.
            messages: Limit::new(1024, 200, now_ns),
            batches: Limit::new(256, 50, now_ns),
            breaks: Limit::new(64, 8, now_ns),
        }
    }

    /// Notes a request and numbers it.
    pub(super) fn ask(&mut self, film: FilmId, index: u32, now_ns: i64) -> u32 {
        let number = self.next_number;
        self.next_number += 1;
        self.asked.insert(number, (film, Asked { number, index, at_ns: now_ns }));
        // A batch comes with the piece, and whatever else there is to say of it.
        self.messages.earn(2);
        self.batches.earn(1);
        number
    }

    /// What is under way for a film.
    pub(super) fn asked(&self, film: FilmId) -> Vec<Asked> {
        self.asked.values().filter(|(of, _)| *of == film).map(|(_, asked)| *asked).collect()
    }

    /// Notes that a request was called off.
    pub(super) fn cancel(&mut self, number: u32) {
        if let Some((film, asked)) = self.asked.remove(&number) {
            self.cancelled.push_back((number, film, asked.index));
        }
        while self.cancelled.len() > CANCELLED_MAX {
            if let Some((number, ..)) = self.cancelled.pop_front() {
                self.forgotten_below = self.forgotten_below.max(number + 1);
            }
        }
    }

    /// What an answer answers.
    pub(super) fn answered(&mut self, number: u32) -> Result<Answer, Violation> {
        if let Some((film, asked)) = self.asked.remove(&number) {
            return Ok(Answer::Wanted(film, asked));
        }
        if let Some(place) = self.cancelled.iter().position(|(cancelled, ..)| *cancelled == number) {
            return Ok(self.cancelled.remove(place).map_or(Answer::Forgotten, |(_, film, index)| Answer::Cancelled(film, index)));
        }
        if number < self.forgotten_below { Ok(Answer::Forgotten) } else { Err(Violation("answered what was not asked")) }
    }

    /// Requests number themselves upwards.
    pub(super) fn numbered(&mut self, number: u32) -> Result<(), Violation> {
        if self.last_request.is_some_and(|last| number <= last) {
            return Err(Violation("used a request's number twice"));
        }
        self.last_request = Some(number);
        Ok(())
    }

    /// A piece left here: the peer may ask for another.
    pub(super) fn sent(&mut self) {
        self.messages.earn(2);
    }

    pub(super) fn message(&mut self, now_ns: i64) -> Result<(), Violation> {
        within(&mut self.messages, now_ns)
    }

    pub(super) fn batch(&mut self, now_ns: i64) -> Result<(), Violation> {
        within(&mut self.batches, now_ns)
    }

    /// A forgotten answer, a broken one or a refusal: each made us work for nothing.
    pub(super) fn broke(&mut self, now_ns: i64) -> Result<(), Violation> {
        within(&mut self.breaks, now_ns)
    }
}

/// What a piece that came, or broke off, was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Wanted(FilmId, Asked),
    /// It was called off.
    Cancelled(FilmId, u32),
    /// It was called off long ago.
    Forgotten,
}

fn within(limit: &mut Limit, now_ns: i64) -> Result<(), Violation> {
    if limit.allows(now_ns) { Ok(()) } else { Err(Violation("said too much at once")) }
}

/// Many more than can be under way.
const CANCELLED_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once_and_only_if_it_was_asked_for() {
        let film = FilmId::from_bytes([1; 16]);
        let mut line = Line::new(ParticipantId::from_bytes([2; 32]), 0);
        let numbers: Vec<u32> = (0..3).map(|index| line.ask(film, index + 10, 5)).collect();
        assert_eq!(line.answered(numbers[1]), Ok(Answer::Wanted(film, Asked { number: 1, index: 11, at_ns: 5 })));
        assert!(line.answered(numbers[1]).is_err(), "a second time");
        line.cancel(numbers[2]);
        assert_eq!(line.asked(film).len(), 1);
        assert_eq!(line.answered(numbers[2]), Ok(Answer::Cancelled(film, 12)));
        assert!(line.answered(numbers[2]).is_err(), "a second time");
        assert!(line.answered(3).is_err(), "never asked");
    }

    #[test]
    fn what_was_called_off_is_remembered_within_bounds() {
        let film = FilmId::from_bytes([1; 16]);
        let mut line = Line::new(ParticipantId::from_bytes([2; 32]), 0);
        for _ in 0..2 * CANCELLED_MAX {
            let number = line.ask(film, 0, 0);
            line.cancel(number);
        }
        assert_eq!(line.cancelled.len(), CANCELLED_MAX);
        assert_eq!(line.answered(3), Ok(Answer::Forgotten));
        assert_eq!(line.answered(CANCELLED_MAX as u32), Ok(Answer::Cancelled(film, 0)));
    }
}
