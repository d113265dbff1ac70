//! Seventy seats: burgundy velvet, walnut shells, a brass number on each back.

use super::digits;
use super::measures::*;
use super::room::walnut;
use super::shape::{ALL_FACES, Model, Paint, Shape};
use crate::theater::material::Pattern;
use bevy::math::{Affine3A, Quat, Vec2, Vec3};

/// Builds all seats into the model.
pub(super) fn build(model: &mut Model) {
    for seat in SeatNumber::all() {
        let floor = seat_place(seat).floor;
        cushions(model.of(Pattern::Plush), floor, 0.0);
        shell(model, floor);
        number(model, floor, seat);
    }
    for row in 0..ROWS {
        for n in 0..=COLUMNS {
            let x = seat_x(0) + (n as f32 - 0.5) * SEAT_PITCH_M;
            arm(model, Vec3::new(x, floor_of_row(row), eye_z_of_row(row)), n == 0 || n == COLUMNS);
        }
    }
}

/// Seat and back of one seat, `swell` m larger than they are: what glows when one points at it.
pub(super) fn cushions(shape: &mut Shape, floor: Vec3, swell: f32) {
    let velvet = |floor_open: f32| {
        move |local: Vec3| {
            // Lighter along the top edge, where hands have brushed the pile; darker where seat and back meet.
            let up = (local.y / 0.3).clamp(-1.0, 1.0);
            burgundy().shaded(floor_open + (1.0 - floor_open) * (0.5 + 0.5 * up)).toned(0.88 + 0.5 * up.max(0.0).powi(3))
        }
    };
    let back = back_frame(floor);
    let without_bottom: Vec<Vec3> = ALL_FACES.into_iter().filter(|face| face.y >= 0.0).collect();
    shape.soft_box(back, Vec3::new(0.278, 0.3, 0.06) + swell, 0.055, 4, &without_bottom, velvet(0.45));
    let seat = Affine3A::from_rotation_translation(Quat::from_rotation_x(-0.06), floor + Vec3::new(0.0, 0.41, -0.13));
    shape.soft_box(seat, Vec3::new(0.262, 0.075, 0.25) + swell, 0.06, 3, &without_bottom, |local| {
        let deep = (local.z / 0.25).clamp(-1.0, 1.0);
        burgundy().shaded(0.72 - 0.22 * deep)
    });
}

fn back_frame(floor: Vec3) -> Affine3A {
    Affine3A::from_rotation_translation(Quat::from_rotation_x(0.17), floor + Vec3::new(0.0, SEAT_BACK_M - 0.29, 0.16))
}

/// The walnut shell behind the back, gently curved.
fn shell(model: &mut Model, floor: Vec3) {
    let frame = back_frame(floor);
    model.of(Pattern::Wood).painted_patch((4, 3), Vec3::Z, |s, t| {
        let x = (s * 2.0 - 1.0) * 0.262;
        let bend = 1.0 - (s * 2.0 - 1.0).powi(2);
        let y = -0.34 + SHELL_TOP_M * t + 0.34 * t;
        let at = frame.transform_point3(Vec3::new(x, y, 0.058 + 0.02 * bend));
        (at, Vec2::new(y + floor.x * 3.1, x + floor.z), walnut().toned(0.85).shaded(0.4 + 0.6 * t))
    });
    // Its upper edge, so that one sees a board and not a sheet.
    model.of(Pattern::Wood).painted_patch((4, 1), Vec3::Y, |s, t| {
        let x = (s * 2.0 - 1.0) * 0.262;
        let bend = 1.0 - (s * 2.0 - 1.0).powi(2);
        let at = frame.transform_point3(Vec3::new(x, SHELL_TOP_M, 0.045 + (0.013 + 0.02 * bend) * t));
        (at, Vec2::new(t * 0.02, x), walnut().toned(1.15))
    });
}

fn number(model: &mut Model, floor: Vec3, seat: SeatNumber) {
    let frame = back_frame(floor);
    let on_back = |x: f32, y: f32, lift: f32| frame.transform_point3(Vec3::new(x, y, 0.0785 + lift));
    let middle = SHELL_TOP_M - 0.05;
    let (half_x, half_y) = (0.042, 0.027);
    // It shines a little by itself: one finds one's seat during the film.
    model.of(Pattern::Brass).patch((10, 1), Vec3::Z, Paint::lamp(206, 154, 82, 0.03, 0.0), |s, t| {
        // An oval with straight flanks.
        let turn = s * std::f32::consts::TAU;
        let round = Vec2::new(turn.cos(), turn.sin());
        let at = Vec2::new(round.x.signum() * round.x.abs().powf(0.6) * half_x, round.y.signum() * round.y.abs().powf(0.6) * half_y) * t;
        (on_back(at.x, middle + at.y, 0.001), at)
    });
    let engraved = Paint::matt(34, 18, 8);
    for quad in digits::number(seat.get(), 0.034) {
        model.of(Pattern::Plain).patch((1, 1), Vec3::Z, engraved, |s, t| {
            let at = quad[0].lerp(quad[1], s).lerp(quad[3].lerp(quad[2], s), t);
            (on_back(at.x, middle + at.y, 0.0022), at)
        });
    }
}

fn arm(model: &mut Model, at: Vec3, end: bool) {
    let rest = Affine3A::from_translation(at + Vec3::new(0.0, 0.615, -0.06));
    let faces = [Vec3::Y, Vec3::X, Vec3::NEG_X, Vec3::NEG_Z, Vec3::Z];
    model.of(Pattern::Wood).soft_box(rest, Vec3::new(0.036, 0.022, 0.21), 0.02, 2, &faces, |_| walnut().toned(1.1));
    let half = if end { 0.03 } else { 0.018 };
    let min = at + Vec3::new(-half, 0.0, -0.2);
    let max = at + Vec3::new(half, 0.6, 0.14);
    let paint = walnut().toned(if end { 0.75 } else { 0.4 }).shaded(if end { 0.9 } else { 0.4 });
    model.of(Pattern::Wood).block(min, max, &[Vec3::X, Vec3::NEG_X, Vec3::NEG_Z, Vec3::Z], 0.4, paint);
}

fn burgundy() -> Paint {
    Paint::matt(116, 17, 38)
}

/// Upper edge of the walnut shell over the middle of the back, m.
const SHELL_TOP_M: f32 = 0.2;
