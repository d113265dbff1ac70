//! Hair, hats and glasses. Pure.
//!
//! Most of it is a shell over part of the head: a cap round an axis, as far down as a function of the direction says.

use std::f32::consts::{PI, TAU};

use bevy::math::{Quat, Vec2, Vec3};

use super::{
    body::{Fineness, HEAD, Outfit, smooth},
    plate,
    sculpt::{Clay, Egg, Tint},
};

/// What a figure wears, as shells whose insides need not be drawn.
pub(super) struct Worn {
    outfit: Outfit,
    hair: Option<Shell>,
    hat: Option<Shell>,
}

impl Worn {
    pub(super) fn of(outfit: Outfit) -> Self {
        let hat = hat_shell(outfit.hat);
        let hair = hair_shell(outfit.hair);
        Self { outfit, hair, hat }
    }

    /// Whether a place of the head is hidden under hair or hat.
    pub(super) fn covers(&self, at: Vec3) -> bool {
        self.under_hat(at) || self.hair.is_some_and(|hair| hair.covers(at))
    }

    /// How far the head is drawn in under what covers it, so that it does not come through where surfaces are cut coarsely: 0 to 1.
    pub(super) fn sinks(&self, at: Vec3) -> f32 {
        [self.hat, self.hair].into_iter().flatten().map(|shell| smooth(0.98, 0.82, shell.depth(at))).fold(0.0, f32::max)
    }

    fn under_hat(&self, at: Vec3) -> bool {
        self.hat.is_some_and(|hat| hat.covers(at))
    }

    pub(super) fn put_on(&self, clay: &mut Clay, fine: Fineness) {
        if let Some(hair) = self.hair {
            // A hat presses the hair down.
            let place = |s: f32, t: f32| {
                let at = hair.place(s, t);
                let pressed = self.hat.map_or(0.0, |hat| hat.presses(at));
                at.lerp(HEAD.swollen(0.002).at((at - HEAD.middle).normalize_or(Vec3::Y)), pressed)
            };
            hair.add(clay, fine.hair, place, |at| !self.under_hat(at));
            self.locks(clay, fine);
        }
        if let Some(hat) = self.hat {
            hat.add(clay, fine.hat, |s, t| hat.place(s, t), |_| true);
        }
        hat_trim(clay, fine, self.outfit.hat);
        temples(clay, self.outfit.glasses);
    }

    /// What hangs or stands off the head.
    fn locks(&self, clay: &mut Clay, fine: Fineness) {
        let all = |_: Vec3| true;
        let ball = |clay: &mut Clay, middle: Vec3, half: Vec3| {
            let egg = Egg { middle, half, power: 2.1, pear: 0.0 };
            clay.egg(fine.lock, 1.0, egg, |at| Tint::HAIR.shaded(0.75 + 0.25 * smooth(-0.04, 0.03, at.y - middle.y)), all);
        };
        let m = HEAD.middle;
        let tied = |clay: &mut Clay, at: Vec3, axes: [Vec3; 3]| {
            if fine.has_ties {
                clay.ring((fine.lock.0, 3), 1.0, at, axes, 0.012, |_, _| Tint::CLOTH.toned(1.2));
            }
        };
        match self.outfit.hair {
            BUN => {
                ball(clay, m + Vec3::new(0.0, 0.07, 0.132), Vec3::new(0.06, 0.052, 0.054));
                let axis = Vec3::new(0.0, 0.46, 0.89);
                let axes = [Vec3::X * 0.036, Vec3::new(0.0, 0.89, -0.46) * 0.036, axis];
                tied(clay, m + axis * 0.112, axes);
            }
            TAIL => {
                let line = [m + Vec3::new(0.0, 0.055, 0.115), m + Vec3::new(0.0, 0.075, 0.215), m + Vec3::new(0.014, -0.075, 0.205)];
                clay.limb((fine.lock.0, fine.lock.1 + 1), 1.0, line, [0.032, 0.066], |_, _| Tint::HAIR, all);
                let axis = Vec3::new(0.0, 0.35, 0.94);
                let axes = [Vec3::X * 0.032, Vec3::new(0.0, 0.94, -0.35) * 0.032, axis];
                tied(clay, m + Vec3::new(0.0, 0.062, 0.134), axes);
            }
            BUNCHES => {
                for side in [-1.0f32, 1.0] {
                    let at = |x: f32, y: f32, z: f32| m + Vec3::new(x * side, y, z);
                    let line = [at(0.12, 0.035, 0.045), at(0.225, 0.05, 0.05), at(0.19, -0.085, 0.045)];
                    clay.limb(fine.lock, 1.0, line, [0.026, 0.054], |_, _| Tint::HAIR, all);
                }
            }
            _ => {}
        }
    }
}

