//! Who is here and what we agreed on: people, their seats and rights, what they say, what time it is, and how the film on the screen moves.
//!
//! One process keeps the room ([`Standing`]): whoever is alone, the host, or a `serve` process. What everybody must agree on are immutable components, changed
//! only by inserting, so that nobody can miss a change: those of the one [`Room`] entity ([`Playback`], [`Rules`]) and those of each [`Participant`]
//! ([`Sits`], [`Rights`], [`Head`], …). replicon carries them to the guests. A wish is an event ([`Ask`], [`SitDown`], [`Say`], [`Moderation`]): `wish` brings it
//! to the keeper, whichever process that is, and the keeper decides in one place, by a pure function. [`agree_on`] is how a feature adds a component of its own.
//! `host` opens the theater, `join` goes to others and comes home, `passes` lets members know each other, `door` hears who comes and goes; `transport` carries renet's packets over `net`'s lines, through `guard`, and `news` is read before replicon believes it.
//!
//! Invariant: nothing here decodes, draws or plays, and no decision reads a clock: [`Now`] is read once a frame. What comes from a peer is bounded by its type
//! ([`Words`], [`SeatNumber`]), by its wish ([`Wish::is_possible`]) and by the sender's patience, before any rule sees it.
//!
//! Decided: components of entities, not resources: a replicated resource breaks when somebody rejoins. The room of one person takes the same way as a room
//! of seventy. The entity of a connection is its participant, so that a wish knows who wished and nobody can outlive their line. Rejected: a table of owners,
//! which would have to be kept in step with replicon's; wishes that a client decides for itself first, which then jump back.

mod agree;
mod chat;
mod deeds;
mod door;
mod emote;
mod guard;
mod head;
mod host;
mod join;
mod news;
mod now;
mod passes;
mod people;
mod playback;
mod reach;
mod rights;
mod seats;
mod stance;
mod talking;
#[cfg(test)]
mod tests;
mod transport;
mod wish;
mod words;

use std::time::Duration;

use bevy::prelude::*;
use bevy_replicon::{prelude::*, shared::RepliconSharedPlugin};
use serde::{Deserialize, Serialize};

pub use agree::{Agreed, Mine, agree_on};
pub use chat::{Chat, ChatLine, LINE_CHARS_MAX, NewLine, Say};
pub use door::Leave;
pub use emote::{Emote, Emoted, Gesture, ShowEmote};
pub use head::{Head, Turned};
pub use host::{Hosting, OpenTheater};
pub use join::{Join, Parted, read_invite};
pub use now::{Clock, Now, Reckoning};
pub use people::{Appearance, Arrived, LeftForGood, Me, Myself, PEOPLE_MAX, Participant, Viewing, ViewingState, Whereabouts};
pub use playback::{Ask, FilmOnScreen, Gather, Lead, Playback, ReadyFor, decide, why_not_present};
pub use reach::{Alarm, FaceWay, FilmWay, Relay, RelayChoice, VoiceWay};
pub use rights::{GatherLimit, Moderation, Right, Rights, Rules};
pub use seats::{SeatNumber, SitDown, Sits};
pub use stance::{Footing, Stance};
pub use talking::{ReachMember, Talking};
pub use wish::{Wish, Wished, wish_for};
pub use words::{PersonName, Title, Words};

pub use crate::net::{FilmId, Identity, ParticipantId};
use crate::notice::Notice;

/// The order of every frame's work: what has come is taken in, decided on, shown.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frame {
    /// Drain what other threads handed over.
    Hear,
    /// Call the pure functions.
    Decide,
    /// Textures, transforms, gains.
    Show,
}

/// The one entity that carries what everybody agreed on.
#[derive(Component, Debug, Clone, Copy, Serialize, Deserialize)]
#[component(immutable)]
#[require(Playback, Rules)]
pub struct Room;

/// What this process is to the room.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It keeps a room of one.
    #[default]
    Alone,
    /// It keeps the room, and others may come in.
    Host,
    /// It is on its way into somebody's room, or the line is being mended.
    Joining,
    /// Another process keeps the room.
    Guest,
}

impl Standing {
    /// Whether the room is kept here.
    #[must_use]
    pub const fn keeps_room(self) -> bool {
        matches!(self, Self::Alone | Self::Host)
    }

    /// The same, as a run condition.
    pub(crate) fn keeps(standing: Res<Self>) -> bool {
        standing.keeps_room()
    }
}

/// Makes the room.
pub fn plugin(app: &mut App) {
    app.configure_sets(Update, (Frame::Hear, Frame::Decide, Frame::Show).chain());
    app.add_plugins(
        RepliconPlugins
            .build()
            // Ticks are ours: thirty a second, and at once when the film moves.
            .set(ServerPlugin { tick_schedule: None, mutations_timeout: Duration::from_secs(10), track_mutate_messages: false })
            // The greeting has compared the protocols already; asking again would cost each newcomer a round trip.
            .set(RepliconSharedPlugin { auth_method: AuthMethod::None }),
    );
    app.init_resource::<Standing>().add_server_event::<Told>(Channel::Ordered).add_observer(on_tell).add_observer(on_told);
    news::replicate::<Room>(app);
    app.add_plugins((
        now::plugin,
        people::plugin,
        seats::plugin,
        (head::plugin, stance::plugin, emote::plugin, talking::plugin),
        rights::plugin,
        (playback::plugin, deeds::plugin),
        chat::plugin,
        (door::plugin, host::plugin, join::plugin, passes::plugin, reach::plugin),
        (transport::plugin, news::plugin),
    ));
}

/// Tells one participant something, wherever they are. An empty sentence is none.
fn tell(who: Entity, sentence: impl Into<String>, commands: &mut Commands) {
    let sentence = sentence.into();
    if !sentence.is_empty() {
        commands.trigger(Tell { who, sentence });
    }
}

fn on_tell(tell: On<Tell>, me: Query<(), With<Me>>, mut commands: Commands) {
    let Tell { who, sentence } = tell.event();
    if me.contains(*who) {
        commands.trigger(Notice::problem(sentence.clone()));
    } else {
        let targets = SendTargets::Single(ClientId::Client(*who));
        commands.server_trigger(ToClients { targets, message: Told(Words::from(sentence.as_str())) });
    }
}

fn on_told(told: On<Told>, mut commands: Commands) {
    commands.trigger(Notice::problem(told.event().0.as_str()));
}

#[derive(Event, Debug, Clone)]
struct Tell {
    who: Entity,
    sentence: String,
}

#[derive(Event, Debug, Clone, Serialize, Deserialize)]
struct Told(Words<300>);

/// Show somebody the door, with the reason. Whoever keeps the connections closes theirs.
#[derive(Event, Debug, Clone)]
struct Expel {
    who: Entity,
    sentence: String,
}
