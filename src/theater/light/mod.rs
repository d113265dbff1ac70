//! The light of the hall: baked once, summed by the shader, moved by two numbers: how far the house lights are up, and what the screen shows.
//!
//! `house × level × warm + Σ zone colour × factor + own light`. Others set [`ScreenGlow`] and [`house::HouseLights`]; this folder smooths them into
//! [`HallLight`], which goes to the materials only when it has changed.

use super::material::{HallMaterial, LightUniform};
use super::{Theater, motion};
use bevy::prelude::*;
use house::HouseLights;

pub mod bake;
pub mod house;

/// Smooths what the film throws, moves the house lights, and lights the materials.
pub fn plugin(app: &mut App) {
    app.init_resource::<ScreenGlow>().init_resource::<HouseLights>().init_resource::<HallLight>();
    app.add_systems(Update, (follow.in_set(Theater::Move), show.in_set(Theater::Light)));
}

fn follow(time: Res<Time>, glow: Res<ScreenGlow>, mut house: ResMut<HouseLights>, mut light: ResMut<HallLight>) {
    let dt_s = time.delta_secs();
    let mut next = HallLight { house_level: house.bypass_change_detection().advance(dt_s), zones: smoothed(light.zones, glow.zones, dt_s) };
    for (zone, target) in next.zones.iter_mut().zip(glow.zones) {
        if zone.abs_diff_eq(target, 1e-4) {
            *zone = target;
        }
    }
    light.set_if_neq(next);
}

fn show(light: Res<HallLight>, mut materials: ResMut<Assets<HallMaterial>>, mut fresh: MessageReader<AssetEvent<HallMaterial>>) {
    let new_material = fresh.read().any(|event| matches!(event, AssetEvent::Added { .. }));
    if !light.is_changed() && !new_material {
        return;
    }
    let uniform = light.uniform();
    for (_, material) in materials.iter_mut() {
        let own = Vec4::new(material.light.own.x, uniform.own.y, 0.0, 0.0);
        material.light = LightUniform { own, ..uniform };
    }
}

/// What the zones show after `dt_s` on the way to `target`: the same at any frame rate.
#[must_use]
pub fn smoothed(shown: [Vec3; 6], target: [Vec3; 6], dt_s: f32) -> [Vec3; 6] {
    let part = motion::covered(dt_s, ZONES_TAU_S);
    std::array::from_fn(|zone| shown[zone].lerp(target[zone], part))
}

/// Fast enough to belong to the cut, slow enough not to flicker, s.
const ZONES_TAU_S: f32 = 0.15;
/// Eyes get used to the dark: what the screen throws is lifted by this.
const ZONES_GAIN: f32 = 4.2;
/// 2700 K, a little whiter than life so that teal stays teal; linear.
const HOUSE_COLOUR: Vec3 = Vec3::new(1.0, 0.70, 0.43);

/// Set by whoever shows a film: the mean colour of each zone of the picture now, linear, 1 = white. Upper row first, left to right.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Default)]
pub struct ScreenGlow {
    /// The six zones.
    pub zones: [Vec3; 6],
}

/// The light in the hall now, after easing and smoothing.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Default)]
pub struct HallLight {
    /// House lights: 0 out, 1 full.
    pub house_level: f32,
    /// What each zone of the screen shows, linear; upper row first, left to right.
    pub zones: [Vec3; 6],
}

impl HallLight {
    /// As the shader reads it.
    #[must_use]
    pub fn uniform(&self) -> LightUniform {
        LightUniform {
            house: (HOUSE_COLOUR * self.house_level).extend(self.house_level),
            zones: self.zones.map(|zone| (zone * ZONES_GAIN).extend(0.0)),
            own: Vec4::new(1.0, 1.0 / ZONES_GAIN, 0.0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
