use bevy::{math::Affine3A, prelude::*};
use bevy_egui::{
    egui::{self, Align2, Color32, FontId, Id, pos2, vec2},
    input::EguiWantsInput,
};

use super::{
    Action, Company, View,
    icon::Icon,
    keys::hint_for,
    theme::{GRID, Palette},
};
use crate::film::TurnChapter;
use crate::theater::{
    Cinema, PlaceSound, SeatedCamera, Theater, Tier,
    hall::shape::{ALL_FACES, Corner, Paint, Shape},
    light::bake::bake,
    material::{HallMaterial, LightBuffer, Pattern},
    motion,
};

/// A remote as in one's own hand: mesh buttons, found by picking, that press themselves and trigger the same actions as keys.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Remote>()
        .init_resource::<Pointed>()
        .add_systems(PostStartup, put_in_hand)
        .add_systems(Update, (raise, press).before(Theater::Light));
}

fn put_in_hand(
    cameras: Query<Entity, With<SeatedCamera>>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<HallMaterial>>,
    (tier, light): (Res<Tier>, Res<LightBuffer>),
    mut commands: Commands,
) {
    let Some(camera) = cameras.iter().next() else { return };
    let matt = materials.add(HallMaterial::new(Pattern::Plain, *tier, &light));
    let lamp = materials.add(HallMaterial::new(Pattern::Lamp, *tier, &light));
    let half_body = Vec3::new(WIDTH_M / 2.0, LENGTH_M / 2.0, 0.011);
    let mut body = Shape::default();
    body.soft_box(in_hand(), half_body, 0.010, 6, &ALL_FACES, |place| shell(place, half_body, [27, 24, 26]));
    let body = meshes.add(bake(Pattern::Plain, &body, HELD_AT));
    let mut button = Shape::default();
    let half_button = Vec3::new(BUTTON_M / 2.0, BUTTON_M / 2.0, 0.004);
    button.soft_box(in_hand(), half_button, 0.004, 4, &ALL_FACES, |place| shell(place, half_button, [52, 46, 48]));
    let button = meshes.add(bake(Pattern::Plain, &button, HELD_AT));
    let target = meshes.add(Cuboid::new(BUTTON_M, BUTTON_M, 0.012));
    let remote = commands
        .spawn((
            Name::new("remote"),
            Body { raised: 0.0 },
            Mesh3d(body),
            MeshMaterial3d(matt.clone()),
            // A click between two buttons is not one on a seat behind it.
            Pickable::default(),
            Visibility::Hidden,
            held(0.0, Vec2::MAX),
        ))
        .id();
    commands.entity(camera).add_child(remote);
    for (row, icons) in BUTTONS.iter().enumerate() {
        for (column, (icon, does)) in icons.iter().enumerate() {
            let x = (column as f32 - (icons.len() as f32 - 1.0) / 2.0) * PITCH_M;
            let y = LENGTH_M / 2.0 - 0.026 - row as f32 * PITCH_M;
            let sign = meshes.add(bake(Pattern::Lamp, &sign(*icon), HELD_AT));
            let rest = Vec3::new(x, y, 0.0125);
            let entity = commands
                .spawn((
                    Name::new(format!("remote: {icon:?}")),
                    RemoteButton { action: does(), rest, pressed: 0.0, is_hovered: false },
                    Mesh3d(target.clone()),
                    Transform::from_translation(rest),
                    Visibility::Inherited,
                    children![
                        (Mesh3d(button.clone()), MeshMaterial3d(matt.clone()), Pickable::IGNORE),
                        (Mesh3d(sign), MeshMaterial3d(lamp.clone()), Transform::from_xyz(0.0, 0.0, 0.0046), Pickable::IGNORE),
                    ],
                ))
                .observe(click)
                .observe(|over: On<Pointer<Over>>, mut buttons: Query<&mut RemoteButton>| {
                    if let Ok(mut button) = buttons.get_mut(over.event().entity) {
                        button.is_hovered = true;
                    }
                })
                .observe(|out: On<Pointer<Out>>, mut buttons: Query<&mut RemoteButton>| {
                    if let Ok(mut button) = buttons.get_mut(out.event().entity) {
                        button.is_hovered = false;
                    }
                })
                .id();
            commands.entity(remote).add_child(entity);
        }
    }
}

