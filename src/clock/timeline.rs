use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FilmTime, RoomTime};

/// The one formula from room time to film time: a corner at one instant, with a motion before it and one after it.
///
/// A command is dated a little ahead of now (its *lead*), so the corner may lie in the future; keeping the motion before it makes the formula true on both
/// sides, and everybody turns at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// When the motion changes.
    pub room: RoomTime,
    /// The place in the film at that instant.
    pub film: FilmTime,
    /// How the film moved until then.
    pub before: Motion,
    /// How it moves from then on.
    pub after: Motion,
    /// How fast it ran until then.
    pub rate_before: Rate,
    /// How fast it runs from then on; while it stands, how fast it will.
    pub rate: Rate,
}

/// Whether the film moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Motion {
    /// It stands.
    Stands,
    /// It runs at the timeline's rate.
    Runs,
}

impl Timeline {
    /// Stands at one place, always; it would run at its own speed.
    #[must_use]
    pub const fn standing(film: FilmTime) -> Self {
        Self { room: RoomTime::ZERO, film, before: Motion::Stands, after: Motion::Stands, rate_before: Rate::ONE, rate: Rate::ONE }
    }

    /// The place in the film at a room instant.
    #[must_use]
    pub fn film_at(&self, room: RoomTime) -> FilmTime {
        match self.motion_at(room) {
            Motion::Stands => self.film,
            Motion::Runs => self.film + self.rate_at(room).film_ns(room - self.room),
        }
    }

    /// When the film is at a place, at the earliest; `None` if it never comes there, or has always been there.
    #[must_use]
    pub fn room_at(&self, film: FilmTime) -> Option<RoomTime> {
        let passed = film - self.film;
        match (passed < 0, self.before, self.after) {
            (true, Motion::Runs, _) => Some(self.room + self.rate_before.room_ns(passed)),
            (false, _, Motion::Runs) => Some(self.room + self.rate.room_ns(passed)),
            (false, Motion::Runs, Motion::Stands) if passed == 0 => Some(self.room),
            _ => None,
        }
    }

    /// Whether the film runs at a room instant.
    #[must_use]
    pub fn motion_at(&self, room: RoomTime) -> Motion {
        if room < self.room { self.before } else { self.after }
    }

    /// How fast the film runs at a room instant, or would.
    #[must_use]
    pub fn rate_at(&self, room: RoomTime) -> Rate {
        if room < self.room { self.rate_before } else { self.rate }
    }

    /// Whether it stands at that place for good.
    #[must_use]
    pub fn stands_at(&self, film: FilmTime) -> bool {
        self.film == film && (self.before, self.after) == (Motion::Stands, Motion::Stands)
    }

    /// The same course, standing from `room` on.
    #[must_use]
    pub fn pause(&self, room: RoomTime) -> Self {
        self.corner(room, Motion::Stands, self.rate_at(room))
    }

    /// The same course, running from `room` on.
    #[must_use]
    pub fn play(&self, room: RoomTime) -> Self {
        self.corner(room, Motion::Runs, self.rate)
    }

    /// The same course, at another rate from `room` on; if it stands, it will run at that rate.
    #[must_use]
    pub fn at_rate(&self, room: RoomTime, rate: Rate) -> Self {
        match self.motion_at(room) {
            Motion::Stands => Self { rate, ..*self },
            Motion::Runs => self.corner(room, Motion::Runs, rate),
        }
    }

    fn corner(&self, room: RoomTime, after: Motion, rate: Rate) -> Self {
        Self { room, film: self.film_at(room), before: self.motion_at(room), after, rate_before: self.rate_at(room), rate }
    }
}

/// How fast the film runs against room time: half to twice, in thousandths, so that all machines reckon the same to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Rate(u16);

impl Rate {
    /// The film's own speed.
    pub const ONE: Self = Self(1000);
    /// Half of it.
    pub const LEAST: Self = Self(500);
    /// Twice as fast.
    pub const MOST: Self = Self(2000);

    /// From a factor, rounded to thousandths; `None` if it is not a number from 0.5 to 2.
    #[must_use]
    pub fn from_factor(factor: f64) -> Option<Self> {
        let thousandths = (factor * 1000.0).round();
        (500.0..=2000.0).contains(&thousandths).then_some(Self(thousandths as u16))
    }

    /// As a factor.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// How much film runs in a stretch of room time, in nanoseconds, rounded down.
    #[must_use]
    pub fn film_ns(self, room_ns: i64) -> i64 {
        saturated((i128::from(room_ns) * i128::from(self.0)).div_euclid(1000))
    }

