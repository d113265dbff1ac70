use std::io::IsTerminal as _;

use tracing_subscriber::{Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The log on standard error where there is no window (a window has Bevy's own, with the same [`filter`]).
pub(super) fn to_stderr(verbose: u8) {
    let targets: Targets = filter(verbose).parse().unwrap_or_default();
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).with_filter(targets);
    // A second log in one process would be an error of ours, and tests make several.
    if tracing_subscriber::registry().with(layer).try_init().is_err() {
        tracing::debug!("the log was there already");
    }
}

/// What the log tells: what goes wrong, or with `-v` more. What other crates say of every software renderer or closed connection is left out.
pub(super) fn filter(verbose: u8) -> &'static str {
    match verbose {
        0 => {
            "warn,bevy_render=error,bevy_egui=error,bevy_winit=error,wgpu=error,wgpu_core=error,wgpu_hal=error,naga=error,winit=error,pulseaudio=off,iroh::socket=off,bevy_replicon=error"
        }
        1 => "warn,houselights=info,wgpu_hal=error,pulseaudio=off",
        2 => "info,houselights=debug,wgpu_core=warn,wgpu_hal=warn,naga=warn",
        _ => "debug,houselights=trace,naga=info,wgpu_core=info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_can_be_read() {
        for verbose in 0..4 {
            assert!(filter(verbose).parse::<Targets>().is_ok(), "{verbose}");
        }
    }
}
