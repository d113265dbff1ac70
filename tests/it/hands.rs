//! Hands: keys, typed text, what the film does to the lights.

use std::time::Duration;

use bevy::{
    app::AppExit,
    ecs::message::Messages,
    input::{
        ButtonState,
        keyboard::{Key, KeyboardInput},
        mouse::{MouseButtonInput, MouseMotion},
    },
    prelude::*,
    window::{FileDragAndDrop, PrimaryWindow, WindowMode},
};
use bevy_egui::{egui, input::EguiWantsInput};
use houselights::{
    app::Pace,
    audio::Mixer,
    net::Addresses,
    room::{
        Arrived, Ask, Chat, Footing, Me, Moderation, NewLine, Parted, Participant, ParticipantId, Right, Rights, SeatNumber, Stance,
        Standing,
    },
    theater::{Cinema, HouseLights, Mood, PlaceSettings, Quality, SeatedCamera, StandUp, Stirring, Tier, Viewer, seat_place},
    ui::{Action, Company, Look, Panels, Remote, Talk, Theme, View},
};

use crate::support::{clip::Clip, hall::Hall, panels::Window as _};

pub(crate) fn press(hall: &mut Hall, code: KeyCode, typed: &str) {
    let world = hall.world();
    let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
    for state in [ButtonState::Pressed, ButtonState::Released] {
        let logical_key = if typed.is_empty() { Key::F35 } else { Key::Character(typed.into()) };
        hall.world().write_message(KeyboardInput { key_code: code, logical_key, state, text: None, repeat: false, window });
        hall.step();
    }
}

fn has_left(hall: &mut Hall) -> bool {
    !hall.world().resource::<Messages<AppExit>>().is_empty()
}

#[test]
fn keys_do_what_the_list_says() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.present(&film, false);
    press(&mut hall, KeyCode::Space, " ");
    let now = hall.world().resource::<houselights::room::Now>().room();
    assert!(hall.playback().plays(now + 1_000_000_000));
    press(&mut hall, KeyCode::Space, " ");
    press(&mut hall, KeyCode::ArrowRight, "");
    hall.until(|hall| hall.playback().gather.is_none());
    assert!(hall.playback().timeline.film.s() > 3.9, "five seconds on is the end of this film");
    press(&mut hall, KeyCode::KeyC, "c");
    press(&mut hall, KeyCode::Slash, "?");
    press(&mut hall, KeyCode::KeyR, "R");
    press(&mut hall, KeyCode::KeyN, "n");
    press(&mut hall, KeyCode::ArrowDown, "");
    let world = hall.world();
    assert!(world.resource::<Cinema>().0 && world.resource::<Panels>().help && !world.resource::<Remote>().is_up);
    assert_eq!((world.resource::<Look>().theme, world.resource::<Mixer>().film_volume()), (Theme::Dark, 95.0));
    press(&mut hall, KeyCode::Escape, "");
    assert!(!hall.world().resource::<Panels>().help && hall.world().resource::<Cinema>().0);
    press(&mut hall, KeyCode::KeyQ, "q");
    assert!(has_left(&mut hall));
}

#[test]
fn while_text_is_typed_no_key_reaches_the_hall() {
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.steps(2);
    hall.click_on("Path of a film");
    assert!(hall.world().resource::<EguiWantsInput>().wants_any_keyboard_input(), "the field has the keyboard");
    for (code, typed) in [(KeyCode::KeyC, "c"), (KeyCode::KeyR, "r"), (KeyCode::Slash, "?"), (KeyCode::KeyQ, "q")] {
        press(&mut hall, code, typed);
    }
    assert!(!has_left(&mut hall));
    let world = hall.world();
    assert!(!world.resource::<Cinema>().0 && world.resource::<Remote>().is_up && !world.resource::<Panels>().help);
}

