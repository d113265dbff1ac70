//! Floor, walls and ceiling.

use super::measures::*;
use super::shape::{Model, Paint};
use crate::theater::material::Pattern;
use bevy::math::{Vec2, Vec3};
use std::f32::consts::PI;

/// Builds the shell of the hall into the model.
pub(super) fn build(model: &mut Model) {
    floor(model);
    for side in [-1.0, 1.0] {
        side_wall(model, side);
    }
    back_wall(model);
    ceiling(model);
}

fn floor(model: &mut Model) {
    let carpet = Paint::matt(66, 24, 40);
    let under_seats = carpet.shaded(0.55);
    let tier_edge = |row: usize| eye_z_of_row(row) - TIER_FRONT_M;
    let tread = |model: &mut Model, x: (f32, f32), z: (f32, f32), y: f32, paint: Paint| {
        let (wide, deep) = (x.1 - x.0, z.1 - z.0);
        let cells = ((wide / 0.36).ceil() as usize, (deep / 0.36).ceil() as usize);
        model.of(Pattern::Carpet).patch(cells, Vec3::Y, paint, |s, t| {
            let at = Vec3::new(x.0 + wide * s, y, z.0 + deep * t);
            (at, Vec2::new(at.x, at.z))
        });
    };
    let riser = |model: &mut Model, x: (f32, f32), z: f32, y: (f32, f32)| {
        let wide = x.1 - x.0;
        model.of(Pattern::Carpet).patch(((wide / 0.5).ceil() as usize, 1), Vec3::NEG_Z, carpet.shaded(0.7), |s, t| {
            let at = Vec3::new(x.0 + wide * s, y.0 + (y.1 - y.0) * t, z);
            (at, Vec2::new(at.x, at.y))
        });
    };
    let nosing = |model: &mut Model, x: (f32, f32), z: f32, y: f32| {
        let brass = Paint::matt(116, 86, 48);
        model.of(Pattern::Brass).block(
            Vec3::new(x.0, y - 0.022, z - 0.012),
            Vec3::new(x.1, y + 0.004, z + 0.02),
            &[Vec3::Y, Vec3::NEG_Z],
            0.5,
            brass,
        );
    };

    // The front floor reaches under the first row.
    let front_end = tier_edge(1);
    tread(model, (-HALL_HALF_M, HALL_HALF_M), (0.0, tier_edge(0)), 0.0, carpet);
    tread(model, (-BLOCK_HALF_M, BLOCK_HALF_M), (tier_edge(0), front_end), 0.0, under_seats);
    for row in 1..ROWS {
        let (z, y) = (tier_edge(row), floor_of_row(row));
        let block = (-BLOCK_HALF_M, BLOCK_HALF_M);
        let end = if row + 1 < ROWS { tier_edge(row + 1) } else { z + ROW_PITCH_M };
        riser(model, block, z, (floor_of_row(row - 1), y));
        tread(model, block, (z, end), y, under_seats);
    }
    tread(model, (-HALL_HALF_M, HALL_HALF_M), (tier_edge(ROWS - 1) + ROW_PITCH_M, BACK_Z), floor_of_row(ROWS - 1), carpet);

    for side in [-1.0f32, 1.0] {
        let (inner, outer) = (side * BLOCK_HALF_M, side * HALL_HALF_M);
        let x = (inner.min(outer), inner.max(outer));
        for row in 0..ROWS {
            let y = floor_of_row(row);
            let z = tier_edge(row);
            if row == ROWS - 1 {
                tread(model, x, (z, z + ROW_PITCH_M), y, carpet);
                continue;
            }
            // Half a step before each tier, as one climbs in a cinema.
            let (next_z, next_y) = (tier_edge(row + 1), floor_of_row(row + 1));
            let (half_z, half_y) = (next_z - ROW_PITCH_M * HALF_STEP_PART, (y + next_y) / 2.0);
            tread(model, x, (z, half_z), y, carpet);
            riser(model, x, half_z, (y, half_y));
            nosing(model, x, half_z, half_y);
            tread(model, x, (half_z, next_z), half_y, carpet);
            riser(model, x, next_z, (half_y, next_y));
            nosing(model, x, next_z, next_y);
            model.of(Pattern::Carpet).sheet(
                Vec3::new(inner, y, half_z),
                Vec3::Z * (next_z - half_z),
                Vec3::Y * (half_y - y),
                Vec3::X * -side,
                0.6,
                carpet.shaded(0.5),
            );
        }
    }
}

