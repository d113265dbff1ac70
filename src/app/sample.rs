//! People who are not there, for pictures of panels: they come, sit and talk through the room's own doors.

use bevy::prelude::*;

use crate::{
    media::FaceCutter,
    net::{Addresses, ParticipantId},
    room::{
        Appearance, Arrived, Emote, Emoted, Gesture, Hosting, Me, Moderation, Participant, Playback, ReadyFor, Right, Room, Say,
        SeatNumber, Sits, Standing, Talking, Viewing, ViewingState, Wished, Words,
    },
    theater::Face,
    ui::Panels,
    webcam::{CameraSource as _, Look, Pattern},
};

/// Lets them come in and sit down.
pub(super) fn come_in(world: &mut World) {
    // Nobody listens: there is no network in a picture.
    *world.resource_mut::<Standing>() = Standing::Host;
    let invite = |letter: &str| format!("houselights1-{}", letter.repeat(150));
    world.insert_resource(Hosting { invite: invite("q"), moderator_invite: invite("m") });
    for (number, (name, ..)) in PEOPLE.iter().enumerate() {
        let id = ParticipantId::from_bytes([number as u8 + 1; 32]);
        world.spawn(Arrived { id, name: (*name).to_owned(), moderator: number == 1, addresses: Addresses::default() });
        world.flush();
    }
    for (name, seat, hue, state) in PEOPLE {
        let viewing = Viewing { state: *state, buffered_s: 12 };
        if let (Some(who), Some(seat)) = (find(world, name), SeatNumber::new(*seat)) {
            world.entity_mut(who).insert((Sits(seat), Appearance { hue: *hue, style: *hue }, viewing));
        }
    }
    let me = world.query_filtered::<Entity, With<Me>>().iter(world).next();
    if let (Some(by), Some(who)) = (me, find_id(world, "Cy")) {
        world.trigger(Wished { by, wish: Moderation::Deny { who, right: Right::Speak } });
        world.trigger(Wished { by, wish: Moderation::Deny { who, right: Right::Remote } });
    }
    world.flush();
}

/// Lets them talk, and opens what shows it.
pub(super) fn talk(world: &mut World, shows: Shows) {
    let me = world.query_filtered::<Entity, With<Me>>().iter(world).next();
    if shows == Shows::Together {
        show_voices_and_faces(world);
    }
    for (name, line) in LINES.iter().filter(|_| shows != Shows::Together) {
        if let Some(by) = find(world, name).or(me) {
            world.trigger(Wished { by, wish: Say(Words::from(*line)) });
            world.flush();
        }
    }
    let mut panels = world.resource_mut::<Panels>();
    (panels.people, panels.chat) = (shows == Shows::Panels, shows == Shows::Panels);
    panels.words = if shows == Shows::Panels { "so ".repeat(160) } else { String::new() };
    let ann = find_id(world, "Ann").filter(|_| shows == Shows::Panels);
    world.resource_mut::<Panels>().person = ann;
    let generation = world.query_filtered::<&Playback, With<Room>>().iter(world).next().map_or(0, |playback| playback.generation);
    let late = (shows == Shows::Waiting).then(|| find(world, "Bo")).flatten();
    let people: Vec<_> = world.query_filtered::<Entity, (With<Participant>, Without<Me>)>().iter(world).collect();
    for person in people.into_iter().filter(|person| Some(*person) != late) {
        world.entity_mut(person).insert(ReadyFor(generation));
    }
}

/// Two speak, two have a camera on.
fn show_voices_and_faces(world: &mut World) {
    for (number, (name, _, level)) in TOGETHER.iter().enumerate() {
        let Some(who) = find(world, name) else { continue };
        world.entity_mut(who).insert(Talking(*level));
        if let Some(face) = (number % 3 == 0).then(|| face(number)).flatten() {
            world.entity_mut(who).insert(face);
        }
    }
}

/// Everybody shows something without words. It is gone after seconds, so this comes last.
pub(super) fn emote(world: &mut World) {
    for (name, emote, _) in TOGETHER {
        let Some(who) = find(world, name) else { continue };
        world.entity_mut(who).insert(Gesture { emote: Some(*emote), number: 1 });
        world.trigger(Emoted { who, emote: *emote });
    }
    world.flush();
}

/// A face as a camera would show it.
pub(super) fn face(number: usize) -> Option<Face> {
    let mut pattern = Pattern::new((number * 37 % 256) as u8);
    // Its time begins with the first look, and with closed eyes.
    pattern.look(0);
    let Look::Shot(shot) = pattern.look(700_000_000 + number as i64 * 430_000_000) else { return None };
    let picture = shot.seen.cut(&mut FaceCutter::default(), Face::SIZE).ok()?.picture(0);
    let face = Face::default();
    face.show(&picture.rgba);
    Some(face)
}

fn find(world: &mut World, name: &str) -> Option<Entity> {
    world.query::<(Entity, &Participant)>().iter(world).find(|(_, person)| person.name.as_str() == name).map(|(entity, _)| entity)
}

fn find_id(world: &mut World, name: &str) -> Option<ParticipantId> {
    world.query::<&Participant>().iter(world).find(|person| person.name.as_str() == name).map(|person| person.id)
}

/// What of the company is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shows {
    /// Who is here and what was said, in panels
    Panels,
    /// What they say, over their heads
    Talk,
    /// That the room waits for somebody
    Waiting,
    /// Who speaks, and what they show without words
    Together,
}

const PEOPLE: &[(&str, u8, u8, ViewingState)] = &[
    ("Ann", 24, 2, ViewingState::Watching),
    ("Bo", 25, 6, ViewingState::Watching),
    ("Maximiliane von Hohenfels-Wartbg", 27, 9, ViewingState::Loading),
    ("Cy", 18, 4, ViewingState::Broken),
    ("雪の映画館", 16, 0, ViewingState::Watching),
];

/// What they show, and how loud they speak meanwhile.
const TOGETHER: &[(&str, Emote, u8)] = &[
    ("Ann", Emote::Laugh, 215),
    ("Bo", Emote::Clap, 0),
    ("Maximiliane von Hohenfels-Wartbg", Emote::Heart, 0),
    ("Cy", Emote::Hand, 0),
    ("雪の映画館", Emote::Popcorn, 200),
];

const LINES: &[(&str, &str)] = &[
    ("Ann", "Here at last! The trains were late again."),
    ("", "We have only seen the trailer so far"),
    ("雪の映画館", "こんばんは 🎬"),
    ("Bo", "Did anybody bring popcorn? ❤"),
    (
        "Maximiliane von Hohenfels-Wartbg",
        "I have been looking forward to this one for weeks, and now that everybody is here nothing can go wrong any more, except perhaps that somebody has to leave early because of the last train, which would be a pity.",
    ),
    ("Bo", "ok, გამარჯობა"),
];
