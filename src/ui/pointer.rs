use bevy::{
    input::mouse::{AccumulatedMouseMotion, MouseWheel},
    prelude::*,
    window::FileDragAndDrop,
};
use bevy_egui::input::EguiWantsInput;

use super::{Action, Awake, View};
use crate::{
    film::{AddSubtitles, is_subtitle_file},
    theater::{PlaceSettings, Seat, Viewer},
};

/// The mouse: right-drag looks around, a click sits down, the wheel is the volume, a dropped film opens, dropped subtitles are shown.
pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, (look, wheel, wake, drop_file)).add_observer(sit);
}

fn look(
    buttons: Res<ButtonInput<MouseButton>>,
    motion: Res<AccumulatedMouseMotion>,
    settings: Res<PlaceSettings>,
    mut viewer: ResMut<Viewer>,
) {
    if buttons.pressed(MouseButton::Right) && motion.delta != Vec2::ZERO {
        // As in every game: to the right looks right, down looks down.
        let turned = motion.delta * RADIANS_A_PIXEL * settings.held().mouse_sensitivity;
        viewer.turn(-turned.x, -turned.y);
    }
}

fn wheel(mut wheels: MessageReader<MouseWheel>, wants: Res<EguiWantsInput>, mut commands: Commands) {
    let lines: f32 = wheels.read().map(|wheel| wheel.y.signum()).sum();
    if lines != 0.0 && !wants.is_pointer_over_area() {
        commands.trigger(Action::VolumeBy { percent: lines * 2.0 });
    }
}

/// Tablets and remote desktops move the pointer without moving a mouse.
fn wake(
    mut moves: MessageReader<CursorMoved>,
    moved: Res<AccumulatedMouseMotion>,
    buttons: Res<ButtonInput<MouseButton>>,
    (wants, view): (Res<EguiWantsInput>, Res<View>),
    mut awake: ResMut<Awake>,
) {
    // What one points at does not go away under the hand; over a film that stands it stays anyway.
    let points_at_it = wants.is_pointer_over_area() && view.film.as_ref().is_some_and(|film| film.plays);
    let has_moved = moves.read().count() > 0 || moved.delta != Vec2::ZERO;
    if has_moved || points_at_it || buttons.get_just_pressed().next().is_some() {
        awake.wake();
    }
}

fn drop_file(mut drops: MessageReader<FileDragAndDrop>, mut commands: Commands) {
    for drop in drops.read() {
        if let FileDragAndDrop::DroppedFile { path_buf, .. } = drop {
            if is_subtitle_file(path_buf) {
                commands.trigger(AddSubtitles(path_buf.clone()));
            } else {
                commands.trigger(Action::OpenFile(path_buf.clone()));
            }
        }
    }
}

fn sit(click: On<Pointer<Click>>, seats: Query<&Seat>, wants: Res<EguiWantsInput>, mut commands: Commands) {
    if let Ok(seat) = seats.get(click.event().entity)
        && click.event().button == PointerButton::Primary
        && !wants.wants_any_pointer_input()
    {
        commands.trigger(Action::Sit(seat.0));
    }
}

/// A hand's width of mouse turns the head by a third of a circle.
const RADIANS_A_PIXEL: f32 = 0.0025;
