use bevy::{
    prelude::*,
    window::{PrimaryWindow, WindowTheme, WindowThemeChanged},
};
use bevy_egui::{
    EguiContexts, EguiPrimaryContextPass,
    egui::{self, Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, ThemePreference, style::WidgetVisuals},
};
use serde::{Deserialize, Serialize};

use crate::theater::Hue;

/// One look for every panel: one accent, near-black and warm greys in the dark, paper in the light, a grid of eight pixels.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Look>()
        .init_resource::<SystemTheme>()
        .add_systems(EguiPrimaryContextPass, dress.run_if(resource_changed::<Look>.or_eager(resource_changed::<SystemTheme>)))
        .add_systems(Update, (hear_system, fit));
}

/// A window is told at its birth what the system wants, and of each change; its own field stays as it was born.
fn hear_system(
    mut changes: MessageReader<WindowThemeChanged>,
    windows: Query<&Window, With<PrimaryWindow>>,
    mut system: ResMut<SystemTheme>,
) {
    let told = changes.read().last().map(|change| change.theme);
    let at_birth = || windows.iter().find_map(|window| window.window_theme);
    let now = told.or(system.0).or_else(at_birth);
    system.set_if_neq(SystemTheme(now));
}

pub(super) fn dress(mut contexts: EguiContexts, look: Res<Look>, system: Res<SystemTheme>) -> Result {
    let context = contexts.ctx_mut()?;
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        context.style_mut_of(theme, |style| style_in(style, Palette::of(theme)));
    }
    context.set_theme(look.theme.in_system(*system));
    Ok(())
}

/// Takes effect in the next frame.
fn fit(mut contexts: EguiContexts, look: Res<Look>) -> Result {
    let context = contexts.ctx_mut()?;
    let zoom = look.zoom(context.content_rect().height() * context.zoom_factor());
    if (context.zoom_factor() - zoom).abs() > 0.01 {
        context.set_zoom_factor(zoom);
    }
    Ok(())
}

fn style_in(style: &mut egui::Style, palette: Palette) {
    style.text_styles = [
        (TextStyle::Small, 13.0),
        (TextStyle::Body, 15.0),
        (TextStyle::Button, 15.0),
        (TextStyle::Heading, 28.0),
        (TextStyle::Monospace, 15.0),
    ]
    .into_iter()
    .map(|(role, size)| {
        (role.clone(), FontId::new(size, if role == TextStyle::Monospace { FontFamily::Monospace } else { FontFamily::Proportional }))
    })
    .collect();
    style.spacing.item_spacing = egui::vec2(GRID, GRID);
    style.spacing.button_padding = egui::vec2(2.0 * GRID, GRID);
    style.spacing.window_margin = Margin::same(16);
    style.spacing.interact_size.y = 4.0 * GRID;
    style.spacing.slider_width = 12.0 * GRID;
    style.interaction.selectable_labels = false;
    style.animation_time = 0.12;
    let visuals = &mut style.visuals;
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.panel;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.extreme_bg_color = palette.field;
    visuals.faint_bg_color = palette.field;
    visuals.hyperlink_color = palette.accent_text;
    visuals.selection.bg_fill = ACCENT.gamma_multiply(0.45);
    visuals.selection.stroke = Stroke::new(1.0, palette.text);
    visuals.window_corner_radius = CornerRadius::same(16);
    visuals.menu_corner_radius = CornerRadius::same(8);
    let widget = |fill: Color32, line: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: CornerRadius::same(8),
        fg_stroke: Stroke::new(1.5, text),
        expansion: 0.0,
    };
    visuals.widgets.noninteractive = widget(palette.panel, palette.line, palette.text);
    visuals.widgets.inactive = widget(palette.button, Color32::TRANSPARENT, palette.text);
    visuals.widgets.hovered = widget(palette.button_hovered, ACCENT.gamma_multiply(0.8), palette.text);
    // Also what has the keyboard: a ring, and what it says stays readable.
    visuals.widgets.active = widget(palette.button_hovered, ACCENT, palette.text);
    visuals.widgets.active.bg_stroke.width = 2.0;
    visuals.widgets.open = visuals.widgets.hovered;
}

