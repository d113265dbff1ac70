//! What figures are made with: smooth surfaces given as functions, merged into one mesh. Pure.
//!
//! A figure stands on its seat's floor, looks towards −z, and its eyes are over the origin. Corners know how much of the cloth's, skin's and hair's
//! colour they take, so that one mesh serves everybody who looks alike.

use bevy::{
    asset::RenderAssetUsages,
    math::{Vec2, Vec3, Vec4},
    mesh::{Indices, Mesh, MeshVertexAttribute, PrimitiveTopology, VertexFormat},
};

/// What a corner takes of the person's colours (cloth, skin, hair), and whether it turns with the head (1) or not (0).
pub(super) const ATTRIBUTE_TAKES: MeshVertexAttribute = MeshVertexAttribute::new("Takes", 0x686f_7573_6504, VertexFormat::Float32x4);

/// The merged surfaces of a figure.
#[derive(Debug, Clone, Default)]
pub(super) struct Clay {
    pub(super) corners: Vec<Corner>,
    /// Three for each triangle, counter-clockwise seen from outside.
    pub(super) triangles: Vec<[u32; 3]>,
}

/// One corner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corner {
    pub(super) position: Vec3,
    pub(super) normal: Vec3,
    pub(super) uv: Vec2,
    pub(super) tint: Tint,
    /// 1 turns with the head.
    pub(super) on_head: f32,
}

/// What a surface is coloured with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tint {
    /// A colour of its own, linear.
    own: Vec3,
    /// Shares of the person's cloth, skin and hair.
    takes: Vec3,
    /// How open the place is to the hall's light: 1 open, 0 hidden.
    open: f32,
    /// How much it shines along its edge when the light comes from behind: cloth and hair do, 0 to 1.
    fuzz: f32,
}

impl Tint {
    /// The cloth's colour.
    pub(super) const CLOTH: Self = Self { own: Vec3::ZERO, takes: Vec3::X, open: 1.0, fuzz: 0.8 };
    /// The skin's.
    pub(super) const SKIN: Self = Self { own: Vec3::ZERO, takes: Vec3::Y, open: 1.0, fuzz: 0.5 };
    /// The hair's.
    pub(super) const HAIR: Self = Self { own: Vec3::ZERO, takes: Vec3::Z, open: 1.0, fuzz: 1.0 };

    /// A colour of its own, as one writes it on the web.
    pub(super) fn own(red: u8, green: u8, blue: u8) -> Self {
        Self { own: linear([red, green, blue]), takes: Vec3::ZERO, open: 1.0, fuzz: 0.4 }
    }

    /// Lighter or darker.
    pub(super) fn toned(self, factor: f32) -> Self {
        Self { own: self.own * factor, takes: self.takes * factor, ..self }
    }

    /// In a place less open to light.
    pub(super) fn shaded(self, open: f32) -> Self {
        Self { open: self.open * open.clamp(0.0, 1.0), ..self }
    }
}

/// sRGB as linear light.
pub(super) fn linear(srgb: [u8; 3]) -> Vec3 {
    let one = |code: u8| {
        let code = f32::from(code) / 255.0;
        if code <= 0.04045 { code / 12.92 } else { ((code + 0.055) / 1.055).powf(2.4) }
    };
    Vec3::from_array(srgb.map(one))
}

