use std::time::Duration;

use bevy::prelude::*;

use crate::{
    film::Opening,
    room::{Now, Playback, Room, Standing},
    theater::Stirring,
    ui::{Awake, Talk},
};

/// Decides how often the theater is drawn.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Pace>().add_systems(Last, decide);
}

fn decide(
    room: Option<Single<&Playback, With<Room>>>,
    opening: Option<Res<Opening>>,
    (now, standing): (Res<Now>, Res<Standing>),
    (awake, stirring, talk): (Res<Awake>, Res<Stirring>, Res<Talk>),
    mut pace: ResMut<Pace>,
) {
    let gathers = room.as_ref().is_some_and(|room| room.gather.is_some());
    let is_calm = !stirring.0 && !talk.is_heard();
    let new = if is_calm && (gathers || opening.is_some()) {
        Pace::AtLeastEvery(WAITING)
    } else if is_calm && !awake.is_awake() && room.is_none_or(|room| !room.plays(now.room())) {
        Pace::AtLeastEvery(if *standing == Standing::Alone { RESTING } else { LISTENING })
    } else {
        Pace::EachFrame
    };
    pace.set_if_neq(new);
}

/// How often the theater is drawn. A key, the mouse or [`Alarm`](crate::room::Alarm) brings the next frame at once, whatever the pace.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As often as the display shows.
    #[default]
    EachFrame,
    /// This long after the last frame at the latest.
    AtLeastEvery(Duration),
}

/// Nothing moves but a small wheel, and whatever is drawn is taken from decoding what is waited for.
const WAITING: Duration = Duration::from_millis(50);
/// Alone nothing happens but what a hand does.
const RESTING: Duration = Duration::from_secs(2);
/// The lines to others want to be kept up.
const LISTENING: Duration = Duration::from_millis(100);
