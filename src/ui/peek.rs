use bevy::prelude::*;
use bevy_egui::egui::{self, Align2, Color32, FontId, Id, Rect, pos2, vec2};

use super::theme::GRID;
use crate::film::Preview;

/// Looks up the place of the film under the pointer.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Peek>().add_systems(PostUpdate, ask);
}

fn ask(mut peek: ResMut<Peek>, preview: Option<ResMut<Preview>>) {
    let peek = peek.bypass_change_detection();
    let pointed_s = peek.pointed_s.take();
    if let (Some(seconds), Some(mut preview)) = (pointed_s, preview)
        && peek.asked_s.is_none_or(|asked_s| (asked_s - seconds).abs() > SAME_PLACE_S)
    {
        preview.ask((seconds * 1e9) as i64);
        peek.asked_s = Some(seconds);
    }
    if pointed_s.is_none() {
        peek.asked_s = None;
    }
}

/// What is pointed at on the bar, and the small picture of it.
#[derive(Resource, Default)]
pub(super) struct Peek {
    pointed_s: Option<f64>,
    asked_s: Option<f64>,
    picture: Option<(i64, egui::TextureHandle)>,
}

impl Peek {
    /// Takes over a picture that was looked up.
    pub(super) fn take(&mut self, context: &egui::Context, preview: Option<&Preview>) {
        let thumbnail = preview.and_then(|preview| preview.thumbnail.as_ref());
        match thumbnail {
            None => self.picture = None,
            Some(thumbnail) if self.picture.as_ref().is_some_and(|(film_ns, _)| *film_ns == thumbnail.film_ns) => {}
            Some(thumbnail) => {
                let image = egui::ColorImage::from_rgba_unmultiplied([thumbnail.width, thumbnail.height], &thumbnail.rgba);
                self.picture = Some((thumbnail.film_ns, context.load_texture("preview", image, egui::TextureOptions::LINEAR)));
            }
        }
    }

    /// Shows the time and what is there, over a place of the bar.
    pub(super) fn show(&mut self, ui: &egui::Ui, (x, bar): (f32, Rect), seconds: f64, says: String) {
        self.pointed_s = Some(seconds);
        let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Tooltip, Id::new("time under the pointer")));
        let picture = self.picture.as_ref().map(|(_, texture)| (texture.id(), texture.size_vec2()));
        let size = picture.map_or(vec2(0.0, 0.0), |(_, size)| size);
        let galley = painter.layout(says, FontId::proportional(13.0), ui.visuals().text_color(), size.x.max(24.0 * GRID));
        let half = (size.x.max(galley.size().x) + GRID) / 2.0;
        let x = x.clamp(bar.left() + half, (bar.right() - half).max(bar.left() + half));
        let text = Align2::CENTER_BOTTOM.anchor_size(pos2(x, bar.top() - GRID), galley.size());
        let image = Align2::CENTER_BOTTOM.anchor_size(pos2(x, text.top() - GRID / 2.0), size);
        let around = if picture.is_some() { text.union(image) } else { text };
        painter.rect_filled(around.expand2(vec2(8.0, 6.0)), 6, ui.visuals().panel_fill);
        if let Some((texture, _)) = picture {
            painter.image(texture, image, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), Color32::WHITE);
        }
        painter.galley(text.min, galley, Color32::WHITE);
    }
}

/// A pointer that trembles asks for nothing new.
const SAME_PLACE_S: f64 = 0.5;
