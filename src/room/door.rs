use bevy::prelude::*;
use bevy_replicon::prelude::*;

use super::{
    Arrived, Chat, LeftForGood, Me, Myself, Now, PEOPLE_MAX, Participant, Reckoning, Room, Rules, Standing, Whereabouts,
    host::{Hosted, Hosting},
    join::{AGAIN_NS, Attempt, Joined, MENDING_NS, Parted, parting},
    people::enter_own_room,
    reach::Network,
    transport::{Attach, Detach, GuestDown, GuestUp, Serve, Traffic},
};
use crate::{
    clock::{Estimate, Fed, Stamps},
    net::{Addresses, Arrival, Event as Told, Member, Members, Reason, Standing as Way},
    notice::Notice,
};

/// Hears who comes and goes on the network, and keeps how far the way into a room is.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Stage>()
        .add_observer(on_leave)
        .add_systems(PreStartup, enter)
        .add_systems(PreUpdate, hear_network.in_set(Traffic::Lines).run_if(resource_exists::<Network>))
        .add_systems(Update, tell_members.run_if(resource_exists::<Network>).in_set(super::Frame::Decide));
}

/// Everybody begins in a room of their own.
fn enter(myself: Res<Myself>, mut commands: Commands) {
    make_own_room(&myself, &mut commands);
}

pub(super) fn make_own_room(myself: &Myself, commands: &mut Commands) {
    commands.spawn((Room, Replicated, Rules { gather_limit: myself.gather_limit, ..Rules::default() }));
    enter_own_room(myself, Addresses::default(), commands);
}

fn on_leave(_: On<Leave>, mut stage: ResMut<Stage>, mut standing: ResMut<Standing>, network: Option<Res<Network>>, mut commands: Commands) {
    match std::mem::take(&mut *stage) {
        Stage::Closed => {}
        Stage::Hosting(_) => {
            if let Some(network) = network {
                network.0.leave();
            }
            commands.trigger(Serve::End);
            commands.remove_resource::<Hosting>();
            *standing = Standing::Alone;
        }
        Stage::Joining(_) | Stage::Joined(_) => {
            if let Some(network) = network {
                network.0.leave();
            }
            commands.trigger(Detach);
            *stage = Stage::GoingHome;
        }
        Stage::GoingHome => *stage = Stage::GoingHome,
    }
}

