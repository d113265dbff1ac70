use bevy::prelude::*;
use bevy_egui::egui::{self, Align, Align2, Area, ComboBox, Frame, Id, Layout, RichText, ScrollArea, Slider, Ui, vec2};

use super::{
    Action, Company, Look, Theme,
    parts::{follow_focus, named, slide, small_button},
    sent,
    theme::{ACCENT, GRID, Palette},
};
use crate::{
    audio::{DeviceName, Devices, LookForDevices, Mixer, OFFSET_MAX_MS, Tune, Tuning},
    film::{HardwareDecoding, LeftAt, SubtitleLook},
    room::{Frame as Order, GatherLimit, Moderation, ParticipantId},
    theater::{PlaceSettings, Quality},
    voice::{Hearers, MicrophoneChoice, MicrophoneLevel, MyVoice, microphones},
    webcam::{CameraChoice, MyCamera, cameras},
};

/// Gathers what can be chosen, while it is shown.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Choices>().add_systems(Update, gather.after(Order::Show));
}

fn gather(
    mut choices: ResMut<Choices>,
    (place, subtitles, hardware): (Res<PlaceSettings>, Res<SubtitleLook>, Res<HardwareDecoding>),
    quality: Res<Quality>,
    look: Res<Look>,
    mixer: Option<Res<Mixer>>,
    devices: Option<Res<Devices>>,
    left_at: Option<Res<LeftAt>>,
    (level, hearers, mine, camera): (Res<MicrophoneLevel>, Res<Hearers>, Res<MyVoice>, Res<MyCamera>),
    mut commands: Commands,
) {
    if !choices.is_shown {
        // What is tried out ends with the panel.
        if std::mem::take(&mut choices.was_shown) {
            if camera.is_tried {
                commands.trigger(Action::TryCamera(false));
            }
            if mine.hears_itself {
                commands.trigger(Action::VoiceTo(mine.unheard()));
            }
        }
        return;
    }
    let is_first = !std::mem::replace(&mut choices.was_shown, true);
    if is_first {
        commands.trigger(LookForDevices);
        choices.microphones = microphones();
        // Where cameras cannot be listed there is the system's first one.
        choices.cameras = cameras().unwrap_or_default();
    }
    choices.place = *place;
    choices.subtitles = *subtitles;
    choices.on_hardware = hardware.0;
    choices.quality = *quality;
    choices.look.clone_from(&look);
    choices.microphone_level = *level;
    choices.hearers.clone_from(&hearers.0);
    choices.tuning = mixer.as_ref().map(|mixer| Tuning::of(mixer)).unwrap_or_default();
    choices.devices = devices.map_or_else(Vec::new, |devices| devices.list.clone());
    choices.films_left = left_at.map_or(0, |left_at| left_at.count());
}

/// What a person can choose for themselves; the film's own controls stand in the bar.
pub(super) fn show(
    context: &egui::Context,
    choices: &Choices,
    company: &Company,
    (mine, camera): (&MyVoice, &MyCamera),
    actions: &mut Vec<Action>,
) {
    let palette = Palette::of(context.theme());
    let window = context.content_rect();
    let (width, height) = ((window.width() - 4.0 * GRID).min(WIDTH), window.height() - 12.0 * GRID);
    Area::new(Id::new("settings")).order(egui::Order::Foreground).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(context, |ui| {
        Frame::new().fill(palette.panel).corner_radius(16).inner_margin(24).stroke(ui.visuals().window_stroke).show(ui, |ui| {
            ui.set_width(width - 48.0);
            ui.horizontal(|ui| {
                ui.label(RichText::new("Settings").size(20.0).color(palette.accent_text));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if small_button(ui, "Close  Esc").clicked() {
                        actions.push(Action::Settings);
                    }
                });
            });
            let inner = (height - 8.0 * GRID).max(8.0 * GRID);
            ScrollArea::vertical().max_height(inner).min_scrolled_height(inner).show(ui, |ui| {
                ui.set_width(width - 48.0);
                ui.spacing_mut().slider_width = SLIDERS;
                ui.spacing_mut().icon_width = 2.5 * GRID;
                ui.spacing_mut().icon_width_inner = 1.5 * GRID;
                ui.visuals_mut().widgets.inactive.bg_stroke = egui::Stroke::new(1.0, palette.line);
                sound(ui, choices, actions);
                voice(ui, choices, (mine, camera), actions);
                subtitles(ui, choices, actions);
                hall(ui, choices, actions);
                room(ui, company, actions);
                sent::show(ui, company, mine, camera, &choices.hearers);
                program(ui, choices, actions);
                follow_focus(ui);
            });
        });
    });
}

