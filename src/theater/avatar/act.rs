//! What a figure does when its person shows something: a hop, a nod, a tilt of the head. Pure.

use crate::room::Emote;

/// Something being shown, and for how long already.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Act {
    emote: Emote,
    for_s: f32,
}

/// How the figure differs from one that sits still.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Motion {
    /// How much higher, m.
    pub(super) lift_m: f32,
    /// The head to the left, radians.
    pub(super) tilt: f32,
    /// The head upwards, radians.
    pub(super) nod: f32,
    /// How far the mouth opens, 0 to 1.
    pub(super) mouth: f32,
}

impl Act {
    pub(super) const fn new(emote: Emote) -> Self {
        Self { emote, for_s: 0.0 }
    }

    /// Lets time pass; false once it is over.
    pub(super) fn advance(&mut self, dt_s: f32) -> bool {
        self.for_s += dt_s.max(0.0);
        self.for_s < LASTS_S
    }

    pub(super) fn motion(&self) -> Motion {
        // In and out without a jerk.
        let part = (self.for_s / LASTS_S).clamp(0.0, 1.0);
        let swell = (std::f32::consts::PI * part).sin();
        let beat = |times: f32| (std::f32::consts::TAU * times * self.for_s).sin();
        match self.emote {
            Emote::Wave => Motion { tilt: 0.20 * beat(1.6) * swell, ..Motion::default() },
            Emote::Clap => Motion { lift_m: 0.012 * beat(4.0).abs() * swell, nod: 0.05 * beat(4.0) * swell, ..Motion::default() },
            Emote::Laugh => Motion {
                lift_m: 0.030 * beat(2.6).abs() * swell,
                nod: 0.16 * swell,
                tilt: 0.05 * beat(1.3) * swell,
                mouth: (0.45 + 0.40 * beat(2.6).abs()) * swell,
            },
            Emote::Heart => Motion { tilt: 0.14 * swell, ..Motion::default() },
            Emote::Thumbs => Motion { nod: -0.13 * beat(1.2).abs() * swell, ..Motion::default() },
            Emote::Popcorn => Motion { nod: 0.30 * swell, mouth: 0.8 * beat(1.4).max(0.0) * swell, ..Motion::default() },
            Emote::Hand => Motion { lift_m: 0.035 * swell, nod: 0.06 * swell, ..Motion::default() },
        }
    }
}

/// As long as a laugh.
const LASTS_S: f32 = 2.4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_shown_begins_and_ends_at_rest_and_is_seen_between() {
        for emote in Emote::ALL {
            let mut act = Act::new(emote);
            assert_eq!(act.motion(), Motion::default(), "{emote:?}");
            let mut most = 0.0_f32;
            let mut before = act.motion();
            while act.advance(1.0 / 60.0) {
                let now = act.motion();
                most = most.max(now.lift_m.abs() * 10.0).max(now.tilt.abs()).max(now.nod.abs());
                assert!((now.lift_m - before.lift_m).abs() < 0.012 && (now.nod - before.nod).abs() < 0.06, "{emote:?} jerks");
                before = now;
            }
            let end = act.motion();
            assert!(most > 0.04 && end.lift_m.abs() + end.tilt.abs() + end.nod.abs() < 0.01, "{emote:?}: {most}");
        }
    }
}
