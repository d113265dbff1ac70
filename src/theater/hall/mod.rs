//! The hall itself: numbers, meshes, screen, curtain, seats to point at.

use super::Tier;
use super::light::bake::bake;
use super::material::{HallMaterial, LightBuffer};
use bevy::prelude::*;
use shape::Model;

pub mod curtain;
mod digits;
mod front;
mod lamps;
pub mod measures;
pub mod pick;
mod room;
pub mod screen;
mod seats;
pub mod shape;

/// Builds the hall at the start.
pub fn plugin(app: &mut App) {
    app.add_plugins((screen::plugin, curtain::plugin, pick::plugin));
    app.add_systems(Startup, build);
}

fn build(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<HallMaterial>>,
    tier: Res<Tier>,
    light: Res<LightBuffer>,
) {
    for (pattern, shape) in model().into_shapes() {
        let material = materials.add(HallMaterial::new(pattern, *tier, &light));
        for (number, slice) in shape.sliced(SLICE_M).into_iter().enumerate() {
            commands.spawn((
                Name::new(format!("hall {pattern:?} {number}")),
                Mesh3d(meshes.add(bake(pattern, &slice, Vec3::ZERO))),
                MeshMaterial3d(material.clone()),
                Pickable::IGNORE,
            ));
        }
    }
}

/// Depth of a slice that is drawn or left out as a whole, m.
const SLICE_M: f32 = 3.4;

/// Everything that does not move.
#[must_use]
pub fn model() -> Model {
    let mut model = Model::default();
    room::build(&mut model);
    front::build(&mut model);
    seats::build(&mut model);
    lamps::build(&mut model);
    model
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hall_is_small_enough_to_draw_in_software() {
        let corners = model().corner_count();
        assert!((20_000..75_000).contains(&corners), "{corners} corners");
    }

    #[test]
    fn every_corner_is_somewhere_and_looks_somewhere() {
        for (pattern, shape) in model().into_shapes() {
            for corner in shape.corners {
                assert!(corner.position.is_finite() && corner.uv.is_finite(), "{pattern:?}");
                assert!((corner.normal.length() - 1.0).abs() < 1e-3, "{pattern:?} {corner:?}");
            }
        }
    }
}
