use bevy_egui::egui::{self, Button, Rect, Response, RichText, Sense, Shape, Stroke, Ui, vec2};

use super::{
    Action,
    icon::Icon,
    keys::key_for,
    theme::{ACCENT, GRID, Palette},
};

/// A button that is one sign; its tooltip says what it does and by which key.
pub(super) fn icon(ui: &mut Ui, sign: Icon, does: &str, action: &Action) -> Response {
    let hint = key_for(action).map_or_else(|| does.to_owned(), |key| format!("{does}  ({key})"));
    sign_button(ui, sign, does).on_hover_text(hint)
}

/// The same; true when it was clicked.
pub(super) fn icon_button(ui: &mut Ui, sign: Icon, does: &str, action: &Action) -> bool {
    icon(ui, sign, does, action).clicked()
}

/// A sign that can be clicked, with a name for those who do not see it.
pub(super) fn sign_button(ui: &mut Ui, sign: Icon, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(4.0 * GRID, 4.0 * GRID), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
    let visuals = ui.style().interact(&response);
    if response.hovered() || response.has_focus() {
        ui.painter().rect(rect, visuals.corner_radius, visuals.weak_bg_fill, visuals.bg_stroke, egui::StrokeKind::Inside);
    }
    sign.paint(ui.painter(), rect.shrink(9.0), visuals.fg_stroke.color);
    response
}

/// A button that is not the point of its panel.
pub(super) fn small_button(ui: &mut Ui, says: &str) -> Response {
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(GRID, 3.0);
        ui.spacing_mut().interact_size.y = 3.0 * GRID;
        ui.add(Button::new(RichText::new(says).small()).corner_radius(6))
    })
    .inner
}

/// Something goes on: a part of a ring that goes round.
pub(super) fn spinner(ui: &mut Ui, size: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::new(egui::WidgetType::ProgressIndicator));
    let radius = size / 2.0 - 4.0;
    let palette = Palette::of(ui.ctx().theme());
    ui.painter().circle_stroke(rect.center(), radius, Stroke::new(2.5, palette.line));
    let turned = (ui.input(|input| input.time) * TURNS_A_SECOND).fract() as f32;
    ui.painter().add(Shape::line(arc(rect, radius, turned), Stroke::new(2.5, ACCENT)));
    ui.ctx().request_repaint();
}

fn arc(rect: Rect, radius: f32, turned: f32) -> Vec<egui::Pos2> {
    let angle = |step: i32| (turned + step as f32 / 16.0 * 0.3) * std::f32::consts::TAU;
    (0..=16).map(|step| rect.center() + radius * egui::Vec2::angled(angle(step))).collect()
}

const TURNS_A_SECOND: f64 = 0.8;
