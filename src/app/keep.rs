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
    voice::{MicrophoneChoice, MyVoice},
    webcam::{CameraChoice, MyCamera},
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
    kept.section::<Voice>("voice").take_up(app.world_mut(), (cli.mic.is_some(), cli.camera.is_some()));
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
        has_microphone: cli.mic.is_some(),
        has_camera: cli.camera.is_some(),
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
    (my_voice, my_camera): (Res<MyVoice>, Res<MyCamera>),
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
    let voice = kept.settings.section::<Voice>("voice").after(
        (!kept.has_microphone).then_some(&my_voice.choice),
        (!kept.has_camera).then_some(&my_camera.choice),
        &my_voice,
    );
    let is_kept = kept.settings.section::<Tuning>("audio") == sound
        && before == hall
        && kept.settings.section::<Rooms>("room") == rooms
        && kept.settings.section::<Films>("film") == films
        && kept.settings.section::<Voice>("voice") == voice
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
        .and_then(|()| settings.keep("voice", &voice))
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
    /// Whether it chose the microphone, or the camera.
    has_microphone: bool,
    has_camera: bool,
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

/// How one is heard and seen. That a microphone or a camera is on is never kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Voice {
    /// By name; empty is the system's.
    microphone: String,
    has_microphone: bool,
    /// By number.
    camera: usize,
    has_camera: bool,
    cleans: bool,
    duck_db: f32,
}

impl Default for Voice {
    fn default() -> Self {
        let usual = MyVoice::default();
        Self { microphone: String::new(), has_microphone: true, camera: 0, has_camera: true, cleans: usual.cleans, duck_db: usual.duck_db }
    }
}

impl Voice {
    fn take_up(&self, world: &mut World, (is_microphone_said, is_camera_said): (bool, bool)) {
        let mut voice = world.resource_mut::<MyVoice>();
        if !is_microphone_said {
            let name = Some(self.microphone.clone()).filter(|name| !name.is_empty());
            voice.choice = if self.has_microphone { MicrophoneChoice::Device(name) } else { MicrophoneChoice::None };
        }
        voice.cleans = self.cleans;
        voice.duck_db = if self.duck_db.is_finite() { self.duck_db.clamp(0.0, MyVoice::DUCK_MOST_DB) } else { 0.0 };
        if !is_camera_said {
            let choice = if self.has_camera { CameraChoice::Device(self.camera) } else { CameraChoice::None };
            world.resource_mut::<MyCamera>().choice = choice;
        }
    }

    /// What is to be kept now. Patterns and files are for this time only.
    fn after(self, microphone: Option<&MicrophoneChoice>, camera: Option<&CameraChoice>, voice: &MyVoice) -> Self {
        let (microphone, has_microphone) = match microphone {
            Some(MicrophoneChoice::Device(name)) => (name.clone().unwrap_or_default(), true),
            Some(MicrophoneChoice::None) => (self.microphone, false),
            Some(MicrophoneChoice::File(_)) | None => (self.microphone, self.has_microphone),
        };
        let (camera, has_camera) = match camera {
            Some(CameraChoice::Device(number)) => (*number, true),
            Some(CameraChoice::None) => (self.camera, false),
            Some(CameraChoice::Pattern | CameraChoice::Film(_)) | None => (self.camera, self.has_camera),
        };
        Self { microphone, has_microphone, camera, has_camera, cleans: voice.cleans, duck_db: voice.duck_db }
    }
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
    use std::{path::Path, time::Duration};

    use clap::Parser as _;

    use super::*;
    use crate::{
        audio::{Output, backend::capture},
        room::Identity,
        trace::Trace,
        ui::Theme,
    };

    /// A theater in which nothing was chosen yet but what a folder keeps.
    fn theater(folder: &Path, words: &[&str]) -> App {
        let mixer = Mixer::open(&Output::Capture(capture::Handle::default()), &Trace::default()).unwrap();
        let mut app = App::new();
        app.insert_resource(Time::<()>::default()).insert_resource(mixer).insert_resource(Myself::new(Identity::open(None).0));
        app.init_resource::<Viewer>().init_resource::<PlaceSettings>().init_resource::<Quality>().init_resource::<Look>();
        app.init_resource::<SubtitleLook>().init_resource::<HardwareDecoding>();
        app.insert_resource(MyVoice::default()).insert_resource(MyCamera::default());
        let usual = ["houselights", "--config", folder.to_str().unwrap()];
        plugin(&mut app, &Cli::try_parse_from(usual.iter().chain(words)).unwrap());
        app
    }

