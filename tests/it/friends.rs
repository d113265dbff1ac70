//! Friends in one theater: whole programs without windows in one process, real connections on the loopback.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

use bevy::{
    prelude::*,
    state::app::StatesPlugin,
    time::TimePlugin,
    window::{FileDragAndDrop, PrimaryWindow},
};
use bevy_egui::EguiClipboard;
use houselights::{
    app::{
        self, Ground,
        offscreen::{Offscreen, Options},
    },
    audio::{Mixer, Output},
    clock::{FilmTime, Rate},
    film::{FilmSource, Open, Screening},
    net::FilmEvent,
    notice::Notice,
    room::{
        Ask, Chat, Emote, Emoted, FilmWay, Hosting, Join, Leave, Me, Moderation, Myself, OpenTheater, Parted, Participant, ParticipantId,
        PersonName, Playback, ReachMember, Right, Room, Say, SeatNumber, ShowEmote, SitDown, Sits, Standing, Talking, Words,
    },
    theater::{Face, Tier},
    trace::{Trace, mono_ns},
    ui::Action,
    voice::{MicrophoneChoice, MicrophoneLevel, MyVoice, Speak},
    webcam::{CameraChoice, MyCamera, TurnCamera},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{clip::Clip, panels::Window};

/// A program without a window; its time is real.
pub(crate) struct Friend(pub(crate) App);

#[derive(Resource, Default)]
struct Said(Vec<String>);

impl Friend {
    pub(crate) fn new(name: &str) -> Self {
        let mut app = App::new();
        app.add_plugins((TaskPoolPlugin::default(), TimePlugin, StatesPlugin));
        let mixer = Mixer::open(&Output::Null { ppm: 0.0 }, &Trace::default()).unwrap();
        let mut ground = Ground { clock: Some(mono_ns), ..Ground::nobodys(mixer) };
        ground.myself = Myself { name: PersonName::from(name), ..ground.myself };
        app::house(&mut app, ground);
        app.init_resource::<Said>()
            .add_observer(|notice: On<Notice>, mut said: ResMut<Said>| said.0.push(notice.event().text.clone()))
            .add_observer(|parted: On<Parted>, mut said: ResMut<Said>| said.0.push(parted.event().sentence.clone()));
        app.finish();
        app.cleanup();
        app.update();
        Self(app)
    }

    /// A program with everything a window shows, drawn into an image; its time is real, too.
    pub(crate) fn with_window(name: &str, (width, height): (u32, u32)) -> Self {
        let options = Options { width, height, step: None, dummy_window: true };
        let mut offscreen = Offscreen::new(options, |app| {
            let mixer = Mixer::open(&Output::Null { ppm: 0.0 }, &Trace::default()).unwrap();
            let mut ground = Ground { clock: Some(mono_ns), ..Ground::nobodys(mixer) };
            ground.myself = Myself { name: PersonName::from(name), ..ground.myself };
            app::house(app, ground);
            app::hall(app, Some(Tier::Low));
            app.init_resource::<Said>().add_observer(|notice: On<Notice>, mut said: ResMut<Said>| said.0.push(notice.event().text.clone()));
        });
        offscreen.until_ready().unwrap();
        Self(offscreen.app)
    }

    pub(crate) fn host(name: &str) -> (Self, String) {
        let mut host = Self::new(name);
        host.tell(OpenTheater { without_seat: false });
        let invite = host.invite();
        (host, invite)
    }

    pub(crate) fn invite(&self) -> String {
        self.0.world().resource::<Hosting>().invite.clone()
    }

    pub(crate) fn tell<E: for<'a> Event<Trigger<'a>: Default>>(&mut self, event: E) {
        self.0.world_mut().trigger(event);
        self.0.world_mut().flush();
    }

    pub(crate) fn people(&mut self) -> Vec<String> {
        let world = self.0.world_mut();
        let mut names: Vec<_> = world.query::<&Participant>().iter(world).map(|who| who.name.to_string()).collect();
        names.sort();
        names
    }

    pub(crate) fn seat(&mut self) -> Option<u8> {
        let world = self.0.world_mut();
        world.query_filtered::<&Sits, With<Me>>().single(world).ok().map(|sits| sits.0.get())
    }

    fn id(&self) -> ParticipantId {
        self.0.world().resource::<Myself>().id()
    }

    pub(crate) fn playback(&mut self) -> Playback {
        let world = self.0.world_mut();
        world.query_filtered::<&Playback, With<Room>>().single(world).cloned().unwrap_or_default()
    }

    fn title(&mut self) -> Option<String> {
        self.playback().film.map(|film| film.title.to_string())
    }

    pub(crate) fn shows_picture(&self) -> bool {
        self.0.world().get_resource::<Screening>().is_some_and(|screening| screening.shown_ns().is_some())
    }

    pub(crate) fn heard_ns(&self) -> Option<i64> {
        self.0.world().get_resource::<Screening>()?.heard(mono_ns()).filter(|heard| heard.playing).map(|heard| heard.film_ns)
    }

    pub(crate) fn said(&self, words: &str) -> bool {
        self.0.world().resource::<Said>().0.iter().any(|sentence| sentence.contains(words))
    }

    fn chat_says(&self, words: &str) -> bool {
        self.0.world().resource::<Chat>().lines().any(|line| line.text.as_str().contains(words))
    }

    pub(crate) fn standing(&self) -> Standing {
        *self.0.world().resource::<Standing>()
    }
}

impl Window for Friend {
    fn world(&mut self) -> &mut World {
        self.0.world_mut()
    }

    fn frame(&mut self) {
        self.0.update();
    }
}

/// Lets everybody's time pass until it is so; a minute is far more than anything here takes.
pub(crate) fn until<const N: usize>(what: &str, mut friends: [&mut Friend; N], mut is_so: impl FnMut(&mut [&mut Friend; N]) -> bool) {
    let end_ns = mono_ns() + 60_000_000_000;
    loop {
        friends.iter_mut().for_each(|friend| friend.0.update());
        if is_so(&mut friends) {
            return;
        }
        let said: Vec<_> = friends.iter().map(|friend| &friend.0.world().resource::<Said>().0).collect();
        assert!(mono_ns() < end_ns, "never came true: {what}; said {said:?}");
        // Frames of a screen, not a wait for anything.
        std::thread::park_timeout(Duration::from_millis(3));
    }
}

fn clip(folder: &Path) -> std::path::PathBuf {
    Clip { sound_tracks: 1, ..Clip::default() }.make(folder)
}

#[test]
fn a_guest_without_the_file_sees_and_hears_it_and_moves_it_and_brings_another() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(folder.path());
    let (mut ann, invite) = Friend::host("Ann");
    ann.tell(Open { source: FilmSource::Demo, plays: false });
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite });
    until("Bo sits beside Ann", [&mut ann, &mut bo], |[ann, bo]| ann.people() == ["Ann", "Bo"] && bo.people() == ["Ann", "Bo"]);
    assert!(bo.seat().is_some() && bo.seat() != ann.seat());
    until("both see the first picture", [&mut ann, &mut bo], |[ann, bo]| ann.shows_picture() && bo.shows_picture());
    bo.tell(Ask::Play);
    until("both hear the film", [&mut ann, &mut bo], |[ann, bo]| ann.heard_ns().is_some() && bo.heard_ns() > Some(500_000_000));
    until("both hear the same", [&mut ann, &mut bo], |[ann, bo]| {
        ann.heard_ns().zip(bo.heard_ns()).is_some_and(|(ann, bo)| (ann - bo).abs() < 20_000_000)
    });
    ann.tell(Ask::Pause);
    until("Bo's film stands, too", [&mut ann, &mut bo], |[ann, bo]| bo.heard_ns().is_none() && ann.heard_ns().is_none());
    bo.tell(Ask::SeekTo(FilmTime::from_ns(20_000_000_000)));
    until("both are there", [&mut ann, &mut bo], |[ann, bo]| {
        let place = |friend: &mut Friend| (friend.playback().gather.is_none(), friend.playback().timeline.film.s());
        place(ann) == (true, 20.0) && place(bo) == (true, 20.0) && bo.shows_picture()
    });
    bo.tell(Open { source: FilmSource::File(film), plays: true });
    until("both hear Bo's film", [&mut ann, &mut bo], |[ann, bo]| {
        ann.title().as_deref() == Some("clip.mkv") && ann.heard_ns().is_some() && bo.heard_ns().is_some()
    });
    until("the film ends for both", [&mut ann, &mut bo], |[ann, bo]| {
        let is_over = |friend: &mut Friend| friend.playback().timeline.film.s() > 3.5 && friend.heard_ns().is_none();
        is_over(ann) && is_over(bo)
    });
    assert!(ann.chat_says("Bo put on “clip.mkv”.") && bo.chat_says("Ann paused at"));
}