/// Fabric panels between walnut ribs over a walnut dado; every third rib is a pilaster that carries a sconce.
fn side_wall(model: &mut Model, side: f32) {
    let wall_x = side * HALL_HALF_M;
    let rib_z = |n: usize| 0.9 + n as f32;
    let half_width = |n: usize| if n % 3 == 1 { 0.17 } else { 0.05 };
    for n in 0..=RIBS {
        let z = rib_z(n);
        let floor = slope_at(z);
        let (half, deep) = (half_width(n), if n % 3 == 1 { 0.17 } else { 0.14 });
        let x = (wall_x, wall_x - side * deep);
        let min = Vec3::new(x.0.min(x.1), floor - 0.3, z - half);
        let max = Vec3::new(x.0.max(x.1), SOFFIT_Y, z + half);
        model.of(Pattern::Wood).block(min, max, &[Vec3::X * -side, Vec3::Z, Vec3::NEG_Z], 0.24, walnut().toned(1.0 + 0.12 * odd(n)));
    }
    for bay in 0..=RIBS {
        // Bay n lies in front of rib n.
        let from = if bay == 0 { 0.0 } else { rib_z(bay - 1) + half_width(bay - 1) };
        let to = rib_z(bay) - half_width(bay);
        let middle = (from + to) / 2.0;
        let floor = slope_at(middle);
        let door = (side > 0.0 && bay == 1) || (side < 0.0 && bay == 14);
        let low = floor + if door { 2.28 } else { DADO_M };
        panel(model, side, (from, to), (low, SOFFIT_Y), teal().toned(1.0 + 0.1 * odd(bay * 7 + 3)));
        let x = (wall_x, wall_x - side * if door { 0.04 } else { 0.1 });
        let min = Vec3::new(x.0.min(x.1), floor - 0.4, from);
        let max = Vec3::new(x.0.max(x.1), low, to);
        let paint = if door { walnut().toned(0.45) } else { walnut().toned(0.85 + 0.1 * odd(bay * 5)) };
        model.of(Pattern::Wood).block(min, max, &[Vec3::X * -side, Vec3::Y], 0.3, paint);
        if !door {
            let rail = (wall_x, wall_x - side * 0.125);
            model.of(Pattern::Brass).block(
                Vec3::new(rail.0.min(rail.1), low - 0.012, from),
                Vec3::new(rail.0.max(rail.1), low + 0.012, to),
                &[Vec3::X * -side, Vec3::Y],
                0.5,
                Paint::matt(122, 92, 50),
            );
        }
    }
}

/// One upholstered panel: it swells towards its middle.
fn panel(model: &mut Model, side: f32, z: (f32, f32), y: (f32, f32), paint: Paint) {
    let (wide, tall) = (z.1 - z.0, y.1 - y.0);
    model.of(Pattern::Fabric).patch((6, (tall / 0.24).ceil() as usize), Vec3::X * -side, paint, |s, t| {
        let edge = |part: f32, size: f32| 1.0 - (-(part.min(1.0 - part) * size) / 0.09).exp();
        // Denser at the edges, where the cloth turns.
        let s = 0.5 - 0.5 * (s * PI).cos();
        let deep = 0.03 + 0.07 * edge(s, wide) * (0.4 + 0.6 * edge(t, tall)) + 0.02 * (s * PI).sin();
        let at = Vec3::new(side * (HALL_HALF_M - deep), y.0 + tall * t, z.0 + wide * s);
        (at, Vec2::new(at.z, at.y))
    });
}

