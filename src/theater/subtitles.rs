//! Subtitles before the screen: a quad as large as the text, at the screen's depth.
//!
//! Whoever has subtitles asks [`SubtitleFrame`] how large the film's picture is seen, draws them for that size and gives them to [`SubtitleSurface`]. Only the part
//! with text is a texture, so that a line costs what its pixels cost, also where a processor draws.

use std::path::{Path, PathBuf};

use bevy::{
    asset::{RenderAssetUsages, io::embedded::EmbeddedAssetRegistry},
    camera::visibility::RenderLayers,
    image::{ImageAddressMode, ImageFilterMode, ImageSampler, ImageSamplerDescriptor},
    prelude::*,
    render::render_resource::{AsBindGroup, Extent3d, TextureDimension, TextureFormat},
    shader::ShaderRef,
};

use super::{Rect3, ScreenShape, SeatedCamera, Surface, Theater, screen::SCREEN_LAYER, screen_rect};

/// Hangs the quad. It needs nothing of the hall.
pub(super) fn plugin(app: &mut App) {
    let source: &'static [u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/subtitles.wgsl"));
    app.world().resource::<EmbeddedAssetRegistry>().insert_asset(PathBuf::new(), Path::new("houselights/subtitles.wgsl"), source);
    app.add_plugins(MaterialPlugin::<SubtitleMaterial>::default())
        .init_resource::<SubtitleSurface>()
        .init_resource::<SubtitleFrame>()
        .add_systems(Startup, hang)
        .add_systems(Update, measure.after(Theater::Light))
        .add_systems(Update, (put_up.run_if(resource_changed::<SubtitleSurface>), place).chain().in_set(Theater::Move));
}

fn hang(mut commands: Commands, mut meshes: ResMut<Assets<Mesh>>) {
    commands.spawn((
        Name::new("subtitles"),
        Subtitles,
        Mesh3d(meshes.add(Rectangle::from_size(Vec2::ONE))),
        Visibility::Hidden,
        Transform::default(),
        RenderLayers::from_layers(&[0, SCREEN_LAYER]),
        Pickable::IGNORE,
    ));
}

/// A new texture for what is to be seen.
fn put_up(
    surface: Res<SubtitleSurface>,
    mut images: ResMut<Assets<Image>>,
    mut materials: ResMut<Assets<SubtitleMaterial>>,
    quad: Single<(Entity, &mut Visibility, Option<&MeshMaterial3d<SubtitleMaterial>>), With<Subtitles>>,
    mut commands: Commands,
) {
    let (entity, mut visibility, material) = quad.into_inner();
    let Some(text) = &surface.text else {
        visibility.set_if_neq(Visibility::Hidden);
        return;
    };
    let size = Extent3d { width: text.width, height: text.height, depth_or_array_layers: 1 };
    // The codes are no colours yet: they are multiplied by alpha.
    let mut image = Image::new(size, TextureDimension::D2, text.rgba.clone(), TextureFormat::Rgba8Unorm, RenderAssetUsages::RENDER_WORLD);
    image.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
        address_mode_u: ImageAddressMode::ClampToEdge,
        address_mode_v: ImageAddressMode::ClampToEdge,
        mag_filter: ImageFilterMode::Linear,
        min_filter: ImageFilterMode::Linear,
        ..ImageSamplerDescriptor::default()
    });
    let image = images.add(image);
    if let Some(handle) = material {
        if let Some(mut material) = materials.get_mut(&handle.0) {
            material.text = image;
        }
    } else {
        commands.entity(entity).insert(MeshMaterial3d(materials.add(SubtitleMaterial { text: image })));
    }
    visibility.set_if_neq(Visibility::Inherited);
}

/// The quad follows the screen's shape.
fn place(surface: Res<SubtitleSurface>, shape: Res<ScreenShape>, mut quad: Single<&mut Transform, With<Subtitles>>) {
    if let Some(text) = &surface.text {
        quad.set_if_neq(text.placed(screen_rect(shape.aspect())));
    }
}

/// How large the picture is seen; for the next frame, which hardly differs.
fn measure(
    shape: Res<ScreenShape>,
    camera: Option<Single<(&Camera, &Projection, &Transform), With<SeatedCamera>>>,
    surface: Option<Single<&Transform, With<Surface>>>,
    mut frame: ResMut<SubtitleFrame>,
) {
    let Some((camera, projection, eye)) = camera.map(Single::into_inner) else { return };
    let Some(target) = camera.physical_target_size() else { return };
    let rect = screen_rect(shape.aspect());
    let middle = surface.map_or(rect.middle, |surface| surface.translation);
    let target_height = target.y as f32;
    let (height_px, band) = match projection {
        Projection::Perspective(lens) => {
            let seen_m = 2.0 * (eye.translation - middle).length() * (lens.fov / 2.0).tan();
            (steady(target_height * rect.height_m / seen_m.max(0.1), frame.height_px), BAND)
        }
        Projection::Orthographic(lens) => {
            let seen_m = lens.area.height().max(0.1);
            ((target_height * rect.height_m / seen_m).round(), ((seen_m / rect.height_m - 1.0) / 2.0).clamp(0.0, BAND))
        }
        Projection::Custom(_) => return,
    };
    let height_px = height_px.clamp(HEIGHT_PX_LEAST, HEIGHT_PX_MOST);
    let width_px = (height_px * shape.aspect()).round().clamp(16.0, WIDTH_PX_MOST);
    frame.set_if_neq(SubtitleFrame { width_px, height_px, band });
}

