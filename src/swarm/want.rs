use std::collections::VecDeque;

use super::{
    message::Urgency,
    pieces::{Cut, PIECE_BYTES, PieceSet},
};

/// What to ask for and what to call off, given where the reader reads, what is there, and what is under way.
///
/// First what the reader waits for, then the last piece (most containers keep their index at the end, and no late guest finds their place without), then what is read
/// next, then the places the reader came from (a demuxer goes to and fro), then on in order. Where it is not known what a film's second takes, 64 MiB; else a minute,
/// because a film's rate peaks at about twice its mean.
pub(super) fn want(film: &State) -> Plan {
    let window = film.places.window(film.cut, film.ahead_pieces);
    let mut plan = Plan::default();
    let mut kept = Vec::with_capacity(film.asked.len());
    for asked in film.asked {
        match window.need_under_way(asked.index).filter(|_| !film.have.contains(asked.index)) {
            Some(need) => kept.push((need, asked)),
            None => plan.cancels.push(asked.number),
        }
    }
    let mut in_flight = kept.len() + film.held.len();
    // What is least needed gives way to what is needed more.
    kept.sort_by_key(|(need, asked)| (*need, u32::MAX - asked.index));
    let mut least = kept.iter().copied().peekable();

    for (index, need) in window.in_order() {
        if need == Need::Ahead && in_flight >= film.in_flight_max.min(film.spare_pieces) || plan.requests.len() >= film.in_flight_max {
            break;
        }
        if film.have.contains(index) {
            continue;
        }
        let is_coming = film.asked.iter().any(|asked| asked.index == index) || film.held.contains(&index);
        if is_coming || plan.requests.iter().any(|request| request.0 == index) {
            continue;
        }
        if in_flight >= film.in_flight_max {
            let Some((_, asked)) = least.next_if(|(its_need, _)| *its_need < need.min(Need::Soon)) else { break };
            plan.cancels.push(asked.number);
            in_flight -= 1;
        }
        plan.requests.push((index, need.urgency()));
        in_flight += 1;
    }
    plan
}

/// What is to be said.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Pieces to ask for, the neediest first.
    pub(super) requests: Vec<(u32, Urgency)>,
    /// Numbers of requests to call off.
    pub(super) cancels: Vec<u32>,
}

/// What the decision depends on.
pub(super) struct State<'a> {
    pub(super) cut: Cut,
    pub(super) ahead_pieces: u32,
    pub(super) places: &'a Places,
    pub(super) have: &'a PieceSet,
    pub(super) asked: &'a [Asked],
    /// Pieces that came and wait for their hash.
    pub(super) held: &'a [u32],
    pub(super) in_flight_max: usize,
    /// How many more pieces memory takes.
    pub(super) spare_pieces: usize,
}

/// A request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) number: u32,
    pub(super) index: u32,
    pub(super) at_ns: i64,
}

/// How far to read ahead, in pieces.
pub(super) fn ahead_pieces(bytes_per_second: Option<u64>, room_pieces: u32) -> u32 {
    let bytes = bytes_per_second.map_or(AHEAD_UNKNOWN_BYTES, |rate| rate.saturating_mul(AHEAD_S).max(AHEAD_LEAST_BYTES));
    // A quarter of the room is for what lies behind.
    u32::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(u32::MAX).min(room_pieces / 4 * 3)
}

/// Where the film is being read: the newest place first, and those it came from a moment ago.
#[derive(Debug, Clone)]
pub(super) struct Places(VecDeque<Place>);

impl Places {
    /// A film is read from its beginning.
    pub(super) fn at_start(now_ns: i64) -> Self {
        Self([Place { index: 0, seen_ns: now_ns, returns: 0 }].into())
    }

    /// A piece was read or waited for.
    pub(super) fn read(&mut self, index: u32, now_ns: i64) {
        let continued = self.0.iter().position(|place| (place.index..=place.index.saturating_add(STEP_PIECES)).contains(&index));
        let before = continued.and_then(|place| self.0.remove(place)).map_or(0, |place| place.returns);
        let returns = before.saturating_add(u32::from(continued.is_some_and(|place| place > 0)));
        self.0.push_front(Place { index, seen_ns: now_ns, returns });
        self.0.truncate(PLACES_MAX);
    }

