//! Rules of the room, with several theaters in one process: replicon's messages are carried by hand, time passes 50 ms a round.

mod hostile;
mod moderators;
mod talk;

use bevy::{prelude::*, state::app::StatesPlugin, time::TimePlugin};
use bevy_replicon::{
    prelude::*,
    test_app::{ServerTestAppExt as _, TestClientEntity},
};

use super::*;
use crate::{clock::FilmTime, net::Addresses};

const ROUND_NS: i64 = 50_000_000;
const SECOND: i64 = 1_000_000_000;

/// A host and its guests.
struct Theater {
    host: App,
    guests: Vec<App>,
}

#[derive(Resource, Default)]
struct Said(Vec<String>);

fn app(name: &str) -> App {
    let mut app = App::new();
    app.add_plugins((TaskPoolPlugin::default(), TimePlugin, StatesPlugin));
    app.insert_resource(Myself { name: PersonName::from(name), ..Myself::new(Identity::open(None).0) });
    app.add_plugins(plugin);
    app.init_resource::<Said>().add_observer(|notice: On<Notice>, mut said: ResMut<Said>| said.0.push(notice.event().text.clone()));
    app.finish();
    app.cleanup();
    app.update();
    app
}

impl Theater {
    fn open(guests: &[&str]) -> Self {
        let mut host = app("Ann");
        *host.world_mut().resource_mut::<Standing>() = Standing::Host;
        let mut theater = Self { host, guests: Vec::new() };
        for name in guests {
            theater.join(app(name), name);
        }
        theater
    }

    /// What the door does when a hello was accepted.
    fn join(&mut self, guest: App, name: &str) -> usize {
        self.join_by(guest, name, false)
    }

    /// The same, by the guests' invite or the moderators'.
    fn join_by(&mut self, mut guest: App, name: &str, moderator: bool) -> usize {
        let world = guest.world_mut();
        let own: Vec<_> = world.query_filtered::<Entity, Or<(With<Room>, With<Me>, With<Remote>)>>().iter(world).collect();
        own.into_iter().for_each(|entity| assert!(world.despawn(entity)));
        *world.resource_mut::<Standing>() = Standing::Guest;
        let id = world.resource::<Myself>().id();
        self.host.connect_client(&mut guest);
        let client = **guest.world().resource::<TestClientEntity>();
        let arrived = Arrived { id, name: name.to_owned(), moderator, addresses: Addresses::default() };
        self.host.world_mut().entity_mut(client).insert(arrived);
        self.guests.push(guest);
        self.rounds(4);
        self.guests.len() - 1
    }

    /// Goes with a goodbye.
    fn leave(&mut self, guest: usize) -> App {
        let id = id(&self.guests[guest]);
        self.host.world_mut().trigger(LeftForGood { id });
        self.lose(guest)
    }

    /// The line breaks.
    fn lose(&mut self, guest: usize) -> App {
        let mut guest = self.guests.remove(guest);
        self.host.disconnect_client(&mut guest);
        self.rounds(2);
        guest
    }

    fn rounds(&mut self, count: usize) {
        for _ in 0..count {
            for app in std::iter::once(&mut self.host).chain(&mut self.guests) {
                app.world_mut().resource_mut::<Now>().mono_ns += ROUND_NS;
            }
            self.host.update();
            for guest in &mut self.guests {
                // Whoever was shown the door hears no more.
                if self.host.world().get_entity(**guest.world().resource::<TestClientEntity>()).is_err() {
                    continue;
                }
                self.host.exchange_with_client(guest);
                guest.update();
                self.host.exchange_with_client(guest);
            }
        }
    }

    fn ask<W: Wish + for<'a> Event<Trigger<'a>: Default>>(&mut self, who: Option<usize>, wish: W) {
        let app = who.map_or(&mut self.host, |guest| &mut self.guests[guest]);
        app.world_mut().trigger(wish);
        app.world_mut().flush();
        self.rounds(4);
    }

    /// A film that somebody puts on.
    fn present(&mut self, who: Option<usize>) {
        let film = FilmOnScreen {
            id: FilmId::random(),
            presenter: ParticipantId::from_bytes([9; 32]),
            is_orphaned: true,
            size_bytes: 1000,
            title: Title::from("A film"),
            duration_ns: Some(600 * SECOND),
            breaks_off_ns: None,
        };
        self.ask(who, Ask::Present { film, plays: true, at: FilmTime::ZERO });
    }

