//! Seats one can point at: an unseen outline for each, and a glow on the one under the pointer if it is free ([`Occupied`] says who sits in it
//! otherwise).

use super::measures::{SeatNumber, seat_place};
use super::seats;
use super::shape::{Paint, Shape};
use crate::theater::light::bake::bake;
use crate::theater::material::{HallMaterial, LightBuffer, Pattern};
use crate::theater::{Occupied, Theater, Tier, motion};
use bevy::asset::RenderAssetUsages;
use bevy::mesh::{Indices, PrimitiveTopology};
use bevy::picking::mesh_picking::MeshPickingPlugin;
use bevy::prelude::*;

/// Puts an outline round every seat and lets the one under the pointer glow. Others observe `Pointer<Click>` on entities with [`Seat`].
pub fn plugin(app: &mut App) {
    if !app.is_plugin_added::<MeshPickingPlugin>() {
        app.add_plugins(MeshPickingPlugin);
    }
    app.init_resource::<HoveredSeat>();
    app.add_systems(Startup, place);
    app.add_systems(Update, glow.in_set(Theater::Move));
}

fn place(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<HallMaterial>>,
    tier: Res<Tier>,
    light: Res<LightBuffer>,
) {
    // No material: it is met by rays and never drawn.
    let shape = meshes.add(outline());
    for seat in SeatNumber::all() {
        let at = seat_place(seat).floor;
        commands
            .spawn((
                Name::new(format!("seat {}", seat.get())),
                Seat(seat),
                Mesh3d(shape.clone()),
                Transform::from_translation(at),
                Pickable::default(),
            ))
            .observe(|over: On<Pointer<Over>>, seats: Query<&Seat>, mut hovered: ResMut<HoveredSeat>| {
                hovered.0 = seats.get(over.entity).ok().map(|seat| seat.0);
            })
            .observe(|out: On<Pointer<Out>>, seats: Query<&Seat>, mut hovered: ResMut<HoveredSeat>| {
                if hovered.0 == seats.get(out.entity).ok().map(|seat| seat.0) {
                    hovered.0 = None;
                }
            });
    }
    let mut cover = Shape::default();
    seats::cushions(&mut cover, Vec3::ZERO, 0.006);
    for corner in &mut cover.corners {
        corner.paint = Paint::lamp(255, 170, 84, 0.012 + 0.055 * (corner.normal.y.max(0.0) + (corner.position.y - 0.6).max(0.0)), 0.0);
        corner.uv = Vec2::splat(0.35);
    }
    let mut material = HallMaterial::new(Pattern::Halo, *tier, &light);
    material.strength = 0.0;
    commands.spawn((
        Name::new("seat under the pointer"),
        Glow { strength: 0.0 },
        Mesh3d(meshes.add(bake(Pattern::Halo, &cover, Vec3::ZERO))),
        MeshMaterial3d(materials.add(material)),
        Visibility::Hidden,
        Pickable::IGNORE,
    ));
}

fn glow(
    time: Res<Time>,
    hovered: Res<HoveredSeat>,
    occupied: Res<Occupied>,
    mut glows: Query<(&mut Glow, &mut Transform, &mut Visibility, &MeshMaterial3d<HallMaterial>)>,
    mut materials: ResMut<Assets<HallMaterial>>,
) {
    for (mut glow, mut transform, mut visibility, material) in &mut glows {
        // What somebody sits in is not offered.
        let offered = hovered.0.filter(|seat| occupied.is_free(*seat));
        if let (Some(seat), true) = (offered, hovered.is_changed() || occupied.is_changed()) {
            transform.translation = seat_place(seat).floor;
        }
        let target = if offered.is_some() { 1.0 } else { 0.0 };
        if glow.strength == target {
            continue;
        }
        let next = glow.strength + (target - glow.strength) * motion::covered(time.delta_secs(), GLOW_TAU_S);
        glow.strength = if (next - target).abs() < 0.01 { target } else { next };
        visibility.set_if_neq(if glow.strength > 0.0 { Visibility::Inherited } else { Visibility::Hidden });
        if let Some(mut material) = materials.get_mut(&material.0) {
            material.strength = glow.strength;
        }
    }
}

/// Seat and back as a ray meets them, relative to the seat's floor.
fn outline() -> Mesh {
    let mut shape = Shape::default();
    seats::cushions(&mut shape, Vec3::ZERO, 0.0);
    Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::MAIN_WORLD)
        .with_inserted_attribute(
            Mesh::ATTRIBUTE_POSITION,
            shape.corners.iter().map(|corner| corner.position.to_array()).collect::<Vec<_>>(),
        )
        .with_inserted_indices(Indices::U32(shape.triangles.into_iter().flatten().collect()))
}

/// Nothing pops, s.
const GLOW_TAU_S: f32 = 0.07;

/// A seat one can point at and click.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat(pub SeatNumber);

/// The seat under the pointer, free or not.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HoveredSeat(pub Option<SeatNumber>);

#[derive(Component, Debug)]
struct Glow {
    strength: f32,
}
