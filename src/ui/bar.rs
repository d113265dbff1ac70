use bevy_egui::egui::{self, Align2, Area, Frame, Id, Key, Rect, Response, RichText, Sense, Stroke, Ui, pos2, vec2};

use super::{
    Action, Company, View,
    action::RateChange,
    chat::{self, Talk},
    icon::Icon,
    parts::{icon, icon_button, spinner},
    peek::Peek,
    theme::{ACCENT, GRID, NIGHT, Palette},
    tracks::{sound_button, subtitles_button},
    view::ViewOfFilm,
};
use crate::{audio::VOLUME_MAX, clock::FilmTime, room::Standing, voice::Speak};

/// The bar along the lower edge: where the film is, and what can be done with it; without a film, how to put one on. It fades when nobody moves. Where it
/// stands.
pub(super) fn show(
    context: &egui::Context,
    (view, company): (&View, &Company),
    talk: &Talk,
    peek: &mut Peek,
    actions: &mut Vec<Action>,
) -> Option<Rect> {
    if company.is_in_lobby(view) || view.visibility <= 0.0 {
        return None;
    }
    let screen = context.content_rect();
    let most = if view.film.is_some() { MAX_WIDTH } else { EMPTY_WIDTH };
    let width = (screen.width() - 4.0 * GRID).min(most);
    let area = Area::new(Id::new("bar")).anchor(Align2::CENTER_BOTTOM, vec2(0.0, -2.0 * GRID)).show(context, |ui| {
        ui.set_opacity(view.visibility);
        let fill = ui.visuals().panel_fill;
        Frame::new().fill(fill).corner_radius(12).inner_margin(egui::Margin::symmetric(16, 8)).stroke(ui.visuals().window_stroke).show(
            ui,
            |ui| {
                ui.set_width(width - 4.0 * GRID);
                if let Some(film) = &view.film {
                    seek_slider(ui, film, peek, actions);
                }
                ui.horizontal(|ui| {
                    match &view.film {
                        Some(film) => film_buttons(ui, (view, company), film, actions),
                        None => put_on(ui, company, actions),
                    }
                    house_buttons(ui, (view, company), talk, actions);
                });
            },
        );
    });
    Some(area.response.rect)
}

/// People look at an empty screen, and at each other.
fn put_on(ui: &mut Ui, company: &Company, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    if !company.may_present() {
        ui.label(RichText::new("A moderator chooses who puts on a film.").color(palette.quiet));
        return;
    }
    let open = egui::Button::new(RichText::new("Open a film…").color(NIGHT)).fill(ACCENT);
    if ui.add(open).on_hover_text("Put a film of yours on the screen  (o)").clicked() {
        actions.push(Action::ChooseFile);
    }
    if ui.button("Play the demo").on_hover_text("A film of one minute that shows what is here").clicked() {
        actions.push(Action::PlayDemo);
    }
}

fn film_buttons(ui: &mut Ui, (view, company): (&View, &Company), film: &ViewOfFilm, actions: &mut Vec<Action>) {
    let play = if film.plays { Icon::Pause } else { Icon::Play };
    let does = if film.plays { "Pause" } else { "Play" };
    if company.may_move() {
        for (icon, does, action) in [
            (Icon::Back, "10 seconds back", Action::SeekBy { seconds: -10 }),
            (play, does, Action::Toggle),
            (Icon::Forward, "10 seconds on", Action::SeekBy { seconds: 10 }),
        ] {
            if icon_button(ui, icon, does, &action) {
                actions.push(action);
            }
        }
    } else {
        let locked = icon(ui, Icon::Locked, "The remote is locked: a moderator moves the film", &Action::People);
        if locked.clicked() {
            actions.push(Action::People);
        }
    }
    if icon_button(ui, if view.is_muted { Icon::Muted } else { Icon::Loudspeaker }, "Sound off or on", &Action::Mute) {
        actions.push(Action::Mute);
    }
    volume_slider(ui, view, &mut button_push(actions));
    ui.add_space(GRID);
    let palette = Palette::of(ui.ctx().theme());
    let duration = film.duration_s.map_or_else(String::new, |duration_s| format!(" / {}", clock(duration_s)));
    ui.label(RichText::new(format!("{}{duration}", clock(film.time_s))).color(palette.text).monospace());
    if (film.rate - 1.0).abs() > 1e-6 {
        let says = RichText::new(format!("{}×", film.rate)).color(palette.accent_text);
        let rate =
            ui.add(egui::Label::new(says).sense(Sense::click())).on_hover_text("Everybody’s speed; click for the film’s own  (Backspace)");
        if rate.clicked() {
            actions.push(Action::Rate(RateChange::Normal));
        }
    }
    if film.is_waiting && company.waiting.is_none() {
        spinner(ui, 3.0 * GRID);
    }
}

