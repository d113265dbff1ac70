//! What a person touches: lobby, remote, bar, keys, notices.
//!
//! Panels are drawn from a [`View`] of how things are and push [`Action`]s; keys, the remote's buttons and the pointer push the same ones, and `action` is
//! the one place that turns them into events. So what a button does is what its key does, by construction.
//!
//! Invariant: nothing here changes the room or the film directly, and only one's own eyes and hands in the theater; nothing is shown twice.
//!
//! Rejected: egui in the world for the remote (a locked or teleported pointer does not reach it): the remote is meshes, and picking finds them.

mod action;
mod bar;
mod dialog;
mod help;
mod icon;
mod keys;
mod lobby;
mod notices;
mod pointer;
mod remote;
mod theme;
mod view;

use bevy::prelude::*;
use bevy_egui::{EguiContexts, EguiGlobalSettings, EguiPlugin, EguiPrimaryContextPass, PrimaryEguiContext};

pub use action::Action;
pub use remote::{Remote, RemoteButton};
pub use theme::{Look, Theme};
pub use view::{Awake, Panels, View};

use crate::theater::SeatedCamera;

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
        theme::plugin,
        keys::plugin,
        pointer::plugin,
        dialog::plugin,
        notices::plugin,
        remote::plugin,
    ));
    app.add_systems(EguiPrimaryContextPass, draw.after(theme::dress));
}

fn put_context_on_camera(cameras: Query<Entity, With<SeatedCamera>>, mut commands: Commands) {
    for camera in cameras.iter().take(1) {
        commands.entity(camera).insert(PrimaryEguiContext);
    }
}

/// Draws every panel that is up. egui may run this twice for one frame, so all that happens here is pushing actions.
fn draw(
    mut contexts: EguiContexts,
    view: Res<View>,
    mut panels: ResMut<Panels>,
    notices: Res<notices::Notices>,
    mut commands: Commands,
) -> Result {
    let context = contexts.ctx_mut()?;
    let mut actions = Vec::new();
    if !panels.are_hidden {
        if view.film.is_none() {
            lobby::show(context, &view, &mut panels.path, &mut actions);
        }
        bar::show(context, &view, &mut actions);
        if panels.help {
            help::show(context, &mut actions);
        }
        notices::show(context, &notices);
    }
    for action in actions {
        commands.trigger(action);
    }
    Ok(())
}