fn click(click: On<Pointer<Click>>, mut buttons: Query<&mut RemoteButton>, wants: Res<EguiWantsInput>, mut commands: Commands) {
    if let Ok(mut button) = buttons.get_mut(click.event().entity)
        && click.event().button == PointerButton::Primary
        && !wants.is_pointer_over_area()
    {
        button.pressed = 1.0;
        commands.trigger(PlaceSound::Click);
        commands.trigger(button.action.clone());
    }
}

/// The hand comes up and goes down; in a narrow window it is held closer. In the lobby, whose card would cover it, it rests.
fn raise(
    time: Res<Time>,
    remote: Res<Remote>,
    (cinema, view, company): (Res<Cinema>, Res<View>, Res<Company>),
    eye: Option<Single<(&Camera, &Projection), With<SeatedCamera>>>,
    mut bodies: Query<(&mut Body, &mut Transform, &mut Visibility)>,
) {
    let target = if remote.is_up && !cinema.0 && !company.is_in_lobby(&view) { 1.0 } else { 0.0 };
    let room_m = eye.map_or(Vec2::MAX, |eye| half_view_m(eye.0, eye.1));
    for (mut body, mut transform, mut visibility) in &mut bodies {
        let step = time.delta_secs() / RAISE_S;
        let raised = body.raised + (target - body.raised).clamp(-step, step);
        if raised != body.raised {
            body.raised = raised;
            visibility.set_if_neq(if raised > 0.0 { Visibility::Inherited } else { Visibility::Hidden });
        }
        if raised > 0.0 {
            transform.set_if_neq(held(motion::ease(raised), room_m));
        }
    }
}

/// How far one sees to the side and downwards where the hand is, m.
fn half_view_m(camera: &Camera, projection: &Projection) -> Vec2 {
    let Projection::Perspective(perspective) = projection else { return Vec2::MAX };
    let aspect = camera.logical_viewport_size().map_or(f32::MAX, |size| size.x / size.y.max(1.0));
    let down = -HAND_M.z * (perspective.fov / 2.0).tan();
    Vec2::new(down * aspect, down)
}

/// In the hand; where one sees less, nearer to the middle, so that no row stands behind the bar.
fn held(raised: f32, room_m: Vec2) -> Transform {
    let aside = HAND_M.x.min(room_m.x - WIDTH_M).max(0.0);
    let lowest = BAR_PART * room_m.y - LENGTH_M / 2.0 * LEANS;
    let hand = Vec3 { x: aside, y: HAND_M.y.max(-lowest), ..HAND_M } - Vec3::new(0.0, 0.16, -0.02) * (1.0 - raised);
    Transform::from_translation(hand).with_rotation(Quat::from_euler(EulerRot::YXZ, -0.30, -0.42, 0.10))
}

/// A pressed button goes in and comes back; a hovered one stands out a little.
fn press(time: Res<Time>, mut buttons: Query<(&mut RemoteButton, &mut Transform)>, mut pointed: ResMut<Pointed>) {
    let hovered = buttons.iter().find(|(button, _)| button.is_hovered).map(|(button, _)| button.action.clone());
    pointed.set_if_neq(Pointed(hovered));
    for (mut button, mut transform) in &mut buttons {
        let stands_out = if button.is_hovered { 1.12 } else { 1.0 };
        if button.pressed > 0.0 {
            button.pressed = (button.pressed - time.delta_secs() / PRESS_S).max(0.0);
        }
        let place = button.rest - Vec3::Z * 0.0045 * button.pressed;
        transform.set_if_neq(Transform::from_translation(place).with_scale(Vec3::splat(stands_out)));
    }
}

/// A dark, soft shell that is seen in the dark: its edges catch a little light wherever one sits, its far end more than the near one.
fn shell(place: Vec3, half: Vec3, [red, green, blue]: [u8; 3]) -> Paint {
    let edge = 1.0 - (place.z / half.z).clamp(0.0, 1.0);
    let far = place.y / half.y * 0.5 + 0.5;
    Paint::lamp(red, green, blue, 0.10 + 0.22 * far + 1.5 * edge * far, 0.0)
}

fn sign(icon: Icon) -> Shape {
    let mut shape = Shape::default();
    let paint = Paint::lamp(255, 190, 110, SIGN_GLOW, 0.0);
    for outline in icon.outlines() {
        let first = shape.corners.len() as u32;
        shape.triangles.extend((1..outline.len() as u32 - 1).map(|next| [first, first + next, first + next + 1]));
        shape.corners.extend(outline.iter().map(|[x, y]| Corner {
            position: HELD_AT + Vec3::new(*x, *y, 0.0) * SIGN_HALF_M,
            normal: Vec3::Z,
            uv: Vec2::ZERO,
            paint,
        }));
    }
    shape
}

