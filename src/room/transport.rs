use std::{collections::BTreeMap, time::Duration};

use bevy::prelude::*;
use bevy_renet::{
    RenetClient, RenetClientPlugin, RenetReceive, RenetSend, RenetServer, RenetServerPlugin,
    renet::{ChannelConfig, ConnectionConfig, SendType},
};
use bevy_replicon::{prelude::*, server::increment_tick, shared::backend::connected_client::NetworkId};
use bevy_replicon_renet::{RenetChannelsExt as _, RepliconRenetPlugins};

use super::{Arrived, Expel, Lead, Now, Participant, Playback, ReadyFor, Rules, guard::Guard, people::Goodbyes};
use crate::net::{Line, LineId};

/// Carries renet's packets over the network's lines. Everything here is told by events; nobody else says renet.
pub(super) fn plugin(app: &mut App) {
    app.add_plugins(RepliconRenetPlugins)
        .init_resource::<Lines>()
        .configure_sets(
            PreUpdate,
            (Traffic::Lines, Traffic::Packets)
                .chain()
                .in_set(RenetReceive)
                .after(RenetServerPlugin::update_system)
                .after(RenetClientPlugin::update_system)
                .before(RenetServerPlugin::emit_server_events_system),
        )
        .add_systems(PreUpdate, (receive_from_guests, receive_from_host).in_set(Traffic::Packets))
        .add_systems(
            PostUpdate,
            (
                increment_tick.in_set(ServerSystems::IncrementTick).run_if(in_state(ServerState::Running).and_then(is_time_for_a_tick)),
                (send_to_guests, send_to_host).in_set(RenetSend),
            ),
        )
        .add_systems(Update, put_away.run_if(in_state(ClientState::Disconnected)).before(super::Frame::Decide))
        .add_observer(on_serve)
        .add_observer(on_guest_up)
        .add_observer(on_guest_down)
        .add_observer(on_attach)
        .add_observer(on_detach)
        .add_observer(on_hang_up)
        .add_observer(introduce)
        .add_observer(on_expel);
}

fn on_serve(serve: On<Serve>, channels: Res<RepliconChannels>, clients: Query<Entity, With<ConnectedClient>>, mut commands: Commands) {
    match serve.event() {
        Serve::Begin => commands.insert_resource(RenetServer::new(config(&channels))),
        Serve::End => {
            clients.iter().for_each(|client| commands.entity(client).despawn());
            commands.remove_resource::<RenetServer>();
            commands.insert_resource(Lines::default());
        }
    }
}

fn on_guest_up(up: On<GuestUp>, server: Option<ResMut<RenetServer>>, channels: Res<RepliconChannels>, mut lines: ResMut<Lines>) {
    let Some(mut server) = server else { return };
    let GuestUp { line, arrived } = up.event().clone();
    let id = line.id();
    lines.by_id.insert(id, Carried { line, guard: Guard::new(channels.client_channels().len() as u8), arrived: Some(arrived) });
    // Numbered by the line, never by the person: renet must not meet a number twice.
    server.add_connection(id.0);
}

fn on_guest_down(down: On<GuestDown>, server: Option<ResMut<RenetServer>>, mut lines: ResMut<Lines>) {
    let id = down.event().0;
    if lines.by_id.remove(&id).is_some()
        && let Some(mut server) = server
    {
        server.remove_connection(id.0);
    }
}

fn on_attach(attach: On<Attach>, channels: Res<RepliconChannels>, mut lines: ResMut<Lines>, mut commands: Commands) {
    let line = attach.event().0.clone();
    lines.by_id.clear();
    lines.by_id.insert(line.id(), Carried { line, guard: Guard::new(channels.server_channels().len() as u8), arrived: None });
    let mut client = RenetClient::new(config(&channels));
    client.set_connected();
    commands.insert_resource(client);
}

fn on_detach(_: On<Detach>, client: Option<ResMut<RenetClient>>, mut lines: ResMut<Lines>) {
    lines.by_id.clear();
    if let Some(mut client) = client {
        client.disconnect_due_to_transport();
    }
}

fn on_hang_up(hang_up: On<HangUp>, lines: Res<Lines>) {
    lines.by_id.values().for_each(|carried| carried.line.close(hang_up.event().0));
}

/// A client of renet's that was disconnected never connects again, and replicon notices a new one only where none was.
fn put_away(client: Option<Res<RenetClient>>, mut commands: Commands) {
    if client.is_some_and(|client| client.is_disconnected()) {
        commands.remove_resource::<RenetClient>();
    }
}

