use bevy_egui::egui::{self, Align, Align2, Area, Button, Frame, Id, Layout, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, vec2};

use super::{
    Action, Company, Panels, View,
    company::{Person, Status},
    icon::Icon,
    keys::opening_key,
    parts::{sign_button, small_button},
    theme::{ACCENT, GRID, NIGHT, Palette, hue},
};
use crate::room::{Hosting, Moderation, Right, Standing};

/// Who is here, on the right: the invite, everybody, and what a moderator can do. Where it stands.
pub(super) fn show(
    context: &egui::Context,
    (view, company): (&View, &Company),
    panels: &mut Panels,
    over: f32,
    actions: &mut Vec<Action>,
) -> Option<Rect> {
    let screen = context.content_rect();
    // In a narrow window there is room for one of two.
    let is_covered = panels.chat && screen.width() < TWO_PANELS;
    if !panels.people || is_covered || view.visibility <= 0.0 {
        return None;
    }
    let width = (screen.width() * 0.5).min(WIDTH);
    let height = screen.height() - over - 3.0 * GRID;
    let area = Area::new(Id::new("people")).anchor(Align2::RIGHT_TOP, vec2(-2.0 * GRID, 2.0 * GRID)).show(context, |ui| {
        ui.set_opacity(view.visibility);
        let fill = ui.visuals().panel_fill;
        Frame::new().fill(fill).corner_radius(12).inner_margin(12).stroke(ui.visuals().window_stroke).show(ui, |ui| {
            ui.set_width(width - 24.0);
            header(ui, company, actions);
            let room = (height - 8.0 * GRID).max(8.0 * GRID);
            ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
                ui.set_width(width - 24.0);
                match &company.invites {
                    Some(invites) => invite(ui, invites, panels, actions),
                    None if company.standing == Standing::Alone => opening(ui, actions),
                    None => {}
                }
                for person in &company.people {
                    row(ui, company, person, panels, actions);
                }
                footer(ui, company, actions);
            });
        });
    });
    Some(area.response.rect)
}

fn header(ui: &mut Ui, company: &Company, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    ui.horizontal(|ui| {
        let count = match company.people.len() {
            0 | 1 => "You are alone".to_owned(),
            count => format!("{count} people"),
        };
        ui.label(RichText::new(count).color(palette.accent_text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if small_button(ui, "Close  p").clicked() {
                actions.push(Action::People);
            }
        });
    });
}

fn opening(ui: &mut Ui, actions: &mut Vec<Action>) {
    let open = Button::new(RichText::new("Open to friends").color(NIGHT)).fill(ACCENT);
    let size = vec2(ui.available_width(), 5.0 * GRID);
    if ui.add_sized(size, open).on_hover_text(format!("Get an invite to send them; the film goes on  ({})", opening_key())).clicked() {
        actions.push(Action::OpenTheater);
    }
    addresses(ui);
    ui.add_space(GRID);
}

fn invite(ui: &mut Ui, invites: &Hosting, panels: &mut Panels, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    ui.label(RichText::new("Send this invite to your friends:").small().color(palette.quiet));
    copied(ui, &invites.invite, "Invite", false, actions);
    if panels.moderator_invite && !invites.moderator_invite.is_empty() {
        ui.label(RichText::new("Whoever comes by this one may do what you may:").small().color(palette.quiet));
        copied(ui, &invites.moderator_invite, "Moderators' invite", true, actions);
    }
    addresses(ui);
    if invites.moderator_invite.is_empty() {
        return;
    }
    let more = if panels.moderator_invite { "Hide the moderators' invite" } else { "Invite a moderator…" };
    if small_button(ui, more).clicked() {
        panels.moderator_invite = !panels.moderator_invite;
    }
    ui.add_space(4.0);
}

/// An invite that can be copied by a button, or marked and copied by hand.
fn copied(ui: &mut Ui, mut text: &str, name: &str, for_moderators: bool, actions: &mut Vec<Action>) {
    let ground = Palette::of(ui.ctx().theme()).field;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let hint = if for_moderators { "Copy the moderators' invite" } else { "Copy the invite  (i)" };
            if ui.button("Copy").on_hover_text(hint).clicked() {
                actions.push(Action::CopyInvite { for_moderators });
            }
            let frame = Frame::new().fill(ground).corner_radius(8).inner_margin(egui::Margin::symmetric(10, 8));
            let field = TextEdit::singleline(&mut text).desired_width(f32::INFINITY).frame(frame);
            let response = ui.add(field);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, name));
        });
    });
}

