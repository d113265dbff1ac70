//! The theater without a window: one picture for each step, read back as bytes. For tests, the `shot` command and benches.
//!
//! Pipelines compile in step and rendering is not pipelined, so that the picture read after a step is that step's picture, the same each
//! time.

use bevy::app::PluginsState;
use bevy::asset::RenderAssetUsages;
use bevy::camera::RenderTarget;
use bevy::log::LogPlugin;
use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::RenderPlugin;
use bevy::render::pipelined_rendering::PipelinedRenderingPlugin;
use bevy::render::render_asset::RenderAssets;
use bevy::render::render_resource::{
    BufferDescriptor, BufferUsages, CachedPipelineState, CommandEncoderDescriptor, Extent3d, MapMode, PipelineCache, PollType,
    TexelCopyBufferInfo, TexelCopyBufferLayout, TextureDimension, TextureFormat, TextureUsages,
};
use bevy::render::renderer::{RenderDevice, RenderQueue};
use bevy::render::texture::GpuImage;
use bevy::time::TimeUpdateStrategy;
use bevy::window::{ExitCondition, PrimaryWindow};
use bevy::winit::WinitPlugin;
use std::path::Path;
use std::time::Duration;

/// An app that draws into an image.
pub struct Offscreen {
    /// The app; systems and entities may still be added, plugins may not.
    pub app: App,
    target: Handle<Image>,
    width: u32,
    height: u32,
}