#[test]
fn house_lights_follow_the_film_and_the_bar_fades_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (320, 180), seconds: 8.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.steps(5);
    assert_eq!(hall.world().resource::<HouseLights>().mood(), Mood::Lobby);
    hall.present(&film, true);
    hall.steps(60 * 4);
    let world = hall.world();
    assert_eq!(world.resource::<HouseLights>().mood(), Mood::Playing);
    assert!((world.resource::<HouseLights>().level() - Mood::Playing.level()).abs() < 0.01);
    assert_eq!(world.resource::<View>().visibility, 0.0, "three seconds after the last movement the film is alone");
    press(&mut hall, KeyCode::Space, " ");
    hall.steps(60);
    let world = hall.world();
    assert_eq!(world.resource::<HouseLights>().mood(), Mood::Paused);
    assert_eq!(world.resource::<View>().visibility, 1.0);
}

#[test]
fn a_film_that_runs_is_drawn_each_frame_and_a_still_hall_hardly_ever() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (320, 180), seconds: 20.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((320, 180), Tier::Low);
    let pace = |hall: &mut Hall| *hall.world().resource::<Pace>();
    let rests = |hall: &mut Hall| matches!(*hall.world().resource::<Pace>(), Pace::Resting(wait) if wait >= Duration::from_secs(1));
    hall.present(&film, false);
    // Curtain and lights come to rest, and the panels' three seconds pass.
    hall.steps(300);
    hall.until(rests);
    press(&mut hall, KeyCode::KeyV, "v");
    for _ in 0..120 {
        assert_eq!(pace(&mut hall), Pace::EachFrame, "a hand has moved");
        hall.step();
    }
    hall.until(rests);
    hall.trigger(Ask::Play);
    hall.until(|hall| *hall.world().resource::<Pace>() == Pace::EachFrame);
    for _ in 0..300 {
        hall.step();
        assert_eq!(pace(&mut hall), Pace::EachFrame, "the film runs");
    }
    hall.trigger(Ask::Pause);
    hall.until(rests);
    for _ in 0..120 {
        hall.step();
        assert!(rests(&mut hall), "nothing moves: {:?}", pace(&mut hall));
    }
}

#[test]
fn a_right_drag_looks_around_and_a_dropped_film_opens() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (320, 180), seconds: 1.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.steps(2);
    let world = hall.world();
    let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
    world.write_message(MouseButtonInput { button: MouseButton::Right, state: ButtonState::Pressed, window });
    world.write_message(MouseMotion { delta: Vec2::new(100.0, 20.0) });
    hall.step();
    let viewer = *hall.world().resource::<Viewer>();
    assert!(viewer.yaw.abs() > 0.2 && viewer.pitch.abs() > 0.02, "{viewer:?}");
    press(&mut hall, KeyCode::KeyV, "v");
    assert_eq!(hall.world().resource::<Viewer>().yaw, 0.0);
    press(&mut hall, KeyCode::KeyF, "f");
    assert_ne!(hall.world().get::<Window>(window).unwrap().mode, WindowMode::Windowed);
    hall.world().write_message(FileDragAndDrop::DroppedFile { window, path_buf: film });
    hall.until(|hall| hall.playback().film.is_some() && hall.playback().gather.is_none());
}

pub(crate) fn hold(hall: &mut Hall, code: KeyCode, state: ButtonState) {
    let world = hall.world();
    let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
    world.write_message(KeyboardInput { key_code: code, logical_key: Key::F35, state, text: None, repeat: false, window });
    hall.step();
}