/// What else there is, from the right; where there is little room the last ones are left to their keys.
fn house_buttons(ui: &mut Ui, (view, company): (&View, &Company), talk: &Talk, actions: &mut Vec<Action>) {
    let film = view.film.as_ref();
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let mut room = (ui.available_width() / (4.0 * GRID + ui.spacing().item_spacing.x)) as usize;
        let mut has_room = || {
            room = room.saturating_sub(1);
            room > 0
        };
        if icon_button(ui, Icon::Help, "Keys", &Action::Help) {
            actions.push(Action::Help);
        }
        if has_room() && icon_button(ui, Icon::Settings, "Settings", &Action::Settings) {
            actions.push(Action::Settings);
        }
        if has_room() && icon_button(ui, Icon::People, "Who is here", &Action::People) {
            actions.push(Action::People);
        }
        if has_room() {
            chat::button(ui, talk, actions);
        }
        for (icon, does, action) in on_air(company) {
            if has_room() && icon_button(ui, icon, does, &action) {
                actions.push(action);
            }
        }
        let mut rest = vec![
            (Icon::FullScreen, "Full screen", Action::FullScreen),
            (Icon::Cinema, "The film fills the window", Action::Cinema),
            (Icon::Lights, "House lights", Action::Lights),
            (Icon::Remote, "Remote", Action::Remote),
        ];
        if film.is_some() {
            rest.insert(1, (Icon::Open, "Open another film", Action::ChooseFile));
        }
        for (icon, does, action) in rest {
            if has_room() && icon_button(ui, icon, does, &action) {
                actions.push(action);
            }
        }
        let Some(film) = film else { return };
        if (!film.sounds.is_empty() || film.pictures.len() > 1) && has_room() {
            sound_button(ui, film, actions);
        }
        if has_room() {
            subtitles_button(ui, film, actions);
        }
        if has_room() {
            ui.add_space(GRID);
            ui.add(egui::Label::new(RichText::new(&film.title).color(Palette::of(ui.ctx().theme()).quiet).small()).truncate());
        }
    });
}

/// Whether others hear and see one, and how to change that.
fn on_air(company: &Company) -> Vec<(Icon, &'static str, Action)> {
    if company.standing == Standing::Alone {
        return Vec::new();
    }
    let camera = if company.is_seen { (Icon::Camera, "Turn your camera off") } else { (Icon::CameraOff, "Show your face") };
    let microphone =
        if company.is_heard { (Icon::Microphone, "Turn your microphone off") } else { (Icon::MicrophoneOff, "Turn your microphone on") };
    vec![(camera.0, camera.1, Action::Camera), (microphone.0, microphone.1, Action::Speak(Speak::ToggleOpen))]
}

fn button_push(actions: &mut Vec<Action>) -> impl FnMut(Action) {
    |action| actions.push(action)
}

