use bevy_egui::egui::{self, Align2, Area, Frame, Id, Label, Order, Rect, RichText, pos2};

use super::{
    Action, Company, View,
    keys::key_for,
    parts::spinner,
    theme::{GRID, Palette},
};
use crate::room::Standing;

/// A card over the bar while something is waited for: people, a film that is being opened, a way into a theater. It stands between the panels, `over` the
/// window's lower edge. Where it stands.
pub(super) fn show(
    context: &egui::Context,
    (view, company): (&View, &Company),
    (panels, over): (&[Option<Rect>], f32),
    actions: &mut Vec<Action>,
) -> Option<Rect> {
    let is_in_lobby = company.is_in_lobby(view);
    let (says, offers) = if let Some(waiting) = &company.waiting {
        let offers = company.may_move().then_some(("Start anyway", Action::StartAnyway));
        (format!("Waiting for {}, {:.0} s", waiting.whom, waiting.for_s.floor()), offers)
    } else if let Some(name) = view.opening.as_ref().filter(|_| !is_in_lobby) {
        (format!("Opening “{name}”"), None)
    } else if company.standing == Standing::Joining && !is_in_lobby {
        ("Looking for the theater…".to_owned(), Some(("Leave it", Action::LeaveTheater)))
    } else {
        return None;
    };
    let palette = Palette::of(context.theme());
    let free = between(context.content_rect(), over, panels);
    let width = (free.width() - 4.0 * GRID).min(72.0 * GRID);
    let area = Area::new(Id::new("waiting"))
        .order(Order::Foreground)
        .pivot(Align2::CENTER_BOTTOM)
        .fixed_pos(pos2(free.center().x, free.bottom()))
        .show(context, |ui| {
            let frame = Frame::new().fill(palette.panel).corner_radius(12).inner_margin(egui::Margin::symmetric(16, 8));
            frame.stroke(ui.visuals().window_stroke).show(ui, |ui| {
                ui.horizontal(|ui| {
                    spinner(ui, 3.0 * GRID);
                    let for_button = if offers.is_some() { 18.0 * GRID } else { 0.0 };
                    ui.scope(|ui| {
                        ui.set_max_width(width - 9.0 * GRID - for_button);
                        ui.add(Label::new(RichText::new(says).color(palette.text)).wrap());
                    });
                    if let Some((does, action)) = offers {
                        let hint = key_for(&action).map_or_else(|| does.to_owned(), |key| format!("{does}  ({key})"));
                        if ui.button(does).on_hover_text(hint).clicked() {
                            actions.push(action);
                        }
                    }
                });
            });
        });
    Some(area.response.rect)
}

/// What of the window is left where the card stands.
fn between(window: Rect, over: f32, panels: &[Option<Rect>]) -> Rect {
    let bottom = window.bottom() - over;
    let (mut left, mut right) = (window.left(), window.right());
    for panel in panels.iter().flatten().filter(|panel| panel.bottom() > bottom - CARD) {
        if panel.center().x < window.center().x {
            left = left.max(panel.right());
        } else {
            right = right.min(panel.left());
        }
    }
    Rect::from_min_max(pos2(left, window.top()), pos2(right.max(left), bottom))
}

/// About the height of the card.
const CARD: f32 = 64.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_stands_between_the_panels_that_reach_down_to_it() {
        let window = Rect::from_min_max(pos2(0.0, 0.0), pos2(640.0, 400.0));
        let chat = Rect::from_min_max(pos2(16.0, 100.0), pos2(300.0, 290.0));
        let people = Rect::from_min_max(pos2(400.0, 16.0), pos2(624.0, 120.0));
        let free = between(window, 100.0, &[Some(chat), None, Some(people)]);
        assert_eq!((free.left(), free.right(), free.bottom()), (300.0, 640.0, 300.0));
    }
}
