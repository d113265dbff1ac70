use std::path::PathBuf;

use bevy_egui::egui::{self, Align2, Area, Button, Frame, Id, Key, Order, Response, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{
    Action, Company, Panels, View,
    icon::Icon,
    keys::opening_key,
    parts::{follow_focus, icon_button, spinner},
    person,
    theme::{ACCENT, GRID, NIGHT, Palette},
};
use crate::{
    film::path_of,
    room::{Standing, read_invite},
};

/// Before a film and without company: open a film, open the theater, or go to a friend's.
pub(super) fn show(context: &egui::Context, (view, company): (&View, &Company), panels: &mut Panels, actions: &mut Vec<Action>) {
    let screen = context.content_rect();
    let is_small = screen.height() < SMALL;
    let margin = if is_small { 16.0 } else { 32.0 };
    let width = (screen.width() - 4.0 * GRID).min(WIDTH);
    Area::new(Id::new("lobby")).order(Order::Background).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(context, |ui| {
        let frame = Frame::new().fill(Palette::of(ui.ctx().theme()).panel).corner_radius(16).inner_margin(margin);
        frame.stroke(ui.visuals().window_stroke).show(ui, |ui| {
            ui.set_width(width - 2.0 * margin);
            let room = screen.height() - 4.0 * GRID - 2.0 * margin;
            ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
                ui.set_width(width - 2.0 * margin);
                title(ui, is_small);
                if let Some(name) = &view.opening {
                    waiting(ui, &format!("Opening “{name}”"));
                } else if company.standing == Standing::Joining {
                    waiting(ui, "Looking for the theater…");
                    ui.vertical_centered(|ui| {
                        if ui.button("Cancel").on_hover_text("Stay at home").clicked() {
                            actions.push(Action::LeaveTheater);
                        }
                    });
                } else {
                    choices(ui, company, panels, actions);
                    ui.add_space(if is_small { GRID } else { 2.0 * GRID });
                    person::show(ui, company, &mut panels.name, actions);
                    if !is_small {
                        ui.add_space(GRID);
                    }
                    hints(ui, actions);
                }
                follow_focus(ui);
            });
        });
    });
}

fn title(ui: &mut Ui, is_small: bool) {
    let palette = Palette::of(ui.ctx().theme());
    ui.vertical_centered(|ui| {
        ui.label(RichText::new("Houselights").size(28.0).color(palette.accent_text));
        if !is_small {
            ui.label(RichText::new("Put a film on the big screen and watch it with friends, in step.").color(palette.quiet));
        }
    });
    ui.add_space(if is_small { 0.0 } else { 2.0 * GRID });
}

fn waiting(ui: &mut Ui, says: &str) {
    ui.add_space(2.0 * GRID);
    ui.vertical_centered(|ui| {
        spinner(ui, 5.0 * GRID);
        ui.label(says);
    });
    ui.add_space(2.0 * GRID);
}

fn choices(ui: &mut Ui, company: &Company, panels: &mut Panels, actions: &mut Vec<Action>) {
    if ui.available_width() < TWO_COLUMNS {
        here(ui, &mut panels.path, actions);
        ui.add_space(2.0 * GRID);
        friends(ui, company, &mut panels.invite, actions);
    } else {
        ui.spacing_mut().item_spacing.x = 3.0 * GRID;
        ui.columns(2, |columns| {
            columns.iter_mut().for_each(|column| column.spacing_mut().item_spacing.x = GRID);
            here(&mut columns[0], &mut panels.path, actions);
            friends(&mut columns[1], company, &mut panels.invite, actions);
        });
        ui.spacing_mut().item_spacing.x = GRID;
    }
}

/// With a film of one's own.
fn here(ui: &mut Ui, path: &mut String, actions: &mut Vec<Action>) {
    heading(ui, "Watch a film");
    let open = Button::new(RichText::new("Open a film…").size(20.0).color(NIGHT)).fill(ACCENT);
    if large(ui, open).on_hover_text("Choose a film on this computer  (o)").clicked() {
        actions.push(Action::ChooseFile);
    }
    let demo = Button::new(RichText::new("Play the demo").size(20.0));
    if large(ui, demo).on_hover_text("A film of one minute that shows what is here").clicked() {
        actions.push(Action::PlayDemo);
    }
    let typed = Typed::of(path);
    let does = if matches!(typed, Typed::Invite) { "Join" } else { "Open" };
    let says = field(ui, path, ("or type its path, or drop a file here", "Path of a film"), does);
    beneath(ui, |ui| match typed {
        Typed::Path(path) if says => actions.push(Action::OpenFile(path)),
        Typed::Invite if says => actions.push(Action::Join(std::mem::take(path))),
        Typed::Invite => told(ui, INVITED),
        Typed::BadInvite(sentence) => problem(ui, &sentence),
        Typed::Nothing | Typed::Path(_) => {}
    });
}

