use bevy::prelude::*;
use bevy_egui::input::EguiWantsInput;

use crate::theater::{Feet, Viewer};

/// The keys one walks with, as in every game: W A S D, Shift to hurry.
pub(super) fn plugin(app: &mut App) {
    app.add_systems(PreUpdate, walk.after(bevy_egui::EguiPreUpdateSet::BeginPass));
}

fn walk(keys: Res<ButtonInput<KeyCode>>, wants: Res<EguiWantsInput>, viewer: Res<Viewer>, mut feet: ResMut<Feet>) {
    let has_modifier = keys.any_pressed([KeyCode::ControlLeft, KeyCode::ControlRight, KeyCode::AltLeft, KeyCode::SuperLeft]);
    let is_free = !has_modifier && !wants.wants_any_keyboard_input();
    let wish = if is_free && viewer.stands.is_some() { wish(|key| keys.pressed(key)) } else { Vec2::ZERO };
    feet.set_if_neq(Feet(wish));
}

/// To the right, and ahead.
fn wish(is_down: impl Fn(KeyCode) -> bool) -> Vec2 {
    let axis = |back, on| f32::from(i8::from(is_down(on)) - i8::from(is_down(back)));
    let way = Vec2::new(axis(KeyCode::KeyA, KeyCode::KeyD), axis(KeyCode::KeyS, KeyCode::KeyW)).clamp_length_max(1.0);
    if is_down(KeyCode::ShiftLeft) || is_down(KeyCode::ShiftRight) { way * HURRY } else { way }
}

/// Whether this key walks: while one stands it does nothing else.
pub(super) fn walks(key: KeyCode) -> bool {
    [KeyCode::KeyW, KeyCode::KeyA, KeyCode::KeyS, KeyCode::KeyD].contains(&key)
}

const HURRY: f32 = 1.7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_against_each_other_stand_still() {
        let of = |down: &[KeyCode]| wish(|key| down.contains(&key));
        assert_eq!(of(&[KeyCode::KeyW, KeyCode::KeyS]), Vec2::ZERO);
        assert_eq!(of(&[KeyCode::KeyW]), Vec2::Y);
        assert!((of(&[KeyCode::KeyD, KeyCode::KeyS]).length() - 1.0).abs() < 1e-5);
        assert!(of(&[KeyCode::KeyW, KeyCode::ShiftLeft]).y > 1.0);
    }
}
