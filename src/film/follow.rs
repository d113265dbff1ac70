use bevy::prelude::*;

use super::{Finished, Screening, screening::SETTLE_NS};
use crate::{
    clock::{Follow, Motion, Situation, follow},
    room::{Ask, Frame, Now, Playback, Room},
};

/// Keeps the sound on the room's timeline.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_playback).add_systems(Update, (keep_in_step, hear_end).in_set(Frame::Decide).run_if(resource_exists::<Screening>));
}

/// The room agreed on something new: a place to go to, or an instant to start or stop at.
fn on_playback(
    inserted: On<Insert, Playback>,
    playbacks: Query<&Playback>,
    screening: Option<ResMut<Screening>>,
    now: Res<Now>,
    mut commands: Commands,
) {
    let (Some(mut screening), Ok(playback)) = (screening, playbacks.get(inserted.event().entity)) else { return };
    if playback.film.is_none() {
        commands.remove_resource::<Screening>();
        return;
    }
    if playback.generation != screening.follows {
        screening.seek(playback);
    }
    if playback.gather.is_some() {
        return;
    }
    let corner_mono_ns = now.mono_ns_at(playback.timeline.room);
    match (playback.timeline.before, playback.timeline.after) {
        (Motion::Stands, Motion::Runs) => screening.feed.start_at(corner_mono_ns),
        (Motion::Runs, Motion::Stands) => screening.feed.stop_at(corner_mono_ns),
        _ => return,
    }
    screening.settles_at_mono_ns = corner_mono_ns.max(now.mono_ns) + SETTLE_NS;
}

fn keep_in_step(mut screening: ResMut<Screening>, room: Single<&Playback, With<Room>>, now: Res<Now>) {
    let is_steady = room.timeline.motion_at(now.room()) == Motion::Runs && room.gather.is_none() && screening.follows == room.generation;
    let Some(heard) = screening.heard(now.mono_ns).filter(|heard| is_steady && !heard.ended) else { return };
    let situation = Situation {
        behind_ns: room.timeline.film_at(now.room()).ns() - heard.film_ns,
        buffered_ns: screening.feed.buffered_ns(),
        settling: now.mono_ns < screening.settles_at_mono_ns,
    };
    match follow(&situation) {
        Follow::Trim { rate } => screening.feed.trim(rate),
        Follow::Skip { by_ns } => screening.feed.skip(by_ns),
        Follow::Hold { for_ns } => screening.feed.skip(-for_ns),
        Follow::Wait => return,
        Follow::Seek => screening.join(&room, &now),
    }
    if !matches!(follow(&situation), Follow::Trim { .. }) {
        tracing::debug!("{:?} ms behind: {:?}", situation.behind_ns / 1_000_000, follow(&situation));
        screening.settles_at_mono_ns = screening.settles_at_mono_ns.max(now.mono_ns + SETTLE_NS);
    }
}

fn hear_end(screening: Res<Screening>, room: Single<&Playback, With<Room>>, now: Res<Now>, mut commands: Commands) {
    if let Some(at) = screening.ended_at(now.mono_ns)
        && screening.follows == room.generation
        && room.gather.is_none()
        && room.plays(now.room())
    {
        commands.trigger(Ask::Ended { generation: room.generation, at });
        commands.trigger(Finished);
    }
}