fn back_wall(model: &mut Model) {
    let floor = floor_of_row(ROWS - 1);
    let wide = HALL_WIDTH_M / 8.0;
    for bay in 0..8 {
        let x = -HALL_HALF_M + wide * bay as f32;
        model.of(Pattern::Fabric).patch((6, 16), Vec3::NEG_Z, teal().toned(0.9 + 0.1 * odd(bay * 3)), |s, t| {
            let deep = 0.04 + 0.06 * (1.0 - (-(s.min(1.0 - s) * wide) / 0.09).exp());
            let at = Vec3::new(x + 0.06 + (wide - 0.12) * s, floor + DADO_M + (SOFFIT_Y - floor - DADO_M) * t, BACK_Z - deep);
            (at, Vec2::new(at.x, at.y))
        });
        for edge in [x, x + wide] {
            let carries_sconce = back_sconces().into_iter().any(|lamp| (lamp.x - edge).abs() < 0.1);
            let (half, deep) = if carries_sconce { (0.17, 0.17) } else { (0.06, 0.14) };
            let min = Vec3::new(edge - half, floor, BACK_Z - deep);
            let max = Vec3::new(edge + half, SOFFIT_Y, BACK_Z);
            model.of(Pattern::Wood).block(min, max, &[Vec3::NEG_Z, Vec3::X, Vec3::NEG_X], 0.4, walnut());
        }
    }
    let (min, max) = (Vec3::new(-HALL_HALF_M, floor, BACK_Z - 0.1), Vec3::new(HALL_HALF_M, floor + DADO_M, BACK_Z));
    model.of(Pattern::Wood).block(min, max, &[Vec3::NEG_Z, Vec3::Y], 0.4, walnut().toned(0.85));
    let rail = (Vec3::new(-HALL_HALF_M, max.y - 0.012, BACK_Z - 0.125), Vec3::new(HALL_HALF_M, max.y + 0.012, BACK_Z));
    model.of(Pattern::Brass).block(rail.0, rail.1, &[Vec3::NEG_Z, Vec3::Y], 0.5, Paint::matt(122, 92, 50));
}

/// Midnight with stars, and round it a soffit whose hidden strip of light warms the ceiling's edge.
fn ceiling(model: &mut Model) {
    let midnight = Paint::matt(20, 27, 58);
    let plaster = Paint::matt(118, 84, 66);
    model.of(Pattern::Stars).painted_patch((36, 44), Vec3::NEG_Y, |s, t| {
        // Denser at the edges, where the light falls off.
        let across = ((s - 0.5) * PI).sin();
        let along = 0.5 + 0.5 * ((t - 0.5) * PI).sin();
        // It begins at the pelmet; behind that all is black.
        let at = Vec3::new(across * HALL_HALF_M, HALL_HEIGHT_M, PELMET_Z + (BACK_Z - PELMET_Z) * along);
        let inside = (HALL_HALF_M - SOFFIT_M - at.x.abs()).min(BACK_Z - 0.9 - at.z).max(0.0);
        let part = (-inside / 0.55).exp();
        let paint = Paint { albedo: midnight.albedo.lerp(plaster.albedo, part), ..midnight };
        (at, Vec2::new(at.x, at.z), paint)
    });
    let dark = walnut().toned(0.5);
    let inner = HALL_HALF_M - SOFFIT_M;
    for side in [-1.0f32, 1.0] {
        let edge = side * inner;
        let corner = Vec3::new(if side > 0.0 { inner } else { -HALL_HALF_M }, SOFFIT_Y, 0.0);
        model.of(Pattern::Wood).sheet(corner, Vec3::X * SOFFIT_M, Vec3::Z * BACK_Z, Vec3::NEG_Y, 0.3, dark);
        let lip = Vec3::new(edge, SOFFIT_Y, 1.0);
        model.of(Pattern::Wood).sheet(lip, Vec3::Y * 0.14, Vec3::Z * (BACK_Z - 1.9), Vec3::X * -side, 0.5, walnut().toned(0.9));
    }
    let back = Vec3::new(-inner, SOFFIT_Y, BACK_Z - 0.9);
    model.of(Pattern::Wood).sheet(back, Vec3::Z * 0.9, Vec3::X * (2.0 * inner), Vec3::NEG_Y, 0.4, dark);
    model.of(Pattern::Wood).sheet(back, Vec3::Y * 0.14, Vec3::X * (2.0 * inner), Vec3::NEG_Z, 0.5, walnut().toned(0.9));
}

/// The wood of the house.
pub(super) fn walnut() -> Paint {
    Paint::matt(96, 62, 42)
}

fn teal() -> Paint {
    Paint::matt(27, 84, 97)
}

/// −1 to 1 by chance, the same each time.
fn odd(n: usize) -> f32 {
    let mixed = (n as u32 + 11).wrapping_mul(0x9e37_79b1);
    ((mixed >> 12) & 0xffff) as f32 / 32767.5 - 1.0
}

/// The last rib of a side wall.
const RIBS: usize = 15;
/// Height of the walnut below the panels over the floor, m.
const DADO_M: f32 = 0.85;