fn volume_slider(ui: &mut Ui, view: &View, push: &mut impl FnMut(Action)) {
    let mut percent = if view.is_muted { 0.0 } else { view.volume_percent };
    let (rect, response) = track(ui, 11.0 * GRID, "Volume");
    if let Some(part) = dragged_to(&response, rect) {
        percent = (part * VOLUME_MAX).round();
        // The film's own volume is easily found.
        if (percent - 100.0).abs() < 4.0 {
            percent = 100.0;
        }
        push(Action::VolumeTo { percent });
    }
    let steps = steps(ui, &response);
    if steps != 0 {
        push(Action::VolumeBy { percent: VOLUME_STEP * steps as f32 });
    }
    paint_track(ui, rect, percent / VOLUME_MAX, Hand::of(&response));
    response.on_hover_text(format!("Volume {percent:.0} %  (↑ ↓)"));
}

fn seek_slider(ui: &mut Ui, film: &ViewOfFilm, peek: &mut Peek, actions: &mut Vec<Action>) {
    let (rect, response) = track(ui, ui.available_width(), "Place in the film");
    let steps = steps(ui, &response);
    if steps != 0 {
        actions.push(Action::SeekBy { seconds: SEEK_STEP_S * steps });
    }
    let Some(duration_s) = film.duration_s.filter(|&duration_s| duration_s > 0.0) else {
        paint_track(ui, rect, 0.0, Hand { is_near: false, ..Hand::of(&response) });
        return;
    };
    // While it is dragged the film stays where it is; the place under the pointer is told.
    if (response.drag_stopped() || response.clicked())
        && let Some(part) = part_under(&response, rect)
    {
        actions.push(Action::SeekTo { seconds: f64::from(part) * duration_s });
    }
    let dragged = dragged_to(&response, rect);
    let part = dragged.unwrap_or((film.time_s / duration_s) as f32);
    paint_buffered(ui, rect, &film.buffered);
    paint_track(ui, rect, part, Hand::of(&response));
    paint_chapters(ui, rect, film, duration_s);
    if let Some(pointer) = response.hover_pos().or_else(|| response.dragged().then(|| response.interact_pointer_pos()).flatten()) {
        let part = ((pointer.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
        let seconds = f64::from(part) * duration_s;
        let chapter = film.chapters.iter().rfind(|chapter| chapter.start_s <= seconds + 0.05 && !chapter.title.is_empty());
        let says = chapter.map_or_else(|| clock(seconds), |chapter| format!("{}  {}", clock(seconds), chapter.title));
        peek.show(ui, (pointer.x, rect), seconds, says);
    }
}

/// Gaps in the line where chapters begin.
fn paint_chapters(ui: &Ui, rect: Rect, film: &ViewOfFilm, duration_s: f64) {
    for chapter in film.chapters.iter().filter(|chapter| chapter.start_s > 0.5 && chapter.start_s < duration_s) {
        let x = rect.left() + rect.width() * (chapter.start_s / duration_s) as f32;
        let gap = Rect::from_center_size(pos2(x, rect.center().y), vec2(2.0, GRID));
        ui.painter().rect_filled(gap, 0, ui.visuals().panel_fill);
    }
}

fn track(ui: &mut Ui, width: f32, name: &str) -> (Rect, Response) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 3.0 * GRID), Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Slider, true, name));
    (rect.shrink2(vec2(6.0, 0.0)), response)
}

/// How far the arrows move what has the keyboard, which are then its own.
fn steps(ui: &Ui, response: &Response) -> i32 {
    if !response.has_focus() {
        return 0;
    }
    let own = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, own));
    ui.input(|input| input.num_presses(Key::ArrowRight) as i32 - input.num_presses(Key::ArrowLeft) as i32)
}

fn part_under(response: &Response, rect: Rect) -> Option<f32> {
    response.interact_pointer_pos().map(|at| ((at.x - rect.left()) / rect.width()).clamp(0.0, 1.0))
}

