//! Speaking and showing oneself, as hands and ears have it: the keys for it, the wheel, the film that makes way for words; and what garbage costs its sender.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bevy::{
    input::{
        ButtonState,
        keyboard::{Key, KeyboardInput},
    },
    prelude::*,
    window::PrimaryWindow,
};
use bevy_egui::{egui, input::EguiWantsInput};
use houselights::{
    net::{Addresses, LiveEvent},
    room::{Arrived, Clock, Emote, Emoted, FaceWay, Gesture, Join, Me, Myself, Parted, ParticipantId, Rights, Standing, Talking, VoiceWay},
    theater::Tier,
    trace::mono_ns,
    ui::{Action, Company, Panels},
    voice::MyVoice,
    webcam::{CameraChoice, MyCamera, TurnCamera},
};

use crate::{
    faces::comes,
    friends::{Friend, until},
    support::{hall::Hall, panels::Window as _},
};

/// Somebody comes in, as if through the door.
pub(crate) fn friend(hall: &mut Hall, name: &str) -> Entity {
    let world = hall.world();
    *world.resource_mut::<Standing>() = Standing::Host;
    let who = world.spawn(Arrived { id: FRIEND, name: name.to_owned(), moderator: false, addresses: Addresses::default() }).id();
    hall.steps(2);
    who
}

/// Who they are.
const FRIEND: ParticipantId = ParticipantId::from_bytes([7; 32]);

fn turn_key(hall: &mut Hall, (code, typed): (KeyCode, &str), state: ButtonState, repeat: bool) {
    let window = window(hall);
    let logical_key = if typed.is_empty() { Key::F35 } else { Key::Character(typed.into()) };
    hall.world().write_message(KeyboardInput { key_code: code, logical_key, state, text: None, repeat, window });
    hall.step();
}

fn press(hall: &mut Hall, code: KeyCode, typed: &str) {
    for state in [ButtonState::Pressed, ButtonState::Released] {
        turn_key(hall, (code, typed), state, false);
    }
}

fn window(hall: &mut Hall) -> Entity {
    let world = hall.world();
    world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap()
}

fn is_on(hall: &mut Hall) -> bool {
    hall.world().resource::<MyVoice>().is_on()
}

#[test]
fn t_is_heard_for_as_long_as_it_is_held_in_a_window_that_has_the_keyboard() {
    const T: (KeyCode, &str) = (KeyCode::KeyT, "t");
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.steps(2);
    assert!(!is_on(&mut hall), "muted at first");
    turn_key(&mut hall, T, ButtonState::Pressed, false);
    turn_key(&mut hall, T, ButtonState::Pressed, true);
    hall.steps(30);
    assert!(is_on(&mut hall) && !hall.world().resource::<MyVoice>().is_open);
    turn_key(&mut hall, T, ButtonState::Released, false);
    assert!(!is_on(&mut hall));
    // Another window comes in front while the key is down.
    turn_key(&mut hall, T, ButtonState::Pressed, false);
    assert!(is_on(&mut hall));
    let window = window(&mut hall);
    hall.world().get_mut::<Window>(window).unwrap().focused = false;
    hall.steps(2);
    assert!(!is_on(&mut hall), "the key's end would never be heard of");
    hall.world().get_mut::<Window>(window).unwrap().focused = true;
    turn_key(&mut hall, T, ButtonState::Released, false);
    // Others' shortcuts, and words.
    turn_key(&mut hall, (KeyCode::ControlLeft, ""), ButtonState::Pressed, false);
    turn_key(&mut hall, T, ButtonState::Pressed, false);
    assert!(!is_on(&mut hall), "with Ctrl it is another key");
    turn_key(&mut hall, T, ButtonState::Released, false);
    turn_key(&mut hall, (KeyCode::ControlLeft, ""), ButtonState::Released, false);
    friend(&mut hall, "Bo");
    press(&mut hall, KeyCode::Enter, "");
    hall.step();
    assert!(hall.world().resource::<Panels>().chat && hall.world().resource::<EguiWantsInput>().wants_any_keyboard_input());
    turn_key(&mut hall, T, ButtonState::Pressed, false);
    assert!(!is_on(&mut hall), "a letter that is typed is only that");
    turn_key(&mut hall, T, ButtonState::Released, false);
}

