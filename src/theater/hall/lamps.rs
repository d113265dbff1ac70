//! Everything that shines: sconces, aisle lights, exit signs, the projector's window and its beam.

use super::measures::*;
use super::room::walnut;
use super::shape::{Model, Paint};
use crate::theater::material::Pattern;
use bevy::math::{Vec2, Vec3};
use std::f32::consts::PI;

/// Builds all lamps into the model.
pub(super) fn build(model: &mut Model) {
    sconces().for_each(|lamp| sconce(model, lamp, Vec3::X * -lamp.x.signum()));
    back_sconces().into_iter().for_each(|lamp| sconce(model, lamp, Vec3::NEG_Z));
    aisle_lamps().for_each(|lamp| aisle_lamp(model, lamp));
    exit_signs().into_iter().for_each(|sign| exit_sign(model, sign));
    projector(model);
}

/// A soft round glow, added to what is behind it.
pub(super) fn halo(model: &mut Model, middle: Vec3, half_u: Vec3, half_v: Vec3, paint: Paint) {
    model.of(Pattern::Halo).patch((1, 1), half_u.cross(half_v), paint, |s, t| {
        let at = Vec2::new(s * 2.0 - 1.0, t * 2.0 - 1.0);
        (middle + half_u * at.x + half_v * at.y, at)
    });
}

/// A brass shell that lets its light out above and below.
fn sconce(model: &mut Model, lamp: Vec3, inwards: Vec3) {
    let along = inwards.cross(Vec3::Y).abs();
    let wall = lamp - inwards * 0.09;
    let ring = |turn: f32, radius: f32, y: f32| wall + inwards * (turn.sin() * radius) + along * (turn.cos() * radius) + Vec3::Y * y;
    let wide = |t: f32| 0.062 + 0.03 * (2.0 * t - 1.0).powi(2);
    model
        .of(Pattern::Brass)
        .patch((10, 6), inwards, Paint::lamp(196, 142, 70, 0.1, 1.0), |s, t| (ring(s * PI, wide(t), -0.19 + 0.38 * t), Vec2::new(s, t)));
    for (y, facing) in [(0.185, Vec3::Y), (-0.185, Vec3::NEG_Y)] {
        model.of(Pattern::Lamp).patch((10, 1), facing, Paint::lamp(255, 205, 140, 1.1, 0.995), |s, t| {
            (ring(s * PI, wide(0.0) * (0.96 * t), y), Vec2::new(s, t))
        });
    }
    // Where the glass stands out a little one sees the light itself.
    for y in [0.20, -0.20] {
        model.of(Pattern::Lamp).patch((8, 1), inwards, Paint::lamp(255, 214, 156, 1.0, 0.995), |s, t| {
            (ring(s * PI, 0.06, y - 0.016 + 0.032 * t), Vec2::new(s, t))
        });
    }
    let glow = wall + inwards * 0.1;
    for (y, tall, strength) in [(0.24, 0.62, 0.17), (-0.24, 0.46, 0.13)] {
        halo(model, glow + Vec3::Y * y, along * 0.34, Vec3::Y * tall, Paint::lamp(255, 164, 84, strength, 1.0));
    }
}

fn aisle_lamp(model: &mut Model, lamp: Vec3) {
    let out = Vec3::X * lamp.x.signum();
    let at = lamp + out * 0.012;
    let lens = Paint::lamp(255, 186, 96, 0.75, 0.0);
    model.of(Pattern::Lamp).sheet(at - Vec3::new(0.0, 0.014, 0.06), Vec3::Z * 0.12, Vec3::Y * 0.028, out, 1.0, lens);
    let min = Vec3::new(at.x.min(at.x + out.x * 0.035), at.y + 0.016, at.z - 0.075);
    let max = Vec3::new(at.x.max(at.x + out.x * 0.035), at.y + 0.03, at.z + 0.075);
    model.of(Pattern::Brass).block(min, max, &[Vec3::Y, Vec3::NEG_Z, Vec3::Z, out], 1.0, Paint::matt(150, 112, 58));
    halo(model, at + out * 0.03 - Vec3::Y * 0.06, Vec3::Z * 0.2, Vec3::Y * 0.16, Paint::lamp(255, 160, 70, 0.16, 0.0));
}

