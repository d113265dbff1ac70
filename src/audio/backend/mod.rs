//! What pulls frames out of the mixer, and when each of them is heard.

pub mod capture;
mod device;
mod null;
mod presence;
#[cfg(target_os = "linux")]
pub(crate) mod pulse;
mod stage;
mod tap;
mod watch;
mod wav;

pub use device::{default_device, devices};
pub(super) use stage::{BLOCK_FRAMES, RATE};
pub(super) use tap::Taps;

use std::{io, path::PathBuf};

use bevy::prelude::*;
use kira::backend::{Backend, Renderer};

use self::{null::Null, stage::Stage};
use super::Moment;
use crate::{
    handover::{MailboxSender, Slot},
    trace::Trace,
};

/// Where the sound goes; choose before the plugin starts.
#[derive(Resource, Debug, Clone)]
pub enum Output {
    /// A sound device.
    Device {
        /// One of [`devices`]; none follows the system's choice, also when it changes.
        name: Option<String>,
    },
    /// Nowhere, at the speed of time.
    Null {
        /// How fast its clock is, in parts per million: real devices err by some tens.
        ppm: f64,
    },
    /// As [`Output::Null`], and what would have been heard is kept as WAV.
    File {
        /// Replaced if it exists.
        path: PathBuf,
        /// As in [`Output::Null`].
        ppm: f64,
    },
    /// A test pulls it by hand.
    Capture(capture::Handle),
}

impl Default for Output {
    fn default() -> Self {
        Self::Device { name: None }
    }
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made.
    #[error("the sound cannot be written to {path}: {error}")]
    Unwritable {
        /// Where to.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// No thread could be started.
    #[error("the sound's thread cannot start: {0}")]
    Thread(io::Error),
    /// The mixer has no room.
    #[error("the mixer is full: {0}")]
    Mixer(String),
}

/// What became of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// No device can be used; time passes in silence.
    Lost,
    /// After that, or because it was chosen, this one plays.
    Playing(String),
    /// This one plays for the chosen one, which is not there.
    StandsIn(String),
}

/// What the engine needs.
pub(super) struct Settings {
    pub(super) output: Output,
    /// Another device than the output's, once the person chooses one.
    pub(super) device: Slot<Option<String>>,
    pub(super) moment: Moment,
    pub(super) taps: Taps,
    pub(super) changes: MailboxSender<Change>,
    pub(super) trace: Trace,
}

/// Our backend of kira.
pub(super) struct Engine {
    /// Until it starts.
    settings: Option<Settings>,
    file: Option<std::fs::File>,
    /// Ends when dropped.
    _worker: Option<stage::Worker>,
}

impl Backend for Engine {
    type Settings = Settings;
    type Error = OpenError;

    fn setup(settings: Settings, _internal_buffer_size: usize) -> Result<(Self, u32), OpenError> {
        let file = match &settings.output {
            Output::File { path, .. } => {
                let made = std::fs::File::create(path).map_err(|error| OpenError::Unwritable { path: path.clone(), error })?;
                Some(made)
            }
            _ => None,
        };
        // A device is not known yet; its own rate is told to the mixer with its first callback.
        Ok((Self { settings: Some(settings), file, _worker: None }, RATE))
    }

    fn start(&mut self, renderer: Renderer) -> Result<(), OpenError> {
        let Some(Settings { output, device: choice, moment, taps, changes, trace }) = self.settings.take() else { return Ok(()) };
        let stage = Stage::new(renderer, moment, taps);
        self._worker = match output {
            Output::Device { name } => Some(device::start(name, choice, stage, changes)?),
            Output::Null { ppm } => Some(Null::start(stage, ppm, &trace, None)?),
            Output::File { path, ppm } => {
                let keeper = self.file.take().map(|file| wav::Keeper::start(file, path)).transpose()?;
                Some(Null::start(stage, ppm, &trace, keeper)?)
            }
            Output::Capture(handle) => {
                handle.take_over(stage);
                None
            }
        };
        Ok(())
    }
}
