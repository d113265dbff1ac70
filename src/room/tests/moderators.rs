use super::*;
use crate::clock::Motion;

/// What the room, as it is seen here, lets somebody do.
fn rights_of(app: &mut App, who: ParticipantId) -> Rights {
    let world = app.world_mut();
    let mut people = world.query::<(&Participant, &Rights)>();
    people.iter(world).find(|(participant, _)| participant.id == who).map(|(_, rights)| *rights).unwrap()
}

fn is_locked(app: &mut App) -> bool {
    let world = app.world_mut();
    world.query_filtered::<&Rules, With<Room>>().single(world).unwrap().locked
}

#[test]
fn whoever_came_by_the_moderators_invite_locks_and_removes_from_a_guests_place_and_a_plain_guest_does_not() {
    let mut theater = Theater::open(&["Bo"]);
    let cy = theater.join_by(app("Cy"), "Cy", true);
    let (bo_id, cy_id) = (id(&theater.guests[0]), id(&theater.guests[cy]));
    for app in theater.everybody() {
        assert!(rights_of(app, cy_id).moderator && !rights_of(app, bo_id).moderator);
    }

    theater.ask(Some(0), Moderation::Kick { who: cy_id });
    theater.ask(Some(0), Moderation::Lock);
    assert_eq!(theater.guests[0].world().resource::<Said>().0, ["Only a moderator can do that."; 2]);
    assert_eq!((people(&mut theater.guests[0]).len(), is_locked(&mut theater.host)), (3, false));

    theater.ask(Some(cy), Moderation::Lock);
    for app in theater.everybody() {
        assert!(is_locked(app) && rights_of(app, cy_id).remote && !rights_of(app, bo_id).remote);
    }
    assert!(chat(&theater.guests[0]).iter().any(|line| line.starts_with("Cy locked the remote")));
    theater.ask(Some(cy), Moderation::Kick { who: bo_id });
    assert_eq!(said(&theater.guests[cy]), "");
    for app in [&mut theater.host, &mut theater.guests[cy]] {
        assert_eq!(people(app).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Ann", "Cy"]);
    }
    assert!(chat(&theater.guests[cy]).contains(&"Cy removed Bo.".to_owned()));
}

#[test]
fn the_rights_to_present_and_to_speak_are_given_back_and_used_again() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    let bo = id(&theater.guests[0]);
    for right in [Right::Present, Right::Speak] {
        theater.ask(None, Moderation::Deny { who: bo, right });
    }
    theater.present(Some(0));
    theater.ask(Some(0), Say(Words::from("unheard")));
    assert!(playback(&mut theater.host).film.is_none() && !chat(&theater.guests[1]).iter().any(|line| line.contains("unheard")));

    theater.ask(None, Moderation::Allow { who: bo, right: Right::Present });
    theater.ask(Some(0), Say(Words::from("unheard")));
    assert!(!chat(&theater.guests[1]).iter().any(|line| line.contains("unheard")), "one right is not the other");
    theater.present(Some(0));
    assert_eq!(playback(&mut theater.guests[1]).film.map(|film| film.presenter), Some(bo));

    theater.ask(None, Moderation::Allow { who: bo, right: Right::Speak });
    theater.ask(Some(0), Say(Words::from("heard")));
    let chat = chat(&theater.guests[1]);
    for line in ["Bo is allowed to put on a film (by Ann).", "Bo is allowed to speak and chat (by Ann).", "Bo: heard"] {
        assert!(chat.iter().any(|said| said == line), "{line}: {chat:?}");
    }
}

#[test]
fn a_remote_taken_from_one_person_is_missing_to_them_alone_until_it_is_given_back() {
    let mut theater = Theater::open(&["Bo", "Cy"]);
    theater.present(None);
    theater.all_ready();
    let (bo, cy) = (id(&theater.guests[0]), id(&theater.guests[1]));
    theater.ask(None, Moderation::Deny { who: bo, right: Right::Remote });
    for app in theater.everybody() {
        assert!(!rights_of(app, bo).remote && rights_of(app, cy).remote && !is_locked(app));
    }
    theater.ask(Some(0), Ask::Pause);
    assert_eq!(playback(&mut theater.host).timeline.after, Motion::Runs);
    assert!(said(&theater.guests[0]).contains("remote"), "{}", said(&theater.guests[0]));
    theater.ask(Some(1), Ask::Pause);
    assert_eq!(playback(&mut theater.host).timeline.after, Motion::Stands);
    theater.ask(None, Moderation::Allow { who: bo, right: Right::Remote });
    theater.ask(Some(0), Ask::Play);
    assert_eq!(playback(&mut theater.guests[1]).timeline.after, Motion::Runs);
    assert_eq!(said(&theater.guests[1]), "");
}
