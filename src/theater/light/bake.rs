//! How much light each corner of a mesh receives, worked out once at the start: from the house lights, from six zones of the screen, and
//! from the lamps
//! that never go out. Pure.
//!
//! The screen is a matt area light, sampled; rows of seats hide it softly; corners of the hall are darker. What bounces is one small
//! constant.

use crate::theater::hall::measures::*;
use crate::theater::hall::shape::Shape;
use crate::theater::material::{ATTRIBUTE_FIXED, ATTRIBUTE_HOUSE_AND_UPPER, ATTRIBUTE_LOWER_AND_OWN, Pattern};
use bevy::asset::RenderAssetUsages;
use bevy::mesh::{Indices, PrimitiveTopology};
use bevy::prelude::*;

/// A mesh that knows its light. The shape stands where it will be lit; the mesh is relative to `origin`, for what moves.
#[must_use]
pub fn bake(pattern: Pattern, shape: &Shape, origin: Vec3) -> Mesh {
    let received: Vec<Received> = shape
        .corners
        .iter()
        .map(|corner| match pattern {
            Pattern::Beam => Received { zones: [1.0 / 6.0; 6], ..Received::default() },
            Pattern::Lamp | Pattern::Halo => Received::default(),
            _ => receive(corner.position, corner.normal, corner.paint.open),
        })
        .collect();
    let corners = || shape.corners.iter().zip(&received);
    Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, corners().map(|(c, _)| (c.position - origin).to_array()).collect::<Vec<_>>())
        .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, corners().map(|(c, _)| c.normal.to_array()).collect::<Vec<_>>())
        .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, corners().map(|(c, _)| c.uv.to_array()).collect::<Vec<_>>())
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_COLOR,
            corners().map(|(c, _)| c.paint.albedo.extend(c.paint.follows_house).to_array()).collect::<Vec<_>>(),
        )
        .with_inserted_attribute(
            ATTRIBUTE_HOUSE_AND_UPPER,
            corners().map(|(_, r)| [r.house, r.zones[0], r.zones[1], r.zones[2]]).collect::<Vec<_>>(),
        )
        .with_inserted_attribute(
            ATTRIBUTE_LOWER_AND_OWN,
            corners().map(|(c, r)| [r.zones[3], r.zones[4], r.zones[5], c.paint.emission]).collect::<Vec<_>>(),
        )
        .with_inserted_attribute(ATTRIBUTE_FIXED, corners().map(|(_, r)| r.fixed.to_array()).collect::<Vec<_>>())
        .with_inserted_indices(Indices::U32(shape.triangles.iter().flatten().copied().collect()))
}

/// What a place at `at` that looks along `normal` (length 1) receives. `open` is 1 in the open and 0 where something hides the hall.
#[must_use]
pub fn receive(at: Vec3, normal: Vec3, open: f32) -> Received {
    let open = open * corner_shade(at, normal);
    let mut zones = std::array::from_fn(|zone| from_zone(zone, at, normal) * (0.3 + 0.7 * open) + BOUNCE * open / 6.0);
    let sum: f32 = zones.iter().sum();
    if sum > 1.0 {
        zones = zones.map(|zone| zone / sum);
    }
    Received { house: (from_house(at, normal, open)).min(HOUSE_MOST), zones, fixed: from_fixed(at, normal) * (0.3 + 0.7 * open) }
}

/// The share of a zone's light that arrives, as a matt area light, softened: surfaces that look past it still get a little.
fn from_zone(zone: usize, at: Vec3, normal: Vec3) -> f32 {
    let (column, row) = ((zone % 3) as f32, (zone / 3) as f32);
    let (wide, tall) = (SCREEN_WIDTH_M / 3.0, SCREEN_HEIGHT_M / 2.0);
    let corner = Vec2::new(-SCREEN_WIDTH_M / 2.0 + column * wide, SCREEN_LOW_M + (1.0 - row) * tall);
    let area = wide * tall / (ZONE_SAMPLES.0 * ZONE_SAMPLES.1) as f32;
    let mut sum = 0.0;
    for i in 0..ZONE_SAMPLES.0 {
        for j in 0..ZONE_SAMPLES.1 {
            let share = Vec2::new((i as f32 + 0.5) / ZONE_SAMPLES.0 as f32, (j as f32 + 0.5) / ZONE_SAMPLES.1 as f32);
            let lamp = (corner + share * Vec2::new(wide, tall)).extend(0.0);
            let way = lamp - at;
            let far2 = way.length_squared();
            let leaving = at.z.max(0.0) / far2.sqrt().max(1e-3);
            let arriving = wrapped(normal.dot(way) / far2.sqrt().max(1e-3), 0.25);
            if leaving > 0.0 && arriving > 0.0 {
                sum += leaving * arriving * area / (std::f32::consts::PI * far2 + area) * seen_over_seats(at, lamp);
            }
        }
    }
    sum
}