    /// Forgets places that the reader did not come back to. Says when it will have to forget the next.
    pub(super) fn forget(&mut self, now_ns: i64) -> Option<i64> {
        let front = self.0.front().copied();
        self.0.retain(|place| Some(*place) == front || now_ns.saturating_sub(place.seen_ns) < PLACE_LASTS_NS);
        self.0.iter().skip(1).map(|place| place.seen_ns.saturating_add(PLACE_LASTS_NS)).min()
    }

    /// The newest place.
    pub(super) fn current(&self) -> u32 {
        self.0.front().map_or(0, |place| place.index)
    }

    /// What is needed for these places.
    pub(super) fn window(&self, cut: Cut, ahead_pieces: u32) -> Window {
        let current = self.current();
        let others = self.0.iter().skip(1).map(|place| (place.index, place.near_pieces())).collect();
        Window { pieces: cut.pieces(), current, others, ahead_pieces: ahead_pieces.max(SOON_PIECES) }
    }
}

/// The pieces that are needed now or soon.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pieces: u32,
    current: u32,
    /// A piece, and how many from there on.
    others: Vec<(u32, u32)>,
    ahead_pieces: u32,
}

impl Window {
    pub(super) fn contains(&self, index: u32) -> bool {
        self.need_of(index).is_some()
    }

    fn need_of(&self, index: u32) -> Option<Need> {
        let within = |from: u32, count: u32| index >= from && index - from < count;
        if within(self.current, 1) {
            Some(Need::Now)
        } else if within(self.current, SOON_PIECES) || index == self.last() {
            Some(Need::Soon)
        } else if self.others.iter().any(|(from, count)| within(*from, *count)) {
            Some(Need::Near)
        } else {
            within(self.current, self.ahead_pieces).then_some(Need::Ahead)
        }
    }

    /// The same for a piece that is on its way: what was to come where the reader was a moment ago is left alone as long as nothing needs its place. A reader that only
    /// looks something up at the end of the file comes back.
    fn need_under_way(&self, index: u32) -> Option<Need> {
        let is_near = |(from, _): &(u32, u32)| index >= *from && index - from < HABIT_PIECES;
        self.need_of(index).or_else(|| self.others.iter().any(is_near).then_some(Need::Ahead))
    }

    const fn last(&self) -> u32 {
        self.pieces.saturating_sub(1)
    }

    /// How far a piece is from being needed: what lies behind is further than what lies ahead.
    pub(super) const fn distance(&self, index: u32) -> u64 {
        if index >= self.current { (index - self.current) as u64 } else { (1 << 32) + (self.current - index) as u64 }
    }

    fn in_order(&self) -> impl Iterator<Item = (u32, Need)> {
        let stretch = |from: u32, count: u32| from..from.saturating_add(count).min(self.pieces);
        let head = stretch(self.current, 1).map(|index| (index, Need::Now));
        let index = stretch(self.last(), 1).map(|index| (index, Need::Soon));
        let soon = stretch(self.current + 1, SOON_PIECES - 1).map(|index| (index, Need::Soon));
        let near = self.others.iter().flat_map(move |(from, count)| stretch(*from, *count)).map(|index| (index, Need::Near));
        let ahead = stretch(self.current + SOON_PIECES, self.ahead_pieces - SOON_PIECES).map(|index| (index, Need::Ahead));
        head.chain(index).chain(soon).chain(near).chain(ahead)
    }
}

/// Why a piece is needed; the more comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Ahead,
    /// The reader was here a moment ago.
    Near,
    Soon,
    Now,
}