/// The colours of one mode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) panel: Color32,
    pub(super) field: Color32,
    pub(super) button: Color32,
    pub(super) button_hovered: Color32,
    pub(super) line: Color32,
    pub(super) text: Color32,
    pub(super) quiet: Color32,
    /// The accent where it is text: dark enough on paper.
    pub(super) accent_text: Color32,
    pub(super) problem: Color32,
}

impl Palette {
    pub(super) const fn of(theme: egui::Theme) -> Self {
        match theme {
            egui::Theme::Dark => Self {
                panel: Color32::from_rgb(0x17, 0x14, 0x13),
                field: Color32::from_rgb(0x0d, 0x0b, 0x0a),
                button: Color32::from_rgb(0x2c, 0x27, 0x24),
                button_hovered: Color32::from_rgb(0x3a, 0x33, 0x2e),
                line: Color32::from_rgb(0x38, 0x32, 0x2d),
                text: Color32::from_rgb(0xf3, 0xec, 0xe2),
                quiet: Color32::from_rgb(0xb4, 0xa8, 0x9b),
                accent_text: ACCENT,
                problem: Color32::from_rgb(0xff, 0x8a, 0x70),
            },
            egui::Theme::Light => Self {
                panel: Color32::from_rgb(0xf7, 0xf1, 0xe6),
                field: Color32::from_rgb(0xff, 0xfd, 0xf8),
                button: Color32::from_rgb(0xe8, 0xde, 0xcd),
                button_hovered: Color32::from_rgb(0xde, 0xd1, 0xbc),
                line: Color32::from_rgb(0xd6, 0xc9, 0xb4),
                text: Color32::from_rgb(0x2a, 0x22, 0x1b),
                quiet: Color32::from_rgb(0x6a, 0x5d, 0x50),
                accent_text: Color32::from_rgb(0x8a, 0x4f, 0x00),
                problem: Color32::from_rgb(0xa8, 0x2a, 0x12),
            },
        }
    }
}

/// House-light amber.
pub(super) const ACCENT: Color32 = Color32::from_rgb(0xff, 0xb4, 0x54);
/// What is written on the accent.
pub(super) const NIGHT: Color32 = Color32::from_rgb(0x1c, 0x12, 0x06);
/// Up to here panels are as large as they were drawn.
const USUAL_HEIGHT: f32 = 1_080.0;
/// Everything stands on multiples of it, in points.
pub(super) const GRID: f32 = 8.0;

/// What people write on: the same by night and by day.
pub(super) const PAPER: Color32 = Color32::from_rgb(0xff, 0xfc, 0xf5);
/// Under text that lies on the film.
pub(super) const SHADE: Color32 = Color32::from_rgba_premultiplied(0x08, 0x07, 0x06, 0xc4);
/// Text on [`SHADE`].
pub(super) const ON_SHADE: Color32 = Color32::from_rgb(0xf3, 0xec, 0xe2);

/// A person's colour: one of twelve round the circle; numbers wrap.
pub(super) fn hue(number: u8) -> Color32 {
    let [red, green, blue] = Hue::new(number).srgb();
    Color32::from_rgb(red, green, blue)
}

/// A person's colour as text on `ground`, dark or light enough to be read.
pub(super) fn hue_text(number: u8, ground: Color32) -> Color32 {
    let own = hue(number);
    let towards = if contrast(ground, Color32::BLACK) > contrast(ground, Color32::WHITE) { Color32::BLACK } else { Color32::WHITE };
    let shades = (0..=16).map(|step| own.lerp_to_gamma(towards, step as f32 / 16.0));
    shades.into_iter().find(|shade| contrast(*shade, ground) >= READABLE).unwrap_or(towards)
}

