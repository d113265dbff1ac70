//! The light of the hall: baked once, summed by the shader, moved by two numbers: how far the house lights are up, and what the screen
//! shows.
//!
//! `house × level × warm + Σ zone colour × factor + own light`. Others set [`ScreenGlow`] and [`house::HouseLights`]; this folder
//! smooths them into
//! [`HallLight`], which goes to the materials only when it has changed.

use super::material::{LightBuffer, LightUniform};
use super::{PlaceSettings, Theater, motion};
use bevy::prelude::*;
use bevy::render::storage::ShaderBuffer;
use house::HouseLights;

pub mod bake;
pub mod house;

/// Smooths what the film throws, moves the house lights, and lights the materials.
pub fn plugin(app: &mut App) {
    app.init_resource::<ScreenGlow>().init_resource::<HouseLights>().init_resource::<HallLight>();
    app.add_systems(Update, (follow.in_set(Theater::Move), show.in_set(Theater::Light)));
}

fn follow(
    time: Res<Time>,
    glow: Res<ScreenGlow>,
    settings: Res<PlaceSettings>,
    mut house: ResMut<HouseLights>,
    mut light: ResMut<HallLight>,
) {
    let dt_s = time.delta_secs();
    let mut next = HallLight {
        house_level: house.bypass_change_detection().advance(dt_s),
        zones: smoothed(light.zones, glow.zones, dt_s),
        brightness: settings.held().brightness,
    };
    for (zone, target) in next.zones.iter_mut().zip(glow.zones) {
        if zone.abs_diff_eq(target, 1e-4) {
            *zone = target;
        }
    }
    light.set_if_neq(next);
}

pub(super) fn show(light: Res<HallLight>, place: Res<LightBuffer>, mut buffers: ResMut<Assets<ShaderBuffer>>) {
    if light.is_changed()
        && let Some(mut buffer) = buffers.get_mut(&place.0)
    {
        buffer.set_data(light.uniform());
    }
}

/// What the zones show after `dt_s` on the way to `target`: the same at any frame rate.
#[must_use]
pub fn smoothed(shown: [Vec3; 6], target: [Vec3; 6], dt_s: f32) -> [Vec3; 6] {
    let part = motion::covered(dt_s, ZONES_TAU_S);
    std::array::from_fn(|zone| shown[zone].lerp(target[zone], part))
}

/// By how much eyes lift the screen's light when its picture is this bright on average (0 to 1).
fn adapted(mean: f32) -> f32 {
    (GAIN_BRIGHT * mean.max(1e-4).powf(-0.22)).min(GAIN_DARK)
}

/// Fast enough to belong to the cut, slow enough not to flicker, s.
const ZONES_TAU_S: f32 = 0.15;
/// What a white screen's light is lifted by: eyes in a hall are used to the dark.
const GAIN_BRIGHT: f32 = 2.2;
/// And what the light of the darkest is lifted by.
const GAIN_DARK: f32 = 6.0;
/// 2700 K, a little whiter than life so that teal stays teal; linear.
const HOUSE_COLOUR: Vec3 = Vec3::new(1.0, 0.70, 0.43);

/// Set by whoever shows a film: the mean colour of each zone of the picture now, linear, 1 = white. Upper row first, left to right.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Default)]
pub struct ScreenGlow {
    /// The six zones.
    pub zones: [Vec3; 6],
}

/// The light in the hall now, after easing and smoothing.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct HallLight {
    /// House lights: 0 out, 1 full.
    pub house_level: f32,
    /// What each zone of the screen shows, linear; upper row first, left to right.
    pub zones: [Vec3; 6],
    /// What a person has it multiplied by; 1 as usual.
    pub brightness: f32,
}

impl Default for HallLight {
    fn default() -> Self {
        Self { house_level: 0.0, zones: [Vec3::ZERO; 6], brightness: 1.0 }
    }
}

impl HallLight {
    /// As the shader reads it.
    #[must_use]
    pub fn uniform(&self) -> LightUniform {
        let mean = self.zones.iter().sum::<Vec3>().element_sum() / 18.0;
        let gain = adapted(mean) * self.brightness;
        LightUniform {
            house: (HOUSE_COLOUR * self.house_level * self.brightness).extend(self.house_level),
            zones: self.zones.map(|zone| (zone * gain).extend(0.0)),
            rest: Vec4::new(1.0 / gain, 0.0, 0.0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brighter_picture_always_lights_the_hall_more() {
        let thrown = |n: usize| n as f32 / 100.0 * adapted(n as f32 / 100.0);
        assert!((1..100).all(|n| thrown(n + 1) > thrown(n)));
        assert!((adapted(0.0) - GAIN_DARK).abs() < 1e-6);
    }

    #[test]
    fn the_glow_arrives_after_a_second_and_not_at_once() {
        let bright = [Vec3::ONE; 6];
        let mut shown = smoothed([Vec3::ZERO; 6], bright, 1.0 / 60.0);
        assert!(shown[0].x < 0.15);
        for _ in 0..60 {
            shown = smoothed(shown, bright, 1.0 / 60.0);
        }
        assert!(shown.iter().all(|zone| zone.min_element() > 0.99));
    }
}
