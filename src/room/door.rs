use std::sync::Arc;

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Arrived, Chat, Clock, Me, Myself, Now, PEOPLE_MAX, Participant, Reckoning, Rights, Room, Sits, Standing, Whereabouts,
    people::enter_own_room,
    rights::Banish,
    transport::{Attach, Detach, GuestDown, GuestUp, Serve, Traffic},
};
pub use crate::net::Relay;
use crate::{
    clock::{Estimate, Fed, Stamps},
    net::{
        Addresses, Arrival, Door, Event as Told, FilmPort, Invite, Line, Member, Members, Net, Options, Pass, Reason, RoomId, Secret,
        Standing as Way,
    },
    notice::Notice,
};

/// Opens the theater to others, and joins theirs.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<RelayChoice>()
        .init_resource::<Stage>()
        .init_resource::<FilmWay>()
        .add_server_event::<Passport>(Channel::Ordered)
        .add_observer(on_open)
        .add_observer(on_join)
        .add_observer(on_leave)
        .add_observer(on_banish)
        .add_observer(on_passport)
        .add_observer(give_passport)
        .add_observer(on_new_epoch)
        .add_systems(PreStartup, enter)
        .add_systems(PreUpdate, hear_network.in_set(Traffic::Lines).run_if(resource_exists::<Network>))
        .add_systems(
            Update,
            (try_again.run_if(resource_exists::<Network>), come_home, tell_members.run_if(resource_exists::<Network>))
                .chain()
                .in_set(super::Frame::Decide),
        );
}

/// Everybody begins in a room of their own.
fn enter(myself: Res<Myself>, mut commands: Commands) {
    make_own_room(&myself, &mut commands);
}

