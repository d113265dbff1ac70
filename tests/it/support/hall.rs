use std::{path::Path, time::Duration};

use bevy::{
    camera::NormalizedRenderTarget,
    picking::{
        backend::ray::RayMap,
        pointer::{Location, PointerAction, PointerButton, PointerId, PointerInput},
    },
    prelude::*,
};
use bevy_egui::egui;
use houselights::{
    app::{
        self, Ground,
        offscreen::{Offscreen, Options},
    },
    audio::{Mixer, Output, backend::capture},
    clock::FilmTime,
    film::{Decoding, FilmSource, Open, Screening},
    notice::Notice,
    room::{Ask, Now, Playback, Room},
    theater::{Cinema, PlaceSettings, SeatedCamera, Surface, Tier},
    trace::Trace,
    ui::{Action, Panels},
};

use super::{clip, panels::Window};

/// A theater offscreen: every step is a sixtieth of a second, in which 800 frames of sound are heard and all decoding is done that can be done.
pub(crate) struct Hall {
    pub(crate) offscreen: Offscreen,
    ear: capture::Handle,
    now_ns: i64,
    pub(crate) heard: Vec<f32>,
    pub(crate) size: (u32, u32),
}

#[derive(Resource, Default)]
struct Said(Vec<String>);

impl Hall {
    /// Opens the doors.
    pub(crate) fn open(size: (u32, u32), tier: Tier) -> Self {
        let ear = capture::Handle::default();
        let mixer = Mixer::open(&Output::Capture(ear.clone()), &Trace::default()).unwrap();
        let options = Options { width: size.0, height: size.1, step: Some(Duration::from_nanos(STEP_NS as u64)), dummy_window: true };
        let mut offscreen = Offscreen::new(options, |app| {
            app.insert_resource(Decoding::InEachFrame);
            // What is heard is the film alone, to the sample.
            app.insert_resource(PlaceSettings { sounds: false, ..PlaceSettings::default() });
            app::house(app, Ground::nobodys(mixer));
            app::hall(app, Some(tier));
            app.init_resource::<Said>().add_observer(|notice: On<Notice>, mut said: ResMut<Said>| said.0.push(notice.event().text.clone()));
        });
        offscreen.until_ready().expect("this test needs a graphics adapter; software does: apt-get install mesa-vulkan-drivers");
        Self { offscreen, ear, now_ns: 0, heard: Vec::new(), size }
    }

    pub(crate) fn world(&mut self) -> &mut World {
        self.offscreen.app.world_mut()
    }

    /// A sixtieth of a second passes.
    pub(crate) fn step(&mut self) {
        self.now_ns += STEP_NS;
        let now_ns = self.now_ns;
        self.heard.extend(self.ear.render(FRAMES_A_STEP, now_ns).into_iter().map(|frame| frame[0]));
        self.world().resource_mut::<Now>().mono_ns = now_ns;
        self.offscreen.step();
    }

    pub(crate) fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    pub(crate) fn trigger<E: for<'a> Event<Trigger<'a>: Default>>(&mut self, event: E) {
        self.world().trigger(event);
        self.world().flush();
    }

    /// Opens a film and waits until it stands or runs.
    pub(crate) fn present(&mut self, film: &Path, plays: bool) {
        self.trigger(Open { source: FilmSource::File(film.to_owned()), plays });
        self.until(|hall| hall.world().contains_resource::<Screening>() && hall.playback().gather.is_none());
    }

    pub(crate) fn seek(&mut self, seconds: f64) {
        self.trigger(Ask::SeekTo(FilmTime::from_s(seconds).unwrap()));
        self.until(|hall| hall.playback().gather.is_none());
    }

    pub(crate) fn until(&mut self, is_there: impl Fn(&mut Self) -> bool) {
        for _ in 0..600 {
            self.step();
            if is_there(self) {
                return;
            }
        }
        panic!("it did not come in ten seconds; said: {:?}", self.said());
    }

    pub(crate) fn playback(&mut self) -> Playback {
        let world = self.world();
        world.query_filtered::<&Playback, With<Room>>().single(world).unwrap().clone()
    }

