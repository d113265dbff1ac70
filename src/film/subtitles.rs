use std::path::PathBuf;

use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{FilmSource, Screening, patience::Patience, share::Shared, show};
use crate::{
    media::{FilmInfo, SubtitlePicture, SubtitleTrack, SubtitleWish, subtitle_title},
    notice::Notice,
    room::{FilmId, Frame, Now, Playback, Room},
    theater::{SubtitleFrame, SubtitleSurface, SubtitleText},
};

/// Shows this viewer's subtitles over the picture. Nothing else of the film changes with them: they have their own thread.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Subtitles>()
        .init_resource::<SubtitleLook>()
        .init_resource::<SubtitleRoom>()
        .init_resource::<SubtitleSurface>()
        .add_observer(on_choose)
        .add_observer(on_add)
        .add_observer(on_delay)
        .add_systems(
            Update,
            (begin, watch, wish, put_up).chain().in_set(Frame::Show).after(show::show).run_if(resource_exists::<Screening>),
        )
        .add_systems(Update, clear.in_set(Frame::Show).run_if(resource_removed::<Screening>));
}

/// A new film: its own tracks, the one its maker means to be seen, and the files beside it.
fn begin(screening: Res<Screening>, swarm: Option<Res<Shared>>, mut subtitles: ResMut<Subtitles>, mut surface: ResMut<SubtitleSurface>) {
    if subtitles.film != Some(screening.film) {
        *subtitles = Subtitles { film: Some(screening.film), ..Subtitles::default() };
        surface.clear();
        if !screening.info().subtitles.is_empty()
            && let Some(source) = screening.once_more(swarm.as_deref())
            && !screening.player.look_back_in(source)
        {
            tracing::warn!("lines that began before a seek's place will not be found");
        }
        if let Some(FilmSource::File(path)) = &screening.source
            && !screening.player.find_subtitles_beside(path.clone())
        {
            tracing::warn!("the files beside the film are not looked through");
        }
    }
    if !subtitles.is_chosen && subtitles.chosen_for != Some(screening.sound()) {
        subtitles.chosen_for = Some(screening.sound());
        subtitles.track = usual_track(screening.info(), screening.sound());
    }
}

/// What is shown unless somebody chooses: what the sound does not say in its own language, else what the film's maker means to be seen.
fn usual_track(info: &FilmInfo, sound: Option<usize>) -> Option<usize> {
    let language = sound.and_then(|number| info.sounds.get(number)).map_or("", |track| track.language.as_str());
    let own = || info.subtitles.iter().enumerate().filter(|(_, track)| !track.is_external);
    let forced = own().find(|(_, track)| track.is_forced && is_same_language(&track.language, language));
    forced.or_else(|| own().find(|(_, track)| track.is_default)).map(|(number, _)| number)
}

/// Whether two codes name one language; unknown is none.
fn is_same_language(one: &str, other: &str) -> bool {
    !one.is_empty() && one != "und" && one.eq_ignore_ascii_case(other)
}

/// A script that cannot be drawn in sensible time ends for this film; the film goes on.
fn watch(
    screening: Res<Screening>,
    patience: Res<Patience>,
    now: Res<Now>,
    mut subtitles: ResMut<Subtitles>,
    mut surface: ResMut<SubtitleSurface>,
    mut commands: Commands,
) {
    if !subtitles.is_given_up && patience.is_over(screening.player.subtitles_stuck_for_ns(now.mono_ns), now.mono_ns) {
        subtitles.is_given_up = true;
        subtitles.track = None;
        surface.clear();
        commands.trigger(Notice::problem("These subtitles take for ever to draw and are off until the film is opened anew.").about(ABOUT));
    }
}

/// Asks for the subtitles of what is heard now.
fn wish(
    screening: Res<Screening>,
    room: Single<&Playback, With<Room>>,
    now: Res<Now>,
    (look, above): (Res<SubtitleLook>, Res<SubtitleRoom>),
    frame: Option<Res<SubtitleFrame>>,
    mut subtitles: ResMut<Subtitles>,
) {
    // Where nothing is drawn, nothing is asked for.
    let Some(frame) = frame else { return };
    let place_ns = screening.heard(now.mono_ns).map_or(room.timeline.film_at(now.room()).ns(), |heard| heard.film_ns);
    let wish = SubtitleWish {
        track: subtitles.track,
        film_ns: place_ns.saturating_sub(subtitles.delay_ns),
        frame: (frame.width_px as u32, frame.height_px as u32),
        band: (frame.band * frame.height_px) as u32,
        scale: look.scale(),
        lift: look.lift().max(above.0),
    };
    let is_idle = wish.track.is_none() && subtitles.wished.is_some_and(|wished| wished.track.is_none());
    if !subtitles.is_given_up && !is_idle && subtitles.wished != Some(wish) {
        subtitles.bypass_change_detection().wished = Some(wish);
        screening.player.show_subtitles(wish);
    }
}

