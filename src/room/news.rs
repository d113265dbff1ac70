use bevy::prelude::*;
use bevy_replicon::{
    bytes::Bytes,
    postcard_utils,
    prelude::*,
    shared::{backend::channels::ServerChannel, replication::registry::receive_fns::MutWrite},
};
use serde::{Serialize, de::DeserializeOwned};

use super::transport::HangUp;

/// Reads the room's news before replicon does: replicon 0.44 trusts lengths and numbers in them, and one wrong packet of a host would end the program of each of
/// its guests.
///
/// An update is flags, a tick, and up to four lists in the order of the flags: mappings (entity, hash), despawns (entity), removals and changes (entity, length,
/// numbers of components, with their values in changes). Each but the last begins with its count; the last goes to the end. A mutation is flags, an index, two
/// ticks and a list as of changes.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Parts>().add_systems(PreUpdate, check.after(ClientSystems::ReceivePackets).before(ClientSystems::Receive));
}

/// Lets the keeper of a room tell everybody of a component.
pub(super) fn replicate<C: Component<Mutability: MutWrite<C>> + Serialize + DeserializeOwned>(app: &mut App) {
    app.replicate::<C>();
    app.init_resource::<Parts>();
    app.world_mut().resource_mut::<Parts>().0.push(|value| {
        let read: Result<C, _> = postcard_utils::from_buf(value);
        read.is_ok()
    });
}

fn check(parts: Res<Parts>, mut messages: ResMut<ClientMessages>, entities: Query<(), With<Remote>>, mut commands: Commands) {
    let is_sound = messages.iter_received(ServerChannel::Updates).all(|update| parts.is_update(update.clone()))
        && messages.iter_received(ServerChannel::Mutations).all(|mutation| parts.is_mutation(mutation.clone()))
        && entities.iter().len() <= ENTITIES_MAX;
    if !is_sound {
        messages.drain_received(ServerChannel::Updates).for_each(drop);
        messages.drain_received(ServerChannel::Mutations).for_each(drop);
        commands.trigger(HangUp("The host sent what is no news of a room."));
    }
}

/// How the value of each component is read, in the order in which they were made known: that is their number in messages.
#[derive(Resource, Default)]
struct Parts(Vec<fn(&mut Bytes) -> bool>);

impl Parts {
    fn is_update(&self, mut update: Bytes) -> bool {
        self.read_update(&mut update).is_some()
    }

    fn is_mutation(&self, mut mutation: Bytes) -> bool {
        self.read_mutation(&mut mutation).is_some()
    }

    fn read_update(&self, rest: &mut Bytes) -> Option<()> {
        let flags: u8 = read(rest)?;
        let _tick: u32 = read(rest)?;
        // Our rooms send no data beside the components.
        if flags & !(MAPPINGS | DESPAWNS | REMOVALS | CHANGES) != 0 {
            return None;
        }
        for list in [MAPPINGS, DESPAWNS, REMOVALS, CHANGES].into_iter().filter(|list| flags & list != 0) {
            let is_last = flags < list << 1;
            let count = if is_last { usize::MAX } else { read(rest)? };
            let mut done = 0;
            while done < count && !(is_last && rest.is_empty()) {
                self.read_entry(list, rest)?;
                done += 1;
            }
        }
        Some(())
    }

    fn read_mutation(&self, rest: &mut Bytes) -> Option<()> {
        let flags: u8 = read(rest)?;
        let _index: [u8; 2] = read(rest)?;
        let (_update, _tick): (u32, u32) = (read(rest)?, read(rest)?);
        if flags & !MUTATIONS != 0 {
            return None;
        }
        while flags & MUTATIONS != 0 && !rest.is_empty() {
            self.read_entry(CHANGES, rest)?;
        }
        Some(())
    }

    fn read_entry(&self, list: u8, rest: &mut Bytes) -> Option<()> {
        postcard_utils::entity_from_buf(rest).ok()?;
        if list == MAPPINGS {
            let _hash: [u8; 8] = read(rest)?;
        }
        if list == MAPPINGS || list == DESPAWNS {
            return Some(());
        }
        let length: usize = read(rest)?;
        let mut values = (length <= rest.len()).then(|| rest.split_to(length))?;
        while !values.is_empty() {
            let number: usize = read(&mut values)?;
            let is_whole = self.0.get(number)?;
            if list == CHANGES && !is_whole(&mut values) {
                return None;
            }
        }
        Some(())
    }
}

fn read<T: DeserializeOwned>(rest: &mut Bytes) -> Option<T> {
    postcard_utils::from_buf(rest).ok()
}