impl Offscreen {
    /// Builds it: `plugins` adds what makes the theater. Every camera without a target of its own draws into the image.
    pub fn new(options: Options, plugins: impl FnOnce(&mut App)) -> Self {
        let mut app = App::new();
        app.add_plugins(
            DefaultPlugins
                .set(WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() })
                .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() })
                .disable::<LogPlugin>()
                .disable::<WinitPlugin>()
                .disable::<PipelinedRenderingPlugin>(),
        );
        if let Some(step) = options.step {
            app.insert_resource(TimeUpdateStrategy::ManualDuration(step));
        }
        let size = Extent3d { width: options.width.max(1), height: options.height.max(1), depth_or_array_layers: 1 };
        let mut image = Image::new_uninit(size, TextureDimension::D2, TextureFormat::Rgba8UnormSrgb, RenderAssetUsages::RENDER_WORLD);
        image.texture_descriptor.usage |= TextureUsages::RENDER_ATTACHMENT;
        let target = app.world_mut().resource_mut::<Assets<Image>>().add(image);
        app.insert_resource(Target(target.clone()));
        app.add_systems(PostStartup, redirect);
        if options.dummy_window {
            app.world_mut().spawn((Window::default(), PrimaryWindow));
        }
        plugins(&mut app);
        while app.plugins_state() == PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.cleanup();
        Self { app, target, width: size.width, height: size.height }
    }

    /// Lets one step of time pass and draws it.
    pub fn step(&mut self) {
        self.app.update();
    }

    /// Steps until everything can be drawn.
    ///
    /// # Errors
    /// When a shader is missing or wrong, or a pipeline is not ready after 200 steps.
    pub fn until_ready(&mut self) -> Result<(), Trouble> {
        for step in 1..=STEPS_MOST {
            self.step();
            if step >= STEPS_LEAST && self.ready() {
                return Ok(());
            }
        }
        Err(Trouble::NeverReady(STEPS_MOST))
    }

    /// Whether all pipelines stand and the image is there.
    #[must_use]
    pub fn ready(&self) -> bool {
        let world = self.app.sub_app(RenderApp).world();
        let pipelines = world.resource::<PipelineCache>();
        pipelines.waiting_pipelines().count() == 0
            && pipelines.pipelines().all(|pipeline| matches!(pipeline.state, CachedPipelineState::Ok(_)))
            && world.resource::<RenderAssets<GpuImage>>().get(&self.target).is_some()
    }

    /// The picture of the last step: red, green, blue, alpha for each pixel, from the upper left.
    ///
    /// # Errors
    /// When the image is not there yet or the device does not answer.
    pub fn read_pixels(&self) -> Result<Vec<u8>, Trouble> {
        let world = self.app.sub_app(RenderApp).world();
        let (device, queue) = (world.resource::<RenderDevice>(), world.resource::<RenderQueue>());
        let image = world.resource::<RenderAssets<GpuImage>>().get(&self.target).ok_or(Trouble::NoImage)?;
        let row = self.width as usize * 4;
        let pitch = RenderDevice::align_copy_bytes_per_row(row);
        let buffer = device.create_buffer(&BufferDescriptor {
            label: Some("offscreen picture"),
            size: (pitch * self.height as usize) as u64,
            usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor { label: Some("offscreen picture") });
        encoder.copy_texture_to_buffer(
            image.texture.as_image_copy(),
            TexelCopyBufferInfo {
                buffer: &buffer,
                layout: TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(pitch as u32), rows_per_image: None },
            },
            image.texture_descriptor.size,
        );
        queue.submit([encoder.finish()]);
        let slice = buffer.slice(..);
        let mapped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = mapped.clone();
        slice.map_async(MapMode::Read, move |answer| seen.store(answer.is_ok(), std::sync::atomic::Ordering::Release));
        device.poll(PollType::wait_indefinitely()).map_err(|error| Trouble::Device(error.to_string()))?;
        if !mapped.load(std::sync::atomic::Ordering::Acquire) {
            return Err(Trouble::Device("the picture could not be mapped".to_owned()));
        }
        let data = slice.get_mapped_range();
        let mut pixels = Vec::with_capacity(row * self.height as usize);
        for line in data.chunks_exact(pitch) {
            pixels.extend_from_slice(&line[..row]);
        }
        Ok(pixels)
    }

    /// Writes the picture of the last step as PNG.
    ///
    /// # Errors
    /// As [`Self::read_pixels`], or when the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<(), Trouble> {
        let size = Extent3d { width: self.width, height: self.height, depth_or_array_layers: 1 };
        let usage = RenderAssetUsages::MAIN_WORLD;
        let image = Image::new(size, TextureDimension::D2, self.read_pixels()?, TextureFormat::Rgba8UnormSrgb, usage);
        let picture = image.try_into_dynamic().map_err(|error| Trouble::File(error.to_string()))?;
        // What is behind the hall is nothing: no alpha in the file.
        picture.to_rgb8().save(path).map_err(|error| Trouble::File(format!("{}: {error}", path.display())))
    }

    /// The image that is drawn into.
    #[must_use]
    pub fn target(&self) -> &Handle<Image> {
        &self.target
    }

    /// Width and height, pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

fn redirect(mut commands: Commands, target: Res<Target>, cameras: Query<(Entity, Option<&RenderTarget>), With<Camera>>) {
    for (camera, own) in &cameras {
        if own.is_none_or(|own| matches!(own, RenderTarget::Window(_))) {
            commands.entity(camera).insert(RenderTarget::Image(target.0.clone().into()));
        }
    }
}

const STEPS_LEAST: usize = 3;
const STEPS_MOST: usize = 200;

/// How to draw without a window.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Width of the picture, pixels.
    pub width: u32,
    /// Height of the picture, pixels.
    pub height: u32,
    /// How long each step lasts; `None`: as long as it takes.
    pub step: Option<Duration>,
    /// Adds a window that is never shown: injected pointers only pick where a primary window exists.
    pub dummy_window: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 1280, height: 720, step: Some(Duration::from_nanos(1_000_000_000 / 60)), dummy_window: false }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something cannot be drawn.
    #[error("not everything could be drawn after {0} steps; the log names the shader")]
    NeverReady(usize),
    /// Read before the first step.
    #[error("there is no picture yet")]
    NoImage,
    /// The graphics device failed.
    #[error("the graphics device failed: {0}")]
    Device(String),
    /// The file could not be written.
    #[error("the picture could not be written: {0}")]
    File(String),
}

#[derive(Resource)]
struct Target(Handle<Image>);
