//! The film on the screen, seen in the pixels and heard in the samples.

use bevy::prelude::*;
use houselights::{
    film::{ChooseSound, FilmSource, Open},
    room::{Ask, SeatNumber},
    theater::{Tier, Viewer, seat_place},
    ui::{Action, Remote, RemoteButton},
};

use crate::support::{clip::Clip, hall::Hall};

const SMALL: (u32, u32) = (640, 360);

fn picture_at(seconds: f64) -> u16 {
    (seconds * 24.0 + 1e-6) as u16
}

/// The picture on the screen is the one that is heard, give or take half a frame of the theater.
fn check_in_step(hall: &mut Hall) {
    let (number, heard_s) = (hall.number().expect("a readable number"), hall.heard_s());
    assert!(picture_at(heard_s - 0.6 / 60.0) <= number && number <= picture_at(heard_s + 0.6 / 60.0), "picture {number} at {heard_s} s");
}

/// The sound heard last is that of the film's place: the clip's ramp tells its time.
fn check_ramp(hall: &mut Hall, period: f64) {
    let heard_s = hall.heard_s();
    let sample = f64::from(hall.heard[hall.heard.len() - 800]);
    let expected = 0.8 * (heard_s % period) / period - 0.4;
    assert!((sample - expected).abs() < 1e-3, "{sample} is heard at {heard_s} s, not {expected}");
}

#[test]
fn picture_and_sound_are_right_after_opening_seeking_and_changing_the_track() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), sound_tracks: 2, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, false);
    // The screen's first picture waits for its textures and pipeline.
    hall.steps(3);
    assert_eq!(hall.number(), Some(0));
    hall.trigger(Ask::Play);
    hall.steps(60);
    check_in_step(&mut hall);
    check_ramp(&mut hall, 1.0);
    hall.seek(2.5);
    hall.steps(10);
    check_in_step(&mut hall);
    check_ramp(&mut hall, 1.0);
    hall.trigger(ChooseSound::Number(Some(1)));
    hall.steps(40);
    check_in_step(&mut hall);
    check_ramp(&mut hall, 2.0);
    hall.trigger(Ask::Pause);
    hall.steps(10);
    let stands = hall.number();
    hall.steps(30);
    assert_eq!(hall.number(), stands);
    hall.set_cinema(false);
    // Until the curtain is open.
    hall.steps(200);
    assert_eq!(hall.number(), stands, "the number can be read from the best seat as well");
}

#[test]
fn a_seek_while_paused_shows_the_exact_picture() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, false);
    for seconds in [2.0, 0.52, 3.9, 0.0] {
        hall.seek(seconds);
        hall.step();
        assert_eq!(hall.number(), Some(picture_at(seconds)), "at {seconds} s");
    }
}

#[test]
fn at_its_end_the_film_stands_and_play_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), seconds: 1.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, true);
    hall.until(|hall| hall.playback().timeline.film.s() >= 0.99);
    hall.step();
    assert_eq!(hall.number(), Some(23));
    hall.trigger(Ask::Play);
    hall.until(|hall| hall.playback().gather.is_none());
    hall.steps(20);
    check_in_step(&mut hall);
}

#[test]
fn a_film_that_cannot_be_opened_is_said_and_the_running_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), ..Clip::default() }.make(folder.path());
    let text = folder.path().join("letter.mp4");
    std::fs::write(&text, "Dear film, ".repeat(500)).unwrap();
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, true);
    for path in [text, folder.path().join("none.mkv"), folder.path().to_owned()] {
        hall.trigger(Open { source: FilmSource::File(path), plays: true });
        hall.steps(10);
    }
    let said = hall.said();
    assert!(said.len() == 3 && said[0].contains("“letter.mp4” is not a film"), "{said:?}");
    check_in_step(&mut hall);
}

#[test]
fn a_film_whose_end_is_missing_plays_as_far_as_it_goes_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (320, 180), seconds: 8.0, ..Clip::default() }.make(folder.path());
    let whole = std::fs::read(&film).unwrap();
    std::fs::write(&film, &whole[..whole.len() / 3]).unwrap();
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.present(&film, true);
    hall.until(|hall| !hall.said().is_empty());
    let said = hall.said();
    assert!(said.len() == 1 && said[0].contains("of 0:08: the rest of the file is missing or damaged"), "{said:?}");
    // It stands at its end, and plays again from its beginning.
    hall.until(|hall| hall.playback().film.is_some_and(|film| film.duration_ns.is_some_and(|ns| ns < 7_000_000_000)));
    hall.trigger(Ask::Play);
    hall.until(|hall| hall.playback().gather.is_none());
    assert_eq!(hall.playback().timeline.film.ns(), 0);
}

#[test]
fn the_demo_plays_from_inside_the_program() {
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.trigger(Open { source: FilmSource::Demo, plays: true });
    hall.until(|hall| hall.playback().film.is_some() && hall.playback().gather.is_none());
    hall.steps(30);
    check_in_step(&mut hall);
}

#[test]
fn clicking_a_seat_sits_down_there() {
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.world().resource_mut::<Remote>().is_up = false;
    hall.hide_panels();
    hall.world().resource_mut::<Viewer>().turn(0.0, -0.3);
    hall.steps(40);
    let seat = SeatNumber::new(26).unwrap();
    let at = hall.pixel_of(seat_place(seat).floor + Vec3::new(0.0, 0.8, 0.2));
    assert!(at.x > 0.0 && at.x < 640.0 && at.y < 360.0, "the seat is in view: {at}");
    hall.click(at);
    assert_eq!(hall.world().resource::<Viewer>().seat, seat);
    hall.steps(40);
    let world = hall.world();
    let eye = world.query_filtered::<&Transform, With<houselights::theater::SeatedCamera>>().single(world).unwrap().translation;
    assert!(eye.distance(seat_place(seat).eye) < 0.01, "{eye}");
}

#[test]
fn a_button_of_the_remote_plays_and_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.hide_panels();
    hall.present(&film, false);
    hall.steps(30);
    for plays in [true, false] {
        let world = hall.world();
        let buttons = world.query::<(&RemoteButton, &GlobalTransform)>();
        let place = { buttons }.iter(world).find(|(button, _)| button.action == Action::Toggle).map(|(_, at)| at.translation()).unwrap();
        let at = hall.pixel_of(place);
        assert!(at.x < 1280.0 && at.y < 720.0, "the button is in the window: {at}");
        hall.click(at);
        let now = hall.world().resource::<houselights::room::Now>().room();
        assert_eq!(hall.playback().plays(now + 1_000_000_000), plays);
    }
    hall.act(Action::Remote);
    hall.steps(30);
    let world = hall.world();
    let names = world.query::<(&Name, &Visibility)>();
    let (_, visibility) = { names }.iter(world).find(|(name, _)| name.as_str() == "remote").unwrap();
    assert_eq!(*visibility, Visibility::Hidden);
}

#[test]
fn two_runs_draw_the_same_bytes() {
    let draw = || {
        let mut hall = Hall::open((320, 180), Tier::Low);
        hall.steps(20);
        hall.offscreen.read_pixels().unwrap()
    };
    assert!(draw() == draw());
}
