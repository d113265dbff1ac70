use bevy_egui::egui::{RichText, Ui};

use super::{
    Company,
    settings::{heading, row},
    theme::Palette,
};
use crate::{
    room::{ParticipantId, Standing},
    voice::MyVoice,
    webcam::MyCamera,
};

/// What leaves this computer just now, and for whom: all of it in one place, as it changes.
pub(super) fn show(ui: &mut Ui, company: &Company, mine: &MyVoice, camera: &MyCamera, hearers: &[ParticipantId]) {
    heading(ui, "What is sent, and to whom");
    let palette = Palette::of(ui.ctx().theme());
    for (what, whom) in sent(company, mine, camera, hearers) {
        let is_nobody = whom == NOBODY;
        let colour = if is_nobody { palette.quiet } else { palette.text };
        row(ui, what, |ui| {
            ui.label(RichText::new(whom).color(colour));
        });
    }
    let says = "Everything goes straight from one to the other, or through a relay that cannot read it. Nothing is recorded.";
    ui.label(RichText::new(says).small().color(palette.quiet));
}

fn sent(company: &Company, mine: &MyVoice, camera: &MyCamera, hearers: &[ParticipantId]) -> [(&'static str, String); 4] {
    let others = || company.people.iter().filter(|person| !person.is_me);
    let is_among_others = company.standing != Standing::Alone && others().next().is_some();
    let everybody =
        || if is_among_others { format!("everybody: {}", listed(others().map(|person| person.name.as_str()))) } else { nobody() };
    let voice = || {
        let names: Vec<_> = hearers.iter().filter_map(|who| company.person(*who)).map(|person| person.name.as_str()).collect();
        match names.len() {
            0 => nobody(),
            count if count == others().count() => everybody(),
            _ if mine.whispers => format!("those beside you: {}", listed(names.into_iter())),
            _ => format!("the nearest: {}", listed(names.into_iter())),
        }
    };
    let film = if company.has_film && is_among_others { "whoever watches it and misses a piece that is here".to_owned() } else { nobody() };
    [
        ("Your voice", if mine.is_on() { voice() } else { nobody() }),
        ("Your face", if camera.is_on { everybody() } else { nobody() }),
        ("The film", film),
        ("Name, seat, chat", everybody()),
    ]
}

/// The first few, and how many more there are.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    let more = names.len().saturating_sub(NAMES_MOST);
    let first = names[..names.len() - more].join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

fn nobody() -> String {
    NOBODY.to_owned()
}

const NOBODY: &str = "nobody";
const NAMES_MOST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        room::{Appearance, Identity, Rights, SeatNumber},
        ui::{Person, Status},
    };

    fn person(name: &str, is_me: bool) -> Person {
        Person {
            id: Identity::open(None).0.id(),
            name: name.to_owned(),
            seat: SeatNumber::default(),
            appearance: Appearance::default(),
            status: Status::Here,
            rights: Rights::default(),
            level: 0,
            voice_percent: 100,
            is_me,
        }
    }

    #[test]
    fn each_thing_says_who_gets_it() {
        let names = ["Ann", "Bo", "Cy", "Di", "Ed", "Fay"];
        let mut company = Company { people: names.map(|name| person(name, name == "Ann")).into(), ..Company::default() };
        let (mut mine, mut camera) = (MyVoice::default(), MyCamera::default());
        let ids: Vec<_> = company.people.iter().map(|person| person.id).collect();
        let says = |company: &Company, mine: &MyVoice, camera: &MyCamera, hearers: &[ParticipantId]| {
            sent(company, mine, camera, hearers).map(|(_, whom)| whom)
        };
        (mine.is_open, camera.is_on) = (true, true);
        assert_eq!(says(&company, &mine, &camera, &[]), [NOBODY; 4], "alone");
        company.standing = Standing::Host;
        company.has_film = true;
        let all = "everybody: Bo, Cy, Di, Ed and 1 more";
        let film = "whoever watches it and misses a piece that is here";
        assert_eq!(says(&company, &mine, &camera, &ids[1..]), [all, all, film, all]);
        mine.whispers = true;
        assert_eq!(says(&company, &mine, &camera, &ids[1..3])[0], "those beside you: Bo, Cy");
        (mine.is_open, camera.is_on) = (false, false);
        assert_eq!(says(&company, &mine, &camera, &ids[1..])[..2], [NOBODY; 2]);
        (mine.is_open, mine.whispers) = (true, false);
        assert_eq!(says(&company, &mine, &camera, &ids[2..4])[0], "the nearest: Cy, Di");
        assert_eq!(says(&company, &mine, &camera, &[])[0], NOBODY, "muted");
    }
}
