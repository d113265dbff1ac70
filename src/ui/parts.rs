use bevy_egui::egui::{self, Button, Rect, Response, RichText, Sense, Shape, Slider, Stroke, Ui, style::ScrollAnimation, vec2};

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

/// A slider whose handle shows that the keyboard is its own.
pub(super) fn slide(ui: &mut Ui, name: &str, slider: Slider<'_>) -> Response {
    let response = ui
        .scope(|ui| {
            ui.visuals_mut().widgets.active.bg_fill = ACCENT;
            ui.add(slider)
        })
        .inner;
    named(ui, &response, name);
    response
}

/// For whoever hears what stands there: what stands beside it for those who see.
pub(super) fn named(ui: &Ui, response: &Response, name: &str) {
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// For what is long and scrolls, after its content: whoever goes through it by keys sees where they are.
pub(super) fn follow_focus(ui: &Ui) {
    let layer = ui.layer_id();
    let place = layer.id.with("what had the keyboard");
    let focused = ui.memory(egui::Memory::focused);
    let before = ui.data_mut(|data| {
        let before = data.get_temp::<Option<egui::Id>>(place).flatten();
        data.insert_temp(place, focused);
        before
    });
    if focused != before
        && let Some(response) = focused.and_then(|id| ui.ctx().read_response(id))
        && response.layer_id == layer
    {
        ui.scroll_to_rect_animation(response.rect, None, ScrollAnimation::none());
    }
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
