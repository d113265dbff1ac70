use bevy::prelude::*;

use crate::{
    audio::Mixer,
    film::{Buffered, Opening, Screening, Subtitles},
    room::{Frame, Now, ParticipantId, Playback, Room},
};

/// Gathers what the panels show, and knows when they should be seen.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<View>().init_resource::<Panels>().init_resource::<Awake>().add_systems(Update, gather.after(Frame::Show));
}

fn gather(
    mut view: ResMut<View>,
    mut awake: ResMut<Awake>,
    room: Single<&Playback, With<Room>>,
    screening: Option<Res<Screening>>,
    opening: Option<Res<Opening>>,
    subtitles: Option<Res<Subtitles>>,
    mixer: Option<Res<Mixer>>,
    buffered: Option<Res<Buffered>>,
    now: Res<Now>,
    time: Res<Time>,
) {
    let plays = room.plays(now.room());
    awake.for_s = (awake.for_s - time.delta_secs()).max(0.0);
    // Over a film that stands the bar stays.
    let appears = f32::from(u8::from(awake.for_s > 0.0 || !plays));
    let shown = view.visibility + (appears - view.visibility).clamp(-time.delta_secs() / FADE_S, time.delta_secs() / FADE_S);
    *view = View {
        film: room.film.as_ref().map(|film| ViewOfFilm {
            title: film.title.to_string(),
            time_s: room.timeline.film_at(now.room()).s(),
            duration_s: film.duration_ns.map(|ns| ns as f64 / 1e9),
            plays,
            rate: room.timeline.rate.factor(),
            is_waiting: room.gather.is_some(),
            picture: screening.as_ref().and_then(|screening| screening.info().picture),
            pictures: screening.as_ref().map_or_else(Vec::new, |screening| screening.picture_names()),
            sound: screening.as_ref().and_then(|screening| screening.sound()),
            sounds: screening.as_ref().map_or_else(Vec::new, |screening| screening.sound_names()),
            subtitle: subtitles.as_ref().and_then(|subtitles| subtitles.track()),
            subtitles: screening.as_ref().map_or_else(Vec::new, |screening| screening.subtitle_names()),
            subtitle_delay_s: subtitles.as_ref().map_or(0.0, |subtitles| subtitles.delay_ns() as f64 / 1e9),
            buffered: buffered.map_or_else(Vec::new, |buffered| buffered.0.clone()),
            chapters: screening.as_ref().map_or_else(Vec::new, |screening| chapters(screening)),
        }),
        opening: opening.map(|opening| opening.name().to_owned()),
        volume_percent: mixer.as_ref().map_or(0.0, |mixer| mixer.film_volume()),
        is_muted: mixer.is_some_and(|mixer| mixer.is_film_muted()),
        visibility: shown,
    };
}

fn chapters(screening: &Screening) -> Vec<ChapterMark> {
    let chapters = screening.info().chapters.iter();
    chapters.map(|chapter| ChapterMark { start_s: chapter.start_ns as f64 / 1e9, title: chapter.title.clone() }).collect()
}

/// How things are, as the panels show it.
#[derive(Resource, Debug, Default, Clone, PartialEq)]
pub struct View {
    /// The film on the screen.
    pub film: Option<ViewOfFilm>,
    /// The name of a film that is being opened.
    pub opening: Option<String>,
    /// The film's volume.
    pub volume_percent: f32,
    /// Whether the sound is off.
    pub is_muted: bool,
    /// How far the bar is faded in, 0 to 1.
    pub visibility: f32,
}

/// The film as the panels show it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ViewOfFilm {
    /// Its name.
    pub title: String,
    /// Where it is.
    pub time_s: f64,
    /// How long it is, if it is known.
    pub duration_s: Option<f64>,
    /// Whether it runs, or will once it is ready.
    pub plays: bool,
    /// How fast it runs, 1 for its own speed.
    pub rate: f64,
    /// Whether it stands until it is ready.
    pub is_waiting: bool,
    /// The parts of somebody else's film that are here, of 0 to 1.
    pub buffered: Vec<std::ops::Range<f32>>,
    /// Its chapters, from the first.
    pub chapters: Vec<ChapterMark>,
    /// The stream of pictures that is seen, counted from 0.
    pub picture: Option<usize>,
    /// All streams of pictures in words.
    pub pictures: Vec<String>,
    /// The sound track that plays, counted from 0.
    pub sound: Option<usize>,
    /// All sound tracks in words.
    pub sounds: Vec<String>,
    /// The subtitle track that is shown, counted from 0.
    pub subtitle: Option<usize>,
    /// All subtitle tracks in words.
    pub subtitles: Vec<String>,
    /// How much later than timed they are shown.
    pub subtitle_delay_s: f64,
}

/// Where a chapter begins.
#[derive(Debug, Clone, PartialEq)]
pub struct ChapterMark {
    /// From the film's beginning.
    pub start_s: f64,
    /// Its name; may be empty.
    pub title: String,
}

/// What is open, and what is being typed.
#[derive(Resource, Debug, Default)]
pub struct Panels {
    /// The list of keys.
    pub help: bool,
    /// The path typed in the lobby.
    pub path: String,
    /// Who is here.
    pub people: bool,
    /// Who of them is looked at more closely, in the list.
    pub person: Option<ParticipantId>,
    /// Whether removing them was pressed once.
    pub is_removing: bool,
    /// Whether the invite for moderators is shown.
    pub moderator_invite: bool,
    /// What was said, and the field for what is to be said.
    pub chat: bool,
    /// Whether that field is to take the keyboard.
    pub begins_typing: bool,
    /// What is being said.
    pub words: String,
    /// The invite pasted in the lobby.
    pub invite: String,
    /// One's own name as it is being typed.
    pub name: String,
    /// Whether no panel is drawn at all: for pictures of the hall.
    pub are_hidden: bool,
}

/// Panels stay for a while after the last movement, then the film is alone.
#[derive(Resource, Debug)]
pub struct Awake {
    for_s: f32,
}

impl Awake {
    /// Somebody moved.
    pub fn wake(&mut self) {
        self.for_s = AWAKE_S;
    }

    /// Whether panels are up.
    #[must_use]
    pub fn is_awake(&self) -> bool {
        self.for_s > 0.0
    }
}

impl Default for Awake {
    fn default() -> Self {
        Self { for_s: AWAKE_S }
    }
}

const AWAKE_S: f32 = 3.0;
const FADE_S: f32 = 0.2;
