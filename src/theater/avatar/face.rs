//! A living face on the plate in the place of the drawn one: a square picture, smaller copies with it so that it does not shimmer from afar.
//!
//! Whoever has pictures of somebody puts [`Face`] on their entity and shows it one after the other. They are written into one texture that stays, from the
//! render world, so that nothing else changes while somebody is seen.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use bevy::{
    asset::RenderAssetUsages,
    prelude::*,
    render::{
        Extract, ExtractSchedule, Render, RenderApp, RenderSystems,
        render_asset::RenderAssets,
        render_resource::{
            Extent3d, Origin3d, TexelCopyBufferLayout, TexelCopyTextureInfo, TextureAspect, TextureDimension, TextureFormat,
        },
        renderer::RenderQueue,
        texture::GpuImage,
    },
};

use super::{
    FacePlate,
    figure::{PutOnFaces, Wardrobe},
    material::{AvatarMaterial, Part},
};
use crate::theater::Theater;

/// Shows faces on plates.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<FaceImages>()
        .add_systems(Update, (give_texture, put_on).chain().in_set(PutOnFaces).in_set(Theater::Move))
        .add_observer(on_gone);
    if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
        render_app
            .init_resource::<Uploads>()
            .add_systems(ExtractSchedule, extract)
            .add_systems(Render, upload.in_set(RenderSystems::PrepareResources));
    }
}

/// Whoever is seen has a texture for as long as they are.
fn give_texture(
    people: Query<(Entity, &Face), Added<Face>>,
    mut faces: ResMut<FaceImages>,
    mut images: ResMut<Assets<Image>>,
    mut materials: ResMut<Assets<AvatarMaterial>>,
    wardrobe: Res<Wardrobe>,
) {
    for (person, face) in &people {
        let image = images.add(texture());
        let drawn = materials.get(&wardrobe.face).cloned();
        let Some(drawn) = drawn else { continue };
        let material = materials.add(AvatarMaterial { part: Part::Picture, picture: Some(image.clone()), ..drawn });
        faces.0.retain(|seen| seen.person != person);
        faces.0.push(Seen { person, face: face.clone(), image, material });
    }
}

fn on_gone(gone: On<Remove, Face>, mut faces: ResMut<FaceImages>) {
    faces.0.retain(|seen| seen.person != gone.entity);
}

/// The plate wears the picture as soon as there is one, and the drawn face otherwise.
fn put_on(
    mut plates: Query<(&FacePlate, &mut MeshMaterial3d<AvatarMaterial>)>,
    faces: Res<FaceImages>,
    wardrobe: Res<Wardrobe>,
    mut materials: ResMut<Assets<AvatarMaterial>>,
) {
    for (plate, mut worn) in &mut plates {
        let seen = faces.0.iter().find(|seen| seen.person == plate.person && seen.face.has_picture());
        let wanted = seen.map_or(&wardrobe.face, |seen| &seen.material);
        if worn.0 != *wanted {
            worn.0 = wanted.clone();
        }
        if let Some(seen) = seen
            && materials.get(&seen.material).is_some_and(|material| material.tier != wardrobe.tier)
            && let Some(mut material) = materials.get_mut(&seen.material)
        {
            material.tier = wardrobe.tier;
        }
    }
}

/// Somebody's living face. Clones show on the same plate.
#[derive(Component, Clone, Default)]
pub struct Face(Arc<Shared>);

#[derive(Default)]
struct Shared {
    newest: Mutex<Option<Arc<[Vec<u8>]>>>,
    number: AtomicU64,
}

impl Face {
    /// Width and height of a face, in pixels.
    pub const SIZE: usize = 192;

    /// Shows the next picture: red, green, blue, alpha (sRGB) for each of [`SIZE`](Self::SIZE)² pixels, from the upper left. One of another size is not shown.
    pub fn show(&self, rgba: &[u8]) {
        if rgba.len() != Self::SIZE * Self::SIZE * 4 {
            return;
        }
        let mut levels = vec![rgba.to_vec()];
        while let Some(level) = levels.last().filter(|level| level.len() > LEAST * LEAST * 4) {
            levels.push(halved(level));
        }
        *self.newest() = Some(levels.into());
        self.0.number.fetch_add(1, Ordering::Release);
    }

    /// Shows nothing more: the drawn face is back, until the next picture.
    pub fn hide(&self) {
        *self.newest() = None;
    }

    /// How many pictures were shown.
    #[must_use]
    pub fn shown(&self) -> u64 {
        self.0.number.load(Ordering::Acquire)
    }

    fn has_picture(&self) -> bool {
        self.newest().is_some()
    }