fn exit_sign(model: &mut Model, sign: Vec3) {
    let inwards = Vec3::X * -sign.x.signum();
    let right = inwards.cross(Vec3::NEG_Y);
    let (green, white) = (Paint::lamp(20, 150, 80, 0.9, 0.0), Paint::lamp(225, 255, 232, 0.8, 0.0));
    let at = sign + inwards * 0.08;
    let mut card = |middle: Vec2, half: Vec2, lift: f32, paint: Paint| {
        let origin = at + right * (middle.x - half.x) + Vec3::Y * (middle.y - half.y) + inwards * lift;
        model.of(Pattern::Lamp).sheet(origin, right * (half.x * 2.0), Vec3::Y * (half.y * 2.0), inwards, 1.0, paint);
    };
    card(Vec2::ZERO, Vec2::new(0.2, 0.09), 0.0, green);
    // A door and an arrow towards it.
    card(Vec2::new(0.11, 0.0), Vec2::new(0.035, 0.06), 0.004, white);
    card(Vec2::new(-0.06, 0.0), Vec2::new(0.07, 0.012), 0.004, white);
    for slope in [-1.0f32, 1.0] {
        let tip = at + right * 0.02 + inwards * 0.004;
        let tail = right * -0.05 + Vec3::Y * (slope * 0.05);
        model.of(Pattern::Lamp).sheet(tip, tail, Vec3::Y * (slope * -0.026) + right * -0.01, inwards, 1.0, white);
    }
    halo(model, at + inwards * 0.03, right * 0.62, Vec3::Y * 0.5, Paint::lamp(30, 220, 110, 0.055, 0.0));
}

fn projector(model: &mut Model) {
    let (half_x, half_y) = (0.48, 0.28);
    let min = PROJECTOR - Vec3::new(half_x + 0.08, half_y + 0.08, 0.14);
    let max = PROJECTOR + Vec3::new(half_x + 0.08, half_y + 0.08, 0.0);
    model.of(Pattern::Wood).block(min, max, &[Vec3::NEG_Z, Vec3::X, Vec3::NEG_X, Vec3::Y, Vec3::NEG_Y], 0.3, walnut().toned(0.7));
    let pane = PROJECTOR - Vec3::new(half_x, half_y, 0.145);
    // Somebody has a lamp on in there.
    let glass = Paint::lamp(132, 78, 40, 0.34, 0.75);
    model.of(Pattern::Lamp).sheet(pane, Vec3::X * (half_x * 2.0), Vec3::Y * (half_y * 2.0), Vec3::NEG_Z, 1.0, glass);
    for (y, tall) in [(half_y + 0.02, 0.02), (-half_y - 0.02, 0.02)] {
        let middle = PROJECTOR + Vec3::new(0.0, y, -0.145);
        let half = Vec3::new(half_x + 0.04, tall, 0.012);
        model.of(Pattern::Brass).block(middle - half, middle + half, &[Vec3::NEG_Z, Vec3::Y, Vec3::NEG_Y], 0.5, Paint::matt(150, 112, 58));
    }
    model.of(Pattern::Brass).patch((16, 1), Vec3::NEG_Z, Paint::lamp(150, 112, 58, 0.03, 0.0), |s, t| {
        let turn = s * PI * 2.0;
        let at = PROJECTOR + Vec3::new(turn.cos(), turn.sin(), 0.0) * (0.1 + 0.035 * t) - Vec3::Z * 0.152;
        (at, Vec2::new(s, t))
    });
    halo(model, PROJECTOR - Vec3::Z * 0.16, Vec3::X * 1.1, Vec3::Y * 0.75, Paint::lamp(255, 168, 92, 0.035, 0.6));
    // The lens, then the beam: four sides of a long pyramid towards the screen that fade before they reach the seats.
    let lens = PROJECTOR - Vec3::Z * 0.15;
    let white = Paint::matt(255, 250, 244);
    model.of(Pattern::Beam).patch((12, 1), Vec3::NEG_Z, white.toned(2.2), |s, t| {
        let turn = s * PI * 2.0;
        (lens + Vec3::new(turn.cos(), turn.sin(), 0.0) * (0.1 * t), Vec2::new(1.0 - t, 0.0))
    });
    let targets = [Vec3::new(-4.5, 1.0, 0.0), Vec3::new(4.5, 1.0, 0.0), Vec3::new(4.5, 6.06, 0.0), Vec3::new(-4.5, 6.06, 0.0)];
    for side in 0..4 {
        let (a, b) = (targets[side], targets[(side + 1) % 4]);
        model.of(Pattern::Beam).patch((6, 8), a + b - lens * 2.0, white.toned(0.085), |s, t| {
            let reach = 0.012 + 0.31 * t;
            let at = lens.lerp(a.lerp(b, s), reach);
            (at, Vec2::new(0.35 + 0.65 * (s * PI).sin(), t))
        });
    }
}