fn put_up(screening: Res<Screening>, subtitles: Res<Subtitles>, mut surface: ResMut<SubtitleSurface>) {
    if let Some(picture) = screening.player.subtitle_picture()
        && !subtitles.is_given_up
    {
        surface.show(text_of(picture));
    }
}

fn text_of(picture: SubtitlePicture) -> SubtitleText {
    let SubtitlePicture { frame, x, y, width, height, rgba } = picture;
    SubtitleText { frame: UVec2::from(frame), at: IVec2::new(x, y), width, height, rgba }
}

fn clear(mut subtitles: ResMut<Subtitles>, mut surface: ResMut<SubtitleSurface>) {
    *subtitles = Subtitles::default();
    surface.clear();
}

fn on_choose(choice: On<ChooseSubtitle>, screening: Option<Res<Screening>>, mut subtitles: ResMut<Subtitles>, mut commands: Commands) {
    let Some(screening) = screening else { return };
    let tracks = &screening.info().subtitles;
    let wanted = match *choice.event() {
        ChooseSubtitle::Number(number) => number,
        ChooseSubtitle::Next => {
            Some(subtitles.track.map_or(0, |number| number + 1)).filter(|number| *number < tracks.len() || *number == 0)
        }
    };
    if wanted.is_some_and(|number| number >= tracks.len()) {
        let sentence = match tracks.len() {
            0 => "This film has no subtitles. Drop a file of subtitles on the window to add some.".to_owned(),
            1 => "This film has one subtitle track.".to_owned(),
            count => format!("This film has {count} subtitle tracks: choose 1 to {count}, or 0 for none."),
        };
        commands.trigger(Notice::problem(sentence).about(ABOUT));
        return;
    }
    subtitles.is_chosen = true;
    subtitles.track = wanted;
    commands.trigger(Notice::news(subtitle_name(tracks, wanted)).about(ABOUT));
}

/// A track in words.
#[must_use]
pub fn subtitle_name(tracks: &[SubtitleTrack], track: Option<usize>) -> String {
    let Some((number, track)) = track.and_then(|number| Some((number, tracks.get(number)?))) else { return "Subtitles off".to_owned() };
    let name = [&track.title, &track.language].into_iter().find(|name| !name.is_empty());
    name.map_or_else(|| format!("Subtitles {}", number + 1), |name| format!("Subtitles: {name}"))
}

fn on_add(added: On<AddSubtitles>, screening: Option<Res<Screening>>, mut subtitles: ResMut<Subtitles>, mut commands: Commands) {
    let path = &added.event().0;
    let Some(screening) = screening else {
        commands.trigger(Notice::problem("There is no film for these subtitles. Open the film first.").about(ABOUT));
        return;
    };
    if screening.player.add_subtitles(path.clone()) {
        // The name under which its track will be known.
        if subtitles.awaited.len() >= AWAITED_MAX {
            // It was refused long ago.
            subtitles.awaited.remove(0);
        }
        subtitles.awaited.push(subtitle_title(path));
    } else {
        commands.trigger(Notice::problem("Too much is being read at once. Try again in a moment.").about(ABOUT));
    }
}

/// A file was read: what a viewer brought is what they want to see.
pub(super) fn added(track: &SubtitleTrack, number: usize, subtitles: &mut Subtitles) -> Option<Notice> {
    let at = subtitles.awaited.iter().position(|name| *name == track.title)?;
    subtitles.awaited.remove(at);
    subtitles.is_chosen = true;
    subtitles.track = Some(number);
    Some(Notice::news(format!("Subtitles: {}", track.title)).about(ABOUT))
}

fn on_delay(delay: On<DelaySubtitles>, mut subtitles: ResMut<Subtitles>, mut commands: Commands) {
    let wanted_ns = match *delay.event() {
        DelaySubtitles::To { ns } => ns,
        DelaySubtitles::By { ns } => subtitles.delay_ns.saturating_add(ns),
    };
    subtitles.delay_ns = wanted_ns.clamp(-DELAY_MAX_NS, DELAY_MAX_NS);
    let seconds = subtitles.delay_ns as f64 / 1e9;
    let says = match seconds {
        0.0 => "Subtitles as they were timed".to_owned(),
        later if later > 0.0 => format!("Subtitles {later:.1} s later"),
        sooner => format!("Subtitles {:.1} s sooner", -sooner),
    };
    commands.trigger(Notice::news(says).about(ABOUT));
}

/// Show another subtitle track of this film, for this viewer alone.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChooseSubtitle {
    /// This one, counted from 0 in [`FilmInfo::subtitles`]; or none.
    Number(Option<usize>),
    /// The one after; after the last comes none, then the first.
    Next,
}

/// Read a file of subtitles for the film that runs, and show it.
#[derive(Event, Debug, Clone, PartialEq, Eq)]
pub struct AddSubtitles(pub PathBuf);

