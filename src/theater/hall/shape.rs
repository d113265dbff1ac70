//! What the hall's meshes are built with: patches, blocks and rounded boxes that carry paint but no light yet.

use crate::theater::material::Pattern;
use bevy::math::{Affine3A, Vec2, Vec3};
use std::collections::BTreeMap;

/// Everything of one pattern, merged into one mesh.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Corners, m.
    pub corners: Vec<Corner>,
    /// Three for each triangle, counter-clockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
}

impl Shape {
    /// A smooth patch: `place` gives the position and the pattern's coordinates (both in m) for s and t from 0 to 1. Normals follow the
    /// surface and
    /// look to the side of `facing`.
    pub fn patch(&mut self, cells: (usize, usize), facing: Vec3, paint: Paint, place: impl Fn(f32, f32) -> (Vec3, Vec2)) {
        self.painted_patch(cells, facing, |s, t| {
            let (position, uv) = place(s, t);
            (position, uv, paint)
        });
    }

    /// As [`Self::patch`], with a paint for each corner.
    pub fn painted_patch(&mut self, cells: (usize, usize), facing: Vec3, place: impl Fn(f32, f32) -> (Vec3, Vec2, Paint)) {
        let (across, along) = (cells.0.max(1), cells.1.max(1));
        let first = self.corners.len() as u32;
        let at = |i: usize, j: usize| place(i as f32 / across as f32, j as f32 / along as f32);
        let mut flipped = false;
        for j in 0..=along {
            for i in 0..=across {
                let (position, uv, paint) = at(i, j);
                let ds = at((i + 1).min(across), j).0 - at(i.saturating_sub(1), j).0;
                let dt = at(i, (j + 1).min(along)).0 - at(i, j.saturating_sub(1)).0;
                let mut normal = ds.cross(dt).normalize_or(facing.normalize_or(Vec3::Y));
                flipped = normal.dot(facing) < 0.0;
                if flipped {
                    normal = -normal;
                }
                self.corners.push(Corner { position, normal, uv, paint });
            }
        }
        let wide = across as u32 + 1;
        for j in 0..along as u32 {
            for i in 0..across as u32 {
                let a = first + j * wide + i;
                let (b, c, d) = (a + 1, a + wide + 1, a + wide);
                if flipped {
                    self.triangles.extend([[a, c, b], [a, d, c]]);
                } else {
                    self.triangles.extend([[a, b, c], [a, c, d]]);
                }
            }
        }
    }

    /// A flat rectangle from `origin` along two edges, in cells of about `cell_m`; the pattern's coordinates are metres along the edges.
    pub fn sheet(&mut self, origin: Vec3, along_u: Vec3, along_v: Vec3, facing: Vec3, cell_m: f32, paint: Paint) {
        let (long_u, long_v) = (along_u.length(), along_v.length());
        let cells = ((long_u / cell_m).ceil() as usize, (long_v / cell_m).ceil() as usize);
        self.patch(cells, facing, paint, |s, t| (origin + along_u * s + along_v * t, Vec2::new(long_u * s, long_v * t)));
    }

    /// A box between two corners, without the faces one never sees; cells of about `cell_m`. The pattern runs along the longest edge.
    pub fn block(&mut self, min: Vec3, max: Vec3, faces: &[Vec3], cell_m: f32, paint: Paint) {
        let size = max - min;
        for face in faces {
            let (u, v) = if face.x != 0.0 {
                if size.y >= size.z { (Vec3::Z, Vec3::Y) } else { (Vec3::Y, Vec3::Z) }
            } else if face.y != 0.0 {
                if size.z >= size.x { (Vec3::X, Vec3::Z) } else { (Vec3::Z, Vec3::X) }
            } else if size.y >= size.x {
                (Vec3::X, Vec3::Y)
            } else {
                (Vec3::Y, Vec3::X)
            };
            let out = if face.dot(Vec3::ONE) > 0.0 { face.abs() } else { Vec3::ZERO };
            let origin = min + size * out;
            let (edge_u, edge_v) = (u * size, v * size);
            let cells = ((edge_u.length() / cell_m).ceil() as usize, (edge_v.length() / cell_m).ceil() as usize);
            let shift = Vec2::new(origin.dot(u) + origin.dot(*face) * 0.37, origin.dot(v) + origin.dot(*face) * 1.7);
            self.patch(cells, *face, paint, |s, t| {
                (origin + edge_u * s + edge_v * t, shift + Vec2::new(edge_u.length() * s, edge_v.length() * t))
            });
        }
    }

