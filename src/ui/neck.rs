use bevy::prelude::*;

use super::{Action, action::Direction};
use crate::theater::{PlaceSettings, Theater, Viewer, motion::covered};

/// Looking around by keys: each press turns the head by a step.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Neck>().add_observer(on_action).add_systems(Update, turn.before(Theater::Move));
}

fn on_action(action: On<Action>, mut neck: ResMut<Neck>) {
    match action.event() {
        Action::Turn(to) => neck.0 += step(*to),
        // Whoever sits down looks ahead.
        Action::LookAhead | Action::Sit(_) | Action::StandUp => neck.0 = Vec2::ZERO,
        _ => {}
    }
}

/// To the left, and upwards, as a [`Viewer`] counts.
const fn step(to: Direction) -> Vec2 {
    match to {
        Direction::Left => Vec2::new(YAW_STEP, 0.0),
        Direction::Right => Vec2::new(-YAW_STEP, 0.0),
        Direction::Up => Vec2::new(0.0, PITCH_STEP),
        Direction::Down => Vec2::new(0.0, -PITCH_STEP),
    }
}

fn turn(time: Res<Time>, settings: Res<PlaceSettings>, mut neck: ResMut<Neck>, mut viewer: ResMut<Viewer>) {
    let left = neck.0;
    if left == Vec2::ZERO {
        return;
    }
    let is_at_once = settings.reduce_motion || left.length() < STILL;
    let now = if is_at_once { left } else { left * covered(time.delta_secs(), TURN_TAU_S) };
    viewer.turn(now.x, now.y);
    neck.0 = left - now;
}

/// How far the head has still to turn: to the left, and upwards, radians.
#[derive(Resource, Default)]
struct Neck(Vec2);

const YAW_STEP: f32 = 0.15;
const PITCH_STEP: f32 = 0.1;
const TURN_TAU_S: f32 = 0.08;
/// What is less is not seen.
const STILL: f32 = 0.002;
