use bevy::prelude::*;
use bevy_replicon::prelude::*;

use super::{
    Chat, Myself, Now, Room, Standing, Words,
    door::{Stage, make_own_room},
    host::Hosting,
    reach::{Network, Reach},
};
use crate::net::{Invite, Line, Pass, Reason, RoomId};

/// Goes to somebody's theater, mends the line, comes home.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_join)
        .add_systems(Update, (try_again.run_if(resource_exists::<Network>), come_home).chain().in_set(super::Frame::Decide));
}

fn on_join(
    join: On<Join>,
    mut stage: ResMut<Stage>,
    mut standing: ResMut<Standing>,
    myself: Res<Myself>,
    mut reach: Reach,
    now: Res<Now>,
    mut commands: Commands,
) {
    let invite: Invite = match join.event().invite.parse() {
        Ok(invite) => invite,
        Err(error) => return commands.trigger(Parted { sentence: sentence(&error.to_string()) }),
    };
    if *standing != Standing::Alone {
        return commands.trigger(Parted { sentence: "Leave the theater you are in first.".to_owned() });
    }
    if invite.host == myself.id() {
        return commands.trigger(Parted { sentence: "This is the invite to your own theater: send it to a friend.".to_owned() });
    }
    let network = match reach.network(&myself) {
        Ok(network) => network,
        Err(sentence) => return commands.trigger(Parted { sentence }),
    };
    network.0.join(invite.clone(), myself.name.as_str());
    *stage = Stage::Joining(Attempt { invite, since_mono_ns: now.mono_ns, next_mono_ns: None, is_again: false });
    *standing = Standing::Joining;
}

/// What the person is told when the host is gone for good; `None` if it may come back.
pub(super) fn parting(reason: &Reason) -> Option<String> {
    match reason {
        Reason::Lost | Reason::Replaced => None,
        Reason::Left => Some("The host left and the theater is closed.".to_owned()),
        Reason::Closed(says) => Some(sentence(says)),
        Reason::ClosedHere(why) | Reason::Blamed(why) => Some(format!("You left the theater: {}", sentence(why))),
    }
}

/// What another machine says, as one short sentence.
pub(super) fn sentence(says: &str) -> String {
    let says = Words::<300>::from(says);
    match says.as_str() {
        "" => "The connection was closed.".to_owned(),
        says if says.ends_with(['.', '!', '?', '…']) => says.to_owned(),
        says => format!("{says}."),
    }
}

/// A line that broke is mended, if the host comes back in time.
fn try_again(mut stage: ResMut<Stage>, network: Res<Network>, now: Res<Now>, myself: Res<Myself>) {
    let Stage::Joining(attempt) = stage.bypass_change_detection() else { return };
    if attempt.next_mono_ns.is_some_and(|next| now.mono_ns >= next) {
        attempt.next_mono_ns = None;
        network.0.join(attempt.invite.clone(), myself.name.as_str());
    }
}

/// After somebody else's theater everybody is in a room of their own again, once replicon has let go of the old one.
fn come_home(
    mut stage: ResMut<Stage>,
    mut standing: ResMut<Standing>,
    client: Res<State<ClientState>>,
    remotes: Query<Entity, With<Remote>>,
    rooms: Query<(), (With<Room>, Without<Remote>)>,
    myself: Res<Myself>,
    mut chat: ResMut<Chat>,
    mut commands: Commands,
) {
    if !matches!(*stage, Stage::GoingHome) || *client.get() != ClientState::Disconnected {
        return;
    }
    remotes.iter().for_each(|remote| commands.entity(remote).despawn());
    if rooms.is_empty() {
        make_own_room(&myself, &mut commands);
    }
    chat.clear();
    commands.remove_resource::<Hosting>();
    *standing = Standing::Alone;
    *stage = Stage::Closed;
}

/// Whether a text that was pasted is an invite.
///
/// # Errors
/// One sentence: what is wrong with it, and what to do.
pub fn read_invite(pasted: &str) -> Result<(), String> {
    pasted.parse::<Invite>().map(drop).map_err(|error| error.to_string())
}

/// Go to somebody's theater.
#[derive(Event, Debug, Clone)]
pub struct Join {
    /// As it was sent or pasted.
    pub invite: String,
}

/// Somebody else's theater could not be joined, or is over; one is in a room of one's own.
#[derive(Event, Debug, Clone)]
pub struct Parted {
    /// Why, and what to do.
    pub sentence: String,
}

pub(super) struct Attempt {
    pub(super) invite: Invite,
    pub(super) since_mono_ns: i64,
    /// When to try the next time; `None` while one is under way.
    pub(super) next_mono_ns: Option<i64>,
    /// Whether one was inside before.
    pub(super) is_again: bool,
}

pub(super) struct Joined {
    pub(super) invite: Invite,
    pub(super) line: Line,
    pub(super) room: RoomId,
    pub(super) epoch: u32,
    pub(super) pass: Option<Pass>,
}

/// For how long a broken line is tried again.
pub(super) const MENDING_NS: i64 = 60_000_000_000;
pub(super) const AGAIN_NS: i64 = 1_500_000_000;
