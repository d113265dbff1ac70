use std::sync::Arc;

use bevy::{prelude::*, window::PrimaryWindow};
use bevy_egui::egui::{
    self, Color32, CornerRadius, FontId, Galley, Id, LayerId, Order, Pos2, Rect, Shape, Stroke, StrokeKind, TextFormat, pos2,
    text::LayoutJob, vec2,
};

use super::{
    Company, View,
    chat::{Recent, Talk},
    company::Person,
    place::{self, Wanted},
    theme::{GRID, NIGHT, ON_SHADE, PAPER, SHADE, hue_text},
};
use crate::{
    room::{Me, Participant, ParticipantId, Sits, Stance},
    theater::{Cinema, HeadTop, HoveredSeat, ScreenShape, SeatedCamera, Theater, head_top, screen_rect},
};

/// What people say and how they are called, over their heads.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Sight>().add_systems(Update, look.after(Theater::Move));
}

/// Where heads and the screen are seen.
fn look(
    mut sight: ResMut<Sight>,
    eyes: Query<(&Camera, &Transform), With<SeatedCamera>>,
    people: Query<(&Participant, &Sits, Option<&Stance>, Option<&HeadTop>), Without<Me>>,
    windows: Query<&Window, With<PrimaryWindow>>,
    buttons: Res<ButtonInput<MouseButton>>,
    (shape, cinema, hovered): (Res<ScreenShape>, Res<Cinema>, Res<HoveredSeat>),
) {
    sight.heads.clear();
    (sight.looked_at, sight.screen) = (None, None);
    let Some((camera, transform)) = eyes.iter().next().filter(|_| !cinema.0) else { return };
    let Some(size) = camera.logical_viewport_size().filter(|size| size.min_element() > 0.0) else { return };
    let eye = GlobalTransform::from(*transform);
    let seen = |place: Vec3| camera.world_to_viewport(&eye, place).ok().map(|at| at / size).filter(|at| at.is_finite());
    let screen = screen_rect(shape.aspect());
    let half = Vec3::new(screen.width_m / 2.0, screen.height_m / 2.0, 0.0);
    let corners = [Vec3::new(-1.0, -1.0, 0.0), Vec3::new(1.0, -1.0, 0.0), Vec3::new(-1.0, 1.0, 0.0), Vec3::new(1.0, 1.0, 0.0)];
    let corners: Vec<_> = corners.into_iter().filter_map(|corner| seen(screen.middle + half * corner)).collect();
    sight.screen = (!corners.is_empty()).then(|| {
        let (low, high) = corners.iter().fold((Vec2::MAX, Vec2::MIN), |(low, high), at| (low.min(*at), high.max(*at)));
        Rect::from_min_max(pos2(low.x, low.y), pos2(high.x, high.y))
    });
    let window = Vec2::ZERO..Vec2::ONE;
    let is_in_view = |at: &Vec2| at.cmpge(window.start).all() && at.cmple(window.end).all();
    for (participant, sits, stance, top) in &people {
        if let Some(at) = seen(head_of(*sits, stance.copied().unwrap_or_default(), top)).filter(is_in_view) {
            sight.heads.push((participant.id, pos2(at.x, at.y)));
        }
    }
    // Who turns their head looks at what is ahead; else the pointer does.
    let is_turning = buttons.pressed(MouseButton::Right);
    let aim = if is_turning { Some(size / 2.0) } else { windows.iter().next().and_then(Window::cursor_position) };
    let Some(aim) = aim else { return };
    let far = |at: &Pos2| (Vec2::new(at.x, at.y) * size + Vec2::Y * HEAD_PX - aim).length();
    let nearest = sight.heads.iter().filter(|(_, at)| far(at) < LOOKED_AT_PX).min_by(|a, b| far(&a.1).total_cmp(&far(&b.1)));
    let in_seat = || people.iter().find(|(_, sits, ..)| Some(sits.0) == hovered.0).map(|(participant, ..)| participant.id);
    sight.looked_at = nearest.map(|(id, _)| *id).or_else(in_seat);
}

