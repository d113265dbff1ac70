//! What people click on in panels, from the lobby to the list of people: the way from a button to the room and to others.

use bevy::prelude::*;
use bevy_egui::{EguiClipboard, egui};
use houselights::{
    clock::FilmTime,
    room::{Appearance, Chat, ChatLine, Me, NewLine, Participant, Right, Rights, Room, Rules, SeatNumber, Sits, Standing},
    theater::{Tier, head_top},
    ui::{Company, Remote},
};

use crate::{
    friends::{Friend, until},
    hands::{friend, press},
    support::{clip::Clip, hall::Hall, panels::Window},
};

/// What somebody may do, as their own program knows it.
fn rights(friend: &mut Friend) -> Rights {
    let world = friend.0.world_mut();
    world.query_filtered::<&Rights, With<Me>>().single(world).copied().unwrap_or_default()
}

#[test]
fn friends_open_join_and_keep_order_by_clicks_alone() {
    let (mut ann, mut bo) = (Friend::with_window("Ann", SIZE), Friend::with_window("Bo", SIZE));
    ann.click_on("Open a theater");
    until("the theater is open", [&mut ann], |[ann]| ann.standing() == Standing::Host && ann.find("Copy").is_some());
    ann.click_on("Copy");
    let invite = ann.invite();
    let is_copied = ann.0.world_mut().resource_mut::<EguiClipboard>().get_text().is_some_and(|text| text == invite);
    assert!(ann.said(if is_copied { "The invite is copied" } else { "The clipboard does not answer" }), "copied: {is_copied}");

    bo.click_on("Colour 3");
    bo.click_on("Invite");
    bo.put(egui::Event::Paste(invite[..invite.len() - 9].to_owned()));
    bo.frame();
    bo.click_on("Join");
    assert!(bo.said("missing") && bo.standing() == Standing::Alone, "what is wrong with it is said");
    bo.click_on("Invite");
    bo.put(egui::Event::Key {
        key: egui::Key::A,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: egui::Modifiers { ctrl: true, command: true, ..egui::Modifiers::default() },
    });
    bo.put(egui::Event::Paste(invite));
    bo.frame();
    assert!(bo.find("That is an invite. Press Join.").is_some(), "it is recognised");
    bo.click_on("Join");
    until("both are there", [&mut ann, &mut bo], |[ann, bo]| ann.people() == ["Ann", "Bo"] && bo.people() == ["Ann", "Bo"]);

    let seat = bo.seat().unwrap();
    until("Ann sees who Bo is", [&mut ann, &mut bo], |[ann, _]| {
        let world = ann.0.world_mut();
        let hues: Vec<_> =
            world.query::<(&Participant, &Appearance)>().iter(world).map(|(who, look)| (who.name.to_string(), look.hue)).collect();
        hues.contains(&("Bo".to_owned(), 2)) && ann.find("Bo").is_some() && ann.find(&format!("Seat {seat}, here")).is_some()
    });
    assert!(ann.find("Moderator").is_some(), "that is Ann");
    for (right, take, give, sign) in [
        (Right::Speak, "Mute", "Unmute", Some("Muted: others neither hear nor read them")),
        (Right::Remote, "Take the remote", "Give the remote", Some("May not move the film")),
        (Right::Present, "Forbid films", "Allow films", None),
    ] {
        let (take, give) = (format!("{take}: Bo"), format!("{give}: Bo"));
        ann.click_on("About Bo");
        ann.click_on(&take);
        until(&take, [&mut ann, &mut bo], |[ann, bo]| {
            let is_shown = sign.is_none_or(|sign| ann.find(sign).is_some());
            !rights(bo).has(right) && ann.find(&take).is_none() && is_shown
        });
        ann.click_on("About Bo");
        ann.click_on(&give);
        until(&give, [&mut ann, &mut bo], |[ann, bo]| rights(bo).has(right) && ann.find(&give).is_none());
    }
    for (button, locked) in [("Lock the remote", true), ("Unlock the remote", false)] {
        ann.click_on(button);
        until(button, [&mut ann, &mut bo], |[_, bo]| {
            let world = bo.0.world_mut();
            world.query_filtered::<&Rules, With<Room>>().single(world).is_ok_and(|rules| rules.locked == locked)
        });
    }
    ann.click_on("About Bo");
    ann.click_on("Remove…");
    ann.click_on("No");
    assert_eq!(ann.people(), ["Ann", "Bo"], "one is asked first");
    ann.click_on("Remove…");
    ann.click_on("Yes, remove Bo");
    until("Bo is at home", [&mut ann, &mut bo], |[ann, bo]| ann.people() == ["Ann"] && bo.standing() == Standing::Alone);
    assert!(bo.said("Ann removed you"));
    ann.click_on("Close the theater");
    assert_eq!(ann.standing(), Standing::Alone);
}

#[test]
fn a_film_that_waits_for_somebody_is_started_by_a_click() {
    let folder = tempfile::tempdir().unwrap();
    let film = Clip { size: (320, 180), ..Clip::default() }.make(folder.path());
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.present(&film, false);
    friend(&mut hall, "Bo");
    press(&mut hall, KeyCode::Home, "");
    hall.until(|hall| hall.world().resource::<Company>().waiting.is_some());
    assert_eq!(hall.playback().timeline.film, FilmTime::ZERO);
    hall.click_on("Start anyway");
    assert!(hall.playback().gather.is_none());
    hall.step();
    assert!(hall.find("Start anyway").is_none());
}

#[test]
fn what_somebody_says_stands_over_their_head_for_a_while() {
    let mut hall = Hall::open((1280, 720), Tier::Low);
    hall.world().resource_mut::<Remote>().is_up = false;
    let (id, seat) = (friend(&mut hall, "Bo"), SeatNumber::new(24).unwrap());
    let world = hall.world();
    let bo = world.query::<(Entity, &Participant)>().iter(world).find(|(_, who)| who.id == id).map(|(entity, _)| entity).unwrap();
    world.entity_mut(bo).insert(Sits(seat));
    hall.steps(60);
    let head = hall.pixel_of(head_top(seat));
    assert_eq!(paper(&hall), [], "nobody says anything");
    let line = hall.world().resource::<Chat>().lines().last().unwrap().clone();
    hall.trigger(NewLine(ChatLine { speaker: Some(id), name: "Bo".into(), text: "here we are".into(), ..line }));
    hall.steps(30);
    let bubble = paper(&hall);
    assert!(bubble.len() > 1500, "{} pixels of a bubble", bubble.len());
    let middle = bubble.iter().sum::<Vec2>() / bubble.len() as f32;
    assert!((middle.x - head.x).abs() < 40.0 && (20.0..120.0).contains(&(head.y - middle.y)), "{middle} over {head}");
    hall.steps(60 * 7);
    assert_eq!(paper(&hall), [], "it is gone");
}

/// Where the picture is as bright as paper.
fn paper(hall: &Hall) -> Vec<Vec2> {
    let pixels = hall.offscreen.read_pixels().unwrap();
    let width = hall.size.0 as usize;
    let is_paper = |pixel: &[u8]| pixel[0] > 250 && pixel[1] > 247 && pixel[2] > 238;
    pixels
        .chunks(4)
        .enumerate()
        .filter(|(_, pixel)| is_paper(pixel))
        .map(|(at, _)| Vec2::new((at % width) as f32, (at / width) as f32))
        .collect()
}

const SIZE: (u32, u32) = (1280, 720);
