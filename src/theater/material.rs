//! The one small material of the hall: baked light × paint × a pattern, chosen by shader definitions and never by `if`.
//!
//! A `StandardMaterial`, even unlit, costs ten times as much in software rendering. The shader is `shaders/hall.wgsl`.

use super::Tier;
use bevy::asset::io::embedded::EmbeddedAssetRegistry;
use bevy::mesh::{MeshVertexAttribute, MeshVertexBufferLayoutRef, VertexFormat};
use bevy::pbr::{MaterialPipeline, MaterialPipelineKey};
use bevy::prelude::*;
use bevy::render::render_resource::{AsBindGroup, RenderPipelineDescriptor, ShaderType, SpecializedMeshPipelineError};
use bevy::render::storage::ShaderBuffer;
use bevy::shader::ShaderRef;
use std::path::{Path, PathBuf};

/// Embeds the shader and registers [`HallMaterial`].
pub fn plugin(app: &mut App) {
    let embedded = app.world().resource::<EmbeddedAssetRegistry>();
    let source: &'static [u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/hall.wgsl"));
    embedded.insert_asset(PathBuf::new(), Path::new("houselights/hall.wgsl"), source);
    let source: &'static [u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/light.wgsl"));
    embedded.insert_asset(PathBuf::new(), Path::new("houselights/light.wgsl"), source);
    let library = app.world().resource::<AssetServer>().load("embedded://houselights/light.wgsl");
    app.insert_resource(Library(library));
    app.add_plugins(MaterialPlugin::<HallMaterial>::default());
    app.init_resource::<LightBuffer>();
}

/// What the hall's and the figures' shaders share; others import it by name only while somebody holds it.
#[derive(Resource)]
struct Library(#[expect(dead_code, reason = "held, never read")] Handle<Shader>);

/// What a surface is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// One colour.
    Plain,
    /// The floor: small lozenges.
    Carpet,
    /// The panels of the walls: a woven cloth.
    Fabric,
    /// Walnut, the grain along the pattern's second coordinate.
    Wood,
    /// The ceiling with its stars.
    Stars,
    /// Curtains: lighter where one looks along the pile.
    Velvet,
    /// Seats: velvet in upright channels.
    Plush,
    /// Metal that mirrors the screen a little.
    Brass,
    /// Shines by itself and shows nothing else.
    Lamp,
    /// A soft round glow added to what is behind it; coordinates from −1 to 1.
    Halo,
    /// The projector's beam: the film's mean colour, added; fades with the second coordinate from 0 to 1.
    Beam,
}

impl Pattern {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Plain,
        Self::Carpet,
        Self::Fabric,
        Self::Wood,
        Self::Stars,
        Self::Velvet,
        Self::Plush,
        Self::Brass,
        Self::Lamp,
        Self::Halo,
        Self::Beam,
    ];

    /// Its name in the shader.
    #[must_use]
    pub fn shader_def(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Carpet => "CARPET",
            Self::Fabric => "FABRIC",
            Self::Wood => "WOOD",
            Self::Stars => "STARS",
            Self::Velvet => "VELVET",
            Self::Plush => "PLUSH",
            Self::Brass => "BRASS",
            Self::Lamp => "LAMP",
            Self::Halo => "HALO",
            Self::Beam => "BEAM",
        }
    }
}

/// How much a corner receives from the house lights and from the screen's zones 0 to 2 (upper row, left to right).
pub const ATTRIBUTE_HOUSE_AND_UPPER: MeshVertexAttribute =
    MeshVertexAttribute::new("HouseAndUpper", 0x686f_7573_6501, VertexFormat::Float32x4);
/// How much a corner receives from the screen's zones 3 to 5 (lower row), and the light it sends by itself.
pub const ATTRIBUTE_LOWER_AND_OWN: MeshVertexAttribute = MeshVertexAttribute::new("LowerAndOwn", 0x686f_7573_6502, VertexFormat::Float32x4);
/// Light from lamps that never change: aisle lights and exit signs; linear red, green, blue.
pub const ATTRIBUTE_FIXED: MeshVertexAttribute = MeshVertexAttribute::new("Fixed", 0x686f_7573_6503, VertexFormat::Float32x3);

