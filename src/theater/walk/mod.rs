//! Getting up, walking about, sitting down again.
//!
//! Hands set [`Feet`] and trigger [`StandUp`] and [`SitBack`]; a [`SitDown`] that the room grants ends the walk as well. A seat stays its
//! person's while they walk. Where one stands is [`Viewer::stands`](crate::theater::Viewer), which the camera follows and others hear of by the room's
//! [`Footing`].
//!
//! Invariant: `plan` alone knows what stands in the way, and nobody is ever inside of it.

mod plan;

use bevy::prelude::*;

pub use plan::{before_seat, floor_under, free_near, is_free, step};

use super::{
    Cinema, PlaceSettings, Theater, Viewer,
    motion::covered,
    sound::PlaceSound,
    view::{Looking, Pose, Sitting},
};
use crate::room::{Footing, SitDown, Stance};

/// Lets one get up and walk.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Feet>().init_resource::<Stride>().add_observer(on_stand_up).add_observer(on_sit_back).add_observer(on_sit_down);
    app.add_systems(Update, walk.in_set(Theater::Move).after(Sitting).before(Looking));
}

fn on_stand_up(_: On<StandUp>, cinema: Res<Cinema>, mut viewer: ResMut<Viewer>, mut stride: ResMut<Stride>, mut commands: Commands) {
    if viewer.stands.is_some() || cinema.0 {
        return;
    }
    let at = before_seat(viewer.seat);
    viewer.rise(at);
    *stride = Stride { floor_m: floor_under(at), ..Stride::default() };
    commands.trigger(PlaceSound::Rise);
}

fn on_sit_back(_: On<SitBack>, mut viewer: ResMut<Viewer>, mut commands: Commands) {
    if viewer.stands.is_some() {
        viewer.sit_down();
        commands.trigger(PlaceSound::Sit);
    }
}

/// One's own seat needs nobody's leave.
fn on_sit_down(sit: On<SitDown>, viewer: Res<Viewer>, mut commands: Commands) {
    if sit.event().0 == viewer.seat {
        commands.trigger(SitBack);
    }
}

fn walk(
    time: Res<Time>,
    feet: Res<Feet>,
    cinema: Res<Cinema>,
    settings: Res<PlaceSettings>,
    mut viewer: ResMut<Viewer>,
    mut stride: ResMut<Stride>,
    mut footing: ResMut<Footing>,
    mut commands: Commands,
) {
    let Some(at) = viewer.stands else {
        footing.set_if_neq(Footing(Stance::Seated));
        return;
    };
    let wish = if cinema.0 { Vec2::ZERO } else { feet.held() };
    let before = *stride;
    let next = stride.bypass_change_detection().advance(at, viewer.yaw, wish, time.delta_secs(), !settings.reduce_motion);
    if *stride != before {
        stride.set_changed();
    }
    if (stride.walked_m / STEP_M).floor() > (before.walked_m / STEP_M).floor() {
        commands.trigger(PlaceSound::Step);
    }
    if next != at {
        viewer.stands = Some(next);
    }
    footing.set_if_neq(Footing(Stance::at(next.x, next.y)));
}

/// Get up.
#[derive(Event, Debug, Clone, Copy, Default)]
pub struct StandUp;

/// Sit down in one's own seat again.
#[derive(Event, Debug, Clone, Copy, Default)]
pub struct SitBack;

/// Where hands want one to walk, while they do: to the right, and ahead; 1 is a walk. Set in every frame or once, as keys go down and up.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq)]
pub struct Feet(pub Vec2);

impl Feet {
    fn held(self) -> Vec2 {
        if self.0.is_finite() { self.0.clamp_length_max(HURRY) } else { Vec2::ZERO }
    }
}

/// How a walker goes.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq)]
pub struct Stride {
    velocity: Vec2,
    /// The floor as the knees soften it, m.
    floor_m: f32,
    walked_m: f32,
    /// How much of the head's bob is to be seen, 0 to 1.
    bob: f32,
}

