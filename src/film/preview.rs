use bevy::prelude::*;

use super::{
    Screening,
    open::{Hand, Opener},
    share::Shared,
};
use crate::{
    handover::ring,
    media::{Event as Told, Player, Seek, Thumbnail},
    room::{FilmId, Frame, Now},
};

/// A small picture of another place of the film, for whoever points at it: a second player looks it up, so that the film goes on undisturbed.
///
/// Of a film of others only what is here is looked at: fetching what nobody watches would hold up what everybody does.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Preview>().add_systems(Update, (end_when_idle, look_up).chain().in_set(Frame::Hear));
}

/// What is not pointed at for a while is closed: it holds a file and memory.
fn end_when_idle(mut preview: ResMut<Preview>, screening: Option<Res<Screening>>, now: Res<Now>) {
    let preview = preview.bypass_change_detection();
    if preview.asks.is_some() {
        preview.asked_mono_ns = now.mono_ns;
    }
    let is_other = |lookup: &Lookup| screening.as_ref().is_none_or(|screening| screening.film != lookup.film);
    if preview.lookup.as_ref().is_some_and(|lookup| is_other(lookup) || now.mono_ns - preview.asked_mono_ns > IDLE_NS) {
        (preview.lookup, preview.thumbnail) = (None, None);
    }
}

fn look_up(mut preview: ResMut<Preview>, screening: Option<Res<Screening>>, swarm: Option<Res<Shared>>, opener: Opener) {
    let asks = preview.bypass_change_detection().asks.take();
    if let Some(film_ns) = asks
        && let Some(screening) = screening
        && screening.info().video.is_some()
    {
        if preview.lookup.is_none() {
            preview.lookup = Lookup::begin(&screening, swarm.as_deref(), &opener);
        }
        if let Some(lookup) = &mut preview.lookup {
            lookup.wanted_ns = Some(film_ns);
        }
    }
    let Some(thumbnail) = preview.bypass_change_detection().lookup.as_mut().and_then(Lookup::step) else { return };
    preview.thumbnail = Some(thumbnail);
}

/// What is under the pointer on the bar.
#[derive(Resource, Default)]
pub struct Preview {
    asks: Option<i64>,
    asked_mono_ns: i64,
    lookup: Option<Lookup>,
    /// The newest picture that was looked up; it may be of the place pointed at a moment ago.
    pub thumbnail: Option<Thumbnail>,
}

impl Preview {
    /// Somebody points at this place of the film, in nanoseconds.
    pub fn ask(&mut self, film_ns: i64) {
        self.asks = Some(film_ns);
    }
}

/// A second player, which never sounds and shows one picture at a time.
struct Lookup {
    film: FilmId,
    player: Player,
    by_hand: Option<Hand>,
    is_open: bool,
    generation: u32,
    wanted_ns: Option<i64>,
    /// Whether a picture is on its way.
    is_seeking: bool,
}

impl Lookup {
    /// `None` if it cannot be opened a second time; the person has been told when it was opened first.
    fn begin(screening: &Screening, swarm: Option<&Shared>, opener: &Opener<'_>) -> Option<Self> {
        let (player, by_hand) = opener.begin(screening.once_more(swarm)?).ok()?;
        Some(Self { film: screening.film, player, by_hand, is_open: false, generation: 0, wanted_ns: None, is_seeking: false })
    }

    fn step(&mut self) -> Option<Thumbnail> {
        if let Some(hand) = &mut self.by_hand {
            hand.step();
        }
        while let Some(event) = self.player.next_event() {
            match event {
                Told::Opened(_) => self.is_open = true,
                Told::Ended { generation, .. } | Told::TooLarge { generation, .. } | Told::SeekAgain { generation }
                    if generation != self.generation => {}
                // There is nothing to see there, or only for whoever asks again.
                Told::Ended { .. } | Told::Failed(_) | Told::NoPicture { .. } | Told::TooLarge { .. } | Told::SeekAgain { .. } => {
                    self.is_seeking = false;
                }
                Told::NoSound { .. } | Told::SubtitlesAdded(_) | Told::NoSubtitles { .. } => {}
            }
        }
        let mut thumbnail = None;
        while let Some(picture) = self.player.pictures().pop_if(|_| true) {
            if picture.generation == self.generation && self.is_seeking {
                self.is_seeking = false;
                thumbnail = Some(picture.item.thumbnail(WIDTH, HEIGHT));
            }
        }
        // One after the other: whoever sweeps over the bar sees pictures all the way.
        if self.is_open
            && !self.is_seeking
            && let Some(film_ns) = self.wanted_ns.take()
        {
            self.generation += 1;
            let (nobody_plays_it, _) = ring(RING_FRAMES);
            self.is_seeking =
                self.player.seek(Seek { generation: self.generation, film_ns, sound: None, ring: nobody_plays_it, glances: false });
        }
        thumbnail
    }
}

const WIDTH: usize = 192;
const HEIGHT: usize = 108;
/// The least that a player takes.
const RING_FRAMES: usize = 1024;
const IDLE_NS: i64 = 10_000_000_000;