/// replicon knows the connection now and both speak the same protocol: it becomes a person.
fn introduce(authorized: On<Add, AuthorizedClient>, ids: Query<&NetworkId>, mut lines: ResMut<Lines>, mut commands: Commands) {
    let Ok(id) = ids.get(authorized.entity) else { return };
    if let Some(arrived) = lines.by_id.get_mut(&LineId(id.get())).and_then(|carried| carried.arrived.take()) {
        commands.entity(authorized.entity).insert(arrived);
    }
}

fn on_expel(
    expel: On<Expel>,
    ids: Query<&NetworkId>,
    lines: Res<Lines>,
    clients: Query<(), With<ConnectedClient>>,
    people: Query<&Participant>,
    mut goodbyes: ResMut<Goodbyes>,
    mut commands: Commands,
) {
    let Expel { who, sentence } = expel.event();
    if let Some(carried) = ids.get(*who).ok().and_then(|id| lines.by_id.get(&LineId(id.get()))) {
        carried.line.close(sentence);
    }
    tracing::info!("shown the door: {sentence}");
    if clients.contains(*who) {
        goodbyes.0.extend(people.get(*who).map(|participant| participant.id));
        commands.entity(*who).despawn();
    }
}

fn receive_from_guests(server: Option<ResMut<RenetServer>>, mut lines: ResMut<Lines>, mut lead: ResMut<Lead>) {
    let Some(mut server) = server else { return };
    let mut latency_ns = 0;
    for (id, carried) in &mut lines.by_id {
        latency_ns = latency_ns.max(carried.line.rtt().unwrap_or_default().as_nanos() as i64 / 2 + MARGIN_NS);
        for _ in 0..PACKETS_A_FRAME {
            let Some(packet) = carried.line.next_room_packet() else { break };
            if !carried.guard.admits(&packet) {
                carried.line.close("Your program sent what is no packet of the room.");
                server.disconnect(id.0);
                break;
            }
            if server.process_packet_from(&packet, id.0).is_err() {
                break;
            }
        }
    }
    lead.set_if_neq(Lead::for_latency_ns(latency_ns));
    for id in server.disconnections_id() {
        if let Some(carried) = lines.by_id.remove(&LineId(id)) {
            carried.line.close("The room ended the connection.");
        }
        server.remove_connection(id);
    }
}

fn receive_from_host(client: Option<ResMut<RenetClient>>, mut lines: ResMut<Lines>) {
    let Some(mut client) = client else { return };
    for carried in lines.by_id.values_mut() {
        for _ in 0..PACKETS_A_FRAME {
            let Some(packet) = carried.line.next_room_packet() else { break };
            if !carried.guard.admits(&packet) {
                carried.line.close("The host sent what is no packet of the room.");
                break;
            }
            client.process_packet(&packet);
        }
    }
}

fn send_to_guests(server: Option<ResMut<RenetServer>>, mut lines: ResMut<Lines>, now: Res<Now>) {
    let Some(mut server) = server.filter(|_| lines.may_send(now.mono_ns)) else { return };
    for (id, carried) in &lines.by_id {
        if let Ok(packets) = server.get_packets_to_send(id.0) {
            packets.iter().for_each(|packet| carried.line.send_room(packet));
        }
    }
}

fn send_to_host(client: Option<ResMut<RenetClient>>, mut lines: ResMut<Lines>, now: Res<Now>) {
    let Some(mut client) = client.filter(|_| lines.may_send(now.mono_ns)) else { return };
    if client.is_disconnected() {
        if let Some(carried) = lines.by_id.values().next() {
            carried.line.close("The room ended the connection.");
        }
        return;
    }
    for packet in client.get_packets_to_send() {
        lines.by_id.values().for_each(|carried| carried.line.send_room(&packet));
    }
}

/// What people see is sent thirty times a second; how the film moves goes at once, and so does the room to whoever comes in.
fn is_time_for_a_tick(
    now: Res<Now>,
    urgent: Query<(), Or<(Changed<Playback>, Changed<ReadyFor>, Changed<Rules>, Added<AuthorizedClient>)>>,
    mut ticked: Local<i64>,
) -> bool {
    let is_time = !urgent.is_empty() || now.mono_ns.saturating_sub(*ticked) >= TICK_NS || now.mono_ns < *ticked;
    if is_time {
        *ticked = now.mono_ns;
    }
    is_time
}

fn config(channels: &RepliconChannels) -> ConnectionConfig {
    let quickly = |mut configs: Vec<ChannelConfig>| {
        for config in &mut configs {
            if let SendType::ReliableOrdered { resend_time } | SendType::ReliableUnordered { resend_time } = &mut config.send_type {
                *resend_time = RESEND;
            }
        }
        configs
    };
    ConnectionConfig {
        available_bytes_per_tick: BYTES_A_FRAME,
        server_channels_config: quickly(channels.server_configs()),
        client_channels_config: quickly(channels.client_configs()),
    }
}

