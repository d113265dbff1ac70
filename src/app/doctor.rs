use std::process::ExitCode;

use bevy::{
    app::PluginsState,
    log::LogPlugin,
    prelude::*,
    render::{RenderPlugin, renderer::RenderAdapterInfo},
    window::ExitCondition,
    winit::WinitPlugin,
};

use super::print;
use crate::{
    audio, media,
    theater::{Tier, tier_of},
    webcam,
};

/// Says what this machine has, what is missing, and the remedy.
pub(super) fn run() -> Result<ExitCode, String> {
    let mut lines = vec![format!("Houselights {}", env!("CARGO_PKG_VERSION"))];
    lines.extend(graphics());
    lines.extend(sound());
    lines.extend(cameras());
    lines.push(format!("FFmpeg     {} (films are opened and decoded)", media::ffmpeg_version()));
    lines.push(format!("libass     {} (subtitles)", media::libass_version()));
    lines.push(display());
    if lines.iter().all(|line| print(line)) { Ok(ExitCode::SUCCESS) } else { Ok(ExitCode::FAILURE) }
}

fn graphics() -> Vec<String> {
    let Some(adapter) = adapter() else {
        return vec![
            "Graphics   none: no Vulkan, Metal, Direct3D or OpenGL adapter answers.".to_owned(),
            "           Remedy: install your graphics card's driver, or software rendering: apt-get install mesa-vulkan-drivers".to_owned(),
        ];
    };
    let (is_software, tier) = match tier_of(&adapter) {
        Tier::Low => ("in software", "low"),
        Tier::Medium => ("a small graphics chip", "medium"),
        Tier::High => ("a graphics card", "high"),
    };
    let mut lines = vec![format!("Graphics   {} ({:?}, {is_software}): tier {tier}", adapter.name, adapter.backend)];
    if is_software == "in software" {
        lines.push("           It works, with less detail. Remedy: install your graphics card's driver.".to_owned());
    }
    lines
}

/// The adapter the theater would be drawn with; asked in a thread of its own, because a machine without any makes Bevy panic.
fn adapter() -> Option<RenderAdapterInfo> {
    let asked = std::thread::Builder::new().name("ask for graphics".to_owned()).spawn(|| {
        std::panic::set_hook(Box::new(|_| {}));
        let mut app = App::new();
        app.add_plugins(
            DefaultPlugins
                .set(WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..WindowPlugin::default() })
                .set(RenderPlugin { synchronous_pipeline_compilation: true, ..RenderPlugin::default() })
                .disable::<LogPlugin>()
                .disable::<WinitPlugin>(),
        );
        while app.plugins_state() == PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.world().get_resource::<RenderAdapterInfo>().cloned()
    });
    let answer = asked.ok().and_then(|thread| thread.join().ok()).flatten();
    drop(std::panic::take_hook());
    answer
}

fn sound() -> Vec<String> {
    let (devices, default) = (audio::devices(), audio::default_device());
    if devices.is_empty() {
        return vec![
            "Sound      no device: films play without being heard until one appears.".to_owned(),
            "           Remedy: connect loudspeakers or headphones; on Linux see that PulseAudio or PipeWire runs (pactl info).".to_owned(),
        ];
    }
    let mut lines = vec![format!(
        "Sound      {} (choose with --sound device:NAME):",
        if devices.len() == 1 { "one device".to_owned() } else { format!("{} devices", devices.len()) }
    )];
    lines.extend(devices.into_iter().map(|(name, title)| {
        let mark = if default.as_ref() == Some(&name) { "  (default)" } else { "" };
        let title = if title == name { String::new() } else { format!("  {title}") };
        format!("             {name}{title}{mark}")
    }));
    lines
}

fn cameras() -> Vec<String> {
    match webcam::cameras() {
        Ok(names) if names.is_empty() => {
            vec!["Cameras    none. Remedy, if you have one: connect it, or join the group that may use it (video).".to_owned()]
        }
        Ok(names) => names.into_iter().map(|name| format!("Camera     {name}")).collect(),
        Err(error) => vec![format!("Cameras    cannot be listed: {error}.")],
    }
}

fn display() -> String {
    match super::window::has_display() {
        true => "Display    found".to_owned(),
        false => "Display    none: no window opens here; --headless and shot work.".to_owned(),
    }
}
