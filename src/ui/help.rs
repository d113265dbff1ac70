use bevy_egui::egui::{self, Align2, Area, Frame, Grid, Id, Order, RichText, ScrollArea, vec2};

use super::{
    Action,
    keys::KEYS,
    parts::small_button,
    theme::{GRID, Palette},
};

/// The list of keys, and what the mouse does.
pub(super) fn show(context: &egui::Context, actions: &mut Vec<Action>) {
    let palette = Palette::of(context.theme());
    let height = context.content_rect().height() - 12.0 * GRID;
    Area::new(Id::new("keys")).order(Order::Foreground).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(context, |ui| {
        Frame::new().fill(palette.panel).corner_radius(16).inner_margin(24).stroke(ui.visuals().window_stroke).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Keys").size(20.0).color(palette.accent_text));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if small_button(ui, "Close  Esc").clicked() {
                        actions.push(Action::Help);
                    }
                });
            });
            let room = height - 8.0 * GRID;
            ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
                let rows = rows();
                let columns = if context.content_rect().width() < TWO_COLUMNS { 1 } else { 2 };
                let half = rows.len().div_ceil(columns);
                ui.horizontal_top(|ui| {
                    for (number, column) in rows.chunks(half).enumerate() {
                        Grid::new(("keys", number)).num_columns(2).spacing(vec2(2.0 * GRID, 4.0)).min_row_height(0.0).show(ui, |ui| {
                            for (names, does) in column {
                                ui.label(RichText::new(names).monospace().color(palette.text));
                                ui.label(RichText::new(*does).color(palette.quiet));
                                ui.end_row();
                            }
                        });
                        ui.add_space(2.0 * GRID);
                    }
                });
            });
        });
    });
}

/// Keys that do the same stand in one row.
fn rows() -> Vec<(String, &'static str)> {
    let mut rows: Vec<(String, &'static str)> = Vec::new();
    for key in KEYS {
        match rows.iter_mut().find(|(_, does)| *does == key.does) {
            Some((names, _)) => *names = format!("{names}  {}", key.name),
            None => rows.push((key.name.to_owned(), key.does)),
        }
    }
    rows.extend([
        ("t (held)".to_owned(), "Speak for as long as it is held"),
        ("Click".to_owned(), "Sit there; press a button of the remote"),
        ("Right drag".to_owned(), "Look around"),
        ("Wheel".to_owned(), "Louder or quieter"),
        ("Drop a file".to_owned(), "Open it"),
    ]);
    rows
}

/// Narrower windows have one column.
const TWO_COLUMNS: f32 = 1000.0;
