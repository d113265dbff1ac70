//! The room's participants as people in the hall.

use bevy::prelude::*;

use super::{HeadPose, Hue, Look, Person, Presence, Speech, Stands};
use crate::room::{Appearance, Frame, Head, Me, Participant, Stance, Standing, Talking};

/// Makes people of participants, and keeps them as the room has them.
pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, (dress, turn, stand, lose, speak).after(Frame::Show).before(super::occupied::TakeSeats));
}

fn dress(changed: Query<(Entity, &Participant, &Appearance), Or<(Changed<Participant>, Changed<Appearance>)>>, mut commands: Commands) {
    for (entity, participant, appearance) in &changed {
        let [hair, hat, glasses] = outfit(appearance.style);
        commands.entity(entity).insert(Person { name: participant.name.to_string(), hue: Hue::new(appearance.hue), hair, hat, glasses });
    }
}

fn turn(mut heads: Query<(&Head, &mut HeadPose), Changed<Head>>) {
    for (head, mut pose) in &mut heads {
        *pose = HeadPose { yaw: head.yaw(), pitch: head.pitch() };
    }
}

fn stand(mut stances: Query<(&Stance, &mut Stands), Changed<Stance>>) {
    for (stance, mut stands) in &mut stances {
        stands.set_if_neq(Stands(stance.place_m().map(Vec2::from)));
    }
}

fn speak(mut people: Query<(&Talking, &mut Speech), Changed<Talking>>) {
    for (talking, mut speech) in &mut people {
        // Breath opens no mouth, and a loud word opens it wide.
        speech.0 = ((f32::from(talking.0) - QUIET) / (LOUD - QUIET)).clamp(0.0, 1.0);
    }
}

/// While the line is being mended, nobody is heard of.
fn lose(standing: Res<Standing>, mut people: Query<&mut Presence, (With<Participant>, Without<Me>)>) {
    let presence = if *standing == Standing::Joining { Presence::Reconnecting } else { Presence::Here };
    for mut person in &mut people {
        person.set_if_neq(presence);
    }
}

/// Hair, hat and glasses of a style; each style is somebody one would recognise.
const fn outfit(style: u8) -> [Look; 3] {
    let style = style % Appearance::STYLES;
    let hair = Look::hair(1 + style % 7, (style * 5 + 2) % 6);
    let hat = if style % 3 == 2 { Look(1 + (style / 3) % Look::HATS) } else { Look::NONE };
    let glasses = if style % 4 == 1 { Look(1 + (style / 4) % Look::GLASSES) } else { Look::NONE };
    [hair, hat, glasses]
}

/// Of the levels that voices are told in.
const QUIET: f32 = 85.0;
const LOUD: f32 = 205.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_styles_look_the_same() {
        for style in 0..Appearance::STYLES {
            assert!((0..style).all(|other| outfit(other) != outfit(style)), "{style}");
        }
    }
}
