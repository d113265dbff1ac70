//! The picture on the screen: its planes go to the GPU as they are and become colours in `shaders/screen.wgsl`.
//!
//! Whoever has a picture gives it to [`Screen`]; nothing here knows what a film is. The planes are written into textures that stay (one copy, straight from the
//! decoder's memory), from the render world, so that no asset changes while the film's size stays the same.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bevy::{
    asset::{RenderAssetUsages, io::embedded::EmbeddedAssetRegistry},
    camera::visibility::RenderLayers,
    mesh::MeshVertexBufferLayoutRef,
    pbr::{MaterialPipeline, MaterialPipelineKey},
    prelude::*,
    render::{
        Extract, ExtractSchedule, Render, RenderApp, RenderSystems,
        render_asset::RenderAssets,
        render_resource::{
            AsBindGroup, Extent3d, Origin3d, RenderPipelineDescriptor, ShaderType, SpecializedMeshPipelineError, TexelCopyBufferLayout,
            TexelCopyTextureInfo, TextureAspect, TextureDimension, TextureFormat,
        },
        renderer::RenderQueue,
        texture::GpuImage,
    },
    shader::ShaderRef,
};

use super::{ScreenGlow, ScreenShape, Theater, Tier, screen_rect};

/// Hangs the screen. It needs nothing of the hall, and shows nothing where no camera looks.
pub fn plugin(app: &mut App) {
    let source: &'static [u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/screen.wgsl"));
    app.world().resource::<EmbeddedAssetRegistry>().insert_asset(PathBuf::new(), Path::new("houselights/screen.wgsl"), source);
    app.add_plugins(MaterialPlugin::<ScreenMaterial>::default())
        .init_resource::<Screen>()
        .init_resource::<Tier>()
        .init_resource::<ScreenShape>()
        .init_resource::<ScreenGlow>()
        .add_systems(Startup, hang)
        .add_systems(Update, put_up.in_set(Theater::Move).run_if(resource_changed::<Screen>));
    if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
        render_app
            .init_resource::<Upload>()
            .add_systems(ExtractSchedule, extract)
            .add_systems(Render, upload.in_set(RenderSystems::PrepareResources));
    }
}

/// The layer of what the cinema mode shows: the screen and nothing of the hall.
pub(super) const SCREEN_LAYER: usize = 1;

fn hang(mut commands: Commands, mut meshes: ResMut<Assets<Mesh>>, shape: Res<ScreenShape>) {
    commands.spawn((
        Name::new("screen"),
        Surface,
        Mesh3d(meshes.add(Rectangle::from_size(Vec2::ONE))),
        Visibility::Hidden,
        placed(shape.aspect()),
        RenderLayers::from_layers(&[0, SCREEN_LAYER]),
        Pickable::IGNORE,
    ));
}

fn placed(aspect: f32) -> Transform {
    let rect = screen_rect(aspect);
    Transform::from_translation(rect.middle).with_scale(Vec3::new(rect.width_m, rect.height_m, 1.0))
}

/// A new picture: textures for its size if that changed, its colours, its light in the hall, the screen's shape.
fn put_up(
    mut screen: ResMut<Screen>,
    mut images: ResMut<Assets<Image>>,
    mut materials: ResMut<Assets<ScreenMaterial>>,
    tier: Res<Tier>,
    mut shape: ResMut<ScreenShape>,
    mut glow: ResMut<ScreenGlow>,
    mut surface: Single<(Entity, &mut Visibility, &mut Transform), With<Surface>>,
    mut commands: Commands,
) {
    let screen = screen.bypass_change_detection();
    let (entity, visibility, transform) = &mut *surface;
    let Some(picture) = screen.picture.clone() else {
        **visibility = Visibility::Hidden;
        glow.set_if_neq(ScreenGlow::default());
        return;
    };
    let sizes = [0, 1, 2].map(|index| {
        let plane = picture.planes.plane(index);
        UVec2::new(plane.width, plane.height)
    });
    let uniform = PictureUniform::new(&picture, sizes);
    if screen.sizes != Some(sizes) {
        screen.sizes = Some(sizes);
        screen.textures = Some([0, 1, 2].map(|index| images.add(plane_texture(sizes[index], if index == 0 { 16 } else { 128 }))));
        screen.material = None;
    }
    let Some([luma, blue, red]) = screen.textures.clone() else { return };
    match screen.material.as_ref().map(|handle| (handle, materials.get(handle))) {
        Some((_, Some(material))) if material.picture == uniform => {}
        Some((handle, Some(_))) => {
            let handle = handle.clone();
            if let Some(mut material) = materials.get_mut(&handle) {
                material.picture = uniform;
            }
        }
        _ => {
            let handle = materials.add(ScreenMaterial { picture: uniform, luma, blue, red, tier: *tier });
            commands.entity(*entity).insert(MeshMaterial3d(handle.clone()));
            screen.material = Some(handle);
        }
    }
    let new_shape = ScreenShape::of_aspect(picture.aspect);
    if *shape != new_shape {
        *shape = new_shape;
    }
    transform.set_if_neq(placed(new_shape.aspect()));
    **visibility = Visibility::Inherited;
    glow.set_if_neq(ScreenGlow { zones: picture.zones.map(Vec3::from_array) });
}

