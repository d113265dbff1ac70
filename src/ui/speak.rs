use std::collections::VecDeque;

use bevy::{
    input::{ButtonState, keyboard::KeyboardInput},
    prelude::*,
};
use bevy_egui::{
    egui::{self, Align2, Area, Color32, FontId, Frame, Id, LayerId, Order, Pos2, Rect, RichText, pos2, vec2},
    input::EguiWantsInput,
};

use super::{
    Action, Awake, View,
    bubbles::Sight,
    place::{self, Wanted},
    theme::{ACCENT, GRID, ON_SHADE, Palette, SHADE},
};
use crate::{
    room::{Emote, Emoted, Gesture, Me, Participant, ParticipantId, ShowEmote, Talking},
    voice::{MyVoice, Speak},
    webcam::{MyCamera, TurnCamera},
};

/// Hands and mouths: the key to talk, the wheel of what one shows without words, one's own face as others see it.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Shown>()
        .init_resource::<Mirror>()
        .add_observer(on_action)
        .add_observer(on_emoted)
        .add_systems(PreUpdate, hold_to_talk.after(bevy_egui::EguiPreUpdateSet::BeginPass))
        .add_systems(Update, gather);
}

/// Others hear one for as long as the key is down; a window that loses the keyboard lets go of it.
fn hold_to_talk(
    mut presses: MessageReader<KeyboardInput>,
    held: Res<ButtonInput<KeyCode>>,
    wants: Res<EguiWantsInput>,
    mine: Res<MyVoice>,
    windows: Query<&Window>,
    mut awake: ResMut<Awake>,
    mut commands: Commands,
) {
    let has_modifier = held.any_pressed([KeyCode::ControlLeft, KeyCode::ControlRight, KeyCode::AltLeft, KeyCode::SuperLeft]);
    for press in presses.read() {
        let is_it = matches!(&press.logical_key, bevy::input::keyboard::Key::Character(typed) if typed.eq_ignore_ascii_case("t"));
        if !is_it || press.repeat {
            continue;
        }
        match press.state {
            ButtonState::Pressed if !wants.wants_any_keyboard_input() && !has_modifier => {
                awake.wake();
                commands.trigger(Speak::Hold(true));
            }
            ButtonState::Released => commands.trigger(Speak::Hold(false)),
            ButtonState::Pressed => {}
        }
    }
    if mine.is_held && windows.iter().all(|window| !window.focused) && !windows.is_empty() {
        commands.trigger(Speak::Hold(false));
    }
}

fn on_action(
    action: On<Action>,
    mut shown: ResMut<Shown>,
    mut mine: ResMut<MyVoice>,
    mut camera: ResMut<MyCamera>,
    mut commands: Commands,
) {
    match action.event() {
        Action::Speak(speak) => commands.trigger(*speak),
        Action::Camera => commands.trigger(TurnCamera::Toggle),
        Action::Emote(emote) => {
            shown.wheel = false;
            commands.trigger(ShowEmote(*emote));
        }
        Action::EmoteWheel => shown.wheel = !shown.wheel,
        Action::VoiceTo(chosen) => mine.choose(chosen),
        Action::VolumeOf { who, percent } => {
            mine.set_volume(*who, *percent);
        }
        Action::MuteForMe(who) => mine.toggle_mute(*who),
        Action::CameraTo(choice) => {
            let is_tried = camera.is_tried;
            // Another camera is seen by others only after another click.
            commands.trigger(TurnCamera::On(false));
            commands.trigger(TurnCamera::Try(false));
            camera.choice = choice.clone();
            commands.trigger(TurnCamera::Try(is_tried));
        }
        Action::TryCamera(is_tried) => commands.trigger(TurnCamera::Try(*is_tried)),
        Action::Back if camera.is_tried => commands.trigger(TurnCamera::Try(false)),
        _ => {}
    }
}

fn on_emoted(
    emoted: On<Emoted>,
    people: Query<(&Participant, Has<Me>)>,
    view: Res<View>,
    mut shown: ResMut<Shown>,
    mut awake: ResMut<Awake>,
) {
    let Ok((participant, is_me)) = people.get(emoted.event().who) else { return };
    if shown.floating.len() >= FLOATING_MOST {
        shown.floating.pop_front();
    }
    // A film that plays draws every frame by itself, and shall not be covered by the bar.
    if view.film.as_ref().is_none_or(|film| !film.plays) {
        awake.wake();
    }
    shown.floating.push_back(Floating { who: participant.id, is_me, emote: emoted.event().emote, age_s: 0.0 });
}

