//! People for pictures, tests and benches: varied, and the same each time. Pure.

use std::f32::consts::TAU;

use super::{HeadPose, Hue, Look, Person, Presence, Speech};

/// The person of this number, with all that the room would say of them.
#[must_use]
pub fn sample(number: usize) -> (Person, HeadPose, Presence, Speech) {
    let n = number as u8;
    let style = [1, 2, 5, 4, 3, 7, 6, 1, 2, 3, 7, 5, 4][number % 13];
    let hat = [0, 0, 1, 0, 0, 3, 0, 2, 0, 4, 0, 0, 5, 0, 1, 0, 2][number % 17];
    let person = Person {
        name: NAMES[number % NAMES.len()].to_owned(),
        hue: Hue::new(n.wrapping_mul(7)),
        hair: if number % 11 == 10 { Look::NONE } else { Look::hair(style, n.wrapping_mul(5) / 3) },
        hat: Look(hat),
        glasses: Look([0, 0, 1, 0, 2, 0, 0, 3][number % 8]),
    };
    // Most look at the screen, some at somebody.
    let turn = (number as f32 * 0.618).fract() * TAU;
    let wide = if number % 5 == 3 { 0.9 } else { 0.12 };
    let pose = HeadPose { yaw: turn.sin() * wide, pitch: turn.cos() * 0.12 };
    let presence = match number % 19 {
        8 => Presence::Away,
        15 => Presence::Reconnecting,
        _ => Presence::Here,
    };
    (person, pose, presence, Speech(if number % 9 == 4 { 0.8 } else { 0.0 }))
}

const NAMES: [&str; 20] = [
    "Ada", "Bo", "Chiara", "Deniz", "Emeka", "Freya", "Goro", "Hana", "Ines", "Jonas", "Kofi", "Lena", "Mateo", "Noor", "Olga", "Priya",
    "Quentin", "Rosa", "Sami", "Tove",
];