fn make_own_room(myself: &Myself, commands: &mut Commands) {
    commands.spawn((Room, Replicated));
    enter_own_room(myself, Addresses::default(), commands);
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
            Told::Down { line, reason, .. } => match &mut *stage {
                Stage::Hosting(_) => commands.trigger(GuestDown(line)),
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

/// What the person is told when the host is gone for good; `None` if it may come back.
fn parting(reason: &Reason) -> Option<String> {
    match reason {
        Reason::Lost | Reason::Replaced => None,
        Reason::Left => Some("The host left and the theater is closed.".to_owned()),
        Reason::Closed(says) => Some(sentence(says)),
        Reason::ClosedHere(why) | Reason::Blamed(why) => Some(format!("You left the theater: {}", sentence(why))),
    }
}

/// What another machine says, as one short sentence.
fn sentence(says: &str) -> String {
    let says = super::Words::<300>::from(says);
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

/// Whether a text that was pasted is an invite.
///
/// # Errors
/// One sentence: what is wrong with it, and what to do.
pub fn read_invite(pasted: &str) -> Result<(), String> {
    pasted.parse::<Invite>().map(drop).map_err(|error| error.to_string())
}

/// Open this theater to friends; whoever is alone becomes the host, and the film goes on.
#[derive(Event, Debug, Clone, Copy)]
pub struct OpenTheater {
    /// Whether nobody sits here: the process only keeps the room.
    pub without_seat: bool,
}

/// Go to somebody's theater.
#[derive(Event, Debug, Clone)]
pub struct Join {
    /// As it was sent or pasted.
    pub invite: String,
}

/// Leave somebody's theater, or close one's own to others.
#[derive(Event, Debug, Clone, Copy)]
pub struct Leave;

/// Somebody else's theater could not be joined, or is over; one is in a room of one's own.
#[derive(Event, Debug, Clone)]
pub struct Parted {
    /// Why, and what to do.
    pub sentence: String,
}

/// The invites to the theater one is in. A guest may pass theirs on.
#[derive(Resource, Debug, Clone, PartialEq, Eq)]
pub struct Hosting {
    /// For friends.
    pub invite: String,
    /// For those who may do what the host may; empty for whoever may not.
    pub moderator_invite: String,
}

/// Which relays help where no direct way is found.
#[derive(Resource, Debug, Clone)]
pub struct RelayChoice(pub Relay);

impl Default for RelayChoice {
    fn default() -> Self {
        Self(Relay::None)
    }
}

/// The film's way through the network, for whoever moves films.
#[derive(Resource, Debug, Default)]
pub struct FilmWay(pub Option<FilmPort>);

/// The network, once it was needed.
#[derive(Resource, Clone)]
struct Network(Arc<Net>);

/// The way to the network: it is started when somebody first wants to meet others.
#[derive(SystemParam)]
struct Reach<'w, 's> {
    network: Option<Res<'w, Network>>,
    relay: Res<'w, RelayChoice>,
    clock: Res<'w, Clock>,
    protocol: Res<'w, ProtocolHash>,
    film_way: ResMut<'w, FilmWay>,
    commands: Commands<'w, 's>,
}

impl Reach<'_, '_> {
    fn network(&mut self, myself: &Myself) -> Result<Network, String> {
        if let Some(network) = &self.network {
            return Ok(Network::clone(network));
        }
        let options = Options {
            identity: myself.identity.clone(),
            relay: self.relay.0.clone(),
            mono_ns: self.clock.0,
            dialect: dialect(&self.protocol),
            upload_limit_bytes_per_s: None,
        };
        let (net, port) = Net::start(options).map_err(|error| sentence(&error.to_string()))?;
        let network = Network(Arc::new(net));
        self.film_way.0 = Some(port);
        self.commands.insert_resource(network.clone());
        Ok(network)
    }
}

/// What replicon says of everything that is replicated and sent, as a number. It keeps the number to itself and lets it be serialised.
fn dialect(protocol: &ProtocolHash) -> u64 {
    let mut bytes = [0; 8];
    let written = bincode::serde::encode_into_slice(protocol, &mut bytes, bincode::config::legacy());
    debug_assert!(matches!(written, Ok(length) if length == bytes.len()));
    u64::from_le_bytes(bytes)
}

/// How far the way into a room is.
#[derive(Resource, Default)]
enum Stage {
    #[default]
    Closed,
    Hosting(Hosted),
    Joining(Attempt),
    Joined(Joined),
    GoingHome,
}

struct Attempt {
    invite: Invite,
    since_mono_ns: i64,
    /// When to try the next time; `None` while one is under way.
    next_mono_ns: Option<i64>,
    /// Whether one was inside before.
    is_again: bool,
}

struct Joined {
    invite: Invite,
    line: Line,
    room: RoomId,
    epoch: u32,
    pass: Option<Pass>,
}

struct Hosted {
    room: RoomId,
    epoch: u32,
    guests: Secret,
    moderators: Secret,
    banned: Vec<crate::net::ParticipantId>,
}

impl Hosted {
    fn new() -> Self {
        Self { room: rand::random(), epoch: 1, guests: Secret::random(), moderators: Secret::random(), banned: Vec::new() }
    }

    fn raise_epoch(&mut self, banned: crate::net::ParticipantId) {
        self.epoch += 1;
        (self.guests, self.moderators) = (Secret::random(), Secret::random());
        self.banned.push(banned);
        // A temporary identity costs nothing; the new secret is what keeps people out.
        if self.banned.len() > BANNED_MAX {
            self.banned.remove(0);
        }
    }

    fn door(&self, people: usize) -> Door {
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

    fn invites(&self, network: &Network) -> Hosting {
        let text = |secret: &Secret| network.0.invite(*secret).to_string();
        Hosting { invite: text(&self.guests), moderator_invite: text(&self.moderators) }
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
struct NewEpoch;

const EVENTS_A_FRAME: usize = 1024;
const BANNED_MAX: usize = 256;
/// For how long a broken line is tried again.
const MENDING_NS: i64 = 60_000_000_000;
const AGAIN_NS: i64 = 1_500_000_000;