/// How much one colour stands out from another: 1 to 21 (WCAG 2.2).
fn contrast(a: Color32, b: Color32) -> f32 {
    let luminance = |c: Color32| {
        let linear = egui::Rgba::from(c);
        0.2126 * linear.r() + 0.7152 * linear.g() + 0.0722 * linear.b()
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Enough for text of our sizes.
const READABLE: f32 = 4.5;

/// How the panels look.
#[derive(Resource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Dark, light, or as the system.
    pub theme: Theme,
    /// Size of panels and letters, in percent of what fits the window.
    pub percent: u16,
}

impl Default for Look {
    fn default() -> Self {
        Self { theme: Theme::default(), percent: 100 }
    }
}

impl Look {
    /// What can be chosen.
    pub const PERCENTS: [u16; 7] = [70, 80, 90, 100, 115, 130, 160];

    /// How large panels are in a window so high, in its own points: larger windows stand farther away.
    fn zoom(&self, window_height: f32) -> f32 {
        let [least, .., most] = Self::PERCENTS;
        let fitting = (window_height / USUAL_HEIGHT).clamp(1.0, 2.5);
        let zoom = fitting * f32::from(self.percent.clamp(least, most)) / 100.0;
        // Letters are drawn anew for each size.
        (zoom * 20.0).round() / 20.0
    }
}

/// What the system wants; nothing while it does not say.
#[derive(Resource, Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct SystemTheme(Option<WindowTheme>);

/// Dark, light, or as the system.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system says; dark if it does not.
    #[default]
    System,
    /// Near-black.
    Dark,
    /// Paper.
    Light,
}

impl Theme {
    fn in_system(self, system: SystemTheme) -> ThemePreference {
        match (self, system.0) {
            (Self::Light, _) | (Self::System, Some(WindowTheme::Light)) => ThemePreference::Light,
            (Self::Dark | Self::System, _) => ThemePreference::Dark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_as_the_system_only_where_one_did_not_choose() {
        let system = [None, Some(WindowTheme::Dark), Some(WindowTheme::Light)].map(SystemTheme);
        let (dark, light) = (ThemePreference::Dark, ThemePreference::Light);
        assert_eq!(system.map(|system| Theme::System.in_system(system)), [dark, dark, light]);
        assert_eq!(system.map(|system| Theme::Dark.in_system(system)), [dark; 3]);
        assert_eq!(system.map(|system| Theme::Light.in_system(system)), [light; 3]);
    }

    #[test]
    fn all_text_stands_out_from_what_it_is_written_on() {
        for theme in [egui::Theme::Dark, egui::Theme::Light] {
            let p = Palette::of(theme);
            for (name, text, ground) in [
                ("text", p.text, p.panel),
                ("text in a field", p.text, p.field),
                ("text on a button", p.text, p.button),
                ("text on a hovered button", p.text, p.button_hovered),
                ("quiet text", p.quiet, p.panel),
                ("accent", p.accent_text, p.panel),
                ("problem", p.problem, p.panel),
                ("pressed", NIGHT, ACCENT),
                ("a bubble", NIGHT, PAPER),
                // The film may be white.
                ("over the film", ON_SHADE, Color32::WHITE.blend(SHADE)),
            ] {
                let ratio = contrast(text, ground);
                assert!(ratio >= READABLE, "{theme:?} {name}: {ratio:.1}");
            }
        }
    }

    #[test]
    fn names_in_everybodys_colour_are_readable() {
        for ground in [PAPER, Color32::BLACK.blend(SHADE), Palette::of(egui::Theme::Dark).panel, Palette::of(egui::Theme::Light).panel] {
            for number in 0..13 {
                assert!(contrast(hue_text(number, ground), ground) >= READABLE, "{number} on {ground:?}");
            }
        }
    }

    #[test]
    fn panels_grow_with_the_window_and_as_one_wants() {
        let zoom = |percent, height| Look { percent, ..Look::default() }.zoom(height);
        assert_eq!([360.0, 768.0, 1080.0, 1440.0, 2160.0, 9999.0].map(|height| zoom(100, height)), [1.0, 1.0, 1.0, 1.35, 2.0, 2.5]);
        assert_eq!([zoom(70, 1080.0), zoom(130, 1440.0), zoom(0, 720.0), zoom(u16::MAX, 720.0)], [0.7, 1.75, 0.7, 1.6]);
    }
}