/// 1 where nothing is between a place and a lamp on the screen, 0 where a row of seats is; soft in between.
fn seen_over_seats(at: Vec3, lamp: Vec3) -> f32 {
    let mut seen = 1.0f32;
    for row in 0..ROWS {
        let back = eye_z_of_row(row) + SEAT_REAR_M - 0.06;
        if back > at.z - 0.1 {
            break;
        }
        let share = (at.z - back) / (at.z - lamp.z);
        let passes = at.lerp(lamp, share);
        let over = passes.y - (floor_of_row(row) + SEAT_BACK_M - 0.05);
        let beside = passes.x.abs() - BLOCK_HALF_M;
        let clear = smooth(-0.12, 0.1, over).max(smooth(-0.1, 0.25, beside));
        seen = seen.min(clear);
    }
    seen
}

fn from_house(at: Vec3, normal: Vec3, open: f32) -> f32 {
    let mut sum = 0.0;
    for lamp in sconces().chain(back_sconces()) {
        // Lit upwards and downwards through its two openings, hardly to the front.
        let way = lamp - at;
        let far2 = way.length_squared();
        if far2 > 36.0 {
            continue;
        }
        let steep = (way.y / far2.sqrt().max(1e-3)).abs();
        let opening = 0.045 + 0.955 * smooth(0.30, 0.96, steep);
        let up = if way.y < 0.0 { 1.0 } else { 0.75 };
        sum += 1.95 * up * opening * wrapped(normal.dot(way) / far2.sqrt().max(1e-3), 0.3) / (far2 + 0.16);
    }
    // The strip of light hidden behind the soffit's edge, on the ceiling above it and faintly below.
    let from_edge = (HALL_HALF_M - SOFFIT_M - at.x.abs()).min(BACK_LIP_Z - at.z);
    if at.y > SOFFIT_Y + 0.05 {
        sum += 1.25 * (-from_edge.max(0.0) / 0.42).exp() + 0.28 * (-from_edge.max(0.0) / 1.8).exp();
    }
    // The same strip grazes the walls from above.
    let from_wall = (HALL_HALF_M - at.x.abs()).min(BACK_Z - at.z).max(0.0);
    if at.y < SOFFIT_Y {
        sum += 0.85 * open * (-(SOFFIT_Y - at.y) / 0.85 - from_wall / 0.3).exp();
    }
    // Footlights wash the curtain.
    if at.z < STAGE_FOOT_Z && at.y > STAGE_HEIGHT_M - 0.05 {
        sum += 0.8 * normal.z.max(0.0) * open * (-(at.y - STAGE_HEIGHT_M).max(0.0) / 1.5).exp();
    }
    let under_ceiling = (HALL_HEIGHT_M - at.y).max(0.0);
    let sky = 0.5 + 0.5 * normal.y;
    sum + open * (0.10 + 0.28 * sky + 0.10 * (-under_ceiling / 1.5).exp())
}

fn from_fixed(at: Vec3, normal: Vec3) -> Vec3 {
    let mut sum = Vec3::ZERO;
    for lamp in aisle_lamps() {
        let way = lamp - at;
        let far2 = way.length_squared();
        // They shine outwards and down, away from the seats.
        let outwards = -way.x * lamp.x.signum();
        if far2 < 4.0 && at.y < lamp.y + 0.3 && outwards > -0.1 {
            let low = smooth(0.3, -0.15, at.y - lamp.y);
            sum += AISLE_COLOUR
                * (0.45 * low * smooth(-0.1, 0.12, outwards) * wrapped(normal.dot(way) / far2.sqrt().max(1e-3), 0.3) / (far2 + 0.12));
        }
    }
    for sign in exit_signs() {
        let way = sign + Vec3::new(-sign.x.signum() * 0.15, 0.0, 0.0) - at;
        let far2 = way.length_squared();
        if far2 < 25.0 {
            sum += EXIT_COLOUR * (0.06 * wrapped(normal.dot(way) / far2.sqrt().max(1e-3), 0.4) / (far2 + 0.12));
        }
    }
    sum
}

