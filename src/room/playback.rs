use bevy::prelude::*;

use super::{Now, Room};
use crate::clock::{FilmTime, Motion, RoomTime, Timeline};

/// Decides what people ask for.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_ask);
}

fn on_ask(ask: On<Ask>, now: Res<Now>, room: Single<(Entity, &Playback), With<Room>>, mut commands: Commands) {
    let (entity, playback) = *room;
    if let Some(changed) = decide(playback, ask.event(), now.room()) {
        commands.entity(entity).insert(changed);
    }
}

/// What a wish makes of the playback; `None` if nothing changes.
///
/// Play and pause act `LEAD_NS` from now. A new film and a seek *gather*: the timeline stands at the place until [`Ask::Ready`] comes for that generation.
#[must_use]
pub fn decide(playback: &Playback, ask: &Ask, now: RoomTime) -> Option<Playback> {
    if let Ask::Present { film, plays } = ask {
        return Some(Playback {
            film: Some(film.clone()),
            generation: playback.generation.wrapping_add(1),
            timeline: Timeline::standing(FilmTime::ZERO),
            gather: Some(Gather { plays: *plays, since: now }),
        });
    }
    let film = playback.film.as_ref()?;
    let start = now + LEAD_NS;
    let place = playback.timeline.film_at(now);
    let plays = playback.plays(start);
    let gather = |film_time: FilmTime, plays| {
        let end = film.duration_ns.map_or(i64::MAX, |duration_ns| (duration_ns - END_MARGIN_NS).max(0));
        let film_time = FilmTime::from_ns(film_time.ns().clamp(0, end));
        Playback {
            generation: playback.generation.wrapping_add(1),
            timeline: Timeline::standing(film_time),
            gather: Some(Gather { plays, since: now }),
            ..playback.clone()
        }
    };
    match *ask {
        Ask::Toggle => decide(playback, if plays { &Ask::Pause } else { &Ask::Play }, now),
        Ask::Play if plays => None,
        Ask::Play if playback.gather.is_some() => {
            Some(Playback { gather: playback.gather.map(|gather| Gather { plays: true, ..gather }), ..playback.clone() })
        }
        Ask::Play if film.duration_ns.is_some_and(|duration_ns| place.ns() >= duration_ns - END_MARGIN_NS) => {
            Some(gather(FilmTime::ZERO, true))
        }
        Ask::Play => Some(Playback { timeline: playback.timeline.play(start), ..playback.clone() }),
        Ask::Pause if !plays => None,
        Ask::Pause if playback.gather.is_some() => {
            Some(Playback { gather: playback.gather.map(|gather| Gather { plays: false, ..gather }), ..playback.clone() })
        }
        Ask::Pause => Some(Playback { timeline: playback.timeline.pause(start), ..playback.clone() }),
        Ask::SeekTo(film_time) => Some(gather(film_time, plays)),
        Ask::SeekBy { ns } => Some(gather(place + ns, plays)),
        Ask::Ready { generation } => {
            let Gather { plays, .. } = playback.gather.filter(|_| generation == playback.generation)?;
            let timeline = if plays { playback.timeline.play(start) } else { playback.timeline };
            Some(Playback { timeline, gather: None, ..playback.clone() })
        }
        Ask::Ended { generation, at } => {
            let is_of_now = generation == playback.generation && playback.gather.is_none() && plays;
            // Now its length is known, whatever the file said.
            let film = FilmOnScreen { duration_ns: Some(at.ns()), ..film.clone() };
            is_of_now.then(|| Playback { film: Some(film), timeline: Timeline::standing(at), ..playback.clone() })
        }
        Ask::Close => Some(Playback {
            film: None,
            gather: None,
            generation: playback.generation.wrapping_add(1),
            timeline: Timeline::standing(FilmTime::ZERO),
        }),
        Ask::Present { .. } => None,
    }
}

/// What somebody wants the film to do.
#[derive(Event, Debug, Clone, PartialEq)]
pub enum Ask {
    /// Go on; at the film's end, from its beginning.
    Play,
    /// Stand.
    Pause,
    /// Play if it stands, else pause.
    Toggle,
    /// Go to a place; beyond the film is its end.
    SeekTo(FilmTime),
    /// Go on or back from where it is.
    SeekBy {
        /// Nanoseconds of film.
        ns: i64,
    },
    /// Put another film on the screen.
    Present {
        /// Which one.
        film: FilmOnScreen,
        /// Whether it plays as soon as all are ready.
        plays: bool,
    },
    /// Picture and sound are there for a generation.
    Ready {
        /// Which one.
        generation: u32,
    },
    /// The film has come to its end.
    Ended {
        /// In which generation.
        generation: u32,
        /// Where.
        at: FilmTime,
    },
    /// Take the film off the screen.
    Close,
}

/// How the film moves: the agreement of everybody in the room.
#[derive(Component, Debug, Default, Clone, PartialEq)]
#[component(immutable)]
pub struct Playback {
    /// What is on the screen.
    pub film: Option<FilmOnScreen>,
    /// Raised by each seek and each film: what belongs to an older one is dropped.
    pub generation: u32,
    /// Where the film is, at any time.
    pub timeline: Timeline,
    /// While it stands until everybody is ready.
    pub gather: Option<Gather>,
}

