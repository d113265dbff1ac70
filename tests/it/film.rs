//! The film on the screen, seen in the pixels and heard in the samples.

use bevy::prelude::*;
use houselights::{
    audio::Tune,
    clock::{FilmTime, Rate},
    film::{ChooseSound, FilmSource, ForgetPlaces, LeftAt, Open, Screening},
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
fn another_sound_track_comes_without_a_gap_and_the_picture_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), sound_tracks: 2, seconds: 6.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, true);
    hall.steps(60);
    for (wanted, period) in [(Some(1), 2.0), (Some(0), 1.0)] {
        let (before, heard_s) = (hall.heard.len(), hall.heard_s());
        hall.trigger(ChooseSound::Number(wanted));
        for _ in 0..20 {
            hall.step();
            check_in_step(&mut hall);
        }
        check_ramp(&mut hall, period);
        assert!((hall.heard_s() - heard_s - 20.0 / 60.0).abs() < 0.002, "the film goes on");
        let longest = hall.heard[before..].split(|sample| *sample != 0.0).map(<[_]>::len).max().unwrap();
        assert!(longest < 20, "{longest} frames of silence");
    }
    hall.trigger(Ask::Pause);
    hall.steps(20);
    let (stands, place) = (hall.number(), hall.heard_s());
    hall.trigger(ChooseSound::Number(Some(1)));
    hall.steps(20);
    assert_eq!((hall.number(), hall.heard_s()), (stands, place));
    hall.trigger(Ask::Play);
    hall.steps(30);
    check_in_step(&mut hall);
    check_ramp(&mut hall, 2.0);
    hall.trigger(ChooseSound::Number(None));
    hall.steps(20);
    check_in_step(&mut hall);
    assert!(hall.heard[hall.heard.len() - 800..].iter().all(|sample| *sample == 0.0));
}

#[test]
fn at_another_rate_the_picture_stays_with_the_sound_through_pause_seek_and_change() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), seconds: 12.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, true);
    hall.steps(30);
    let rate = |factor| Ask::Rate(Rate::from_factor(factor).unwrap());
    let advances = |hall: &mut Hall, factor: f64| {
        let heard_s = hall.heard_s();
        for _ in 0..6 {
            hall.steps(10);
            check_in_step(hall);
        }
        let moved = hall.heard_s() - heard_s;
        assert!((moved - factor).abs() < 0.005, "{moved} s of film in a second at {factor}");
        assert!(hall.behind_s().abs() < 0.002, "{} s behind the room", hall.behind_s());
    };
    hall.trigger(rate(1.5));
    hall.steps(20);
    advances(&mut hall, 1.5);
    hall.trigger(Ask::Pause);
    hall.steps(20);
    check_in_step(&mut hall);
    hall.trigger(Ask::Play);
    hall.steps(20);
    advances(&mut hall, 1.5);
    hall.seek(5.0);
    hall.steps(20);
    advances(&mut hall, 1.5);
    hall.trigger(rate(0.5));
    hall.steps(20);
    advances(&mut hall, 0.5);
    hall.trigger(rate(1.0));
    hall.steps(40);
    advances(&mut hall, 1.0);
    check_ramp(&mut hall, 1.0);
}

#[test]
fn late_sound_and_late_pictures_are_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), seconds: 8.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, true);
    hall.steps(30);
    // What has left the device reaches the ear 200 ms later: the ear is in step, and the picture with it.
    hall.trigger(Tune::OffsetMs(200));
    hall.steps(120);
    check_in_step(&mut hall);
    assert!(hall.behind_s().abs() < 0.005, "{} s behind the room", hall.behind_s());
    let sent = f64::from(hall.heard[hall.heard.len() - 800]);
    let expected = 0.8 * ((hall.heard_s() + 0.2) % 1.0) - 0.4;
    assert!((sent - expected).abs() < 5e-3, "{sent} is sent, not {expected}");
    // The picture reaches the eye 100 ms late: it is shown early, the sound stays in step.
    hall.trigger(Tune::OffsetMs(-100));
    hall.steps(120);
    assert!(hall.behind_s().abs() < 0.005, "{} s behind the room", hall.behind_s());
    let (number, heard_s) = (hall.number().unwrap(), hall.heard_s() + 0.1);
    assert!(picture_at(heard_s - 0.6 / 60.0) <= number && number <= picture_at(heard_s + 0.6 / 60.0), "picture {number} at {heard_s} s");
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
fn of_twenty_seeks_within_a_second_the_last_one_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), seconds: 6.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.hide_panels();
    hall.set_cinema(true);
    hall.present(&film, false);
    hall.steps(3);
    for plays in [false, true] {
        if plays {
            hall.trigger(Ask::Play);
            hall.steps(20);
        }
        let before = hall.playback().generation;
        // Some in one frame, some so far apart that a picture may come between; the last one is to 4 s.
        for seek in 1..=20_u32 {
            hall.trigger(Ask::SeekTo(FilmTime::from_s(f64::from(seek * 37 % 50) / 10.0).unwrap()));
            hall.steps(seek as usize % 4);
        }
        hall.until(|hall| hall.playback().gather.is_none());
        let playback = hall.playback();
        assert_eq!((playback.generation - before, playback.timeline.film.s()), (20, 4.0));
        hall.steps(20);
        if plays {
            check_in_step(&mut hall);
            check_ramp(&mut hall, 1.0);
            assert!((4.0..5.0).contains(&hall.heard_s()), "{} s", hall.heard_s());
        } else {
            assert_eq!(hall.number(), Some(picture_at(4.0)));
        }
    }
}

#[test]
fn a_film_goes_on_where_it_was_left_until_the_places_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (640, 360), rate: "4", seconds: 60.0, ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open(SMALL, Tier::Low);
    hall.world().init_resource::<LeftAt>();
    hall.hide_panels();
    hall.set_cinema(true);
    let close = |hall: &mut Hall| {
        hall.trigger(Ask::Close);
        hall.until(|hall| !hall.world().contains_resource::<Screening>());
    };
    hall.present(&film, false);
    assert_eq!(hall.playback().timeline.film, FilmTime::ZERO);
    hall.seek(40.0);
    hall.trigger(Ask::Play);
    hall.steps(90);
    hall.trigger(Ask::Pause);
    hall.steps(20);
    let left_s = hall.playback().timeline.film.s().floor();
    assert!((40.0..43.0).contains(&left_s), "{left_s} s");
    assert_eq!(hall.world().resource::<LeftAt>().count(), 1);
    close(&mut hall);
    hall.present(&film, false);
    assert_eq!(hall.playback().timeline.film.s(), left_s);
    hall.steps(3);
    assert_eq!(hall.number(), Some((left_s * 4.0) as u16));
    let said = hall.said();
    assert!(said.iter().any(|said| said.contains("where you left it")), "{said:?}");
    hall.trigger(ForgetPlaces);
    hall.step();
    assert_eq!(hall.world().resource::<LeftAt>().count(), 0);
    assert!(hall.said().iter().any(|said| said.contains("are forgotten")));
    close(&mut hall);
    hall.present(&film, false);
    assert_eq!(hall.playback().timeline.film, FilmTime::ZERO);
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
    hall.until(|hall| hall.playback().film.is_some_and(|film| film.breaks_off_ns.is_some_and(|ns| ns < 7_000_000_000)));
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
