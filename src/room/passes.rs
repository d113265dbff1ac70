use bevy::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Myself, Participant, Rights,
    door::Stage,
    host::{Hosted, Hosting},
};
use crate::net::{Invite, Pass, Secret};

/// Gives everybody inside what they need to come back, and to fetch from each other.
pub(super) fn plugin(app: &mut App) {
    app.add_server_event::<Passport>(Channel::Ordered).add_observer(on_passport).add_observer(give_passport).add_observer(on_new_epoch);
}

/// Each guest gets the host's word that they are a member, to show to other guests.
fn give_passport(
    // Whoever is made a moderator needs another one.
    arrived: On<Insert, Rights>,
    people: Query<(Entity, &Participant, &Rights), With<ConnectedClient>>,
    stage: Res<Stage>,
    myself: Res<Myself>,
    mut commands: Commands,
) {
    if let (Stage::Hosting(hosted), Ok(person)) = (&*stage, people.get(arrived.entity)) {
        send_passport(person, hosted, &myself, &mut commands);
    }
}

/// After a kick the old passes are worth nothing.
fn on_new_epoch(
    _: On<NewEpoch>,
    people: Query<(Entity, &Participant, &Rights), With<ConnectedClient>>,
    stage: Res<Stage>,
    myself: Res<Myself>,
    mut commands: Commands,
) {
    if let Stage::Hosting(hosted) = &*stage {
        for person in people.iter().filter(|(_, participant, _)| !hosted.banned.contains(&participant.id)) {
            send_passport(person, hosted, &myself, &mut commands);
        }
    }
}

fn send_passport(
    (entity, participant, rights): (Entity, &Participant, &Rights),
    hosted: &Hosted,
    myself: &Myself,
    commands: &mut Commands,
) {
    let pass = Pass::sign(&myself.identity, hosted.room, participant.id, hosted.epoch);
    let passport =
        Passport { pass, guests: *hosted.guests.as_bytes(), moderators: rights.moderator.then_some(*hosted.moderators.as_bytes()) };
    commands.server_trigger(ToClients { targets: SendTargets::Single(ClientId::Client(entity)), message: passport });
}

fn on_passport(passport: On<Passport>, mut stage: ResMut<Stage>, myself: Res<Myself>, mut commands: Commands) {
    if let Stage::Joined(joined) = &mut *stage {
        let pass = &passport.event().pass;
        // The secret of this epoch: who comes back after a broken line needs it, and may pass it on.
        let invite = Invite { secret: Secret::from_bytes(passport.event().guests), ..joined.invite.clone() };
        let moderator_invite = passport.event().moderators.map(|secret| Invite { secret: Secret::from_bytes(secret), ..invite.clone() });
        if pass.member == myself.id() && pass.epoch >= joined.epoch && pass.verify(&joined.invite.host, &joined.room, pass.epoch) {
            joined.epoch = pass.epoch;
            joined.pass = Some(*pass);
            commands.insert_resource(Hosting {
                invite: invite.to_string(),
                moderator_invite: moderator_invite.as_ref().map(ToString::to_string).unwrap_or_default(),
            });
            joined.invite = moderator_invite.unwrap_or(invite);
        } else {
            tracing::warn!("the host gave a pass that is none");
        }
    }
}

/// What somebody inside needs of this epoch.
#[derive(Event, Debug, Clone, Serialize, Deserialize)]
struct Passport {
    pass: Pass,
    guests: [u8; Secret::BYTES],
    /// For moderators alone.
    moderators: Option<[u8; Secret::BYTES]>,
}

#[derive(Event, Debug, Clone, Copy)]
pub(super) struct NewEpoch;
