use bevy::prelude::*;

use super::{
    Abandoned, Screening,
    open::{Hand, Offer, Opener},
    patience::Patience,
    screening::TraceTo,
    share::Shared,
};
use crate::{
    audio::Mixer,
    media::{Event as Told, Player, Source},
    notice::Notice,
    room::{Ask, FilmId, FilmOnScreen, Frame, Me, Now, Participant, Playback, Reckoning, Room, Standing},
    swarm::Ticket,
};

/// Opens the film that somebody else brought, from the bytes that arrive.
pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, miss_own.in_set(Frame::Decide));
    app.add_systems(
        Update,
        (fetch, step_by_hand.run_if(resource_exists::<Fetching>), hear_fetching.run_if(resource_exists::<Fetching>))
            .chain()
            .in_set(Frame::Hear),
    );
}

/// Begins as soon as the room shows a film that is not here.
fn fetch(
    room: Option<Single<&Playback, With<Room>>>,
    me: Option<Single<&Participant, With<Me>>>,
    screening: Option<Res<Screening>>,
    fetching: Option<Res<Fetching>>,
    swarm: Option<Res<Shared>>,
    opener: Opener,
    mut given_up: Local<Option<FilmId>>,
    mut commands: Commands,
) {
    let wanted = room.as_ref().and_then(|room| room.film.as_ref());
    if let Some(fetching) = &fetching
        && wanted.is_none_or(|film| film.id != fetching.film.id)
    {
        commands.remove_resource::<Fetching>();
        return;
    }
    if wanted.is_none() {
        *given_up = None;
    }
    let (Some(film), Some(me), Some(swarm)) = (wanted, me, swarm) else { return };
    let is_here = screening.is_some_and(|screening| screening.film == film.id) || fetching.is_some();
    // Once is enough: what cannot be opened will not be opened the next time.
    if film.presenter == me.id || is_here || *given_up == Some(film.id) {
        return;
    }
    *given_up = Some(film.id);
    let reader = swarm.0.watch(Ticket {
        film: film.id,
        presenter: film.presenter,
        size_bytes: film.size_bytes,
        bytes_per_second: film.bytes_per_second(),
    });
    match opener.begin(Source::new(film.title.as_str(), reader)) {
        Ok((player, by_hand)) => commands.insert_resource(Fetching { player: Some(player), by_hand, film: film.clone() }),
        Err(error) => commands.trigger(Notice::problem(error.to_string())),
    }
}

/// Whoever comes back as the presenter of a film that they no longer have says so: nobody waits for its bytes.
fn miss_own(
    room: Option<Single<&Playback, With<Room>>>,
    me: Option<Single<&Participant, With<Me>>>,
    screening: Option<Res<Screening>>,
    offer: Option<Res<Offer>>,
    now: Res<Now>,
    mut missed: Local<Option<(FilmId, i64)>>,
    mut said: Local<Option<FilmId>>,
    mut commands: Commands,
) {
    let (Some(room), Some(me)) = (room, me) else { return *missed = None };
    let film = room.film.as_ref().filter(|film| film.presenter == me.id && !film.is_orphaned && *said != Some(film.id));
    let film = film.filter(|film| offer.is_none() && screening.is_none_or(|screening| screening.film != film.id));
    let Some(film) = film else { return *missed = None };
    let since = match *missed {
        Some((id, since)) if id == film.id => since,
        _ => now.mono_ns,
    };
    *missed = Some((film.id, since));
    if now.mono_ns - since > MISSED_NS {
        *said = Some(film.id);
        commands.trigger(Ask::Forsake { film: film.id });
        commands.trigger(Notice::problem(format!("“{}” was yours and is not open here any more: put it on again to go on.", film.title)));
    }
}

fn step_by_hand(mut fetching: ResMut<Fetching>) {
    if let Some(hand) = &mut fetching.by_hand {
        hand.step();
    }
}

fn hear_fetching(
    mut fetching: ResMut<Fetching>,
    patience: Res<Patience>,
    room: Single<&Playback, With<Room>>,
    now: Res<Now>,
    standing: Res<Standing>,
    reckoning: Res<Reckoning>,
    tracing_to: Res<TraceTo>,
    mut mixer: Option<ResMut<Mixer>>,
    mut commands: Commands,
) {
    // Where the film is can only be told by the host's time.
    if *standing == Standing::Guest && !reckoning.is_known() {
        return;
    }
    let Some(player) = &fetching.player else { return };
    let title = &fetching.film.title;
    let problem = match player.next_event() {
        None if !patience.is_over(player.stuck_for_ns(now.mono_ns), now.mono_ns) => return,
        None => format!("“{title}” keeps the decoder busy for ever and cannot be played here."),
        Some(Told::Opened(info)) => {
            let (Some(player), by_hand) = (fetching.player.take(), fetching.by_hand.take()) else { return };
            let film = fetching.film.id;
            commands.remove_resource::<Fetching>();
            match Screening::new(player, by_hand, info, (film, None), &tracing_to.0, mixer.as_deref_mut()) {
                Ok(mut screening) => {
                    screening.join(&room, &now);
                    return commands.insert_resource(screening);
                }
                Err(sentence) => sentence,
            }
        }
        // What did not come looks like a damaged file.
        Some(Told::Failed(_)) if room.film.as_ref().is_some_and(|film| film.is_orphaned) => {
            format!("“{title}” cannot be had any more: whoever brought it has left. Ask for it to be put on again.")
        }
        Some(Told::Failed(error)) => error.to_string(),
        Some(other) => {
            tracing::error!("a film that is not open yet told {other:?}");
            return;
        }
    };
    commands.remove_resource::<Fetching>();
    commands.trigger(Notice::problem(problem));
    commands.trigger(Abandoned);
}

/// Somebody else's film, while it is being opened.
#[derive(Resource, Debug)]
pub struct Fetching {
    player: Option<Player>,
    by_hand: Option<Hand>,
    /// Which one.
    pub film: FilmOnScreen,
}

/// The room's answer and the film it is about may be a frame apart.
const MISSED_NS: i64 = 1_000_000_000;
