//! The light of the hall at a head: what each of six directions receives, baked as the hall's own meshes are. Pure.
//!
//! A figure moves and many share a mesh, so its corners carry no light: six colours a person, mixed by where a surface looks, stand for it. They are
//! summed here and not in the shader: seventy times six sums a frame are nothing, seventy thousand corners with six zones each are not.

use bevy::math::Vec3;

use crate::theater::{
    light::bake::{Received, receive},
    material::LightUniform,
};

/// What arrives at a place from all sides.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Probe([Received; 6]);

impl Probe {
    /// The light at this place of the hall, m.
    pub(super) fn at(place: Vec3) -> Self {
        Self(SIDES.map(|side| receive(place, side, 1.0)))
    }

    /// Between two places.
    pub(super) fn towards(&self, other: &Self, part: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * part;
        Self(std::array::from_fn(|side| {
            let (a, b) = (&self.0[side], &other.0[side]);
            Received {
                house: mix(a.house, b.house),
                zones: std::array::from_fn(|zone| mix(a.zones[zone], b.zones[zone])),
                fixed: a.fixed.lerp(b.fixed, part),
            }
        }))
    }

    /// What falls from each side now, linear: to the right (+x), left, from above, below, towards the back of the hall (+z), towards the screen.
    pub(super) fn lit(&self, light: &LightUniform) -> [Vec3; 6] {
        self.0.map(|received| {
            // The nearer to a lamp, the warmer; as in `shaders/hall.wgsl`.
            let warmth = Vec3::new(0.96, 1.0, 1.06).lerp(Vec3::new(1.16, 0.95, 0.76), (received.house * 0.8).min(1.0));
            let house = light.house.truncate() * warmth * received.house;
            let zones: Vec3 = light.zones.iter().zip(received.zones).map(|(zone, share)| zone.truncate() * share).sum();
            received.fixed + house + zones
        })
    }
}

const SIDES: [Vec3; 6] = [Vec3::X, Vec3::NEG_X, Vec3::Y, Vec3::NEG_Y, Vec3::Z, Vec3::NEG_Z];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::SeatNumber;
    use crate::theater::{HallLight, seat_place};

    #[test]
    fn the_screen_lights_faces_and_not_the_backs_of_heads() {
        let probe = Probe::at(seat_place(SeatNumber::BEST).eye);
        let [.., behind, front] = probe.lit(&HallLight { house_level: 0.0, zones: [Vec3::ONE; 6], ..HallLight::default() }.uniform());
        assert!(front.y > 0.15 && front.y > 5.0 * behind.y, "{front} {behind}");
    }

    #[test]
    fn between_two_places_the_light_is_between() {
        let (a, b) = (Probe::at(Vec3::new(-2.0, 1.5, 6.0)), Probe::at(Vec3::new(2.0, 2.5, 11.0)));
        assert_eq!(a.towards(&b, 0.0), a);
        let light = HallLight { house_level: 0.5, zones: [Vec3::ONE; 6], ..HallLight::default() }.uniform();
        let (from, half, to) = (a.lit(&light), a.towards(&b, 0.5).lit(&light), b.lit(&light));
        for side in 0..6 {
            assert!(half[side].cmple(from[side].max(to[side]) + 0.05).all() && half[side].cmpge(from[side].min(to[side]) - 0.05).all());
        }
    }
}