fn sound(ui: &mut Ui, choices: &Choices, actions: &mut Vec<Action>) {
    heading(ui, "Sound");
    row(ui, "Plays on", |ui| {
        let chosen = choices.tuning.device.as_deref();
        let title = |name: &str| {
            choices.devices.iter().find(|device| device.name == name).map_or_else(|| name.to_owned(), |device| device.title.clone())
        };
        let says = chosen.map_or_else(|| AS_THE_SYSTEM.to_owned(), title);
        let chosen_from =
            ComboBox::from_id_salt("sound device").width(ui.available_width() - GRID).selected_text(says).truncate().show_ui(ui, |ui| {
                if ui.selectable_label(chosen.is_none(), AS_THE_SYSTEM).clicked() {
                    actions.push(Action::Tune(Tune::Device(None)));
                }
                for device in &choices.devices {
                    if ui.selectable_label(chosen == Some(device.name.as_str()), &device.title).clicked() {
                        actions.push(Action::Tune(Tune::Device(Some(device.name.clone()))));
                    }
                }
            });
        named(ui, &chosen_from.response, "Plays on");
    });
    row(ui, "Night mode", |ui| {
        let mut is_on = choices.tuning.night;
        if ui.checkbox(&mut is_on, "Loud parts quieter, quiet parts louder").changed() {
            actions.push(Action::Tune(Tune::Night(is_on)));
        }
    });
    row(ui, "Sound is late by", |ui| {
        let mut ms = choices.tuning.offset_ms;
        let slider = Slider::new(&mut ms, -OFFSET_MAX_MS..=OFFSET_MAX_MS).suffix(" ms").step_by(10.0);
        if slide(ui, "Sound is late by", slider)
            .on_hover_text("Headphones by radio are often 100 to 300 ms late; the picture then waits for them")
            .changed()
        {
            actions.push(Action::Tune(Tune::OffsetMs(ms)));
        }
    });
}

/// How one is heard and seen, and how one hears others.
fn voice(ui: &mut Ui, choices: &Choices, (mine, camera): (&MyVoice, &MyCamera), actions: &mut Vec<Action>) {
    heading(ui, "Voice and face");
    let mut chosen = mine.clone();
    row(ui, "Microphone", |ui| {
        let says = match &mine.choice {
            MicrophoneChoice::Device(Some(name)) => name.clone(),
            MicrophoneChoice::Device(None) => AS_THE_SYSTEM.to_owned(),
            MicrophoneChoice::None => "None".to_owned(),
            MicrophoneChoice::File(path) => path.display().to_string(),
        };
        let chosen_from =
            ComboBox::from_id_salt("microphone").width(ui.available_width() - GRID).selected_text(says).truncate().show_ui(ui, |ui| {
                ui.selectable_value(&mut chosen.choice, MicrophoneChoice::Device(None), AS_THE_SYSTEM);
                for name in &choices.microphones {
                    ui.selectable_value(&mut chosen.choice, MicrophoneChoice::Device(Some(name.clone())), name);
                }
                ui.selectable_value(&mut chosen.choice, MicrophoneChoice::None, "None");
            });
        named(ui, &chosen_from.response, "Microphone");
    });
    row(ui, "To speak", |ui| {
        ui.label("hold T; F3 leaves it on");
    });
    row(ui, "Clean it", |ui| {
        ui.checkbox(&mut chosen.cleans, "Take out echo and noise");
    });
    row(ui, "Try it", |ui| {
        ui.checkbox(&mut chosen.hears_itself, "Hear myself as others do").on_hover_text("Use headphones. Nobody else hears it");
        if mine.hears_itself || mine.is_on() {
            meter(ui, choices.microphone_level.0);
        }
    });
    row(ui, "Film under voices", |ui| {
        let slider = Slider::new(&mut chosen.duck_db, 0.0..=MyVoice::DUCK_MOST_DB).suffix(" dB lower").fixed_decimals(0).step_by(1.0);
        slide(ui, "Film under voices", slider).on_hover_text("While somebody speaks; 0 leaves it alone");
    });
    if chosen != *mine {
        actions.push(Action::VoiceTo(chosen));
    }
    row(ui, "Camera", |ui| {
        let mut choice = camera.choice.clone();
        let title = |choice: &CameraChoice| match choice {
            CameraChoice::None => "None".to_owned(),
            CameraChoice::Pattern => "A test pattern".to_owned(),
            CameraChoice::Device(number) => choices.cameras.get(*number).cloned().unwrap_or_else(|| format!("Camera {}", number + 1)),
            CameraChoice::Film(path) => path.display().to_string(),
        };
        let chosen_from = ComboBox::from_id_salt("camera")
            .width(ui.available_width() - GRID)
            .selected_text(title(&camera.choice))
            .truncate()
            .show_ui(ui, |ui| {
                let devices = (0..choices.cameras.len().max(1)).map(CameraChoice::Device);
                for one in devices.chain([CameraChoice::Pattern, CameraChoice::None]) {
                    let says = title(&one);
                    ui.selectable_value(&mut choice, one, says);
                }
                if ui.selectable_label(matches!(choice, CameraChoice::Film(_)), "A film…").clicked() {
                    actions.push(Action::ChooseCameraFile);
                }
            });
        named(ui, &chosen_from.response, "Camera");
        if choice != camera.choice {
            actions.push(Action::CameraTo(choice));
        }
    });
    row(ui, "To be seen", |ui| {
        ui.label("F4 turns the camera on and off");
    });
    row(ui, "Try it", |ui| {
        let mut is_tried = camera.is_tried;
        if ui.checkbox(&mut is_tried, "See myself").on_hover_text("Nobody else sees it").changed() {
            actions.push(Action::TryCamera(is_tried));
        }
    });
}