const MAPPINGS: u8 = 1 << 1;
const DESPAWNS: u8 = 1 << 2;
const REMOVALS: u8 = 1 << 3;
const CHANGES: u8 = 1 << 4;
const MUTATIONS: u8 = 1 << 2;
/// A room and seventy people, and as many again on their way out.
const ENTITIES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use bevy_replicon::test_app::ServerTestAppExt as _;
    use proptest::prelude::*;

    use super::*;

    #[derive(Component, Serialize, serde::Deserialize)]
    struct Place(u16);

    #[derive(Component, Serialize, serde::Deserialize)]
    struct Label(String);

    /// A room of two, in which the keeper has told its guest of a place and a label, and then changed both.
    fn told() -> (App, Vec<(usize, Bytes)>) {
        let (mut keeper, mut guest) = (app(), app());
        keeper.connect_client(&mut guest);
        let mut heard = Vec::new();
        let mut step = |keeper: &mut App, guest: &mut App| {
            keeper.update();
            heard.extend(keeper.world().resource::<ServerMessages>().iter_sent().map(|(_, channel, message)| (channel, message.clone())));
            keeper.exchange_with_client(guest);
            guest.update();
            keeper.exchange_with_client(guest);
        };
        let room = keeper.world_mut().spawn((Replicated, Place(300), Label("a".repeat(90)))).id();
        step(&mut keeper, &mut guest);
        keeper.world_mut().entity_mut(room).insert(Place(2));
        step(&mut keeper, &mut guest);
        keeper.world_mut().entity_mut(room).remove::<Label>();
        step(&mut keeper, &mut guest);
        keeper.world_mut().spawn((Replicated, Place(9)));
        keeper.world_mut().entity_mut(room).despawn();
        step(&mut keeper, &mut guest);
        let mut places = guest.world_mut().query::<&Place>();
        assert_eq!(places.iter(guest.world()).map(|place| place.0).collect::<Vec<_>>(), [9], "honest news comes through");
        (guest, heard)
    }

    fn app() -> App {
        let mut app = App::new();
        app.add_plugins((MinimalPlugins, bevy::state::app::StatesPlugin, RepliconPlugins.set(ServerPlugin::new(PostUpdate)), plugin));
        replicate::<Place>(&mut app);
        replicate::<Label>(&mut app);
        app.finish();
        app
    }

    #[test]
    fn news_of_a_real_room_is_sound_and_cut_short_it_is_not() {
        let (guest, heard) = told();
        let parts = guest.world().resource::<Parts>();
        let updates: Vec<_> = heard.iter().filter(|(channel, _)| *channel == 0).map(|(_, message)| message.clone()).collect();
        let mutations: Vec<_> = heard.iter().filter(|(channel, _)| *channel == 1).map(|(_, message)| message.clone()).collect();
        assert!(updates.len() >= 3 && !mutations.is_empty(), "{} {}", updates.len(), mutations.len());
        assert!(updates.iter().all(|update| parts.is_update(update.clone())));
        assert!(mutations.iter().all(|mutation| parts.is_mutation(mutation.clone())));
        let first = &updates[0];
        assert!((3..first.len()).all(|length| !parts.is_update(first.slice(..length))));
    }

    #[test]
    fn wrong_numbers_and_lengths_are_refused() {
        let (guest, _) = told();
        let parts = guest.world().resource::<Parts>();
        // Flags, tick, entity, length, component, value.
        assert!(parts.is_update(Bytes::from_static(&[CHANGES, 1, 8, 2, 0, 5])));
        assert!(!parts.is_update(Bytes::from_static(&[CHANGES, 1, 8, 2, 2, 5])), "there are two components");
        assert!(!parts.is_update(Bytes::from_static(&[CHANGES, 1, 8, 9, 0, 5])), "longer than the message");
        assert!(
            !parts.is_update(Bytes::from_static(&[REMOVALS, 1, 8, 1, 7])) && parts.is_update(Bytes::from_static(&[REMOVALS, 1, 8, 1, 1]))
        );
        assert!(!parts.is_update(Bytes::from_static(&[1, 1, 0])) && !parts.is_update(Bytes::from_static(&[0x80, 1])));
        assert!(parts.is_mutation(Bytes::from_static(&[MUTATIONS, 0x80, 0, 1, 1, 8, 2, 0, 5])));
        assert!(!parts.is_mutation(Bytes::from_static(&[MUTATIONS, 0x80, 0, 1, 1, 8, 2, 5, 5])));
    }

    proptest! {
        /// Whatever is let through does not end the program.
        #[test]
        fn whatever_a_host_sends_the_guest_lives(
            messages in prop::collection::vec((0usize..2, prop::collection::vec(prop_oneof![0u8..20, any::<u8>()], 0..40)), 1..30),
        ) {
            let (mut guest, _) = told();
            for (channel, message) in messages {
                guest.world_mut().resource_mut::<ClientMessages>().insert_received(channel, message);
                guest.update();
            }
        }
    }
}
