//! What the graphics device has on a living face.

use bevy::{
    prelude::*,
    render::{
        RenderApp,
        render_asset::RenderAssets,
        render_resource::{
            BufferDescriptor, BufferUsages, CommandEncoderDescriptor, Extent3d, MapMode, PollType, TexelCopyBufferInfo,
            TexelCopyBufferLayout,
        },
        renderer::{RenderDevice, RenderQueue},
        texture::GpuImage,
    },
};
use houselights::{media::FacePicture, theater::Face, webcam::number};

/// The number on the one face that is seen, once all that was given to the device is drawn; none while nobody is seen or it cannot be read.
///
/// The texture is known by its size and its smaller copies: nothing else in the hall is like it.
pub(crate) fn number_on_face(app: &App) -> Option<u16> {
    let world = app.sub_app(RenderApp).world();
    let (device, queue) = (world.resource::<RenderDevice>(), world.resource::<RenderQueue>());
    let mut faces = world.resource::<RenderAssets<GpuImage>>().iter().map(|(_, image)| image).filter(|image| is_face(image));
    let face = faces.next();
    assert!(faces.next().is_none(), "there are several textures of a face's size; which is it?");
    let Some(face) = face else {
        // Even then a frame ends when it is drawn.
        device.poll(PollType::wait_indefinitely()).unwrap();
        return None;
    };
    let row_bytes = Face::SIZE * 4;
    let buffer = device.create_buffer(&BufferDescriptor {
        label: Some("a face"),
        size: (row_bytes * Face::SIZE) as u64,
        usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor { label: Some("a face") });
    encoder.copy_texture_to_buffer(
        face.texture.as_image_copy(),
        TexelCopyBufferInfo {
            buffer: &buffer,
            layout: TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row_bytes as u32), rows_per_image: None },
        },
        SIZE,
    );
    queue.submit([encoder.finish()]);
    let bytes = buffer.slice(..);
    bytes.map_async(MapMode::Read, |answer| answer.unwrap());
    device.poll(PollType::wait_indefinitely()).unwrap();
    let rgba = bytes.get_mapped_range().to_vec();
    number(&FacePicture { side: Face::SIZE, captured_ms: 0, rgba })
}

fn is_face(image: &GpuImage) -> bool {
    image.texture_descriptor.size == SIZE && image.texture_descriptor.mip_level_count > 1
}

const SIZE: Extent3d = Extent3d { width: Face::SIZE as u32, height: Face::SIZE as u32, depth_or_array_layers: 1 };
