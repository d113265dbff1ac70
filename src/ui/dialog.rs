use std::path::PathBuf;

use bevy::{
    prelude::*,
    tasks::{IoTaskPool, Task, block_on, poll_once},
};

use super::Action;
use crate::{notice::Notice, webcam::CameraChoice};

/// The system's dialog for choosing a film; it never stops the theater.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(ask).add_systems(Update, hear.run_if(resource_exists::<Asking>));
}

fn ask(ask: On<AskForFile>, asking: Option<Res<Asking>>, time: Res<Time<Real>>, mut commands: Commands) {
    if asking.is_some() {
        return;
    }
    let dialog = rfd::AsyncFileDialog::new().set_title("Open a film").add_filter("Films", FILM_ENDINGS).add_filter("All files", &["*"]);
    let choice = async move { dialog.pick_file().await.map(|file| file.path().to_owned()) };
    commands.insert_resource(Asking { purpose: *ask.event(), choice: IoTaskPool::get().spawn(choice), since_s: time.elapsed_secs() });
}

fn hear(mut asking: ResMut<Asking>, time: Res<Time<Real>>, mut commands: Commands) {
    let Some(answer) = block_on(poll_once(&mut asking.choice)) else { return };
    commands.remove_resource::<Asking>();
    match answer {
        Some(path) => commands.trigger(match asking.purpose {
            AskForFile::ForScreen => Action::OpenFile(path),
            AskForFile::ForCamera => Action::CameraTo(CameraChoice::Film(path)),
        }),
        // Nobody says no so fast: there is no dialog on this system.
        None if time.elapsed_secs() - asking.since_s < NO_DIALOG_S => {
            commands.trigger(Notice::problem(
                "This system has no dialog for choosing files. Type the film's path in the lobby, or drop the file on the window.",
            ));
        }
        None => {}
    }
}

/// Ask the person for a film.
#[derive(Event, Debug, Clone, Copy)]
pub(super) enum AskForFile {
    /// To put it on the screen.
    ForScreen,
    /// To show it in the place of one's face.
    ForCamera,
}

#[derive(Resource)]
struct Asking {
    purpose: AskForFile,
    choice: Task<Option<PathBuf>>,
    since_s: f32,
}

const NO_DIALOG_S: f32 = 0.6;

const FILM_ENDINGS: &[&str] = &[
    "mkv", "mp4", "webm", "mov", "avi", "m4v", "ts", "m2ts", "mpg", "mpeg", "wmv", "flv", "ogv", "3gp", "mp3", "flac", "ogg", "opus",
    "m4a", "wav",
];