fn hear_network(
    network: Res<Network>,
    mut stage: ResMut<Stage>,
    mut standing: ResMut<Standing>,
    mut reckoning: ResMut<Reckoning>,
    now: Res<Now>,
    remotes: Query<Entity, With<Remote>>,
    own: Query<Entity, (Or<(With<Room>, With<Participant>, With<Me>)>, Without<Remote>)>,
    me: Query<Entity, With<Me>>,
    mut chat: ResMut<Chat>,
    mut commands: Commands,
) {
    for _ in 0..EVENTS_A_FRAME {
        let Some(event) = network.0.next_event() else { break };
        match event {
            Told::Up { line, arrival } => match (&mut *stage, arrival.standing) {
                (Stage::Hosting(_), Way::Guest { moderator }) => {
                    let Arrival { peer: id, name, addresses, .. } = arrival;
                    commands.trigger(GuestUp { line, arrived: Arrived { id, name, moderator, addresses } });
                }
                (Stage::Joining(attempt), Way::Host { .. }) if arrival.peer == attempt.invite.host => {
                    for entity in remotes.iter().chain(&own) {
                        commands.entity(entity).despawn();
                    }
                    reckoning.0 = Estimate::default();
                    chat.clear();
                    *standing = Standing::Guest;
                    commands.trigger(Attach(line.clone()));
                    if attempt.is_again {
                        commands.trigger(Notice::news("You are back in the theater.").about("line"));
                    }
                    let invite = attempt.invite.clone();
                    *stage = Stage::Joined(Joined { invite, line, room: arrival.room, epoch: arrival.epoch, pass: None });
                }
                // Members fetch films from each other; the room has nothing to do with it.
                (_, Way::Member) => {}
                _ => line.close("Nobody is expected here."),
            },
            Told::Down { line, peer, reason } => match &mut *stage {
                Stage::Hosting(_) => {
                    if matches!(reason, Reason::Left) {
                        commands.trigger(LeftForGood { id: peer });
                    }
                    commands.trigger(GuestDown(line));
                }
                Stage::Joined(joined) if joined.line.id() == line => {
                    commands.trigger(Detach);
                    let invite = joined.invite.clone();
                    *stage = match parting(&reason) {
                        Some(sentence) => {
                            commands.trigger(Parted { sentence });
                            Stage::GoingHome
                        }
                        None => {
                            commands.trigger(Notice::problem("The connection to the theater is lost. Trying again…").about("line"));
                            *standing = Standing::Joining;
                            Stage::Joining(Attempt { invite, since_mono_ns: now.mono_ns, next_mono_ns: Some(now.mono_ns), is_again: true })
                        }
                    };
                }
                _ => {}
            },
            Told::CannotJoin { sentence, is_final } => {
                if let Stage::Joining(attempt) = &mut *stage {
                    let has_tried_long = now.mono_ns - attempt.since_mono_ns > MENDING_NS;
                    if attempt.is_again && !is_final && !has_tried_long {
                        attempt.next_mono_ns = Some(now.mono_ns + AGAIN_NS);
                    } else {
                        commands.trigger(Parted { sentence });
                        commands.trigger(Detach);
                        *stage = Stage::GoingHome;
                    }
                }
            }
            Told::Stamps { line, stamps } => {
                if matches!(&*stage, Stage::Joined(joined) if joined.line.id() == line) {
                    let net = stamps;
                    let stamps = Stamps {
                        sent_ns: net.sent_ns,
                        received_ns: net.received_ns,
                        replied_ns: net.replied_ns,
                        returned_ns: net.returned_ns,
                    };
                    if reckoning.0.feed(stamps, now.mono_ns) == Fed::Restarted {
                        tracing::info!("the host's clock was learnt anew");
                    }
                }
            }
            Told::AddressesChanged => {
                if let Stage::Hosting(hosted) = &*stage {
                    commands.insert_resource(hosted.invites(&network));
                    let addresses = network.0.addresses();
                    me.iter().for_each(|me| {
                        commands.entity(me).insert(Whereabouts(addresses.clone()));
                    });
                }
            }
        }
    }
}

/// The network lets in whom the room knows, and nobody else.
fn tell_members(
    network: Res<Network>,
    stage: Res<Stage>,
    people: Query<(&Participant, &Whereabouts)>,
    changed: Query<(), Or<(Changed<Participant>, Changed<Whereabouts>)>>,
    mut left: RemovedComponents<Participant>,
    myself: Res<Myself>,
) {
    let has_left = left.read().count() > 0;
    if !stage.is_changed() && changed.is_empty() && !has_left {
        return;
    }
    let members: Vec<_> = people
        .iter()
        .take(PEOPLE_MAX)
        .filter(|(participant, _)| participant.id != myself.id())
        .map(|(participant, whereabouts)| Member { id: participant.id, addresses: whereabouts.0.clone() })
        .collect();
    match &*stage {
        Stage::Hosting(hosted) => {
            network.0.open_door(hosted.door(people.iter().len()));
            let Hosted { room, epoch, .. } = *hosted;
            network.0.set_members(Members { host: myself.id(), room, epoch, my_pass: None, members });
        }
        Stage::Joined(joined) => {
            let (host, room, epoch) = (joined.invite.host, joined.room, joined.epoch);
            network.0.set_members(Members { host, room, epoch, my_pass: joined.pass, members });
        }
        Stage::Closed | Stage::Joining(_) | Stage::GoingHome => {}
    }
}

/// Leave somebody's theater, or close one's own to others.
#[derive(Event, Debug, Clone, Copy)]
pub struct Leave;

/// How far the way into a room is.
#[derive(Resource, Default)]
pub(super) enum Stage {
    #[default]
    Closed,
    Hosting(Hosted),
    Joining(Attempt),
    Joined(Joined),
    GoingHome,
}

const EVENTS_A_FRAME: usize = 1024;
