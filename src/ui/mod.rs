//! What a person touches: lobby, remote, bar, people, chat, keys, notices.
//!
//! Panels are drawn from a [`View`] of the film and the [`Company`] one is in, and push [`Action`]s; keys, the remote's buttons and the pointer push the same ones, and `action` is
//! the one place that turns them into events. So what a button does is what its key does, by construction.
//!
//! Invariant: nothing here changes the room or the film directly, and only one's own eyes and hands in the theater; nothing is shown twice.
//!
//! Rejected: egui in the world for the remote (a locked or teleported pointer does not reach it): the remote is meshes, and picking finds them.

mod action;
mod bar;
mod bubbles;
mod chat;
mod company;
mod dialog;
mod fonts;
mod help;
mod icon;
mod keys;
mod lobby;
mod neck;
mod notices;
mod parts;
mod peek;
mod people;
mod person;
mod place;
mod pointer;
mod remote;
mod seat;
mod sent;
mod settings;
mod speak;
mod theme;
mod tracks;
mod view;
mod waiting;
mod walk;

use bevy::prelude::*;
use bevy_egui::{EguiContexts, EguiGlobalSettings, EguiPlugin, EguiPrimaryContextPass, PrimaryEguiContext, egui};

pub use action::{Action, Direction};
pub use bubbles::Sight;
pub use chat::Talk;
pub use company::{Company, Person, Status, Waiting};
pub use remote::{Remote, RemoteButton};
pub use theme::{Look, Theme};
pub use view::{Awake, Panels, View};

use crate::{
    film::{Preview, SubtitleRoom},
    room::Chat,
    theater::{Cinema, Occupied, SeatedCamera, Viewer},
    voice::MyVoice,
    webcam::MyCamera,
};

/// All that a person touches.
pub fn plugin(app: &mut App) {
    app.add_plugins(EguiPlugin::default());
    // The first camera spawned need not be the one that people look through.
    app.insert_resource(EguiGlobalSettings { auto_create_primary_context: false, ..EguiGlobalSettings::default() });
    // A schedule without systems would drop egui's fonts.
    app.init_schedule(EguiPrimaryContextPass);
    app.add_systems(PostStartup, put_context_on_camera);
    app.add_plugins((
        action::plugin,
        view::plugin,
        company::plugin,
        chat::plugin,
        bubbles::plugin,
        theme::plugin,
        keys::plugin,
        pointer::plugin,
        dialog::plugin,
        fonts::plugin,
        notices::plugin,
        peek::plugin,
        remote::plugin,
        settings::plugin,
        (speak::plugin, walk::plugin, neck::plugin, seat::plugin),
    ));
    app.add_systems(EguiPrimaryContextPass, draw.after(theme::dress)).add_systems(PostUpdate, make_room);
}

/// Where the film fills the window, subtitles stand above the bar while it is there.
fn make_room(view: Res<View>, cinema: Res<Cinema>, panels: Res<Panels>, mut room: ResMut<SubtitleRoom>) {
    let is_covered = cinema.0 && !panels.are_hidden && view.visibility > 0.0 && view.film.is_some();
    room.set_if_neq(SubtitleRoom(if is_covered { BAR_PART } else { 0.0 }));
}

fn put_context_on_camera(cameras: Query<Entity, With<SeatedCamera>>, mut commands: Commands) {
    for camera in cameras.iter().take(1) {
        commands.entity(camera).insert(PrimaryEguiContext);
    }
}

/// Draws every panel that is up. egui may run this twice for one frame, so all that happens here is pushing actions.
fn draw(
    mut contexts: EguiContexts,
    (view, company, chat, sight): (Res<View>, Res<Company>, Res<Chat>, Res<Sight>),
    mut panels: ResMut<Panels>,
    mut talk: ResMut<Talk>,
    (notices, choices): (Res<notices::Notices>, Res<settings::Choices>),
    (remote, cinema, pointed): (Res<Remote>, Res<Cinema>, Res<remote::Pointed>),
    (chosen, occupied, viewer): (Res<seat::ChosenSeat>, Res<Occupied>, Res<Viewer>),
    (shown, mine, camera, mut mirror): (Res<speak::Shown>, Res<MyVoice>, Res<MyCamera>, ResMut<speak::Mirror>),
    (mut peek, preview): (ResMut<peek::Peek>, Option<Res<Preview>>),
    mut commands: Commands,
) -> Result {
    let context = contexts.ctx_mut()?;
    let mut actions = Vec::new();
    if !panels.are_hidden {
        let (view, company, panels) = (&*view, &*company, &mut *panels);
        peek.take(context, preview.as_deref());
        if company.is_in_lobby(view) && !panels.help && !choices.is_shown {
            lobby::show(context, (view, company), panels, &mut actions);
        }
        // A dialog has the keyboard to itself: what stands behind it is not walked through.
        let has_dialog = panels.help || choices.is_shown;
        let bar = if has_dialog { None } else { bar::show(context, (view, company), &talk, &mut peek, &mut actions) };
        // What stands over the bar sinks as it fades.
        let over = bar.map_or(0.0, |bar| context.content_rect().bottom() - bar.top()) * view.visibility + 2.0 * theme::GRID;
        let people = if has_dialog { None } else { people::show(context, (view, company), panels, over, &mut actions) };
        let said = if has_dialog { None } else { chat::panel(context, (company, &chat), panels, (over, view.visibility), &mut actions) };
        let waiting = waiting::show(context, (view, company), (&[people, said], over), &mut actions);
        let over = over + waiting.map_or(0.0, |card| card.height() + theme::GRID);
        let plan = if has_dialog { None } else { seat::show(context, *chosen, (&occupied, viewer.seat), over) };
        let hand = (remote.is_up && !cinema.0).then(|| in_hand(context.content_rect()));
        let raised = speak::over_heads(context, &shown, &sight, hand.as_slice());
        if !company.is_in_lobby(view) {
            let mut blocked: Vec<_> =
                [bar, people, said, waiting, plan, hand, chat::glimpsed_rect(context)].into_iter().flatten().collect();
            blocked.extend(raised);
            bubbles::show(context, (view, company), &sight, &mut talk, &blocked);
            chat::glimpse(context, company, &talk, said.is_some(), over);
        }
        speak::show(context, &shown, (&mine, &camera, &mut mirror), people, &mut actions);
        remote::hint(context, &pointed);
        if panels.help {
            help::show(context, &mut actions);
        }
        if choices.is_shown {
            settings::show(context, &choices, company, (&mine, &camera), &mut actions);
        }
        notices::show(context, &notices);
    }
    for action in actions {
        commands.trigger(action);
    }
    Ok(())
}

/// Where the remote is seen, roughly.
fn in_hand(window: egui::Rect) -> egui::Rect {
    let at = |x: f32, y: f32| window.min + egui::vec2(window.width() * x, window.height() * y);
    egui::Rect::from_min_max(at(0.79, 0.46), at(0.98, 1.0))
}

/// Of the picture's height, what the bar and its margin take.
const BAR_PART: f32 = 0.17;