const CROP: u8 = 1;
const BOB: u8 = 2;
const BUN: u8 = 3;
const CURLS: u8 = 4;
const TAIL: u8 = 5;
const BUNCHES: u8 = 6;

const BEANIE: u8 = 1;
const CAP: u8 = 2;
const BERET: u8 = 3;
const EARS: u8 = 4;
const BOW: u8 = 5;

fn hair_shell(style: u8) -> Option<Shell> {
    let shell = |reach: [f32; 3], lift: f32, cut: Cut| Some(Shell { tilt: 0.55, reach, lift, cut, tint: Tint::HAIR });
    match style {
        0 => None,
        CROP => shell([1.36, 1.5, 1.78], 0.014, Cut::Soft),
        BOB => shell([1.5, 1.95, 2.12], 0.016, Cut::Hanging),
        BUN => shell([1.32, 1.36, 1.72], 0.012, Cut::Soft),
        CURLS => shell([1.4, 1.62, 1.86], 0.01, Cut::Curly),
        TAIL => shell([1.38, 1.42, 1.7], 0.012, Cut::Soft),
        BUNCHES => shell([1.42, 1.5, 1.74], 0.013, Cut::Soft),
        _ => shell([1.48, 1.42, 1.7], 0.016, Cut::Tufted),
    }
}

fn hat_shell(hat: u8) -> Option<Shell> {
    match hat {
        BEANIE => Some(Shell { tilt: 0.32, reach: [1.2, 1.32, 1.46], lift: 0.025, cut: Cut::Dome, tint: Tint::CLOTH.toned(0.8) }),
        CAP => Some(Shell { tilt: 0.2, reach: [1.13, 1.24, 1.4], lift: 0.022, cut: Cut::Dome, tint: Tint::CLOTH.toned(0.7) }),
        BERET => Some(Shell { tilt: 0.1, reach: [1.1, 1.14, 1.26], lift: 0.022, cut: Cut::Beret, tint: Tint::own(148, 38, 48) }),
        _ => None,
    }
}

/// How much lower one sits who wears something high, m.
pub(super) fn slouch_m(outfit: Outfit) -> f32 {
    match outfit.hat {
        BEANIE => 0.028,
        CAP | BERET => 0.02,
        EARS => 0.03,
        _ if outfit.hair == CURLS => 0.016,
        _ => 0.008,
    }
}

