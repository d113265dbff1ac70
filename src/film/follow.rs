use bevy::prelude::*;

use super::{Finished, Screening, open::Offer, screening::SETTLE_NS};
use crate::{
    clock::{FilmTime, Follow, Motion, Situation, follow},
    room::{Ask, Frame, Now, Playback, Room},
};

/// Keeps the sound on the room's timeline.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_playback).add_systems(Update, (keep_in_step, hear_end).in_set(Frame::Decide).run_if(resource_exists::<Screening>));
}

/// The room agreed on something new: another film, a place to go to, or an instant to start or stop at.
fn on_playback(
    inserted: On<Insert, Playback>,
    playbacks: Query<&Playback>,
    screening: Option<ResMut<Screening>>,
    mut offer: Option<ResMut<Offer>>,
    now: Res<Now>,
    mut commands: Commands,
) {
    let Ok(playback) = playbacks.get(inserted.event().entity) else { return };
    let Some(film) = &playback.film else { return commands.remove_resource::<Screening>() };
    if is_over(playback, screening.as_deref()) {
        commands.trigger(Finished);
    }
    let offered = offer.as_mut().and_then(|offer| offer.screening.take_if(|screening| screening.film == film.id));
    if let Some(mut screening) = offered {
        screening.join(playback, &now);
        commands.insert_resource(screening);
        return commands.remove_resource::<Offer>();
    }
    let Some(mut screening) = screening else { return };
    if screening.film != film.id {
        return commands.remove_resource::<Screening>();
    }
    if playback.generation != screening.follows {
        screening.seek(playback);
    }
    // The same may be heard twice.
    if playback.gather.is_some() || screening.turned == Some(playback.timeline) {
        return;
    }
    screening.turn(&playback.timeline, &now);
}

/// Whether the film has run to its end, and nobody moved it since. A file that breaks off ends where its last sample is.
fn is_over(playback: &Playback, screening: Option<&Screening>) -> bool {
    let said = playback.film.as_ref().and_then(|film| film.duration_ns);
    let decoded = screening.filter(|screening| screening.follows == playback.generation).and_then(|screening| screening.end_ns);
    let stands_at = |end_ns: i64| playback.timeline.stands_at(FilmTime::from_ns(end_ns));
    playback.gather.is_none() && [said, decoded].into_iter().flatten().any(stands_at)
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
        screening.settles_at_mono_ns = screening.settles_at_mono_ns.max(now.mono_ns + SETTLE_NS + screening.feed.latency_ns(now.mono_ns));
    }
}

fn hear_end(
    screening: Res<Screening>,
    room: Single<&Playback, With<Room>>,
    now: Res<Now>,
    mut said: Local<Option<(u32, i64)>>,
    mut commands: Commands,
) {
    // The room may be far away, and one's own copy need not be the one that counts.
    let has_just_said =
        said.is_some_and(|(generation, at)| generation == room.generation && (0..SAY_AGAIN_NS).contains(&(now.mono_ns - at)));
    if let Some(at) = screening.ended_at(now.mono_ns)
        && !has_just_said
        && screening.follows == room.generation
        && room.gather.is_none()
        && room.plays(now.room())
    {
        *said = Some((room.generation, now.mono_ns));
        commands.trigger(Ask::Ended { generation: room.generation, at });
    }
}

const SAY_AGAIN_NS: i64 = 1_000_000_000;