fn gather(people: Query<(&Participant, &Gesture, Has<Me>)>, me: Query<&Talking, With<Me>>, time: Res<Time>, mut shown: ResMut<Shown>) {
    if !shown.floating.is_empty() {
        let dt_s = time.delta_secs();
        shown.floating.iter_mut().for_each(|floating| floating.age_s += dt_s);
        shown.floating.retain(|floating| floating.age_s < FLOATS_S);
    }
    let hands: Vec<_> =
        people.iter().filter(|(_, gesture, _)| gesture.has_hand_up()).map(|(person, _, is_me)| (person.id, is_me)).collect();
    if shown.hands != hands {
        shown.hands = hands;
    }
    let level = me.iter().next().map_or(0, |talking| talking.0);
    if shown.my_level != level {
        shown.my_level = level;
    }
}

/// The wheel, and whether one is heard and seen, beside the list of `people`.
pub(super) fn show(
    context: &egui::Context,
    shown: &Shown,
    (mine, camera, mirror): (&MyVoice, &MyCamera, &mut Mirror),
    people: Option<Rect>,
    actions: &mut Vec<Action>,
) {
    if shown.wheel {
        wheel(context, actions);
    }
    on_air(context, shown, (mine, camera, mirror), people);
}

/// Raised hands over heads, and what floats up from them, beside what is `blocked`. Where the hands stand: whatever else is over a head makes room.
pub(super) fn over_heads(context: &egui::Context, shown: &Shown, sight: &Sight, blocked: &[Rect]) -> Vec<Rect> {
    let window = context.content_rect();
    let painter = context.layer_painter(LayerId::new(Order::Background, Id::new("emotes")));
    let place = |who: ParticipantId, is_me: bool| -> Option<Pos2> {
        if is_me {
            return Some(pos2(window.center().x, window.bottom() - 22.0 * GRID));
        }
        sight.heads.iter().find(|(id, _)| *id == who).map(|(_, at)| window.min + vec2(at.x * window.width(), at.y * window.height()))
    };
    let size = vec2(SIGN_PX, SIGN_PX);
    let raised: Vec<_> = shown.hands.iter().filter_map(|(who, is_me)| place(*who, *is_me)).collect();
    let wanted: Vec<_> = raised.into_iter().map(|anchor| Wanted { anchor, size, last: None }).collect();
    let hands: Vec<_> = place::lay_out(window.shrink(GRID), blocked, &wanted).into_iter().flatten().collect();
    for hand in &hands {
        painter.text(hand.center_bottom(), Align2::CENTER_BOTTOM, sign(Emote::Hand), FontId::proportional(26.0), ACCENT);
    }
    for floating in shown.floating.iter().filter(|floating| floating.emote != Emote::Hand) {
        let Some(head) = place(floating.who, floating.is_me) else { continue };
        let part = floating.age_s / FLOATS_S;
        let (sway, rise) = ((floating.age_s * 3.0).sin() * GRID, 1.5 * GRID + part * RISE_PX);
        // All of its way lies beside what is in the way, not its beginning alone.
        let way = Rect::from_min_max(head - vec2(SIGN_PX / 2.0 + GRID, SIGN_PX + RISE_PX), head + vec2(SIGN_PX / 2.0 + GRID, 0.0));
        let aside = blocked
            .iter()
            .filter(|rect| rect.intersects(way))
            .map(|rect| rect.left() - way.right())
            .fold(0.0, f32::min)
            .max(window.left() - way.left());
        let at = head + vec2(aside - sway, -rise);
        let opacity = (floating.age_s / 0.15).min((1.0 - part) / 0.35).clamp(0.0, 1.0);
        let colour = colour(floating.emote).gamma_multiply(opacity);
        painter.text(at, Align2::CENTER_BOTTOM, sign(floating.emote), FontId::proportional(24.0 + 8.0 * part), colour);
        context.request_repaint();
    }
    hands
}

fn wheel(context: &egui::Context, actions: &mut Vec<Action>) {
    let palette = Palette::of(context.theme());
    Area::new(Id::new("emote wheel")).order(Order::Foreground).anchor(Align2::CENTER_CENTER, vec2(0.0, 8.0 * GRID)).show(context, |ui| {
        Frame::new().fill(palette.panel).corner_radius(16).inner_margin(12).stroke(ui.visuals().window_stroke).show(ui, |ui| {
            ui.horizontal(|ui| {
                for (number, emote) in (1..).zip(Emote::ALL) {
                    let text = RichText::new(sign(emote)).size(26.0).color(colour(emote));
                    let button = egui::Button::new(text).min_size(vec2(6.0 * GRID, 6.0 * GRID)).frame(false);
                    let name = emote.name();
                    let response = ui.add(button).on_hover_text(format!("{name}  ({number})"));
                    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
                    if response.clicked() {
                        actions.push(Action::Emote(emote));
                    }
                }
            });
        });
    });
}