#[test]
fn w_gets_up_and_walks_and_a_seat_is_sat_down_in_again() {
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.hide_panels();
    hall.steps(2);
    let seat = hall.world().resource::<Viewer>().seat;
    press(&mut hall, KeyCode::KeyW, "w");
    let up = hall.world().resource::<Viewer>().stands.expect("one stands");
    hall.steps(40);
    // Along the row, for ahead are the seats of the next one.
    hold(&mut hall, KeyCode::KeyD, ButtonState::Pressed);
    hall.steps(60);
    hold(&mut hall, KeyCode::KeyD, ButtonState::Released);
    hall.steps(60);
    let walked = hall.world().resource::<Viewer>().stands.unwrap();
    assert!(walked.x > up.x + 1.0 && (walked.y - up.y).abs() < 0.3, "{up} -> {walked}");
    assert!(!hall.world().resource::<Stirring>().0, "whoever has stopped costs no frames");
    let footing = hall.world().resource::<Footing>().0;
    assert_eq!(footing, Stance::at(walked.x, walked.y));
    let world = hall.world();
    let eye = world.query_filtered::<&Transform, With<SeatedCamera>>().single(world).unwrap().translation;
    assert!((eye.x - walked.x).abs() < 1e-3 && eye.y > seat_place(seat).eye.y, "{eye}");
    hall.act(Action::Sit(seat));
    hall.steps(40);
    assert_eq!(hall.world().resource::<Viewer>(), &Viewer { seat, ..Viewer::default() });
    let other = SeatNumber::new(12).unwrap();
    hall.trigger(StandUp);
    hall.steps(2);
    hall.act(Action::Sit(other));
    hall.steps(40);
    let world = hall.world();
    let eye = world.query_filtered::<&Transform, With<SeatedCamera>>().single(world).unwrap().translation;
    assert!(eye.distance(seat_place(other).eye) < 0.01 && world.resource::<Viewer>().stands.is_none());
}

#[test]
fn tiers_change_while_the_hall_is_drawn_and_less_motion_is_none() {
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.hide_panels();
    hall.steps(2);
    for quality in [Quality::High, Quality::Medium, Quality::Low] {
        *hall.world().resource_mut::<Quality>() = quality;
        hall.steps(5);
        assert_eq!(Quality::from(*hall.world().resource::<Tier>()), quality);
        assert!(hall.offscreen.ready(), "{quality:?}");
        let pixels = hall.offscreen.read_pixels().unwrap();
        assert!(pixels.chunks(4).filter(|pixel| pixel[0] > 30).count() > 1000, "{quality:?} draws the curtain");
    }
    hall.world().resource_mut::<PlaceSettings>().reduce_motion = true;
    hall.act(Action::Sit(SeatNumber::new(64).unwrap()));
    hall.steps(2);
    let world = hall.world();
    let eye = world.query_filtered::<&Transform, With<SeatedCamera>>().single(world).unwrap().translation;
    assert!(eye.distance(seat_place(SeatNumber::new(64).unwrap()).eye) < 0.01, "{eye}");
}

pub(crate) fn key(key: egui::Key) -> egui::Event {
    egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: egui::Modifiers::default() }
}

/// Somebody comes in, as if through the door.
pub(crate) fn friend(hall: &mut Hall, name: &str) -> ParticipantId {
    let world = hall.world();
    *world.resource_mut::<Standing>() = Standing::Host;
    let id = ParticipantId::from_bytes([world.query::<&Participant>().iter(world).count() as u8; 32]);
    world.spawn(Arrived { id, name: name.to_owned(), moderator: false, addresses: Addresses::default() });
    hall.steps(2);
    id
}

#[test]
fn enter_opens_the_chat_and_sends_and_esc_closes_it() {
    let mut hall = Hall::open((1280, 720), Tier::Low);
    friend(&mut hall, "Bo");
    press(&mut hall, KeyCode::Enter, "");
    hall.step();
    assert!(hall.world().resource::<Panels>().chat && hall.world().resource::<EguiWantsInput>().wants_any_keyboard_input());
    hall.touch_panels(egui::Event::Text("hello".to_owned()));
    press(&mut hall, KeyCode::KeyC, "c");
    assert!(!hall.world().resource::<Cinema>().0, "a letter that is typed is only that");
    let said = |hall: &mut Hall| hall.world().resource::<Chat>().lines().filter(|line| line.text.as_str() == "hello").count();
    hall.touch_panels(key(egui::Key::Enter));
    assert_eq!(said(&mut hall), 1);
    hall.touch_panels(egui::Event::Text("hello".to_owned()));
    hall.touch_panels(key(egui::Key::Enter));
    assert_eq!(said(&mut hall), 2, "after a line one writes on");
    hall.touch_panels(egui::Event::Text("not this".to_owned()));
    hall.touch_panels(key(egui::Key::Escape));
    assert!(!hall.world().resource::<Panels>().chat && !hall.world().resource::<EguiWantsInput>().wants_any_keyboard_input());
    assert_eq!(hall.world().resource::<Chat>().lines().last().unwrap().text.as_str(), "hello");
}

