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
}

/// Whether the film moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Motion {
    /// It stands.
    Stands,
    /// It runs at its own speed.
    Runs,
}

impl Timeline {
    /// Stands at one place, always.
    #[must_use]
    pub const fn standing(film: FilmTime) -> Self {
        Self { room: RoomTime::ZERO, film, before: Motion::Stands, after: Motion::Stands }
    }

    /// The place in the film at a room instant.
    #[must_use]
    pub fn film_at(&self, room: RoomTime) -> FilmTime {
        match self.motion_at(room) {
            Motion::Stands => self.film,
            Motion::Runs => self.film + (room - self.room),
        }
    }

    /// Whether the film runs at a room instant.
    #[must_use]
    pub fn motion_at(&self, room: RoomTime) -> Motion {
        if room < self.room { self.before } else { self.after }
    }

    /// The same course, standing from `room` on.
    #[must_use]
    pub fn pause(&self, room: RoomTime) -> Self {
        Self { room, film: self.film_at(room), before: self.motion_at(room), after: Motion::Stands }
    }

    /// The same course, running from `room` on.
    #[must_use]
    pub fn play(&self, room: RoomTime) -> Self {
        Self { room, film: self.film_at(room), before: self.motion_at(room), after: Motion::Runs }
    }
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

    proptest! {
        #[test]
        fn commands_never_make_the_film_jump(commands in prop::collection::vec((any::<bool>(), 0..20 * SECOND), 1..20)) {
            let mut now = RoomTime::ZERO;
            let mut timeline = Timeline::standing(FilmTime::ZERO);
            for (play, wait) in commands {
                now += wait;
                let changed = if play { timeline.play(now) } else { timeline.pause(now) };
                prop_assert_eq!(changed.film_at(now), timeline.film_at(now));
                timeline = changed;
            }
        }
    }
}