/// A surface of the hall.
#[derive(Asset, TypePath, AsBindGroup, Debug, Clone)]
#[bind_group_data(Look)]
pub struct HallMaterial {
    /// The light of the moment, one for all: it changes without touching the materials.
    #[storage(0, read_only)]
    pub light: Handle<ShaderBuffer>,
    /// Strength of the surface's own light.
    #[uniform(1)]
    pub strength: f32,
    /// What it is made of.
    pub pattern: Pattern,
    /// In how much detail.
    pub tier: Tier,
}

impl HallMaterial {
    /// A surface in the light of the hall.
    #[must_use]
    pub fn new(pattern: Pattern, tier: Tier, light: &LightBuffer) -> Self {
        Self { light: light.0.clone(), strength: 1.0, pattern, tier }
    }
}

/// The light as the shader reads it.
#[derive(ShaderType, Debug, Clone, Copy, PartialEq)]
pub struct LightUniform {
    /// Colour of the house lights times their level; the level.
    pub house: Vec4,
    /// What the screen's zones throw into the hall, linear; upper row first, left to right.
    pub zones: [Vec4; 6],
    /// 1 ÷ the gain in `zones`; three spare.
    pub rest: Vec4,
}

impl Default for LightUniform {
    fn default() -> Self {
        Self { house: Vec4::ZERO, zones: [Vec4::ZERO; 6], rest: Vec4::ONE }
    }
}

/// Where the light of the hall lies on the graphics card.
#[derive(Resource, Debug, Clone)]
pub struct LightBuffer(pub Handle<ShaderBuffer>);

impl FromWorld for LightBuffer {
    fn from_world(world: &mut World) -> Self {
        Self(world.resource_mut::<Assets<ShaderBuffer>>().add(ShaderBuffer::from(LightUniform::default())))
    }
}

impl Material for HallMaterial {
    fn vertex_shader() -> ShaderRef {
        SHADER.into()
    }

    fn fragment_shader() -> ShaderRef {
        SHADER.into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        match self.pattern {
            Pattern::Halo | Pattern::Beam => AlphaMode::Add,
            _ => AlphaMode::Opaque,
        }
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }

    fn specialize(
        _: &MaterialPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        layout: &MeshVertexBufferLayoutRef,
        key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        let look = key.bind_group_data;
        let mut defs = vec![look.pattern.shader_def().into()];
        if look.tier == Tier::High {
            defs.push("HIGH".into());
        }
        descriptor.vertex.shader_defs.extend(defs.iter().cloned());
        if let Some(fragment) = &mut descriptor.fragment {
            fragment.shader_defs.extend(defs);
        }
        if matches!(look.pattern, Pattern::Halo | Pattern::Beam) {
            descriptor.primitive.cull_mode = None;
        }
        descriptor.vertex.buffers = vec![layout.0.get_layout(&[
            Mesh::ATTRIBUTE_POSITION.at_shader_location(0),
            Mesh::ATTRIBUTE_NORMAL.at_shader_location(1),
            Mesh::ATTRIBUTE_UV_0.at_shader_location(2),
            Mesh::ATTRIBUTE_COLOR.at_shader_location(3),
            ATTRIBUTE_HOUSE_AND_UPPER.at_shader_location(4),
            ATTRIBUTE_LOWER_AND_OWN.at_shader_location(5),
            ATTRIBUTE_FIXED.at_shader_location(6),
        ])?];
        Ok(())
    }
}

const SHADER: &str = "embedded://houselights/hall.wgsl";

/// What chooses the shader's variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Look {
    pattern: Pattern,
    tier: Tier,
}

impl From<&HallMaterial> for Look {
    fn from(material: &HallMaterial) -> Self {
        Self { pattern: material.pattern, tier: material.tier }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_listed_in_the_order_of_their_numbers() {
        for (number, pattern) in Pattern::ALL.into_iter().enumerate() {
            assert_eq!(pattern as usize, number);
        }
    }
}
