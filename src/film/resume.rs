use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::Screening;
use crate::{
    clock::FilmTime,
    notice::Notice,
    room::{FilmOnScreen, Frame, Now, Playback, Room},
};

/// Remembers where one left one's own films, so that they go on there the next time. Without [`LeftAt`] nothing is remembered.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_forget).add_systems(Update, note.in_set(Frame::Show).run_if(resource_exists::<LeftAt>));
}

fn note(
    mut left_at: ResMut<LeftAt>,
    room: Option<Single<&Playback, With<Room>>>,
    screening: Option<Res<Screening>>,
    now: Res<Now>,
    mut noted_mono_ns: Local<i64>,
    mut was_playing: Local<bool>,
) {
    let (Some(room), Some(screening)) = (room, screening) else { return };
    let Some(film) = room.film.as_ref().filter(|film| screening.is_own() && film.id == screening.film) else { return };
    let plays = room.plays(now.room());
    let is_time = now.mono_ns - *noted_mono_ns >= NOTE_NS || now.mono_ns < *noted_mono_ns;
    // While it stands it is noted once.
    if room.gather.is_none() && (plays && is_time || *was_playing && !plays) {
        *noted_mono_ns = now.mono_ns;
        left_at.note(film, room.timeline.film_at(now.room()));
    }
    *was_playing = plays;
}

fn on_forget(_: On<ForgetPlaces>, left_at: Option<ResMut<LeftAt>>, mut commands: Commands) {
    if let Some(mut left_at) = left_at {
        left_at.0.clear();
        commands.trigger(Notice::news("The places where you left films are forgotten").about("left at"));
    }
}

/// Forget where films were left.
#[derive(Event, Debug, Clone, Copy)]
pub struct ForgetPlaces;

/// Where one left one's own films, the newest last. A file is known by its name and size: it may have moved.
#[derive(Resource, Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftAt(Vec<Left>);

impl LeftAt {
    /// Where a film was left. It goes to the end of the list, so that what is watched is not forgotten.
    pub(super) fn take_up(&mut self, film: &FilmOnScreen) -> Option<FilmTime> {
        let left = self.0.remove(self.0.iter().position(|left| left.is_of(film))?);
        let place = FilmTime::from_s(left.place_s).filter(|place| *place > FilmTime::ZERO);
        self.0.push(left);
        place
    }

    fn note(&mut self, film: &FilmOnScreen, place: FilmTime) {
        let place_s = place.s();
        let is_over = film.duration_ns.is_none_or(|duration_ns| place_s > duration_ns as f64 / 1e9 - END_S.min(duration_ns as f64 / 20e9));
        self.0.retain(|left| !left.is_of(film));
        // Whoever only looked in, or has seen it, begins at the beginning.
        if place_s >= BEGINNING_S && !is_over {
            self.0.push(Left { title: film.title.to_string(), size_bytes: film.size_bytes, place_s: place_s.floor() });
        }
        let surplus = self.0.len().saturating_sub(FILMS_MAX);
        self.0.drain(..surplus);
    }

    /// How many films are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Left {
    title: String,
    size_bytes: u64,
    place_s: f64,
}

impl Left {
    fn is_of(&self, film: &FilmOnScreen) -> bool {
        self.size_bytes == film.size_bytes && self.title == film.title.as_str()
    }
}

const NOTE_NS: i64 = 10_000_000_000;
const BEGINNING_S: f64 = 30.0;
/// The credits of a long film; of a short one the last twentieth.
const END_S: f64 = 180.0;
const FILMS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{FilmId, ParticipantId, Title};

    fn film(number: u64) -> FilmOnScreen {
        FilmOnScreen {
            id: FilmId::from_bytes([1; 16]),
            presenter: ParticipantId::from_bytes([2; 32]),
            is_orphaned: false,
            size_bytes: number,
            title: Title::from("A film"),
            duration_ns: Some(3_600_000_000_000),
            breaks_off_ns: None,
        }
    }

    fn at(seconds: f64) -> FilmTime {
        FilmTime::from_s(seconds).unwrap()
    }

    #[test]
    fn a_film_goes_on_where_it_was_left_and_anew_when_it_was_seen() {
        let mut left_at = LeftAt::default();
        let mut left = |seconds| {
            left_at.note(&film(7), at(seconds));
            left_at.take_up(&film(7)).map(FilmTime::s)
        };
        assert_eq!([29.0, 30.9, 1800.0, 3419.0, 3421.0, 3600.0].map(&mut left), [None, Some(30.0), Some(1800.0), Some(3419.0), None, None]);
        assert_eq!(left_at.take_up(&film(8)), None, "of another size");
    }

    #[test]
    fn the_films_that_were_not_watched_for_long_are_forgotten_first() {
        let mut left_at = LeftAt::default();
        (0..200).for_each(|number| left_at.note(&film(number), at(100.0)));
        assert!(left_at.take_up(&film(0)).is_some());
        left_at.note(&film(999), at(100.0));
        assert_eq!((left_at.count(), left_at.take_up(&film(0)).is_some(), left_at.take_up(&film(1))), (200, true, None));
    }

    #[test]
    fn what_somebody_wrote_into_the_file_is_no_place() {
        let mut left_at = LeftAt(vec![Left { title: "A film".to_owned(), size_bytes: 7, place_s: f64::NAN }]);
        assert_eq!(left_at.take_up(&film(7)), None);
        left_at.0[0].place_s = -3.0;
        assert_eq!(left_at.take_up(&film(7)), None);
    }
}
