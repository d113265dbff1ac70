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
        .add_systems(Update, put_up.in_set(Theater::Move).run_if(resource_changed::<Screen>.or_eager(resource_changed::<Tier>)));
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
        let plane = picture.planes.plane(index, 0);
        UVec2::new(plane.width, plane.height)
    });
    let layout = Layout { sizes, bits: picture.bits, levels: picture.planes.levels() as u32 };
    let uniform = PictureUniform::new(&picture);
    let key = ScreenKey { tier: *tier, curve: picture.curve };
    if screen.layout != Some(layout) {
        screen.layout = Some(layout);
        screen.textures = Some([0, 1, 2].map(|index| images.add(layout.texture(index))));
        screen.material = None;
    }
    let Some([luma, blue, red]) = screen.textures.clone() else { return };
    match screen.material.as_ref().map(|handle| (handle, materials.get(handle))) {
        Some((_, Some(material))) if material.key == key && material.picture == uniform => {}
        Some((handle, Some(material))) if material.key == key => {
            let handle = handle.clone();
            if let Some(mut material) = materials.get_mut(&handle) {
                material.picture = uniform;
            }
        }
        _ => {
            let handle = materials.add(ScreenMaterial { picture: uniform, luma, blue, red, key });
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
        for level in 0..picture.planes.levels() {
            let plane = picture.planes.plane(index, level);
            queue.write_texture(
                TexelCopyTextureInfo {
                    texture: &texture.texture,
                    mip_level: level as u32,
                    origin: Origin3d::ZERO,
                    aspect: TextureAspect::All,
                },
                plane.bytes,
                TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(plane.stride as u32), rows_per_image: None },
                Extent3d { width: plane.width, height: plane.height, depth_or_array_layers: 1 },
            );
        }
    }
    upload.waiting = None;
    upload.uploads += 1;
}

/// What is on the screen. [`show`](Self::show) replaces it; in the same frame it is on the GPU.
#[derive(Resource, Default)]
pub struct Screen {
    picture: Option<Arc<ScreenPicture>>,
    serial: u64,
    layout: Option<Layout>,
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

/// What the textures are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    sizes: [UVec2; 3],
    bits: u32,
    levels: u32,
}

impl Layout {
    /// A texture that shows black until its plane is written. Codes of two bytes stand in two channels: every adapter has such textures, and they lose nothing.
    fn texture(&self, index: usize) -> Image {
        let UVec2 { x: width, y: height } = self.sizes[index];
        let code = if index == 0 { 16_u16 } else { 128 } << (self.bits.clamp(8, 16) - 8);
        let deep = code.to_le_bytes();
        let (pixel, format) = if self.bits > 8 { (&deep[..], TextureFormat::Rg8Unorm) } else { (&deep[..1], TextureFormat::R8Unorm) };
        let size = Extent3d { width, height, depth_or_array_layers: 1 };
        let mut image = Image::new_fill(size, TextureDimension::D2, pixel, format, RenderAssetUsages::RENDER_WORLD);
        image.texture_descriptor.mip_level_count = self.levels;
        let pixels: usize = (0..self.levels).map(|level| ((width >> level).max(1) * (height >> level).max(1)) as usize).sum();
        image.data = Some(pixel.repeat(pixels));
        image
    }
}

/// A picture of three planes and how its codes become light.
pub struct ScreenPicture {
    /// The codes.
    pub planes: Arc<dyn Planes>,
    /// Bits of a code: 8 in one byte, up to 16 in two.
    pub bits: u32,
    /// R′, G′, B′ of normalised codes (0–1 for all there are): factors of the three planes, and the constant.
    pub rows: [[f32; 4]; 3],
    /// How many luma pixels share one of chroma, across and down, as powers of two.
    pub chroma_shift: [u32; 2],
    /// How far chroma stands from the middle of those, to the left and upwards, in luma pixels.
    pub chroma_offset: [f32; 2],
    /// From a place on the screen to one in the planes, both from the middle, to the right and down.
    pub turn: [[f32; 2]; 2],
    /// How R′, G′, B′ become light.
    pub curve: ScreenCurve,
    /// From that light to the one of BT.709.
    pub gamut: [[f32; 3]; 3],
    /// For light beyond white: the code of the film's brightest, white's over it, where compression begins, and white in candela per square metre.
    pub tone: [f32; 4],
    /// Width over height, as it is shown.
    pub aspect: f32,
    /// Mean light of three zones across and two down, linear RGB.
    pub zones: [[f32; 3]; 6],
}

/// How R′, G′, B′ become light.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScreenCurve {
    /// As an ordinary display does it.
    #[default]
    Standard,
    /// Perceptual quantiser.
    Pq,
    /// Hybrid log-gamma.
    Hlg,
}

/// Three planes of codes: luma, Cb, Cr.
pub trait Planes: Send + Sync {
    /// How many times they are there: as they are, half as wide and high (rounded down, at least one), a quarter, and so on.
    fn levels(&self) -> usize;

    /// One of them, by its number and level; level 0 is as it is.
    fn plane(&self, index: usize, level: usize) -> ScreenPlane<'_>;
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
#[bind_group_data(ScreenKey)]
struct ScreenMaterial {
    #[uniform(0)]
    picture: PictureUniform,
    #[texture(1, sample_type = "float", filterable = false)]
    luma: Handle<Image>,
    #[texture(2, sample_type = "float", filterable = false)]
    blue: Handle<Image>,
    #[texture(3, sample_type = "float", filterable = false)]
    red: Handle<Image>,
    key: ScreenKey,
}

/// What the shader is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ScreenKey {
    tier: Tier,
    curve: ScreenCurve,
}

impl From<&ScreenMaterial> for ScreenKey {
    fn from(material: &ScreenMaterial) -> Self {
        material.key
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
        let ScreenKey { tier, curve } = key.bind_group_data;
        if let Some(fragment) = &mut descriptor.fragment {
            if tier == Tier::High {
                fragment.shader_defs.push("HIGH".into());
            }
            match curve {
                ScreenCurve::Standard => {}
                ScreenCurve::Pq => fragment.shader_defs.push("PQ".into()),
                ScreenCurve::Hlg => fragment.shader_defs.push("HLG".into()),
            }
        }
        Ok(())
    }
}

#[derive(ShaderType, Debug, Clone, Copy, PartialEq)]
struct PictureUniform {
    rows: [Vec4; 3],
    gamut: [Vec4; 3],
    chroma: Vec4,
    turn: Vec4,
    tone: Vec4,
    code: Vec4,
}

impl PictureUniform {
    fn new(picture: &ScreenPicture) -> Self {
        // Odd sizes round up, so the planes' sizes do not tell.
        let [across, down] = picture.chroma_shift.map(|shift| 1.0 / (1_u32 << shift.min(4)) as f32);
        let [left, up] = picture.chroma_offset;
        let [[a, b], [c, d]] = picture.turn;
        let most = ((1_u32 << picture.bits.clamp(8, 16)) - 1) as f32;
        // A channel of a texture is a byte over 255.
        let bytes = if picture.bits > 8 { (255.0 / most, 255.0 * 256.0 / most) } else { (1.0, 0.0) };
        Self {
            rows: picture.rows.map(Vec4::from_array),
            gamut: picture.gamut.map(|row| Vec3::from_array(row).extend(0.0)),
            chroma: Vec4::new(across, down, left, up),
            turn: Vec4::new(a, b, c, d),
            tone: Vec4::from_array(picture.tone),
            code: Vec4::new(bytes.0, bytes.1, picture.chroma_shift[0].max(picture.chroma_shift[1]) as f32, 0.0),
        }
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
