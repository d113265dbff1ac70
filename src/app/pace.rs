use std::time::Duration;

use bevy::prelude::*;

use crate::{
    film::Opening,
    room::{Now, Playback, Room, Standing},
    theater::Stirring,
    ui::{Awake, Talk},
    voice::MyVoice,
    webcam::{MyCamera, OnCamera},
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
    (voice, camera, faces): (Res<MyVoice>, Res<MyCamera>, Query<&OnCamera>),
    mut pace: ResMut<Pace>,
) {
    let gathers_for_ns = room.as_ref().and_then(|room| room.gather).map(|gather| now.room() - gather.since);
    let is_calm = !stirring.0 && !talk.is_heard();
    let stands = !awake.is_awake() && room.is_none_or(|room| !room.plays(now.room()));
    let new = if is_calm && gathers_for_ns.is_some_and(|ns| ns < SHORT_NS) {
        Pace::Waiting(SHORTLY)
    } else if is_calm && (gathers_for_ns.is_some() || opening.is_some()) {
        Pace::Waiting(WAITING)
    } else if is_calm && stands && (voice.is_on() || camera.is_on || faces.iter().any(|on| on.0)) {
        Pace::Resting(SEEN)
    } else if is_calm && stands {
        Pace::Resting(if *standing == Standing::Alone { RESTING } else { LISTENING })
    } else {
        Pace::EachFrame
    };
    pace.set_if_neq(new);
}

/// How often the theater is drawn. A key or the mouse brings the next frame at once, whatever the pace.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As often as the display shows.
    #[default]
    EachFrame,
    /// Something is on its way: [`Alarm`](crate::room::Alarm) brings the next frame, or so much time.
    Waiting(Duration),
    /// Nothing is: only time brings the next frame. Panels ring the same bell as the alarm whenever they were drawn, so nobody listens to it now.
    Resting(Duration),
}

/// A place of the film is waited for, mostly for less than this; every frame drawn meanwhile would be taken from decoding it.
const SHORT_NS: i64 = 400_000_000;
const SHORTLY: Duration = Duration::from_millis(400);
/// Faces come fifteen times a second, and so does the level of one's own voice.
const SEEN: Duration = Duration::from_millis(66);
/// From then on a small wheel turns.
const WAITING: Duration = Duration::from_millis(50);
/// Alone nothing happens but what a hand does.
const RESTING: Duration = Duration::from_secs(2);
/// Less than the lead of a command, so that none of others' comes too late.
const LISTENING: Duration = Duration::from_millis(40);
