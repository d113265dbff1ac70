//! The figure itself: a round body sunk in the seat and a head slightly too large. Pure.

use bevy::math::{Affine3A, Vec2, Vec3};

use super::{
    person::{Look, Person},
    plate,
    sculpt::{Clay, Egg, Tint, turn},
    wear,
};
use crate::theater::{Tier, hall::measures::EYE_HEIGHT_M, walk::STANDING_EYE_M};

/// Everything of a figure that looks like this, but for the face.
pub(super) fn figure(look: Outfit, tier: Tier) -> Clay {
    let mut clay = Clay::default();
    let fine = Fineness::of(tier);
    trunk(&mut clay, fine, look.is_standing);
    if look.is_standing {
        upright_limbs(&mut clay, fine);
    } else {
        limbs(&mut clay, fine);
    }
    let worn = wear::Worn::of(look);
    head(&mut clay, fine, &worn);
    worn.put_on(&mut clay, fine);
    clay
}

/// Where the head is when it looks ahead.
pub(super) const HEAD: Egg =
    Egg { middle: Vec3::new(0.0, EYE_HEIGHT_M - 0.042, 0.012), half: Vec3::new(0.136, 0.128, 0.13), power: 2.35, pear: 0.05 };

/// What the head turns about.
pub(super) const NECK: Vec3 = Vec3::new(0.0, EYE_HEIGHT_M - 0.16, 0.035);

fn trunk(clay: &mut Clay, fine: Fineness, is_standing: bool) {
    // It leans back into the seat.
    let lean =
        Affine3A::from_translation(HIP) * Affine3A::from_rotation_x(if is_standing { 0.0 } else { 0.1 }) * Affine3A::from_translation(-HIP);
    let trunk = Egg { middle: Vec3::new(0.0, 0.7, 0.02), half: Vec3::new(0.212, 0.26, 0.138), power: 2.5, pear: 0.08 };
    let place = |s: f32, t: f32| lean.transform_point3(trunk.at(turn(s, t)));
    let middle = lean.transform_point3(trunk.middle);
    let tint = |_: f32, _: f32, at: Vec3| {
        // The seat's back takes the light from behind, the lap from below; under the chin it is dark.
        let deep = smooth(0.45, 0.86, at.y) * (0.75 + 0.25 * smooth(0.12, -0.06, at.z));
        let chin = 1.0 - 0.45 * smooth(0.15, 0.06, Vec2::new(at.x, at.z - 0.02).length()) * smooth(0.9, 0.97, at.y);
        Tint::CLOTH.shaded((0.25 + 0.75 * deep) * chin)
    };
    // Nobody sees its lowest part, and the seat hides its back.
    let keep = |at: Vec3| at.y > 0.5 && (is_standing || at.z < 0.11 || at.y > 0.8);
    // Legs need what the trunk of who stands can spare.
    let cells = (fine.trunk.0 - usize::from(is_standing), fine.trunk.1);
    clay.surface(cells, 0.0, place, |_, _| middle, tint, keep);
    // A collar in a lighter tone parts head and body.
    let collar = |_: f32, at: Vec3| Tint::CLOTH.toned(1.25).shaded(0.6 + 0.4 * smooth(0.955, 0.985, at.y));
    clay.ring(fine.collar, 0.3, NECK - Vec3::Y * 0.022, [Vec3::X * 0.104, Vec3::new(0.0, 0.012, 0.094), Vec3::Y], 0.026, collar);
}

const HIP: Vec3 = Vec3::new(0.0, 0.5, 0.02);

fn limbs(clay: &mut Clay, fine: Fineness) {
    for side in [-1.0f32, 1.0] {
        let at = |x: f32, y: f32, z: f32| Vec3::new(x * side, y, z);
        // Arms hang from round shoulders and rest in the lap.
        let arm = [at(0.196, 0.885, 0.035), at(0.315, 0.66, 0.0), at(0.135, 0.615, -0.235)];
        clay.limb(fine.arm, 0.0, arm, [0.07, 0.05], |t, at| sleeve_and_hand(t, 0.3 + 0.7 * smooth(0.6, 0.86, at.y), 0.7), |_| true);
        // Short legs that end in shoes, as a plush figure's do.
        let leg = [at(0.1, 0.555, -0.06), at(0.118, 0.585, -0.3), at(0.125, 0.545, -0.455)];
        let trousers = Tint::own(58, 62, 84);
        clay.limb(fine.leg, 0.0, leg, [0.088, 0.074], |_, at| trousers.shaded(0.3 + 0.5 * smooth(-0.1, -0.36, at.z)), |at| at.y > 0.5);
        let shoe = Egg { middle: at(0.128, 0.578, -0.485), half: Vec3::new(0.062, 0.085, 0.05), power: 2.3, pear: 0.0 };
        clay.egg(fine.shoe, 0.0, shoe, |_| Tint::own(150, 104, 74).shaded(0.8), |_| true);
    }
}

/// An arm's cloth, and at its end the hand; each with how open to the light it is.
fn sleeve_and_hand(along: f32, sleeve: f32, hand: f32) -> Tint {
    if along > 0.84 { Tint::SKIN.shaded(hand) } else { Tint::CLOTH.toned(0.94).shaded(sleeve) }
}