/// Corners of the hall see less of it.
fn corner_shade(at: Vec3, normal: Vec3) -> f32 {
    let walls = [
        (at.y - floor_at(at.z), Vec3::Y, 0.35),
        (HALL_HEIGHT_M - at.y, Vec3::NEG_Y, 0.3),
        (HALL_HALF_M - at.x, Vec3::NEG_X, 0.4),
        (HALL_HALF_M + at.x, Vec3::X, 0.4),
        (BACK_Z - at.z, Vec3::NEG_Z, 0.4),
    ];
    walls.into_iter().fold(1.0, |open, (far, looks, reach)| {
        let own = normal.dot(looks).max(0.0);
        open * (1.0 - 0.42 * (1.0 - own) * (-far.max(0.0) / reach).exp())
    })
}

/// Lambert's cosine, reaching a little past the horizon; 0 to 1.
fn wrapped(cosine: f32, wrap: f32) -> f32 {
    let soft = ((cosine + wrap) / (1.0 + wrap)).max(0.0);
    soft * soft.sqrt()
}

fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let part = ((value - from) / (to - from)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// Samples of a zone, across and up.
const ZONE_SAMPLES: (usize, usize) = (3, 2);
/// What of the whole screen arrives anywhere by way of walls and ceiling.
const BOUNCE: f32 = 0.015;
/// No place receives more than this from the house lights.
const HOUSE_MOST: f32 = 2.5;
const STAGE_FOOT_Z: f32 = 0.9;
const BACK_LIP_Z: f32 = BACK_Z - 0.9;
const AISLE_COLOUR: Vec3 = Vec3::new(1.0, 0.62, 0.26);
const EXIT_COLOUR: Vec3 = Vec3::new(0.06, 1.0, 0.38);

/// The light that arrives at a place, before colour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Received {
    /// From the house lights at full level.
    pub house: f32,
    /// From each zone of the screen, as a share of what the zone sends; upper row first, left to right.
    pub zones: [f32; 6],
    /// From lamps that never go out, linear red, green, blue.
    pub fixed: Vec3,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn screen(at: Vec3, normal: Vec3) -> f32 {
        receive(at, normal, 1.0).zones.iter().sum()
    }

    proptest! {
        #[test]
        fn no_place_receives_more_than_the_screen_sends(
            x in -6.0f32..6.0, y in 0.0f32..6.5, z in -1.0f32..16.0, a in -3.1f32..3.1, b in -1.5f32..1.5,
        ) {
            let normal = Vec3::new(a.cos() * b.cos(), b.sin(), a.sin() * b.cos());
            let received = receive(Vec3::new(x, y, z), normal, 1.0);
            prop_assert!(received.zones.iter().all(|zone| (0.0..=1.0).contains(zone)));
            prop_assert!(received.zones.iter().sum::<f32>() <= 1.0001);
            prop_assert!((0.0..=HOUSE_MOST).contains(&received.house));
            prop_assert!(received.fixed.min_element() >= 0.0 && received.fixed.max_element() < 4.0);
        }
    }

    #[test]
    fn nearer_is_brighter() {
        let at = |z| screen(Vec3::new(0.0, 3.0, z), Vec3::NEG_Z);
        assert!(at(3.0) > at(6.0) && at(6.0) > at(12.0));
    }

    #[test]
    fn what_faces_away_is_dark() {
        let at = Vec3::new(0.0, 3.0, 6.0);
        assert!(screen(at, Vec3::Z) < 0.1 * screen(at, Vec3::NEG_Z));
    }

    #[test]
    fn left_walls_take_the_colour_of_the_left_of_the_picture() {
        let zones = receive(Vec3::new(-5.9, 2.5, 4.0), Vec3::X, 1.0).zones;
        assert!(zones[0] > zones[2] && zones[3] > zones[5]);
    }

    #[test]
    fn rows_of_seats_throw_shade() {
        let floor = floor_of_row(4) + 0.05;
        let hidden = screen(Vec3::new(0.0, floor, eye_z_of_row(4) - 0.4), Vec3::NEG_Z);
        let open = screen(Vec3::new(0.0, floor + 1.2, eye_z_of_row(4) - 0.4), Vec3::NEG_Z);
        assert!(hidden < 0.4 * open);
    }

    #[test]
    fn a_sconce_lights_the_wall_above_it() {
        let lamp = sconces().next().unwrap();
        let near = receive(Vec3::new(-5.95, lamp.y + 0.5, lamp.z), Vec3::X, 1.0).house;
        let between = receive(Vec3::new(-5.95, lamp.y + 0.5, lamp.z + 1.5), Vec3::X, 1.0).house;
        assert!(near > 1.5 * between);
    }
}