#[test]
fn what_others_say_is_marked_until_the_chat_is_open() {
    let mut hall = Hall::open((320, 180), Tier::Low);
    let id = friend(&mut hall, "Bo");
    let line = hall.world().resource::<Chat>().lines().last().unwrap().clone();
    assert_eq!((line.is_said(), hall.world().resource::<Talk>().unread), (false, 0), "who comes is told, and needs no mark");
    hall.trigger(NewLine(houselights::room::ChatLine { speaker: Some(id), name: "Bo".into(), text: "hi".into(), ..line }));
    hall.step();
    assert_eq!(hall.world().resource::<Talk>().unread, 1);
    assert!(hall.world().resource::<Talk>().is_heard());
    hall.act(Action::Chat);
    hall.steps(60 * 9);
    assert!(hall.world().resource::<Talk>().unread == 0 && !hall.world().resource::<Talk>().is_heard());
}

#[test]
fn a_long_wait_names_whom_it_is_for_and_can_be_ended() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (320, 180), ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.present(&film, false);
    friend(&mut hall, "Bo");
    press(&mut hall, KeyCode::Home, "");
    hall.steps(5);
    assert_eq!(hall.world().resource::<Company>().waiting, None, "a short wait would only flicker");
    hall.steps(60);
    assert_eq!(hall.world().resource::<Company>().waiting.as_ref().unwrap().whom, "Bo");
    press(&mut hall, KeyCode::KeyG, "g");
    assert!(hall.playback().gather.is_none());
    hall.step();
    assert_eq!(hall.world().resource::<Company>().waiting, None);
}

#[test]
fn a_moderator_acts_from_the_list_of_people() {
    let mut hall = Hall::open((1280, 720), Tier::Low);
    let who = friend(&mut hall, "Bo");
    press(&mut hall, KeyCode::KeyP, "p");
    assert!(hall.world().resource::<Panels>().people);
    hall.act(Action::Moderate(Moderation::Deny { who, right: Right::Speak }));
    hall.act(Action::Moderate(Moderation::Lock));
    hall.step();
    let company = hall.world().resource::<Company>().clone();
    let bo = company.people.iter().find(|person| person.id == who).unwrap();
    assert!(company.is_locked && company.people[0].is_me && bo.rights == Rights { speak: false, remote: false, ..Rights::default() });
    press(&mut hall, KeyCode::KeyI, "i");
    assert!(hall.said().iter().any(|said| said.contains("open the theater")), "{:?}", hall.said());
    press(&mut hall, KeyCode::Escape, "");
    assert!(!hall.world().resource::<Panels>().people);
}

#[test]
fn one_is_called_as_one_types_and_why_one_is_at_home_is_told_in_the_lobby() {
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.steps(2);
    hall.act(Action::Name("Ann ".to_owned()));
    hall.steps(2);
    let world = hall.world();
    assert_eq!(world.query_filtered::<&Participant, With<Me>>().single(world).unwrap().name.as_str(), "Ann");
    let sentence = houselights::room::read_invite("houselights1-abc").unwrap_err();
    hall.trigger(Parted { sentence });
    hall.steps(2);
    let company = hall.world().resource::<Company>().clone();
    assert!(company.parted.is_some_and(|parted| parted.contains("missing")) && company.standing == Standing::Alone);
    assert!(hall.said().iter().any(|said| said.contains("missing")));
}
