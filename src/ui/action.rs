use std::path::PathBuf;

use bevy::{
    app::AppExit,
    prelude::*,
    window::{MonitorSelection, PrimaryWindow, WindowMode},
};

use super::{Look, Panels, Remote, Theme, dialog::AskForFile};
use crate::{
    audio::ChangeVolume,
    clock::FilmTime,
    film::{ChooseSound, FilmSource, Open},
    notice::Notice,
    room::{Ask, SeatNumber, SitDown},
    theater::{Cinema, Lights, Viewer},
};

/// Turns what a person does into the events of the folders that do it.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_action);
}

fn on_action(
    action: On<Action>,
    mut panels: ResMut<Panels>,
    mut cinema: ResMut<Cinema>,
    mut lights: ResMut<Lights>,
    mut viewer: ResMut<Viewer>,
    mut remote: ResMut<Remote>,
    mut look: ResMut<Look>,
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut commands: Commands,
) {
    match action.event().clone() {
        Action::Toggle => commands.trigger(Ask::Toggle),
        Action::SeekBy { seconds } => commands.trigger(Ask::SeekBy { ns: i64::from(seconds) * 1_000_000_000 }),
        Action::SeekTo { seconds } => {
            if let Some(film_time) = FilmTime::from_s(seconds) {
                commands.trigger(Ask::SeekTo(film_time));
            }
        }
        Action::VolumeBy { percent } => commands.trigger(ChangeVolume::By(percent)),
        Action::VolumeTo { percent } => commands.trigger(ChangeVolume::To(percent)),
        Action::Mute => commands.trigger(ChangeVolume::ToggleMute),
        Action::NextSound => commands.trigger(ChooseSound::Next),
        Action::Lights => {
            lights.turn();
            let says = match *lights {
                Lights::AsTheFilm => "House lights: as the film wants",
                Lights::Up => "House lights: up",
                Lights::Down => "House lights: down",
            };
            commands.trigger(Notice::news(says).about("house lights"));
        }
        Action::Cinema => cinema.0 = !cinema.0,
        Action::Remote => remote.is_up = !remote.is_up,
        Action::Help => panels.help = !panels.help,
        Action::Sit(seat) => commands.trigger(SitDown(seat)),
        Action::LookAhead => (viewer.yaw, viewer.pitch) = (0.0, 0.0),
        Action::FullScreen => {
            for mut window in &mut windows {
                window.mode = match window.mode {
                    WindowMode::Windowed => WindowMode::BorderlessFullscreen(MonitorSelection::Current),
                    _ => WindowMode::Windowed,
                };
            }
        }
        Action::Back => {
            if panels.help {
                panels.help = false;
            } else if cinema.0 {
                cinema.0 = false;
            } else {
                for mut window in &mut windows {
                    window.mode = WindowMode::Windowed;
                }
            }
        }
        Action::Theme => {
            look.theme = match look.theme {
                Theme::System => Theme::Dark,
                Theme::Dark => Theme::Light,
                Theme::Light => Theme::System,
            }
        }
        Action::ChooseFile => commands.trigger(AskForFile),
        Action::OpenFile(path) => commands.trigger(Open { source: FilmSource::File(path), plays: true }),
        Action::PlayDemo => commands.trigger(Open { source: FilmSource::Demo, plays: true }),
        Action::Close => commands.trigger(Ask::Close),
        Action::Leave => {
            commands.write_message(AppExit::Success);
        }
    }
}

/// Everything a person can do, by whatever means.
#[derive(Event, Debug, Clone, PartialEq)]
pub enum Action {
    /// Play or pause.
    Toggle,
    /// Go on or back.
    SeekBy {
        /// Of film.
        seconds: i32,
    },
    /// Go to a place.
    SeekTo {
        /// From the film's beginning.
        seconds: f64,
    },
    /// Louder or quieter.
    VolumeBy {
        /// Of the original.
        percent: f32,
    },
    /// This loud.
    VolumeTo {
        /// Of the original.
        percent: f32,
    },
    /// Sound off, or on again.
    Mute,
    /// The next sound track.
    NextSound,
    /// House lights: as the film wants, up, or down.
    Lights,
    /// The film fills the window, or the hall is back.
    Cinema,
    /// Raise or lower the remote.
    Remote,
    /// The list of keys.
    Help,
    /// Sit down there.
    Sit(SeatNumber),
    /// Look at the screen.
    LookAhead,
    /// The window fills the display, or is a window again.
    FullScreen,
    /// Close what is in front: help, cinema mode, full screen.
    Back,
    /// Dark, light, or as the system.
    Theme,
    /// Choose a film in the system's dialog.
    ChooseFile,
    /// Open this film.
    OpenFile(PathBuf),
    /// Open the film inside the program.
    PlayDemo,
    /// Take the film off the screen.
    Close,
    /// Leave the theater.
    Leave,
}
