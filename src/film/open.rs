use std::path::PathBuf;

use bevy::{ecs::system::SystemParam, prelude::*};

use super::{
    patience::Patience,
    resume::LeftAt,
    screening::{Screening, TraceTo},
};
use crate::{
    audio::Mixer,
    clock::FilmTime,
    media::{ByHand, Error, Event as Told, Player, PlayerOptions, Source},
    notice::Notice,
    room::{Alarm, Ask, FilmId, FilmOnScreen, Frame, Myself, Now, Title},
    trace::mono_ns,
};

/// Opens films beside the one that runs, and puts them on the screen once they are open. A film that cannot be opened leaves the running one alone.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Decoding>()
        .init_resource::<HardwareDecoding>()
        .add_observer(on_open)
        .add_systems(
            Update,
            (step_by_hand.run_if(resource_exists::<Opening>), hear_opening.run_if(resource_exists::<Opening>)).chain().in_set(Frame::Hear),
        )
        .add_systems(Update, forget_offer.in_set(Frame::Hear).run_if(resource_exists::<Offer>));
}

fn on_open(open: On<Open>, opener: Opener, now: Res<Now>, mut commands: Commands) {
    let Open { source, plays } = open.event().clone();
    let opened = source.open().and_then(|(bytes, size_bytes)| {
        let name = bytes.name().to_owned();
        opener.begin(bytes).map(|(player, by_hand)| (player, by_hand, name, size_bytes))
    });
    match opened {
        Ok((player, by_hand, name, size_bytes)) => {
            let player = Some(player);
            commands.insert_resource(Opening { player, by_hand, name, source, size_bytes, plays, since_mono_ns: now.mono_ns });
        }
        Err(error) => fail(&error, &mut commands),
    }
}

/// Opens films as is chosen here.
#[derive(SystemParam)]
pub(super) struct Opener<'w> {
    decoding: Res<'w, Decoding>,
    hardware: Res<'w, HardwareDecoding>,
    alarm: Res<'w, Alarm>,
}

impl Opener<'_> {
    /// Starts a player on these bytes.
    pub(super) fn begin(&self, source: Source) -> Result<(Player, Option<Hand>), Error> {
        let on_hardware = self.hardware.0;
        Ok(match *self.decoding {
            Decoding::OnThreads => (Player::start(source, &PlayerOptions { mono_ns, waker: self.alarm.0.clone(), on_hardware })?, None),
            Decoding::InEachFrame => {
                let (player, by_hand) = Player::by_hand(source, on_hardware);
                (player, Some(Hand(std::sync::Mutex::new(by_hand))))
            }
        })
    }
}

/// Whether films that are opened from now on are decoded on the graphics card, as far as it can.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct HardwareDecoding(pub bool);

/// An offer that the room did not take is none after a while.
fn forget_offer(offer: Res<Offer>, now: Res<Now>, mut commands: Commands) {
    if now.mono_ns - offer.since_mono_ns > OFFER_NS {
        commands.remove_resource::<Offer>();
    }
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
    patience: Res<Patience>,
    now: Res<Now>,
    tracing_to: Res<TraceTo>,
    myself: Res<Myself>,
    mut left_at: Option<ResMut<LeftAt>>,
    mut mixer: Option<ResMut<Mixer>>,
    mut commands: Commands,
) {
    let Some(player) = &opening.player else { return };
    let event = player.next_event();
    match event {
        None if !patience.is_over(player.stuck_for_ns(now.mono_ns), now.mono_ns) => return,
        None => tell(format!("“{}” keeps the decoder busy for ever and cannot be opened.", opening.name), &mut commands),
        Some(Told::Opened(info)) => {
            let film = FilmOnScreen {
                id: FilmId::random(),
                presenter: myself.id(),
                is_orphaned: false,
                size_bytes: opening.size_bytes,
                title: Title::from(info.title.as_str()),
                duration_ns: info.duration_ns,
                breaks_off_ns: None,
            };
            if let Some(player) = opening.player.take() {
                let by_hand = opening.by_hand.take();
                let source = opening.source.clone();
                match Screening::new(player, by_hand, info, (film.id, Some(source)), &tracing_to.0, mixer.as_deref_mut()) {
                    Ok(screening) => {
                        commands.insert_resource(Offer { screening: Some(screening), since_mono_ns: now.mono_ns });
                        let at = left_at.as_mut().and_then(|left_at| left_at.take_up(&film)).unwrap_or(FilmTime::ZERO);
                        if at > FilmTime::ZERO {
                            let says = format!("“{}” goes on at {at}, where you left it. Home: from the beginning.", film.title);
                            commands.trigger(Notice::news(says).about("left at"));
                        }
                        commands.trigger(Ask::Present { film, plays: opening.plays, at });
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

impl FilmSource {
    /// Its bytes, and how many there are.
    pub(super) fn open(&self) -> Result<(Source, u64), Error> {
        match self {
            Self::File(path) => {
                let source = Source::file(path)?;
                let size_bytes = path.metadata().map_or(0, |metadata| metadata.len());
                Ok((source, size_bytes))
            }
            Self::Demo => Ok((Source::embedded("demo.mkv", DEMO), DEMO.len() as u64)),
        }
    }
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
    source: FilmSource,
    size_bytes: u64,
    plays: bool,
    /// Since when.
    pub since_mono_ns: i64,
}

/// A film of this machine that was opened, until the room puts it on the screen.
#[derive(Resource)]
pub(super) struct Offer {
    pub(super) screening: Option<Screening>,
    since_mono_ns: i64,
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

/// The film inside the program.
pub(super) const DEMO: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo.mkv"));
/// The host may be far away.
const OFFER_NS: i64 = 20_000_000_000;