/// How loud the microphone is, of 255.
fn meter(ui: &mut Ui, level: u8) {
    let palette = Palette::of(ui.ctx().theme());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width().min(METER) - GRID, GRID), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::ProgressIndicator, true, "Level of the microphone"));
    ui.painter().rect_filled(rect, 4, palette.field);
    let loud = rect.width() * f32::from(level) / 255.0;
    ui.painter().rect_filled(egui::Rect::from_min_size(rect.min, vec2(loud, rect.height())), 4, ACCENT);
    ui.ctx().request_repaint();
}

fn subtitles(ui: &mut Ui, choices: &Choices, actions: &mut Vec<Action>) {
    heading(ui, "Subtitles");
    let before = choices.subtitles;
    let mut look = before;
    row(ui, "Size", |ui| {
        slide(ui, "Size", Slider::new(&mut look.percent, SubtitleLook::PERCENT).suffix(" %").fixed_decimals(0).step_by(5.0));
    });
    row(ui, "Height", |ui| {
        let slider = Slider::new(&mut look.lift_percent, SubtitleLook::LIFT_PERCENT).suffix(" %").fixed_decimals(0).step_by(5.0);
        slide(ui, "Height", slider).on_hover_text("Below 0 they stand beneath the picture, where there is room");
    });
    if look != before {
        actions.push(Action::Subtitles(look));
    }
}

fn hall(ui: &mut Ui, choices: &Choices, actions: &mut Vec<Action>) {
    heading(ui, "The hall");
    let before = choices.place;
    let mut place = before;
    part(ui, "Field of view", &mut place.field_of_view, PlaceSettings::FIELD_OF_VIEW);
    part(ui, "Mouse", &mut place.mouse_sensitivity, PlaceSettings::MOUSE_SENSITIVITY);
    part(ui, "Brightness of the hall", &mut place.brightness, PlaceSettings::BRIGHTNESS);
    row(ui, "Sounds of the place", |ui| {
        ui.checkbox(&mut place.sounds, "Curtain, seats, steps, the lobby’s air");
    });
    row(ui, "Reduce motion", |ui| {
        ui.checkbox(&mut place.reduce_motion, "Nothing travels, nothing sways");
    });
    if place != before {
        actions.push(Action::Place(place));
    }
    row(ui, "Detail", |ui| {
        let chosen_from = ComboBox::from_id_salt("quality")
            .width(ui.available_width() - GRID)
            .selected_text(quality_says(choices.quality))
            .truncate()
            .show_ui(ui, |ui| {
                for quality in Quality::ALL {
                    if ui.selectable_label(choices.quality == quality, quality_says(quality)).clicked() {
                        actions.push(Action::Quality(quality));
                    }
                }
            });
        named(ui, &chosen_from.response, "Detail");
    });
}

/// How the room is kept, by those who keep it.
fn room(ui: &mut Ui, company: &Company, actions: &mut Vec<Action>) {
    if !company.rights.moderator {
        return;
    }
    heading(ui, "With friends");
    row(ui, "A film waits for all", |ui| {
        let limit = company.gather_limit;
        let says = |limit: GatherLimit| format!("{} s", limit.s());
        ui.label("at most");
        // Everybody is told of a choice, so there is no slider that makes thirty of them.
        let chosen_from = ComboBox::from_id_salt("gather limit").selected_text(says(limit)).width(9.0 * GRID).show_ui(ui, |ui| {
            for choice in GATHER_LIMITS_S.map(GatherLimit::from) {
                if ui.selectable_label(limit == choice, says(choice)).clicked() && limit != choice {
                    actions.push(Action::Moderate(Moderation::GatherLimit(choice)));
                }
            }
        });
        named(ui, &chosen_from.response, "A film waits for all");
        ui.label("whoever is late follows");
    });
}