impl Clay {
    /// A smooth surface: `place` gives the position for s and t from 0 to 1, `inner` a point behind it, `tint` its colour at a position. `keep` says of the
    /// corners' coordinates whether anything of a triangle is seen; what is all hidden is left out.
    pub(super) fn surface(
        &mut self,
        cells: (usize, usize),
        on_head: f32,
        place: impl Fn(f32, f32) -> Vec3,
        inner: impl Fn(f32, f32) -> Vec3,
        tint: impl Fn(f32, f32, Vec3) -> Tint,
        keep: impl Fn(Vec3) -> bool,
    ) {
        let (across, along) = (cells.0.max(1), cells.1.max(1));
        let first = self.corners.len() as u32;
        for j in 0..=along {
            for i in 0..=across {
                let (s, t) = (i as f32 / across as f32, j as f32 / along as f32);
                let position = place(s, t);
                // At poles one coordinate does not move the place: a little beside them it does.
                let (near_s, near_t) = (s.clamp(STEP, 1.0 - STEP), t.clamp(STEP, 1.0 - STEP));
                let ds = place(near_s + STEP, near_t) - place(near_s - STEP, near_t);
                let dt = place(near_s, near_t + STEP) - place(near_s, near_t - STEP);
                let out = position - inner(s, t);
                let mut normal = ds.cross(dt).normalize_or(out.normalize_or(Vec3::Y));
                if normal.dot(out) < 0.0 {
                    normal = -normal;
                }
                self.corners.push(Corner { position, normal, uv: Vec2::new(s, t), tint: tint(s, t, position), on_head });
            }
        }
        let wide = across as u32 + 1;
        for j in 0..along as u32 {
            for i in 0..across as u32 {
                let a = first + j * wide + i;
                let (b, c, d) = (a + 1, a + wide + 1, a + wide);
                self.triangle([a, b, c], &keep);
                self.triangle([a, c, d], &keep);
            }
        }
    }

    fn triangle(&mut self, corners: [u32; 3], keep: &impl Fn(Vec3) -> bool) {
        let [a, b, c] = corners.map(|corner| self.corners[corner as usize]);
        let area = (b.position - a.position).cross(c.position - a.position);
        if area.length() < 1e-7 || [a, b, c].iter().all(|corner| !keep(corner.position)) {
            return;
        }
        let is_outwards = area.dot(a.normal + b.normal + c.normal) >= 0.0;
        self.triangles.push(if is_outwards { corners } else { [corners[0], corners[2], corners[1]] });
    }

    /// A ball or an egg with a soft superquadric's shape.
    pub(super) fn egg(&mut self, cells: (usize, usize), on_head: f32, egg: Egg, tint: impl Fn(Vec3) -> Tint, keep: impl Fn(Vec3) -> bool) {
        self.surface(cells, on_head, |s, t| egg.at(turn(s, t)), |_, _| egg.middle, |_, _, at| tint(at), keep);
    }

    /// A round limb along a bent line of three points, thicker or thinner on its way, with round ends.
    pub(super) fn limb(
        &mut self,
        cells: (usize, usize),
        on_head: f32,
        line: [Vec3; 3],
        radii: [f32; 2],
        tint: impl Fn(f32, Vec3) -> Tint,
        keep: impl Fn(Vec3) -> bool,
    ) {
        let middle = |t: f32| line[0].lerp(line[1], t).lerp(line[1].lerp(line[2], t), t);
        let ahead = |t: f32| (line[1] - line[0]).lerp(line[2] - line[1], t).normalize_or(Vec3::Y);
        // It bends in a plane, so one side looks the same way all along.
        let across = (line[1] - line[0]).cross(line[2] - line[1]);
        let aside = across.try_normalize().unwrap_or_else(|| ahead(0.5).any_orthonormal_vector());
        // Denser towards the ends, which are half balls.
        let dense = |t: f32| 0.5 - 0.5 * (t * std::f32::consts::PI).cos();
        let place = |s: f32, t: f32| {
            let radius = radii[0] + (radii[1] - radii[0]) * dense(t);
            let end = (1.0 - t.min(1.0 - t) * 3.4).max(0.0);
            let (round, reach) = ((1.0 - end * end).max(0.0).sqrt(), end * radius * if t < 0.5 { -1.0 } else { 1.0 });
            let part = (dense(t) - dense(0.294)) / (1.0 - 2.0 * dense(0.294));
            let along = ahead(part.clamp(0.0, 1.0));
            let (sin, cos) = (s * std::f32::consts::TAU).sin_cos();
            middle(part.clamp(0.0, 1.0)) + along * reach + (aside * cos + along.cross(aside) * sin) * (radius * round)
        };
        self.surface(cells, on_head, place, |_, t| middle((t * 1.6 - 0.3).clamp(0.0, 1.0)), |_, t, at| tint(t, at), keep);
    }

