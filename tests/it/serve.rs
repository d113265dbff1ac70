//! A room that a machine keeps for others, by `serve`: a moderator and a guest in processes of their own.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{clip::Clip, program::Program};

/// A kept room with Mo, who came by the moderators' invite, and Bo, who came by the guests'.
struct Kept {
    house: Program,
    mo: Program,
    bo: Program,
    /// The guests' invite and the moderators'.
    invites: (String, String),
}

impl Kept {
    fn open(folder: &Path) -> Self {
        // Whatever this machine has to hear with is left alone, without a word.
        let mut house = Program::start_where(folder, "House", &["serve", "--headless"], |_| {});
        let invites = house.invites();
        let mo = Program::start(folder, "Mo", &["join", &invites.1]);
        let bo = Program::start(folder, "Bo", &["join", &invites.0]);
        let mut kept = Self { house, mo, bo, invites };
        for theater in [&mut kept.house, &mut kept.mo, &mut kept.bo] {
            theater.until("both are here and the house is nobody", |theater| theater.names() == ["Bo", "Mo"]);
        }
        kept
    }
}

/// Long enough not to end while a busy machine is at a test, and small.
fn film(folder: &Path) -> PathBuf {
    Clip { seconds: 60.0, rate: "12", ..Clip::default() }.make(folder)
}

fn present(film: &Path) -> String {
    format!("present {}", film.display())
}

#[test]
fn a_kept_room_holds_exactly_who_came_and_shows_the_moderators_film_to_the_guest() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let Kept { mut house, mut mo, mut bo, invites: (invite, moderator_invite) } = Kept::open(folder.path());
    assert!(invite.starts_with("houselights1-") && moderator_invite.starts_with("houselights1-") && invite != moderator_invite);
    for theater in [&mut house, &mut mo, &mut bo] {
        let (is_mo, is_bo) = (theater.person("Mo"), theater.person("Bo"));
        assert!(is_mo["moderator"] == true && is_bo["moderator"] == false, "{is_mo} {is_bo}");
        assert_ne!(is_mo["seat"], is_bo["seat"]);
    }
    mo.does(&present(&film));
    bo.until("Bo, who has no file, sees the film run", |bo| {
        let state = bo.ask("state");
        let is_running = state["film"] == "clip.mkv" && state["playing"] == true && state["film_time_s"].as_f64() > Some(0.5);
        is_running && bo.person("Bo")["status"] == "watching" && bo.person("Mo")["status"] == "watching"
    });
    bo.until("Bo reads whose it is", |bo| bo.in_chat("Mo put on “clip.mkv”.") == 1);
    assert_eq!(house.names(), ["Bo", "Mo"], "nor is the house somebody while a film runs");
    assert_eq!(mo.ask("start")["error"], "Nobody is waited for.");
    // Bo's place will not be ready, and that Bo is gone is not known yet.
    bo.cut_off();
    mo.does("seek 20");
    mo.until("the room waits for Bo", |mo| mo.ask("state")["waiting_for"] == serde_json::json!(["Bo"]));
    mo.does("start");
    mo.until("it runs on without Bo", |mo| mo.ask("state")["waiting_for"].is_null() && mo.place_s() > 20.2);
}

#[test]
fn what_a_moderator_locks_gives_and_takes_holds_for_a_guest() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let other = Clip { name: "other.mkv", ..Clip::default() }.make(folder.path());
    let Kept { house: _house, mut mo, mut bo, .. } = Kept::open(folder.path());
    mo.does(&present(&film));
    bo.until("the film runs", |bo| bo.place_s() > 0.5);

    mo.does("lock");
    bo.until("Bo has no remote", |bo| bo.person("Bo")["remote"] == false);
    bo.until("Bo reads why", |bo| bo.in_chat("Mo locked the remote") == 1);
    bo.refuses("pause");
    let place_s = mo.place_s();
    mo.until("the film runs on as if Bo had not tried", |mo| mo.place_s() > place_s + 0.5);

    mo.does("allow Bo remote");
    bo.until("Bo has the remote, locked or not", |bo| bo.person("Bo")["remote"] == true);
    bo.does("pause");
    mo.until("the film stands for Mo, too", |mo| mo.ask("state")["playing"] == false);
    mo.until("Mo reads who it was", |mo| mo.in_chat("Bo paused at 0:") == 1);

    mo.does("deny Bo remote");
    bo.until("Bo has no remote again", |bo| bo.person("Bo")["remote"] == false);
    bo.refuses("play");
    mo.does("unlock");
    bo.until("everybody has the remote", |bo| bo.person("Bo")["remote"] == true);
    assert!(mo.ask("state")["playing"] == false, "what was refused is not made up for");
    bo.does("play");
    mo.until("the film runs again", |mo| mo.ask("state")["playing"] == true);

    mo.does("deny Bo present");
    bo.until("Bo may put on nothing", |bo| bo.person("Bo")["present"] == false);
    // A program that opens the film first hears of it later.
    if bo.ask(&present(&other))["ok"] == true {
        bo.until("Bo is told why", |bo| bo.said().contains("did not choose you"));
    }
    assert_eq!(mo.ask("state")["film"], "clip.mkv");
    mo.does("allow Bo present");
    bo.until("Bo may put on a film", |bo| bo.person("Bo")["present"] == true);
    bo.does(&present(&other));
    mo.until("Mo sees it", |mo| mo.ask("state")["film"] == "other.mkv");
}

