use bevy::prelude::*;

use super::{
    Frame, Now, Participant, Rights, Standing,
    chat::{Pace, announce},
    people::{Viewing, ViewingState},
    playback::{Ask, FilmOnScreen, Playback, STEP_NS},
};
use crate::clock::{FilmTime, Motion};

/// Says who did what to the film, without drowning what people say: whoever presses a key without end is told of as often as they could write, and of what
/// they skipped the last is what counts.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Held>().add_observer(on_deed).add_systems(Update, say_held.in_set(Frame::Decide).run_if(Standing::keeps));
}

fn on_deed(
    deed: On<Deed>,
    people: Query<(Option<&Participant>, Option<&DeedPace>), With<Rights>>,
    now: Res<Now>,
    mut held: ResMut<Held>,
    mut commands: Commands,
) {
    let Deed { by, does } = deed.event();
    let Ok((participant, pace)) = people.get(*by) else { return };
    // Whoever keeps a room without sitting in it has no name here.
    let name = participant.map_or("The house", |participant| participant.name.as_str());
    let sentence = format!("{name} {does}.");
    let mut pace = pace.cloned().unwrap_or_default();
    // What was skipped is not what the film does any more.
    held.0 = None;
    if pace.0.allows(now.mono_ns) {
        announce(sentence, &mut commands);
    } else {
        held.0 = Some((*by, sentence));
    }
    commands.entity(*by).insert(pace);
}

fn say_held(mut held: ResMut<Held>, mut paces: Query<&mut DeedPace>, now: Res<Now>, mut commands: Commands) {
    let Some((by, sentence)) = held.0.take() else { return };
    // Whoever has gone meanwhile is told of as one who left; so is a whole theater that was left.
    let Ok(mut pace) = paces.get_mut(by) else { return };
    if pace.0.allows(now.mono_ns) {
        announce(sentence, &mut commands);
    } else {
        held.0 = Some((by, sentence));
    }
}

/// What somebody did, as others read it after their name.
pub(super) fn told(ask: &Ask, before: &Playback, after: &Playback) -> Option<String> {
    match ask {
        Ask::Toggle | Ask::Play | Ask::Pause => {
            let plays = after.gather.map_or(after.timeline.after == Motion::Runs, |gather| gather.plays);
            Some(format!("{} at {}", if plays { "pressed play" } else { "paused" }, after.timeline.film))
        }
        // From picture to picture nobody wants to read of.
        Ask::SeekTo(_) if before.timeline.film.ns().abs_diff(after.timeline.film.ns()) < STEP_NS => None,
        Ask::SeekTo(_) | Ask::SeekBy { .. } => Some(format!("went to {}", after.timeline.film)),
        Ask::Present { .. } => Some(format!("put on {}", title(after))),
        Ask::Rate(rate) => Some(format!("set the speed to {rate}")),
        Ask::Close => Some(format!("took {} off the screen", title(before))),
        Ask::StartAnyway => Some("started without waiting".to_owned()),
        // Everybody sees it stop, and only the presenter's machine knows why.
        Ask::Ended { .. } => {
            let film = after.film.as_ref().filter(|film| !film.is_orphaned)?;
            let at = FilmTime::from_ns(film.breaks_off_ns?);
            Some(format!("has the film only as far as {at}: the rest of its file is missing or damaged"))
        }
        Ask::Ready { .. } | Ask::Forsake { .. } => None,
    }
}

/// What the room itself says when a film ends whose presenter is gone: whoever's copy ran out first did nothing.
pub(super) fn ran_out(ask: &Ask, after: &Playback) -> Option<String> {
    let (Ask::Ended { .. }, Some(film)) = (ask, &after.film) else { return None };
    let at = FilmTime::from_ns(film.breaks_off_ns.filter(|_| film.is_orphaned)?);
    Some(format!("“{}” came only as far as {at}, and whoever brought it is gone.", film.title))
}

/// Whether a film that nobody brings any more runs before empty eyes.
pub(super) fn is_seen_by_nobody<'a>(film: &FilmOnScreen, viewers: impl Iterator<Item = &'a Viewing>) -> bool {
    let mut count = 0;
    film.is_orphaned && viewers.inspect(|_| count += 1).all(|viewing| viewing.state == ViewingState::Broken) && count > 0
}

fn title(playback: &Playback) -> String {
    playback.film.as_ref().map_or_else(String::new, |film| format!("“{}”", film.title))
}

/// Somebody did something to the film.
#[derive(Event, Debug, Clone)]
pub(super) struct Deed {
    /// Who.
    pub(super) by: Entity,
    /// What, after their name.
    pub(super) does: String,
}

/// What is said as soon as its doer may be told of again.
#[derive(Resource, Debug, Default)]
pub(super) struct Held(Option<(Entity, String)>);

impl Held {
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

/// When somebody was told of.
#[derive(Component, Debug, Default, Clone)]
struct DeedPace(Pace);