/// Arms that hang, and legs down to the floor, which is lower than that of who sits: [`LEGS_M`].
fn upright_limbs(clay: &mut Clay, fine: Fineness) {
    for side in [-1.0f32, 1.0] {
        let at = |x: f32, y: f32, z: f32| Vec3::new(x * side, y, z);
        let arm = [at(0.196, 0.885, 0.03), at(0.3, 0.68, 0.03), at(0.268, 0.5, -0.03)];
        clay.limb(fine.arm, 0.0, arm, [0.07, 0.05], |t, at| sleeve_and_hand(t, 0.5 + 0.5 * smooth(0.55, 0.86, at.y), 0.8), |_| true);
        let floor = -LEGS_M;
        let leg = [at(0.1, 0.52, 0.02), at(0.108, 0.12, 0.015), at(0.112, floor + 0.08, 0.03)];
        let trousers = Tint::own(58, 62, 84);
        clay.limb(fine.leg, 0.0, leg, [0.098, 0.074], |_, at| trousers.shaded(0.45 + 0.4 * smooth(0.0, 0.5, at.y)), |at| at.y < 0.57);
        let shoe = Egg { middle: at(0.114, floor + 0.05, -0.02), half: Vec3::new(0.066, 0.052, 0.11), power: 2.3, pear: 0.0 };
        clay.egg(fine.shoe, 0.0, shoe, |_| Tint::own(150, 104, 74).shaded(0.7), |at| at.y > floor + 0.02);
    }
}

/// By how much a standing figure's feet are below those of the seat it sat in, m.
pub(super) const LEGS_M: f32 = STANDING_EYE_M - EYE_HEIGHT_M;

fn head(clay: &mut Clay, fine: Fineness, worn: &wear::Worn) {
    let tint = |at: Vec3| Tint::SKIN.shaded(0.55 + 0.45 * smooth(HEAD.middle.y - 0.14, HEAD.middle.y - 0.05, at.y));
    let place = |s: f32, t: f32| {
        let at = HEAD.at(turn(s, t));
        at.lerp(HEAD.middle, 0.08 * worn.sinks(at).max(plate::sinks(at)))
    };
    let keep = |at: Vec3| !worn.covers(at) && !plate::hides(at);
    clay.surface(fine.head, 1.0, place, |_, _| HEAD.middle, |_, _, at| tint(at), keep);
    for side in [-1.0f32, 1.0] {
        let ear =
            Egg { middle: HEAD.middle + Vec3::new(side * 0.136, -0.012, 0.01), half: Vec3::new(0.02, 0.032, 0.026), power: 2.0, pear: 0.0 };
        if worn.sinks(ear.middle) > 0.5 {
            continue;
        }
        clay.egg(fine.ear, 1.0, ear, |_| Tint::SKIN.toned(0.9).shaded(0.85), |at| (at.x - ear.middle.x) * side > -0.008);
    }
}

/// How finely surfaces are cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fineness {
    pub(super) head: (usize, usize),
    pub(super) ear: (usize, usize),
    pub(super) trunk: (usize, usize),
    pub(super) collar: (usize, usize),
    pub(super) arm: (usize, usize),
    pub(super) leg: (usize, usize),
    pub(super) shoe: (usize, usize),
    pub(super) hair: (usize, usize),
    pub(super) lock: (usize, usize),
    /// Whether one sees what holds the hair.
    pub(super) has_ties: bool,
    pub(super) hat: (usize, usize),
    pub(super) bits: (usize, usize),
}

impl Fineness {
    pub(super) fn of(tier: Tier) -> Self {
        match tier {
            Tier::Medium | Tier::High => Self {
                head: (20, 10),
                ear: (6, 4),
                trunk: (14, 8),
                collar: (14, 4),
                arm: (6, 6),
                leg: (5, 3),
                shoe: (6, 4),
                hair: (26, 6),
                lock: (7, 5),
                has_ties: true,
                hat: (22, 4),
                bits: (6, 4),
            },
            Tier::Low => Self {
                head: (14, 7),
                ear: (4, 2),
                trunk: (10, 5),
                collar: (8, 3),
                arm: (4, 4),
                leg: (4, 2),
                shoe: (4, 3),
                hair: (16, 4),
                lock: (5, 3),
                has_ties: false,
                hat: (14, 2),
                bits: (4, 2),
            },
        }
    }
}

/// What of a person decides the mesh: colours do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Outfit {
    /// 0 is none.
    pub(super) hair: u8,
    /// 0 is none.
    pub(super) hat: u8,
    /// 0 is none.
    pub(super) glasses: u8,
    /// On their feet.
    pub(super) is_standing: bool,
}

impl Outfit {
    pub(super) fn of(person: &Person) -> Self {
        Self {
            hair: person.hair.hair_style(),
            hat: person.hat.among(Look::HATS),
            glasses: person.glasses.among(Look::GLASSES),
            is_standing: false,
        }
    }

    /// Whoever wears something high sits a little lower, so that nobody behind sees less, m.
    pub(super) fn slouch_m(self) -> f32 {
        wear::slouch_m(self)
    }
}

/// 0 before `from`, 1 after `to`, smooth in between; either may be the larger.
pub(super) fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let part = ((value - from) / (to - from)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}
