//! The hall answers: seats glow under the pointer, the masking moves to the film's shape, and what one likes about the place is seen and heard.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bevy::{
    input::{
        ButtonState,
        mouse::{MouseButtonInput, MouseMotion},
    },
    prelude::*,
    window::PrimaryWindow,
};
use bevy_egui::{EguiContext, PrimaryEguiContext, egui};
use houselights::{
    film::{FilmSource, Open},
    room::SeatNumber,
    theater::{PlaceSettings, Tier, Viewer, screen_rect, seat_place},
    ui::{Action, Remote, Theme},
};

use crate::support::hall::Hall;

const SMALL: (u32, u32) = (640, 360);

/// A film of one colour.
fn film(folder: &Path, colour: &str, size: &str) -> PathBuf {
    let path = folder.join(format!("{colour} {size}.mkv"));
    let source = format!("color={colour}:s={size}:r=24:d=1,format=yuv420p");
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i", &source, "-c:v", "libx264"]).arg(&path);
    assert!(command.status().expect("this test needs the program ffmpeg").success());
    path
}

/// The hall alone: no panel, no remote in the hand.
fn bare() -> Hall {
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.world().resource_mut::<Remote>().is_up = false;
    hall
}

fn pixels(hall: &Hall) -> Vec<[u8; 3]> {
    hall.offscreen.read_pixels().unwrap().chunks_exact(4).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

fn pixel(hall: &Hall, at: Vec2) -> [u8; 3] {
    pixels(hall)[at.y as usize * SMALL.0 as usize + at.x as usize]
}

/// What is usual in a test: the film alone is heard.
fn place() -> PlaceSettings {
    PlaceSettings { sounds: false, ..PlaceSettings::default() }
}

#[test]
fn the_seat_under_the_pointer_glows_and_no_other_does() {
    let mut hall = bare();
    hall.world().resource_mut::<Viewer>().turn(0.0, -0.3);
    // Until the lights are at rest.
    hall.steps(200);
    let at = hall.pixel_of(seat_place(SeatNumber::new(26).unwrap()).floor + Vec3::new(0.0, 0.8, 0.2));
    // Nothing to sit in is up there.
    let away = Vec2::new(320.0, 4.0);
    hall.hover(away);
    hall.steps(60);
    let dark = pixels(&hall);
    hall.hover(at);
    hall.steps(60);
    let lit = pixels(&hall);
    let grows = |index: &usize| (0..3).any(|channel| lit[*index][channel] > dark[*index][channel].saturating_add(2));
    let is_near = |index: &usize| at.distance(Vec2::new((index % SMALL.0 as usize) as f32, (index / SMALL.0 as usize) as f32)) < 130.0;
    let (near, far): (Vec<usize>, Vec<usize>) = (0..dark.len()).filter(grows).partition(is_near);
    assert!(near.len() > 200, "{} pixels of the seat glow", near.len());
    assert!(far.len() * 20 < near.len(), "{} pixels elsewhere", far.len());
    hall.hover(away);
    hall.steps(60);
    let after = pixels(&hall);
    let rests = near.iter().filter(|&&index| (0..3).all(|channel| after[index][channel].abs_diff(dark[index][channel]) <= 2)).count();
    assert_eq!(rests, near.len(), "the glow goes with the pointer");
}

/// After how many steps from the opening of a film places of the screen are white.
fn white_after(hall: &mut Hall, film: &Path, places: [Vec3; 2]) -> [usize; 2] {
    let at = places.map(|place| hall.pixel_of(place));
    for at in at {
        assert!(pixel(hall, at)[1] < 60, "black cloth hangs at {at}: {:?}", pixel(hall, at));
    }
    hall.trigger(Open { source: FilmSource::File(film.to_owned()), plays: false });
    let mut found = [None; 2];
    for step in 1..300 {
        hall.step();
        let seen = pixels(hall);
        for (found, at) in found.iter_mut().zip(at) {
            if found.is_none() && seen[at.y as usize * SMALL.0 as usize + at.x as usize][1] > 200 {
                *found = Some(step);
            }
        }
        if let [Some(first), Some(second)] = found {
            return [first, second];
        }
    }
    panic!("the picture was never uncovered: {found:?}");
}

#[test]
fn the_masking_uncovers_a_taller_film_little_by_little_and_at_once_where_nothing_may_move() {
    let folder = tempfile::tempdir().unwrap();
    let (scope, flat) = (film(folder.path(), "white", "640x268"), film(folder.path(), "white", "640x360"));
    let top = |aspect: f32| screen_rect(aspect).middle.y + screen_rect(aspect).height_m / 2.0;
    let (low, high) = (top(640.0 / 268.0), top(16.0 / 9.0));
    let places = [0.25, 0.75].map(|part| Vec3::new(0.0, low + (high - low) * part, 0.0));
    let mut hall = bare();
    hall.present(&scope, false);
    // Until the curtain is open and the masking rests.
    hall.steps(300);
    let [near, far] = white_after(&mut hall, &flat, places);
    // Two seconds the whole way, slower at its ends.
    assert!((20..90).contains(&far.saturating_sub(near)), "uncovered after {near} and {far} sixtieths of a second");
    hall.act(Action::Place(PlaceSettings { reduce_motion: true, ..place() }));
    hall.present(&scope, false);
    hall.steps(10);
    let [near, far] = white_after(&mut hall, &flat, places);
    assert_eq!(near, far, "nothing travels");
}

#[test]
fn field_of_view_and_mouse_are_as_wide_and_as_quick_as_one_likes() {
    let mut hall = bare();
    hall.steps(2);
    let rect = screen_rect(16.0 / 9.0);
    let side = Vec3::X * (rect.width_m / 2.0);
    let width = |hall: &mut Hall| hall.pixel_of(rect.middle + side).x - hall.pixel_of(rect.middle - side).x;
    let usual = width(&mut hall);
    hall.act(Action::Place(PlaceSettings { field_of_view: 1.25, ..place() }));
    hall.steps(2);
    let wider = width(&mut hall);
    assert!((usual / wider - 1.25).abs() < 0.03, "the screen is {usual} pixels wide, then {wider}");

    let world = hall.world();
    let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
    world.write_message(MouseButtonInput { button: MouseButton::Right, state: ButtonState::Pressed, window });
    let mut turned = |mouse_sensitivity: f32| {
        hall.act(Action::Place(PlaceSettings { mouse_sensitivity, ..place() }));
        let before = hall.world().resource::<Viewer>().yaw;
        hall.world().write_message(MouseMotion { delta: Vec2::new(100.0, 0.0) });
        hall.step();
        hall.world().resource::<Viewer>().yaw - before
    };
    let (usual, slow, quick) = (turned(1.0), turned(0.5), turned(3.0));
    assert!(usual.abs() > 0.1 && (slow / usual - 0.5).abs() < 0.01 && (quick / usual - 3.0).abs() < 0.01, "{usual} {slow} {quick}");
}

#[test]
fn a_brighter_hall_is_brighter_and_the_film_in_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut hall = bare();
    hall.present(&film(folder.path(), "gray", "640x360"), false);
    hall.steps(300);
    let at = hall.pixel_of_film(0.5, 0.5);
    let below = hall.pixel_of_film(0.5, 1.0).y as usize + 12;
    let mut seen = |brightness: f32| {
        hall.act(Action::Place(PlaceSettings { brightness, ..place() }));
        hall.steps(30);
        let seats: u64 = pixels(&hall)[below * SMALL.0 as usize..].iter().flatten().map(|&code| u64::from(code)).sum();
        (pixel(&hall, at), seats)
    };
    let (usual, dark, bright) = (seen(1.0), seen(0.4), seen(2.5));
    assert!((100..160).contains(&usual.0[1]), "{:?}", usual.0);
    assert_eq!([dark.0, bright.0], [usual.0; 2], "the film keeps its colours");
    assert!(dark.1 as f64 * 1.15 < usual.1 as f64 && usual.1 as f64 * 1.15 < bright.1 as f64, "{} {} {}", dark.1, usual.1, bright.1);
}