impl Need {
    const fn urgency(self) -> Urgency {
        match self {
            Self::Ahead => Urgency::Ahead,
            Self::Near | Self::Soon => Urgency::Soon,
            Self::Now => Urgency::Now,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: u32,
    seen_ns: i64,
    /// How often the reader came back from elsewhere.
    returns: u32,
}

impl Place {
    /// How far it is read ahead while the reader is elsewhere.
    const fn near_pieces(self) -> u32 {
        if self.returns < RETURNS_OF_A_HABIT { NEAR_PIECES } else { HABIT_PIECES }
    }
}

/// The head and what follows it at once.
const SOON_PIECES: u32 = 3;
/// Kept wanted where the reader was a moment ago.
const NEAR_PIECES: u32 = 2;
/// A reader that goes to and fro for good, because sound and pictures lie apart in the file, reads in each place.
const HABIT_PIECES: u32 = 8;
const RETURNS_OF_A_HABIT: u32 = 2;
/// A reader that leaps over less still reads on.
const STEP_PIECES: u32 = 4;
/// A badly interleaved file is read in as many places as it has tracks that are played.
const PLACES_MAX: usize = 4;
const PLACE_LASTS_NS: i64 = 1_000_000_000;
const AHEAD_S: u64 = 60;
const AHEAD_UNKNOWN_BYTES: u64 = 64 << 20;
/// A film of little rate is read ahead further: it costs little, and one file's rate is never even.
const AHEAD_LEAST_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::swarm::pipe::IN_FLIGHT_MAX;

    /// A film of 100 pieces, read at the last of some places, with some pieces there and some asked for. The last piece, where the index lies, is there.
    struct Scene {
        cut: Cut,
        places: Places,
        have: PieceSet,
        asked: Vec<Asked>,
        in_flight_max: usize,
        ahead_pieces: u32,
        spare_pieces: usize,
    }

    impl Scene {
        fn reading(places: &[u32]) -> Self {
            let cut = Cut::new(100 * PIECE_BYTES - 1).unwrap();
            let mut seen = Places::at_start(0);
            places.iter().for_each(|index| seen.read(*index, 0));
            let mut have = PieceSet::none_of(cut);
            assert!(have.insert(99));
            Self { cut, places: seen, have, asked: Vec::new(), in_flight_max: 4, ahead_pieces: 20, spare_pieces: 99 }
        }

        fn having(mut self, pieces: impl IntoIterator<Item = u32>) -> Self {
            pieces.into_iter().for_each(|index| assert!(self.have.insert(index) || index == 99));
            self
        }

        /// The request for piece n has the number 1000 + n.
        fn asking(mut self, pieces: impl IntoIterator<Item = u32>) -> Self {
            self.asked.extend(pieces.into_iter().map(|index| Asked { number: 1000 + index, index, at_ns: 0 }));
            self
        }

        fn want(&self) -> Plan {
            let Self { cut, places, have, asked, in_flight_max, ahead_pieces, spare_pieces } = self;
            let (&cut, &in_flight_max, &ahead_pieces, &spare_pieces) = (cut, in_flight_max, ahead_pieces, spare_pieces);
            want(&State { cut, ahead_pieces, places, have, asked, held: &[], in_flight_max, spare_pieces })
        }

        fn check(&self, requests: &[(u32, Urgency)], cancels: &[u32]) {
            assert_eq!(self.want(), Plan { requests: requests.to_vec(), cancels: cancels.to_vec() });
        }
    }

    use Urgency::{Ahead, Now, Soon};

    #[test]
    fn the_beginning_comes_first_and_in_order() {
        Scene::reading(&[]).check(&[(0, Now), (1, Soon), (2, Soon), (3, Ahead)], &[]);
        Scene::reading(&[]).having([0, 2]).asking([1, 3]).check(&[(4, Ahead), (5, Ahead)], &[]);
    }

    #[test]
    fn the_index_at_the_end_comes_with_the_beginning_and_a_look_into_it_calls_nothing_off() {
        let mut scene = Scene::reading(&[]);
        assert!(scene.have.remove(99));
        scene.check(&[(0, Now), (99, Soon), (1, Soon), (2, Soon)], &[]);
        let mut scene = Scene::reading(&[99]).having([0]).asking([1, 2, 3]);
        assert!(scene.have.remove(99));
        scene.check(&[(99, Now)], &[]);
        scene.in_flight_max = 3;
        scene.check(&[(99, Now)], &[1003]);
    }

    #[test]
    fn a_seek_calls_off_what_is_no_longer_wanted_but_not_the_piece_it_may_come_back_to() {
        Scene::reading(&[10, 50])
            .having([0, 1, 10])
            .asking([11, 12, 13, 14])
            .check(&[(50, Now), (51, Soon), (52, Soon)], &[1014, 1013, 1012]);
    }

    #[test]
    fn a_place_that_is_not_come_back_to_is_forgotten() {
        let mut scene = Scene::reading(&[10, 50]).having([0, 1]).asking([11, 12]);
        assert_eq!(scene.places.forget(PLACE_LASTS_NS - 1), Some(PLACE_LASTS_NS));
        assert_eq!(scene.places.forget(PLACE_LASTS_NS), None);
        scene.check(&[(50, Now), (51, Soon), (52, Soon), (53, Ahead)], &[1011, 1012]);
    }

    #[test]
    fn what_is_waited_for_takes_the_place_of_what_is_for_later() {
        // A step back inside what is read ahead.
        Scene::reading(&[10]).having([0, 1]).asking([13, 14, 15, 16]).check(&[(10, Now), (11, Soon), (12, Soon)], &[1016, 1015, 1014]);
    }

    #[test]
    fn a_person_who_scrubs_never_waits_for_where_they_were() {
        let scene = Scene::reading(&[10, 30, 50, 70]).asking([10, 30, 50, 51]);
        assert_eq!(scene.want().requests[..1], [(70, Now)]);
    }

    #[test]
    fn a_file_that_is_read_in_two_places_keeps_both() {
        let mut places = Places::at_start(0);
        for step in 0..20 {
            places.read(10 + step / 2, i64::from(step));
            places.read(60 + step / 2, i64::from(step));
        }
        let window = places.window(Cut::new(100 * PIECE_BYTES).unwrap(), 20);
        assert!([19, 20, 26, 69, 70, 80].map(|index| window.contains(index)).iter().all(|is| *is));
    }

    #[test]
    fn reading_ahead_stops_where_memory_or_the_film_does() {
        let mut scene = Scene::reading(&[50]).having(50..60);
        (scene.in_flight_max, scene.spare_pieces) = (16, 3);
        scene.check(&[(0, Soon), (1, Soon), (60, Ahead)], &[]);
        Scene::reading(&[98]).having([0, 1]).check(&[(98, Now)], &[]);
        Scene::reading(&[98]).having([0, 1, 98]).check(&[], &[]);
    }

    #[test]
    fn a_minute_is_read_ahead_if_there_is_room() {
        assert_eq!(ahead_pieces(Some(1 << 20), u32::MAX), 240);
        assert_eq!(ahead_pieces(None, u32::MAX), 256);
        assert_eq!(ahead_pieces(Some(0), u32::MAX), 16);
        assert_eq!(ahead_pieces(Some(u64::MAX), 224), 168);
    }

    proptest! {
        #[test]
        fn a_plan_asks_for_nothing_twice_and_keeps_within_bounds(
            places in prop::collection::vec(0u32..110, 0..6),
            have in prop::collection::btree_set(0u32..100, 0..100),
            asked in prop::collection::btree_set(0u32..100, 0..IN_FLIGHT_MAX),
            in_flight_max in 4..=IN_FLIGHT_MAX,
            ahead_pieces in 0u32..200,
            spare_pieces in 0usize..50,
        ) {
            let places: Vec<u32> = places.into_iter().map(|place| place.min(99)).collect();
            let scene = Scene { in_flight_max, ahead_pieces, spare_pieces, ..Scene::reading(&places) };
            let have: BTreeSet<u32> = have.into_iter().chain([99]).collect();
            let scene = scene.having(have.iter().copied()).asking(asked.iter().copied());
            let plan = scene.want();
            let wanted: BTreeSet<u32> = plan.requests.iter().map(|request| request.0).collect();
            prop_assert_eq!(wanted.len(), plan.requests.len());
            prop_assert!(wanted.iter().all(|index| *index < 100 && !have.contains(index) && !asked.contains(index)));
            prop_assert!(plan.cancels.iter().all(|number| asked.contains(&(number - 1000))));
            prop_assert_eq!(plan.cancels.iter().collect::<BTreeSet<_>>().len(), plan.cancels.len());
            let in_flight = asked.len() - plan.cancels.len() + plan.requests.len();
            prop_assert!(in_flight <= in_flight_max.max(asked.len()));
            // What the reader waits for is there, or on its way.
            let head = scene.places.current();
            prop_assert!(have.contains(&head) || asked.contains(&head) && !plan.cancels.contains(&(1000 + head)) || plan.requests.first() == Some(&(head, Now)));
        }
    }
}