/// The order in which the network's news is taken in.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Traffic {
    /// Lines come and go.
    Lines,
    /// What came over them.
    Packets,
}

/// Begin or end keeping a room for others.
#[derive(Event, Debug, Clone, Copy)]
pub(super) enum Serve {
    Begin,
    End,
}

/// A guest came in.
#[derive(Event, Debug, Clone)]
pub(super) struct GuestUp {
    pub(super) line: Line,
    pub(super) arrived: Arrived,
}

/// A guest's line is gone.
#[derive(Event, Debug, Clone, Copy)]
pub(super) struct GuestDown(pub(super) LineId);

/// The line to the host is there.
#[derive(Event, Debug, Clone)]
pub(super) struct Attach(pub(super) Line);

/// The line to the host is gone.
#[derive(Event, Debug, Clone, Copy)]
pub(super) struct Detach;

/// The host is not to be listened to any more, and why.
#[derive(Event, Debug, Clone, Copy)]
pub(super) struct HangUp(pub(super) &'static str);

/// The lines that carry the room: a host's to its guests, or a guest's one to the host.
#[derive(Resource, Default)]
struct Lines {
    by_id: BTreeMap<LineId, Carried>,
    sent_mono_ns: i64,
}

impl Lines {
    /// Each packet is answered by one with an acknowledgement, so how often they leave is what an idle room costs.
    fn may_send(&mut self, now_mono_ns: i64) -> bool {
        let may = now_mono_ns.saturating_sub(self.sent_mono_ns) >= SEND_NS || now_mono_ns < self.sent_mono_ns;
        if may {
            self.sent_mono_ns = now_mono_ns;
        }
        may
    }
}

struct Carried {
    line: Line,
    guard: Guard,
    arrived: Option<Arrived>,
}

/// A lost packet is sent again after this.
const RESEND: Duration = Duration::from_millis(100);
const BYTES_A_FRAME: u64 = 60_000;
const PACKETS_A_FRAME: usize = 1024;
const TICK_NS: i64 = 33_000_000;
/// Sixty times a second on a screen of 60 Hz, and not more often on faster ones.
const SEND_NS: i64 = 15_000_000;
/// What a message waits for beside the way: frames and packets on both sides, and some jitter.
const MARGIN_NS: i64 = 25_000_000;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use bevy_renet::renet::{Bytes, ClientId};
    use proptest::prelude::*;

    use super::*;
    use crate::room::PersonName;

    const BO: ClientId = 7;

    static CHANNELS: LazyLock<RepliconChannels> = LazyLock::new(|| {
        let mut app = App::new();
        app.add_plugins((TaskPoolPlugin::default(), bevy::state::app::StatesPlugin, crate::room::plugin));
        app.insert_resource(crate::room::Myself {
            name: PersonName::from("Ann"),
            ..crate::room::Myself::new(crate::room::Identity::open(None).0)
        });
        app.finish();
        app.world().resource::<RepliconChannels>().clone()
    });

    proptest! {
        #[test]
        fn packets_that_come_twice_or_in_another_order_say_each_thing_once_and_in_order(
            order in Just((0..24usize).chain(0..24).collect::<Vec<_>>()).prop_shuffle(),
            channel in 0u8..8,
        ) {
            let channels = &*CHANNELS;
            let configs = channels.client_configs();
            let ordered: Vec<u8> = configs.iter().filter(|config| matches!(config.send_type, SendType::ReliableOrdered { .. })).map(|config| config.channel_id).collect();
            let channel = ordered[usize::from(channel) % ordered.len()];
            let mut client = RenetClient::new(config(channels));
            client.set_connected();
            let mut server = RenetServer::new(config(channels));
            server.add_connection(BO);
            let mut guard = Guard::new(channels.client_channels().len() as u8);
            let mut packets = Vec::new();
            for number in 0..24u8 {
                client.send_message(channel, Bytes::from(vec![number; 200]));
                packets.extend(client.get_packets_to_send());
            }
            let mut heard = Vec::new();
            for place in order {
                let packet = &packets[place % packets.len()];
                prop_assert!(guard.admits(packet));
                server.process_packet_from(packet, BO).unwrap();
                while let Some(message) = server.receive_message(BO, channel) {
                    heard.push(message[0]);
                }
            }
            prop_assert_eq!(heard, (0..24).collect::<Vec<u8>>());
            prop_assert!(server.is_connected(BO));
        }
    }
}
