use std::path::PathBuf;

use bevy::{
    prelude::*,
    tasks::{IoTaskPool, Task, block_on, poll_once},
};

use super::Action;

/// The system's dialog for choosing a film; it never stops the theater.
pub(super) fn plugin(app: &mut App) {
    app.add_observer(ask).add_systems(Update, hear.run_if(resource_exists::<Asking>));
}

fn ask(_: On<AskForFile>, asking: Option<Res<Asking>>, mut commands: Commands) {
    if asking.is_some() {
        return;
    }
    let dialog = rfd::AsyncFileDialog::new().set_title("Open a film").add_filter("Films", FILM_ENDINGS).add_filter("All files", &["*"]);
    let choice = async move { dialog.pick_file().await.map(|file| file.path().to_owned()) };
    commands.insert_resource(Asking(IoTaskPool::get().spawn(choice)));
}

fn hear(mut asking: ResMut<Asking>, mut commands: Commands) {
    if let Some(answer) = block_on(poll_once(&mut asking.0)) {
        commands.remove_resource::<Asking>();
        if let Some(path) = answer {
            commands.trigger(Action::OpenFile(path));
        }
    }
}

/// Ask the person for a film.
#[derive(Event, Debug)]
pub(super) struct AskForFile;

#[derive(Resource)]
struct Asking(Task<Option<PathBuf>>);

const FILM_ENDINGS: &[&str] = &[
    "mkv", "mp4", "webm", "mov", "avi", "m4v", "ts", "m2ts", "mpg", "mpeg", "wmv", "flv", "ogv", "3gp", "mp3", "flac", "ogg", "opus",
    "m4a", "wav",
];