/// While others hear or see one, that is seen, whatever else is hidden.
fn on_air(context: &egui::Context, shown: &Shown, (mine, camera, mirror): (&MyVoice, &MyCamera, &mut Mirror), people: Option<Rect>) {
    let window = context.content_rect();
    let painter = context.layer_painter(LayerId::new(Order::Middle, Id::new("on air")));
    // Beside the list of people, where that is open.
    let right = people.map_or(window.right(), |people| people.left());
    let mut at = pos2(right - 2.0 * GRID, window.top() + 2.0 * GRID);
    if let Some(picture) = camera.preview.as_ref().filter(|_| camera.is_on || camera.is_tried) {
        let key = (picture.captured_ms, picture.side);
        if mirror.shown != Some(key) {
            let image = egui::ColorImage::from_rgba_unmultiplied([picture.side, picture.side], &picture.rgba);
            match &mut mirror.texture {
                Some(texture) => texture.set(image, egui::TextureOptions::LINEAR),
                none => *none = Some(context.load_texture("my face", image, egui::TextureOptions::LINEAR)),
            }
            mirror.shown = Some(key);
        }
        if let Some(texture) = &mirror.texture {
            let rect = Rect::from_min_size(at - vec2(MIRROR, 0.0), vec2(MIRROR, MIRROR));
            painter.image(texture.id(), rect, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), Color32::WHITE);
            let ring = if camera.is_on { ACCENT } else { ON_SHADE.gamma_multiply(0.4) };
            painter.rect_stroke(rect, 8, egui::Stroke::new(2.0, ring), egui::StrokeKind::Outside);
            at.y = rect.bottom() + GRID;
        }
    }
    let mut says = Vec::new();
    if camera.is_on {
        says.push("camera on");
    } else if camera.is_tried {
        says.push("only you see this: F4 shows it, Esc does not");
    }
    if mine.is_on() {
        says.push(if mine.whispers { "you whisper" } else { "microphone on" });
    } else if mine.hears_itself {
        says.push("only you hear yourself");
    }
    if says.is_empty() {
        return;
    }
    let galley = painter.layout_no_wrap(says.join(", "), FontId::proportional(13.0), ON_SHADE);
    let size = galley.size() + vec2(3.0 * GRID, GRID);
    let rect = Rect::from_min_size(at - vec2(size.x, 0.0), size);
    painter.rect_filled(rect, rect.height() / 2.0, SHADE);
    let loud = f32::from(shown.my_level) / 255.0;
    painter.circle_filled(rect.left_center() + vec2(1.25 * GRID, 0.0), 3.0 + 3.0 * loud, ACCENT);
    painter.galley(rect.min + vec2(2.25 * GRID, GRID / 2.0), galley, ON_SHADE);
}

const fn sign(emote: Emote) -> &'static str {
    match emote {
        Emote::Wave => "👋",
        Emote::Clap => "👏",
        Emote::Laugh => "😂",
        Emote::Heart => "❤",
        Emote::Thumbs => "👍",
        Emote::Popcorn => "🌽",
        Emote::Hand => "✋",
    }
}

const fn colour(emote: Emote) -> Color32 {
    match emote {
        Emote::Heart => Color32::from_rgb(0xf0, 0x5a, 0x6a),
        Emote::Popcorn => Color32::from_rgb(0xff, 0xe0, 0x9a),
        Emote::Laugh => Color32::from_rgb(0xff, 0xd2, 0x4a),
        Emote::Wave | Emote::Clap | Emote::Thumbs | Emote::Hand => Color32::from_rgb(0xff, 0xc8, 0x8a),
    }
}

/// What is shown without words.
#[derive(Resource, Default)]
pub(super) struct Shown {
    /// Whether the wheel is open.
    pub(super) wheel: bool,
    floating: VecDeque<Floating>,
    hands: Vec<(ParticipantId, bool)>,
    my_level: u8,
}

struct Floating {
    who: ParticipantId,
    is_me: bool,
    emote: Emote,
    age_s: f32,
}

/// One's own face as a texture.
#[derive(Resource, Default)]
pub(super) struct Mirror {
    texture: Option<egui::TextureHandle>,
    shown: Option<(u32, usize)>,
}

const FLOATS_S: f32 = 2.6;
/// How far it floats.
const RISE_PX: f32 = 9.0 * GRID;
/// How large it is.
const SIGN_PX: f32 = 32.0;
/// A full room, twice.
const FLOATING_MOST: usize = 140;
const MIRROR: f32 = 112.0;
