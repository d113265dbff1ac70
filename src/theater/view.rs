//! The seated eye: where it is, where it looks, how wide.

use super::hall::measures::*;
use super::motion::ease;
use super::{Cinema, Theater, Tier};
use crate::room::{Head, Me, Sits, Turned};
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::prelude::*;

/// Spawns the camera and lets it follow [`Viewer`].
pub fn plugin(app: &mut App) {
    app.init_resource::<Viewer>();
    app.add_systems(Startup, open_eyes);
    app.add_systems(Update, (sit, look, turn_head).chain().in_set(Theater::Move));
}

fn open_eyes(mut commands: Commands, tier: Res<Tier>, viewer: Res<Viewer>) {
    let pose = Pose::of(viewer.seat);
    commands.spawn((
        Name::new("seated camera"),
        SeatedCamera { seat: viewer.seat, from: pose, part: 1.0 },
        Camera3d::default(),
        Camera { clear_color: ClearColorConfig::Custom(Color::BLACK), ..default() },
        SeatedCamera::projection(),
        match *tier {
            Tier::Low => Msaa::Off,
            Tier::High => Msaa::Sample4,
        },
        // The picture on the screen is never changed by the camera.
        Tonemapping::None,
        DebandDither::Disabled,
        pose.transform(viewer.yaw, viewer.pitch),
    ));
}

/// One sits where the room says.
fn sit(me: Query<&Sits, (With<Me>, Changed<Sits>)>, mut viewer: ResMut<Viewer>) {
    for sits in &me {
        viewer.seat = sits.0;
    }
}

/// Others see where one looks.
fn turn_head(viewer: Res<Viewer>, mut turned: ResMut<Turned>) {
    turned.set_if_neq(Turned(Head::from_radians(viewer.yaw, viewer.pitch)));
}

fn look(
    time: Res<Time>,
    viewer: Res<Viewer>,
    cinema: Res<Cinema>,
    mut cameras: Query<(&mut SeatedCamera, &mut Transform, &mut Projection)>,
) {
    if cinema.0 {
        return;
    }
    for (mut camera, mut transform, mut projection) in &mut cameras {
        if camera.seat != viewer.seat {
            *camera = SeatedCamera { seat: viewer.seat, from: camera.pose(), part: 0.0 };
        }
        if camera.part >= 1.0 && !viewer.is_changed() {
            continue;
        }
        if camera.part < 1.0 {
            camera.part = (camera.part + time.delta_secs() / SITTING_S).min(1.0);
        }
        let pose = camera.pose();
        *transform = pose.transform(viewer.yaw, viewer.pitch);
        if let Projection::Perspective(perspective) = &mut *projection {
            perspective.fov = pose.fov;
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
    /// The seat.
    pub seat: SeatNumber,
    /// How far the head is turned to the left of the screen, radians.
    pub yaw: f32,
    /// How far it is raised, radians.
    pub pitch: f32,
}

impl Viewer {
    /// Turns the head; it stops where a neck does.
    pub fn turn(&mut self, yaw: f32, pitch: f32) {
        (self.yaw, self.pitch) = clamp_look(self.yaw + yaw, self.pitch + pitch);
    }
}

/// The camera in the seat. Put a `RenderTarget` on it to draw elsewhere than in the window.
#[derive(Component, Debug, Clone, Copy)]
pub struct SeatedCamera {
    seat: SeatNumber,
    from: Pose,
    part: f32,
}

impl SeatedCamera {
    /// As one sees the hall; the field of view is the pose's.
    pub(super) fn projection() -> Projection {
        Projection::Perspective(PerspectiveProjection { near: 0.05, far: 60.0, ..default() })
    }

    fn pose(&self) -> Pose {
        self.from.towards(Pose::of(self.seat), self.part)
    }
}

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

    /// The camera's place with the head turned.
    #[must_use]
    pub fn transform(self, yaw: f32, pitch: f32) -> Transform {
        let (yaw, pitch) = clamp_look(yaw, pitch);
        let ahead = (self.aim - self.eye).normalize_or(Vec3::NEG_Z);
        let turned = Quat::from_euler(EulerRot::YXZ, (-ahead.x).atan2(-ahead.z) + yaw, ahead.y.clamp(-1.0, 1.0).asin() + pitch, 0.0);
        Transform { translation: self.eye, rotation: turned, scale: Vec3::ONE }
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
    fn sitting_elsewhere_begins_here_and_ends_there() {
        let (here, there) = (Pose::of(SeatNumber::BEST), Pose::of(SeatNumber::new(3).unwrap()));
        assert!(here.towards(there, 0.0).eye.abs_diff_eq(here.eye, 1e-5));
        assert!(here.towards(there, 1.0).eye.abs_diff_eq(there.eye, 1e-5));
    }
}
