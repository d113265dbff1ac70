//! What the theater is told of a person. Whoever knows people (the room, a test) puts these on ordinary entities and changes them; every value is
//! safe to take from a stranger: numbers wrap, angles are held to what a neck does.

use bevy::prelude::*;

use crate::theater::{view, walk};

/// A person: what they are called and how they look. With [`Sits`](crate::room::Sits) they have a seat and a figure in it.
#[derive(Component, Debug, Clone, PartialEq, Eq)]
#[require(HeadPose, Stands, Presence, Speech, HeadTop)]
pub struct Person {
    /// The name others see.
    pub name: String,
    /// The colour of their clothes.
    pub hue: Hue,
    /// Hair: 0 is none; then every style in every colour ([`Look::HAIRS`]).
    pub hair: Look,
    /// Hat: 0 is none, then [`Look::HATS`].
    pub hat: Look,
    /// Glasses: 0 is none, then [`Look::GLASSES`].
    pub glasses: Look,
}

/// Where a person stands (to the right of the hall's middle, and from the screen, m); nothing for who sits. It may come in steps, twenty times a
/// second: the figure walks there smoothly. Whoever stands turns by their [`HeadPose`] from straight towards the screen's wall.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct Stands(pub Option<Vec2>);

impl Stands {
    /// Where they can stand: in no wall and in no row of seats.
    #[must_use]
    pub fn held(self) -> Option<Vec2> {
        // What was said in whole centimetres may touch what it stood beside.
        let touches =
            |at: Vec2| [Vec2::ZERO, Vec2::X, Vec2::NEG_X, Vec2::Y, Vec2::NEG_Y].into_iter().any(|way| walk::is_free(at + way * TOUCH_M));
        self.0.map(|at| if touches(at) { at } else { walk::free_near(at) })
    }
}

const TOUCH_M: f32 = 0.012;

/// Where a person looks, as [`Viewer`](crate::theater::Viewer) has it: radians from straight at the screen. It may come in steps, twenty times a
/// second: the figure follows smoothly.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadPose {
    /// To the left of the screen.
    pub yaw: f32,
    /// Upwards.
    pub pitch: f32,
}

impl HeadPose {
    /// As far as a neck turns; what is no number looks ahead.
    #[must_use]
    pub fn held(self) -> (f32, f32) {
        view::clamp_look(self.yaw, self.pitch)
    }
}

/// Whether a person is with us.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Presence {
    /// Awake in their seat.
    #[default]
    Here,
    /// Not at their machine: the head sinks, *zzz*.
    Away,
    /// Not heard of for a moment: the head sinks, the colours fade, three dots.
    Reconnecting,
}

/// How loud a person speaks now, 0 to 1: moves the mouth and lights a soft ring.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct Speech(pub f32);

/// Where the highest point of a person's head is, m, in the hall: names and bubbles stand over it. Kept by the theater.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadTop(pub Vec3);

/// One of twelve colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hue(u8);

impl Hue {
    /// How many there are.
    pub const COUNT: u8 = 12;

    /// The colour of this number; numbers wrap.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number % Self::COUNT)
    }

    /// Its number, 0 to 11.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// All of them, round the circle.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The colour as one writes it on the web: red, green, blue (sRGB), for swatches and names.
    #[must_use]
    pub const fn srgb(self) -> [u8; 3] {
        HUES[self.0 as usize]
    }
}

/// Which hair, hat or glasses; 0 is none. Any number is one of those there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Look(pub u8);

impl Look {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Hair: 1 to this.
    pub const HAIRS: u8 = HAIR_STYLES * HAIR_COLOURS.len() as u8;
    /// Hats: 1 to this.
    pub const HATS: u8 = 5;
    /// Glasses: 1 to this.
    pub const GLASSES: u8 = 3;

    /// This style of hair (1 to 7) in this colour (0 to 5); numbers wrap.
    #[must_use]
    pub const fn hair(style: u8, colour: u8) -> Self {
        Self(1 + (style + HAIR_STYLES - 1) % HAIR_STYLES + HAIR_STYLES * (colour % HAIR_COLOURS.len() as u8))
    }

    /// One of `count`, from 1; 0 stays none.
    pub(super) const fn among(self, count: u8) -> u8 {
        if self.0 == 0 { 0 } else { (self.0 - 1) % count + 1 }
    }

    pub(super) const fn hair_style(self) -> u8 {
        self.among(HAIR_STYLES)
    }

    /// Red, green, blue (sRGB).
    pub(super) const fn hair_srgb(self) -> [u8; 3] {
        let number = if self.0 == 0 { 0 } else { (self.0 - 1) / HAIR_STYLES };
        HAIR_COLOURS[number as usize % HAIR_COLOURS.len()]
    }
}

/// Styles of hair.
pub(super) const HAIR_STYLES: u8 = 7;

/// Chosen to be told apart in the light of a sconce and beside each other; round the circle from the house's amber.
const HUES: [[u8; 3]; Hue::COUNT as usize] = [
    [240, 164, 60],
    [234, 106, 74],
    [216, 76, 104],
    [200, 88, 168],
    [138, 98, 206],
    [82, 112, 218],
    [70, 158, 222],
    [44, 164, 158],
    [84, 164, 92],
    [168, 178, 70],
    [202, 158, 118],
    [146, 154, 172],
];

const HAIR_COLOURS: [[u8; 3]; 6] = [[44, 33, 31], [94, 58, 38], [152, 74, 38], [206, 156, 88], [158, 152, 150], [58, 60, 96]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_a_look() {
        for number in 0..=u8::MAX {
            assert!(Hue::new(number).get() < Hue::COUNT);
            assert!(Look(number).hair_style() <= HAIR_STYLES && Look(number).among(Look::HATS) <= Look::HATS);
            assert_eq!(Look(number).hair_style() == 0, number == 0);
            assert!(HAIR_COLOURS.contains(&Look(number).hair_srgb()));
        }
        for (style, colour) in (1..=HAIR_STYLES).flat_map(|style| (0..6).map(move |colour| (style, colour))) {
            let look = Look::hair(style, colour);
            assert!((1..=Look::HAIRS).contains(&look.0));
            assert_eq!((look.hair_style(), look.hair_srgb()), (style, HAIR_COLOURS[usize::from(colour)]));
        }
    }

    #[test]
    fn strangers_stand_where_one_can() {
        for at in [Vec2::new(0.0, 9.0), Vec2::NAN, Vec2::new(1e9, -1e9), Vec2::new(-3.0, 0.0)] {
            assert!(walk::is_free(Stands(Some(at)).held().unwrap()), "{at}");
        }
        assert_eq!(Stands(Some(Vec2::new(4.6, 8.0))).held(), Some(Vec2::new(4.6, 8.0)));
        assert_eq!(Stands(None).held(), None);
    }

    #[test]
    fn a_pose_from_a_stranger_is_held() {
        let (yaw, pitch) = HeadPose { yaw: f32::NAN, pitch: 1e9 }.held();
        assert!(yaw == 0.0 && pitch <= 1.0);
    }
}
