use std::process::ExitCode;

use bevy::{
    app::AppExit,
    ecs::message::Messages,
    log::LogPlugin,
    prelude::*,
    window::{PresentMode, RequestRedraw, WindowResizeConstraints, WindowResolution},
    winit::{UpdateMode, WinitSettings},
};

use super::{Cli, Ground, cli, hall, house, keep, log, people, say, signals};
use crate::{
    film::{DisplayLead, FilmSource, Finished, Open, OpenFailed, Opening},
    room::{Hosting, Join, Now, OpenTheater, Playback, Room, Standing},
    theater::{Stirring, Tier},
    ui::{Awake, Talk},
};

/// Opens the theater in a window.
pub(super) fn run(cli: &Cli) -> Result<ExitCode, String> {
    if !has_display() {
        return Err(NO_DISPLAY.to_owned());
    }
    explain_missing_graphics();
    let mut app = App::new();
    let window = Window {
        title: "Houselights".to_owned(),
        name: Some("houselights".to_owned()),
        resolution: WindowResolution::new(1280, 720),
        resize_constraints: WindowResizeConstraints { min_width: 640.0, min_height: 400.0, ..WindowResizeConstraints::default() },
        present_mode: PresentMode::AutoVsync,
        ..Window::default()
    };
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin { primary_window: Some(window), ..WindowPlugin::default() })
            .set(LogPlugin { filter: log::filter(cli.verbose).to_owned(), ..LogPlugin::default() }),
    );
    app.add_plugins(signals::plugin);
    house(&mut app, Ground::open(cli)?);
    hall(&mut app, cli.tier.map(Tier::from));
    keep::plugin(&mut app, cli);
    // Drawing goes on beside the next frame's work.
    app.world_mut().resource_mut::<DisplayLead>().frames = 1.0;
    if let Some(show) = people::shows_invites(cli) {
        app.add_systems(Last, show.run_if(resource_exists_and_changed::<Hosting>));
    }
    if cli.restless {
        app.insert_resource(WinitSettings::game());
    } else {
        app.insert_resource(WinitSettings::continuous()).add_systems(Last, rest_when_still);
    }
    if cli.play {
        app.add_observer(|_: On<Finished>, mut exit: MessageWriter<AppExit>| {
            exit.write(AppExit::Success);
        });
        app.add_observer(|failed: On<OpenFailed>, mut exit: MessageWriter<AppExit>| {
            say(&failed.event().sentence);
            exit.write(AppExit::error());
        });
    }
    let (film, command) = (cli.film().cloned(), cli.command.clone());
    app.add_systems(PostStartup, move |mut commands: Commands| {
        match &command {
            Some(cli::Command::Host { .. }) => commands.trigger(OpenTheater { without_seat: false }),
            Some(cli::Command::Join { invite }) => commands.trigger(Join { invite: invite.clone() }),
            _ => {}
        }
        if let Some(film) = film.clone() {
            // Friends are on their way.
            let plays = command.is_none();
            commands.trigger(Open { source: FilmSource::File(film), plays });
        }
    });
    Ok(if app.run().is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Bevy and winit panic where nothing can be drawn; the person is told what to do instead.
pub(super) fn explain_missing_graphics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        let sentence = if message.contains("find a GPU") {
            "Nothing can be drawn: no graphics adapter answers. Install your graphics card's driver, or software rendering (apt-get install mesa-vulkan-drivers)."
        } else if message.contains("event loop") || message.contains("XOpenDisplayFailed") {
            NO_DISPLAY
        } else {
            return usual(panic);
        };
        say(sentence);
        std::process::exit(1);
    }));
}

/// While nothing moves few frames are drawn; a key or the mouse wakes the theater at once.
fn rest_when_still(
    room: Single<&Playback, With<Room>>,
    opening: Option<Res<Opening>>,
    (now, standing): (Res<Now>, Res<Standing>),
    (awake, stirring, talk): (Res<Awake>, Res<Stirring>, Res<Talk>),
    mut settings: ResMut<WinitSettings>,
    mut redraws: ResMut<Messages<RequestRedraw>>,
) {
    let has_rest = !awake.is_awake() && !stirring.0 && !talk.is_heard();
    let is_still = opening.is_none() && room.gather.is_none() && !room.plays(now.room()) && has_rest;
    if is_still {
        // egui asks for another frame after each one; what it shows then can wait for the next one that comes by itself.
        redraws.clear();
    }
    let resting = UpdateMode::Reactive {
        // Others may ask for something at any time.
        wait: if *standing == Standing::Alone { RESTING } else { LISTENING },
        react_to_device_events: true,
        react_to_user_events: false,
        // Each drawn frame is followed by a window event of its own, and would call for the next one.
        react_to_window_events: false,
    };
    let mode = if is_still { resting } else { UpdateMode::Continuous };
    if settings.focused_mode != mode {
        tracing::debug!("the theater draws {mode:?}");
        settings.focused_mode = mode;
        settings.unfocused_mode = mode;
    }
}

pub(super) fn has_display() -> bool {
    let is_set = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(is_set)
}

const NO_DISPLAY: &str = "There is no display for a window. These work without: houselights --headless FILM, houselights shot --film FILM --at 12.5 --out a.png, \
     houselights doctor.";
/// Alone nothing happens but what a hand does, and a hand wakes the theater at once.
const RESTING: std::time::Duration = std::time::Duration::from_secs(2);
/// Less than the lead of a command, so that none comes too late.
const LISTENING: std::time::Duration = std::time::Duration::from_millis(40);
