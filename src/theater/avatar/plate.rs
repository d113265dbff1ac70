//! The plate on the front of the head, on which the face is: a rounded square, softly curved. Pure.
//!
//! Its coordinates go from (0, 0) at the upper left, as one looks at it, to (1, 1) at the lower right: a square picture fills it upright, and what lies
//! outside the rounded corners is not drawn.

use bevy::{
    asset::RenderAssetUsages,
    math::{Vec2, Vec3},
    mesh::{Indices, Mesh, PrimitiveTopology},
};

use super::{
    body::{HEAD, smooth},
    sculpt::ATTRIBUTE_TAKES,
};
use crate::theater::Tier;

/// Builds it, where the head is when it looks ahead.
pub(super) fn mesh(tier: Tier) -> Mesh {
    let (rings, segments): (u32, u32) = if tier != Tier::Low { (2, 28) } else { (2, 16) };
    let mut spots = vec![Vec2::ZERO];
    for (ring, segment) in (1..=rings).flat_map(|ring| (0..segments).map(move |segment| (ring, segment))) {
        // Closest together at the round corners.
        let quarter = segment as f32 * 4.0 / segments as f32;
        let (sin, cos) = ((quarter + 0.11 * (quarter * std::f32::consts::TAU).sin()) * std::f32::consts::FRAC_PI_2).sin_cos();
        let edge = (cos.powi(4) + sin.powi(4)).powf(-0.25);
        spots.push(Vec2::new(cos, sin) * (edge * ring as f32 / rings as f32));
    }
    let at = |ring: u32, segment: u32| if ring == 0 { 0 } else { 1 + (ring - 1) * segments + segment % segments };
    let mut indices = Vec::new();
    for (ring, segment) in (0..rings).flat_map(|ring| (0..segments).map(move |segment| (ring, segment))) {
        let (a, b, c, d) = (at(ring, segment), at(ring, segment + 1), at(ring + 1, segment + 1), at(ring + 1, segment));
        // It looks towards −z, where x runs to the left.
        indices.extend([a, c, d]);
        if ring > 0 {
            indices.extend([a, b, c]);
        }
    }
    let count = spots.len();
    Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, spots.iter().map(|on| place(*on).to_array()).collect::<Vec<_>>())
        .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, spots.iter().map(|on| normal(*on).to_array()).collect::<Vec<_>>())
        // Seen from the front, the figure's right is at the left.
        .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, spots.iter().map(|on| [0.5 - on.x * 0.5, 0.5 - on.y * 0.5]).collect::<Vec<_>>())
        .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, vec![[0.0f32, 0.0, 0.0, 1.0]; count])
        .with_inserted_attribute(ATTRIBUTE_TAKES, vec![[0.0f32, 1.0, 0.0, 1.0]; count])
        .with_inserted_indices(Indices::U32(indices))
}

/// Whether the plate hides this place of the head, with some margin.
pub(super) fn hides(at: Vec3) -> bool {
    let on = (at.truncate() - MIDDLE) / (HALF * 0.74);
    at.z < HEAD.middle.z && on.x.powi(4) + on.y.powi(4) < 1.0
}

/// How far the head is drawn in under the plate, so that it does not come through where it is cut coarsely: 0 to 1.
pub(super) fn sinks(at: Vec3) -> f32 {
    let on = (at.truncate() - MIDDLE) / HALF;
    let square = (on.x.powi(4) + on.y.powi(4)).sqrt().sqrt();
    if at.z < HEAD.middle.z { smooth(1.0, 0.86, square) } else { 0.0 }
}

/// A place on the plate; `on` from −1 to 1, x to the figure's left as one looks from behind, y up.
pub(super) fn place(on: Vec2) -> Vec3 {
    let at = MIDDLE + on * HALF;
    let local = at - HEAD.middle.truncate();
    // A little flatter than the head, and before it all over.
    let front = front(local) * 0.72 + front(Vec2::ZERO) * 0.28;
    let rim = on.x.powi(4) + on.y.powi(4);
    Vec3::new(at.x, at.y, HEAD.middle.z - front - 0.004 + 0.012 * rim * rim)
}

/// How far the head reaches forward here.
fn front(local: Vec2) -> f32 {
    let part = (local.x / HEAD.half.x).abs().powf(HEAD.power) + (local.y / HEAD.half.y).abs().powf(HEAD.power);
    HEAD.half.z * (1.0 - part).max(0.0).powf(1.0 / HEAD.power)
}

fn normal(on: Vec2) -> Vec3 {
    let step = 0.02;
    let on = on * 0.96;
    let across = place(on + Vec2::X * step) - place(on - Vec2::X * step);
    let up = place(on + Vec2::Y * step) - place(on - Vec2::Y * step);
    let normal = up.cross(across).normalize_or(Vec3::NEG_Z);
    if normal.z > 0.0 { -normal } else { normal }
}

/// Its middle, seen from behind the head.
const MIDDLE: Vec2 = Vec2::new(0.0, HEAD.middle.y - 0.012);
/// Half its size, m.
pub(super) const HALF: Vec2 = Vec2::new(0.104, 0.091);
