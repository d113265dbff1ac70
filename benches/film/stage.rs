use std::{path::Path, time::Duration};

use bevy::{
    prelude::*,
    render::{
        Render, RenderApp, RenderSystems,
        render_resource::PollType,
        renderer::{RenderDevice, RenderQueue},
    },
};
use houselights::{
    app::{
        self, Ground, Pace,
        offscreen::{Offscreen, Options},
    },
    audio::{Mixer, Output},
    film::{FilmSource, Open, Screening},
    handover::unparks_current_thread,
    room::{Alarm, Playback, Room},
    theater::{Cinema, SeatedCamera, Surface, Tier, Upload},
    trace::{Trace, mono_ns},
    ui::{Panels, Remote},
};

/// The real program offscreen, in real time.
pub(crate) struct Stage {
    pub(crate) offscreen: Offscreen,
    pub(crate) size: (u32, u32),
}

impl Stage {
    /// Opens the theater on an output that consumes by time.
    pub(crate) fn open(size: (u32, u32), tier: Tier, output: &Output, trace: &Trace) -> Self {
        let mixer = Mixer::open(output, trace).unwrap();
        let options = Options { width: size.0, height: size.1, step: None, dummy_window: false };
        let mut offscreen = Offscreen::new(options, |app| {
            app.insert_resource(Alarm(unparks_current_thread()));
            app::house(app, Ground { trace: trace.clone(), clock: Some(mono_ns), ..Ground::nobodys(mixer) });
            app::hall(app, Some(tier));
        });
        offscreen.until_ready().expect("software Vulkan: apt-get install mesa-vulkan-drivers");
        let world = offscreen.app.world_mut();
        world.resource_mut::<Panels>().are_hidden = true;
        world.resource_mut::<Remote>().is_up = false;
        Self { offscreen, size }
    }

    pub(crate) fn world(&mut self) -> &mut World {
        self.offscreen.app.world_mut()
    }

    /// Nothing, until the next frame that a window without vertical synchronisation would draw.
    pub(crate) fn rest(&mut self) {
        match *self.world().resource::<Pace>() {
            Pace::EachFrame => {}
            Pace::Waiting(wait) | Pace::Resting(wait) => std::thread::park_timeout(wait),
        }
    }

    pub(crate) fn set_cinema(&mut self) {
        self.world().resource_mut::<Cinema>().0 = true;
    }

    /// Opens a film and plays it; returns once it runs.
    pub(crate) fn play(&mut self, source: FilmSource) {
        self.world().trigger(Open { source, plays: true });
        self.world().flush();
        let deadline_ns = mono_ns() + 20_000_000_000;
        while !self.is_running() {
            self.offscreen.step();
            assert!(mono_ns() < deadline_ns, "the film does not start");
        }
    }

    pub(crate) fn play_file(&mut self, path: &Path) {
        self.play(FilmSource::File(path.to_owned()));
    }

    fn is_running(&mut self) -> bool {
        let world = self.world();
        world.contains_resource::<Screening>()
            && world
                .query_filtered::<&Playback, With<Room>>()
                .single(world)
                .is_ok_and(|playback| playback.film.is_some() && playback.gather.is_none())
    }

    /// Waits until the graphics device has drawn all it was given.
    pub(crate) fn wait_until_drawn(&self) {
        let world = self.offscreen.app.sub_app(RenderApp).world();
        world.resource::<RenderDevice>().poll(PollType::wait_indefinitely()).unwrap();
    }

    /// From now on it is noted when the device has a picture, which is before the hall around it is drawn.
    pub(crate) fn note_arrivals(&mut self) {
        let render_app = self.offscreen.app.sub_app_mut(RenderApp);
        render_app.init_resource::<Arrival>().add_systems(Render, note_arrival.in_set(RenderSystems::PrepareResourcesFlush));
    }

    /// When the newest picture was on the device, by the monotonic clock.
    pub(crate) fn arrived_ns(&self) -> i64 {
        self.offscreen.app.sub_app(RenderApp).world().resource::<Arrival>().at_ns
    }

    /// Pictures given to the graphics device.
    pub(crate) fn uploads(&self) -> u64 {
        self.offscreen.app.sub_app(RenderApp).world().resource::<Upload>().uploads
    }

    pub(crate) fn heard_s(&mut self, at_mono_ns: i64) -> Option<f64> {
        self.world().get_resource::<Screening>()?.heard(at_mono_ns).map(|heard| heard.film_ns as f64 / 1e9)
    }

    /// The pixel that shows a place of the picture, (0, 0) to (1, 1) from its upper left.
    pub(crate) fn pixel_of_film(&mut self, x: f32, y: f32) -> Vec2 {
        let world = self.world();
        let surface = *world.query_filtered::<&GlobalTransform, With<Surface>>().single(world).unwrap();
        let (camera, transform) = world.query_filtered::<(&Camera, &GlobalTransform), With<SeatedCamera>>().single(world).unwrap();
        camera.world_to_viewport(transform, surface.transform_point(Vec3::new(x - 0.5, 0.5 - y, 0.0))).unwrap()
    }
}

#[derive(Resource, Default)]
struct Arrival {
    uploads: u64,
    at_ns: i64,
}

/// What was written waits for the next submission; that one is empty, and waited for.
fn note_arrival(upload: Res<Upload>, device: Res<RenderDevice>, queue: Res<RenderQueue>, mut arrival: ResMut<Arrival>) {
    if upload.uploads == arrival.uploads {
        return;
    }
    queue.submit([]);
    device.poll(PollType::wait_indefinitely()).unwrap();
    *arrival = Arrival { uploads: upload.uploads, at_ns: mono_ns() };
}

/// Waits until a time of the monotonic clock.
pub(crate) fn wait_until(at_mono_ns: i64) {
    let left_ns = at_mono_ns - mono_ns();
    if let Ok(left) = u64::try_from(left_ns) {
        std::thread::sleep(Duration::from_nanos(left));
    }
}
