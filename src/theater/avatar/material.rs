//! The one material of all figures, in four parts, and the list of people it reads: colours, light and pose of each stand in one buffer, so that
//! figures of the same outfit are drawn together and a moving head moves no mesh. The shader is `shaders/avatar.wgsl`.

use std::path::{Path, PathBuf};

use bevy::{
    asset::io::embedded::EmbeddedAssetRegistry,
    mesh::MeshVertexBufferLayoutRef,
    pbr::{MaterialPipeline, MaterialPipelineKey},
    prelude::*,
    render::{
        render_resource::{AsBindGroup, RenderPipelineDescriptor, ShaderType, SpecializedMeshPipelineError},
        storage::ShaderBuffer,
    },
    shader::{ShaderDefVal, ShaderRef},
};

use super::sculpt::ATTRIBUTE_TAKES;
use crate::theater::Tier;

/// Embeds the shader and makes the parts.
pub(super) fn plugin(app: &mut App) {
    let embedded = app.world().resource::<EmbeddedAssetRegistry>();
    let source: &'static [u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/avatar.wgsl"));
    embedded.insert_asset(PathBuf::new(), Path::new("houselights/avatar.wgsl"), source);
    app.add_plugins(MaterialPlugin::<AvatarMaterial>::default());
}

/// What is drawn of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Body, head, hair, hat.
    Body,
    /// The plate with the drawn face.
    Face,
    /// The plate with a picture of the person.
    Picture,
    /// The letters over a sleeper.
    Sleep,
}

impl Part {
    fn shader_defs(self) -> Vec<ShaderDefVal> {
        match self {
            Self::Body => vec!["BODY".into()],
            Self::Face => vec!["FACE".into()],
            Self::Picture => vec!["FACE".into(), "PICTURE".into()],
            Self::Sleep => vec!["SLEEP".into()],
        }
    }
}

/// A part of every figure. The mesh's tag is the person's number in the list.
#[derive(Asset, TypePath, AsBindGroup, Debug, Clone)]
#[bind_group_data(Variant)]
pub(super) struct AvatarMaterial {
    #[storage(0, read_only)]
    pub(super) people: Handle<ShaderBuffer>,
    /// Of the person, for [`Part::Picture`].
    #[texture(1)]
    #[sampler(2)]
    pub(super) picture: Option<Handle<Image>>,
    pub(super) part: Part,
    pub(super) tier: Tier,
}

/// What chooses the shader's variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    part: Part,
    tier: Tier,
}

impl From<&AvatarMaterial> for Variant {
    fn from(material: &AvatarMaterial) -> Self {
        Self { part: material.part, tier: material.tier }
    }
}

/// A person as the shader reads them.
#[derive(ShaderType, Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct PersonUniform {
    /// The light that falls from six sides, linear: +x, −x, +y, −y, +z, −z. In the first one's last: how far the right foot is behind the left one,
    /// for each metre of leg.
    pub(super) light: [Vec4; 6],
    /// The cloth's colour, linear; a number between 0 and 1 of the person's own.
    pub(super) cloth: Vec4,
    /// The skin's; by how much they sit lower, m.
    pub(super) skin: Vec4,
    /// The hair's; how loud they speak, slowly.
    pub(super) hair: Vec4,
    /// The head's rotation, a quaternion.
    pub(super) head: Vec4,
    /// How far the shoulders turn, radians; how fast asleep, 0 to 1; how grey; which glasses.
    pub(super) body: Vec4,
    /// Where the eyes are turned to, −1 to 1, left and up; how far the mouth is open; the letters: 1 *zzz*, −1 dots, 0 none.
    pub(super) face: Vec4,
}

impl Material for AvatarMaterial {
    fn vertex_shader() -> ShaderRef {
        SHADER.into()
    }

    fn fragment_shader() -> ShaderRef {
        SHADER.into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        if self.part == Part::Sleep { AlphaMode::Blend } else { AlphaMode::Opaque }
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
        let Variant { part, tier } = key.bind_group_data;
        if part == Part::Body {
            // Hair and hats are open shells: one may look under their edges.
            descriptor.primitive.cull_mode = None;
        }
        let mut defs = part.shader_defs();
        if tier == Tier::High {
            defs.push("HIGH".into());
        }
        descriptor.vertex.shader_defs.extend(defs.iter().cloned());
        if let Some(fragment) = &mut descriptor.fragment {
            fragment.shader_defs.extend(defs);
        }
        descriptor.vertex.buffers = vec![layout.0.get_layout(&[
            Mesh::ATTRIBUTE_POSITION.at_shader_location(0),
            Mesh::ATTRIBUTE_NORMAL.at_shader_location(1),
            Mesh::ATTRIBUTE_UV_0.at_shader_location(2),
            Mesh::ATTRIBUTE_COLOR.at_shader_location(3),
            ATTRIBUTE_TAKES.at_shader_location(4),
        ])?];
        Ok(())
    }
}

const SHADER: &str = "embedded://houselights/avatar.wgsl";