#[test]
fn a_film_opened_alone_is_opened_to_friends_while_it_runs_and_a_dropped_film_replaces_a_friends() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(folder.path());
    let mut ann = Friend::with_window("Ann", (640, 360));
    ann.tell(Open { source: FilmSource::Demo, plays: true });
    until("Ann hears it alone", [&mut ann], |[ann]| ann.heard_ns() > Some(300_000_000));
    let (before, heard) = (ann.playback(), ann.heard_ns());
    ann.tell(Action::OpenTheater);
    ann.0.update();
    assert!(ann.playback() == before && ann.heard_ns() > heard, "nothing stopped for it");
    ann.tell(Action::CopyInvite { for_moderators: false });
    ann.0.update();
    let invite = ann.invite();
    let is_copied = ann.0.world_mut().resource_mut::<EguiClipboard>().get_text().is_some_and(|text| text == invite);
    let says = if is_copied { "The invite is copied" } else { "The clipboard does not answer" };
    assert!(ann.said(says), "copied: {is_copied}");
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite });
    until("Bo hears it, too", [&mut ann, &mut bo], |[ann, bo]| bo.heard_ns().is_some() && ann.heard_ns().is_some());
    assert_eq!(ann.playback(), before, "the film never stopped");
    bo.tell(Open { source: FilmSource::File(film), plays: true });
    until("Bo's film runs", [&mut ann, &mut bo], |[ann, bo]| {
        ann.title().as_deref() == Some("clip.mkv") && ann.heard_ns().is_some() && bo.heard_ns().is_some()
    });
    let other = Clip { name: "dropped.mkv", seconds: 2.0, sound_tracks: 1, ..Clip::default() }.make(folder.path());
    let world = ann.0.world_mut();
    let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
    world.write_message(FileDragAndDrop::DroppedFile { window, path_buf: other });
    until("both see what Ann dropped", [&mut ann, &mut bo], |[ann, bo]| {
        let sees = |friend: &mut Friend| friend.title().as_deref() == Some("dropped.mkv") && friend.shows_picture();
        sees(ann) && sees(bo) && ann.playback().gather.is_none()
    });
    assert_eq!(bo.playback().film.map(|film| film.presenter), Some(ann.id()));
    assert!(bo.chat_says("Ann put on “dropped.mkv”."));
}

