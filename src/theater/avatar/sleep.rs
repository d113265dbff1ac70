//! The letters over sleepers: three small squares that `shaders/avatar.wgsl` lets rise. Pure.

use bevy::{
    asset::RenderAssetUsages,
    mesh::{Indices, Mesh, PrimitiveTopology},
};

use super::sculpt::ATTRIBUTE_TAKES;

/// Three squares; x of a corner's place is the letter's number, its coordinates go from −1 to 1.
pub(super) fn letters() -> Mesh {
    let corners = || (0..3u8).flat_map(|letter| [[-1.0f32, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|at| (f32::from(letter), at)));
    let indices = (0..3u32).flat_map(|letter| [0, 1, 2, 0, 2, 3].map(|corner| letter * 4 + corner)).collect();
    Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, corners().map(|(letter, _)| [letter, 0.0, 0.0]).collect::<Vec<_>>())
        .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, vec![[0.0f32, 0.0, 1.0]; 12])
        .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, corners().map(|(_, at)| at).collect::<Vec<_>>())
        .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, vec![[0.0f32, 0.0, 0.0, 1.0]; 12])
        .with_inserted_attribute(ATTRIBUTE_TAKES, vec![[0.0f32; 4]; 12])
        .with_inserted_indices(Indices::U32(indices))
}