fn addresses(ui: &mut Ui) {
    let palette = Palette::of(ui.ctx().theme());
    ui.label(RichText::new("Members see each other's IP addresses.").small().color(palette.quiet));
}

fn row(ui: &mut Ui, company: &Company, person: &Person, panels: &mut Panels, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    let has_menu = !person.is_me;
    let is_open = has_menu && panels.person == Some(person.id);
    let fill = if is_open { palette.field } else { egui::Color32::TRANSPARENT };
    Frame::new().fill(fill).corner_radius(8).inner_margin(egui::Margin::symmetric(4, 2)).show(ui, |ui| {
        ui.horizontal(|ui| {
            let (dot, _) = ui.allocate_exact_size(vec2(3.0 * GRID, 4.5 * GRID), Sense::hover());
            ui.painter().circle_filled(dot.center(), 8.0, hue(person.appearance.hue));
            if person.level > HEARD {
                let ring = egui::Stroke::new(1.0 + f32::from(person.level) / 96.0, palette.accent_text);
                ui.painter().circle_stroke(dot.center(), 10.5, ring);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                if has_menu {
                    let name = format!("About {}", person.name);
                    if sign_button(ui, Icon::More, &name).on_hover_text(&name).clicked() {
                        panels.person = (!is_open).then_some(person.id);
                        panels.is_removing = false;
                    }
                }
                signs(ui, company, person);
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.add_space(2.0);
                    let name = if person.is_me { format!("{} (you)", person.name) } else { person.name.clone() };
                    ui.add(egui::Label::new(RichText::new(name).color(palette.text)).truncate());
                    let colour = match person.status {
                        Status::WaitedFor | Status::Presents => palette.accent_text,
                        Status::CannotPlay => palette.problem,
                        Status::Here | Status::Loading(_) | Status::Watching => palette.quiet,
                    };
                    let says = format!("Seat {}, {}", person.seat.get(), person.status.words());
                    ui.add(egui::Label::new(RichText::new(says).small().color(colour)).truncate());
                });
            });
        });
        if is_open {
            loudness(ui, person, actions);
        }
        if is_open && company.rights.moderator {
            menu(ui, person, panels, actions);
        }
    });
}

/// What somebody may that others may not, and the other way round.
fn signs(ui: &mut Ui, company: &Company, person: &Person) {
    let palette = Palette::of(ui.ctx().theme());
    let mut sign = |icon: Icon, says: &str, colour| {
        let (rect, response) = ui.allocate_exact_size(vec2(2.5 * GRID, 3.0 * GRID), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, says));
        icon.paint(ui.painter(), Rect::from_center_size(rect.center(), vec2(14.0, 14.0)), colour);
        response.on_hover_text(says);
    };
    let rights = person.rights;
    if rights.moderator {
        sign(Icon::Moderator, "Moderator", palette.accent_text);
        return;
    }
    if !rights.speak {
        sign(Icon::Muted, "Muted: others neither hear nor read them", palette.problem);
    }
    if !rights.remote {
        sign(Icon::Locked, "May not move the film", palette.quiet);
    } else if company.is_locked {
        sign(Icon::Remote, "Has the remote", palette.accent_text);
    }
}

/// How loud one wants to hear somebody, for oneself alone.
fn loudness(ui: &mut Ui, person: &Person, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Voice").small());
        let (sign, name) = match person.voice_percent {
            0 => (Icon::Muted, format!("Hear {} again", person.name)),
            _ => (Icon::Loudspeaker, format!("Mute {} for yourself", person.name)),
        };
        if sign_button(ui, sign, &name).on_hover_text(&name).clicked() {
            actions.push(Action::MuteForMe(person.id));
        }
        let mut percent = person.voice_percent;
        ui.spacing_mut().slider_width = 14.0 * GRID;
        if ui.add(egui::Slider::new(&mut percent, 0..=200).suffix(" %")).on_hover_text("How loud you hear them; nobody else does").changed()
        {
            actions.push(Action::VolumeOf { who: person.id, percent });
        }
    });
}