#[test]
fn keys_turn_the_microphone_on_and_off_and_whisper_and_open_nothing_to_who_is_muted() {
    let mut hall = Hall::open((320, 180), Tier::Low);
    hall.steps(2);
    let said = |hall: &mut Hall, words: &str| hall.said().iter().any(|said| said.contains(words));
    press(&mut hall, KeyCode::F3, "");
    assert!(hall.world().resource::<MyVoice>().is_open && said(&mut hall, "Your microphone is on"));
    press(&mut hall, KeyCode::F6, "");
    assert!(hall.world().resource::<MyVoice>().whispers && said(&mut hall, "You whisper"));
    press(&mut hall, KeyCode::F6, "");
    press(&mut hall, KeyCode::F3, "");
    let mine = hall.world().resource::<MyVoice>();
    assert!(!mine.is_on() && !mine.whispers);
    assert!(said(&mut hall, "Your microphone is off") && said(&mut hall, "Everybody hears you again"));
    let world = hall.world();
    let (me, rights) = world.query_filtered::<(Entity, &Rights), With<Me>>().single(world).map(|(me, rights)| (me, *rights)).unwrap();
    world.entity_mut(me).insert(Rights { speak: false, ..rights });
    press(&mut hall, KeyCode::F3, "");
    turn_key(&mut hall, (KeyCode::KeyT, "t"), ButtonState::Pressed, false);
    assert!(!is_on(&mut hall) && said(&mut hall, "A moderator muted you"));
}

/// The red, green and blue of the pixel in the middle of where one sees oneself.
fn mirror(hall: &mut Hall) -> [u8; 3] {
    let pixels = hall.offscreen.read_pixels().unwrap();
    let (x, y) = (hall.size.0 as usize - 16 - 56, 16 + 56);
    let at = (y * hall.size.0 as usize + x) * 4;
    [pixels[at], pixels[at + 1], pixels[at + 2]]
}

#[test]
fn f4_shows_ones_face_to_oneself_first_then_to_everybody_then_to_nobody() {
    let mut hall = Hall::open((640, 360), Tier::Low);
    friend(&mut hall, "Bo");
    hall.world().insert_resource(Clock(mono_ns));
    hall.world().resource_mut::<MyCamera>().choice = CameraChoice::Pattern;
    hall.steps(60);
    let state = |hall: &mut Hall| {
        let mine = hall.world().resource::<MyCamera>();
        (mine.is_tried, mine.is_on)
    };
    assert!(state(&mut hall) == (false, false) && hall.world().resource::<MyCamera>().preview.is_none(), "off at first");
    let before = mirror(&mut hall);
    let differs = |hall: &mut Hall| mirror(hall).iter().zip(before).map(|(now, before)| u32::from(now.abs_diff(before))).sum::<u32>();
    press(&mut hall, KeyCode::F4, "");
    assert_eq!(state(&mut hall), (true, false));
    assert!(comes(|| {
        hall.step();
        hall.world().resource::<MyCamera>().preview.is_some() && differs(&mut hall) > 80
    }));
    press(&mut hall, KeyCode::Escape, "");
    assert_eq!(state(&mut hall), (false, false), "Esc shows it to nobody");
    press(&mut hall, KeyCode::F4, "");
    press(&mut hall, KeyCode::F4, "");
    assert_eq!(state(&mut hall), (false, true));
    assert!(comes(|| {
        hall.step();
        hall.world().resource::<MyCamera>().preview.is_some() && differs(&mut hall) > 80
    }));
    press(&mut hall, KeyCode::F4, "");
    assert!(state(&mut hall) == (false, false) && hall.world().resource::<MyCamera>().preview.is_none());
    hall.until(|hall| differs(hall) < 40);
}

#[derive(Resource, Default)]
struct Shows(Vec<Emote>);