/// A size in steps: while the head moves or one sits down elsewhere, text is not drawn anew for each pixel.
fn steady(wanted: f32, now: f32) -> f32 {
    if wanted <= now && wanted > now * 0.8 { now } else { (wanted * 1.04 / 8.0).ceil() * 8.0 }
}

/// Subtitles as they are to be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SubtitleText {
    /// Width and height of the film's picture in the pixels of this one.
    pub frame: UVec2,
    /// Left and upper edge in the film's picture.
    pub at: IVec2,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green, blue, alpha for each pixel from the upper left: sRGB codes, multiplied by alpha.
    pub rgba: Vec<u8>,
}

impl SubtitleText {
    fn placed(&self, rect: Rect3) -> Transform {
        let metre = Vec2::new(rect.width_m, rect.height_m) / self.frame.as_vec2().max(Vec2::ONE);
        let size = Vec2::new(self.width as f32, self.height as f32);
        let middle = (self.at.as_vec2() + size / 2.0 - self.frame.as_vec2() / 2.0) * metre;
        let place = rect.middle + Vec3::new(middle.x, -middle.y, BEFORE_SCREEN_M);
        Transform::from_translation(place).with_scale((size * metre).extend(1.0))
    }
}

/// What stands before the screen.
#[derive(Resource, Debug, Default)]
pub struct SubtitleSurface {
    text: Option<SubtitleText>,
}

impl SubtitleSurface {
    /// Puts text up; text without pixels takes it down.
    pub fn show(&mut self, text: SubtitleText) {
        let is_whole = text.width > 0 && text.rgba.len() == text.width as usize * text.height as usize * 4;
        self.text = Some(text).filter(|_| is_whole);
    }

    /// Takes it down.
    pub fn clear(&mut self) {
        self.text = None;
    }

    /// What is up.
    #[must_use]
    pub const fn text(&self) -> Option<&SubtitleText> {
        self.text.as_ref()
    }
}

/// How the viewer sees the film's picture.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct SubtitleFrame {
    /// Width of the film's picture on the display, pixels.
    pub width_px: f32,
    /// Height of the film's picture on the display, pixels.
    pub height_px: f32,
    /// Room beneath the picture where subtitles can be seen, as a part of the picture's height.
    pub band: f32,
}

impl Default for SubtitleFrame {
    fn default() -> Self {
        Self { width_px: 1280.0, height_px: 720.0, band: BAND }
    }
}

/// The quad with the text.
#[derive(Component)]
struct Subtitles;

#[derive(Asset, TypePath, AsBindGroup, Debug, Clone)]
struct SubtitleMaterial {
    #[texture(0)]
    #[sampler(1)]
    text: Handle<Image>,
}

impl Material for SubtitleMaterial {
    fn fragment_shader() -> ShaderRef {
        "embedded://houselights/subtitles.wgsl".into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        AlphaMode::Premultiplied
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }
}

/// Before the black cloth round the picture, and as deep as the picture to the eye.
const BEFORE_SCREEN_M: f32 = 0.045;
/// The wall under the screen is free for about this part of the picture's height.
const BAND: f32 = 0.11;
const HEIGHT_PX_LEAST: f32 = 64.0;
const HEIGHT_PX_MOST: f32 = 2160.0;
const WIDTH_PX_MOST: f32 = 5120.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_where_it_belongs_in_the_picture() {
        let rect = screen_rect(16.0 / 9.0);
        let text = SubtitleText { frame: UVec2::new(160, 90), at: IVec2::new(40, 80), width: 80, height: 10, rgba: vec![0; 3200] };
        let placed = text.placed(rect);
        assert!((placed.translation.x - rect.middle.x).abs() < 1e-4 && (placed.scale.x - rect.width_m / 2.0).abs() < 1e-4);
        let low = placed.translation.y - placed.scale.y / 2.0;
        assert!((low - (rect.middle.y - rect.height_m / 2.0)).abs() < 1e-4, "{low}");
    }

    #[test]
    fn sizes_go_in_steps_and_never_under_what_is_seen() {
        let first = steady(500.0, 720.0);
        assert!((500.0..540.0).contains(&first));
        assert_eq!(steady(480.0, first), first);
        assert!(steady(600.0, first) >= 600.0);
    }

    #[test]
    fn half_a_picture_is_none() {
        let mut surface = SubtitleSurface::default();
        surface.show(SubtitleText { frame: UVec2::ONE, at: IVec2::ZERO, width: 2, height: 2, rgba: vec![0; 15] });
        assert!(surface.text().is_none());
    }
}