/// A program that speaks a file, and keeps what it hears in another.
fn talker(name: &str, folder: &Path, says: Option<&Path>) -> Friend {
    let mut app = App::new();
    app.add_plugins((TaskPoolPlugin::default(), TimePlugin, StatesPlugin));
    let mixer = Mixer::open(&Output::File { path: folder.join(format!("{name}.wav")), ppm: 0.0 }, &Trace::default()).unwrap();
    let mut ground = Ground { clock: Some(mono_ns), ..Ground::nobodys(mixer) };
    ground.myself = Myself { name: PersonName::from(name), ..ground.myself };
    ground.microphone = says.map_or(MicrophoneChoice::None, |path| MicrophoneChoice::File(path.to_owned()));
    app::house(&mut app, ground);
    app.init_resource::<Said>().add_observer(|notice: On<Notice>, mut said: ResMut<Said>| said.0.push(notice.event().text.clone()));
    app.finish();
    app.cleanup();
    app.update();
    Friend(app)
}

fn level_of(friend: &mut Friend, name: &str) -> u8 {
    let world = friend.0.world_mut();
    let levels: Vec<_> =
        world.query::<(&Participant, &Talking)>().iter(world).map(|(who, talking)| (who.name.to_string(), talking.0)).collect();
    levels.into_iter().find(|(who, _)| who == name).map_or(0, |(_, level)| level)
}