#[test]
fn keys_and_the_wheel_show_what_they_say() {
    let mut hall = Hall::open((640, 360), Tier::Low);
    hall.offscreen
        .app
        .init_resource::<Shows>()
        .add_observer(|emoted: On<Emoted>, mut shows: ResMut<Shows>| shows.0.push(emoted.event().emote));
    friend(&mut hall, "Bo");
    let codes = [KeyCode::Digit1, KeyCode::Digit2, KeyCode::Digit3, KeyCode::Digit4, KeyCode::Digit5, KeyCode::Digit6, KeyCode::Digit7];
    // One thing after the other: too much at once is not shown.
    let shown = |hall: &mut Hall| {
        hall.steps(24);
        std::mem::take(&mut hall.world().resource_mut::<Shows>().0)
    };
    let has_hand_up = |hall: &mut Hall| {
        let world = hall.world();
        world.query_filtered::<&Gesture, With<Me>>().single(world).unwrap().has_hand_up()
    };
    for ((number, code), emote) in (1..).zip(codes).zip(Emote::ALL) {
        press(&mut hall, code, &format!("{number}"));
        assert_eq!(shown(&mut hall), [emote]);
    }
    assert!(has_hand_up(&mut hall), "a hand stays up");
    press(&mut hall, KeyCode::Digit7, "7");
    assert!(shown(&mut hall).is_empty() && !has_hand_up(&mut hall));

    // The fourth of seven is in the middle of the wheel.
    let heart = egui::pos2(320.0, 180.0 + 64.0);
    let after = |hall: &mut Hall, typed: &[(KeyCode, &str)]| {
        typed.iter().for_each(|(code, typed)| press(hall, *code, typed));
        hall.steps(3);
        hall.click_at(heart);
        hall.steps(2);
        shown(hall)
    };
    let e = (KeyCode::KeyE, "e");
    assert_eq!(after(&mut hall, &[]), [], "there is no wheel");
    assert_eq!(after(&mut hall, &[e]), [Emote::Heart]);
    assert_eq!(after(&mut hall, &[]), [], "it is closed by what was chosen");
    assert_eq!(after(&mut hall, &[e, e]), [], "and by its key");
    assert_eq!(after(&mut hall, &[e, (KeyCode::Digit1, "1")]), [Emote::Wave], "and by another's");
}

/// Half a minute of one tone.
fn tone(folder: &Path) -> PathBuf {
    let path = folder.join("tone.flac");
    let arguments = ["-loglevel", "error", "-y", "-f", "lavfi", "-i", "sine=f=480:r=48000:d=30"];
    let status = Command::new("ffmpeg").args(arguments).arg(&path).status();
    assert!(status.expect("this test needs the program ffmpeg").success());
    path
}

/// How loud it is over a fifth of a second from now, dBFS.
fn loudness_db(hall: &mut Hall) -> f32 {
    hall.heard.clear();
    hall.steps(12);
    let power = hall.heard.iter().map(|sample| sample * sample).sum::<f32>() / hall.heard.len() as f32;
    10.0 * power.max(1e-12).log10()
}