    fn all_ready(&mut self) {
        let generation = playback(&mut self.host).generation;
        for who in std::iter::once(None).chain((0..self.guests.len()).map(Some)) {
            self.ask(who, Ask::Ready { generation });
        }
    }

    fn everybody(&mut self) -> impl Iterator<Item = &mut App> {
        std::iter::once(&mut self.host).chain(&mut self.guests)
    }
}

fn playback(app: &mut App) -> Playback {
    let world = app.world_mut();
    world.query_filtered::<&Playback, With<Room>>().single(world).unwrap().clone()
}

fn people(app: &mut App) -> Vec<(String, u8)> {
    let world = app.world_mut();
    let mut people: Vec<_> =
        world.query::<(&Participant, &Sits)>().iter(world).map(|(who, sits)| (who.name.to_string(), sits.0.get())).collect();
    people.sort();
    people
}

fn id(app: &App) -> ParticipantId {
    app.world().resource::<Myself>().id()
}

fn chat(app: &App) -> Vec<String> {
    let lines = app.world().resource::<Chat>().lines();
    lines.map(|line| if line.is_said() { format!("{}: {}", line.name, line.text) } else { line.text.to_string() }).collect()
}

fn said(app: &App) -> String {
    app.world().resource::<Said>().0.join("\n")
}

#[test]
fn everybody_sees_the_same_people_each_with_a_name_and_a_seat_of_their_own() {
    let mut theater = Theater::open(&["Bo", "bo"]);
    let seen: Vec<_> = theater.everybody().map(people).collect();
    assert_eq!(seen[0].iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Ann", "Bo", "bo 2"]);
    assert!(seen.iter().all(|people| *people == seen[0]), "{seen:?}");
    let seats: std::collections::BTreeSet<_> = seen[0].iter().map(|(_, seat)| seat).collect();
    assert_eq!(seats.len(), 3);
    let me: Vec<_> = theater
        .everybody()
        .map(|app| {
            let world = app.world_mut();
            world.query_filtered::<&Participant, With<Me>>().single(world).unwrap().name.to_string()
        })
        .collect();
    assert_eq!(me, ["Ann", "Bo", "bo 2"]);
}

#[test]
fn a_seat_holds_one_person() {
    let mut theater = Theater::open(&["Bo"]);
    theater.ask(Some(0), SitDown(SeatNumber::new(7).unwrap()));
    assert!(people(&mut theater.host).contains(&("Bo".to_owned(), 7)));
    theater.ask(None, SitDown(SeatNumber::new(7).unwrap()));
    assert!(said(&theater.host).contains("Bo sits in seat 7."));
    theater.ask(Some(0), SitDown(SeatNumber::BEST));
    assert!(said(&theater.guests[0]).contains("Ann sits in seat 35."), "{}", said(&theater.guests[0]));
    assert_eq!(people(&mut theater.guests[0]), [("Ann".to_owned(), 35), ("Bo".to_owned(), 7)]);
}

#[test]
fn of_two_who_want_one_seat_at_once_one_sits_there_and_the_other_is_told() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    for guest in &mut theater.guests {
        guest.world_mut().trigger(SitDown(SeatNumber::new(7).unwrap()));
        guest.world_mut().flush();
    }
    theater.rounds(4);
    let seats: Vec<_> = theater.everybody().map(people).collect();
    assert!(seats.iter().all(|seen| *seen == seats[0] && seen.iter().filter(|(_, seat)| *seat == 7).count() == 1), "{seats:?}");
    let told = theater.guests.iter().filter(|guest| said(guest).contains("in seat 7.")).count();
    assert_eq!(told, 1);
}

#[test]
fn another_film_ends_the_one_that_runs_and_gathers_for_everybody() {
    let mut theater = Theater::open(&["Bo"]);
    theater.present(None);
    theater.all_ready();
    theater.rounds(40);
    let now = theater.host.world().resource::<Now>().room();
    let first = playback(&mut theater.host);
    assert!(first.gather.is_none() && first.timeline.film_at(now) > FilmTime::ZERO);
    theater.present(Some(0));
    for app in theater.everybody() {
        let second = playback(app);
        assert!(second.gather.is_some_and(|gather| gather.plays) && second.timeline == crate::clock::Timeline::standing(FilmTime::ZERO));
        assert!(second.generation > first.generation && second.film.as_ref().unwrap().id != first.film.as_ref().unwrap().id);
    }
    theater.all_ready();
    theater.rounds(20);
    for app in theater.everybody() {
        assert!(playback(app).gather.is_none() && playback(app).timeline.after == crate::clock::Motion::Runs);
    }
}

