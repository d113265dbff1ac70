use std::path::PathBuf;

use bevy_egui::egui::{self, Align2, Area, Frame, Id, RichText, vec2};

use super::{
    Action, View,
    bar::icon_button,
    icon::Icon,
    theme::{ACCENT, GRID, NIGHT, Palette},
};

/// Before a film: open one, or play the demo.
pub(super) fn show(context: &egui::Context, view: &View, path: &mut String, actions: &mut Vec<Action>) {
    let palette = Palette::of(context.theme());
    let width = (context.content_rect().width() - 6.0 * GRID).min(56.0 * GRID);
    Area::new(Id::new("lobby")).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(context, |ui| {
        let frame = Frame::new().fill(palette.panel).corner_radius(16).inner_margin(32).stroke(ui.visuals().window_stroke);
        frame.show(ui, |ui| {
            ui.set_width(width - 64.0);
            ui.vertical_centered(|ui| {
                ui.label(RichText::new("Houselights").size(28.0).color(palette.accent_text));
                ui.label(RichText::new("Put a film on the big screen and take a seat.").color(palette.quiet));
            });
            ui.add_space(2.0 * GRID);
            if let Some(name) = &view.opening {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label(format!("Opening “{name}”"));
                });
                return;
            }
            let full = vec2(ui.available_width(), 6.0 * GRID);
            let open = egui::Button::new(RichText::new("Open a film…").size(20.0).color(NIGHT)).fill(ACCENT);
            if ui.add_sized(full, open).on_hover_text("Choose a film on this computer  (o)").clicked() {
                actions.push(Action::ChooseFile);
            }
            if ui
                .add_sized(full, egui::Button::new(RichText::new("Play the demo").size(20.0)))
                .on_hover_text("A film of one minute that shows what is here")
                .clicked()
            {
                actions.push(Action::PlayDemo);
            }
            ui.add_space(GRID);
            ui.horizontal(|ui| {
                let opens = ui.button("Open").on_hover_text("Open the film at this path").clicked();
                let field = egui::TextEdit::singleline(path)
                    .hint_text("or type its path, or drop a file here")
                    .desired_width(f32::INFINITY)
                    .margin(vec2(12.0, 8.0));
                let response = ui.add(field);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, "Path of a film"));
                let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                if (opens || entered) && !path.trim().is_empty() {
                    actions.push(Action::OpenFile(expanded(path.trim())));
                }
            });
            ui.add_space(GRID);
            ui.horizontal(|ui| {
                ui.label(RichText::new("Click a seat to sit there; drag with the right button to look.").small().color(palette.quiet));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if icon_button(ui, Icon::Help, "Keys", &Action::Help) {
                        actions.push(Action::Help);
                    }
                });
            });
        });
    });
}

/// A path as people type or paste it: quoted, as a link to a file, or from their home.
fn expanded(typed: &str) -> PathBuf {
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    let bare = typed.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\''])).unwrap_or(typed);
    match (bare.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(bare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_people_paste_them() {
        assert_eq!(expanded("'/films/a b.mkv'"), PathBuf::from("/films/a b.mkv"));
        assert_eq!(expanded("file:///films/a.mkv"), PathBuf::from("/films/a.mkv"));
        assert_eq!(expanded("\"C:\\films\\a.mkv\""), PathBuf::from("C:\\films\\a.mkv"));
    }
}
