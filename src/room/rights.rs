use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Expel, LeftForGood, Me, Myself, Participant, Room,
    chat::announce,
    news::replicate,
    tell,
    wish::{Wish, Wished, wish_for},
};
use crate::net::ParticipantId;

/// Who may do what, and what moderators do about it.
pub(super) fn plugin(app: &mut App) {
    replicate::<Rules>(app);
    wish_for::<Moderation>(app);
    app.add_observer(on_moderation);
}

fn on_moderation(
    wished: On<Wished<Moderation>>,
    people: Query<(Entity, &Participant, &Rights, Has<Me>)>,
    keeper: Query<&Rights>,
    rules: Single<(Entity, &Rules), With<Room>>,
    mut myself: ResMut<Myself>,
    mut commands: Commands,
) {
    let by = wished.by;
    let moderates = keeper.get(by).is_ok_and(|rights| rights.moderator);
    let about = wished.wish.about().and_then(|who| people.iter().find(|(_, participant, ..)| participant.id == who));
    let target = about.map(|(target, participant, rights, is_keeper)| Target { participant, rights, is_keeper, is_oneself: target == by });
    if let Some(refusal) = refusal(wished.wish, moderates, target.as_ref()) {
        return tell(by, refusal, &mut commands);
    }
    let by_name = people.get(by).map_or_else(|_| "The house".to_owned(), |(_, participant, ..)| participant.name.to_string());
    let moderation = wished.wish;
    if let Moderation::Lock | Moderation::Unlock = moderation {
        let locked = moderation == Moderation::Lock;
        let (room, before) = *rules;
        if before.locked == locked {
            return;
        }
        commands.entity(room).insert(Rules { locked, ..before.clone() });
        for (who, _, rights, _) in people.iter().filter(|(.., rights, _)| !rights.moderator) {
            commands.entity(who).insert(Rights { remote: !locked, ..*rights });
        }
        let done =
            if locked { "locked the remote: moderators and whom they allow move the film" } else { "unlocked the remote for everybody" };
        return announce(format!("{by_name} {done}."), &mut commands);
    }
    if let Moderation::GatherLimit(limit) = moderation {
        let (room, before) = *rules;
        if people.get(by).is_ok_and(|(.., is_keeper)| is_keeper) {
            myself.gather_limit = limit;
        }
        if before.gather_limit != limit {
            commands.entity(room).insert(Rules { gather_limit: limit, ..before.clone() });
            announce(format!("{by_name} lets a film wait {} seconds for everybody.", limit.s()), &mut commands);
        }
        return;
    }
    let (Some(who), Some((target, participant, rights, _))) = (moderation.about(), about) else { return };
    let name = &participant.name;
    let (changed, done) = match moderation {
        Moderation::Kick { .. } => {
            announce(format!("{by_name} removed {name}."), &mut commands);
            commands.trigger(Expel { who: target, sentence: format!("{by_name} removed you from the theater.") });
            commands.trigger(Banish { id: who });
            commands.trigger(LeftForGood { id: who });
            return;
        }
        Moderation::Promote { .. } => (Rights { moderator: true, ..Rights::default() }, "made a moderator of".to_owned()),
        Moderation::Allow { right, .. } => (rights.with(right, true), format!("allowed to {}", right.verb())),
        Moderation::Deny { right, .. } => (rights.with(right, false), format!("no longer allowed to {}", right.verb())),
        Moderation::Lock | Moderation::Unlock | Moderation::GatherLimit(_) => return,
    };
    if changed != *rights {
        commands.entity(target).insert(changed);
        let says = match moderation {
            Moderation::Promote { .. } => format!("{by_name} {done} {name}."),
            _ => format!("{name} is {done} (by {by_name})."),
        };
        announce(says, &mut commands);
    }
}

/// Whom it is about.
struct Target<'a> {
    participant: &'a Participant,
    rights: &'a Rights,
    /// Whether they keep the room.
    is_keeper: bool,
    is_oneself: bool,
}

/// Why that cannot be done.
fn refusal(moderation: Moderation, moderates: bool, target: Option<&Target>) -> Option<String> {
    if !moderates {
        return Some("Only a moderator can do that.".to_owned());
    }
    if moderation.about().is_some() && target.is_none() {
        return Some("They are not here any more.".to_owned());
    }
    let target = target?;
    let name = &target.participant.name;
    match moderation {
        Moderation::Kick { .. } if target.is_keeper => Some(format!("{name} keeps this room and cannot be removed from it.")),
        Moderation::Kick { .. } if target.is_oneself => Some("You cannot remove yourself; to go, leave the theater.".to_owned()),
        Moderation::Deny { right, .. } if target.rights.moderator => {
            Some(format!("{name} is a moderator and keeps the right to {}.", right.verb()))
        }
        _ => None,
    }
}