impl Playback {
    /// Whether the film runs at that instant, or will once all are ready.
    #[must_use]
    pub fn plays(&self, room: RoomTime) -> bool {
        self.gather.map_or_else(|| self.timeline.motion_at(room) == Motion::Runs, |gather| gather.plays)
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::standing(FilmTime::ZERO)
    }
}

/// What everybody knows of the film on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmOnScreen {
    /// Its name as people read it.
    pub title: String,
    /// Its length in nanoseconds, if it is known.
    pub duration_ns: Option<i64>,
}

/// The room stands until all are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather {
    /// Whether it plays then.
    pub plays: bool,
    /// Since when.
    pub since: RoomTime,
}

/// From an order to the instant it takes effect: enough for the sound device to hear of it before the samples it already has run out.
const LEAD_NS: i64 = 60_000_000;
/// A seek never goes closer to the end than this, so that there is a picture; and closer than this the film counts as over.
const END_MARGIN_NS: i64 = 50_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(seconds: f64) -> RoomTime {
        RoomTime::from_s(seconds).unwrap()
    }

    fn presented() -> Playback {
        let film = FilmOnScreen { title: "A film".to_owned(), duration_ns: Some(60 * SECOND) };
        decide(&Playback::default(), &Ask::Present { film, plays: true }, at(0.0)).unwrap()
    }

    fn playing() -> Playback {
        decide(&presented(), &Ask::Ready { generation: 1 }, at(1.0)).unwrap()
    }

    #[test]
    fn a_film_stands_until_ready_then_runs_from_one_instant() {
        assert_eq!(presented().timeline.film_at(at(100.0)), FilmTime::ZERO);
        assert_eq!(decide(&presented(), &Ask::Ready { generation: 7 }, at(1.0)), None);
        let playing = playing();
        assert_eq!(playing.timeline.film_at(at(1.0) + LEAD_NS + 5 * SECOND), FilmTime::from_ns(5 * SECOND));
    }

    #[test]
    fn a_pause_acts_at_one_instant_ahead_and_twice_is_once() {
        let paused = decide(&playing(), &Ask::Pause, at(3.0)).unwrap();
        assert_eq!(paused.timeline.film_at(at(3.0)), playing().timeline.film_at(at(3.0)));
        assert_eq!(paused.timeline.film_at(at(9.0)), playing().timeline.film_at(at(3.0) + LEAD_NS));
        assert_eq!(decide(&paused, &Ask::Pause, at(4.0)), None);
        assert!(decide(&paused, &Ask::Toggle, at(4.0)).unwrap().plays(at(5.0)));
    }

    #[test]
    fn a_seek_gathers_and_keeps_playing_or_standing() {
        let sought = decide(&playing(), &Ask::SeekTo(FilmTime::from_ns(30 * SECOND)), at(3.0)).unwrap();
        assert_eq!((sought.generation, sought.gather), (2, Some(Gather { plays: true, since: at(3.0) })));
        let stopped = decide(&sought, &Ask::Pause, at(3.1)).unwrap();
        let ready = decide(&stopped, &Ask::Ready { generation: 2 }, at(3.2)).unwrap();
        assert!(!ready.plays(at(9.0)));
        assert_eq!(ready.timeline.film_at(at(9.0)).s(), 30.0);
    }

    #[test]
    fn seeks_stay_inside_the_film() {
        for (ask, expected_s) in
            [(Ask::SeekTo(FilmTime::from_ns(i64::MAX)), 59.95), (Ask::SeekBy { ns: i64::MIN }, 0.0), (Ask::SeekBy { ns: -SECOND }, 0.94)]
        {
            let sought = decide(&playing(), &ask, at(3.0)).unwrap();
            assert_eq!(sought.timeline.film_at(at(3.0)).s(), expected_s, "{ask:?}");
        }
    }

    #[test]
    fn at_its_end_the_film_stands_and_play_begins_anew() {
        let end = FilmTime::from_ns(60 * SECOND);
        assert_eq!(decide(&playing(), &Ask::Ended { generation: 0, at: end }, at(61.0)), None);
        let ended = decide(&playing(), &Ask::Ended { generation: 1, at: end }, at(61.0)).unwrap();
        assert_eq!((ended.timeline.film_at(at(99.0)), ended.plays(at(99.0))), (end, false));
        let again = decide(&ended, &Ask::Play, at(70.0)).unwrap();
        assert_eq!((again.timeline.film, again.gather), (FilmTime::ZERO, Some(Gather { plays: true, since: at(70.0) })));
    }

    #[test]
    fn without_a_film_nothing_moves() {
        for ask in [Ask::Play, Ask::Pause, Ask::Toggle, Ask::SeekBy { ns: 1 }, Ask::Ready { generation: 0 }, Ask::Close] {
            assert_eq!(decide(&Playback::default(), &ask, at(1.0)), None);
        }
    }
}
