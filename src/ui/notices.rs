use bevy::prelude::*;
use bevy_egui::egui::{self, Align2, Area, Frame as Box, Id, Order, RichText, vec2};

use super::theme::{GRID, Palette};
use crate::notice::{Notice, Severity};

/// Shows notices for a while, the newest lowest.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Notices>().add_observer(hear).add_systems(Update, age);
}

fn hear(notice: On<Notice>, mut notices: ResMut<Notices>) {
    let notice = notice.event().clone();
    // The same thing again only stays longer.
    notices.0.retain(|shown| shown.notice != notice && (notice.about.is_none() || shown.notice.about != notice.about));
    if notices.0.len() >= MOST {
        notices.0.remove(0);
    }
    let left_s = match notice.severity {
        Severity::News => NEWS_S,
        Severity::Problem => PROBLEM_S,
    };
    notices.0.push(Shown { notice, left_s });
}

fn age(mut notices: ResMut<Notices>, time: Res<Time>) {
    if notices.0.is_empty() {
        return;
    }
    for shown in &mut notices.0 {
        shown.left_s -= time.delta_secs();
    }
    notices.0.retain(|shown| shown.left_s > 0.0);
}

pub(super) fn show(context: &egui::Context, notices: &Notices) {
    let palette = Palette::of(context.theme());
    let width = (context.content_rect().width() - 6.0 * GRID).min(60.0 * GRID);
    Area::new(Id::new("notices")).order(Order::Foreground).anchor(Align2::CENTER_TOP, vec2(0.0, 2.0 * GRID)).interactable(false).show(
        context,
        |ui| {
            ui.set_max_width(width);
            for shown in &notices.0 {
                ui.set_opacity((shown.left_s / FADE_S).clamp(0.0, 1.0));
                let colour = if shown.notice.severity == Severity::Problem { palette.problem } else { palette.text };
                ui.vertical_centered(|ui| {
                    let frame = Box::new().fill(palette.panel).corner_radius(8).inner_margin(egui::Margin::symmetric(16, 8));
                    frame.stroke(ui.visuals().window_stroke).show(ui, |ui| ui.label(RichText::new(&shown.notice.text).color(colour)));
                });
            }
        },
    );
}

/// What is being shown.
#[derive(Resource, Debug, Default)]
pub(super) struct Notices(Vec<Shown>);

#[derive(Debug)]
struct Shown {
    notice: Notice,
    left_s: f32,
}

const MOST: usize = 4;
const NEWS_S: f32 = 2.5;
/// Long enough to read two sentences twice.
const PROBLEM_S: f32 = 9.0;
const FADE_S: f32 = 0.2;
