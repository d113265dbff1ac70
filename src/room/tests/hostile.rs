use std::cell::Cell;

use bevy_replicon::{client::ServerUpdateTick, postcard_utils};
use proptest::{
    prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_oneof, proptest},
    test_runner::TestRunner,
};

use super::*;
use crate::clock::Rate;

/// Numbers that people mean, and the last ones there are.
fn ns() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(-1i64), Just(0i64), any::<i64>(), 0..1200 * SECOND]
}

fn place() -> impl Strategy<Value = FilmTime> {
    ns().prop_map(FilmTime::from_ns)
}

/// 0 stands for the one that is shown when it is asked for.
fn generation() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(0u32), 1 => any::<u32>()]
}

fn rate() -> impl Strategy<Value = Rate> {
    prop_oneof![prop::num::f64::ANY, 0.4f64..2.1].prop_map(|factor| Rate::from_factor(factor).unwrap_or(Rate::MOST))
}

fn film_id() -> impl Strategy<Value = FilmId> {
    (0u8..2).prop_map(|number| FilmId::from_bytes([number; 16]))
}

fn film() -> impl Strategy<Value = FilmOnScreen> {
    let lengths = (prop::option::of(ns()), prop::option::of(ns()));
    (film_id(), any::<bool>(), any::<u64>(), any::<String>(), lengths).prop_map(
        |(id, is_orphaned, size_bytes, title, (duration_ns, breaks_off_ns))| FilmOnScreen {
            id,
            presenter: ParticipantId::from_bytes([9; 32]),
            is_orphaned,
            size_bytes,
            title: Title::from(title),
            duration_ns,
            breaks_off_ns,
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        Just(Ask::Play),
        Just(Ask::Pause),
        Just(Ask::Toggle),
        place().prop_map(Ask::SeekTo),
        ns().prop_map(|ns| Ask::SeekBy { ns }),
        (film(), any::<bool>(), place()).prop_map(|(film, plays, at)| Ask::Present { film, plays, at }),
        generation().prop_map(|generation| Ask::Ready { generation }),
        Just(Ask::StartAnyway),
        (generation(), place()).prop_map(|(generation, at)| Ask::Ended { generation, at }),
        Just(Ask::Close),
        film_id().prop_map(|film| Ask::Forsake { film }),
        rate().prop_map(Ask::Rate),
    ]
}

/// What somebody wants. Whom it is about is known when they are there: Ann, Bo, or nobody.
#[derive(Debug, Clone)]
enum Wanted {
    Film(Ask),
    People { kind: u8, about: usize, right: Right, number: u8 },
    Body(f32, f32),
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let people = (0u8..7, 0usize..3, prop::sample::select(Right::ALL.to_vec()), any::<u8>());
    prop_oneof![
        6 => ask().prop_map(Wanted::Film),
        2 => people.prop_map(|(kind, about, right, number)| Wanted::People { kind, about, right, number }),
        1 => (prop::num::f32::ANY, prop::num::f32::ANY).prop_map(|(x, z)| Wanted::Body(x, z)),
    ]
}

fn moderation(kind: u8, who: ParticipantId, right: Right, number: u8) -> Moderation {
    match kind {
        0 => Moderation::Kick { who },
        1 => Moderation::Allow { who, right },
        2 => Moderation::Deny { who, right },
        3 => Moderation::Promote { who },
        4 => Moderation::Lock,
        5 => Moderation::Unlock,
        _ => Moderation::GatherLimit(GatherLimit::from(number)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn whatever_is_wished_the_room_goes_on_and_the_film_stays_within_its_length(
        wishes in prop::collection::vec((any::<bool>(), wanted()), 1..24),
    ) {
        let mut theater = Theater::open(&["Bo"]);
        theater.present(None);
        theater.all_ready();
        let ids = [id(&theater.host), id(&theater.guests[0]), ParticipantId::from_bytes([77; 32])];
        let began_ns = theater.host.world().resource::<Now>().mono_ns;
        for (is_bo, wanted) in wishes {
            let who = is_bo.then_some(0);
            let generation = playback(&mut theater.host).generation;
            match wanted {
                Wanted::Film(Ask::Ready { generation: 0 }) => theater.ask(who, Ask::Ready { generation }),
                Wanted::Film(Ask::Ended { generation: 0, at }) => theater.ask(who, Ask::Ended { generation, at }),
                Wanted::Film(ask) => theater.ask(who, ask),
                Wanted::People { kind, about, right, number } => theater.ask(who, moderation(kind, ids[about], right, number)),
                Wanted::Body(x, z) => {
                    theater.ask(who, Mine(Stance::at(x, z)));
                    theater.ask(who, Mine(Head::from_radians(x, z)));
                }
            }
            let shown = playback(&mut theater.host);
            let place_ns = shown.timeline.film.ns();
            let length_ns = shown.film.as_ref().and_then(|film| film.duration_ns);
            // At most twice as fast as the clock it runs on, until somebody says that it has ended.
            let passed_ns = theater.host.world().resource::<Now>().mono_ns - began_ns + theater.host.world().resource::<Lead>().0;
            let most_ns = length_ns.map_or(i64::MAX, |length_ns| length_ns + 2 * passed_ns);
            prop_assert!((0..=most_ns).contains(&place_ns), "at {place_ns} of {length_ns:?} ns");
            prop_assert!(length_ns.is_none_or(|length_ns| length_ns >= 0));
            prop_assert!(shown.film.is_some() || place_ns == 0);
        }
        prop_assert!(people(&mut theater.host).iter().any(|(name, _)| name == "Ann"));
        theater.ask(None, Say(Words::from("well")));
        prop_assert!(chat(&theater.host).contains(&"Ann: well".to_owned()));
    }
}

/// What somebody who speaks no language of ours puts on the room's channels; small bytes often, as kinds and lengths are small.
fn packets(most: usize) -> impl Strategy<Value = Vec<(prop::sample::Index, Vec<u8>)>> {
    let bytes = prop::collection::vec(prop_oneof![any::<u8>(), 0u8..16], 0..200);
    prop::collection::vec((any::<prop::sample::Index>(), bytes), 1..most)
}

#[test]
fn whatever_bytes_a_guest_sends_in_place_of_wishes_the_room_goes_on() {
    let expelled = Cell::new(0);
    let outcome = TestRunner::new(ProptestConfig::with_cases(48)).run(&packets(6), |packets| {
        let mut theater = Theater::open(&["Bo"]);
        let bo = **theater.guests[0].world().resource::<TestClientEntity>();
        let channels = theater.host.world().resource::<RepliconChannels>().client_channels().len();
        for (channel, bytes) in packets {
            let world = theater.host.world_mut();
            // Whoever was shown the door is not read any more.
            if world.get_entity(bo).is_ok() {
                world.resource_mut::<ServerMessages>().insert_received(bo, channel.index(channels), bytes);
            }
            theater.rounds(1);
        }
        theater.ask(None, Say(Words::from("well")));
        prop_assert!(chat(&theater.host).contains(&"Ann: well".to_owned()));
        expelled.set(expelled.get() + u32::from(people(&mut theater.host).len() == 1));
        Ok(())
    });
    outcome.unwrap();
    assert!(expelled.get() > 0, "none of it came to the room");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_bytes_a_host_sends_no_guest_ends(sent in packets(60)) {
        let mut theater = Theater::open(&["Bo"]);
        let guest = &mut theater.guests[0];
        let channels = guest.world().resource::<RepliconChannels>().server_channels().len();
        for (channel, bytes) in sent {
            guest.world_mut().resource_mut::<ClientMessages>().insert_received(channel.index(channels), bytes);
            guest.update();
        }
        // Words of the room are still heard, on whichever channel they come: of the first two replicon makes entities.
        let mut well = Vec::new();
        postcard_utils::to_extend_mut(&**guest.world().resource::<ServerUpdateTick>(), &mut well).unwrap();
        postcard_utils::to_extend_mut("well", &mut well).unwrap();
        for channel in 2..channels {
            guest.world_mut().resource_mut::<ClientMessages>().insert_received(channel, well.clone());
        }
        guest.update();
        prop_assert!(guest.world().resource::<Said>().0.iter().any(|sentence| sentence == "well"));
    }
}
