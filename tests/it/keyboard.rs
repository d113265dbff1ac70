//! Keys alone: a seat, a look around, every slider. And panels that are as light as the system.

use bevy::{
    input::ButtonState,
    prelude::*,
    window::{PrimaryWindow, WindowTheme, WindowThemeChanged},
};
use bevy_egui::{
    EguiContext, PrimaryEguiContext,
    egui::{self, accesskit::Role},
    input::{EguiWantsInput, FocusedNonWindowEguiContext},
};
use houselights::{
    audio::Mixer,
    room::{Ask, Me, Participant, SeatNumber, Sits},
    theater::{HoveredSeat, PlaceSettings, Tier, Viewer, seat_place},
    ui::{Action, Panels, Theme, View},
};

use crate::{
    hands::{friend, hold, key, press},
    support::{
        clip::Clip,
        hall::Hall,
        panels::{Thing, Window as _},
    },
};

fn context(hall: &mut Hall) -> egui::Context {
    let world = hall.world();
    let mut contexts = world.query_filtered::<&mut EguiContext, With<PrimaryEguiContext>>();
    let mut context = contexts.single_mut(world).unwrap();
    context.get_mut().clone()
}

/// What is typed in the window goes to the panels, as it does where a window has the keyboard.
fn have_keyboard(hall: &mut Hall) {
    let world = hall.world();
    let context = world.query_filtered::<Entity, With<PrimaryEguiContext>>().single(world).unwrap();
    world.insert_resource(FocusedNonWindowEguiContext(context));
}

fn volume(hall: &mut Hall) -> f32 {
    hall.world().resource::<Mixer>().film_volume()
}

fn chosen(hall: &mut Hall) -> Option<u8> {
    hall.world().resource::<HoveredSeat>().0.map(SeatNumber::get)
}

fn seat(number: u8) -> SeatNumber {
    SeatNumber::new(number).unwrap()
}

/// Where the glow is that offers a seat.
fn glow(hall: &mut Hall) -> Option<Vec3> {
    let world = hall.world();
    let mut named = world.query::<(&Name, &Visibility, &Transform)>();
    let (_, visibility, transform) = named.iter(world).find(|(name, ..)| name.as_str() == "seat under the pointer").unwrap();
    (*visibility != Visibility::Hidden).then_some(transform.translation)
}

#[test]
fn a_seat_is_chosen_by_keys_alone() {
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.hide_panels();
    hall.steps(2);
    let own = hall.world().resource::<Viewer>().seat;
    assert_eq!(own, seat(35));
    friend(&mut hall, "Bo");
    let world = hall.world();
    let bo = world.query_filtered::<Entity, (With<Participant>, Without<Me>)>().single(world).unwrap();
    world.entity_mut(bo).insert(Sits(seat(36)));
    world.resource_mut::<Panels>().people = true;
    hall.steps(3);
    assert_eq!((chosen(&mut hall), glow(&mut hall)), (None, None));
    press(&mut hall, KeyCode::KeyD, "d");
    assert_eq!(chosen(&mut hall), Some(37), "the next one is Bo's");
    hall.steps(30);
    assert_eq!(glow(&mut hall), Some(seat_place(seat(37)).floor));
    for (code, number) in
        [(KeyCode::ArrowLeft, 34), (KeyCode::ArrowUp, 24), (KeyCode::ArrowRight, 25), (KeyCode::ArrowDown, 34), (KeyCode::ArrowRight, 37)]
    {
        press(&mut hall, code, "");
        assert_eq!(chosen(&mut hall), Some(number), "{code:?}");
    }
    assert_eq!(volume(&mut hall), 100.0, "the arrows are the chooser's");
    press(&mut hall, KeyCode::Escape, "");
    hall.steps(60);
    assert_eq!((chosen(&mut hall), glow(&mut hall)), (None, None));
    let world = hall.world();
    assert!(world.resource::<Viewer>().seat == own && world.resource::<Panels>().people, "Esc ends the choice and closes nothing");
    press(&mut hall, KeyCode::KeyD, "d");
    press(&mut hall, KeyCode::Enter, "");
    hall.steps(40);
    assert_eq!(hall.world().resource::<Viewer>(), &Viewer { seat: seat(37), ..Viewer::default() });
    assert!(chosen(&mut hall).is_none() && !hall.world().resource::<Panels>().chat);
    press(&mut hall, KeyCode::ArrowDown, "");
    assert_eq!(volume(&mut hall), 95.0, "the arrows do again what they always do");
    hall.set_cinema(true);
    press(&mut hall, KeyCode::KeyD, "d");
    assert_eq!(chosen(&mut hall), None);
    assert!(hall.said().iter().any(|said| said.contains("leave the cinema mode")), "{:?}", hall.said());
}