fn program(ui: &mut Ui, choices: &Choices, actions: &mut Vec<Action>) {
    heading(ui, "Houselights");
    row(ui, "Graphics card", |ui| {
        let mut is_on = choices.on_hardware;
        let says = ui.checkbox(&mut is_on, "decodes the next film, if it can");
        if says.on_hover_text("Less work for the processor; some drivers are not up to it").changed() {
            actions.push(Action::HardwareDecoding(is_on));
        }
    });
    row(ui, "Panels", |ui| {
        for (theme, says) in [(Theme::System, "As the system"), (Theme::Dark, "Dark"), (Theme::Light, "Light")] {
            if ui.selectable_label(choices.look.theme == theme, says).clicked() {
                actions.push(Action::ThemeTo(theme));
            }
        }
    });
    row(ui, "Size of panels", |ui| {
        let chosen = choices.look.percent;
        // A slider would move away from under the hand.
        let chosen_from =
            ComboBox::from_id_salt("size of panels").selected_text(format!("{chosen} %")).width(10.0 * GRID).show_ui(ui, |ui| {
                for percent in Look::PERCENTS {
                    if ui.selectable_label(chosen == percent, format!("{percent} %")).clicked() {
                        actions.push(Action::PanelsTo(percent));
                    }
                }
            });
        named(ui, &chosen_from.response, "Size of panels");
    });
    row(ui, "Where you left films", |ui| match choices.films_left {
        0 => {
            ui.label(RichText::new("Nothing is remembered").color(Palette::of(ui.ctx().theme()).quiet));
        }
        count => {
            let says = if count == 1 { "Forget one place".to_owned() } else { format!("Forget {count} places") };
            if ui.button(says).clicked() {
                actions.push(Action::ForgetPlaces);
            }
        }
    });
}

pub(super) fn heading(ui: &mut Ui, says: &str) {
    ui.add_space(GRID);
    ui.label(RichText::new(says).size(15.0).color(Palette::of(ui.ctx().theme()).accent_text));
}

/// A name on the left, what can be chosen on the right.
pub(super) fn row(ui: &mut Ui, says: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_min_height(4.0 * GRID);
        let name = RichText::new(says).color(Palette::of(ui.ctx().theme()).quiet);
        ui.allocate_ui_with_layout(vec2(NAMES, 3.0 * GRID), Layout::left_to_right(Align::Center), |ui| ui.label(name));
        ui.add_space((NAMES - ui.min_rect().width()).max(0.0));
        content(ui);
    });
}

/// A share of what is usual, in percent.
fn part(ui: &mut Ui, says: &str, value: &mut f32, (least, most): (f32, f32)) {
    row(ui, says, |ui| {
        let mut percent = *value * 100.0;
        let slider = Slider::new(&mut percent, least * 100.0..=most * 100.0).suffix(" %").fixed_decimals(0).step_by(5.0);
        if slide(ui, says, slider).changed() {
            *value = percent / 100.0;
        }
    });
}

fn quality_says(quality: Quality) -> String {
    format!("{quality:?}: {}", quality.says())
}

/// What is chosen now.
#[derive(Resource, Default)]
pub(super) struct Choices {
    /// Whether the panel is open.
    pub is_shown: bool,
    was_shown: bool,
    place: PlaceSettings,
    subtitles: SubtitleLook,
    quality: Quality,
    on_hardware: bool,
    look: Look,
    microphone_level: MicrophoneLevel,
    hearers: Vec<ParticipantId>,
    tuning: Tuning,
    devices: Vec<DeviceName>,
    microphones: Vec<String>,
    cameras: Vec<String>,
    films_left: usize,
}

impl Choices {
    /// Opens the panel, or closes it.
    pub(super) const fn toggle(&mut self) {
        self.is_shown = !self.is_shown;
    }
}

const WIDTH: f32 = 640.0;
const NAMES: f32 = 176.0;
const SLIDERS: f32 = 240.0;
const METER: f32 = 160.0;
const GATHER_LIMITS_S: [u8; 6] = [3, 5, 10, 20, 30, 60];
const AS_THE_SYSTEM: &str = "As the system wants";
