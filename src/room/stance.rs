use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Me, Now,
    agree::{Agreed, Mine, agree_on},
};

/// Who sits in their seat and who is on their feet, for everybody to see. A seat stays its person's while they walk about.
pub(super) fn plugin(app: &mut App) {
    agree_on::<Stance>(app);
    app.init_resource::<Footing>().add_systems(Update, say.in_set(super::Frame::Show));
}

/// Says where one's own feet are, 20 times a second while they move.
fn say(
    footing: Res<Footing>,
    me: Option<Single<(Entity, Option<&Stance>), With<Me>>>,
    now: Res<Now>,
    mut said: Local<Option<(i64, Stance, Entity)>>,
    mut commands: Commands,
) {
    let Some((me, before)) = me.map(|me| *me) else {
        *said = None;
        return;
    };
    // Whoever comes back into a room says it again.
    let last = said.filter(|(.., who)| *who == me);
    let is_news = last.map_or(before.copied().unwrap_or_default() != footing.0, |(_, stance, _)| stance != footing.0);
    let is_time = last.is_none_or(|(at_mono_ns, ..)| now.mono_ns - at_mono_ns >= INTERVAL_NS);
    if is_news && is_time {
        *said = Some((now.mono_ns, footing.0, me));
        commands.trigger(Mine(footing.0));
    }
}

/// Where one's own feet are. Whoever draws the hall sets it, or a headless line.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Footing(pub Stance);

/// Whether somebody sits or stands. Whoever stands looks by their [`Head`](super::Head) from straight towards the screen's wall, not from their seat's.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub enum Stance {
    /// In their seat.
    #[default]
    Seated,
    /// On their feet.
    Standing {
        /// To the right of the hall's middle, facing the screen, cm.
        x_cm: i16,
        /// From the screen, cm.
        z_cm: i16,
    },
}

impl Stance {
    /// Standing at this place: to the right of the middle and from the screen, m. What is no number is 0; what is too far is as far as can be said.
    #[must_use]
    pub fn at(x_m: f32, z_m: f32) -> Self {
        // `as` makes 0 of what is no number.
        let cm = |m: f32| (m * 100.0).round().clamp(-f32::from(REACH_CM), f32::from(REACH_CM)) as i16;
        Self::Standing { x_cm: cm(x_m), z_cm: cm(z_m) }
    }

    /// Where somebody stands, m; nothing for whoever sits.
    #[must_use]
    pub fn place_m(self) -> Option<(f32, f32)> {
        match self {
            Self::Seated => None,
            Self::Standing { x_cm, z_cm } => Some((f32::from(x_cm) / 100.0, f32::from(z_cm) / 100.0)),
        }
    }
}

impl Agreed for Stance {
    fn is_possible(&self) -> bool {
        match self {
            Self::Seated => true,
            Self::Standing { x_cm, z_cm } => x_cm.unsigned_abs().max(z_cm.unsigned_abs()) <= REACH_CM.unsigned_abs(),
        }
    }
}

const INTERVAL_NS: i64 = 50_000_000;
/// No hall is larger; where exactly one can stand in it is for those who draw it.
const REACH_CM: i16 = 2500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_is_somewhere() {
        for (x, z) in [(f32::NAN, f32::INFINITY), (-1e9, 3.0), (0.0, f32::NEG_INFINITY)] {
            assert!(Stance::at(x, z).is_possible(), "{x} {z}");
        }
        assert!(!Stance::Standing { x_cm: i16::MIN, z_cm: 0 }.is_possible());
        assert_eq!(Stance::at(-1.5, 7.254).place_m(), Some((-1.5, 7.25)));
        assert_eq!(Stance::Seated.place_m(), None);
    }
}
