//! The eye: in a seat or on one's feet; where it is, where it looks, how wide.

use super::hall::measures::*;
use super::motion::ease;
use super::walk::Stride;
use super::{Cinema, PlaceSettings, PlaceSound, Theater, Tier};
use crate::room::{Head, Me, Sits, Turned};
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::prelude::*;

/// Spawns the camera and lets it follow [`Viewer`].
pub fn plugin(app: &mut App) {
    app.init_resource::<Viewer>();
    app.configure_sets(Update, (Sitting, Looking).chain().in_set(Theater::Move));
    app.add_systems(Startup, open_eyes);
    app.add_systems(Update, (sit.in_set(Sitting), (look, turn_head).chain().in_set(Looking)));
}

/// One's seat is known from here on.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Sitting;

/// The camera takes its place; whoever walks has done so before.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Looking;

fn open_eyes(mut commands: Commands, tier: Res<Tier>, viewer: Res<Viewer>) {
    let pose = Pose::of(viewer.seat);
    let transform = pose.transform(viewer.yaw, viewer.pitch);
    commands.spawn((
        Name::new("seated camera"),
        SeatedCamera { place: Place::of(&viewer), from: Sight { transform, fov: pose.fov }, part: 1.0 },
        Camera3d::default(),
        Camera { clear_color: ClearColorConfig::Custom(Color::BLACK), ..default() },
        SeatedCamera::projection(),
        tier.samples(),
        // The picture on the screen is never changed by the camera.
        Tonemapping::None,
        DebandDither::Disabled,
        transform,
    ));
}

/// One sits where the room says.
fn sit(me: Query<&Sits, (With<Me>, Changed<Sits>)>, mut viewer: ResMut<Viewer>, mut commands: Commands) {
    for sits in &me {
        if viewer.stands.is_some() {
            viewer.sit_down();
        } else if viewer.seat == sits.0 {
            continue;
        }
        viewer.seat = sits.0;
        commands.trigger(PlaceSound::Sit);
    }
}

/// Others see where one looks.
fn turn_head(viewer: Res<Viewer>, mut turned: ResMut<Turned>) {
    turned.set_if_neq(Turned(Head::from_radians(viewer.yaw, viewer.pitch)));
}

fn look(
    time: Res<Time>,
    viewer: Res<Viewer>,
    stride: Res<Stride>,
    cinema: Res<Cinema>,
    settings: Res<PlaceSettings>,
    mut cameras: Query<(&mut SeatedCamera, &mut Transform, &mut Projection)>,
) {
    if cinema.0 {
        return;
    }
    for (mut camera, mut transform, mut projection) in &mut cameras {
        let place = Place::of(&viewer);
        if camera.place != place {
            let fov = if let Projection::Perspective(perspective) = &*projection { perspective.fov } else { Pose::of(viewer.seat).fov };
            let part = if settings.reduce_motion { 1.0 } else { 0.0 };
            *camera = SeatedCamera { place, from: Sight { transform: *transform, fov }, part };
        }
        if camera.part >= 1.0 && !viewer.is_changed() && !stride.is_changed() && !settings.is_changed() {
            continue;
        }
        if camera.part < 1.0 {
            camera.part = (camera.part + time.delta_secs() / SITTING_S).min(1.0);
        }
        let sight = camera.from.towards(Sight::of(&viewer, &stride, settings.held().field_of_view), camera.part);
        *transform = sight.transform;
        if let Projection::Perspective(perspective) = &mut *projection {
            perspective.fov = sight.fov;
        }
    }
}

/// Yaw and pitch a head can turn to, radians: over the shoulder, not through the floor.
#[must_use]
pub fn clamp_look(yaw: f32, pitch: f32) -> (f32, f32) {
    let or_ahead = |angle: f32| if angle.is_finite() { angle } else { 0.0 };
    (or_ahead(yaw).clamp(-YAW_MOST, YAW_MOST), or_ahead(pitch).clamp(-PITCH_DOWN, PITCH_UP))
}

/// Sitting down elsewhere takes this long, s.
const SITTING_S: f32 = 0.5;
const YAW_MOST: f32 = 2.7;
const PITCH_UP: f32 = 1.0;
const PITCH_DOWN: f32 = 0.9;

/// Whose eyes one sees through.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Default)]
pub struct Viewer {
    /// The seat: one sits there, or comes back to it.
    pub seat: SeatNumber,
    /// How far the head is turned to the left, radians: from the screen in a seat, from the screen's wall on one's feet.
    pub yaw: f32,
    /// How far it is raised, radians.
    pub pitch: f32,
    /// Where one stands (to the right of the middle, and from the screen, m); nothing in the seat. [`StandUp`](super::StandUp) and
    /// [`SitBack`](super::SitBack) change it.
    pub stands: Option<Vec2>,
}

