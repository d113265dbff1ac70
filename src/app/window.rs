use std::process::ExitCode;

use bevy::{
    app::AppExit,
    log::LogPlugin,
    prelude::*,
    render::renderer::RenderAdapterInfo,
    window::{PresentMode, WindowResolution},
    winit::{UpdateMode, WinitSettings},
};

use super::{Cli, Ground, hall, house, keep, say};
use crate::{
    film::{DisplayLead, FilmSource, Finished, Open, OpenFailed},
    room::{Frame, Now, Playback, Room},
    theater::Tier,
};

/// Opens the theater in a window.
pub(super) fn run(cli: &Cli) -> Result<ExitCode, String> {
    if !has_display() {
        return Err(NO_DISPLAY.to_owned());
    }
    let mut app = App::new();
    let window = Window {
        title: "Houselights".to_owned(),
        name: Some("houselights".to_owned()),
        resolution: WindowResolution::new(1280, 720),
        present_mode: PresentMode::AutoVsync,
        ..Window::default()
    };
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin { primary_window: Some(window), ..WindowPlugin::default() })
            .set(LogPlugin { filter: log_filter(cli.verbose), ..LogPlugin::default() }),
    );
    let mut ground = Ground::open(cli)?;
    ground.mixer.set_film_volume(keep::volume(cli));
    house(&mut app, ground);
    hall(&mut app, cli.tier.map(Tier::from));
    keep::plugin(&mut app, cli);
    // Drawing goes on beside the next frame's work.
    app.world_mut().resource_mut::<DisplayLead>().frames = 1.0;
    if cli.tier.is_none() {
        app.add_systems(PreStartup, choose_tier);
    }
    app.insert_resource(WinitSettings::continuous()).add_systems(Update, rest_when_still.after(Frame::Show));
    if cli.play {
        app.add_observer(|_: On<Finished>, mut exit: MessageWriter<AppExit>| {
            exit.write(AppExit::Success);
        });
        app.add_observer(|failed: On<OpenFailed>, mut exit: MessageWriter<AppExit>| {
            say(&failed.event().sentence);
            exit.write(AppExit::error());
        });
    }
    if let Some(film) = cli.film.clone() {
        app.add_systems(PostStartup, move |mut commands: Commands| {
            commands.trigger(Open { source: FilmSource::File(film.clone()), plays: true });
        });
    }
    Ok(if app.run().is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A graphics card draws everything; software draws what it can draw smoothly.
fn choose_tier(adapter: Option<Res<RenderAdapterInfo>>, mut tier: ResMut<Tier>) {
    let Some(adapter) = adapter else { return };
    *tier = tier_of(&adapter);
    tracing::info!("{} draws: tier {:?}", adapter.name, *tier);
}

pub(super) fn tier_of(adapter: &RenderAdapterInfo) -> Tier {
    // wgpu's own enum is not named by us: its word is enough.
    if format!("{:?}", adapter.device_type) == "Cpu" { Tier::Low } else { Tier::High }
}

/// While nothing moves few frames are drawn; a key or the mouse wakes the theater at once.
fn rest_when_still(room: Single<&Playback, With<Room>>, now: Res<Now>, awake: Res<crate::ui::Awake>, mut settings: ResMut<WinitSettings>) {
    let is_still = room.film.is_some() && room.gather.is_none() && !room.plays(now.room()) && !awake.is_awake();
    let mode = if is_still { UpdateMode::reactive(RESTING) } else { UpdateMode::Continuous };
    if settings.focused_mode != mode {
        settings.focused_mode = mode;
        settings.unfocused_mode = mode;
    }
}

pub(super) fn has_display() -> bool {
    let is_set = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(is_set)
}

/// What the log tells: warnings, or more.
fn log_filter(verbose: u8) -> String {
    match verbose {
        0 => "warn,houselights=warn,wgpu=error,naga=error,bevy_render=error,symphonia=off".to_owned(),
        1 => "warn,houselights=info,wgpu=error,naga=warn".to_owned(),
        2 => "warn,houselights=debug,wgpu=warn".to_owned(),
        _ => "info,houselights=trace".to_owned(),
    }
}

/// The log on standard error where there is no window.
pub(super) fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => tracing_subscriber::filter::LevelFilter::WARN,
        1 => tracing_subscriber::filter::LevelFilter::INFO,
        2 => tracing_subscriber::filter::LevelFilter::DEBUG,
        _ => tracing_subscriber::filter::LevelFilter::TRACE,
    };
    // A second log in one process would be an error of ours, and tests make several.
    if tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).try_init().is_err() {
        tracing::debug!("the log was there already");
    }
}

const NO_DISPLAY: &str = "There is no display for a window. These work without: houselights --headless FILM, houselights shot --film FILM --at 12.5 --out a.png, \
     houselights doctor.";
const RESTING: std::time::Duration = std::time::Duration::from_millis(250);