    pub(crate) fn said(&mut self) -> Vec<String> {
        self.world().resource::<Said>().0.clone()
    }

    /// What is heard at the instant of the picture, in seconds of film.
    pub(crate) fn heard_s(&mut self) -> f64 {
        let now_ns = self.now_ns;
        self.world().resource::<Screening>().heard(now_ns).map(|heard| heard.film_ns as f64 / 1e9).expect("something is heard")
    }

    /// How far what is heard is behind the room's timeline, in seconds of film.
    pub(crate) fn behind_s(&mut self) -> f64 {
        let room = self.world().resource::<Now>().room();
        self.playback().timeline.film_at(room).s() - self.heard_s()
    }

    pub(crate) fn set_cinema(&mut self, is_on: bool) {
        self.world().resource_mut::<Cinema>().0 = is_on;
    }

    pub(crate) fn hide_panels(&mut self) {
        self.world().resource_mut::<Panels>().are_hidden = true;
    }

    /// The pixel that shows a place in the world.
    pub(crate) fn pixel_of(&mut self, place: Vec3) -> Vec2 {
        let world = self.world();
        let (camera, transform) = world.query_filtered::<(&Camera, &GlobalTransform), With<SeatedCamera>>().single(world).unwrap();
        camera.world_to_viewport(transform, place).expect("the place is in view")
    }

    /// The pixel that shows a place of the film's picture: (0, 0) its upper left corner, (1, 1) its lower right one.
    pub(crate) fn pixel_of_film(&mut self, x: f32, y: f32) -> Vec2 {
        let world = self.world();
        let surface = *world.query_filtered::<&GlobalTransform, With<Surface>>().single(world).unwrap();
        self.pixel_of(surface.transform_point(Vec3::new(x - 0.5, 0.5 - y, 0.0)))
    }

    /// The number in the film's picture, read off the pixels of the last step.
    pub(crate) fn number(&mut self) -> Option<u16> {
        let pixels = self.offscreen.read_pixels().unwrap();
        let places: Vec<Vec2> = (0..20).map(|cell| self.pixel_of_film((cell as f32 + 0.5) / 20.0, 1.0 / 36.0)).collect();
        let width = self.size.0 as usize;
        clip::read_number(|cell| {
            let at = (places[cell].y as usize * width + places[cell].x as usize) * 4;
            pixels[at + 1]
        })
    }

    /// Moves a pointer to a pixel and presses its left button there, as a hand does: one thing a step.
    pub(crate) fn click(&mut self, at: Vec2) {
        self.hover(at);
        self.point(at, PointerAction::Press(PointerButton::Primary));
        self.point(at, PointerAction::Release(PointerButton::Primary));
    }

    /// Moves a pointer to a pixel.
    pub(crate) fn hover(&mut self, at: Vec2) {
        self.point(at, PointerAction::Move { delta: Vec2::ONE });
    }

    fn point(&mut self, at: Vec2, action: PointerAction) {
        let target = self.offscreen.target().clone();
        let location = Location { target: NormalizedRenderTarget::Image(target.into()), position: at };
        let id = PointerId::Custom(bevy::asset::uuid::Uuid::from_u128(7));
        let world = self.world();
        if world.query::<&PointerId>().iter(world).all(|own| *own != id) {
            world.spawn((id, bevy::picking::pointer::PointerLocation { location: Some(location.clone()) }));
        }
        debug_assert!(world.contains_resource::<RayMap>(), "picking is there");
        world.write_message(PointerInput { pointer_id: id, location, action });
        self.steps(2);
    }

    /// What the panels hear from hands: they are touched apart from the hall.
    pub(crate) fn touch_panels(&mut self, event: egui::Event) {
        self.put(event);
        self.step();
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.trigger(action);
        self.step();
    }
}

impl Window for Hall {
    fn world(&mut self) -> &mut World {
        self.offscreen.app.world_mut()
    }

    fn frame(&mut self) {
        self.step();
    }
}

/// A sixtieth of a second, as 800 frames at 48 kHz.
pub(crate) const STEP_NS: i64 = 50_000_000 / 3;
const FRAMES_A_STEP: usize = 800;
