use std::{collections::VecDeque, sync::LazyLock};

use bevy::prelude::*;

use super::synth;
use crate::{
    audio::{Clip, Mixer},
    room::{Emote, Emoted, Now},
    theater::PlaceSettings,
};

/// What many do together is heard in the hall: applause, laughter.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Together>().add_observer(on_emoted);
}

fn on_emoted(
    emoted: On<Emoted>,
    mixer: Option<ResMut<Mixer>>,
    settings: Res<PlaceSettings>,
    now: Res<Now>,
    mut together: ResMut<Together>,
) {
    let Emoted { who, emote } = *emoted.event();
    let many = together.joins(who, emote, now.mono_ns);
    let (Some(many), Some(mut mixer)) = (many, mixer.filter(|_| settings.sounds)) else { return };
    let clip = match emote {
        Emote::Clap => &APPLAUSE,
        _ => &LAUGHTER,
    };
    mixer.play_clip(clip, loudness(many), 0.0);
}

/// From three on, and twelve are as loud as a hall gets beside a film.
fn loudness(many: usize) -> f32 {
    0.05 + 0.012 * many.min(12) as f32
}

/// Who laughed and clapped just now.
#[derive(Resource, Default)]
struct Together {
    recent: VecDeque<(i64, Entity, Emote)>,
    heard_mono_ns: Option<i64>,
}

impl Together {
    /// Somebody shows something; how many do so together, if that is to be heard now.
    fn joins(&mut self, who: Entity, emote: Emote, now_mono_ns: i64) -> Option<usize> {
        if !matches!(emote, Emote::Clap | Emote::Laugh) {
            return None;
        }
        self.recent.retain(|(at, other, what)| now_mono_ns - at < TOGETHER_NS && (*other, *what) != (who, emote));
        if self.recent.len() >= RECENT_MOST {
            self.recent.pop_front();
        }
        self.recent.push_back((now_mono_ns, who, emote));
        let many = self.recent.iter().filter(|(_, _, what)| *what == emote).count();
        let is_still_heard = self.heard_mono_ns.is_some_and(|at| now_mono_ns - at < LASTS_NS);
        if many < MANY || is_still_heard {
            return None;
        }
        self.heard_mono_ns = Some(now_mono_ns);
        Some(many)
    }
}

const MANY: usize = 3;
const TOGETHER_NS: i64 = 3_000_000_000;
const LASTS_NS: i64 = 2_000_000_000;
/// A full room, twice.
const RECENT_MOST: usize = 140;

static APPLAUSE: LazyLock<Clip> = LazyLock::new(|| Clip::new(synth::applause()));
static LAUGHTER: LazyLock<Clip> = LazyLock::new(|| Clip::new(synth::laughter()));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_however_often_is_not_many() {
        let mut together = Together::default();
        let people: Vec<Entity> = (1..6).map(|number| Entity::from_raw_u32(number).unwrap()).collect();
        for step in 0..50 {
            assert_eq!(together.joins(people[0], Emote::Clap, step * 100_000_000), None);
        }
        let now = 10_000_000_000;
        assert_eq!(together.joins(people[1], Emote::Clap, now), None);
        assert_eq!(together.joins(people[2], Emote::Laugh, now), None, "something else");
        assert_eq!(together.joins(people[3], Emote::Clap, now + 1), None);
        assert_eq!(together.joins(people[4], Emote::Clap, now + 2), Some(3));
        assert_eq!(together.joins(people[0], Emote::Clap, now + 3), None, "it is heard already");
        assert_eq!(together.joins(people[0], Emote::Heart, now + 3_000_000_000), None);
    }
}
