use bevy_egui::egui::{self, Popup, PopupCloseBehavior, RichText, ScrollArea, Ui};

use super::{
    Action,
    icon::Icon,
    parts::{follow_focus, icon, small_button},
    theme::{GRID, Palette},
    view::ViewOfFilm,
};
use crate::film::{ChooseSound, ChooseSubtitle, DelaySubtitles};

/// The film's sound tracks, to choose from; each person hears their own. Where there are several streams of pictures, they are listed below.
pub(super) fn sound_button(ui: &mut Ui, film: &ViewOfFilm, actions: &mut Vec<Action>) {
    let button = icon(ui, Icon::Sound, "Sound track", &Action::NextSound);
    Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        list(ui, (&film.sounds, film.sound), "No sound", |number| Action::ChooseSound(ChooseSound::Number(number)), actions);
        if film.pictures.len() > 1 {
            ui.separator();
            pictures(ui, film);
        }
    });
}

/// The film's subtitles, and those of files beside it; each person reads their own.
pub(super) fn subtitles_button(ui: &mut Ui, film: &ViewOfFilm, actions: &mut Vec<Action>) {
    let button = icon(ui, Icon::Subtitles, "Subtitles", &Action::NextSubtitle);
    Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        let choose = |number| Action::ChooseSubtitle(ChooseSubtitle::Number(number));
        list(ui, (&film.subtitles, film.subtitle), "No subtitles", choose, actions);
        ui.separator();
        ui.horizontal(|ui| {
            let palette = Palette::of(ui.ctx().theme());
            for (says, hint, ns) in [("−", "Sooner  (z)", -STEP_NS), ("+", "Later  (h)", STEP_NS)] {
                if small_button(ui, says).on_hover_text(hint).clicked() {
                    actions.push(Action::DelaySubtitles(DelaySubtitles::By { ns }));
                }
            }
            let says = format!("{:+.1} s", film.subtitle_delay_s);
            ui.label(RichText::new(says).small().color(palette.quiet));
            if film.subtitle_delay_s != 0.0 && small_button(ui, "As timed").clicked() {
                actions.push(Action::DelaySubtitles(DelaySubtitles::To { ns: 0 }));
            }
        });
        ui.label(RichText::new("Drop a file of subtitles on the window to add it.").small().color(Palette::of(ui.ctx().theme()).quiet));
    });
}

/// Everybody sees the same one; the others are named, so that nobody looks for them.
fn pictures(ui: &mut Ui, film: &ViewOfFilm) {
    let palette = Palette::of(ui.ctx().theme());
    ScrollArea::vertical().id_salt("pictures").max_height(HEIGHT / 2.0).show(ui, |ui| {
        for (number, name) in film.pictures.iter().enumerate() {
            let (says, colour) = if film.picture == Some(number) {
                (format!("On the screen: {name}"), palette.text)
            } else {
                (format!("Also in this film: {name}"), palette.quiet)
            };
            ui.add(egui::Label::new(RichText::new(says).small().color(colour)).truncate());
        }
    });
}

fn list(
    ui: &mut Ui,
    (tracks, chosen): (&[String], Option<usize>),
    none: &str,
    choose: impl Fn(Option<usize>) -> Action,
    actions: &mut Vec<Action>,
) {
    ui.set_max_width(WIDTH);
    ScrollArea::vertical().max_height(HEIGHT).show(ui, |ui| {
        let names = std::iter::once((None, none)).chain(tracks.iter().enumerate().map(|(number, name)| (Some(number), name.as_str())));
        for (number, name) in names {
            let label = egui::Button::selectable(chosen == number, name).truncate();
            if ui.add_sized(egui::vec2(ui.available_width(), 3.0 * GRID), label).clicked() {
                actions.push(choose(number));
            }
        }
        follow_focus(ui);
    });
}

pub(super) const STEP_NS: i64 = 100_000_000;
const WIDTH: f32 = 280.0;
const HEIGHT: f32 = 260.0;