#[test]
fn two_guests_hear_each_other_only_while_a_microphone_is_on_and_a_muted_one_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    // Half a second of silence, then a buzz that comes and goes as speech does.
    let words = folder.path().join("words.wav");
    let source = "sine=f=180:d=20,volume='0.5+0.5*sin(12*t)':eval=frame,aresample=48000";
    let made = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "lavfi", "-i", source, "-ac", "1"])
        .arg(&words)
        .status();
    assert!(made.unwrap().success());
    let (mut ann, invite) = Friend::host("Ann");
    let (mut bo, mut cy) = (talker("Bo", folder.path(), Some(&words)), talker("Cy", folder.path(), None));
    bo.tell(Join { invite: invite.clone() });
    cy.tell(Join { invite });
    until("all are here", [&mut ann, &mut bo, &mut cy], |friends| friends.iter_mut().all(|friend| friend.people().len() == 3));
    assert_eq!(level_of(&mut cy, "Bo"), 0, "microphones are off at first");
    bo.0.world_mut().resource_mut::<MyVoice>().hears_itself = true;
    let mut loud_frames = 0;
    until("Bo tries the microphone", [&mut ann, &mut bo, &mut cy], |[ann, bo, cy]| {
        assert_eq!([level_of(ann, "Bo"), level_of(cy, "Bo"), level_of(bo, "Bo")], [0; 3], "nobody else hears it");
        loud_frames += u32::from(bo.0.world().resource::<MicrophoneLevel>().0 > 100);
        loud_frames > 60
    });
    bo.0.world_mut().resource_mut::<MyVoice>().hears_itself = false;
    bo.tell(Speak::Hold(true));
    until("Ann and Cy hear Bo, who sits between", [&mut ann, &mut bo, &mut cy], |[ann, _, cy]| {
        level_of(ann, "Bo") > 100 && level_of(cy, "Bo") > 100
    });
    until("one sees that one is heard", [&mut ann, &mut bo, &mut cy], |[_, bo, _]| level_of(bo, "Bo") > 100);
    bo.tell(Speak::Hold(false));
    until("Bo is silent", [&mut ann, &mut bo, &mut cy], |[ann, _, cy]| level_of(ann, "Bo") == 0 && level_of(cy, "Bo") == 0);
    let id = bo.id();
    ann.tell(Moderation::Deny { who: id, right: Right::Speak });
    until("Bo knows", [&mut ann, &mut bo, &mut cy], |[_, bo, _]| bo.said("no longer") || bo.chat_says("no longer allowed to speak"));
    bo.tell(Speak::Open(true));
    assert!(bo.said("A moderator muted you"));
    cy.tell(Speak::Open(true));
    cy.0.update();
    assert!(cy.said("no microphone"), "{:?}", cy.0.world().resource::<Said>().0);
}

