use bevy::prelude::*;

use super::Screening;
use crate::{
    clock::FilmTime,
    media::Chapter,
    room::{Ask, Now, Playback, Room},
};

/// Goes from chapter to chapter.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_turn);
}

fn on_turn(
    turn: On<TurnChapter>,
    screening: Option<Res<Screening>>,
    room: Option<Single<&Playback, With<Room>>>,
    now: Res<Now>,
    mut commands: Commands,
) {
    let (Some(screening), Some(room)) = (screening, room) else { return };
    let at_ns = room.timeline.film_at(now.room()).ns();
    let chapters = &screening.info().chapters;
    let to = match *turn.event() {
        TurnChapter::Next => next_ns(chapters, at_ns).map_or(Ask::SeekBy { ns: LEAP_NS }, to_ns),
        TurnChapter::Previous => previous_ns(chapters, at_ns).map_or(Ask::SeekBy { ns: -LEAP_NS }, to_ns),
        TurnChapter::Number(number) => {
            let Some(chapter) = chapters.get(number) else { return };
            to_ns(chapter.start_ns)
        }
    };
    commands.trigger(to);
}

const fn to_ns(film_ns: i64) -> Ask {
    Ask::SeekTo(FilmTime::from_ns(film_ns))
}

/// `None` where there are no chapters, or none comes any more.
fn next_ns(chapters: &[Chapter], at_ns: i64) -> Option<i64> {
    chapters.iter().map(|chapter| chapter.start_ns).filter(|start_ns| *start_ns > at_ns).min()
}

/// The beginning of this chapter; shortly after it, of the one before, as every player does.
fn previous_ns(chapters: &[Chapter], at_ns: i64) -> Option<i64> {
    let before = chapters.iter().map(|chapter| chapter.start_ns).filter(|start_ns| *start_ns < at_ns - JUST_BEGUN_NS).max();
    before.or_else(|| (!chapters.is_empty()).then_some(0))
}

/// Go to a chapter; in a film without chapters a minute on or back.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnChapter {
    /// The one after.
    Next,
    /// The beginning of this one, or the one before.
    Previous,
    /// This one, counted from 0.
    Number(usize),
}

const LEAP_NS: i64 = 60_000_000_000;
const JUST_BEGUN_NS: i64 = 3_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_are_turned_as_on_every_player() {
        let chapters: Vec<Chapter> = [0, 100, 200].map(|second| Chapter { start_ns: second * 1_000_000_000, title: String::new() }).into();
        let at = |second: i64| second * 1_000_000_000;
        assert_eq!([0, 99, 100, 200].map(|second| next_ns(&chapters, at(second))), [Some(at(100)), Some(at(100)), Some(at(200)), None]);
        assert_eq!([150, 102, 204, 1].map(|second| previous_ns(&chapters, at(second))), [Some(at(100)), Some(0), Some(at(200)), Some(0)]);
        assert_eq!((next_ns(&[], 5), previous_ns(&[], 5)), (None, None));
    }
}