/// What a moderator can do about somebody.
fn menu(ui: &mut Ui, person: &Person, panels: &mut Panels, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui.ctx().theme());
    let who = person.id;
    ui.spacing_mut().button_padding = vec2(10.0, 4.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        if !person.rights.moderator {
            for (right, take, give) in [
                (Right::Speak, "Mute", "Unmute"),
                (Right::Remote, "Take the remote", "Give the remote"),
                (Right::Present, "Forbid films", "Allow films"),
            ] {
                let holds = person.rights.has(right);
                let does = if holds { take } else { give };
                let button = ui.button(does);
                // The bar has a button of that name, too: whoever cannot see where this one stands hears whom it is about.
                let name = format!("{does}: {}", person.name);
                button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
                if button.clicked() {
                    let wish = if holds { Moderation::Deny { who, right } } else { Moderation::Allow { who, right } };
                    actions.push(Action::Moderate(wish));
                }
            }
            if ui.button("Make moderator").on_hover_text("They may then do all that you may, and it cannot be taken back").clicked() {
                actions.push(Action::Moderate(Moderation::Promote { who }));
            }
        }
        if panels.is_removing {
            let sure = Button::new(RichText::new(format!("Yes, remove {}", person.name)).color(palette.problem));
            if ui.add(sure).on_hover_text("They cannot come back with the invite they have").clicked() {
                actions.push(Action::Moderate(Moderation::Kick { who }));
            }
            if ui.button("No").clicked() {
                panels.is_removing = false;
            }
        } else if ui.button(RichText::new("Remove…").color(palette.problem)).clicked() {
            panels.is_removing = true;
        }
    });
    ui.add_space(4.0);
}

fn footer(ui: &mut Ui, company: &Company, actions: &mut Vec<Action>) {
    if matches!(company.standing, Standing::Alone | Standing::Joining) {
        return;
    }
    ui.add_space(GRID);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        ui.spacing_mut().button_padding = vec2(10.0, 4.0);
        if company.rights.moderator && company.people.len() > 1 {
            let (does, hint, wish) = if company.is_locked {
                ("Unlock the remote", "Everybody moves the film", Moderation::Unlock)
            } else {
                ("Lock the remote", "Only moderators, and whom they allow, move the film", Moderation::Lock)
            };
            if ui.button(does).on_hover_text(hint).clicked() {
                actions.push(Action::Moderate(wish));
            }
        }
        let (does, hint) = if company.standing == Standing::Host {
            ("Close the theater", "Everybody else leaves; your film stays")
        } else {
            ("Leave the theater", "You go home; the film goes on for the others")
        };
        if ui.button(does).on_hover_text(hint).clicked() {
            actions.push(Action::LeaveTheater);
        }
    });
}

/// Louder than breath.
const HEARD: u8 = 85;
const WIDTH: f32 = 320.0;
const TWO_PANELS: f32 = 800.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{Appearance, ParticipantId, Rights, SeatNumber};

    /// A key is pressed where only the row of somebody's loudness is shown; what the row says of itself then, and what it does.
    fn press(context: &egui::Context, key: egui::Key, person: &Person) -> (Vec<String>, Vec<Action>) {
        let (mut names, mut actions) = (Vec::new(), Vec::new());
        for pressed in [true, false] {
            let event = egui::Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: egui::Modifiers::default() };
            let input = egui::RawInput { events: vec![event], ..egui::RawInput::default() };
            let output = context.run_ui(input, |ui| loudness(ui, person, &mut actions));
            names.extend(output.platform_output.events.iter().filter_map(|event| event.widget_info().label.clone()));
            output.drop_without_applying_deltas();
        }
        // egui may run twice for one frame.
        names.dedup();
        actions.dedup();
        (names, actions)
    }

    #[test]
    fn whoever_uses_keys_finds_the_button_that_mutes_somebody_for_them_alone() {
        let bo = ParticipantId::from_bytes([1; 32]);
        for (voice_percent, name) in [(60, "Mute Bo for yourself"), (0, "Hear Bo again")] {
            let person = Person {
                id: bo,
                name: "Bo".to_owned(),
                seat: SeatNumber::BEST,
                appearance: Appearance::default(),
                status: Status::Here,
                rights: Rights::default(),
                level: 0,
                voice_percent,
                is_me: false,
            };
            let context = egui::Context::default();
            let (names, actions) = press(&context, egui::Key::Tab, &person);
            assert_eq!((names, actions), (vec![name.to_owned()], vec![]), "it comes first");
            let (names, actions) = press(&context, egui::Key::Enter, &person);
            assert_eq!((names, actions), (vec![name.to_owned()], vec![Action::MuteForMe(bo)]));
        }
    }
}