fn dragged_to(response: &Response, rect: Rect) -> Option<f32> {
    (response.dragged() || response.is_pointer_button_down_on()).then(|| part_under(response, rect)).flatten()
}

/// A second, lighter line under the first: bytes and seconds do not lie quite alike, which nobody sees.
fn paint_buffered(ui: &Ui, rect: Rect, parts: &[std::ops::Range<f32>]) {
    let palette = Palette::of(ui.ctx().theme());
    for part in parts {
        let (from, to) = (rect.left() + rect.width() * part.start, rect.left() + rect.width() * part.end);
        let line = Rect::from_min_max(pos2(from, rect.center().y - 2.0), pos2(to, rect.center().y + 2.0));
        ui.painter().rect_filled(line, 2.0, palette.quiet.gamma_multiply(0.5));
    }
}

fn paint_track(ui: &Ui, rect: Rect, part: f32, hand: Hand) {
    let palette = Palette::of(ui.ctx().theme());
    let half = if hand.is_near { 3.0 } else { 2.0 };
    let line = Rect::from_min_max(pos2(rect.left(), rect.center().y - half), pos2(rect.right(), rect.center().y + half));
    let here = line.left() + line.width() * part.clamp(0.0, 1.0);
    ui.painter().rect_filled(line, half, palette.quiet.gamma_multiply(0.35));
    ui.painter().rect_filled(Rect::from_min_max(line.min, pos2(here, line.bottom())), half, ACCENT);
    let knob = pos2(here, line.center().y);
    ui.painter().circle(knob, if hand.is_near { 7.0 } else { 5.0 }, ACCENT, Stroke::NONE);
    if hand.has_keyboard {
        ui.painter().circle_stroke(knob, FOCUS_RING, Stroke::new(2.0, palette.text));
    }
}

/// What a hand does with a track.
#[derive(Clone, Copy)]
struct Hand {
    is_near: bool,
    has_keyboard: bool,
}

impl Hand {
    fn of(response: &Response) -> Self {
        Self { is_near: response.hovered() || response.dragged(), has_keyboard: response.has_focus() }
    }
}

fn clock(seconds: f64) -> String {
    FilmTime::from_s(seconds).unwrap_or_default().to_string()
}

/// As far as the keys of the hall.
const SEEK_STEP_S: i32 = 5;
const VOLUME_STEP: f32 = 5.0;
const FOCUS_RING: f32 = 10.0;
const MAX_WIDTH: f32 = 1120.0;
const EMPTY_WIDTH: f32 = 720.0;

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    /// From where to where the line of a film of 100 s, 1000 points long, is drawn as being here.
    fn painted(buffered: Vec<Range<f32>>) -> Vec<(f32, f32)> {
        let context = egui::Context::default();
        context.set_theme(egui::ThemePreference::Dark);
        let film = ViewOfFilm { duration_s: Some(100.0), time_s: 10.0, rate: 1.0, buffered, ..ViewOfFilm::default() };
        let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(1012.0, 100.0));
        let input = egui::RawInput { screen_rect: Some(window), ..egui::RawInput::default() };
        let mut peek = Peek::default();
        let mut output = context.run_ui(input, |ui| seek_slider(ui, &film, &mut peek, &mut Vec::new()));
        output.textures_delta.clear();
        let fill = Palette::of(egui::Theme::Dark).quiet.gamma_multiply(0.5);
        let rects = output.shapes.iter().filter_map(|clipped| match &clipped.shape {
            egui::Shape::Rect(shape) if shape.fill == fill => Some((shape.rect.left().round(), shape.rect.right().round())),
            _ => None,
        });
        rects.collect()
    }

    #[test]
    fn what_is_here_of_a_film_of_others_is_drawn_along_its_line() {
        assert_eq!(painted(vec![0.0..0.25, 0.5..0.6]), [(6.0, 256.0), (506.0, 606.0)]);
        assert!(painted(Vec::new()).is_empty(), "of one's own all is here, which needs no saying");
    }
}
