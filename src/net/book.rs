use std::collections::BTreeMap;

use super::{LineId, Members, ParticipantId, RoomId};

/// Which lines there are, and the rule that there is one for each pair. Pure: `L` is whatever carries a line.
#[derive(Debug)]
pub(super) struct Book<L> {
    me: ParticipantId,
    lines: BTreeMap<LineId, Entry<L>>,
    dials: BTreeMap<ParticipantId, Dial>,
    numbers: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Entry<L> {
    pub(super) line: L,
    pub(super) peer: ParticipantId,
    /// By us.
    pub(super) dialled: bool,
    /// The run of the program at the other end.
    pub(super) instance: u64,
    pub(super) room: RoomId,
    pub(super) epoch: u32,
    /// They came through our door.
    pub(super) is_guest: bool,
    /// The list of members has named them since.
    pub(super) was_listed: bool,
}

/// A call of ours that is under way.
#[derive(Debug)]
struct Dial {
    number: u64,
    /// The other end answered and our greeting is on its way.
    is_greeting: bool,
}

/// There is, or will be, another line between the two.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Duplicate;

impl<L: Clone> Book<L> {
    pub(super) fn new(me: ParticipantId) -> Self {
        Self { me, lines: BTreeMap::new(), dials: BTreeMap::new(), numbers: 0 }
    }

    pub(super) fn line(&self, id: LineId) -> Option<&L> {
        self.lines.get(&id).map(|entry| &entry.line)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &L> {
        self.lines.values().map(|entry| &entry.line)
    }

    pub(super) fn line_to(&self, peer: &ParticipantId) -> Option<&L> {
        self.lines.values().find(|entry| entry.peer == *peer).map(|entry| &entry.line)
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= LINES_MAX
    }

    /// Begins a call, unless there is a line or a call to them; `anew` makes one all the same. The number is for [`Self::end_dial`].
    pub(super) fn dial(&mut self, peer: ParticipantId, anew: bool) -> Option<u64> {
        if !anew && (self.line_to(&peer).is_some() || self.dials.contains_key(&peer)) {
            return None;
        }
        self.numbers += 1;
        self.dials.insert(peer, Dial { number: self.numbers, is_greeting: false });
        Some(self.numbers)
    }

    /// The other end has answered; may we greet? Not if they came to us in the meantime.
    pub(super) fn greet(&mut self, peer: &ParticipantId, number: u64, anew: bool) -> Result<(), Duplicate> {
        let has_line = self.line_to(peer).is_some();
        let dial = self.dials.get_mut(peer).filter(|dial| dial.number == number).ok_or(Duplicate)?;
        if has_line && !anew {
            return Err(Duplicate);
        }
        dial.is_greeting = true;
        Ok(())
    }

    /// A call is over, however it ended.
    pub(super) fn end_dial(&mut self, peer: &ParticipantId, number: u64) {
        if self.dials.get(peer).is_some_and(|dial| dial.number == number) {
            self.dials.remove(peer);
        }
    }

    /// A new line to which both ends have agreed; gives the older one that it replaces, which is to be closed.
    ///
    /// # Errors
    /// When another one is to be kept. If both dialled at once that is the one dialled by the smaller id, on both sides.
    pub(super) fn enter(&mut self, id: LineId, new: Entry<L>) -> Result<Option<L>, Duplicate> {
        let peer = new.peer;
        let smaller = self.me < peer;
        if !new.dialled && smaller && self.dials.get(&peer).is_some_and(|dial| dial.is_greeting) {
            return Err(Duplicate);
        }
        let old = self.lines.iter().find(|(_, entry)| entry.peer == peer).map(|(id, entry)| (*id, entry));
        let Some((old_id, old)) = old else {
            self.lines.insert(id, new);
            return Ok(None);
        };
        let by_smaller = new.dialled == smaller;
        if new.dialled != old.dialled && new.instance == old.instance && !by_smaller {
            return Err(Duplicate);
        }
        let old = self.lines.remove(&old_id).map(|entry| entry.line);
        self.lines.insert(id, new);
        Ok(old)
    }

    /// A line is gone.
    pub(super) fn remove(&mut self, id: LineId) {
        self.lines.remove(&id);
    }

    /// Whose lines are to be closed, now that these are the members.
    ///
    /// Lists lag behind people: who came by a pass of this epoch, or through our own door, may not be named yet.
    pub(super) fn strangers(&mut self, members: &Members) -> Vec<L> {
        let we_host = members.host == self.me;
        for entry in self.lines.values_mut() {
            entry.was_listed |= members.members.iter().any(|member| member.id == entry.peer);
        }
        let stays = |entry: &Entry<L>| {
            let is_listed = members.members.iter().any(|member| member.id == entry.peer);
            let is_new = !entry.was_listed && entry.room == members.room && (entry.epoch >= members.epoch || we_host && entry.is_guest);
            entry.peer == members.host || is_listed || is_new
        };
        self.lines.values().filter(|entry| !stays(entry)).map(|entry| entry.line.clone()).collect()
    }
}

/// More than any room has seats.
const LINES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::Member, *};

    fn id(byte: u8) -> ParticipantId {
        ParticipantId::from_bytes([byte; 32])
    }

    fn entry(peer: u8, dialled: bool, line: u64) -> Entry<u64> {
        let (room, epoch) = ([1; 16], 1);
        Entry { line, peer: id(peer), dialled, instance: 7, room, epoch, is_guest: !dialled, was_listed: false }
    }