#[test]
fn whoever_is_muted_is_not_read_until_a_moderator_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let Kept { mut house, mut mo, mut bo, .. } = Kept::open(folder.path());
    mo.does("mute Bo");
    bo.until("Bo is muted", |bo| bo.person("Bo")["speak"] == false);
    bo.refuses("say whispered");
    mo.does("allow Bo speak");
    bo.until("Bo may speak", |bo| bo.person("Bo")["speak"] == true);
    bo.does("say aloud");
    for theater in [&mut house, &mut mo, &mut bo] {
        theater.until("what Bo said is read", |theater| theater.in_chat("aloud") == 1);
        // It was said before, and lines come in order.
        assert_eq!(theater.in_chat("whispered"), 0);
    }
}

#[test]
fn whoever_is_removed_reads_it_and_who_stays_has_an_invite_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let Kept { mut house, mut mo, mut bo, invites } = Kept::open(folder.path());
    let mut before = Value::Null;
    mo.until("Mo can pass the invites on", |mo| {
        before = mo.ask("invite");
        before["ok"] == true && before["moderator_invite"].is_string()
    });
    mo.does("kick Bo");
    assert_eq!(bo.ends(), Some(1));
    assert!(bo.said().contains("Mo removed you from the theater."), "{}", bo.said());
    for theater in [&mut house, &mut mo] {
        theater.until("Bo is gone", |theater| theater.names() == ["Mo"]);
    }
    let mut after = Value::Null;
    mo.until("Mo is shown other invites", |mo| {
        after = mo.ask("invite");
        ["invite", "moderator_invite"].iter().all(|which| after[which].is_string() && after[which] != before[which])
    });
    // It prints them again, too, when it can be reached elsewhere.
    while house.invites() == invites {}
    let invite = after["invite"].as_str().unwrap();
    let (old, old_of_moderators) = (invites.0.as_str(), invites.1.as_str());
    for (name, invite, says) in
        [("Cy", old, "not valid any more"), ("Di", old_of_moderators, "not valid any more"), ("Bo", invite, "You were removed")]
    {
        let mut refused = Program::start(folder.path(), name, &["join", invite]);
        assert_eq!(refused.ends(), Some(1), "{name}");
        assert!(refused.said().contains(says), "{name}: {}", refused.said());
    }
    let mut cy = Program::start(folder.path(), "Cy", &["join", invite]);
    for theater in [&mut house, &mut mo, &mut cy] {
        theater.until("Cy is in by what Mo was shown", |theater| theater.names() == ["Cy", "Mo"]);
    }
}

#[test]
fn a_guest_who_leaves_takes_the_film_along_and_is_at_home_and_the_others_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let Kept { mut house, mut mo, mut bo, .. } = Kept::open(folder.path());
    bo.does(&present(&film));
    mo.until("Mo sees Bo's film", |mo| mo.place_s() > 0.5 && mo.person("Mo")["status"] == "watching");
    bo.does("leave");
    for theater in [&mut house, &mut mo] {
        theater.until("Bo is gone", |theater| theater.names() == ["Mo"]);
        theater.until("why the film will end is read", |theater| {
            theater.in_chat("“clip.mkv” plays on as far as it has come to everybody.") == 1 && theater.in_chat("Bo left.") == 1
        });
    }
    bo.until("Bo is at home, without a film", |bo| {
        let state = bo.ask("state");
        state["room"] == "alone" && state["film"].is_null() && bo.names() == ["Bo"]
    });
    bo.does(&present(&film));
    bo.until("Bo watches it alone", |bo| bo.ask("state")["film"] == "clip.mkv" && bo.place_s() > 0.5);
}
