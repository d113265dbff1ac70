use super::{CameraSource, Look, Seen, Shot};
use crate::{
    handover::{SampleConsumer, ring},
    media::{ByHand, Event, Picture, Player, PlayerOptions, Seek, Source},
};

/// A film as a camera: its middle is seen, it begins again when it ends, and nobody hears it.
pub struct FilmCamera {
    name: String,
    player: Player,
    /// Where nobody else makes the player's steps.
    hand: Option<ByHand>,
    /// What would be heard; taken so that the film goes on.
    silence: Option<SampleConsumer>,
    generation: u32,
    is_open: bool,
    /// When the film's first picture of this round was seen.
    round_ns: Option<i64>,
    next: Option<Picture>,
    has_ended: bool,
    has_shown: bool,
}

impl FilmCamera {
    /// Decodes on the player's own threads.
    ///
    /// # Errors
    /// In words, if the film cannot be read or the system gives no thread.
    pub fn start(source: Source, mono_ns: fn() -> i64) -> Result<Self, String> {
        let name = source.name().to_owned();
        let player = Player::start(source, &PlayerOptions { mono_ns, waker: std::task::Waker::noop().clone(), on_hardware: false })
            .map_err(|error| error.to_string())?;
        Ok(Self::new(name, player, None))
    }

    /// Decodes in [`look`](CameraSource::look): for tests.
    #[must_use]
    pub fn by_hand(source: Source) -> Self {
        let name = source.name().to_owned();
        let (player, hand) = Player::by_hand(source, false);
        Self::new(name, player, Some(hand))
    }

    const fn new(name: String, player: Player, hand: Option<ByHand>) -> Self {
        Self {
            name,
            player,
            hand,
            silence: None,
            generation: 0,
            is_open: false,
            round_ns: None,
            next: None,
            has_ended: false,
            has_shown: false,
        }
    }

    fn begin(&mut self) {
        let (producer, silence) = ring(SILENCE_FRAMES);
        self.generation = self.generation.wrapping_add(1);
        (self.silence, self.round_ns, self.next, self.has_ended) = (Some(silence), None, None, false);
        let seek = Seek { generation: self.generation, film_ns: 0, sound: None, ring: producer, glances: false };
        if !self.player.seek(seek) {
            tracing::debug!(name = self.name, "the film of a camera takes no seeks");
        }
    }

    /// What the film told; a sentence if it is over.
    fn hear(&mut self) -> Option<String> {
        if let Some(hand) = &mut self.hand {
            hand.run_until_idle();
        }
        while let Some(event) = self.player.next_event() {
            match event {
                Event::Opened(info) if info.video.is_some() => {
                    self.is_open = true;
                    self.begin();
                }
                Event::Opened(_) => return Some(format!("“{}” has no picture to be a camera's.", self.name)),
                Event::Failed(error) => return Some(error.to_string()),
                Event::NoPicture { reason } => return Some(format!("The picture of “{}” cannot be decoded: {reason}.", self.name)),
                Event::Ended { generation, .. } => self.has_ended |= generation == self.generation,
                _ => {}
            }
        }
        None
    }

    /// The newest picture that is due.
    fn due(&mut self, now_ns: i64) -> Option<Picture> {
        let mut due = None;
        loop {
            if self.next.is_none() {
                let generation = self.generation;
                self.next = std::iter::from_fn(|| self.player.pictures().pop())
                    .find(|picture| picture.generation == generation)
                    .map(|picture| picture.item);
            }
            let Some(next) = &self.next else { return due };
            let round_ns = *self.round_ns.get_or_insert(now_ns.saturating_sub(next.film_ns));
            if next.film_ns > now_ns.saturating_sub(round_ns) {
                return due;
            }
            due = self.next.take();
            if let Some(hand) = &mut self.hand {
                hand.run_until_idle();
            }
        }
    }
}

impl CameraSource for FilmCamera {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&mut self, now_ns: i64) -> Look {
        if let Some(sentence) = self.hear() {
            return Look::Failed(sentence);
        }
        if let Some(silence) = &mut self.silence {
            silence.discard(SILENCE_FRAMES);
        }
        let due = self.due(now_ns);
        self.has_shown |= due.is_some();
        if self.is_open && self.has_ended && self.next.is_none() && due.is_none() {
            if !self.has_shown {
                return Look::Failed(format!("“{}” has no picture to be a camera's.", self.name));
            }
            self.begin();
        }
        due.map_or(Look::Nothing, |picture| Look::Shot(Shot { captured_ns: now_ns, seen: Seen::Film(Box::new(picture)) }))
    }
}

impl std::fmt::Debug for FilmCamera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilmCamera").field("name", &self.name).field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// A second.
const SILENCE_FRAMES: usize = 48_000;