/// Where a bubble points to, in the hall.
fn head_of(sits: Sits, stance: Stance, top: Option<&HeadTop>) -> Vec3 {
    let top = match (stance, top) {
        (Stance::Standing { .. }, Some(top)) => top.0,
        _ => head_top(sits.0),
    };
    top + Vec3::Y * 0.04
}

/// Draws names and bubbles where nothing else is, and marks the lines that are shown whole.
pub(super) fn show(context: &egui::Context, (view, company): (&View, &Company), sight: &Sight, talk: &mut Talk, blocked: &[Rect]) {
    let window = context.content_rect();
    let on_window = |at: Pos2| window.min + vec2(at.x * window.width(), at.y * window.height());
    let painter = context.layer_painter(LayerId::new(Order::Background, Id::new("bubbles")));
    let mut blocked = blocked.to_vec();
    // An empty screen may be written over: people look at each other.
    let screen = sight.screen.filter(|_| view.film.is_some());
    blocked.extend(screen.map(|screen| Rect::from_min_max(on_window(screen.min), on_window(screen.max))));
    let room = window.shrink(GRID);
    let width = (window.width() * 0.34).min(BUBBLE_WIDTH);
    let mut labels: Vec<(Wanted, Label)> = Vec::new();
    for (id, at) in &sight.heads {
        let Some(person) = company.person(*id) else { continue };
        let anchor = on_window(*at);
        if let Some((first, text)) = bubble_of(&painter, person, &talk.recent, width) {
            let last = talk.recent[first..].iter().rev().filter(|recent| recent.line.speaker == Some(*id)).find_map(|recent| recent.offset);
            let wanted = Wanted { anchor, size: text.size() + 2.0 * BUBBLE_MARGIN, last };
            labels.push((wanted, Label::Bubble { id: *id, first, text }));
        } else if view.film.is_none() || sight.looked_at == Some(*id) {
            // Before the film everybody wears their name.
            let text = painter.layout_no_wrap(person.name.clone(), FontId::proportional(13.0), ON_SHADE);
            let wanted = Wanted { anchor, size: text.size() + 2.0 * NAME_MARGIN, last: None };
            labels.push((wanted, Label::Name(text)));
        }
    }
    talk.recent.iter_mut().for_each(|recent| recent.is_bubble = false);
    // Those that stand keep standing; newer ones find what is left.
    labels.sort_by_key(|(wanted, label)| (wanted.last.is_none(), matches!(label, Label::Name(_))));
    let wanted: Vec<_> = labels.iter().map(|(wanted, _)| *wanted).collect();
    let places = place::lay_out(room, &blocked, &wanted);
    for ((wanted, label), place) in labels.into_iter().zip(places) {
        let Some(rect) = place else { continue };
        match label {
            Label::Name(text) => {
                painter.rect_filled(rect, rect.height() / 2.0, SHADE);
                painter.galley(rect.min + NAME_MARGIN, text, ON_SHADE);
            }
            Label::Bubble { id, first, text } => {
                let mut newest_age_s = BUBBLE_S;
                for recent in talk.recent[first..].iter_mut().filter(|recent| recent.line.speaker == Some(id)) {
                    recent.offset = Some(rect.min - wanted.anchor);
                    recent.is_bubble = !text.elided;
                    newest_age_s = recent.age_s;
                }
                let opacity = (newest_age_s / FADE_IN_S).min((BUBBLE_S - newest_age_s) / FADE_OUT_S).clamp(0.0, 1.0);
                let mut painter = painter.clone();
                painter.set_opacity(opacity);
                bubble(&painter, rect, wanted.anchor);
                painter.galley(rect.min + BUBBLE_MARGIN, text, NIGHT);
            }
        }
    }
}