impl Stride {
    /// Lets time pass for somebody at this place who looks there and wants to go; answers the new place.
    pub(super) fn advance(&mut self, at: Vec2, yaw: f32, wish: Vec2, dt_s: f32, bobs: bool) -> Vec2 {
        let dt_s = dt_s.clamp(0.0, SLOWEST_FRAME_S);
        let (ahead, right) = (Vec2::new(-yaw.sin(), -yaw.cos()), Vec2::new(yaw.cos(), -yaw.sin()));
        let wanted = (right * wish.x + ahead * wish.y) * SPEED_M_S;
        self.velocity += (wanted - self.velocity) * covered(dt_s, START_TAU_S);
        if wanted == Vec2::ZERO && self.velocity.length() < STILL_M_S {
            self.velocity = Vec2::ZERO;
        }
        let next = step(at, self.velocity * dt_s);
        let went_m = next.distance(at);
        self.walked_m = (self.walked_m + went_m) % (1000.0 * STEP_M);
        let floor = floor_under(next);
        self.floor_m += (floor - self.floor_m) * covered(dt_s, KNEES_TAU_S);
        if (floor - self.floor_m).abs() < 5e-4 {
            self.floor_m = floor;
        }
        let target = if bobs && dt_s > 0.0 { (went_m / dt_s / SPEED_M_S).min(1.0) } else { 0.0 };
        self.bob += (target - self.bob) * covered(dt_s, START_TAU_S);
        if target == 0.0 && self.bob < 0.01 {
            self.bob = 0.0;
        }
        next
    }

    /// Whether the walker is still on the way.
    pub(super) fn is_moving(&self, at: Vec2) -> bool {
        self.velocity != Vec2::ZERO || self.bob > 0.0 || self.floor_m != floor_under(at)
    }

    /// As one sees who stands there.
    pub(super) fn pose(&self, at: Vec2) -> Pose {
        let bob = BOB_M * self.bob * (self.walked_m / STEP_M * std::f32::consts::PI).sin().abs();
        let eye = Vec3::new(at.x, self.floor_m + STANDING_EYE_M - bob, at.y);
        Pose { eye, aim: eye + Vec3::NEG_Z, fov: STANDING_FOV }
    }
}

/// A standing eye over its floor, m.
pub const STANDING_EYE_M: f32 = 1.47;
/// Vertical field of view on one's feet, radians: a hall wants to be seen whole.
const STANDING_FOV: f32 = 1.05;
/// An unhurried walk.
const SPEED_M_S: f32 = 1.5;
/// The most that hands can ask for, as a part of it.
const HURRY: f32 = 1.8;
const STILL_M_S: f32 = 0.02;
const START_TAU_S: f32 = 0.09;
const KNEES_TAU_S: f32 = 0.11;
/// From one foot to the other.
const STEP_M: f32 = 0.66;
/// How far a head sinks between two steps.
const BOB_M: f32 = 0.022;
const SLOWEST_FRAME_S: f32 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_walk_is_as_far_at_any_frame_rate(yaw in -3.0f32..3.0, frames in 20usize..200) {
            let far = |frames: usize| {
                let (mut stride, mut at) = (Stride::default(), Vec2::new(0.0, 14.0));
                for _ in 0..frames {
                    at = stride.advance(at, yaw, Vec2::Y, 0.6 / frames as f32, true);
                }
                at
            };
            prop_assert!(far(frames).distance(far(1000)) < 0.08);
        }
    }

    #[test]
    fn ahead_is_where_one_looks() {
        let (mut stride, from) = (Stride::default(), Vec2::new(4.6, 8.0));
        for (yaw, wish, way) in [
            (0.0, Vec2::Y, Vec2::new(0.0, -1.0)),
            (std::f32::consts::FRAC_PI_2, Vec2::Y, Vec2::new(-1.0, 0.0)),
            (0.0, Vec2::X, Vec2::new(1.0, 0.0)),
            (std::f32::consts::PI, Vec2::X, Vec2::new(-1.0, 0.0)),
        ] {
            stride.velocity = Vec2::ZERO;
            let went = stride.advance(from, yaw, wish, 0.05, true) - from;
            assert!(went.normalize_or_zero().dot(way) > 0.99, "{yaw} {wish}: {went}");
        }
    }

    #[test]
    fn whoever_stops_comes_to_rest() {
        let (mut stride, mut at) = (Stride { floor_m: floor_under(Vec2::new(4.6, 8.0)), ..Stride::default() }, Vec2::new(4.6, 8.0));
        for _ in 0..30 {
            at = stride.advance(at, 0.0, Vec2::Y, 0.03, true);
        }
        assert!(stride.is_moving(at));
        for _ in 0..60 {
            at = stride.advance(at, 0.0, Vec2::ZERO, 0.03, true);
        }
        assert!(!stride.is_moving(at));
    }
}