    /// The same in slices across the hall, `deep_m` each: what lies behind the viewer need not be drawn.
    #[must_use]
    pub fn sliced(&self, deep_m: f32) -> Vec<Self> {
        let mut slices: BTreeMap<i32, (Self, Vec<u32>)> = BTreeMap::new();
        for triangle in &self.triangles {
            let middle = triangle.iter().map(|corner| self.corners[*corner as usize].position.z).sum::<f32>() / 3.0;
            let (slice, moved) =
                slices.entry((middle / deep_m).floor() as i32).or_insert_with(|| (Self::default(), vec![u32::MAX; self.corners.len()]));
            slice.triangles.push(triangle.map(|corner| {
                let place = &mut moved[corner as usize];
                if *place == u32::MAX {
                    *place = slice.corners.len() as u32;
                    slice.corners.push(self.corners[corner as usize]);
                }
                *place
            }));
        }
        slices.into_values().map(|(slice, _)| slice).collect()
    }

    /// A box with soft edges: `half` its half size, `round` the radius, `cells` for each face; placed by `place`. `paint` gets the
    /// position in the box.
    pub fn soft_box(&mut self, place: Affine3A, half: Vec3, round: f32, cells: usize, faces: &[Vec3], paint: impl Fn(Vec3) -> Paint) {
        let core = half - Vec3::splat(round.min(half.min_element()));
        for face in faces {
            let u = if face.x != 0.0 { Vec3::Z } else { Vec3::X };
            let v = if face.y != 0.0 { Vec3::Z } else { Vec3::Y };
            let first = self.corners.len() as u32;
            let flip = u.cross(v).dot(*face) < 0.0;
            for j in 0..=cells {
                for i in 0..=cells {
                    // Denser towards the edges, where the surface turns.
                    let spread = |n: usize| {
                        let part = n as f32 / cells as f32 * 2.0 - 1.0;
                        part * (1.5 - 0.5 * part * part)
                    };
                    let on_cube = (*face + u * spread(i) + v * spread(j)) * half;
                    let inner = on_cube.clamp(-core, core);
                    let normal = (on_cube - inner).normalize_or(*face);
                    let local = inner + normal * round;
                    // The pattern runs up and over the box, like one length of cloth.
                    let uv = Vec2::new(local.x, if face.z == 0.0 { local.z } else { local.y });
                    self.corners.push(Corner {
                        position: place.transform_point3(local),
                        normal: place.transform_vector3(normal).normalize_or(*face),
                        uv,
                        paint: paint(local),
                    });
                }
            }
            let wide = cells as u32 + 1;
            for j in 0..cells as u32 {
                for i in 0..cells as u32 {
                    let a = first + j * wide + i;
                    let (b, c, d) = (a + 1, a + wide + 1, a + wide);
                    if flip {
                        self.triangles.extend([[a, c, b], [a, d, c]]);
                    } else {
                        self.triangles.extend([[a, b, c], [a, c, d]]);
                    }
                }
            }
        }
    }
}

/// All six faces of a box.
pub const ALL_FACES: [Vec3; 6] = [Vec3::X, Vec3::NEG_X, Vec3::Y, Vec3::NEG_Y, Vec3::Z, Vec3::NEG_Z];

/// One corner of a shape.
#[derive(Debug, Clone, Copy)]
pub struct Corner {
    /// Where, m.
    pub position: Vec3,
    /// Which way the surface looks, length 1.
    pub normal: Vec3,
    /// The pattern's coordinates, m.
    pub uv: Vec2,
    /// What it is painted with.
    pub paint: Paint,
}

/// The colour of a surface and the light it sends by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paint {
    /// Share of light given back, linear red, green, blue.
    pub albedo: Vec3,
    /// Light of its own, as a multiple of `albedo`.
    pub emission: f32,
    /// Which part of that follows the house lights; the rest stays.
    pub follows_house: f32,
    /// How open the place is to the hall's light: 1 open, 0 hidden.
    pub open: f32,
}

