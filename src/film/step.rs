use bevy::prelude::*;

use super::Screening;
use crate::{
    clock::FilmTime,
    handover::QueueConsumer,
    media::Picture,
    room::{Ask, Now, Playback, Room},
};

/// Steps from picture to picture while the film stands.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_step);
}

/// A step is a seek of the room to the picture's own time, so that all see the same one. Until it is there, the next step has nothing to count from.
fn on_step(
    step: On<StepFrame>,
    screening: Option<Res<Screening>>,
    room: Option<Single<&Playback, With<Room>>>,
    now: Res<Now>,
    mut commands: Commands,
) {
    let (Some(screening), Some(room)) = (screening, room) else { return };
    if room.plays(now.room()) {
        return commands.trigger(Ask::Pause);
    }
    let Some((shown_ns, duration_ns)) = screening.shown() else { return };
    let next_ns = next_picture_ns(screening.player.pictures(), screening.generation, shown_ns);
    if let Some(film_ns) = place_of(*step.event(), shown_ns, duration_ns, next_ns) {
        commands.trigger(Ask::SeekTo(FilmTime::from_ns(film_ns)));
    }
}

/// Where the picture beside the shown one stands: the next one's own time if it is known, else where the shown one ends. The last instant before the shown one
/// belongs to the one before, however long that stands.
fn place_of(step: StepFrame, shown_ns: i64, duration_ns: i64, next_ns: Option<i64>) -> Option<i64> {
    match step {
        StepFrame::Next => Some(next_ns.unwrap_or(shown_ns + duration_ns.max(1))),
        StepFrame::Previous => (shown_ns > 0).then(|| shown_ns - 1),
    }
}

fn next_picture_ns(pictures: &QueueConsumer<Picture>, generation: u32, shown_ns: i64) -> Option<i64> {
    let next = pictures.look(|picture| (picture.generation, picture.item.film_ns, picture.item.is_glance))?;
    (next.0 == generation && next.1 > shown_ns && !next.2).then_some(next.1)
}

/// Show the picture beside this one, to everybody in the room. A running film is paused.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepFrame {
    /// The one after.
    Next,
    /// The one before.
    Previous,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_to_the_neighbours() {
        assert_eq!(place_of(StepFrame::Next, 1000, 40, Some(1033)), Some(1033));
        assert_eq!(place_of(StepFrame::Next, 1000, 40, None), Some(1040));
        assert_eq!(place_of(StepFrame::Previous, 1000, 40, None), Some(999));
        assert_eq!(place_of(StepFrame::Previous, 0, 40, Some(40)), None);
    }
}
