use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::Cli;
use crate::{
    audio::{Mixer, Tuning},
    film::{HardwareDecoding, LeftAt, SubtitleLook},
    notice::Notice,
    room::{Appearance, GatherLimit, Myself, PersonName, SeatNumber},
    settings::{self, Settings},
    theater::{PlaceSettings, Quality, Viewer},
    ui::Look,
};

/// Keeps what a person chose: read before the first frame, written a moment after it changed and when the program leaves.
pub(super) fn plugin(app: &mut App, cli: &Cli) {
    let Some(folder) = cli.config.clone().or_else(settings::default_folder) else { return };
    let (kept, problem) = Settings::load(&folder);
    let (sound, hall): (Tuning, Hall) = (kept.section("audio"), kept.section("theater"));
    sound.apply(&mut app.world_mut().resource_mut::<Mixer>());
    if let Some(seat) = SeatNumber::new(hall.seat) {
        app.world_mut().resource_mut::<Myself>().seat = seat;
        app.insert_resource(Viewer { seat, ..Viewer::default() });
    }
    app.insert_resource(hall.place.held());
    if cli.tier.is_none() {
        app.insert_resource(hall.quality);
    }
    app.insert_resource(kept.section::<SubtitleLook>("subtitles"));
    app.insert_resource(kept.section::<Look>("ui"));
    app.insert_resource(HardwareDecoding(kept.section::<Films>("film").hardware_decoding));
    let mut myself = app.world_mut().resource_mut::<Myself>();
    myself.gather_limit = kept.section::<Rooms>("room").gather_limit_s;
    kept.section::<Person>("person").put_on(&mut myself, cli.name.is_some());
    let person = Person::of(&myself);
    if !cli.play {
        app.insert_resource(kept.section::<Places>("places").left_at);
    }
    app.insert_resource(Kept {
        settings: kept,
        person,
        has_tier: cli.tier.is_some(),
        places_changed: false,
        changed_for_s: None,
        problem,
        has_failed: false,
    });
    app.add_systems(Update, tell_problem.run_if(run_once)).add_systems(Last, write.run_if(|kept: Res<Kept>| !kept.has_failed));
}

fn tell_problem(mut kept: ResMut<Kept>, mut commands: Commands) {
    if let Some(problem) = kept.problem.take() {
        commands.trigger(Notice::problem(problem));
    }
}

fn write(
    mut kept: ResMut<Kept>,
    time: Res<Time>,
    mixer: Res<Mixer>,
    (viewer, place, quality): (Res<Viewer>, Res<PlaceSettings>, Res<Quality>),
    (look, subtitles, hardware): (Res<Look>, Res<SubtitleLook>, Res<HardwareDecoding>),
    myself: Res<Myself>,
    left_at: Option<Res<LeftAt>>,
    mut exits: MessageReader<AppExit>,
    mut commands: Commands,
) {
    let kept = kept.bypass_change_detection();
    let sound = Tuning::of(&mixer);
    let before = kept.settings.section::<Hall>("theater");
    let quality = if kept.has_tier { before.quality } else { *quality };
    let hall = Hall { seat: viewer.seat.get(), quality, place: *place };
    let person = Person::of(&myself);
    let films = Films { hardware_decoding: hardware.0 };
    let rooms = Rooms { gather_limit_s: myself.gather_limit };
    let is_kept = kept.settings.section::<Tuning>("audio") == sound
        && before == hall
        && kept.settings.section::<Rooms>("room") == rooms
        && kept.settings.section::<Films>("film") == films
        && kept.settings.section::<SubtitleLook>("subtitles") == *subtitles;
    let left_at = left_at.filter(|left_at| left_at.is_changed() || kept.places_changed);
    kept.places_changed = left_at.as_ref().is_some_and(|left_at| kept.settings.section::<Places>("places").left_at != **left_at);
    if is_kept && kept.settings.section::<Look>("ui") == *look && kept.person == person && !kept.places_changed {
        kept.changed_for_s = None;
        return;
    }
    let changed_for_s = kept.changed_for_s.unwrap_or(0.0) + time.delta_secs();
    kept.changed_for_s = Some(changed_for_s);
    if changed_for_s < CALM_S && exits.read().next().is_none() {
        return;
    }
    let settings = &mut kept.settings;
    let mut written = settings
        .keep("audio", &sound)
        .and_then(|()| settings.keep("theater", &hall))
        .and_then(|()| settings.keep("room", &rooms))
        .and_then(|()| settings.keep("film", &films))
        .and_then(|()| settings.keep("ui", &*look))
        .and_then(|()| settings.keep("subtitles", &*subtitles));
    if let Some(left_at) = left_at.filter(|_| std::mem::take(&mut kept.places_changed)) {
        written = written.and_then(|()| settings.keep("places", &Places { left_at: left_at.clone() }));
    }
    // A name of the command line or the system is kept once the person chose something.
    if kept.person != person {
        written = written.and_then(|()| settings.keep("person", &person));
        kept.person = person;
    }
    if let Err(error) = written {
        kept.has_failed = true;
        commands.trigger(Notice::problem(format!("Your settings cannot be kept: {error}. They hold until you leave.")));
    }
}

#[derive(Resource)]
struct Kept {
    settings: Settings,
    /// Who one was when it was last looked at.
    person: Person,
    /// Whether the command line chose how much detail is drawn: for this time only.
    has_tier: bool,
    /// Whether a film was left elsewhere than the file says.
    places_changed: bool,
    /// Since when something differs from the file.
    changed_for_s: Option<f32>,
    problem: Option<String>,
    /// Said once.
    has_failed: bool,
}

/// A section is a table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Places {
    left_at: LeftAt,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Hall {
    seat: u8,
    quality: Quality,
    place: PlaceSettings,
}

/// How films are played.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Films {
    hardware_decoding: bool,
}

/// How the rooms are kept that are kept here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Rooms {
    gather_limit_s: GatherLimit,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Person {
    name: String,
    hue: Option<u8>,
    style: Option<u8>,
}

impl Person {
    fn of(myself: &Myself) -> Self {
        Self { name: myself.name.to_string(), hue: Some(myself.appearance.hue), style: Some(myself.appearance.style) }
    }

    fn put_on(&self, myself: &mut Myself, has_name: bool) {
        if !has_name && !self.name.is_empty() {
            myself.name = PersonName::from(self.name.as_str());
        }
        let hue = self.hue.filter(|hue| *hue < Appearance::HUES).unwrap_or(myself.appearance.hue);
        let style = self.style.filter(|style| *style < Appearance::STYLES).unwrap_or(myself.appearance.style);
        myself.appearance = Appearance { hue, style };
    }
}

/// A slider that is being moved is not written at each step.
const CALM_S: f32 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Identity;

    #[test]
    fn a_kept_name_holds_unless_the_command_line_says_another() {
        let kept = Person { name: "Ann".to_owned(), hue: Some(3), style: Some(200) };
        let mut myself = Myself { name: PersonName::from("system"), ..Myself::new(Identity::open(None).0) };
        let style = myself.appearance.style;
        kept.put_on(&mut myself, true);
        assert_eq!((myself.name.as_str(), myself.appearance), ("system", Appearance { hue: 3, style }), "200 is no style");
        kept.put_on(&mut myself, false);
        assert_eq!(Person::of(&myself), Person { name: "Ann".to_owned(), hue: Some(3), style: Some(style) });
    }
}
