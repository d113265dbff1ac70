use bevy::prelude::*;
use serde::Serialize;

use super::people;
use crate::{
    audio::Mixer,
    film::{Screening, Subtitles},
    notice::{Notice, Severity},
    room::{Now, Playback},
};

/// How things are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct State {
    film: Option<String>,
    film_time_s: f64,
    duration_s: Option<f64>,
    playing: bool,
    rate: f64,
    volume: f32,
    muted: bool,
    night: bool,
    offset_ms: i32,
    audio: usize,
    /// The subtitle track that is shown, counted from 1; 0 for none.
    subtitle: usize,
    /// Alone, host, joining or guest.
    room: &'static str,
    seat: Option<u8>,
    /// For whom the room waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<Vec<String>>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl State {
    pub(super) fn of(world: &mut World, playback: &Playback) -> Self {
        let waiting_for = people::waited_for(world, playback);
        let now = world.resource::<Now>().room();
        let film = playback.film.as_ref();
        let duration_s = film.and_then(|film| film.duration_ns).map(|ns| ns as f64 / 1e9);
        let film_time_s = playback.timeline.film_at(now).s();
        Self {
            film: film.map(|film| film.title.to_string()),
            film_time_s: duration_s.map_or(film_time_s, |duration_s| film_time_s.min(duration_s)),
            duration_s,
            playing: playback.plays(now),
            rate: playback.timeline.rate.factor(),
            room: people::standing(world),
            seat: people::seat(world),
            waiting_for,
            volume: world.get_resource::<Mixer>().map_or(0.0, Mixer::film_volume),
            muted: world.get_resource::<Mixer>().is_some_and(Mixer::is_film_muted),
            night: world.get_resource::<Mixer>().is_some_and(Mixer::is_night),
            offset_ms: world.get_resource::<Mixer>().map_or(0, Mixer::offset_ms),
            problem: world.get_resource::<LastProblem>().and_then(|last| last.last.as_ref()).map(|(problem, _)| problem.clone()),
            subtitle: world.get_resource::<Subtitles>().and_then(Subtitles::track).map_or(0, |number| number + 1),
            audio: world.get_resource::<Screening>().and_then(Screening::sound).map_or(0, |number| number + 1),
        }
    }
}

/// The newest problem, for whoever reads only the answers.
#[derive(Resource, Default)]
pub(super) struct LastProblem {
    /// And what it is about.
    last: Option<(String, Option<&'static str>)>,
    /// While a line is carried out: what is wrong with it is its answer, and nobody is told twice.
    answers: Option<Vec<String>>,
}

impl LastProblem {
    /// Takes in what the person is told; `false` if that is to be said aloud.
    pub(super) fn hear(&mut self, notice: &Notice) -> bool {
        if notice.severity == Severity::Problem {
            if let Some(answers) = &mut self.answers {
                answers.push(notice.text.clone());
                return true;
            }
            self.last = Some((notice.text.clone(), notice.about));
            return false;
        }
        if self.last.as_ref().is_some_and(|(_, about)| about.is_some() && *about == notice.about) {
            // What was wrong about it is mended.
            self.last = None;
        }
        true
    }

    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// A line is carried out from here on.
    pub(super) fn listen(&mut self) {
        self.answers = Some(Vec::new());
    }

    /// What was wrong with it.
    pub(super) fn answer(&mut self) -> Option<String> {
        self.answers.take().filter(|answers| !answers.is_empty()).map(|answers| answers.join(" "))
    }
}
