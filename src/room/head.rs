use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Me, Now,
    agree::{Agreed, Mine, agree_on},
};

/// How heads are turned, for everybody to see.
pub(super) fn plugin(app: &mut App) {
    agree_on::<Head>(app);
    app.init_resource::<Turned>().add_systems(Update, say.in_set(super::Frame::Show));
}

/// Says how one's own head is turned, 20 times a second while it moves.
fn say(
    turned: Res<Turned>,
    me: Option<Single<&Head, With<Me>>>,
    now: Res<Now>,
    mut said: Local<Option<(i64, Head)>>,
    mut commands: Commands,
) {
    let Some(me) = me else {
        *said = None;
        return;
    };
    let head = turned.0;
    let is_news = said.map_or(**me != head, |(_, said)| said != head);
    let is_time = said.is_none_or(|(at_mono_ns, _)| now.mono_ns - at_mono_ns >= INTERVAL_NS);
    if is_news && is_time {
        *said = Some((now.mono_ns, head));
        commands.trigger(Mine(head));
    }
}

/// How one's own head is turned. Whoever draws the hall sets it.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Turned(pub Head);

/// How far a head is turned: in steps of a fortieth of a radian, which interpolation hides.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct Head {
    yaw: i8,
    pitch: i8,
}

impl Head {
    /// From radians: yaw to the left of the screen, pitch upwards. What is too far is as far as can be said; what is no number is straight ahead.
    #[must_use]
    pub fn from_radians(yaw: f32, pitch: f32) -> Self {
        // `as` makes 0 of what is no number and stops at the ends.
        Self { yaw: (yaw * STEPS).round() as i8, pitch: (pitch * STEPS).round() as i8 }
    }

    /// Yaw to the left of the screen, radians.
    #[must_use]
    pub fn yaw(self) -> f32 {
        f32::from(self.yaw) / STEPS
    }

    /// Pitch upwards, radians.
    #[must_use]
    pub fn pitch(self) -> f32 {
        f32::from(self.pitch) / STEPS
    }
}

impl Agreed for Head {}

/// To a radian: 127 of them are 3.2 radians.
const STEPS: f32 = 40.0;
const INTERVAL_NS: i64 = 50_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_finite_whatever_is_said() {
        assert_eq!(Head::from_radians(f32::NAN, f32::INFINITY), Head { yaw: 0, pitch: 127 });
        assert!((Head::from_radians(-1.0, 0.5).yaw() + 1.0).abs() < 0.02);
    }
}
