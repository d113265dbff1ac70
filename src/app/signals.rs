use bevy::{
    app::{AppExit, TerminalCtrlCHandlerPlugin},
    prelude::*,
};

/// Ends the theater in order, with a goodbye to everybody, when the terminal (Ctrl-C) or the system (SIGTERM) asks for it.
pub(super) fn plugin(app: &mut App) {
    if !app.is_plugin_added::<TerminalCtrlCHandlerPlugin>() {
        app.add_plugins(TerminalCtrlCHandlerPlugin);
    }
    #[cfg(unix)]
    unix::plugin(app);
}

#[cfg(unix)]
mod unix {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use signal_hook::{consts::SIGTERM, flag};

    use super::*;

    pub(super) fn plugin(app: &mut App) {
        let is_asked = Arc::new(AtomicBool::new(false));
        match flag::register(SIGTERM, Arc::clone(&is_asked)) {
            Ok(_) => {
                app.insert_resource(Asked(is_asked)).add_systems(PreUpdate, leave);
            }
            Err(error) => tracing::warn!("SIGTERM ends the theater without a goodbye: {error}"),
        }
    }

    fn leave(asked: Res<Asked>, mut exit: MessageWriter<AppExit>) {
        if asked.0.load(Ordering::Relaxed) {
            exit.write(AppExit::Success);
        }
    }

    #[derive(Resource)]
    struct Asked(Arc<AtomicBool>);
}