#[test]
fn the_film_makes_way_for_whoever_speaks_as_far_as_one_likes_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let film = tone(folder.path());
    let mut hall = Hall::open((160, 90), Tier::Low);
    hall.hide_panels();
    hall.present(&film, true);
    hall.steps(60);
    let bo = friend(&mut hall, "Bo");
    let whole_db = loudness_db(&mut hall);
    assert!(whole_db > -40.0, "{whole_db}");
    let down_db = |hall: &mut Hall, steps: usize| {
        hall.steps(steps);
        whole_db - loudness_db(hall)
    };
    let is_down = |hall: &mut Hall, steps: usize, expected_db: f32, why: &str| {
        let db = down_db(hall, steps);
        assert!((db - expected_db).abs() < 0.5, "{why}: {db} dB down instead of {expected_db}");
    };
    let speaks = |hall: &mut Hall, level: u8| {
        hall.world().entity_mut(bo).insert(Talking(level));
    };
    let usual_db = MyVoice::default().duck_db;
    assert!(usual_db > 3.0);
    speaks(&mut hall, 85);
    is_down(&mut hall, 15, 0.0, "breath is no word");
    speaks(&mut hall, 200);
    is_down(&mut hall, 15, usual_db, "Bo speaks");
    speaks(&mut hall, 0);
    is_down(&mut hall, 15, usual_db, "between two words");
    is_down(&mut hall, 150, 0.0, "Bo has spoken");
    hall.world().resource_mut::<MyVoice>().duck_db = MyVoice::DUCK_MOST_DB;
    speaks(&mut hall, 200);
    is_down(&mut hall, 15, MyVoice::DUCK_MOST_DB, "as far as one likes");
    hall.world().resource_mut::<MyVoice>().duck_db = 0.0;
    is_down(&mut hall, 60, 0.0, "not at all, if one likes that");
    hall.world().resource_mut::<MyVoice>().duck_db = usual_db;
    is_down(&mut hall, 15, usual_db, "and again");
    // Whom I do not want to hear the film does not make way for.
    let percent = |hall: &mut Hall| {
        let company = hall.world().resource::<Company>();
        company.people.iter().find(|person| person.id == FRIEND).unwrap().voice_percent
    };
    hall.act(Action::VolumeOf { who: FRIEND, percent: 60 });
    hall.act(Action::MuteForMe(FRIEND));
    is_down(&mut hall, 150, 0.0, "Bo is muted for me");
    assert_eq!(percent(&mut hall), 0);
    hall.act(Action::MuteForMe(FRIEND));
    is_down(&mut hall, 15, usual_db, "Bo is heard again");
    assert_eq!(percent(&mut hall), 60);
}

#[derive(Resource, Default)]
struct Partings(Vec<String>);

#[test]
fn garbage_as_a_voice_or_a_face_costs_its_sender_the_line_and_nobody_else_anything() {
    for is_face in [false, true] {
        let (mut ann, invite) = Friend::host("Ann");
        let (mut bo, mut cy) = (Friend::new("Bo"), Friend::new("Cy"));
        bo.0.init_resource::<Partings>().add_observer(|parted: On<Parted>, mut partings: ResMut<Partings>| {
            partings.0.push(parted.event().sentence.clone());
        });
        bo.tell(Join { invite: invite.clone() });
        // Bo's program does not get its way to voices or faces: what is sent on it is ours.
        let world = bo.0.world();
        let way = if is_face { &world.resource::<FaceWay>().0 } else { &world.resource::<VoiceWay>().0 };
        let port = way.lock().unwrap().take().unwrap();
        cy.tell(Join { invite });
        until("all are here", [&mut ann, &mut bo, &mut cy], |friends| friends.iter_mut().all(|friend| friend.people().len() == 3));
        if is_face {
            // A face is only read of whoever says that their camera is on.
            bo.0.world_mut().resource_mut::<MyCamera>().choice = CameraChoice::Pattern;
            bo.tell(TurnCamera::On(true));
        }
        let host = ann.0.world().resource::<Myself>().id();
        let mut line = None;
        until("Bo has a line to Ann", [&mut ann, &mut bo, &mut cy], |_| {
            let up = std::iter::from_fn(|| port.next_event()).find_map(|event| match event {
                LiveEvent::Up { line } if line.peer() == host => Some(line),
                _ => None,
            });
            line = line.take().or(up);
            line.is_some()
        });
        let line = line.unwrap();
        let says = if is_face { "What came as a face is none." } else { "What came as a voice is none." };
        let mut rounds = 0_u32;
        until(says, [&mut ann, &mut bo, &mut cy], |[_, bo, _]| {
            rounds += 1;
            // On a line that is closed already nothing more goes.
            let _is_sent = if is_face {
                rounds.is_multiple_of(10) && line.send_face(rounds, vec![0xff_u8; 64].into())
            } else {
                line.send_voice(&[0xff; 40])
            };
            bo.0.world().resource::<Partings>().0.iter().any(|sentence| sentence == says)
        });
        until("Bo is out, and nobody else", [&mut ann, &mut bo, &mut cy], |[ann, bo, cy]| {
            ann.people() == ["Ann", "Cy"] && cy.people() == ["Ann", "Cy"] && bo.people() == ["Bo"]
        });
        assert_eq!((cy.standing(), ann.standing()), (Standing::Guest, Standing::Host));
    }
}