    fn newest(&self) -> std::sync::MutexGuard<'_, Option<Arc<[Vec<u8>]>>> {
        self.0.newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Half as wide and high: the mean of four pixels, which is near enough to the mean of their light.
fn halved(level: &[u8]) -> Vec<u8> {
    let width = (level.len() / 4).isqrt();
    let half = width / 2;
    let at = |x: usize, y: usize, channel: usize| u16::from(level[(y * width + x) * 4 + channel]);
    let mut out = Vec::with_capacity(half * half * 4);
    for (y, x) in (0..half).flat_map(|y| (0..half).map(move |x| (y, x))) {
        for channel in 0..4 {
            let sum = at(2 * x, 2 * y, channel)
                + at(2 * x + 1, 2 * y, channel)
                + at(2 * x, 2 * y + 1, channel)
                + at(2 * x + 1, 2 * y + 1, channel);
            out.push(((sum + 2) / 4) as u8);
        }
    }
    out
}

fn texture() -> Image {
    let size = Extent3d { width: Face::SIZE as u32, height: Face::SIZE as u32, depth_or_array_layers: 1 };
    let usage = RenderAssetUsages::RENDER_WORLD;
    let mut image = Image::new_fill(size, TextureDimension::D2, &[20, 18, 17, 255], TextureFormat::Rgba8UnormSrgb, usage);
    let sides: Vec<usize> = std::iter::successors(Some(Face::SIZE), |side| (*side > LEAST).then_some(side / 2)).collect();
    image.texture_descriptor.mip_level_count = sides.len() as u32;
    image.data = Some([20, 18, 17, 255].repeat(sides.iter().map(|side| side * side).sum()));
    image.sampler = bevy::image::ImageSampler::linear();
    image
}

/// Everybody who is seen.
#[derive(Resource, Default)]
struct FaceImages(Vec<Seen>);

struct Seen {
    person: Entity,
    face: Face,
    image: Handle<Image>,
    material: Handle<AvatarMaterial>,
}

#[derive(Resource, Default)]
struct Uploads {
    waiting: Vec<(AssetId<Image>, Arc<[Vec<u8>]>)>,
    done: Vec<(AssetId<Image>, u64)>,
}

fn extract(faces: Extract<Res<FaceImages>>, mut uploads: ResMut<Uploads>) {
    uploads.done.retain(|(id, _)| faces.0.iter().any(|seen| seen.image.id() == *id));
    uploads.waiting.retain(|(id, _)| faces.0.iter().any(|seen| seen.image.id() == *id));
    for seen in &faces.0 {
        let (id, number) = (seen.image.id(), seen.face.shown());
        if number == 0 || uploads.done.contains(&(id, number)) {
            continue;
        }
        if let Some(levels) = seen.face.newest().clone() {
            uploads.done.retain(|(done, _)| *done != id);
            uploads.done.push((id, number));
            uploads.waiting.retain(|(waiting, _)| *waiting != id);
            uploads.waiting.push((id, levels));
        }
    }
}

fn upload(mut uploads: ResMut<Uploads>, images: Res<RenderAssets<GpuImage>>, queue: Res<RenderQueue>) {
    uploads.waiting.retain(|(id, levels)| {
        // The texture is made in this or the next frame; until then the picture waits.
        let Some(image) = images.get(*id) else { return true };
        for (mip_level, bytes) in (0..).zip(levels.iter()) {
            let side = (Face::SIZE >> mip_level) as u32;
            queue.write_texture(
                TexelCopyTextureInfo { texture: &image.texture, mip_level, origin: Origin3d::ZERO, aspect: TextureAspect::All },
                bytes,
                TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(side * 4), rows_per_image: None },
                Extent3d { width: side, height: side, depth_or_array_layers: 1 },
            );
        }
        false
    });
}

/// The smallest copy is so wide and high: a face in the last row of a small window.
const LEAST: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_copy_is_half_as_large_and_as_bright() {
        let face = Face::default();
        face.show(&[7; 12]);
        assert!(!face.has_picture(), "another size");
        let rgba: Vec<u8> = (0..Face::SIZE * Face::SIZE).flat_map(|pixel| [if pixel % 2 == 0 { 10 } else { 30 }, 5, 200, 255]).collect();
        face.show(&rgba);
        let levels = face.newest().clone().unwrap();
        let sides: Vec<usize> = levels.iter().map(|level| (level.len() / 4).isqrt()).collect();
        assert_eq!(sides, [192, 96, 48, 24, 12]);
        assert!(levels[1..].iter().all(|level| level.chunks(4).all(|pixel| pixel == [20, 5, 200, 255])));
        assert_eq!(face.shown(), 1);
        assert_eq!(texture().texture_descriptor.mip_level_count, 5);
    }
}