    /// How long a stretch of film runs, in nanoseconds of room time, rounded up: the first nanosecond by which it has run.
    #[must_use]
    pub fn room_ns(self, film_ns: i64) -> i64 {
        let own = i128::from(self.0);
        saturated((i128::from(film_ns) * 1000 + own - 1).div_euclid(own))
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::ONE
    }
}

impl TryFrom<u16> for Rate {
    type Error = &'static str;

    fn try_from(thousandths: u16) -> Result<Self, Self::Error> {
        if (Self::LEAST.0..=Self::MOST.0).contains(&thousandths) { Ok(Self(thousandths)) } else { Err("no film runs at that rate") }
    }
}

impl From<Rate> for u16 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

/// As people read it: `1×`, `1.25×`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×", self.factor())
    }
}

fn saturated(ns: i128) -> i64 {
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn before_the_corner_the_old_motion_holds() {
        let start = RoomTime::from_ns(10 * SECOND);
        let running = Timeline::standing(FilmTime::ZERO).play(start);
        assert_eq!(running.film_at(start + -SECOND), FilmTime::ZERO);
        assert_eq!(running.film_at(start + SECOND).s(), 1.0);
        let paused = running.pause(start + 3 * SECOND);
        assert_eq!(paused.film_at(start + 2 * SECOND).s(), 2.0);
        assert_eq!(paused.film_at(start + 9 * SECOND).s(), 3.0);
    }

    #[test]
    fn a_rate_holds_through_pauses_and_turns_at_its_instant() {
        let at = |seconds: i64| RoomTime::from_ns(seconds * SECOND);
        let rate = |factor: f64| Rate::from_factor(factor).unwrap();
        let fast = Timeline::standing(FilmTime::ZERO).at_rate(at(0), rate(1.5)).play(at(10));
        assert_eq!(fast.film_at(at(14)).s(), 6.0);
        let slower = fast.at_rate(at(20), rate(0.5));
        assert_eq!((slower.film_at(at(18)).s(), slower.film_at(at(24)).s()), (12.0, 17.0));
        let paused = slower.pause(at(24));
        assert_eq!((paused.film_at(at(22)).s(), paused.film_at(at(99)).s(), paused.rate), (16.0, 17.0, rate(0.5)));
        assert_eq!(paused.play(at(30)).film_at(at(34)).s(), 19.0);
    }

    #[test]
    fn what_is_no_rate_is_none() {
        for factor in [f64::NAN, f64::INFINITY, 0.0, -1.0, 0.4, 2.1, 1e300] {
            assert_eq!(Rate::from_factor(factor), None, "{factor}");
        }
        assert_eq!((Rate::try_from(499).is_err(), Rate::try_from(2001).is_err(), Rate::try_from(1250)), (true, true, Ok(Rate(1250))));
        assert_eq!([1.0, 1.25, 0.5].map(|factor| Rate::from_factor(factor).unwrap().to_string()), ["1×", "1.25×", "0.5×"]);
    }

    #[derive(Debug, Clone)]
    enum Command {
        Play,
        Pause,
        Rate(u16),
    }

    fn command() -> impl Strategy<Value = Command> {
        prop_oneof![Just(Command::Play), Just(Command::Pause), (500_u16..=2000).prop_map(Command::Rate)]
    }

    proptest! {
        #[test]
        fn commands_never_make_the_film_jump_and_its_place_can_be_found_back(
            commands in prop::collection::vec((command(), 0..20 * SECOND), 1..20),
            looks in prop::collection::vec(-20 * SECOND..20 * SECOND, 8),
        ) {
            let mut now = RoomTime::ZERO;
            let mut timeline = Timeline::standing(FilmTime::ZERO);
            for (command, wait) in commands {
                now += wait;
                let changed = match command {
                    Command::Play => timeline.play(now),
                    Command::Pause => timeline.pause(now),
                    Command::Rate(thousandths) => timeline.at_rate(now, Rate(thousandths)),
                };
                prop_assert_eq!(changed.film_at(now), timeline.film_at(now));
                timeline = changed;
                for look in &looks {
                    let (room, film) = (now + *look, timeline.film_at(now + *look));
                    prop_assert!(timeline.film_at(room + 1) >= film);
                    // A nanosecond of film is at most two of the room.
                    if timeline.motion_at(room) == Motion::Runs {
                        let found = timeline.room_at(film).unwrap();
                        prop_assert!((0..=2).contains(&(room - found)) && timeline.film_at(found) == film, "{timeline:?} {room:?} {found:?}");
                    }
                }
            }
        }
    }
}
