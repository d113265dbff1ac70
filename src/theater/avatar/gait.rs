//! How a figure on its feet goes where it is told to be: smooth, with steps as long as its legs. Pure; time is an argument.

use bevy::prelude::*;

use super::follow::Follow;
use crate::theater::{view::Pose, walk};

/// Somebody on their feet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gait {
    /// Where they are told to be, as seen from above.
    pub(super) to: Vec2,
    at: [Follow; 2],
    floor_m: Follow,
    /// Which way the body looks, radians to the left of the screen's wall; it may go on beyond a turn.
    pub(super) facing: Follow,
    /// In steps.
    walked: f32,
    /// How much of a walk is to be seen, 0 to 1.
    stride: Follow,
    /// Where the light was looked up last, and how far it has come.
    pub(super) probed: Vec2,
    pub(super) probe_part: f32,
}

impl Gait {
    /// Stands there.
    pub(super) fn at(place: Vec2) -> Self {
        Self {
            to: place,
            at: place.to_array().map(Follow::at),
            floor_m: Follow::at(walk::floor_under(place)),
            facing: Follow::at(0.0),
            walked: 0.0,
            stride: Follow::at(0.0),
            probed: place,
            probe_part: 1.0,
        }
    }

    /// The same, turned that way.
    pub(super) fn looking(self, yaw: f32) -> Self {
        Self { facing: Follow::at(yaw), ..self }
    }

    /// Lets time pass for somebody who looks there; whether they have come to rest.
    pub(super) fn advance(&mut self, yaw: f32, dt_s: f32) -> bool {
        let before = self.place();
        for (at, to) in self.at.iter_mut().zip(self.to.to_array()) {
            at.advance(to, dt_s, WALK_TAU_S);
        }
        let went_m = self.place().distance(before);
        self.walked = (self.walked + went_m / STEP_M) % 1000.0;
        self.floor_m.advance(walk::floor_under(self.place()), dt_s, KNEES_TAU_S);
        let is_walking = if dt_s > 0.0 { (went_m / dt_s / BRISK_M_S).min(1.0) } else { 0.0 };
        self.stride.advance(is_walking, dt_s, STRIDE_TAU_S);
        self.facing.advance_round(yaw, dt_s, TURN_TAU_S);
        let is_there = self.at.iter().zip(self.to.to_array()).all(|(at, to)| at.rests_at(to));
        is_there && self.floor_m.rests_at(walk::floor_under(self.to)) && self.stride.rests_at(0.0) && self.facing.rests_round(yaw)
    }

    /// Where they are, seen from above.
    fn place(&self) -> Vec2 {
        Vec2::from(self.at.map(Follow::value))
    }

    /// Their eyes, and which way the body looks.
    pub(super) fn pose(&self) -> Pose {
        let place = self.place();
        let eye = Vec3::new(place.x, self.floor_m.value() + walk::STANDING_EYE_M, place.y);
        let (sin, cos) = self.facing.value().sin_cos();
        Pose { eye, aim: eye - Vec3::new(sin, 0.0, cos), fov: 1.0 }
    }

    /// How far the right foot is behind the left one, for each metre of leg.
    pub(super) fn swing(&self) -> f32 {
        SWING * self.stride.value() * (self.walked * std::f32::consts::PI).sin()
    }

    /// By how much they are lower between two steps, m.
    pub(super) fn bob(&self) -> f32 {
        BOB_M * self.stride.value() * (self.walked * std::f32::consts::PI).sin().abs()
    }
}

/// Places come every 50 ms; this hides their steps.
const WALK_TAU_S: f32 = 0.07;
const KNEES_TAU_S: f32 = 0.07;
const STRIDE_TAU_S: f32 = 0.06;
const TURN_TAU_S: f32 = 0.12;
const STEP_M: f32 = 0.5;
const BRISK_M_S: f32 = 1.2;
const SWING: f32 = 0.34;
const BOB_M: f32 = 0.025;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_in_steps_is_seen_without_steps_and_ends() {
        let mut gait = Gait::at(Vec2::new(4.6, 12.0));
        let mut last = gait.place();
        for frame in 0..240 {
            // Told at 20 a second, drawn at 60.
            if frame % 3 == 0 && frame < 120 {
                gait.to.y -= 0.075;
            }
            gait.advance(0.3, 1.0 / 60.0);
            assert!(gait.place().distance(last) < 0.04, "frame {frame}");
            assert!(gait.swing().abs() <= SWING && gait.bob() <= BOB_M);
            last = gait.place();
        }
        assert!(gait.advance(0.3, 1.0 / 60.0) && gait.place() == gait.to);
        assert_eq!((gait.swing(), gait.bob()), (0.0, 0.0));
    }

    #[test]
    fn a_body_turns_the_shorter_way() {
        let mut gait = Gait::at(Vec2::new(4.6, 12.0));
        for _ in 0..300 {
            gait.advance(3.0, 0.02);
        }
        for _ in 0..300 {
            gait.advance(-3.0, 0.02);
        }
        assert!((gait.facing.value() - 3.283).abs() < 0.01, "{}", gait.facing.value());
    }
}
