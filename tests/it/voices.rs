//! People who talk: whole programs with loudspeakers and microphones on a sound server of the test's own, a speech synthesiser, and what the others hear of it.
//!
//! How late it is heard is for the benches (`voice.latency`); a busy machine may make it late, and never may it be heard by the wrong ones.

use std::path::Path;

use houselights::trace::mono_ns;

use crate::support::{
    program::Program,
    sound::{Heard, SoundServer, microphone, speaker},
};

/// So many of them in one theater, with open microphones.
fn gather(sounds: &SoundServer, folder: &Path, count: usize) -> Vec<Program> {
    let start = |who: usize, arguments: &[&str]| {
        Program::start_where(folder, NAMES[who], arguments, |command| {
            sounds.give_to(command);
            command.args([
                "--camera",
                "pattern",
                "--sound",
                &format!("device:{}", speaker(who)),
                "--mic",
                &format!("device:{}", microphone(who)),
            ]);
        })
    };
    let mut host = start(0, &["host"]);
    let (invite, _) = host.invites();
    let mut people = vec![host];
    people.extend((1..count).map(|who| start(who, &["join", &invite])));
    for person in &mut people {
        person.until("all are here", |person| person.names() == NAMES[..count]);
        person.does("mic on");
    }
    people
}

/// Somebody says the sentence, and again, until the ears it is for have heard it as it is; `check` looks at every time, also at those that were too early.
///
/// Devices open and lines are found while it is said, and a busy machine may swallow a word.
fn until_heard(sounds: &SoundServer, who: usize, by: &[usize], check: impl Fn(&[Heard])) {
    let since_ns = mono_ns();
    loop {
        let heard = sounds.says(who);
        check(&heard);
        if by.iter().all(|ear| heard[*ear].is_sentence()) {
            return;
        }
        assert!(mono_ns() - since_ns < PATIENCE_NS, "{by:?} did not hear {who}: {heard:?}");
    }
}

#[test]
fn what_one_says_is_heard_by_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = SoundServer::open(2);
    let _people = gather(&sounds, folder.path(), 2);
    for (speaker, listener) in [(0, 1), (1, 0)] {
        until_heard(&sounds, speaker, &[listener], |heard| {
            assert!(heard[speaker].is_silence(), "{speaker} hears their own voice: {heard:?}");
        });
    }
}

#[test]
fn a_microphone_that_is_unplugged_and_comes_back_is_heard_again() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = SoundServer::open(2);
    let mut people = gather(&sounds, folder.path(), 2);
    until_heard(&sounds, 0, &[1], |_| {});

    sounds.unplug(0);
    // The other's microphone is there and may stand in; either way the person is told.
    people[0].until("Ann is told that her microphone is gone", |ann| {
        let state = ann.ask("state");
        let problem = state["problem"].as_str().unwrap_or_default();
        problem.contains("No microphone answers") || problem.contains("The microphone you chose is not there")
    });
    let heard = sounds.says(0);
    assert!(heard.iter().all(Heard::is_silence), "there is no microphone where she talks: {heard:?}");

    sounds.plug_in(0);
    people[0].until("Ann is told that it is there again", |ann| ann.ask("state")["problem"].is_null());
    until_heard(&sounds, 0, &[1], |_| {});
}

#[test]
fn whoever_is_muted_by_a_moderator_is_silent_and_a_whisper_reaches_the_seat_beside_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = SoundServer::open(3);
    let mut people = gather(&sounds, folder.path(), 3);
    // One row, where nobody is put by the room: Bo beside Ann, Cy not beside anybody.
    let seats = [61, 62, 65];
    for (person, seat) in people.iter_mut().zip(seats) {
        person.does(&format!("sit {seat}"));
    }
    for person in &mut people {
        person.until("all sit there", |person| NAMES[..3].iter().zip(seats).all(|(name, seat)| person.person(name)["seat"] == seat));
    }
    let no_echo = |who: usize| move |heard: &[Heard]| assert!(heard[who].is_silence(), "{who} hears their own voice: {heard:?}");
    until_heard(&sounds, 0, &[1, 2], no_echo(0));

    people[0].does("whisper on");
    until_heard(&sounds, 0, &[1], |heard| assert!(heard[2].is_silence(), "Cy hears what was whispered to Bo: {heard:?}"));
    people[0].does("whisper off");
    until_heard(&sounds, 0, &[1, 2], no_echo(0));

    // What is silent later was heard before, and is again: it is the muting that silences.
    until_heard(&sounds, 1, &[0, 2], no_echo(1));
    people[0].does("mute Bo");
    for person in &mut people {
        person.until("Bo is muted", |person| person.person("Bo")["speak"] == false);
    }
    people[1].refuses("mic on");
    let heard = sounds.says(1);
    assert!(heard.iter().all(Heard::is_silence), "Bo is muted: {heard:?}");
    people[0].does("allow Bo speak");
    until_heard(&sounds, 1, &[0, 2], no_echo(1));
}

#[test]
fn four_who_talk_laugh_and_show_their_faces_hear_each_other_over_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = SoundServer::open(4);
    let mut people = gather(&sounds, folder.path(), 4);
    people[0].does(&format!("present {}/assets/demo.mkv", env!("CARGO_MANIFEST_DIR")));
    for person in &mut people {
        person.until("the film is put on", |person| !person.ask("state")["film"].is_null());
        person.does("volume 30");
        person.does("camera on");
        person.does("emote laugh");
    }
    people[0].does("play");
    for person in &mut people {
        person.until("the film plays", |person| person.ask("state")["playing"] == true && person.place_s() > 1.0);
    }
    for who in 0..4 {
        let since_ns = mono_ns();
        loop {
            let heard = sounds.says(who);
            if who == 0 {
                assert!(heard.iter().all(|ear| !ear.was_silence()), "the film is heard by all before anybody speaks: {heard:?}");
            }
            if (0..4).filter(|ear| *ear != who).all(|ear| heard[ear].follows_words()) {
                break;
            }
            assert!(mono_ns() - since_ns < PATIENCE_NS, "not everybody heard {who} over the film: {heard:?}");
        }
    }
    let places: Vec<_> = people.iter_mut().map(Program::place_s).collect();
    assert!(places.iter().all(|place| (place - places[0]).abs() < 1.0), "{places:?}");
    for person in &mut people {
        assert_eq!(person.names(), NAMES);
        assert_eq!(person.in_chat("Bo lost the connection."), 0);
    }
}

/// The names are theirs by the alphabet; the first is the host and moderator.
const NAMES: [&str; 4] = ["Ann", "Bo", "Cy", "Di"];
/// As for anything else.
const PATIENCE_NS: i64 = 60_000_000_000;