/// Somebody's last lines, as many as three rows hold, and the first of them.
fn bubble_of(painter: &egui::Painter, person: &Person, recent: &[Recent], width: f32) -> Option<(usize, Arc<Galley>)> {
    let is_theirs = |recent: &Recent| recent.line.speaker == Some(person.id) && !recent.is_mine && recent.age_s < BUBBLE_S;
    let theirs: Vec<_> = recent.iter().enumerate().filter(|(_, recent)| is_theirs(recent)).collect();
    (0..theirs.len()).find_map(|from| {
        let text = painter.layout_job(said(theirs[from..].iter().map(|(_, recent)| recent.line.text.as_str()), person, width));
        (!text.elided || from + 1 == theirs.len()).then_some((theirs[from].0, text))
    })
}

/// Who, and at most three rows of what.
fn said<'a>(lines: impl Iterator<Item = &'a str>, person: &Person, width: f32) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = width - 2.0 * BUBBLE_MARGIN.x;
    job.wrap.max_rows = 4;
    let small = |colour| TextFormat::simple(FontId::proportional(13.0), colour);
    job.append(&person.name, 0.0, small(hue_text(person.appearance.hue, PAPER)));
    for line in lines {
        job.append("\n", 0.0, small(NIGHT));
        job.append(line, 0.0, TextFormat::simple(FontId::proportional(15.0), NIGHT));
    }
    job
}

/// Paper, with a tail towards its speaker where they are near.
fn bubble(painter: &egui::Painter, rect: Rect, anchor: Pos2) {
    painter.rect(rect, CornerRadius::same(12), PAPER, Stroke::new(1.0, Color32::from_black_alpha(90)), StrokeKind::Outside);
    let (x, half) = (anchor.x.clamp(rect.left() + 18.0, rect.right() - 18.0), 7.0);
    let aside = (anchor.x - x).abs();
    let tip = |y: f32, to: f32| pos2(x + (anchor.x - x).clamp(-8.0, 8.0), y + to * (place::TAIL - 2.0));
    let tail = if (0.0..TAIL_REACH_PX).contains(&(anchor.y - rect.bottom())) && aside < TAIL_ASIDE_PX {
        vec![pos2(x + half, rect.bottom() - 0.5), tip(rect.bottom(), 1.0), pos2(x - half, rect.bottom() - 0.5)]
    } else if (0.0..TAIL_REACH_PX).contains(&(rect.top() - anchor.y)) && aside < TAIL_ASIDE_PX {
        vec![pos2(x - half, rect.top() + 0.5), tip(rect.top(), -1.0), pos2(x + half, rect.top() + 0.5)]
    } else {
        return;
    };
    painter.add(Shape::convex_polygon(tail, PAPER, Stroke::NONE));
}

enum Label {
    Name(Arc<Galley>),
    Bubble { id: ParticipantId, first: usize, text: Arc<Galley> },
}

/// What is where in the picture: (0, 0) is its upper left corner, (1, 1) its lower right one.
#[derive(Resource, Debug, Default)]
pub struct Sight {
    pub(super) heads: Vec<(ParticipantId, Pos2)>,
    screen: Option<Rect>,
    looked_at: Option<ParticipantId>,
}

/// From the top of a head to its middle, roughly, in points.
const HEAD_PX: f32 = 24.0;
/// So near to a head the pointer is on it.
const LOOKED_AT_PX: f32 = 40.0;
/// A tail points to somebody who is so near.
const TAIL_REACH_PX: f32 = 220.0;
const TAIL_ASIDE_PX: f32 = 60.0;
const BUBBLE_WIDTH: f32 = 260.0;
const BUBBLE_MARGIN: egui::Vec2 = vec2(12.0, 8.0);
const NAME_MARGIN: egui::Vec2 = vec2(8.0, 3.0);
const BUBBLE_S: f32 = 6.4;
const FADE_IN_S: f32 = 0.15;
const FADE_OUT_S: f32 = 0.4;