/// A texture that shows black until its plane is written.
fn plane_texture(size: UVec2, code: u8) -> Image {
    let size = Extent3d { width: size.x, height: size.y, depth_or_array_layers: 1 };
    Image::new_fill(size, TextureDimension::D2, &[code], TextureFormat::R8Unorm, RenderAssetUsages::RENDER_WORLD)
}

fn extract(screen: Extract<Res<Screen>>, mut upload: ResMut<Upload>) {
    if screen.serial == upload.serial {
        return;
    }
    upload.serial = screen.serial;
    upload.waiting = screen.picture.clone().zip(screen.textures.as_ref().map(|textures| [0, 1, 2].map(|index| textures[index].id())));
}

fn upload(mut upload: ResMut<Upload>, images: Res<RenderAssets<GpuImage>>, queue: Res<RenderQueue>) {
    let Some((picture, textures)) = &upload.waiting else { return };
    let Some(textures) = textures.iter().map(|id| images.get(*id)).collect::<Option<Vec<_>>>() else {
        // The textures are made in this or the next frame; until then the picture waits.
        return;
    };
    for (index, texture) in textures.iter().enumerate() {
        let plane = picture.planes.plane(index);
        queue.write_texture(
            TexelCopyTextureInfo { texture: &texture.texture, mip_level: 0, origin: Origin3d::ZERO, aspect: TextureAspect::All },
            plane.bytes,
            TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(plane.stride as u32), rows_per_image: None },
            Extent3d { width: plane.width, height: plane.height, depth_or_array_layers: 1 },
        );
    }
    upload.waiting = None;
    upload.uploads += 1;
}

/// What is on the screen. [`show`](Self::show) replaces it; in the same frame it is on the GPU.
#[derive(Resource, Default)]
pub struct Screen {
    picture: Option<Arc<ScreenPicture>>,
    serial: u64,
    sizes: Option<[UVec2; 3]>,
    textures: Option<[Handle<Image>; 3]>,
    material: Option<Handle<ScreenMaterial>>,
}

impl Screen {
    /// Puts a picture up.
    pub fn show(&mut self, picture: ScreenPicture) {
        self.picture = Some(Arc::new(picture));
        self.serial += 1;
    }

    /// Takes the picture down; the screen is dark.
    pub fn clear(&mut self) {
        self.picture = None;
        self.serial += 1;
    }

    /// Whether there is a picture.
    #[must_use]
    pub const fn is_showing(&self) -> bool {
        self.picture.is_some()
    }
}

/// A picture of three planes and how its codes become colours.
pub struct ScreenPicture {
    /// The codes.
    pub planes: Arc<dyn Planes>,
    /// R′, G′, B′ of normalised codes: factors of Y′, Cb, Cr, and the constant.
    pub rows: [[f32; 4]; 3],
    /// Whether chroma stands above the left one of two luma pixels.
    pub chroma_left: bool,
    /// Width over height.
    pub aspect: f32,
    /// Mean light of three zones across and two down, linear RGB.
    pub zones: [[f32; 3]; 6],
}

/// Three planes of 8-bit codes: luma, Cb, Cr.
pub trait Planes: Send + Sync {
    /// One of them, by its number.
    fn plane(&self, index: usize) -> ScreenPlane<'_>;
}

/// One plane.
#[derive(Debug, Clone, Copy)]
pub struct ScreenPlane<'a> {
    /// Rows from the top.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The quad that shows the picture.
#[derive(Component)]
pub struct Surface;

#[derive(Asset, TypePath, AsBindGroup, Debug, Clone)]
#[bind_group_data(Tier)]
struct ScreenMaterial {
    #[uniform(0)]
    picture: PictureUniform,
    #[texture(1, sample_type = "float", filterable = false)]
    luma: Handle<Image>,
    #[texture(2, sample_type = "float", filterable = false)]
    blue: Handle<Image>,
    #[texture(3, sample_type = "float", filterable = false)]
    red: Handle<Image>,
    tier: Tier,
}

impl From<&ScreenMaterial> for Tier {
    fn from(material: &ScreenMaterial) -> Self {
        material.tier
    }
}

impl Material for ScreenMaterial {
    fn fragment_shader() -> ShaderRef {
        "embedded://houselights/screen.wgsl".into()
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
        _: &MeshVertexBufferLayoutRef,
        key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        if key.bind_group_data == Tier::High
            && let Some(fragment) = &mut descriptor.fragment
        {
            fragment.shader_defs.push("HIGH".into());
        }
        Ok(())
    }
}

#[derive(ShaderType, Debug, Clone, Copy, PartialEq)]
struct PictureUniform {
    rows: [Vec4; 3],
    chroma: Vec4,
}

impl PictureUniform {
    fn new(picture: &ScreenPicture, [luma, chroma, _]: [UVec2; 3]) -> Self {
        // One or two luma pixels to a chroma pixel; odd sizes round up.
        let step = |luma: u32, chroma: u32| if chroma < luma { 0.5 } else { 1.0 };
        let across = step(luma.x, chroma.x);
        let shift = if picture.chroma_left && across < 1.0 { 0.5 } else { 0.0 };
        Self { rows: picture.rows.map(Vec4::from_array), chroma: Vec4::new(across, step(luma.y, chroma.y), shift, 0.0) }
    }
}

/// Pictures on their way to the GPU.
#[derive(Resource, Default)]
pub struct Upload {
    serial: u64,
    waiting: Option<(Arc<ScreenPicture>, [AssetId<Image>; 3])>,
    /// How many were written.
    pub uploads: u64,
}
