use bevy::prelude::*;

use super::{
    Me, Myself, Participant, Sits, Standing, Whereabouts,
    door::Stage,
    passes::NewEpoch,
    people::PEOPLE_MAX,
    reach::{Network, Reach},
    rights::Banish,
    transport::Serve,
};
use crate::{
    net::{Door, ParticipantId, RoomId, Secret},
    notice::Notice,
};

/// Opens the theater to others.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_open).add_observer(on_banish);
}

fn on_open(
    open: On<OpenTheater>,
    mut stage: ResMut<Stage>,
    mut standing: ResMut<Standing>,
    myself: Res<Myself>,
    mut reach: Reach,
    me: Query<Entity, With<Me>>,
    mut commands: Commands,
) {
    match *standing {
        Standing::Alone => {}
        Standing::Host => {
            return commands.trigger(Notice::problem("This theater is open already: the invite stands in the list of people."));
        }
        Standing::Joining | Standing::Guest => {
            return commands.trigger(Notice::problem("You are in somebody else's theater. Leave it first."));
        }
    }
    let network = match reach.network(&myself) {
        Ok(network) => network,
        Err(sentence) => return commands.trigger(Notice::problem(sentence)),
    };
    let hosted = Hosted::new();
    network.0.open_door(hosted.door(1));
    commands.insert_resource(hosted.invites(&network));
    let addresses = network.0.addresses();
    for me in &me {
        if open.event().without_seat {
            commands.entity(me).remove::<(Participant, Sits)>();
        } else {
            commands.entity(me).insert(Whereabouts(addresses.clone()));
        }
    }
    *stage = Stage::Hosting(hosted);
    *standing = Standing::Host;
    commands.trigger(Serve::Begin);
}

/// Somebody shall not come in again: what they know opens nothing any more.
fn on_banish(
    banish: On<Banish>,
    mut stage: ResMut<Stage>,
    network: Option<Res<Network>>,
    people: Query<&Participant>,
    mut commands: Commands,
) {
    let (Stage::Hosting(hosted), Some(network)) = (&mut *stage, network) else { return };
    hosted.raise_epoch(banish.event().id);
    network.0.open_door(hosted.door(people.iter().len()));
    commands.insert_resource(hosted.invites(&network));
    commands.trigger(Notice::news("The invite has changed: the old one opens this theater no more."));
    commands.trigger(NewEpoch);
}

/// Open this theater to friends; whoever is alone becomes the host, and the film goes on.
#[derive(Event, Debug, Clone, Copy)]
pub struct OpenTheater {
    /// Whether nobody sits here: the process only keeps the room.
    pub without_seat: bool,
}

/// The invites to the theater one is in. A guest may pass theirs on.
#[derive(Resource, Debug, Clone, PartialEq, Eq)]
pub struct Hosting {
    /// For friends.
    pub invite: String,
    /// For those who may do what the host may; empty for whoever may not.
    pub moderator_invite: String,
}

pub(super) struct Hosted {
    pub(super) room: RoomId,
    pub(super) epoch: u32,
    pub(super) guests: Secret,
    pub(super) moderators: Secret,
    pub(super) banned: Vec<ParticipantId>,
}

impl Hosted {
    pub(super) fn new() -> Self {
        Self { room: rand::random(), epoch: 1, guests: Secret::random(), moderators: Secret::random(), banned: Vec::new() }
    }

    pub(super) fn raise_epoch(&mut self, banned: ParticipantId) {
        self.epoch += 1;
        (self.guests, self.moderators) = (Secret::random(), Secret::random());
        self.banned.push(banned);
        // A temporary identity costs nothing; the new secret is what keeps people out.
        if self.banned.len() > BANNED_MAX {
            self.banned.remove(0);
        }
    }

    pub(super) fn door(&self, people: usize) -> Door {
        Door {
            room: self.room,
            epoch: self.epoch,
            guest_secret: self.guests,
            moderator_secret: self.moderators,
            is_full: people >= PEOPLE_MAX,
            is_locked: false,
            banned: self.banned.clone(),
        }
    }

    pub(super) fn invites(&self, network: &Network) -> Hosting {
        let text = |secret: &Secret| network.0.invite(*secret).to_string();
        Hosting { invite: text(&self.guests), moderator_invite: text(&self.moderators) }
    }
}

const BANNED_MAX: usize = 256;