    #[test]
    fn all_that_can_be_chosen_is_there_the_next_time_and_what_was_said_for_one_time_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let seat = SeatNumber::new(12).unwrap();
        let place = PlaceSettings { field_of_view: 1.25, mouse_sensitivity: 2.0, reduce_motion: true, brightness: 0.5, sounds: false };
        let tuning = Tuning { volume: 120.0, night: true, offset_ms: 180, device: Some("headphones".to_owned()) };
        let look = Look { theme: Theme::Light, percent: 130 };
        let subtitles = SubtitleLook { percent: 150.0, lift_percent: 20.0 };
        let left_at: LeftAt = serde_json::from_str(r#"[{"title":"Film.mkv","size_bytes":5,"place_s":60.0}]"#).unwrap();
        let microphone = MicrophoneChoice::Device(Some("Headset".to_owned()));

        let mut before = theater(folder.path(), &[]);
        let world = before.world_mut();
        world.insert_resource(Viewer { seat, ..Viewer::default() });
        world.insert_resource(place);
        world.insert_resource(Quality::High);
        world.insert_resource(look.clone());
        world.insert_resource(subtitles);
        world.insert_resource(HardwareDecoding(true));
        world.insert_resource(left_at.clone());
        tuning.apply(&mut world.resource_mut::<Mixer>());
        let mut voice = world.resource_mut::<MyVoice>();
        (voice.choice, voice.cleans, voice.duck_db) = (microphone.clone(), false, 3.0);
        world.resource_mut::<MyCamera>().choice = CameraChoice::Device(1);
        let mut myself = world.resource_mut::<Myself>();
        (myself.name, myself.appearance) = (PersonName::from("Ann"), Appearance { hue: 3, style: 5 });
        myself.gather_limit = GatherLimit::from(20);
        // A slider that is still being moved is not written.
        world.resource_mut::<Time>().advance_by(Duration::from_millis(600));
        before.update();
        assert!(!folder.path().join("settings.toml").exists());
        before.update();
        assert!(folder.path().join("settings.toml").exists());

        {
            let again = theater(folder.path(), &[]);
            let after = again.world();
            assert_eq!((after.resource::<Viewer>().seat, after.resource::<Myself>().seat), (seat, seat));
            assert_eq!((*after.resource::<PlaceSettings>(), *after.resource::<Quality>()), (place, Quality::High));
            assert_eq!((after.resource::<Look>(), *after.resource::<SubtitleLook>()), (&look, subtitles));
            assert_eq!((after.resource::<HardwareDecoding>().0, after.resource::<LeftAt>()), (true, &left_at));
            assert_eq!(Tuning::of(after.resource::<Mixer>()), tuning);
            let (voice, camera) = (after.resource::<MyVoice>(), after.resource::<MyCamera>());
            assert_eq!((&voice.choice, voice.cleans, voice.duck_db), (&microphone, false, 3.0));
            assert_eq!(camera.choice, CameraChoice::Device(1));
            let myself = after.resource::<Myself>();
            assert_eq!((myself.name.as_str(), myself.gather_limit.s()), ("Ann", 20));
            assert_eq!(myself.appearance, Appearance { hue: 3, style: 5 });
        }
        // With a tier of the command line the chosen one waits for the next time, whatever else is written meanwhile.
        let mut once = theater(folder.path(), &["--tier", "low"]);
        assert_eq!(*once.world().resource::<Quality>(), Quality::default());
        once.world_mut().resource_mut::<Mixer>().set_film_volume(80.0);
        once.world_mut().write_message(AppExit::Success);
        once.update();
        assert_eq!(Tuning::of(theater(folder.path(), &[]).world().resource::<Mixer>()).volume, 80.0);
        assert_eq!(*theater(folder.path(), &[]).world().resource::<Quality>(), Quality::High);
    }

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

    #[test]
    fn devices_are_kept_and_what_is_said_for_this_time_is_not() {
        let mut mine = MyVoice::default();
        (mine.cleans, mine.duck_db) = (false, 12.0);
        let headset = MicrophoneChoice::Device(Some("Headset".to_owned()));
        let kept = Voice::default().after(Some(&headset), Some(&CameraChoice::Device(2)), &mine);
        assert_eq!(kept.clone().after(None, None, &mine), kept, "the command line's");
        let file = MicrophoneChoice::File("a.wav".into());
        assert_eq!(kept.clone().after(Some(&file), Some(&CameraChoice::Pattern), &mine), kept);
        let mut world = World::new();
        world.insert_resource(MyVoice::default());
        world.insert_resource(MyCamera::default());
        Voice { duck_db: f32::INFINITY, ..kept.clone() }.take_up(&mut world, (true, true));
        assert_eq!(world.resource::<MyVoice>().choice, MicrophoneChoice::default());
        assert_eq!(world.resource::<MyVoice>().duck_db, 0.0);
        kept.take_up(&mut world, (false, false));
        assert_eq!((&world.resource::<MyVoice>().choice, &world.resource::<MyCamera>().choice), (&headset, &CameraChoice::Device(2)));
        assert!(!world.resource::<MyVoice>().is_on() && !world.resource::<MyCamera>().is_on);
        let without = kept.after(Some(&MicrophoneChoice::None), Some(&CameraChoice::None), &mine);
        without.take_up(&mut world, (false, false));
        assert_eq!(
            (&world.resource::<MyVoice>().choice, &world.resource::<MyCamera>().choice),
            (&MicrophoneChoice::None, &CameraChoice::None)
        );
    }
}