impl Paint {
    /// A surface that only reflects; colour as one writes it on the web (sRGB, 0 to 255).
    #[must_use]
    pub fn matt(red: u8, green: u8, blue: u8) -> Self {
        Self { albedo: linear(red, green, blue), emission: 0.0, follows_house: 0.0, open: 1.0 }
    }

    /// A surface that shines by itself as well.
    #[must_use]
    pub fn lamp(red: u8, green: u8, blue: u8, emission: f32, follows_house: f32) -> Self {
        Self { albedo: linear(red, green, blue), emission, follows_house, open: 1.0 }
    }

    /// The same in a place less open to light.
    #[must_use]
    pub fn shaded(self, open: f32) -> Self {
        Self { open: self.open * open, ..self }
    }

    /// The same, lighter or darker.
    #[must_use]
    pub fn toned(self, factor: f32) -> Self {
        Self { albedo: self.albedo * factor, ..self }
    }
}

fn linear(red: u8, green: u8, blue: u8) -> Vec3 {
    let one = |code: u8| {
        let code = f32::from(code) / 255.0;
        if code <= 0.04045 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }
    };
    Vec3::new(one(red), one(green), one(blue))
}

/// The shapes of all patterns.
#[derive(Debug, Clone, Default)]
pub struct Model {
    shapes: [Shape; Pattern::ALL.len()],
}

impl Model {
    /// The shape of one pattern.
    pub fn of(&mut self, pattern: Pattern) -> &mut Shape {
        &mut self.shapes[pattern as usize]
    }

    /// All shapes that hold anything.
    pub fn into_shapes(self) -> impl Iterator<Item = (Pattern, Shape)> {
        Pattern::ALL.into_iter().zip(self.shapes).filter(|(_, shape)| !shape.triangles.is_empty())
    }

    /// How many corners in all.
    #[must_use]
    pub fn corner_count(&self) -> usize {
        self.shapes.iter().map(|shape| shape.corners.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outward(shape: &Shape) -> bool {
        shape.triangles.iter().all(|t| {
            let [a, b, c] = t.map(|i| shape.corners[i as usize]);
            let area = (b.position - a.position).cross(c.position - a.position);
            area.length() < 1e-9 || area.dot(a.normal + b.normal + c.normal) > 0.0
        })
    }

    #[test]
    fn triangles_wind_the_way_their_normals_look() {
        let mut shape = Shape::default();
        let paint = Paint::matt(9, 9, 9);
        shape.block(Vec3::ZERO, Vec3::new(1.0, 2.0, 3.0), &ALL_FACES, 0.5, paint);
        shape.soft_box(Affine3A::IDENTITY, Vec3::new(0.3, 0.2, 0.1), 0.05, 4, &ALL_FACES, |_| paint);
        shape.sheet(Vec3::ZERO, Vec3::X, Vec3::Z, Vec3::Y, 0.3, paint);
        shape.sheet(Vec3::ZERO, Vec3::X, Vec3::Z, Vec3::NEG_Y, 0.3, paint);
        assert!(outward(&shape));
    }

    #[test]
    fn slices_hold_every_triangle_once() {
        let mut shape = Shape::default();
        shape.sheet(Vec3::new(0.0, 0.0, -2.0), Vec3::X, Vec3::Z * 9.0, Vec3::Y, 0.3, Paint::matt(9, 9, 9));
        let slices = shape.sliced(2.5);
        assert!(slices.len() > 3 && slices.iter().all(outward));
        assert_eq!(slices.iter().map(|slice| slice.triangles.len()).sum::<usize>(), shape.triangles.len());
    }

    #[test]
    fn a_soft_box_stays_inside_its_box() {
        let (mut shape, half) = (Shape::default(), Vec3::new(0.3, 0.2, 0.1));
        shape.soft_box(Affine3A::IDENTITY, half, 0.05, 5, &ALL_FACES, |_| Paint::matt(1, 1, 1));
        assert!(shape.corners.iter().all(|c| c.position.abs().cmple(half + 1e-5).all()));
    }
}
