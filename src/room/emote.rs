use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Me, Now, Participant,
    agree::{Agreed, Mine, agree_on},
};

/// What people show without words, for everybody to see.
pub(super) fn plugin(app: &mut App) {
    agree_on::<Gesture>(app);
    app.init_resource::<Made>().add_observer(on_show).add_observer(on_gesture).add_systems(Last, notice);
}

fn on_show(
    show: On<ShowEmote>,
    me: Option<Single<Option<&Gesture>, With<Me>>>,
    now: Res<Now>,
    mut made: ResMut<Made>,
    mut commands: Commands,
) {
    let Some(me) = me else { return };
    let emote = show.event().0;
    let before = me.copied().unwrap_or_default();
    // A hand stays up until it is taken down; everything else is over by itself.
    if emote == Emote::Hand && before.emote == Some(Emote::Hand) {
        commands.trigger(Mine(Gesture { emote: None, ..before }));
        return;
    }
    if made.0.is_some_and(|at_mono_ns| now.mono_ns - at_mono_ns < PAUSE_NS) {
        return;
    }
    made.0 = Some(now.mono_ns);
    commands.trigger(Mine(Gesture { emote: Some(emote), number: before.number.wrapping_add(1) }));
}

fn notice(newcomers: Query<Entity, (With<Participant>, Without<Noticed>)>, mut commands: Commands) {
    for newcomer in &newcomers {
        commands.entity(newcomer).insert(Noticed);
    }
}

/// Whoever comes in sees raised hands, and not what was shown before.
fn on_gesture(gesture: On<Insert, Gesture>, people: Query<&Gesture, With<Noticed>>, mut commands: Commands) {
    let who = gesture.entity;
    if let Ok(gesture) = people.get(who)
        && let Some(emote) = gesture.emote
    {
        commands.trigger(Emoted { who, emote });
    }
}

/// I want to show this.
#[derive(Event, Debug, Clone, Copy)]
pub struct ShowEmote(pub Emote);

/// Somebody shows this now.
#[derive(Event, Debug, Clone, Copy)]
pub struct Emoted {
    /// The participant.
    pub who: Entity,
    /// What.
    pub emote: Emote,
}

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Emote {
    /// A wave of the hand.
    Wave,
    /// Applause.
    Clap,
    /// Laughter.
    Laugh,
    /// A heart.
    Heart,
    /// A thumb up.
    Thumbs,
    /// Popcorn that flies.
    Popcorn,
    /// A raised hand; it stays up until it is shown again.
    Hand,
}

impl Emote {
    /// All of them, as keys and wheel have them.
    pub const ALL: [Self; 7] = [Self::Wave, Self::Clap, Self::Laugh, Self::Heart, Self::Thumbs, Self::Popcorn, Self::Hand];

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wave => "wave",
            Self::Clap => "clap",
            Self::Laugh => "laugh",
            Self::Heart => "heart",
            Self::Thumbs => "thumbs",
            Self::Popcorn => "popcorn",
            Self::Hand => "hand",
        }
    }
}

impl std::str::FromStr for Emote {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|emote| emote.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|emote| emote.name()).collect();
            format!("Say which: emote {}.", names.join("|"))
        })
    }
}

/// What somebody shows, or showed last.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Gesture {
    /// What; nothing once a hand was taken down.
    pub emote: Option<Emote>,
    /// Counted, so that the same twice is seen twice.
    pub number: u8,
}

impl Gesture {
    /// Whether their hand is up.
    #[must_use]
    pub const fn has_hand_up(&self) -> bool {
        matches!(self.emote, Some(Emote::Hand))
    }
}

impl Agreed for Gesture {}

/// Was here a frame ago already; what is inserted together with somebody is older than they are to us.
#[derive(Component)]
struct Noticed;

/// When I showed something last.
#[derive(Resource, Debug, Default)]
struct Made(Option<i64>);

/// Enough to be seen one after the other.
const PAUSE_NS: i64 = 350_000_000;
