//! The red curtain: two halves that gather at the sides.

use super::front;
use super::measures::HALL_HALF_M;
use crate::theater::light::bake::bake;
use crate::theater::material::{HallMaterial, LightBuffer, Pattern};
use crate::theater::motion::Glide;
use crate::theater::{PlaceSettings, Theater, Tier};
use bevy::prelude::*;

/// Hangs the curtain and draws it.
pub fn plugin(app: &mut App) {
    app.init_resource::<Curtain>();
    app.add_systems(Startup, hang);
    app.add_systems(Update, draw.in_set(Theater::Move));
}

fn hang(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<HallMaterial>>,
    tier: Res<Tier>,
    light: Res<LightBuffer>,
) {
    let material = materials.add(HallMaterial::new(Pattern::Velvet, *tier, &light));
    for side in [-1.0, 1.0] {
        let edge = front::curtain_edge(side);
        let mesh = bake(Pattern::Velvet, &front::curtain(side), edge);
        commands.spawn((
            Name::new("curtain"),
            Half,
            Mesh3d(meshes.add(mesh)),
            MeshMaterial3d(material.clone()),
            Transform::from_translation(edge),
            Pickable::IGNORE,
        ));
    }
}

fn draw(
    time: Res<Time>,
    settings: Res<PlaceSettings>,
    mut curtain: ResMut<Curtain>,
    mut halves: Query<&mut Transform, With<Half>>,
    fresh: Query<(), Added<Half>>,
) {
    let moving = !curtain.glide.resting();
    if moving || !fresh.is_empty() || curtain.is_changed() {
        let open = curtain.bypass_change_detection().glide.advance(if settings.reduce_motion { CURTAIN_S } else { time.delta_secs() });
        for mut half in &mut halves {
            half.scale.x = stretch(open);
        }
    }
}

/// How much wider than drawn aside a half is when it is open this far (0 closed, 1 open).
fn stretch(open: f32) -> f32 {
    let closed = (HALL_HALF_M + 0.12) / front::CURTAIN_OPEN_M;
    closed + (1.0 - closed) * open
}

/// How far the curtain is drawn aside.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct Curtain {
    glide: Glide,
}

impl Curtain {
    /// Draws it aside, slowly.
    pub fn open(&mut self) {
        self.glide.go(1.0, CURTAIN_S);
    }

    /// Closes it, slowly.
    pub fn close(&mut self) {
        self.glide.go(0.0, CURTAIN_S);
    }

    /// There at once: 0 closed, 1 open.
    pub fn jump(&mut self, open: f32) {
        self.glide = Glide::at(open.clamp(0.0, 1.0));
    }

    /// Whether it is on its way.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        !self.glide.resting()
    }

    /// Where it is: 0 closed, 1 open.
    #[must_use]
    pub fn openness(&self) -> f32 {
        self.glide.value()
    }
}

impl Default for Curtain {
    fn default() -> Self {
        Self { glide: Glide::at(1.0) }
    }
}

/// A heavy curtain takes its time, s.
pub(in crate::theater) const CURTAIN_S: f32 = 2.6;

/// Half of the curtain.
#[derive(Component, Debug)]
struct Half;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_halves_meet_in_the_middle() {
        assert!(stretch(0.0) * front::CURTAIN_OPEN_M >= HALL_HALF_M);
        assert!((stretch(1.0) - 1.0).abs() < 1e-6);
    }
}