#[test]
fn a_face_is_seen_by_all_while_its_camera_is_on_and_what_is_shown_without_words_is_seen_once() {
    let (mut ann, invite) = Friend::host("Ann");
    let (mut bo, mut cy) = (Friend::new("Bo"), Friend::new("Cy"));
    for friend in [&mut ann, &mut cy] {
        friend.0.init_resource::<Seen>().add_observer(|emoted: On<Emoted>, mut seen: ResMut<Seen>| seen.0.push(emoted.event().emote));
    }
    bo.tell(Join { invite: invite.clone() });
    cy.tell(Join { invite });
    until("all are here", [&mut ann, &mut bo, &mut cy], |friends| friends.iter_mut().all(|friend| friend.people().len() == 3));
    bo.0.world_mut().resource_mut::<MyCamera>().choice = CameraChoice::Pattern;
    let faces = |friend: &mut Friend| {
        let world = friend.0.world_mut();
        world.query::<&Face>().iter(world).map(Face::shown).collect::<Vec<_>>()
    };
    assert!(faces(&mut ann).is_empty());
    bo.tell(TurnCamera::Try(true));
    let mut seen_frames = 0;
    until("Bo looks at it first", [&mut ann, &mut bo, &mut cy], |[ann, bo, cy]| {
        assert!(faces(ann).is_empty() && faces(cy).is_empty() && !bo.0.world().resource::<MyCamera>().is_on, "nobody else sees it");
        seen_frames += u32::from(bo.0.world().resource::<MyCamera>().preview.is_some());
        seen_frames > 30
    });
    // One has looked at oneself: the same key again shows it to everybody.
    bo.tell(TurnCamera::Toggle);
    assert!(bo.0.world().resource::<MyCamera>().is_on && !bo.0.world().resource::<MyCamera>().is_tried);
    until("Ann and Cy see Bo move", [&mut ann, &mut bo, &mut cy], |[ann, _, cy]| {
        [ann, cy].into_iter().all(|friend| faces(friend).first().is_some_and(|shown| *shown > 5))
    });
    assert!(bo.0.world().resource::<MyCamera>().preview.is_some());
    bo.tell(TurnCamera::Toggle);
    until("nobody sees Bo", [&mut ann, &mut bo, &mut cy], |[ann, _, cy]| faces(ann).is_empty() && faces(cy).is_empty());
    bo.tell(ShowEmote(Emote::Heart));
    until("both see the heart", [&mut ann, &mut bo, &mut cy], |[ann, _, cy]| {
        [ann, cy].into_iter().all(|friend| friend.0.world().resource::<Seen>().0 == [Emote::Heart])
    });
    let (mut di, invite) = (Friend::new("Di"), ann.invite());
    di.0.init_resource::<Seen>().add_observer(|emoted: On<Emoted>, mut seen: ResMut<Seen>| seen.0.push(emoted.event().emote));
    di.tell(Join { invite });
    until("Di is here", [&mut ann, &mut bo, &mut cy, &mut di], |friends| friends.iter_mut().all(|friend| friend.people().len() == 4));
    assert_eq!(di.0.world().resource::<Seen>().0, [], "what was shown before is over");
    bo.0.world_mut().resource_mut::<MyCamera>().choice = CameraChoice::None;
    bo.tell(TurnCamera::On(true));
    assert!(bo.said("You chose to have no camera"));
}

#[derive(Resource, Default)]
struct Seen(Vec<Emote>);

#[test]
fn guests_fetch_from_a_guest_who_presents_and_what_came_plays_on_when_they_leave() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(folder.path());
    let (mut ann, invite) = Friend::host("Ann");
    let (mut bo, mut cy) = (Friend::new("Bo"), Friend::new("Cy"));
    bo.tell(Join { invite: invite.clone() });
    cy.tell(Join { invite });
    until("all are here", [&mut ann, &mut bo, &mut cy], |friends| friends.iter_mut().all(|friend| friend.people().len() == 3));
    bo.tell(Open { source: FilmSource::File(film), plays: true });
    until("all hear it", [&mut ann, &mut bo, &mut cy], |friends| friends.iter().all(|friend| friend.heard_ns().is_some()));
    drop(bo);
    until("Bo's chair is empty", [&mut ann, &mut cy], |friends| friends.iter_mut().all(|friend| friend.people() == ["Ann", "Cy"]));
    assert!(ann.playback().film.is_none_or(|film| film.is_orphaned));
    until("it ends in order", [&mut ann, &mut cy], |friends| {
        friends
            .iter_mut()
            .all(|friend| friend.heard_ns().is_none() && friend.playback().timeline.after == houselights::clock::Motion::Stands)
    });
    assert!(cy.chat_says("plays on as far as it has come"));
}