fn hat_trim(clay: &mut Clay, fine: Fineness, hat: u8) {
    let m = HEAD.middle;
    match hat {
        BEANIE => {
            // The turned-up rim, and a bobble that leans back.
            let rim = Shell { tilt: 0.32, reach: [1.27, 1.4, 1.53], lift: 0.032, cut: Cut::Band, tint: Tint::CLOTH.toned(1.15) };
            rim.add(clay, (fine.hat.0, fine.hat.1 / 2), |s, t| rim.place(s, t), |_| true);
            let bobble = Egg { middle: m + Vec3::new(0.0, 0.112, 0.086), half: Vec3::splat(0.034), power: 2.0, pear: 0.0 };
            clay.egg(fine.bits, 1.0, bobble, |_| Tint::own(236, 224, 204), |_| true);
        }
        CAP => {
            let shell = hat_shell(CAP);
            let crown = |azimuth: f32| shell.map_or(m, |shell| shell.place(azimuth / TAU, 0.97));
            let peak = |s: f32, t: f32| {
                let side = (s * 2.0 - 1.0) * 1.05;
                let round = (1.0 - (s * 2.0 - 1.0).powi(2)).max(0.0).sqrt();
                // From the edge of the crown outwards, bent down at its sides.
                let root = crown(side * 0.92);
                root + Vec3::new(0.0, -0.016 * t - 0.012 * side * side * t, -0.098 * t * round)
            };
            let cells = (fine.hat.0 / 2, 1);
            let tint = |_: f32, t: f32, _: Vec3| Tint::CLOTH.toned(0.6 + 0.1 * t);
            clay.surface(cells, 1.0, peak, |s, t| peak(s, t) - Vec3::Y, tint, |_| true);
            clay.surface(
                cells,
                1.0,
                |s, t| peak(s, t) - Vec3::Y * 0.004,
                |s, t| peak(s, t) + Vec3::Y,
                |_, _, _| Tint::CLOTH.toned(0.3).shaded(0.5),
                |_| true,
            );
        }
        EARS => {
            // A headband with two ears.
            let band = |s: f32, t: f32| {
                let angle = (s * 2.0 - 1.0) * 1.5;
                let direction = Vec3::new(angle.sin(), angle.cos(), -0.12 + 0.16 * (t - 0.5));
                HEAD.swollen(0.0145).at(direction.normalize_or(Vec3::Y))
            };
            clay.surface((fine.hat.0, 1), 1.0, band, |_, _| m, |_, _, _| Tint::own(52, 44, 46), |_| true);
            for side in [-1.0f32, 1.0] {
                let root = HEAD.swollen(0.008).at(Vec3::new(side * 0.62, 0.85, -0.1).normalize_or(Vec3::Y));
                let up = Vec3::new(side * 0.42, 0.9, 0.0).normalize_or(Vec3::Y);
                let aside = Vec3::new(up.y, -up.x, 0.0);
                let ear = |depth: f32, size: f32| {
                    move |s: f32, t: f32| {
                        let (sin, cos) = (s * TAU).sin_cos();
                        let wide = (1.0 - t).powf(0.8) * size;
                        root + up * (t * 0.07 * size) + aside * (cos * 0.046 * wide) + Vec3::Z * (sin * depth * wide)
                    }
                };
                clay.surface(
                    (fine.bits.0, fine.bits.1 - 1),
                    1.0,
                    ear(0.02, 1.0),
                    |_, t| root + up * (t * 0.05),
                    |_, _, _| Tint::own(52, 44, 46),
                    |_| true,
                );
            }
        }
        BOW => {
            let at = HEAD.swollen(0.016).at(Vec3::new(0.68, 0.5, 0.42).normalize_or(Vec3::Y));
            let out = (at - m).normalize_or(Vec3::Y);
            let aside = Vec3::new(0.62, -0.7, 0.2).reject_from(out).normalize_or(Vec3::X);
            let ribbon = Tint::own(226, 82, 92);
            for side in [-1.0f32, 1.0] {
                let line = [at, at + aside * (0.032 * side) + out * 0.012, at + aside * (0.066 * side) + out * 0.006];
                clay.limb((fine.bits.0, fine.bits.1), 1.0, line, [0.012, 0.036], |_, _| ribbon, |_| true);
            }
            let knot = Egg { middle: at + out * 0.006, half: Vec3::splat(0.018), power: 2.4, pear: 0.0 };
            clay.egg((fine.bits.0 - 1, fine.bits.1 - 1), 1.0, knot, |_| ribbon.toned(0.7), |_| true);
        }
        _ => {}
    }
}

/// The arms of the glasses, along the sides of the head; their front is drawn on the plate.
fn temples(clay: &mut Clay, glasses: u8) {
    if glasses == 0 {
        return;
    }
    let tint = Tint::own(38, 32, 34);
    for side in [-1.0f32, 1.0] {
        let outer = plate::place(Vec2::new(0.95 * side, 0.16));
        let place = |s: f32, t: f32| {
            let z = outer.z + (HEAD.middle.z + 0.045 - outer.z) * s;
            let free = HEAD.swollen(0.006);
            let local = ((z - free.middle.z) / free.half.z).abs().powf(free.power);
            let wide = free.half.x * (1.0 - local).max(0.0).powf(1.0 / free.power);
            let x = (wide + 0.001).max(outer.x.abs() + 0.002);
            Vec3::new(x * side, outer.y + 0.011 * (t - 0.5) - 0.012 * smooth(0.75, 1.0, s), z)
        };
        clay.surface((3, 1), 1.0, place, |_, _| HEAD.middle, |_, _, _| tint, |_| true);
    }
}

/// A cap over the head, round an axis that leans back by `tilt`; it reaches so far down (radians from the axis) in front, at the sides, behind.
#[derive(Clone, Copy)]
struct Shell {
    tilt: f32,
    reach: [f32; 3],
    lift: f32,
    cut: Cut,
    tint: Tint,
}

/// What the shell's surface is like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Lies close, thinner to its edge.
    Soft,
    /// Falls to the shoulders and stands off a little.
    Hanging,
    /// A cloud of curls.
    Curly,
    /// In points to the front.
    Tufted,
    /// Cloth with a clear edge.
    Dome,
    /// Wider than the head and flat.
    Beret,
    /// Only the lowest part.
    Band,
}

