use bevy::prelude::*;
use bevy_egui::egui::{
    self, Align, Align2, Area, FontId, Frame as Box, Id, Key, Layout, Modifiers, Order, Rect, RichText, ScrollArea, TextEdit, TextFormat,
    Ui, text::LayoutJob, vec2,
};

use super::{
    Action, Company, Panels,
    icon::Icon,
    parts::{icon, small_button},
    theme::{ACCENT, GRID, ON_SHADE, Palette, SHADE, hue_text},
};
use crate::room::{Chat, ChatLine, LINE_CHARS_MAX, NewLine};

/// What people say: the last lines over the film, all of them in a panel with a field to type in.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Talk>().add_observer(hear).add_systems(Update, age);
}

fn hear(line: On<NewLine>, panels: Res<Panels>, company: Res<Company>, mut talk: ResMut<Talk>) {
    let line = line.event().0.clone();
    let is_mine = company.people.iter().any(|person| person.is_me && Some(person.id) == line.speaker);
    if line.is_said() && !is_mine && !panels.chat {
        talk.unread += 1;
    }
    if talk.recent.len() >= RECENT_MOST {
        talk.recent.remove(0);
    }
    talk.recent.push(Recent { line, age_s: 0.0, is_mine, offset: None, is_bubble: false });
}

fn age(mut talk: ResMut<Talk>, panels: Res<Panels>, time: Res<Time>) {
    if panels.chat && talk.unread > 0 {
        talk.unread = 0;
    }
    if !talk.recent.is_empty() {
        talk.recent.iter_mut().for_each(|recent| recent.age_s += time.delta_secs());
        talk.recent.retain(|recent| recent.age_s < LINE_S);
    }
}

/// The panel at the lower left; where it stands.
pub(super) fn panel(
    context: &egui::Context,
    (company, chat): (&Company, &Chat),
    panels: &mut Panels,
    (over, visibility): (f32, f32),
    actions: &mut Vec<Action>,
) -> Option<Rect> {
    let field = Id::new("what is said");
    // Whoever types sees what they type.
    let opacity = if context.memory(|memory| memory.has_focus(field)) { 1.0 } else { visibility };
    if !panels.chat || opacity <= 0.0 {
        return None;
    }
    let screen = context.content_rect();
    let width = (screen.width() * 0.45).min(46.0 * GRID);
    let height = (screen.height() - over - 3.0 * GRID).min(44.0 * GRID);
    let area = Area::new(Id::new("chat")).anchor(Align2::LEFT_BOTTOM, vec2(2.0 * GRID, -over)).show(context, |ui| {
        ui.set_opacity(opacity);
        let fill = ui.visuals().panel_fill;
        Box::new().fill(fill).corner_radius(12).inner_margin(12).stroke(ui.visuals().window_stroke).show(ui, |ui| {
            ui.set_width(width - 24.0);
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal(|ui| {
                ui.label(RichText::new("Chat").color(Palette::of(ui.ctx().theme()).accent_text));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if small_button(ui, "Close  Esc").clicked() {
                        actions.push(Action::CloseChat);
                    }
                });
            });
            let room = (height - 14.0 * GRID).max(6.0 * GRID);
            ScrollArea::vertical().max_height(room).min_scrolled_height(room).auto_shrink([false, false]).stick_to_bottom(true).show(
                ui,
                |ui| {
                    let shown = chat.lines().len();
                    if shown == 0 {
                        let palette = Palette::of(ui.ctx().theme());
                        ui.label(RichText::new("Nothing was said yet.").color(palette.quiet));
                    }
                    chat.lines().for_each(|line| written(ui, company, line));
                },
            );
            typing(ui, company, panels, field, actions);
        });
    });
    Some(area.response.rect)
}

fn typing(ui: &mut Ui, company: &Company, panels: &mut Panels, field: Id, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    let may_speak = company.rights.speak;
    panels.begins_typing &= may_speak;
    if panels.begins_typing {
        // The key that opened the field is not typed into it.
        ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
    }
    let mut says = false;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let send = ui.add_enabled(may_speak, egui::Button::new("Send")).on_hover_text("Say it to everybody  (Enter)");
            says = send.clicked();
            let hint = if may_speak { "Say something" } else { "A moderator muted you" };
            let edit = TextEdit::singleline(&mut panels.words)
                .id(field)
                .hint_text(hint)
                .char_limit(LINE_CHARS_MAX)
                .interactive(may_speak)
                .desired_width(f32::INFINITY)
                .margin(vec2(10.0, 8.0));
            let response = ui.add(edit);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, may_speak, "What you say to everybody"));
            if panels.begins_typing {
                // A panel that is only being measured cannot take it yet.
                panels.begins_typing = !ui.memory(|memory| memory.has_focus(field));
                if panels.begins_typing {
                    response.request_focus();
                }
            } else if response.lost_focus() {
                let (is_entered, is_escaped) = ui.input(|input| (input.key_pressed(Key::Enter), input.key_pressed(Key::Escape)));
                if is_escaped || is_entered && panels.words.trim().is_empty() {
                    actions.push(Action::CloseChat);
                } else if is_entered {
                    says = true;
                    response.request_focus();
                }
            }
        });
    });
    if says && !panels.words.trim().is_empty() {
        actions.push(Action::Say(std::mem::take(&mut panels.words)));
    }
    let left = LINE_CHARS_MAX.saturating_sub(panels.words.chars().count());
    if left <= COUNTED_CHARS {
        let colour = if left == 0 { palette.problem } else { palette.quiet };
        ui.label(RichText::new(format!("{left} characters left")).small().color(colour));
    }
}

fn written(ui: &mut Ui, company: &Company, line: &ChatLine) {
    let palette = Palette::of(ui.ctx().theme());
    let job = told(company, line, palette.panel, palette.text, palette.quiet);
    ui.add(egui::Label::new(job).wrap());
}

