//! What frames the screen: the black wall, the stage with its footlights, the pelmet and the curtain.

use super::measures::*;
use super::room::walnut;
use super::shape::{Model, Paint, Shape};
use crate::theater::material::Pattern;
use bevy::math::{Vec2, Vec3};
use std::f32::consts::TAU;

/// Builds the front of the hall into the model; the curtain is apart ([`curtain`]).
pub(super) fn build(model: &mut Model) {
    let black = Paint::matt(9, 8, 9);
    let (wide, tall) = (Vec3::X * HALL_WIDTH_M, Vec3::Y * HALL_HEIGHT_M);
    model.of(Pattern::Plain).sheet(Vec3::new(-HALL_HALF_M, 0.0, -0.06), wide, tall, Vec3::Z, 1.0, black);
    stage(model);
    pelmet(model);
}

fn stage(model: &mut Model) {
    let wood = walnut();
    let bow = |x: f32| STAGE_FRONT_Z + 0.45 * (1.0 - (x / HALL_HALF_M).powi(2));
    model.of(Pattern::Wood).patch((30, 5), Vec3::Y, wood.toned(0.42), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let at = Vec3::new(x, STAGE_HEIGHT_M, -0.05 + (bow(x) + 0.05) * t);
        (at, Vec2::new(at.z, at.x))
    });
    model.of(Pattern::Wood).patch((30, 3), Vec3::Z, wood.toned(0.8), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let at = Vec3::new(x, (STAGE_HEIGHT_M - 0.04) * t, bow(x) - 0.03);
        (at, Vec2::new(at.x, at.y))
    });
    // A brass lip, lit from below by the footlights' glow.
    model.of(Pattern::Brass).patch((30, 2), Vec3::new(0.0, 0.3, 1.0), Paint::matt(176, 132, 70), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let turn = t * std::f32::consts::FRAC_PI_2;
        let at = Vec3::new(x, STAGE_HEIGHT_M - 0.045 + 0.05 * turn.sin(), bow(x) - 0.035 + 0.04 * turn.cos());
        (at, Vec2::new(at.x, at.y))
    });
    for n in 0..19 {
        let x = (n as f32 - 9.0) * 0.58;
        let at = Vec3::new(x, STAGE_HEIGHT_M - 0.11, bow(x) - 0.02);
        let lamp = Paint::lamp(255, 190, 110, 0.85, 0.96);
        model.of(Pattern::Lamp).sheet(at - Vec3::new(0.05, 0.012, 0.0), Vec3::X * 0.1, Vec3::Y * 0.024, Vec3::Z, 1.0, lamp);
        super::lamps::halo(model, at + Vec3::new(0.0, -0.05, 0.02), Vec3::X * 0.3, Vec3::Y * 0.17, Paint::lamp(255, 150, 70, 0.16, 1.0));
    }
}

fn pelmet(model: &mut Model) {
    let velvet = red().toned(0.8);
    let hang = |x: f32| PELMET_LOW_Y + 0.05 * ((x / 1.5).fract().abs() * std::f32::consts::PI).sin();
    model.of(Pattern::Velvet).patch((168, 4), Vec3::Z, velvet, |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let fold = (x * TAU / 0.3).cos();
        let at = Vec3::new(x, hang(x) + (HALL_HEIGHT_M - hang(x)) * t, 0.72 + 0.035 * fold * (1.0 - 0.6 * t));
        (at, Vec2::new(at.x, at.y))
    });
    model.of(Pattern::Brass).patch((120, 1), Vec3::Z, Paint::matt(170, 126, 62), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let fold = (x * TAU / 0.3).cos();
        let at = Vec3::new(x, hang(x) - 0.05 + 0.055 * t, 0.727 + 0.035 * fold);
        (at, Vec2::new(at.x, at.y))
    });
}

/// One half of the curtain (`side` −1 left, 1 right), drawn aside. It hangs from its outer edge at [`curtain_edge`].
#[must_use]
pub(super) fn curtain(side: f32) -> Shape {
    let mut shape = Shape::default();
    let edge = curtain_edge(side);
    shape.painted_patch((PLEATS * 8, 20), Vec3::Z, |s, t| {
        let pleat = s * PLEATS as f32;
        let fold = (pleat * TAU).cos() + 0.25 * (pleat * TAU * 0.37 + 1.3).sin();
        // Looser below, gathered above.
        let deep = 0.1 * (1.0 - 0.35 * t) * fold;
        let swing = 0.03 * (1.0 - t) * (pleat * 1.7).sin();
        let x = edge.x - side * (CURTAIN_OPEN_M * s + swing * s);
        let y = STAGE_HEIGHT_M + 0.02 + (HALL_HEIGHT_M - 0.1 - STAGE_HEIGHT_M) * t;
        let valley = 0.55 + 0.45 * (0.5 + 0.5 * fold.clamp(-1.0, 1.0));
        (Vec3::new(x, y, edge.z + deep), Vec2::new(s * 3.0, y), red().shaded(valley))
    });
    shape
}

/// Where a half of the curtain is fastened.
#[must_use]
pub(super) fn curtain_edge(side: f32) -> Vec3 {
    Vec3::new(side * (HALL_HALF_M - 0.02), 0.0, 0.45)
}

/// The velvet of curtain and pelmet.
fn red() -> Paint {
    Paint::matt(150, 22, 26)
}

const STAGE_HEIGHT_M: f32 = 0.42;
const STAGE_FRONT_Z: f32 = 1.15;
const PELMET_LOW_Y: f32 = 6.12;
const PLEATS: usize = 9;
/// Width of half a curtain that is drawn aside, m.
pub(super) const CURTAIN_OPEN_M: f32 = 1.25;