#[test]
fn whoever_comes_late_lands_where_the_film_is() {
    let (mut ann, invite) = Friend::host("Ann");
    ann.tell(Open { source: FilmSource::Demo, plays: true });
    until("the film runs", [&mut ann], |[ann]| ann.heard_ns() > Some(1_000_000_000));
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite });
    until("Bo hears it", [&mut ann, &mut bo], |[ann, bo]| ann.people().len() == 2 && bo.heard_ns().is_some());
    let step_ms = |ann: &Friend, bo: &Friend| Some((ann.heard_ns()? - bo.heard_ns()?) as f64 / 1e6);
    // On a busy machine the first samples may come a moment late; they are caught up with.
    assert!(step_ms(&ann, &bo).unwrap().abs() < 500.0, "{:?} ms apart at the first instant", step_ms(&ann, &bo));
    until("they are in step", [&mut ann, &mut bo], |[ann, bo]| step_ms(ann, bo).is_some_and(|ms| ms.abs() < 10.0));
    assert!(ann.playback().gather.is_none(), "nobody waited for Bo");
}

#[test]
fn at_another_speed_friends_stay_in_step_and_whoever_comes_late_lands_there() {
    let (mut ann, invite) = Friend::host("Ann");
    ann.tell(Open { source: FilmSource::Demo, plays: true });
    until("the film runs", [&mut ann], |[ann]| ann.heard_ns().is_some());
    ann.tell(Ask::Rate(Rate::from_factor(1.5).unwrap()));
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite });
    let step_ms = |ann: &Friend, bo: &Friend| Some((ann.heard_ns()? - bo.heard_ns()?) as f64 / 1e6);
    until("Bo hears it", [&mut ann, &mut bo], |[ann, bo]| ann.people().len() == 2 && bo.heard_ns().is_some());
    assert!(step_ms(&ann, &bo).unwrap().abs() < 500.0, "{:?} ms apart at the first instant", step_ms(&ann, &bo));
    until("they are in step", [&mut ann, &mut bo], |[ann, bo]| step_ms(ann, bo).is_some_and(|ms| ms.abs() < 10.0));
    bo.tell(Ask::Rate(Rate::LEAST));
    until("both are told who did it", [&mut ann, &mut bo], |[ann, bo]| {
        ann.chat_says("Bo set the speed to 0.5×.") && bo.chat_says("Bo set the speed to 0.5×.")
    });
    let (since_ns, place_ns) = (mono_ns(), bo.heard_ns());
    until("a second passes", [&mut ann, &mut bo], |_| mono_ns() - since_ns > 1_000_000_000);
    let moved = (bo.heard_ns().unwrap() - place_ns.unwrap()) as f64 / (mono_ns() - since_ns) as f64;
    // The change is dated a little ahead.
    assert!((0.45..0.75).contains(&moved), "{moved} of the film's own speed");
    until("they are in step again", [&mut ann, &mut bo], |[ann, bo]| step_ms(ann, bo).is_some_and(|ms| ms.abs() < 10.0));
}

#[test]
fn whoever_is_removed_is_told_and_their_invite_opens_nothing_more() {
    let (mut ann, invite) = Friend::host("Ann");
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite: invite.clone() });
    until("Bo is here", [&mut ann, &mut bo], |[ann, bo]| {
        ann.people().len() == 2 && bo.standing() == Standing::Guest && bo.people().len() == 2
    });
    ann.tell(Moderation::Kick { who: bo.id() });
    until("Bo is out", [&mut ann, &mut bo], |[ann, bo]| ann.people() == ["Ann"] && bo.standing() == Standing::Alone);
    assert!(bo.said("Ann removed you"), "{:?}", bo.0.world().resource::<Said>().0);
    assert_ne!(ann.invite(), invite);
    bo.tell(Join { invite });
    until("the old invite is refused", [&mut ann, &mut bo], |[_, bo]| bo.standing() == Standing::Alone);
    let mut cy = Friend::new("Cy");
    cy.tell(Join { invite: ann.invite() });
    until("the new one opens", [&mut ann, &mut cy], |[ann, _]| ann.people() == ["Ann", "Cy"]);
}