    /// A ring round `axis`, of the given radius and thickness (half the tube), squeezed along the axis's two sides by `oval`.
    pub(super) fn ring(
        &mut self,
        cells: (usize, usize),
        on_head: f32,
        middle: Vec3,
        axes: [Vec3; 3],
        tube: f32,
        tint: impl Fn(f32, Vec3) -> Tint,
    ) {
        let [u, v, axis] = axes;
        let heart = |s: f32| {
            let (sin, cos) = (s * std::f32::consts::TAU).sin_cos();
            middle + u * cos + v * sin
        };
        let place = |s: f32, t: f32| {
            let (sin, cos) = (t * std::f32::consts::TAU).sin_cos();
            heart(s) + (heart(s) - middle).normalize_or(u) * (cos * tube) + axis * (sin * tube)
        };
        self.surface(cells, on_head, place, |s, _| heart(s), |s, _, at| tint(s, at), |_| true);
    }

    /// As one mesh.
    pub(super) fn mesh(&self) -> Mesh {
        // Corners that no triangle uses any more are left out.
        let mut moved = vec![u32::MAX; self.corners.len()];
        let mut kept = Vec::new();
        let mut indices = Vec::with_capacity(self.triangles.len() * 3);
        for corner in self.triangles.iter().flatten() {
            let place = &mut moved[*corner as usize];
            if *place == u32::MAX {
                *place = kept.len() as u32;
                kept.push(self.corners[*corner as usize]);
            }
            indices.push(*place);
        }
        let each = |value: fn(&Corner) -> Vec4| kept.iter().map(|corner| value(corner).to_array()).collect::<Vec<_>>();
        Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, kept.iter().map(|corner| corner.position.to_array()).collect::<Vec<_>>())
            .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, kept.iter().map(|corner| corner.normal.to_array()).collect::<Vec<_>>())
            .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, kept.iter().map(|corner| [corner.tint.fuzz, corner.uv.y]).collect::<Vec<_>>())
            .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, each(|corner| corner.tint.own.extend(corner.tint.open)))
            .with_inserted_attribute(ATTRIBUTE_TAKES, each(|corner| corner.tint.takes.extend(corner.on_head)))
            .with_inserted_indices(Indices::U32(indices))
    }
}

/// Round from below (t = 0) to above, once round for s.
pub(super) fn turn(s: f32, t: f32) -> Vec3 {
    let (sin, cos) = (s * std::f32::consts::TAU).sin_cos();
    let (up, out) = ((t - 0.5) * std::f32::consts::PI).sin_cos();
    Vec3::new(sin * out, up, cos * out)
}

/// A superquadric: |x/a|ⁿ + |y/b|ⁿ + |z/c|ⁿ = 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Egg {
    pub(super) middle: Vec3,
    pub(super) half: Vec3,
    /// 2 is an ellipsoid; more is squarer.
    pub(super) power: f32,
    /// By what share it is wider below than above.
    pub(super) pear: f32,
}

impl Egg {
    /// The place in this direction.
    pub(super) fn at(&self, direction: Vec3) -> Vec3 {
        let sum = (direction / self.half).abs().to_array().map(|part| part.powf(self.power)).into_iter().sum::<f32>();
        let local = direction * sum.max(1e-9).powf(-1.0 / self.power);
        let wide = 1.0 - self.pear * local.y / self.half.y;
        self.middle + local * Vec3::new(wide, 1.0, wide)
    }

    /// The same, this much larger.
    pub(super) fn swollen(self, by: f32) -> Self {
        Self { half: self.half + by, ..self }
    }
}

/// For slopes.
const STEP: f32 = 2e-3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_egg_is_closed_and_looks_outwards() {
        let egg = Egg { middle: Vec3::new(0.1, 0.2, 0.3), half: Vec3::new(0.2, 0.3, 0.1), power: 2.4, pear: 0.1 };
        let mut clay = Clay::default();
        clay.egg((12, 8), 0.0, egg, |_| Tint::CLOTH, |_| true);
        clay.limb((6, 6), 0.0, [Vec3::ZERO, Vec3::Y, Vec3::Z], [0.1, 0.2], |_, _| Tint::CLOTH, |_| true);
        for corner in &clay.corners {
            assert!(corner.position.is_finite() && (corner.normal.length() - 1.0).abs() < 1e-3);
        }
        for triangle in &clay.triangles {
            let [a, b, c] = triangle.map(|corner| clay.corners[corner as usize]);
            let area = (b.position - a.position).cross(c.position - a.position);
            assert!(area.dot(a.normal + b.normal + c.normal) > 0.0);
        }
    }
}
