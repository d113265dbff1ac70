//! A guest who tells what they see: the program's own parts and lines, and two lines more, `seen` and `forget`. The bench starts itself again as one.
//!
//! One of the two draws what a window shows, at the pace of a window, and looks at the face on the graphics device. The other draws nothing, like the
//! program without a window, and counts.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, Write as _},
    process::ExitCode,
    sync::mpsc::{Receiver, sync_channel},
    thread::{Builder, park_timeout, sleep},
    time::Duration,
};

use bevy::{prelude::*, state::app::StatesPlugin, time::TimePlugin};
use clap::Parser as _;
use houselights::{
    app::{
        self, Cli, Ground, Line, Pace,
        offscreen::{Offscreen, Options},
    },
    handover::unparks_current_thread,
    notice::Notice,
    room::{Alarm, Join, Parted, Participant, Talking},
    theater::{Face, Tier},
    trace::mono_ns,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    lab::{Lab, Person},
    texture::number_on_face,
};

/// What a watcher looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watches {
    /// The number on the texture of the only other one's face.
    Texture,
    /// How many pictures of everybody are shown, and whether they are heard.
    Everybody,
}

impl Watches {
    const fn word(self) -> &'static str {
        match self {
            Self::Texture => "--watch-texture",
            Self::Everybody => "--watch-everybody",
        }
    }

    /// Starts one in somebody's place.
    ///
    /// # Errors
    /// In a sentence.
    pub(crate) fn start(self, lab: &Lab, place: usize, invite: &str) -> Result<Person, String> {
        let program = std::env::current_exe().map_err(|error| format!("The bench does not find itself: {error}."))?;
        Person::start_as(
            program.as_os_str(),
            lab,
            place,
            "null",
            &[&self.word(), &invite, &"--relay", &"none", &"--camera", &"pattern", &"--tier", &"low"],
        )
    }
}

/// What a watcher saw since it was told to `forget`, by its own clock; the answer to `seen`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Each number on the texture when it was new there.
    pub(crate) sights: Vec<Sight>,
    /// Pictures shown of each.
    pub(crate) shown: BTreeMap<String, u64>,
    /// Frames in which each was heard.
    pub(crate) heard: BTreeMap<String, u64>,
    pub(crate) frames: u64,
    pub(crate) passed_ns: i64,
    /// Whether nothing but time brings the next frame.
    pub(crate) rests: bool,
}

/// A number that was not on the texture the frame before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Sight {
    pub(crate) number: u16,
    /// When the frame that has it began, was given to the graphics device, and was drawn and the number read back.
    pub(crate) begun_ns: i64,
    pub(crate) given_ns: i64,
    pub(crate) drawn_ns: i64,
}

impl Seen {
    /// What the answer to `seen` tells.
    ///
    /// # Errors
    /// In a sentence, if it is no such answer.
    pub(crate) fn of(said: &Value) -> Result<Self, String> {
        Self::deserialize(&said["seen"]).map_err(|error| format!("The watcher said {said}: {error}."))
    }
}