/// What the button under the pointer does, and by which key.
pub(super) fn hint(context: &egui::Context, pointed: &Pointed) {
    let (Some(hint), Some(at)) = (pointed.0.as_ref().and_then(hint_for), context.pointer_hover_pos()) else { return };
    let palette = Palette::of(context.theme());
    let painter = context.layer_painter(egui::LayerId::new(egui::Order::Tooltip, Id::new("hint of the remote")));
    let galley = painter.layout_no_wrap(hint, FontId::proportional(14.0), palette.text);
    // Above the pointer, and within the window.
    let window = context.content_rect().shrink(1.5 * GRID);
    let size = galley.size() + vec2(2.0, 1.5) * GRID;
    let least = window.min + size / 2.0;
    let middle = (at - vec2(0.0, size.y + GRID)).clamp(least, (window.max - size / 2.0).max(least));
    let around = Align2::CENTER_CENTER.anchor_size(pos2(middle.x, middle.y), size);
    painter.rect_filled(around, 6, palette.panel);
    painter.galley(Align2::CENTER_CENTER.anchor_size(around.center(), galley.size()).min, galley, Color32::WHITE);
}

/// What the button does that the pointer is on.
#[derive(Resource, Debug, Default, Clone, PartialEq)]
pub(super) struct Pointed(Option<Action>);

/// Whether the remote is in front of one's eyes.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// Raised.
    pub is_up: bool,
}

impl Default for Remote {
    fn default() -> Self {
        Self { is_up: true }
    }
}

/// A button of the remote, to be clicked.
#[derive(Component, Debug, Clone, PartialEq)]
pub struct RemoteButton {
    /// What it does.
    pub action: Action,
    rest: Vec3,
    /// 1 when pressed, going back to 0.
    pressed: f32,
    is_hovered: bool,
}

#[derive(Component)]
struct Body {
    /// 0 down, 1 up.
    raised: f32,
}

/// Where its shapes are lit as they are baked: in a hand in the middle of the hall.
fn in_hand() -> Affine3A {
    Affine3A::from_translation(HELD_AT)
}

/// Row by row from the top.
const BUTTONS: &[&[(Icon, fn() -> Action)]] = &[
    &[(Icon::Lights, || Action::Lights), (Icon::Subtitles, || Action::NextSubtitle), (Icon::Sound, || Action::NextSound)],
    &[
        (Icon::PreviousChapter, || Action::Chapter(TurnChapter::Previous)),
        (Icon::PlayPause, || Action::Toggle),
        (Icon::NextChapter, || Action::Chapter(TurnChapter::Next)),
    ],
    &[
        (Icon::Back, || Action::SeekBy { seconds: -10 }),
        (Icon::Open, || Action::ChooseFile),
        (Icon::Forward, || Action::SeekBy { seconds: 10 }),
    ],
    &[
        (Icon::Quieter, || Action::VolumeBy { percent: -5.0 }),
        (Icon::Muted, || Action::Mute),
        (Icon::Louder, || Action::VolumeBy { percent: 5.0 }),
    ],
    &[(Icon::People, || Action::People), (Icon::Cinema, || Action::Cinema), (Icon::Chat, || Action::Chat)],
];

const WIDTH_M: f32 = 0.088;
const LENGTH_M: f32 = 0.160;
const BUTTON_M: f32 = 0.022;
const PITCH_M: f32 = 0.027;
const SIGN_HALF_M: f32 = 0.0068;
/// In front of the eye: at the lower right, an arm's length bent.
const HAND_M: Vec3 = Vec3::new(0.292, -0.102, -0.46);
/// Of what is seen below the middle, the part above the bar.
const BAR_PART: f32 = 0.72;
/// It is held aslant, its lower end nearer to the eye.
const LEANS: f32 = 1.12;
const HELD_AT: Vec3 = Vec3::new(0.25, 1.9, 8.5);
/// Like a phone in a cinema.
const SIGN_GLOW: f32 = 0.34;
const RAISE_S: f32 = 0.25;
const PRESS_S: f32 = 0.18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_button_says_what_it_does_and_has_a_key() {
        for (icon, does) in BUTTONS.iter().flat_map(|row| row.iter()) {
            assert!(hint_for(&does()).is_some(), "{icon:?}");
        }
    }
}