#[test]
fn a_film_gathers_until_all_are_ready_and_a_guests_pause_is_everybodys() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.present(Some(0));
    let presented = playback(&mut theater.guests[1]);
    let film = presented.film.clone().unwrap();
    assert_eq!(film.presenter, id(&theater.guests[0]), "the presenter is who asks, whatever they say");
    theater.ask(Some(0), Ask::Ready { generation: presented.generation });
    theater.ask(None, Ask::Ready { generation: presented.generation });
    assert!(playback(&mut theater.host).gather.is_some(), "Cy is waited for");
    theater.ask(Some(1), Ask::Ready { generation: presented.generation });
    assert!(playback(&mut theater.host).gather.is_none());
    theater.rounds(40);
    theater.ask(Some(1), Ask::Rate(crate::clock::Rate::MOST));
    assert!(theater.everybody().map(playback).all(|playback| playback.timeline.rate == crate::clock::Rate::MOST));
    assert!(chat(&theater.guests[0]).iter().any(|line| line == "Cy set the speed to 2×."));
    theater.ask(Some(1), Ask::Pause);
    let paused: Vec<_> = theater.everybody().map(playback).collect();
    assert_eq!(paused[0].timeline.after, crate::clock::Motion::Stands);
    assert!(paused.iter().all(|playback| *playback == paused[0]));
    assert!(chat(&theater.guests[0]).iter().any(|line| line.starts_with("Cy paused at 0:0")), "{:?}", chat(&theater.guests[0]));
}

#[test]
fn a_gathering_ends_by_its_limit_or_by_hand() {
    let mut theater = Theater::open(&["Bo"]);
    theater.present(None);
    theater.rounds((9 * SECOND / ROUND_NS) as usize);
    assert!(playback(&mut theater.host).gather.is_some());
    theater.rounds((2 * SECOND / ROUND_NS) as usize);
    assert!(playback(&mut theater.guests[0]).gather.is_none());
    theater.ask(Some(0), Ask::SeekTo(FilmTime::from_ns(30 * SECOND)));
    assert!(playback(&mut theater.host).gather.is_some());
    theater.ask(Some(0), Ask::StartAnyway);
    assert!(playback(&mut theater.host).gather.is_none());
}

#[test]
fn a_moderator_says_how_long_a_film_waits_and_a_host_keeps_it() {
    let mut theater = Theater::open(&["Bo"]);
    theater.ask(Some(0), Moderation::GatherLimit(GatherLimit::from(3)));
    assert!(said(&theater.guests[0]).contains("Only a moderator"));
    theater.ask(None, Moderation::GatherLimit(GatherLimit::from(20)));
    assert!(chat(&theater.guests[0]).iter().any(|line| line == "Ann lets a film wait 20 seconds for everybody."));
    theater.present(None);
    theater.rounds((19 * SECOND / ROUND_NS) as usize);
    assert!(playback(&mut theater.guests[0]).gather.is_some());
    theater.rounds((2 * SECOND / ROUND_NS) as usize);
    assert!(playback(&mut theater.guests[0]).gather.is_none());
    let bo = id(&theater.guests[0]);
    theater.ask(None, Moderation::Promote { who: bo });
    theater.ask(Some(0), Moderation::GatherLimit(GatherLimit::from(5)));
    let rules = |app: &mut App| app.world_mut().query_filtered::<&Rules, With<Room>>().single(app.world()).unwrap().gather_limit.s();
    assert_eq!((rules(&mut theater.host), rules(&mut theater.guests[0])), (5, 5));
    let kept = |app: &App| app.world().resource::<Myself>().gather_limit.s();
    assert_eq!((kept(&theater.host), kept(&theater.guests[0])), (20, 10), "kept is what one chose for one's own rooms");
    assert_eq!((GatherLimit::from(0).s(), GatherLimit::from(255).s()), (GatherLimit::LEAST_S, GatherLimit::MOST_S));
}