#[test]
fn a_plan_shows_the_choice_and_while_one_writes_no_key_chooses_or_looks() {
    let mut hall = Hall::open((1280, 720), Tier::Low);
    friend(&mut hall, "Bo");
    let plan = |hall: &mut Hall| context(hall).memory(|memory| memory.area_rect(egui::Id::new("seats")));
    assert_eq!(plan(&mut hall), None);
    press(&mut hall, KeyCode::KeyD, "d");
    hall.steps(2);
    assert!(plan(&mut hall).is_some_and(|plan| plan.height() > 100.0), "{:?}", plan(&mut hall));
    press(&mut hall, KeyCode::Escape, "");
    press(&mut hall, KeyCode::Enter, "");
    hall.step();
    assert!(hall.world().resource::<EguiWantsInput>().wants_any_keyboard_input(), "the chat has the keyboard");
    press(&mut hall, KeyCode::KeyD, "d");
    hold(&mut hall, KeyCode::ShiftLeft, ButtonState::Pressed);
    press(&mut hall, KeyCode::ArrowLeft, "");
    hall.steps(2);
    assert_eq!((chosen(&mut hall), hall.world().resource::<Viewer>().yaw), (None, 0.0));
}

#[test]
fn shift_and_arrows_turn_the_head_and_v_looks_ahead() {
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.hide_panels();
    hall.steps(2);
    let look = |hall: &mut Hall| {
        let viewer = hall.world().resource::<Viewer>();
        (viewer.yaw, viewer.pitch)
    };
    hold(&mut hall, KeyCode::ShiftLeft, ButtonState::Pressed);
    press(&mut hall, KeyCode::ArrowLeft, "");
    let (begun, _) = look(&mut hall);
    hall.steps(60);
    let (left, _) = look(&mut hall);
    assert!(0.0 < begun && begun < left - 0.02 && left > 0.1, "a head turns, it does not jump: {begun} {left}");
    press(&mut hall, KeyCode::ArrowUp, "");
    hall.steps(60);
    let (same, up) = look(&mut hall);
    assert!(same == left && up > 0.05, "{same} {up}");
    assert_eq!(volume(&mut hall), 100.0);
    hold(&mut hall, KeyCode::ShiftLeft, ButtonState::Released);
    press(&mut hall, KeyCode::KeyV, "v");
    hall.steps(2);
    assert_eq!(look(&mut hall), (0.0, 0.0));
    hall.world().resource_mut::<PlaceSettings>().reduce_motion = true;
    hold(&mut hall, KeyCode::ShiftLeft, ButtonState::Pressed);
    press(&mut hall, KeyCode::ArrowRight, "");
    let at_once = look(&mut hall);
    hall.steps(30);
    assert!(at_once.0 < -0.1 && look(&mut hall) == at_once, "nothing travels: {at_once:?}");
}

#[test]
fn panels_are_as_light_as_the_system_says_and_dark_while_it_does_not() {
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.steps(2);
    let theme = |hall: &mut Hall| {
        hall.steps(2);
        context(hall).theme()
    };
    assert_eq!(theme(&mut hall), egui::Theme::Dark);
    let world = hall.world();
    let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
    world.get_mut::<Window>(window).unwrap().window_theme = Some(WindowTheme::Light);
    assert_eq!(theme(&mut hall), egui::Theme::Light, "a window is born with it");
    hall.world().write_message(WindowThemeChanged { window, theme: WindowTheme::Dark });
    assert_eq!(theme(&mut hall), egui::Theme::Dark, "and told of each change");
    hall.world().write_message(WindowThemeChanged { window, theme: WindowTheme::Light });
    assert_eq!(theme(&mut hall), egui::Theme::Light);
    hall.act(Action::ThemeTo(Theme::Dark));
    assert_eq!(theme(&mut hall), egui::Theme::Dark, "what one chose counts more");
    hall.act(Action::ThemeTo(Theme::System));
    assert_eq!(theme(&mut hall), egui::Theme::Light);
}