impl Shell {
    fn reach_at(&self, azimuth: f32) -> f32 {
        let [front, side, back] = self.reach;
        let cos = azimuth.cos();
        // Azimuth 0 is the front.
        if cos > 0.0 { side + (front - side) * cos * cos } else { side + (back - side) * cos * cos }
    }

    /// Direction of the head at this azimuth and angle from the axis.
    fn direction(&self, azimuth: f32, angle: f32) -> Vec3 {
        let upright = Vec3::new(azimuth.sin() * angle.sin(), angle.cos(), -azimuth.cos() * angle.sin());
        Quat::from_rotation_x(self.tilt) * upright
    }

    fn place(&self, s: f32, t: f32) -> Vec3 {
        let azimuth = s * TAU;
        // From the axis (t = 0) down.
        let reach = self.reach_at(azimuth);
        let from = if self.cut == Cut::Band { 0.8 } else { 0.0 };
        let part = from + (1.0 - from) * t;
        let mut angle = part * reach;
        let edge = smooth(1.0, 0.86, part);
        let mut lift = self.lift;
        match self.cut {
            Cut::Soft => lift *= 0.4 + 0.6 * edge,
            Cut::Hanging => {
                let hang = smooth(0.5, 1.0, part) * smooth(1.0, 0.3, azimuth.cos());
                lift = lift * (0.45 + 0.55 * edge) + 0.016 * hang;
            }
            Cut::Curly => {
                // A cloud: wide at the sides and behind, low over the crown for whoever sits behind.
                let aside = smooth(0.15, 0.6, part);
                let lump = (azimuth * 5.0).cos() * (part * 9.0).sin() * smooth(0.1, 0.4, part);
                lift = (lift + 0.038 * aside + 0.006 * lump) * (0.3 + 0.7 * smooth(1.0, 0.8, part));
            }
            Cut::Tufted => {
                let front = smooth(0.1, 0.9, azimuth.cos());
                angle *= 1.0 + 0.13 * front * (azimuth * 9.0).cos() * smooth(0.6, 1.0, part);
                lift = lift * (0.3 + 0.7 * edge) + 0.012 * front * smooth(0.45, 0.8, part) * edge;
            }
            Cut::Dome => lift *= 0.8 + 0.2 * edge,
            Cut::Beret => {
                let bulge = (part * PI).sin();
                lift = lift * (0.7 + 0.3 * edge) + 0.034 * bulge * smooth(0.3, 0.8, part);
            }
            Cut::Band => lift *= 0.82 + 0.36 * (t * PI).sin(),
        }
        let direction = self.direction(azimuth, angle);
        let mut at = HEAD.swollen(lift).at(direction);
        if self.cut == Cut::Hanging {
            // What would follow the head inwards falls straight.
            let below = (HEAD.middle.y - at.y).max(0.0);
            let out = Vec2::new(direction.x, direction.z).normalize_or_zero();
            at += Vec3::new(out.x, -0.12, out.y) * (below * 0.42);
        }
        at
    }

    fn add(&self, clay: &mut Clay, cells: (usize, usize), place: impl Fn(f32, f32) -> Vec3, keep: impl Fn(Vec3) -> bool) {
        let tint = |s: f32, t: f32, at: Vec3| {
            let low = smooth(HEAD.middle.y - 0.14, HEAD.middle.y + 0.02, at.y);
            // Locks, hardly to be seen; hats have none.
            let locks = if self.tint == Tint::HAIR { 1.0 + 0.2 * (s * TAU * 7.0 + 2.5 * t).sin() * smooth(0.1, 0.5, t) } else { 1.0 };
            self.tint.toned(locks).shaded(0.55 + 0.45 * low)
        };
        clay.surface(cells, 1.0, place, |_, _| HEAD.middle, tint, keep);
    }

    /// Whether a place of the head (or of hair on it) is well inside.
    fn covers(&self, at: Vec3) -> bool {
        self.depth(at) < 0.8 && at.distance(HEAD.middle) < 0.172
    }

    /// How far a place is pressed to the head: 1 inside, 0 well below the edge.
    fn presses(&self, at: Vec3) -> f32 {
        smooth(1.3, 1.06, self.depth(at))
    }

    /// How far down from the axis a direction is, as a share of the reach there.
    fn depth(&self, at: Vec3) -> f32 {
        let direction = Quat::from_rotation_x(-self.tilt) * (at - HEAD.middle).normalize_or(Vec3::NEG_Y);
        direction.y.clamp(-1.0, 1.0).acos() / self.reach_at(direction.x.atan2(-direction.z))
    }
}