#[test]
fn somebody_who_leaves_is_not_waited_for() {
    let mut theater = Theater::open(&["Bo"]);
    theater.present(None);
    let generation = playback(&mut theater.host).generation;
    theater.ask(None, Ask::Ready { generation });
    assert!(playback(&mut theater.host).gather.is_some());
    drop(theater.leave(0));
    assert!(playback(&mut theater.host).gather.is_none());
    assert_eq!(chat(&theater.host).last().unwrap(), "Bo left.");
}

#[test]
fn a_presenter_who_leaves_takes_the_remote_along_and_the_film_ends_in_order() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.present(Some(0));
    theater.all_ready();
    theater.rounds(20);
    drop(theater.leave(0));
    assert!(playback(&mut theater.guests[0]).film.unwrap().is_orphaned);
    theater.ask(Some(0), Ask::SeekBy { ns: SECOND });
    assert!(said(&theater.guests[0]).contains("cannot be moved"));
    let Playback { generation, .. } = playback(&mut theater.host);
    theater.ask(Some(0), Ask::Ended { generation, at: FilmTime::from_ns(5 * SECOND) });
    let ended = playback(&mut theater.host);
    assert_eq!((ended.timeline.film, ended.timeline.after), (FilmTime::from_ns(5 * SECOND), crate::clock::Motion::Stands));
}

#[test]
fn a_presenter_whose_line_broke_is_awaited_for_a_while() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.present(Some(0));
    theater.all_ready();
    let bo = id(&theater.guests[0]);
    drop(theater.lose(0));
    theater.rounds(20 * 19);
    theater.ask(Some(0), Ask::SeekBy { ns: SECOND });
    assert!(!playback(&mut theater.host).film.unwrap().is_orphaned && playback(&mut theater.host).gather.is_some());
    theater.rounds(20 * 2);
    assert!(playback(&mut theater.guests[0]).film.unwrap().is_orphaned, "{bo:?} did not come back");
}

#[test]
fn a_presenter_without_the_file_says_so_and_nobody_else_may() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.present(Some(0));
    theater.all_ready();
    let film = playback(&mut theater.host).film.unwrap().id;
    theater.ask(Some(1), Ask::Forsake { film });
    assert!(!playback(&mut theater.host).film.unwrap().is_orphaned);
    theater.ask(Some(0), Ask::Forsake { film });
    assert!(playback(&mut theater.host).film.unwrap().is_orphaned);
}

#[test]
fn only_the_presenters_copy_says_where_a_film_ends() {
    let mut theater = Theater::open(&["Bo"]);
    theater.present(None);
    theater.all_ready();
    theater.rounds(10);
    let before = playback(&mut theater.host);
    theater.ask(Some(0), Ask::Ended { generation: before.generation, at: FilmTime::from_ns(SECOND) });
    assert_eq!(playback(&mut theater.host), before);
    theater.ask(None, Ask::Ended { generation: before.generation, at: FilmTime::from_ns(600 * SECOND) });
    assert!(!playback(&mut theater.host).plays(theater.host.world().resource::<Now>().room()));
}

#[test]
fn a_film_whose_presenter_is_gone_runs_out_by_nobodys_fault_and_stands_when_all_have_lost_it() {
    let orphaned = || {
        let mut theater = Theater::open(&["Bo", "Cy"]);
        theater.present(Some(1));
        theater.all_ready();
        theater.rounds(20);
        drop(theater.leave(1));
        assert!(playback(&mut theater.host).film.unwrap().is_orphaned);
        theater
    };
    let runs = |theater: &mut Theater| {
        let now = theater.host.world().resource::<Now>().room();
        playback(&mut theater.host).plays(now)
    };
    let mut theater = orphaned();
    let generation = playback(&mut theater.host).generation;
    theater.ask(Some(0), Ask::Ended { generation, at: FilmTime::from_ns(20 * SECOND) });
    let lines = chat(&theater.host);
    assert_eq!(lines.last().unwrap(), "“A film” came only as far as 0:20, and whoever brought it is gone.");
    assert!(!runs(&mut theater) && !lines.iter().any(|line| line.contains("damaged")), "{lines:?}");

    let mut theater = orphaned();
    let broken = Viewing { state: ViewingState::Broken, buffered_s: 0 };
    theater.ask(Some(0), Mine(broken));
    assert!(runs(&mut theater), "Ann still sees it");
    theater.ask(None, Mine(broken));
    assert!(!runs(&mut theater));
    assert_eq!(chat(&theater.host).iter().filter(|line| line.ends_with("nobody here can play it any more.")).count(), 1);
}