#[test]
fn whoever_stays_gets_the_new_invite_passes_it_on_and_parts_from_the_removed() {
    let (mut ann, invite) = Friend::host("Ann");
    let (mut bo, mut cy) = (Friend::new("Bo"), Friend::new("Cy"));
    bo.tell(Join { invite: invite.clone() });
    // No film is shown here: what Bo's way for films tells of lines is free to be read.
    let way = bo.0.world_mut().resource_mut::<FilmWay>().0.take().unwrap();
    cy.tell(Join { invite });
    until("all are here", [&mut ann, &mut bo, &mut cy], |friends| friends.iter_mut().all(|friend| friend.people().len() == 3));
    let mut parted = None;
    until("Bo has a line to Cy", [&mut ann, &mut bo, &mut cy], |[_, bo, cy]| {
        bo.tell(ReachMember(cy.id()));
        let up = std::iter::from_fn(|| way.next()).find_map(|event| match event {
            FilmEvent::Up { line, peer } if peer == cy.id() => Some(FilmEvent::Down { line }),
            _ => None,
        });
        parted = parted.take().or(up);
        parted.is_some()
    });
    ann.tell(Moderation::Kick { who: bo.id() });
    let since_ns = mono_ns();
    until("Bo's line to Cy is closed", [&mut ann, &mut bo, &mut cy], |_| {
        std::iter::from_fn(|| way.next()).any(|event| Some(event) == parted)
    });
    assert!(mono_ns() - since_ns < 5_000_000_000, "{} ns", mono_ns() - since_ns);
    until("Cy knows the new invite", [&mut ann, &mut bo, &mut cy], |[ann, _, cy]| {
        let invite = cy.0.world().get_resource::<Hosting>().map(|hosting| hosting.invite.clone());
        invite.is_some() && ann.people() == ["Ann", "Cy"] && invite == Some(ann.invite())
    });
    let mut di = Friend::new("Di");
    di.tell(Join { invite: cy.invite() });
    until("Di is in", [&mut ann, &mut cy, &mut di], |[ann, ..]| ann.people() == ["Ann", "Cy", "Di"]);
}

#[test]
fn whoever_leaves_is_at_home_again_and_can_come_back() {
    let (mut ann, invite) = Friend::host("Ann");
    ann.tell(Open { source: FilmSource::Demo, plays: false });
    let mut bo = Friend::new("Bo");
    for _ in 0..3 {
        bo.tell(Join { invite: invite.clone() });
        until("Bo sees the film", [&mut ann, &mut bo], |[ann, bo]| {
            ann.people() == ["Ann", "Bo"] && bo.people() == ["Ann", "Bo"] && bo.shows_picture()
        });
        bo.tell(Leave);
        until("Bo is at home", [&mut ann, &mut bo], |[ann, bo]| {
            ann.people() == ["Ann"] && bo.standing() == Standing::Alone && bo.people() == ["Bo"] && bo.title().is_none()
        });
    }
    assert!(!bo.0.world().contains_resource::<Screening>(), "the film stayed in Ann's theater");
    bo.tell(Open { source: FilmSource::Demo, plays: false });
    until("Bo's own room works", [&mut bo], |[bo]| bo.shows_picture());
}