/// What somebody may do.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Rights {
    /// Lock, mute, remove, and name others who may.
    pub moderator: bool,
    /// Move the film.
    pub remote: bool,
    /// Put on a film of their own.
    pub present: bool,
    /// Chat, and speak.
    pub speak: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Self { moderator: false, remote: true, present: true, speak: true }
    }
}

impl Rights {
    /// The same, with one of them changed.
    #[must_use]
    pub const fn with(self, right: Right, held: bool) -> Self {
        match right {
            Right::Remote => Self { remote: held, ..self },
            Right::Present => Self { present: held, ..self },
            Right::Speak => Self { speak: held, ..self },
        }
    }

    /// Whether one of them is held.
    #[must_use]
    pub const fn has(&self, right: Right) -> bool {
        match right {
            Right::Remote => self.remote,
            Right::Present => self.present,
            Right::Speak => self.speak,
        }
    }
}

/// One of the rights a moderator gives and takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Right {
    /// Move the film.
    Remote,
    /// Put on a film of their own.
    Present,
    /// Chat, and speak.
    Speak,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Remote, Self::Present, Self::Speak];

    const fn verb(self) -> &'static str {
        match self {
            Self::Remote => "use the remote",
            Self::Present => "put on a film",
            Self::Speak => "speak and chat",
        }
    }
}

impl std::str::FromStr for Right {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "remote" => Ok(Self::Remote),
            "present" => Ok(Self::Present),
            "speak" => Ok(Self::Speak),
            _ => Err("The rights are remote, present and speak."),
        }
    }
}

/// What a moderator wants.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moderation {
    /// Remove somebody; they cannot come back with the invite they have.
    Kick {
        /// Whom.
        who: ParticipantId,
    },
    /// Give a right.
    Allow {
        /// To whom.
        who: ParticipantId,
        /// Which one.
        right: Right,
    },
    /// Take a right.
    Deny {
        /// From whom.
        who: ParticipantId,
        /// Which one.
        right: Right,
    },
    /// Make somebody a moderator.
    Promote {
        /// Whom.
        who: ParticipantId,
    },
    /// Leave the remote to moderators and whom they allow.
    Lock,
    /// Give the remote to everybody.
    Unlock,
    /// For how long a film waits for everybody from now on.
    GatherLimit(GatherLimit),
}

impl Wish for Moderation {
    fn foreseen(&self, world: &mut World) -> Option<String> {
        let moderates = world.query_filtered::<&Rights, With<Me>>().single(world).is_ok_and(|rights| rights.moderator);
        let mut people = world.query::<(&Participant, &Rights, Has<Me>)>();
        let about = self.about().and_then(|who| people.iter(world).find(|(participant, ..)| participant.id == who));
        let target = about.map(|(participant, rights, is_me)| Target { participant, rights, is_keeper: false, is_oneself: is_me });
        refusal(*self, moderates, target.as_ref())
    }
}

impl Moderation {
    const fn about(self) -> Option<ParticipantId> {
        match self {
            Self::Kick { who } | Self::Allow { who, .. } | Self::Deny { who, .. } | Self::Promote { who } => Some(who),
            Self::Lock | Self::Unlock | Self::GatherLimit(_) => None,
        }
    }
}

/// How the room is kept.
#[derive(Component, Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Rules {
    /// Whether newcomers may not move the film.
    pub locked: bool,
    /// For how long a film waits for everybody at most.
    pub gather_limit: GatherLimit,
}

/// For how long a film waits for everybody at most, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub struct GatherLimit(u8);

impl GatherLimit {
    /// Shorter, and a film starts before a healthy line has brought its first pieces.
    pub const LEAST_S: u8 = 2;
    /// Longer, and one slow line holds up an evening.
    pub const MOST_S: u8 = 60;

    /// In seconds.
    #[must_use]
    pub const fn s(self) -> u8 {
        self.0
    }

    /// In nanoseconds.
    #[must_use]
    pub const fn ns(self) -> i64 {
        self.0 as i64 * 1_000_000_000
    }
}

impl From<u8> for GatherLimit {
    fn from(s: u8) -> Self {
        Self(s.clamp(Self::LEAST_S, Self::MOST_S))
    }
}

impl From<GatherLimit> for u8 {
    fn from(limit: GatherLimit) -> Self {
        limit.0
    }
}

impl Default for GatherLimit {
    fn default() -> Self {
        Self(10)
    }
}

/// Somebody shall not come in again: keep them out and change the secrets.
#[derive(Event, Debug, Clone, Copy)]
pub(super) struct Banish {
    /// Who.
    pub(super) id: ParticipantId,
}