#[test]
fn a_locked_remote_obeys_moderators_and_whom_they_allow() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.present(None);
    theater.all_ready();
    theater.ask(Some(0), Moderation::Lock);
    assert!(said(&theater.guests[0]).contains("Only a moderator"));
    theater.ask(None, Moderation::Lock);
    theater.ask(Some(0), Ask::Rate(crate::clock::Rate::MOST));
    assert_eq!(playback(&mut theater.host).timeline.rate, crate::clock::Rate::ONE);
    theater.ask(Some(0), Ask::Pause);
    assert!(said(&theater.guests[0]).contains("The remote is locked."));
    assert_eq!(playback(&mut theater.host).timeline.after, crate::clock::Motion::Runs);
    let bo = id(&theater.guests[0]);
    theater.ask(None, Moderation::Allow { who: bo, right: Right::Remote });
    theater.ask(Some(0), Ask::Pause);
    assert_eq!(playback(&mut theater.host).timeline.after, crate::clock::Motion::Stands);
    let newcomer = theater.join(app("Di"), "Di");
    theater.ask(Some(newcomer), Ask::Play);
    assert!(said(&theater.guests[newcomer]).contains("The remote is locked."), "who comes later has no remote either");
    theater.ask(None, Moderation::Unlock);
    theater.ask(Some(newcomer), Ask::Play);
    assert_eq!(playback(&mut theater.host).timeline.after, crate::clock::Motion::Runs);
}

#[test]
fn who_may_not_present_or_speak_is_told_so() {
    let mut theater = Theater::open(&["Bo"]);
    let bo = id(&theater.guests[0]);
    theater.ask(None, Moderation::Deny { who: bo, right: Right::Present });
    theater.present(Some(0));
    assert!(playback(&mut theater.host).film.is_none() && said(&theater.guests[0]).contains("did not choose you"));
    theater.ask(None, Moderation::Deny { who: bo, right: Right::Speak });
    theater.ask(Some(0), Say(Words::from("hello")));
    assert!(said(&theater.guests[0]).contains("muted you") && !chat(&theater.host).iter().any(|line| line.contains("hello")));
    theater.ask(None, Moderation::Promote { who: bo });
    theater.ask(Some(0), Moderation::Lock);
    assert!(chat(&theater.host).iter().any(|line| line.starts_with("Bo locked the remote")));
}

#[test]
fn somebody_removed_is_gone_for_everybody_and_the_host_stays() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    let (ann, bo) = (id(&theater.host), id(&theater.guests[0]));
    theater.ask(None, Moderation::Promote { who: bo });
    theater.ask(Some(0), Moderation::Kick { who: ann });
    assert!(said(&theater.guests[0]).contains("keeps this room"));
    theater.ask(None, Moderation::Kick { who: bo });
    assert_eq!(people(&mut theater.guests[1]).len(), 2);
    assert!(chat(&theater.guests[1]).contains(&"Ann removed Bo.".to_owned()));
}

#[test]
fn coming_back_leaves_no_doubles_and_finds_the_seat() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.ask(Some(0), SitDown(SeatNumber::new(3).unwrap()));
    for _ in 0..3 {
        let bo = theater.leave(0);
        theater.guests.rotate_left(0);
        theater.join(bo, "Bo");
        theater.guests.swap(0, 1);
    }
    for app in theater.everybody() {
        assert_eq!(people(app).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Ann", "Bo", "Cy"]);
        assert!(people(app).contains(&("Bo".to_owned(), 3)));
    }
    theater.ask(None, Say(Words::from("again")));
    assert_eq!(chat(&theater.guests[0]).last().unwrap(), "Ann: again");
    assert_eq!(chat(&theater.host).iter().filter(|line| *line == "Bo is back.").count(), 3);
}

#[test]
fn leaving_undoes_nothing_that_a_moderator_did() {
    let mut theater = Theater::open(&["Bo"]);
    let bo = id(&theater.guests[0]);
    theater.ask(None, Moderation::Deny { who: bo, right: Right::Speak });
    let bo = theater.leave(0);
    let again = theater.join(bo, "Bo");
    theater.ask(Some(again), Say(Words::from("hello")));
    assert!(!chat(&theater.host).iter().any(|line| line.contains("hello")) && said(&theater.guests[again]).contains("muted you"));
}