#[test]
fn a_host_who_closes_the_theater_sends_everybody_home() {
    let (mut ann, invite) = Friend::host("Ann");
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite });
    until("Bo is here", [&mut ann, &mut bo], |[ann, bo]| ann.people().len() == 2 && bo.people().len() == 2);
    ann.tell(Leave);
    until("Bo is at home", [&mut ann, &mut bo], |[ann, bo]| {
        bo.standing() == Standing::Alone && bo.people() == ["Bo"] && ann.people() == ["Ann"]
    });
    assert_eq!(ann.standing(), Standing::Alone);
}

/// The program as a process of its own, which can stop or vanish without a word.
struct Process {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(name: &str, folder: &Path, words: &[&str]) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_houselights"));
        command.args(["--headless", "--sound", "null", "--relay", "none", "--name", name]);
        command.arg("--config").arg(folder.join("config")).arg("--cache").arg(folder.join("cache")).args(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    /// The next line it prints that has this to say.
    fn says(&mut self, what: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "it ended before it said `{what}`");
            let said: Value = serde_json::from_str(&line).unwrap();
            if !said[what].is_null() {
                return said[what].clone();
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_line_that_broke_is_mended_and_finds_the_same_person_in_the_same_seat() {
    let folder = tempfile::tempdir().unwrap();
    let mut ann = Process::start("Ann", folder.path(), &["host"]);
    let invite = ann.says("invite").as_str().unwrap().to_owned();
    let mut bo = Friend::new("Bo");
    bo.tell(Join { invite });
    until("Bo is here", [&mut bo], |[bo]| bo.people() == ["Ann", "Bo"] && bo.seat().is_some());
    bo.tell(SitDown(SeatNumber::new(3).unwrap()));
    until("Bo sits there", [&mut bo], |[bo]| bo.seat() == Some(3));
    // Ann's machine falls asleep: nothing comes of it, not even a goodbye.
    ann.signal(Signal::STOP);
    until("the line is missed", [&mut bo], |[bo]| bo.said("The connection to the theater is lost. Trying again…"));
    assert_eq!((bo.standing(), bo.said("You are back")), (Standing::Joining, false));
    ann.signal(Signal::CONT);
    until("Bo is back", [&mut bo], |[bo]| {
        bo.said("You are back in the theater.") && bo.people() == ["Ann", "Bo"] && bo.seat() == Some(3) && bo.chat_says("Bo is back.")
    });
    assert_eq!(bo.standing(), Standing::Guest);
    bo.tell(Say(Words::from("well")));
    until("Bo is heard", [&mut bo], |[bo]| bo.chat_says("well"));
    writeln!(ann.child.stdin.as_mut().unwrap(), "people").unwrap();
    let people = ann.says("people");
    let seats: Vec<_> = people.as_array().unwrap().iter().map(|person| (person["name"].as_str(), person["seat"].as_u64())).collect();
    assert_eq!(seats, [(Some("Bo"), Some(3)), (Some("Ann"), Some(35))]);
}

#[test]
fn a_guest_whose_machine_dies_is_missed_without_a_goodbye() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ann, invite) = Friend::host("Ann");
    let bo = Process::start("Bo", folder.path(), &["join", &invite]);
    until("Bo is here", [&mut ann], |[ann]| ann.people() == ["Ann", "Bo"]);
    bo.signal(Signal::KILL);
    until("Bo's chair is empty", [&mut ann], |[ann]| ann.people() == ["Ann"]);
    assert!(ann.chat_says("Bo lost the connection."));
}

#[test]
fn bad_invites_are_explained_and_change_nothing() {
    let (ann, invite) = Friend::host("Ann");
    let mut bo = Friend::new("Bo");
    for (wrong, says) in [("", "invite"), ("https://example.org/room", "not"), (&invite[..invite.len() - 9], "missing")] {
        bo.0.world_mut().resource_mut::<Said>().0.clear();
        bo.tell(Join { invite: wrong.to_owned() });
        assert!(bo.said(says), "{wrong}: {:?}", bo.0.world().resource::<Said>().0);
        assert_eq!(bo.standing(), Standing::Alone);
    }
    drop(ann);
}
