use std::path::PathBuf;

use bevy::prelude::*;

use super::screening::{Screening, TraceTo};
use crate::{
    audio::Mixer,
    media::{ByHand, Error, Event as Told, Player, Source},
    notice::Notice,
    room::{Ask, FilmOnScreen, Frame, Now},
    trace::mono_ns,
};

/// Opens films beside the one that runs, and puts them on the screen once they are open. A film that cannot be opened leaves the running one alone.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Decoding>().add_observer(on_open).add_systems(
        Update,
        (step_by_hand.run_if(resource_exists::<Opening>), hear_opening.run_if(resource_exists::<Opening>)).chain().in_set(Frame::Hear),
    );
}

fn on_open(open: On<Open>, decoding: Res<Decoding>, now: Res<Now>, mut commands: Commands) {
    match begin(&open.event().source, *decoding) {
        Ok((player, by_hand, name)) => {
            commands.insert_resource(Opening {
                player: Some(player),
                by_hand,
                name,
                plays: open.event().plays,
                since_mono_ns: now.mono_ns,
            });
        }
        Err(error) => fail(&error, &mut commands),
    }
}

fn begin(source: &FilmSource, decoding: Decoding) -> Result<(Player, Option<Hand>, String), Error> {
    let source = match source {
        FilmSource::File(path) => Source::file(path)?,
        FilmSource::Demo => Source::embedded("demo.mkv", include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.mkv"))),
    };
    let name = source.name().to_owned();
    Ok(match decoding {
        Decoding::OnThreads => (Player::start(source, mono_ns)?, None, name),
        Decoding::InEachFrame => {
            let (player, by_hand) = Player::by_hand(source);
            (player, Some(Hand(std::sync::Mutex::new(by_hand))), name)
        }
    })
}

fn fail(error: &Error, commands: &mut Commands) {
    tell(error.to_string(), commands);
}

fn tell(sentence: String, commands: &mut Commands) {
    commands.trigger(Notice::problem(sentence.clone()));
    commands.trigger(OpenFailed { sentence });
}

fn step_by_hand(mut opening: ResMut<Opening>) {
    if let Some(hand) = &mut opening.by_hand {
        hand.step();
    }
}

fn hear_opening(
    mut opening: ResMut<Opening>,
    now: Res<Now>,
    tracing_to: Res<TraceTo>,
    mut mixer: Option<ResMut<Mixer>>,
    mut commands: Commands,
) {
    let Some(player) = &opening.player else { return };
    let event = player.next_event();
    match event {
        None if player.stuck_for_ns(now.mono_ns) < STUCK_NS => return,
        None => tell(format!("“{}” keeps the decoder busy for ever and cannot be opened.", opening.name), &mut commands),
        Some(Told::Opened(info)) => {
            let film = FilmOnScreen { title: info.title.clone(), duration_ns: info.duration_ns };
            if let Some(player) = opening.player.take() {
                let by_hand = opening.by_hand.take();
                match Screening::new(player, by_hand, info, &tracing_to.0, mixer.as_deref_mut()) {
                    Ok(screening) => {
                        commands.insert_resource(screening);
                        commands.trigger(Ask::Present { film, plays: opening.plays });
                    }
                    Err(sentence) => tell(sentence, &mut commands),
                }
            }
        }
        Some(Told::Failed(error)) => fail(&error, &mut commands),
        Some(other) => {
            tracing::error!("a film that is not open yet told {other:?}");
            return;
        }
    }
    commands.remove_resource::<Opening>();
}

/// Open a film and put it on the screen.
#[derive(Event, Debug, Clone)]
pub struct Open {
    /// Which one.
    pub source: FilmSource,
    /// Whether it plays at once.
    pub plays: bool,
}

/// Where a film is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilmSource {
    /// A file on this machine.
    File(PathBuf),
    /// The film inside the program.
    Demo,
}

/// A film could not be opened.
#[derive(Event, Debug, Clone)]
pub struct OpenFailed {
    /// Why, in one sentence.
    pub sentence: String,
}

/// A film that is being opened.
#[derive(Resource, Debug)]
pub struct Opening {
    player: Option<Player>,
    by_hand: Option<Hand>,
    name: String,
    plays: bool,
    /// Since when.
    pub since_mono_ns: i64,
}

impl Opening {
    /// The film's name as people read it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Who decodes.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// Threads, as time goes by.
    #[default]
    OnThreads,
    /// Each frame does all that can be done, so that the same frames always show the same pictures: for tests and offscreen pictures.
    InEachFrame,
}

/// A player's steps; the lock is never contended and only makes it shareable.
#[derive(Debug)]
pub(super) struct Hand(std::sync::Mutex<ByHand>);

impl Hand {
    pub(super) fn step(&mut self) {
        self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).run_until_idle();
    }
}

/// A media thread that has been inside FFmpeg for so long will not come back.
pub(super) const STUCK_NS: i64 = 5_000_000_000;