/// A line as text: the name in the person's colour; what the room says is quiet.
fn told(company: &Company, line: &ChatLine, ground: egui::Color32, text: egui::Color32, quiet: egui::Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    if line.is_said() {
        let hue = line.speaker.and_then(|id| company.person(id)).map(|person| person.appearance.hue);
        let colour = hue.map_or(quiet, |hue| hue_text(hue, ground));
        job.append(line.name.as_str(), 0.0, TextFormat::simple(FontId::proportional(15.0), colour));
        job.append(line.text.as_str(), GRID, TextFormat::simple(FontId::proportional(15.0), text));
    } else {
        job.append(line.text.as_str(), 0.0, TextFormat::simple(FontId::proportional(13.0), quiet));
    }
    job
}

/// The last lines, over the film, while the panel is closed: those that no bubble shows. One's own stands low in the middle.
pub(super) fn glimpse(context: &egui::Context, company: &Company, talk: &Talk, is_open: bool, over: f32) {
    let screen = context.content_rect();
    let fade = |age_s: f32| (age_s / FADE_S).min((LINE_S - age_s) / FADE_S).clamp(0.0, 1.0);
    let strip = |ui: &mut Ui, job: LayoutJob, opacity: f32| {
        ui.scope(|ui| {
            ui.set_opacity(opacity);
            Box::new().fill(SHADE).corner_radius(8).inner_margin(egui::Margin::symmetric(10, 4)).show(ui, |ui| {
                ui.add(egui::Label::new(job).wrap());
            });
        });
    };
    let ground = egui::Color32::BLACK.blend(SHADE);
    if !is_open {
        let others: Vec<_> = talk.recent.iter().filter(|recent| !recent.is_mine && !recent.is_bubble).collect();
        // In a low window the film would be covered.
        let most = ((screen.height() / LINE_ROOM) as usize).clamp(2, GLIMPSED);
        let last = &others[others.len().saturating_sub(most)..];
        let width = (screen.width() * 0.42).min(46.0 * GRID);
        Area::new(glimpsed()).order(Order::Background).anchor(Align2::LEFT_BOTTOM, vec2(2.0 * GRID, -over)).interactable(false).show(
            context,
            |ui| {
                ui.set_max_width(width);
                ui.spacing_mut().item_spacing.y = 4.0;
                for recent in last {
                    let mut job = told(company, &recent.line, ground, ON_SHADE, QUIET_ON_SHADE);
                    job.wrap.max_rows = 3;
                    strip(ui, job, fade(recent.age_s));
                }
            },
        );
    }
    if let Some(mine) = talk.recent.iter().rev().find(|recent| recent.is_mine && recent.line.is_said() && recent.age_s < MINE_S)
        && !is_open
    {
        Area::new(Id::new("my line")).order(Order::Background).anchor(Align2::CENTER_BOTTOM, vec2(0.0, -over)).interactable(false).show(
            context,
            |ui| {
                ui.set_max_width((screen.width() * 0.4).min(40.0 * GRID));
                let format = |colour| TextFormat::simple(FontId::proportional(13.0), colour);
                let mut job = LayoutJob::default();
                job.append("You", 0.0, format(QUIET_ON_SHADE));
                job.append(mine.line.text.as_str(), GRID, format(ON_SHADE));
                job.wrap.max_rows = 2;
                strip(ui, job, (mine.age_s / FADE_S).min((MINE_S - mine.age_s) / FADE_S).clamp(0.0, 1.0));
            },
        );
    }
}

/// Where the last lines stood in the last frame.
pub(super) fn glimpsed_rect(context: &egui::Context) -> Option<Rect> {
    context.memory(|memory| memory.area_rect(glimpsed())).filter(|rect| rect.height() > 2.0)
}

fn glimpsed() -> Id {
    Id::new("last lines")
}

/// The button that opens it, with a mark for what was not read.
pub(super) fn button(ui: &mut Ui, talk: &Talk, actions: &mut Vec<Action>) {
    let does = match talk.unread {
        0 => "Say something".to_owned(),
        1 => "One new line".to_owned(),
        unread => format!("{unread} new lines"),
    };
    let response = icon(ui, Icon::Chat, &does, &Action::Chat);
    if talk.unread > 0 {
        ui.painter().circle_filled(response.rect.right_top() + vec2(-7.0, 8.0), 4.0, ACCENT);
    }
    if response.clicked() {
        actions.push(Action::Chat);
    }
}

/// What was said lately.
#[derive(Resource, Debug, Default)]
pub struct Talk {
    /// Lines that were not read.
    pub unread: usize,
    pub(super) recent: Vec<Recent>,
}

impl Talk {
    /// Whether lines stand over the film, and come or go.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        !self.recent.is_empty()
    }
}

/// A line that was said lately.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    pub(super) line: ChatLine,
    pub(super) age_s: f32,
    pub(super) is_mine: bool,
    /// From its speaker's head to its bubble.
    pub(super) offset: Option<egui::Vec2>,
    /// Whether a bubble shows all of it.
    pub(super) is_bubble: bool,
}

/// Quiet text on a shade: as by night.
const QUIET_ON_SHADE: egui::Color32 = Palette::of(egui::Theme::Dark).quiet;
/// For so long a line stands over the film.
const LINE_S: f32 = 8.0;
const MINE_S: f32 = 3.0;
const FADE_S: f32 = 0.2;
const GLIMPSED: usize = 5;
/// So much of the window's height there must be for each of them.
const LINE_ROOM: f32 = 130.0;
const RECENT_MOST: usize = 24;
/// From here on the characters left are counted.
const COUNTED_CHARS: usize = 60;
