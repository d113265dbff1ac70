//! Hands: keys, typed text, what the film does to the lights.

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
use bevy_egui::{
    EguiContextSettings, PrimaryEguiContext, egui,
    input::{EguiInputEvent, EguiWantsInput},
};
use houselights::{
    audio::Mixer,
    theater::{Cinema, HouseLights, Mood, Tier, Viewer},
    ui::{Look, Panels, Remote, Theme, View},
};

use crate::support::{clip::Clip, hall::Hall};

fn press(hall: &mut Hall, code: KeyCode, typed: &str) {
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
    let world = hall.world();
    let context = world.query_filtered::<Entity, (With<PrimaryEguiContext>, With<EguiContextSettings>)>().single(world).unwrap();
    // The lobby's field is somewhere in its lower half.
    for y in (416..480).step_by(8) {
        let pos = egui::pos2(660.0, y as f32);
        let modifiers = egui::Modifiers::default();
        for pressed in [true, false] {
            let button = egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers };
            for event in [egui::Event::PointerMoved(pos), button] {
                hall.world().write_message(EguiInputEvent { context, event });
                hall.steps(2);
            }
        }
        if hall.world().resource::<EguiWantsInput>().wants_any_keyboard_input() {
            break;
        }
    }
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