/// Show the subtitles later (or, with a negative time, sooner), for this film alone.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelaySubtitles {
    /// By so much than they are timed.
    To {
        /// In nanoseconds.
        ns: i64,
    },
    /// By so much than now.
    By {
        /// In nanoseconds.
        ns: i64,
    },
}

/// This viewer's subtitles of the film that runs.
#[derive(Resource, Debug, Default)]
pub struct Subtitles {
    film: Option<FilmId>,
    track: Option<usize>,
    /// Whether the viewer chose, also none.
    is_chosen: bool,
    /// For which sound track the usual one was found.
    chosen_for: Option<Option<usize>>,
    delay_ns: i64,
    /// Files that the viewer brought and that are being read.
    awaited: Vec<String>,
    wished: Option<SubtitleWish>,
    /// Nothing of this film's subtitles can be drawn any more.
    is_given_up: bool,
}

impl Subtitles {
    /// The track that is shown, counted from 0.
    #[must_use]
    pub const fn track(&self) -> Option<usize> {
        self.track
    }

    /// How much later than timed they are shown, in nanoseconds.
    #[must_use]
    pub const fn delay_ns(&self) -> i64 {
        self.delay_ns
    }
}

/// How subtitles look to this viewer: kept between films.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubtitleLook {
    /// Size of the text in percent, [`SubtitleLook::PERCENT`].
    pub percent: f32,
    /// How far lines at the bottom are lifted, in percent of the picture's height; −100 is beneath the picture, where there is room.
    pub lift_percent: f32,
}

impl SubtitleLook {
    /// Sizes that can be read and fit.
    pub const PERCENT: std::ops::RangeInclusive<f32> = 40.0..=300.0;
    /// From beneath the picture to its top.
    pub const LIFT_PERCENT: std::ops::RangeInclusive<f32> = -100.0..=90.0;

    fn scale(self) -> f32 {
        within(self.percent, &Self::PERCENT, 100.0) / 100.0
    }

    fn lift(self) -> f32 {
        within(self.lift_percent, &Self::LIFT_PERCENT, 0.0) / 100.0
    }
}

/// What must stay free at the lower edge of the picture, as a part of its height: something lies over it.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq)]
pub struct SubtitleRoom(pub f32);

impl Default for SubtitleLook {
    fn default() -> Self {
        Self { percent: 100.0, lift_percent: 0.0 }
    }
}

/// A kept file may say anything.
fn within(value: f32, range: &std::ops::RangeInclusive<f32>, usual: f32) -> f32 {
    if value.is_finite() { value.clamp(*range.start(), *range.end()) } else { usual }
}

const AWAITED_MAX: usize = 16;
/// Notices about subtitles replace each other.
const ABOUT: &str = "subtitles";
/// An hour: some discs are cut in two.
const DELAY_MAX_NS: i64 = 3_600_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SoundTrack;

    fn film(subtitles: &[(&str, bool, bool)]) -> FilmInfo {
        let sound = |language: &str| SoundTrack {
            language: language.to_owned(),
            title: String::new(),
            codec: "aac",
            channels: 2,
            is_default: false,
            is_forced: false,
        };
        let track = |(language, is_default, is_forced): &(&str, bool, bool)| SubtitleTrack {
            language: (*language).to_owned(),
            is_default: *is_default,
            is_forced: *is_forced,
            ..SubtitleTrack::default()
        };
        FilmInfo { sounds: vec![sound("eng"), sound("ger")], subtitles: subtitles.iter().map(track).collect(), ..FilmInfo::default() }
    }

    #[test]
    fn forced_ones_of_the_sound_s_language_come_first_then_the_default_ones_then_none() {
        let both = film(&[("eng", true, false), ("eng", false, true), ("ger", false, true)]);
        assert_eq!([Some(0), Some(1), None].map(|sound| usual_track(&both, sound)), [Some(1), Some(2), Some(0)]);
        assert_eq!(usual_track(&film(&[("eng", false, false), ("fre", false, true)]), Some(0)), None);
        assert_eq!(usual_track(&film(&[("und", false, true)]), Some(5)), None);
        assert_eq!(usual_track(&film(&[]), Some(0)), None);
    }

    #[test]
    fn a_kept_look_is_never_absurd() {
        let absurd = SubtitleLook { percent: f32::NAN, lift_percent: 1e9 };
        assert_eq!((absurd.scale(), absurd.lift()), (1.0, 0.9));
    }

    #[test]
    fn tracks_have_names() {
        let tracks = film(&[("eng", false, false), ("", false, false)]).subtitles;
        assert_eq!(
            [Some(0), Some(1), None, Some(9)].map(|track| subtitle_name(&tracks, track)),
            ["Subtitles: eng", "Subtitles 2", "Subtitles off", "Subtitles off"]
        );
    }
}