/// Presses Tab until something of this kind has the keyboard; where it stands then.
fn tab_to(hall: &mut Hall, is_it: impl Fn(&Thing) -> bool) -> Thing {
    let mut passed = Vec::new();
    for _ in 0..60 {
        hall.touch_panels(key(egui::Key::Tab));
        // What scrolls has come to rest.
        hall.steps(2);
        let Some(thing) = hall.things().into_iter().find(|thing| thing.has_keyboard) else { continue };
        if is_it(&thing) {
            return thing;
        }
        passed.push(thing.name);
    }
    panic!("sixty times Tab did not lead there, but to {passed:?}");
}

/// The most that is there, give or take two pixels.
fn brightness(hall: &mut Hall, at: egui::Pos2) -> u8 {
    let pixels = hall.offscreen.read_pixels().unwrap();
    let (x, y, width) = (at.x as usize, at.y as usize, hall.size.0 as usize);
    let near = (y - 2..=y + 2).flat_map(|y| pixels[(y * width + x - 2) * 4..][..20].iter().step_by(4).copied());
    near.max().unwrap()
}

#[test]
fn tab_brings_the_bar_and_the_arrows_move_what_has_the_keyboard_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { seconds: 14.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((640, 360), Tier::Low);
    hall.present(&film, false);
    have_keyboard(&mut hall);
    hall.steps(20);
    let place = tab_to(&mut hall, |thing| thing.name == "Place in the film").rect;
    // The film is at its beginning: so is the knob, with a ring round it.
    let ring = place.left_center() + egui::vec2(6.0, -10.0);
    let with_keyboard = brightness(&mut hall, ring);
    hall.touch_panels(key(egui::Key::Escape));
    assert!(!hall.world().resource::<EguiWantsInput>().wants_any_keyboard_input());
    let without = brightness(&mut hall, ring);
    assert!(with_keyboard > without.saturating_add(80), "the keyboard is seen: {with_keyboard}, {without}");
    tab_to(&mut hall, |thing| thing.name == "Place in the film");
    press(&mut hall, KeyCode::ArrowRight, "");
    hall.until(|hall| hall.playback().gather.is_none() && hall.playback().timeline.film.s() > 4.9);
    assert!(hall.playback().timeline.film.s() < 5.1, "the hall does not hear it as well");
    tab_to(&mut hall, |thing| thing.name == "Volume");
    press(&mut hall, KeyCode::ArrowLeft, "");
    assert_eq!(volume(&mut hall), 95.0);
    assert!((4.9..5.1).contains(&hall.playback().timeline.film.s()) && hall.playback().gather.is_none());
    hall.touch_panels(key(egui::Key::Escape));
    press(&mut hall, KeyCode::ArrowUp, "");
    assert_eq!(volume(&mut hall), 100.0, "the hall hears them again");
    hall.trigger(Ask::Play);
    hall.until(|hall| hall.world().resource::<View>().visibility == 0.0);
    press(&mut hall, KeyCode::Tab, "");
    assert!(hall.world().resource::<View>().visibility > 0.0, "whoever asks for the buttons sees them");
}

#[test]
fn every_slider_of_the_settings_is_reached_by_tab_and_moved_by_arrows_where_it_is_seen() {
    let mut hall = Hall::open((704, 512), Tier::Low);
    hall.set_cinema(true);
    press(&mut hall, KeyCode::F2, "");
    have_keyboard(&mut hall);
    hall.steps(10);
    let window = context(&mut hall).content_rect().shrink(40.0);
    let place = |hall: &mut Hall| *hall.world().resource::<PlaceSettings>();
    let mut sliders = 0;
    while place(&mut hall).brightness < 1.01 {
        let slider = tab_to(&mut hall, |thing| thing.role == Role::Slider && !thing.name.is_empty()).rect;
        assert!(window.contains_rect(slider), "it is scrolled to: {slider:?} in {window:?}");
        hall.touch_panels(key(egui::Key::ArrowRight));
        sliders += 1;
        assert!(sliders < 12, "the last one is not among them: {:?}", place(&mut hall));
    }
    let place = place(&mut hall);
    assert!(place.field_of_view > 1.01 && place.mouse_sensitivity > 1.01, "{place:?}");
    assert_eq!(sliders, 7);
}
