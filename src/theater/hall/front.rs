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
    // A frame: behind the picture and its masking there is nothing to draw.
    let (edge, low, high) = (SCREEN_WIDTH_M / 2.0, SCREEN_LOW_M, SCREEN_LOW_M + SCREEN_HEIGHT_M);
    let mut wall = |x: (f32, f32), y: (f32, f32)| {
        let origin = Vec3::new(x.0, y.0, -0.06);
        model.of(Pattern::Plain).sheet(origin, Vec3::X * (x.1 - x.0), Vec3::Y * (y.1 - y.0), Vec3::Z, 2.0, black);
    };
    wall((-HALL_HALF_M, -edge), (0.0, HALL_HEIGHT_M));
    wall((edge, HALL_HALF_M), (0.0, HALL_HEIGHT_M));
    wall((-edge, edge), (0.0, low));
    wall((-edge, edge), (high, HALL_HEIGHT_M));
    stage(model);
    pelmet(model);
}

fn stage(model: &mut Model) {
    let wood = walnut();
    let bow = |x: f32| STAGE_FRONT_M + STAGE_BOW_M * (1.0 - (x / HALL_HALF_M).powi(2));
    model.of(Pattern::Wood).patch((30, 5), Vec3::Y, wood.toned(0.75), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let at = Vec3::new(x, STAGE_HEIGHT_M, -0.05 + (bow(x) - 0.01) * t);
        (at, Vec2::new(at.z, at.x))
    });
    model.of(Pattern::Wood).patch((30, 3), Vec3::Z, wood.toned(0.8), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let at = Vec3::new(x, (STAGE_HEIGHT_M - 0.07) * t, bow(x) - 0.03);
        (at, Vec2::new(at.x, at.y))
    });
    // A brass lip, lit from below by the footlights' glow.
    model.of(Pattern::Brass).patch((30, 4), Vec3::new(0.0, 0.3, 1.0), Paint::matt(150, 112, 62), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let turn = t * std::f32::consts::FRAC_PI_2;
        let at = Vec3::new(x, STAGE_HEIGHT_M - 0.075 + 0.08 * turn.sin(), bow(x) - 0.06 + 0.065 * turn.cos());
        (at, Vec2::new(at.x, at.y))
    });
    for n in 0..19 {
        let x = (n as f32 - 9.0) * 0.58;
        let at = Vec3::new(x, STAGE_HEIGHT_M - 0.13, bow(x) - 0.02);
        let lamp = Paint::lamp(255, 190, 110, 0.85, 0.99);
        model.of(Pattern::Lamp).sheet(at - Vec3::new(0.05, 0.012, 0.0), Vec3::X * 0.1, Vec3::Y * 0.024, Vec3::Z, 1.0, lamp);
        super::lamps::halo(model, at + Vec3::new(0.0, -0.05, 0.02), Vec3::X * 0.46, Vec3::Y * 0.22, Paint::lamp(255, 150, 70, 0.13, 1.0));
    }
}

fn pelmet(model: &mut Model) {
    let velvet = red().toned(0.8);
    let hang = |x: f32| PELMET_LOW_Y + 0.05 * ((x / 1.5).fract().abs() * std::f32::consts::PI).sin();
    model.of(Pattern::Velvet).painted_patch((240, 3), Vec3::Z, |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let fold = (x * TAU / 0.3).cos();
        let valley = 0.35 + 0.65 * (0.5 + 0.5 * fold);
        let at = Vec3::new(x, hang(x) + (HALL_HEIGHT_M - hang(x)) * t, PELMET_Z + 0.05 * fold * (1.0 - 0.5 * t));
        (at, Vec2::new(at.x, at.y), velvet.shaded(valley).toned(0.5 + 0.5 * valley))
    });
    model.of(Pattern::Brass).patch((240, 1), Vec3::Z, Paint::matt(138, 100, 50), |s, t| {
        let x = (s * 2.0 - 1.0) * HALL_HALF_M;
        let fold = (x * TAU / 0.3).cos();
        let at = Vec3::new(x, hang(x) - 0.075 + 0.085 * t, PELMET_Z + 0.007 + 0.05 * fold);
        (at, Vec2::new(at.x, at.y))
    });
}

/// One half of the curtain (`side` −1 left, 1 right), drawn aside. It hangs from its outer edge at [`curtain_edge`].
#[must_use]
pub(super) fn curtain(side: f32) -> Shape {
    let mut shape = Shape::default();
    let edge = curtain_edge(side);
    shape.painted_patch((PLEATS * 10, 18), Vec3::Z, |s, t| {
        let pleat = s * PLEATS as f32;
        let fold = (pleat * TAU).cos() + 0.25 * (pleat * TAU * 0.37 + 1.3).sin();
        // Looser below, gathered above.
        let deep = 0.13 * (1.0 - 0.35 * t) * fold;
        let swing = 0.03 * (1.0 - t) * (pleat * 1.7).sin();
        let x = edge.x - side * (CURTAIN_OPEN_M * s + swing * s);
        // From the first row one looks up behind the pelmet.
        let y = STAGE_HEIGHT_M + 0.02 + (HALL_HEIGHT_M + 0.3 - STAGE_HEIGHT_M) * t;
        let valley = 0.3 + 0.7 * (0.5 + 0.5 * fold.clamp(-1.0, 1.0));
        (Vec3::new(x, y, edge.z + deep), Vec2::new(s * 3.0, y), red().shaded(valley).toned(0.45 + 0.55 * valley))
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
    Paint::matt(138, 18, 28)
}

const PELMET_LOW_Y: f32 = 6.02;
const PLEATS: usize = 7;
/// Width of half a curtain that is drawn aside, m.
pub(super) const CURTAIN_OPEN_M: f32 = 1.4;