/// Watches, if this process was started for it; then it ends with this.
pub(crate) fn is_meant() -> Option<ExitCode> {
    let mut words = std::env::args().skip(1);
    let word = words.next()?;
    let watches = [Watches::Texture, Watches::Everybody].into_iter().find(|watches| watches.word() == word)?;
    let invite = words.next()?;
    let cli = Cli::parse_from(std::iter::once(word).chain(words));
    let result = match watches {
        Watches::Texture => watch_texture(&cli, invite),
        Watches::Everybody => watch_everybody(&cli, invite),
    };
    Some(result.map_or_else(
        |sentence| {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    ))
}

fn watch_texture(cli: &Cli, invite: String) -> Result<(), String> {
    let lines = standard_input()?;
    let ground = Ground::open(cli)?;
    let options = Options { width: 640, height: 360, step: None, dummy_window: true };
    let mut offscreen = Offscreen::new(options, |app| {
        app.insert_resource(Alarm(unparks_current_thread()));
        app::house(app, ground);
        app::hall(app, cli.tier.map(Tier::from));
    });
    offscreen.until_ready().map_err(|trouble| trouble.to_string())?;
    join(&mut offscreen.app, invite);
    let (mut seen, mut since_ns, mut last) = (Seen::default(), mono_ns(), None);
    loop {
        let begun_ns = mono_ns();
        offscreen.step();
        let given_ns = mono_ns();
        let number = number_on_face(&offscreen.app);
        let drawn_ns = mono_ns();
        if let Some(number) = number.filter(|number| last != Some(*number)) {
            last = Some(number);
            seen.sights.push(Sight { number, begun_ns, given_ns, drawn_ns });
        }
        let pace = *offscreen.app.world().resource::<Pace>();
        seen.frames += 1;
        seen.rests = matches!(pace, Pace::Resting(_));
        if !answer(offscreen.app.world_mut(), &lines, &mut seen, &mut since_ns) {
            return Ok(());
        }
        rest(pace, begun_ns);
    }
}

/// Nothing, until a window on a display of 60 Hz would draw its next frame.
fn rest(pace: Pace, begun_ns: i64) {
    let left = |wait: Duration| wait.saturating_sub(Duration::from_nanos((mono_ns() - begun_ns).unsigned_abs()));
    match pace {
        Pace::EachFrame => sleep(left(FRAME)),
        Pace::Resting(wait) => sleep(left(wait)),
        // The alarm ends it.
        Pace::Waiting(wait) => park_timeout(left(wait)),
    }
}

fn watch_everybody(cli: &Cli, invite: String) -> Result<(), String> {
    let lines = standard_input()?;
    let mut app = App::new();
    app.add_plugins((TaskPoolPlugin::default(), TimePlugin, StatesPlugin));
    app::house(&mut app, Ground::open(cli)?);
    app.finish();
    app.cleanup();
    // Everybody's own room is there before anything is asked of it.
    app.update();
    join(&mut app, invite);
    let mut people = app.world_mut().query::<(&Participant, Option<&Face>, Option<&Talking>)>();
    let (mut seen, mut since_ns, mut before) = (Seen::default(), mono_ns(), BTreeMap::new());
    loop {
        app.update();
        for (person, face, talking) in people.iter(app.world()) {
            let name = person.name.to_string();
            if let Some(face) = face {
                let known = before.insert(name.clone(), face.shown()).unwrap_or(0);
                *seen.shown.entry(name.clone()).or_default() += face.shown().saturating_sub(known);
            }
            *seen.heard.entry(name).or_default() += u64::from(talking.is_some_and(|talking| talking.0 > 0));
        }
        seen.frames += 1;
        if !answer(app.world_mut(), &lines, &mut seen, &mut since_ns) {
            return Ok(());
        }
        sleep(LISTENING);
    }
}

/// Goes in; what goes wrong is said where the bench looks for last words.
fn join(app: &mut App, invite: String) {
    app.add_observer(|notice: On<Notice>| eprintln!("{}", notice.event().text));
    app.add_observer(|parted: On<Parted>| eprintln!("{}", parted.event().sentence));
    app.world_mut().trigger(Join { invite });
    app.world_mut().flush();
}

/// Answers the lines that wait; false if one says that it is over.
fn answer(world: &mut World, lines: &Receiver<String>, seen: &mut Seen, since_ns: &mut i64) -> bool {
    for line in lines.try_iter() {
        let answer = match &*line {
            "quit" => return false,
            "seen" => {
                seen.passed_ns = mono_ns() - *since_ns;
                json!({ "ok": true, "seen": seen }).to_string()
            }
            "forget" => {
                (*seen, *since_ns) = (Seen::default(), mono_ns());
                json!({ "ok": true }).to_string()
            }
            line => Line::parse(line)
                .map_or_else(|error| json!({ "ok": false, "error": error }).to_string(), |line| line.apply(world).to_json()),
        };
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            return false;
        }
    }
    true
}

fn standard_input() -> Result<Receiver<String>, String> {
    let (sender, lines) = sync_channel(LINES_WAITING);
    let body = move || std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| sender.send(line).ok());
    Builder::new().name("standard input".into()).spawn(body).map_err(|error| format!("Standard input cannot be read: {error}."))?;
    Ok(lines)
}

/// Of a display of 60 Hz.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// As the program without a window does it among others.
const LISTENING: Duration = Duration::from_millis(8);
const LINES_WAITING: usize = 64;