#[test]
fn the_place_is_heard_as_long_as_one_wants_to_hear_it() {
    let mut hall = bare();
    let mut loudest = |sounds: bool, seat: u8| {
        hall.act(Action::Place(PlaceSettings { sounds, ..PlaceSettings::default() }));
        // What was heard before fades.
        hall.steps(120);
        hall.heard.clear();
        hall.act(Action::Sit(SeatNumber::new(seat).unwrap()));
        hall.steps(60);
        hall.heard.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()))
    };
    let levels = [loudest(false, 3), loudest(true, 20), loudest(false, 64)];
    assert!(levels[0] < 1e-4 && levels[1] > 5e-4 && levels[2] < 1e-4, "{levels:?}");
}

#[test]
fn panels_are_as_light_and_as_large_as_one_likes() {
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.act(Action::Help);
    let mut of = |action: Action| {
        hall.act(action);
        hall.steps(10);
        let seen = hall.offscreen.read_pixels().unwrap();
        let count = |colour: [u8; 3]| seen.chunks_exact(4).filter(|pixel| (0..3).all(|k| pixel[k].abs_diff(colour[k]) <= 3)).count();
        let world = hall.world();
        let mut context = world.query_filtered::<&mut EguiContext, With<PrimaryEguiContext>>().single_mut(world).unwrap();
        let context: &egui::Context = context.get_mut();
        (count([0xf7, 0xf1, 0xe6]), count([0x17, 0x14, 0x13]), context.zoom_factor())
    };
    let (by_day, by_night) = (of(Action::ThemeTo(Theme::Light)), of(Action::ThemeTo(Theme::Dark)));
    // The hall behind is dark as well.
    assert!(by_day.0 > 100_000 && by_night.0 < 10_000 && by_night.1 > by_day.1 + 100_000, "paper and night: {by_day:?}, {by_night:?}");
    assert!((by_day.2 - 1.0).abs() < 0.01, "{by_day:?}");
    let sizes = [of(Action::PanelsTo(160)).2, of(Action::PanelsTo(70)).2];
    assert!((sizes[0] - 1.6).abs() < 0.01 && (sizes[1] - 0.7).abs() < 0.01, "{sizes:?}");
}