    #[test]
    fn whoever_comes_back_the_same_way_replaces_their_older_line() {
        let mut book = Book::new(id(5));
        assert_eq!(book.enter(LineId(1), entry(9, false, 1)), Ok(None));
        assert_eq!(book.enter(LineId(2), entry(9, false, 2)), Ok(Some(1)));
        assert_eq!((book.line(LineId(1)), book.line_to(&id(9))), (None, Some(&2)));
        book.remove(LineId(1)); // late word of the older one
        assert_eq!(book.line_to(&id(9)), Some(&2));
    }

    #[test]
    fn a_restarted_program_replaces_the_line_we_dialled_to_it() {
        let mut book = Book::new(id(5));
        assert_eq!(book.enter(LineId(1), entry(9, true, 1)), Ok(None));
        assert_eq!(book.enter(LineId(2), entry(9, false, 2)), Err(Duplicate), "the smaller id's stays");
        assert_eq!(book.enter(LineId(3), Entry { instance: 8, ..entry(9, false, 3) }), Ok(Some(1)));
    }

    #[test]
    fn nobody_is_called_twice() {
        let mut book = Book::new(id(5));
        let first = book.dial(id(9), false).unwrap();
        assert_eq!(book.dial(id(9), false), None);
        let second = book.dial(id(9), true).unwrap();
        assert_eq!(book.greet(&id(9), first, false), Err(Duplicate), "called anew since");
        book.end_dial(&id(9), first);
        assert_eq!(book.greet(&id(9), second, false), Ok(()));
        book.end_dial(&id(9), second);
        assert_eq!(book.enter(LineId(1), entry(9, true, 1)), Ok(None));
        assert_eq!(book.dial(id(9), false), None);
    }

    #[test]
    fn lines_to_who_was_removed_are_closed_and_newcomers_are_not() {
        let mut book = Book::new(id(1));
        for (line, peer) in [(1, 9), (2, 3), (3, 4)] {
            assert_eq!(book.enter(LineId(line), entry(peer, false, line)), Ok(None));
        }
        let list = |host: u8, epoch, named: &[u8]| {
            let members = named.iter().map(|byte| Member { id: id(*byte), addresses: Default::default() }).collect();
            Members { host: id(host), room: [1; 16], epoch, my_pass: None, members }
        };
        assert_eq!(book.strangers(&list(9, 1, &[1, 3])), [] as [u64; 0], "4 is not named yet");
        assert_eq!(book.strangers(&list(9, 1, &[1, 3, 4])), [] as [u64; 0]);
        assert_eq!(book.strangers(&list(9, 2, &[1, 4])), [2], "3 was removed");
        assert_eq!(book.strangers(&list(9, 2, &[])), [2, 3]);
        let mut book = Book::new(id(1));
        assert_eq!(book.enter(LineId(1), entry(3, false, 1)), Ok(None));
        assert_eq!(book.strangers(&list(9, 2, &[])), [1], "an older pass");
        assert_eq!(book.strangers(&list(1, 2, &[])), [] as [u64; 0], "a guest of ours, not named yet");
    }

    /// Both ends of a pair: whatever the order in which their calls get through, they end with the same one line.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Dial(bool),
        Greet(bool),
        Arrive(bool),
    }

    proptest! {
        #[test]
        fn both_ends_keep_the_same_line(steps in prop::collection::vec((0u8..3, any::<bool>()), 0..40)) {
            let steps = steps.into_iter().map(|(kind, who)| match kind { 0 => Step::Dial(who), 1 => Step::Greet(who), _ => Step::Arrive(who) });
            // Afterwards everything under way gets through.
            let rest = [Step::Greet(false), Step::Arrive(false), Step::Greet(true), Step::Arrive(true)];
            let mut ends = [Book::new(id(1)), Book::new(id(2))];
            let (mut calls, mut greeted) = ([None::<u64>; 2], [None::<u64>; 2]);
            let mut wanted = false;
            for step in steps.chain(rest) {
                match step {
                    Step::Dial(who) => {
                        let who = usize::from(who);
                        if let Some(number) = ends[who].dial(id(2 - who as u8), false) {
                            calls[who] = Some(number);
                            wanted = true;
                        }
                    }
                    Step::Greet(who) => {
                        let (who, peer) = (usize::from(who), id(2 - usize::from(who) as u8));
                        if let Some(number) = calls[who].take() {
                            if ends[who].greet(&peer, number, false).is_ok() { greeted[who] = Some(number); } else { ends[who].end_dial(&peer, number); }
                        }
                    }
                    // The greeting reaches the other end, and its answer comes back.
                    Step::Arrive(who) => {
                        let (who, other) = (usize::from(who), 1 - usize::from(who));
                        if let Some(number) = greeted[who].take() {
                            let line = number * 2 + who as u64;
                            let (me, peer) = (who as u8 + 1, other as u8 + 1);
                            if let Ok(replaced) = ends[other].enter(LineId(line), entry(me, false, line)) {
                                if let Some(old) = replaced { ends[who].remove(LineId(old)); }
                                match ends[who].enter(LineId(line), entry(peer, true, line)) {
                                    Ok(Some(old)) => ends[other].remove(LineId(old)),
                                    Ok(None) => {}
                                    Err(Duplicate) => ends[other].remove(LineId(line)),
                                }
                            }
                            ends[who].end_dial(&id(peer), number);
                        }
                    }
                }
            }
            let kept = [ends[0].line_to(&id(2)).copied(), ends[1].line_to(&id(1)).copied()];
            prop_assert_eq!(kept[0], kept[1]);
            prop_assert_eq!(kept[0].is_some(), wanted);
        }
    }
}
