use bevy_egui::egui::{self, Align, Layout, Response, RichText, Sense, Stroke, Ui, vec2};

use super::{
    Action, Company,
    theme::{GRID, Palette, hue},
};
use crate::room::Appearance;

/// Who I am to others: name, colour, look.
pub(super) fn show(ui: &mut Ui, company: &Company, typed: &mut String, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    ui.horizontal_wrapped(|ui| {
        let edit = egui::TextEdit::singleline(typed)
            .hint_text("Your name")
            .char_limit(NAME_CHARS)
            .desired_width(17.0 * GRID)
            .margin(vec2(10.0, 8.0));
        let response = ui.add(edit).on_hover_text("The name others see");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, "Your name"));
        if response.changed() {
            actions.push(Action::Name(typed.clone()));
        } else if !response.has_focus() && *typed != company.name {
            typed.clone_from(&company.name);
        }
        let own = company.appearance;
        ui.allocate_ui_with_layout(vec2(SWATCH * f32::from(Appearance::HUES), 4.0 * GRID), Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for number in 0..Appearance::HUES {
                if swatch(ui, number, number == own.hue).on_hover_text("The colour of your figure").clicked() {
                    actions.push(Action::Dress(Appearance { hue: number, ..own }));
                }
            }
        });
        ui.allocate_ui_with_layout(vec2(16.0 * GRID, 4.0 * GRID), Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.spacing_mut().button_padding = vec2(GRID, 4.0);
            let styles = Appearance::STYLES;
            for (sign, step, does) in [("‹", styles - 1, "Another look"), ("›", 1, "Another look")] {
                if step == 1 {
                    let number = RichText::new(format!("Look {}", own.style + 1)).color(palette.quiet);
                    ui.add_sized(vec2(8.0 * GRID, 4.0 * GRID), egui::Label::new(number));
                }
                let button = egui::Button::new(RichText::new(sign).size(20.0));
                let button = ui.add_sized(vec2(4.0 * GRID, 4.0 * GRID), button).on_hover_text("Hair, hat and glasses of your figure");
                button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, does));
                if button.clicked() {
                    actions.push(Action::Dress(Appearance { style: (own.style + step) % styles, ..own }));
                }
            }
        });
    });
}

fn swatch(ui: &mut Ui, number: u8, is_own: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(SWATCH, 4.0 * GRID), Sense::click());
    let name = format!("Colour {}", number + 1);
    response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::RadioButton, true, is_own, &name));
    let palette = Palette::of(ui.ctx().theme());
    let is_hot = response.hovered() || response.has_focus();
    ui.painter().circle_filled(rect.center(), 7.0, hue(number));
    if is_own || is_hot {
        let line = if is_own { palette.text } else { palette.quiet };
        ui.painter().circle_stroke(rect.center(), 9.5, Stroke::new(2.0, line));
    }
    response
}

const SWATCH: f32 = 22.0;
const NAME_CHARS: usize = 32;
