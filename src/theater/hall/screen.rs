//! The picture's shape and the black masking that moves to it.

use super::measures::{SCREEN_HEIGHT_M, SCREEN_LOW_M, SCREEN_WIDTH_M};
use super::shape::{Paint, Shape};
use crate::theater::light::bake::bake;
use crate::theater::material::{HallMaterial, LightBuffer, Pattern};
use crate::theater::motion::Glide;
use crate::theater::{PlaceSettings, Theater, Tier};
use bevy::prelude::*;

/// Hangs the masking and moves it to the film's shape.
pub fn plugin(app: &mut App) {
    app.init_resource::<ScreenShape>();
    app.add_systems(Startup, hang);
    app.add_systems(Update, drape.in_set(Theater::Move));
}

/// Where a film of this aspect (width ÷ height) is shown: as wide as the screen where it fits, else as high; lowered a little if it is low.
#[must_use]
pub fn screen_rect(aspect: f32) -> Rect3 {
    let shape = ScreenShape::of_aspect(aspect);
    // A wide film hangs a little under the middle: nearer to the eyes, and the line of sight over the heads stays free.
    let low = SCREEN_LOW_M + (SCREEN_HEIGHT_M - shape.height_m) * 0.34;
    Rect3 { middle: Vec3::new(0.0, low + shape.height_m / 2.0, 0.0), width_m: shape.width_m, height_m: shape.height_m }
}

fn hang(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<HallMaterial>>,
    tier: Res<Tier>,
    light: Res<LightBuffer>,
    shape: Res<ScreenShape>,
) {
    let mut cloth = Shape::default();
    cloth.sheet(Vec3::new(-0.5, -0.5, 0.0), Vec3::X, Vec3::Y, Vec3::Z, 1.0, Paint::matt(7, 6, 7));
    // Baked where nothing shines on it: the cloth is black.
    let mesh = meshes.add(bake(Pattern::Plain, &cloth, Vec3::ZERO));
    let material = materials.add(HallMaterial::new(Pattern::Plain, *tier, &light));
    let rect = screen_rect(shape.aspect());
    for edge in [Edge::Left, Edge::Right, Edge::Top, Edge::Bottom] {
        let glide = Glide::at(edge.of(rect));
        commands.spawn((
            Name::new(format!("masking {edge:?}")),
            Masking { edge, glide },
            Mesh3d(mesh.clone()),
            MeshMaterial3d(material.clone()),
            Pickable::IGNORE,
            edge.covering(glide.value()),
        ));
    }
}

fn drape(time: Res<Time>, shape: Res<ScreenShape>, settings: Res<PlaceSettings>, mut cloths: Query<(&mut Masking, &mut Transform)>) {
    let rect = screen_rect(shape.aspect());
    for (mut cloth, mut transform) in &mut cloths {
        let edge = cloth.edge;
        let cloth = cloth.bypass_change_detection();
        cloth.glide.go(edge.of(rect), if settings.reduce_motion { 0.0 } else { MASKING_S });
        if !cloth.glide.resting() {
            *transform = edge.covering(cloth.glide.advance(time.delta_secs()));
        }
    }
}

/// Whether the masking is on its way.
pub(in crate::theater) fn is_draping(cloths: &Query<&Masking>) -> bool {
    cloths.iter().any(|cloth| !cloth.glide.resting())
}

/// The masking takes its time, s.
const MASKING_S: f32 = 2.0;
/// The opening that the masking fills: left and right, below, above, m.
const OPENING: (f32, f32, f32) = (SCREEN_WIDTH_M / 2.0 + 0.75, 0.5, 6.45);

/// The size of the picture, set when a film opens.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct ScreenShape {
    /// Width, m.
    pub width_m: f32,
    /// Height, m.
    pub height_m: f32,
}

impl ScreenShape {
    /// The largest picture of this aspect (width ÷ height) that fits; whatever is no sensible aspect counts as 16:9.
    #[must_use]
    pub fn of_aspect(aspect: f32) -> Self {
        let aspect = if aspect.is_finite() && aspect > 0.0 { aspect.clamp(0.2, 8.0) } else { 16.0 / 9.0 };
        let width_m = SCREEN_WIDTH_M.min(SCREEN_HEIGHT_M * aspect);
        Self { width_m, height_m: width_m / aspect }
    }

    /// Width ÷ height.
    #[must_use]
    pub fn aspect(self) -> f32 {
        self.width_m / self.height_m
    }
}

impl Default for ScreenShape {
    fn default() -> Self {
        Self::of_aspect(16.0 / 9.0)
    }
}

/// An upright rectangle that looks towards +z, m.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect3 {
    /// Its middle.
    pub middle: Vec3,
    /// Width.
    pub width_m: f32,
    /// Height.
    pub height_m: f32,
}

/// One of the four black cloths.
#[derive(Component, Debug, Clone, Copy)]
pub(in crate::theater) struct Masking {
    edge: Edge,
    /// Where its inner edge is, m.
    glide: Glide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Left,
    Right,
    Top,
    Bottom,
}

impl Edge {
    /// Where the picture's edge is.
    fn of(self, rect: Rect3) -> f32 {
        match self {
            Self::Left => rect.middle.x - rect.width_m / 2.0,
            Self::Right => rect.middle.x + rect.width_m / 2.0,
            Self::Top => rect.middle.y + rect.height_m / 2.0,
            Self::Bottom => rect.middle.y - rect.height_m / 2.0,
        }
    }

    /// How a cloth of one square metre covers everything between the opening's edge and `inner`.
    fn covering(self, inner: f32) -> Transform {
        let (aside, low, high) = OPENING;
        let (x, y) = match self {
            Self::Left => ((-aside, inner), (low, high)),
            Self::Right => ((inner, aside), (low, high)),
            Self::Top => ((-aside, aside), (inner, high)),
            Self::Bottom => ((-aside, aside), (low, inner)),
        };
        // Sideways cloths hang in front of the others.
        let z = if matches!(self, Self::Left | Self::Right) { 0.03 } else { 0.02 };
        let middle = Vec3::new((x.0 + x.1) / 2.0, (y.0 + y.1) / 2.0, z);
        Transform::from_translation(middle).with_scale(Vec3::new((x.1 - x.0).max(1e-3), (y.1 - y.0).max(1e-3), 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_film_fits_the_screen_and_keeps_its_shape(aspect in 0.3f32..6.0) {
            let rect = screen_rect(aspect);
            prop_assert!(rect.width_m <= SCREEN_WIDTH_M + 1e-4 && rect.height_m <= SCREEN_HEIGHT_M + 1e-4);
            prop_assert!((rect.width_m / rect.height_m / aspect - 1.0).abs() < 1e-4);
            prop_assert!(rect.middle.y - rect.height_m / 2.0 >= SCREEN_LOW_M - 1e-4);
            prop_assert!(rect.middle.y + rect.height_m / 2.0 <= SCREEN_LOW_M + SCREEN_HEIGHT_M + 1e-4);
        }
    }

    #[test]
    fn scope_is_as_wide_and_academy_as_high_as_the_screen() {
        assert_eq!(ScreenShape::of_aspect(2.39).width_m, SCREEN_WIDTH_M);
        assert_eq!(ScreenShape::of_aspect(4.0 / 3.0).height_m, SCREEN_HEIGHT_M);
    }

    #[test]
    fn nonsense_counts_as_sixteen_to_nine() {
        for aspect in [f32::NAN, f32::INFINITY, 0.0, -2.0] {
            assert_eq!(ScreenShape::of_aspect(aspect), ScreenShape::default());
        }
    }
}
