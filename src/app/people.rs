use bevy::prelude::*;
use serde::Serialize;

use super::{Cli, cli::Command, print};
use crate::room::{
    Chat, Hosting, Me, Participant, ParticipantId, Playback, ReadyFor, Rights, Sits, Stance, Standing, Viewing, ViewingState,
};

/// Who is here, as answers to lines tell it.
pub(super) fn list(world: &mut World) -> Vec<Person> {
    let mut people: Vec<_> = world
        .query::<(&Participant, &Sits, Option<&Stance>, &Rights, Option<&Viewing>, Has<Me>)>()
        .iter(world)
        .map(|(participant, sits, stance, rights, viewing, me)| Person {
            name: participant.name.to_string(),
            seat: sits.0.get(),
            stands: stance.and_then(|stance| stance.place_m()),
            status: status(viewing.copied().unwrap_or_default()),
            moderator: rights.moderator,
            remote: rights.remote,
            present: rights.present,
            speak: rights.speak,
            me,
        })
        .collect();
    people.sort_by_key(|person| person.seat);
    people
}

const fn status(viewing: Viewing) -> &'static str {
    match viewing.state {
        ViewingState::Nothing => "here",
        ViewingState::Loading => "loading",
        ViewingState::Watching => "watching",
        ViewingState::Broken => "cannot play",
    }
}

/// What was said, from the oldest to the newest line.
pub(super) fn chat(world: &World) -> Vec<Line> {
    let lines = world.resource::<Chat>().lines();
    lines.map(|line| Line { number: line.number, name: line.name.to_string(), text: line.text.to_string() }).collect()
}

/// The invites, if this theater is open.
pub(super) fn invites(world: &World) -> Result<Invites, String> {
    let hosting = world.get_resource::<Hosting>().ok_or("This theater is not open to others.")?;
    let moderator_invite = Some(hosting.moderator_invite.clone()).filter(|invite| !invite.is_empty());
    Ok(Invites { invite: hosting.invite.clone(), moderator_invite })
}

/// Prints the invites when there are some, and when a kick has changed them: `host` the one for friends, `serve` both.
pub(super) fn shows_invites(cli: &Cli) -> Option<fn(Res<Hosting>)> {
    fn line(invites: &Invites) {
        if !serde_json::to_string(invites).is_ok_and(|line| print(&line)) {
            tracing::warn!("nobody reads the invite");
        }
    }
    match cli.command {
        Some(Command::Host { .. }) => Some(|hosting| line(&Invites { invite: hosting.invite.clone(), moderator_invite: None })),
        Some(Command::Serve) => {
            Some(|hosting| line(&Invites { invite: hosting.invite.clone(), moderator_invite: Some(hosting.moderator_invite.clone()) }))
        }
        _ => None,
    }
}

/// Whose name it is, whatever its case.
pub(super) fn find(world: &mut World, name: &str) -> Result<ParticipantId, String> {
    let mut people = world.query::<&Participant>();
    let found = people.iter(world).find(|participant| participant.name.as_str().to_lowercase() == name.to_lowercase());
    found.map(|participant| participant.id).ok_or_else(|| format!("There is no “{name}” here; `people` lists who is."))
}

/// Whom the room waits for; `None` if it does not wait.
pub(super) fn waited_for(world: &mut World, playback: &Playback) -> Option<Vec<String>> {
    playback.gather?;
    let mut people = world.query::<(&Participant, Option<&ReadyFor>)>();
    let is_waited_for = |ready: Option<&ReadyFor>| ready.is_none_or(|ready| ready.0 != playback.generation);
    Some(people.iter(world).filter(|(_, ready)| is_waited_for(*ready)).map(|(participant, _)| participant.name.to_string()).collect())
}

/// Where one sits; `None` until the room has said so.
pub(super) fn seat(world: &mut World) -> Option<u8> {
    if *world.resource::<Standing>() == Standing::Joining {
        // The seat of one's own room is not the one that is waited for.
        return None;
    }
    world.query_filtered::<&Sits, With<Me>>().single(world).ok().map(|sits| sits.0.get())
}

/// What this process is to the room.
pub(super) fn standing(world: &World) -> &'static str {
    match world.resource::<Standing>() {
        Standing::Alone => "alone",
        Standing::Host => "host",
        Standing::Joining => "joining",
        Standing::Guest => "guest",
    }
}

/// A person in an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Person {
    name: String,
    seat: u8,
    /// Where, if not in the seat: to the right of the middle and from the screen, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    stands: Option<(f32, f32)>,
    status: &'static str,
    moderator: bool,
    remote: bool,
    present: bool,
    speak: bool,
    me: bool,
}

/// A line of the chat in an answer; without a name the room says it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Line {
    number: u64,
    name: String,
    text: String,
}

/// Invites in an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Invites {
    invite: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator_invite: Option<String>,
}