impl Viewer {
    /// Turns the head; in a seat it stops where a neck does, on one's feet one turns with it.
    pub fn turn(&mut self, yaw: f32, pitch: f32) {
        let (to_yaw, to_pitch) = (self.yaw + yaw, self.pitch + pitch);
        (self.yaw, self.pitch) =
            if self.stands.is_some() { (wrapped(to_yaw), clamp_look(0.0, to_pitch).1) } else { clamp_look(to_yaw, to_pitch) };
    }

    /// Gets up and goes on looking where one looked.
    pub(super) fn rise(&mut self, at: Vec2) {
        let (yaw, pitch) = Pose::of(self.seat).heading();
        self.stands = Some(at);
        self.turn(yaw, pitch);
    }

    /// Sits down and looks at the screen.
    pub(super) fn sit_down(&mut self) {
        *self = Self { seat: self.seat, ..Self::default() };
    }
}

/// The same angle between −π and π.
#[must_use]
pub(super) fn wrapped(angle: f32) -> f32 {
    use std::f32::consts::{PI, TAU};
    if angle.is_finite() { (angle + PI).rem_euclid(TAU) - PI } else { 0.0 }
}

/// The camera of whoever looks, in the seat or on their feet. Put a `RenderTarget` on it to draw elsewhere than in the window.
#[derive(Component, Debug, Clone, Copy)]
pub struct SeatedCamera {
    place: Place,
    from: Sight,
    part: f32,
}

impl SeatedCamera {
    /// As one sees the hall; the field of view is the pose's.
    pub(super) fn projection() -> Projection {
        Projection::Perspective(PerspectiveProjection { near: 0.05, far: 60.0, ..default() })
    }

    /// Whether it is on its way between two places.
    pub(super) fn is_moving(&self) -> bool {
        self.part < 1.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Seat(SeatNumber),
    Feet,
}

impl Place {
    fn of(viewer: &Viewer) -> Self {
        if viewer.stands.is_some() { Self::Feet } else { Self::Seat(viewer.seat) }
    }
}

/// What a camera needs.
#[derive(Debug, Clone, Copy)]
struct Sight {
    transform: Transform,
    fov: f32,
}

impl Sight {
    fn of(viewer: &Viewer, stride: &Stride, wide: f32) -> Self {
        let pose = viewer.stands.map_or_else(|| Pose::of(viewer.seat), |at| stride.pose(at));
        let transform =
            if viewer.stands.is_some() { pose.turned(viewer.yaw, viewer.pitch) } else { pose.transform(viewer.yaw, viewer.pitch) };
        // A part of what is seen, not of the angle: twice as wide stays less than all round.
        Self { transform, fov: 2.0 * (wide * (pose.fov / 2.0).tan()).atan() }
    }

    fn towards(self, other: Self, part: f32) -> Self {
        let part = ease(part);
        let rise = Vec3::Y * (RISE_M * (part * std::f32::consts::PI).sin());
        let transform = Transform {
            translation: self.transform.translation.lerp(other.transform.translation, part) + rise,
            rotation: self.transform.rotation.slerp(other.transform.rotation, part),
            scale: Vec3::ONE,
        };
        Self { transform, fov: self.fov + (other.fov - self.fov) * part }
    }
}

/// Between two places one rises a little, m.
const RISE_M: f32 = 0.12;

/// Where an eye is and what it looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// The eye, m.
    pub eye: Vec3,
    /// What it looks at when the head is not turned, m.
    pub aim: Vec3,
    /// Vertical field of view, radians.
    pub fov: f32,
}

impl Pose {
    /// As one sits in this seat.
    #[must_use]
    pub fn of(seat: SeatNumber) -> Self {
        let eye = seat_place(seat).eye;
        let middle = Vec3::new(0.0, SCREEN_LOW_M + SCREEN_HEIGHT_M / 2.0, 0.0);
        // A little under the middle of the screen: heads and seats in front belong to the picture. And not all the way inwards, so that the
        // screen's edges stay upright.
        let far = (middle - eye).length();
        let aim = middle + Vec3::X * (eye.x * 0.35) - Vec3::Y * (far * 0.08);
        // The screen takes about the same part of the view from everywhere.
        let fov = (2.0 * (SCREEN_HEIGHT_M * 0.96 / far).atan()).clamp(0.80, 1.12);
        Self { eye, aim, fov }
    }

