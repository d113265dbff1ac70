use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use bevy::{
    app::AppExit,
    ecs::message::Messages,
    log::LogPlugin,
    prelude::*,
    window::{PresentMode, RequestRedraw, WindowResizeConstraints, WindowResolution},
    winit::{EventLoopProxyWrapper, UpdateMode, WinitSettings, WinitUserEvent},
};

use super::{Cli, Ground, Pace, cli, hall, house, keep, log, people, say, signals};
use crate::{
    film::{DisplayLead, FilmSource, Finished, Open, OpenFailed},
    room::{Alarm, Hosting, Join, OpenTheater},
    theater::Tier,
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
    hang_bell(&mut app);
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
        app.insert_resource(WinitSettings::continuous()).add_systems(Last, keep_pace.run_if(resource_exists::<Pace>));
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
    Ok(super::headless::code_of(&app.run()))
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

/// Draws at the theater's pace.
fn keep_pace(pace: Res<Pace>, mut settings: ResMut<WinitSettings>, mut redraws: ResMut<Messages<RequestRedraw>>) {
    let mode = match *pace {
        Pace::EachFrame => UpdateMode::Continuous,
        Pace::Waiting(wait) | Pace::Resting(wait) => {
            // egui asks for another frame after each one; what it shows then can wait for the next one that comes by itself.
            redraws.clear();
            UpdateMode::Reactive {
                wait,
                react_to_device_events: true,
                react_to_user_events: matches!(*pace, Pace::Waiting(_)),
                // Each drawn frame is followed by a window event of its own, and would call for the next one.
                react_to_window_events: false,
            }
        }
    };
    if settings.focused_mode != mode {
        tracing::debug!("the theater draws {mode:?}");
        settings.focused_mode = mode;
        settings.unfocused_mode = mode;
    }
}

/// Rings at the window's loop, once between two frames: its queue of rings knows no bound.
struct Bell {
    ring: Box<dyn Fn() + Send + Sync>,
    has_rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.has_rung.swap(true, Ordering::AcqRel) {
            (self.ring)();
        }
    }
}

/// Lets other threads ring at the window's loop.
fn hang_bell(app: &mut App) {
    let proxy = (**app.world().resource::<EventLoopProxyWrapper>()).clone();
    let ring = move || {
        if proxy.send_event(WinitUserEvent::WakeUp).is_err() {
            tracing::debug!("the window is closed");
        }
    };
    let bell = Arc::new(Bell { ring: Box::new(ring), has_rung: AtomicBool::new(false) });
    app.insert_resource(Alarm(Waker::from(Arc::clone(&bell))));
    app.add_systems(First, move || bell.has_rung.store(false, Ordering::Release));
}

pub(super) fn has_display() -> bool {
    let is_set = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(is_set)
}

const NO_DISPLAY: &str = "There is no display for a window. These work without: houselights --headless FILM, houselights shot --film FILM --at 12.5 --out a.png, \
     houselights doctor.";