#[test]
fn the_same_person_on_a_new_line_takes_the_place_of_the_old_one() {
    let mut theater = Theater::open(&["Bo"]);
    let again = app("Bo");
    let bo = id(&theater.guests[0]);
    let number = theater.join(again, "Bo");
    let client = **theater.guests[number].world().resource::<TestClientEntity>();
    let arrived = Arrived { id: bo, name: "Bo".to_owned(), moderator: false, addresses: Addresses::default() };
    theater.host.world_mut().entity_mut(client).remove::<Arrived>().insert(arrived);
    theater.rounds(3);
    assert_eq!(people(&mut theater.host).iter().filter(|(name, _)| name == "Bo").count(), 1);
}

#[test]
fn the_seventy_first_is_turned_away() {
    let mut theater = Theater::open(&[]);
    theater.host.add_observer(|expel: On<Expel>, mut said: ResMut<Said>| said.0.push(expel.event().sentence.clone()));
    for number in 0..80u8 {
        let arrived = Arrived {
            id: ParticipantId::from_bytes([number; 32]),
            name: "Guest".to_owned(),
            moderator: false,
            addresses: Addresses::default(),
        };
        theater.host.world_mut().spawn(arrived);
        theater.host.update();
    }
    assert_eq!(people(&mut theater.host).len(), PEOPLE_MAX);
    // Ann and the first 69 have a seat.
    assert_eq!(theater.host.world().resource::<Said>().0, ["The theater is full: 70 people are here."; 11]);
}

#[test]
fn values_that_cannot_be_cost_their_sender_the_place() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.ask(Some(0), Mine(Appearance { hue: 200, style: 0 }));
    assert_eq!(people(&mut theater.guests[1]).len(), 2);
    theater.present(None);
    for place in [i64::MAX, i64::MIN, -1] {
        theater.ask(Some(1), Ask::SeekTo(FilmTime::from_ns(place)));
        theater.ask(Some(1), Ask::SeekBy { ns: place });
        let place = playback(&mut theater.host).timeline.film.ns();
        assert!((0..=600 * SECOND).contains(&place), "{place}");
    }
}

#[test]
fn heads_turn_for_everybody() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    let head = Head::from_radians(0.7, -0.2);
    theater.guests[0].world_mut().resource_mut::<Turned>().0 = head;
    theater.rounds(6);
    let world = theater.guests[1].world_mut();
    let seen: Vec<_> = world.query::<(&Participant, &Head)>().iter(world).filter(|(who, _)| who.name.as_str() == "Bo").collect();
    assert_eq!(*seen[0].1, head);
}

#[test]
fn everybody_sees_who_is_on_their_feet_and_whoever_comes_later_does_too() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    let stance = Stance::at(-4.6, 8.25);
    theater.guests[0].world_mut().resource_mut::<Footing>().0 = stance;
    theater.rounds(6);
    let late = theater.join(app("Di"), "Di");
    for guest in [1, late] {
        let world = theater.guests[guest].world_mut();
        let seen: Vec<_> = world.query::<(&Participant, &Stance)>().iter(world).filter(|(who, _)| who.name.as_str() == "Bo").collect();
        assert_eq!(*seen[0].1, stance);
    }
    theater.guests[0].world_mut().resource_mut::<Footing>().0 = Stance::Seated;
    theater.rounds(6);
    let world = theater.host.world_mut();
    assert!(world.query::<&Stance>().iter(world).all(|stance| *stance == Stance::Seated));
    theater.ask(Some(1), Mine(Stance::Standing { x_cm: i16::MAX, z_cm: 0 }));
    assert_eq!(people(&mut theater.host).len(), 3, "whoever stands outside of every hall is shown the door");
}

#[test]
fn whoever_is_cut_off_hears_that_nobody_hears_them() {
    let mut theater = Theater::open(&["Bo"]);
    *theater.guests[0].world_mut().resource_mut::<Standing>() = Standing::Joining;
    theater.ask(Some(0), Ask::Ready { generation: 1 });
    assert_eq!(theater.guests[0].world().resource::<Said>().0, Vec::<String>::new());
    theater.ask(Some(0), Ask::Pause);
    assert_eq!(theater.guests[0].world().resource::<Said>().0, ["The theater cannot hear you now: wait until you are connected."]);
}