/// With friends.
fn friends(ui: &mut Ui, company: &Company, invite: &mut String, actions: &mut Vec<Action>) {
    heading(ui, "Watch together");
    let open = Button::new(RichText::new("Open a theater").size(20.0));
    if large(ui, open).on_hover_text(format!("Friends come by the invite you send them  ({})", opening_key())).clicked() {
        actions.push(Action::OpenTheater);
    }
    let palette = Palette::of(ui.ctx().theme());
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 6.0 * GRID), egui::Layout::bottom_up(egui::Align::Min), |ui| {
        ui.label(RichText::new("Were you invited? Paste the invite:").color(palette.quiet));
    });
    let read = read_invite(invite);
    let says = field(ui, invite, ("houselights1-…", "Invite"), "Join");
    if says && !invite.trim().is_empty() {
        // What is wrong with it is told by whoever reads it.
        actions.push(Action::Join(invite.clone()));
    }
    beneath(ui, |ui| match read {
        Ok(()) => told(ui, INVITED),
        Err(sentence) if !may_become_invite(invite) => problem(ui, &sentence),
        Err(_) => {
            if let Some(sentence) = &company.parted {
                problem(ui, sentence);
            }
        }
    });
}

/// Room for a sentence beneath a field: nothing moves away from a hand when one appears.
fn beneath(ui: &mut Ui, says: impl FnOnce(&mut Ui)) {
    let height = if ui.ctx().content_rect().height() < SMALL { 0.0 } else { BENEATH };
    ui.allocate_ui_with_layout(vec2(ui.available_width(), height), egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.set_min_height(height);
        says(ui);
    });
}

fn heading(ui: &mut Ui, says: &str) {
    ui.label(RichText::new(says).color(Palette::of(ui.ctx().theme()).text));
}

fn large(ui: &mut Ui, button: Button<'_>) -> Response {
    ui.add_sized(vec2(ui.available_width(), 6.0 * GRID), button)
}

/// A field and a button for what stands in it; true when it is to be done.
fn field(ui: &mut Ui, text: &mut String, (hint, name): (&str, &str), does: &str) -> bool {
    let mut says = false;
    let height = 4.5 * GRID;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), height), egui::Layout::right_to_left(egui::Align::Center), |ui| {
        says = ui.button(does).clicked();
        let field = TextEdit::singleline(text).hint_text(hint).char_limit(TYPED_CHARS).desired_width(f32::INFINITY).margin(vec2(12.0, 8.0));
        let response = ui.add(field);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, name));
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            says = true;
            // Whatever is typed next is still meant for it.
            response.request_focus();
        }
    });
    says
}

fn told(ui: &mut Ui, says: &str) {
    small(ui, says, Palette::of(ui.ctx().theme()).accent_text);
}

fn problem(ui: &mut Ui, says: &str) {
    small(ui, says, Palette::of(ui.ctx().theme()).problem);
}

/// A column would stretch its lines.
fn small(ui: &mut Ui, says: &str, colour: egui::Color32) {
    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.add(egui::Label::new(RichText::new(says).small().color(colour)).wrap());
    });
}

fn hints(ui: &mut Ui, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    ui.horizontal(|ui| {
        ui.label(RichText::new("Click a seat to sit there; drag with the right button to look.").small().color(palette.quiet));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon_button(ui, Icon::Help, "Keys", &Action::Help) {
                actions.push(Action::Help);
            }
            if icon_button(ui, Icon::Settings, "Settings", &Action::Settings) {
                actions.push(Action::Settings);
            }
        });
    });
}

/// What stands in the field for paths.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Nothing,
    Path(PathBuf),
    Invite,
    /// With what is wrong with it.
    BadInvite(String),
}

impl Typed {
    fn of(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        match read_invite(text) {
            Ok(()) => Self::Invite,
            Err(sentence) if is_meant_as_invite(text) => Self::BadInvite(sentence),
            Err(_) => Self::Path(path_of(text)),
        }
    }
}

/// Nothing yet, or what somebody types who types an invite.
fn may_become_invite(text: &str) -> bool {
    let text = text.trim();
    MARK.get(..text.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(text))
}

/// An invite begins like this, and a film's name ends otherwise.
fn is_meant_as_invite(text: &str) -> bool {
    let after_mark = text.get(..MARK.len()).filter(|mark| mark.eq_ignore_ascii_case(MARK)).and_then(|_| text.get(MARK.len()..));
    after_mark.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains(['/', '\\', '.']))
}

const WIDTH: f32 = 760.0;
/// Narrower cards have one column.
const TWO_COLUMNS: f32 = 520.0;
/// Lower windows are drawn closer.
const SMALL: f32 = 520.0;
/// Two lines of small letters.
const BENEATH: f32 = 36.0;
const TYPED_CHARS: usize = 8192;
const MARK: &str = "houselights";
const INVITED: &str = "That is an invite. Press Join.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_off_for_the_first_letter() {
        assert!(["", " ", "h", "Houselights"].into_iter().all(may_become_invite));
        assert!(!["x", "houselights1-", "hé"].into_iter().any(may_become_invite));
    }

    #[test]
    fn an_invite_in_the_field_for_paths_is_known() {
        assert_eq!(Typed::of("  "), Typed::Nothing);
        assert_eq!(Typed::of("houselights1-trailer.mkv"), Typed::Path("houselights1-trailer.mkv".into()));
        assert_eq!(Typed::of("/films/houselights2"), Typed::Path("/films/houselights2".into()));
        for (text, word) in [("houselights1-abc", "missing"), ("Houselights9-abc", "newer"), ("houselights0-abc", "older")] {
            assert!(matches!(Typed::of(text), Typed::BadInvite(sentence) if sentence.contains(word)), "{text}: {:?}", Typed::of(text));
        }
    }
}