    /// On the way to another, eased; `part` from 0 to 1. One rises a little in between.
    #[must_use]
    pub fn towards(self, other: Self, part: f32) -> Self {
        let part = ease(part);
        let rise = Vec3::Y * (0.25 * (part * std::f32::consts::PI).sin());
        Self {
            eye: self.eye.lerp(other.eye, part) + rise,
            aim: self.aim.lerp(other.aim, part),
            fov: self.fov + (other.fov - self.fov) * part,
        }
    }

    /// Which way it looks when the head is not turned: radians to the left of the screen's wall, and upwards.
    #[must_use]
    pub fn heading(self) -> (f32, f32) {
        let ahead = (self.aim - self.eye).normalize_or(Vec3::NEG_Z);
        ((-ahead.x).atan2(-ahead.z), ahead.y.clamp(-1.0, 1.0).asin())
    }

    /// The camera's place with the head turned as far as a neck does.
    #[must_use]
    pub fn transform(self, yaw: f32, pitch: f32) -> Transform {
        let (yaw, pitch) = clamp_look(yaw, pitch);
        self.turned(yaw, pitch)
    }

    /// The same for whoever turns on their feet.
    fn turned(self, yaw: f32, pitch: f32) -> Transform {
        let (own_yaw, own_pitch) = self.heading();
        let rotation = Quat::from_euler(EulerRot::YXZ, own_yaw + yaw, own_pitch + pitch, 0.0);
        Transform { translation: self.eye, rotation, scale: Vec3::ONE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_every_seat_the_whole_screen_is_in_view() {
        for seat in SeatNumber::all().filter(|seat| seat.row() > 0) {
            let pose = Pose::of(seat);
            let view = pose.transform(0.0, 0.0).to_matrix().inverse();
            for (x, y) in [(-1.0, 0.0), (1.0, 0.0), (-1.0, 1.0), (1.0, 1.0)] {
                let corner = Vec3::new(x * SCREEN_WIDTH_M / 2.0, SCREEN_LOW_M + y * SCREEN_HEIGHT_M, 0.0);
                let seen = view.transform_point3(corner);
                let tall = (pose.fov / 2.0).tan();
                assert!((seen.y / -seen.z).abs() < tall, "seat {} {corner}", seat.get());
                assert!((seen.x / -seen.z).abs() < tall * 16.0 / 9.0, "seat {} {corner}", seat.get());
            }
        }
    }

    #[test]
    fn a_head_does_not_turn_round_like_an_owl() {
        assert_eq!(clamp_look(9.0, -9.0), (YAW_MOST, -PITCH_DOWN));
        assert_eq!(clamp_look(f32::NAN, 0.2), (0.0, 0.2));
    }

    #[test]
    fn who_gets_up_looks_where_they_looked_and_who_sits_down_at_the_screen() {
        let seat = SeatNumber::new(61).unwrap();
        let mut viewer = Viewer { seat, yaw: 0.4, pitch: -0.1, stands: None };
        let seated = Sight::of(&viewer, &Stride::default(), 1.0).transform;
        viewer.rise(Vec2::new(0.0, 4.0));
        let standing = Sight::of(&viewer, &Stride::default(), 1.0).transform;
        assert!(seated.rotation.angle_between(standing.rotation) < 1e-3);
        viewer.turn(9.0, 9.0);
        assert!(viewer.yaw.abs() <= std::f32::consts::PI && viewer.pitch == PITCH_UP);
        viewer.sit_down();
        assert_eq!(viewer, Viewer { seat, ..Viewer::default() });
    }

    #[test]
    fn a_wider_view_stays_a_view() {
        let wide = |part| Sight::of(&Viewer::default(), &Stride::default(), part).fov;
        assert!((wide(1.0) - Pose::of(SeatNumber::BEST).fov).abs() < 1e-5);
        assert!(wide(PlaceSettings::FIELD_OF_VIEW.0) > 0.5 && wide(PlaceSettings::FIELD_OF_VIEW.1) < 1.8);
    }

    #[test]
    fn sitting_elsewhere_begins_here_and_ends_there() {
        let (here, there) = (Pose::of(SeatNumber::BEST), Pose::of(SeatNumber::new(3).unwrap()));
        assert!(here.towards(there, 0.0).eye.abs_diff_eq(here.eye, 1e-5));
        assert!(here.towards(there, 1.0).eye.abs_diff_eq(there.eye, 1e-5));
    }
}
