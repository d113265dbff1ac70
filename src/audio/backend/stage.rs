use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use kira::backend::Renderer;

use super::{OpenError, Taps, tap::Tap};
use crate::audio::{Moment, limiter::LOOK_AHEAD};

/// Frames a second where nothing else is asked for.
pub(in crate::audio) const RATE: u32 = 48_000;
/// 10 ms: PulseAudio's latency is then 10.4 ms; its default would be two seconds.
pub(in crate::audio) const BLOCK_FRAMES: usize = 480;

/// The mixer's renderer, and the only way to use it: one callback at a time, told when it is heard.
pub(super) struct Stage {
    renderer: Renderer,
    moment: Moment,
    rate: u32,
    tap: Tap,
}

impl Stage {
    pub(super) fn new(renderer: Renderer, moment: Moment, taps: Taps) -> Self {
        Self { renderer, moment, rate: RATE, tap: Tap::new(taps) }
    }

    /// A stream was opened on a device.
    pub(super) fn note_opening(&self) {
        self.moment.note_opening();
    }

    /// Fills `out`, whose first frame leaves the loudspeaker at `heard_mono_ns`.
    pub(super) fn render(&mut self, out: &mut [f32], channels: u16, rate: u32, heard_mono_ns: i64) {
        if rate != self.rate {
            self.rate = rate;
            self.renderer.on_change_sample_rate(rate);
        }
        // What is mixed now leaves the limiter a little later.
        self.moment.set(heard_mono_ns.saturating_add(LOOK_AHEAD as i64 * 1_000_000_000 / i64::from(rate.max(1))));
        self.renderer.on_start_processing();
        self.renderer.process(out, channels);
        self.tap.hear(out, channels, rate);
    }
}

/// A named thread that repeats a step until it is dropped.
pub(super) struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    patience: Patience,
}

/// How long to wait for a thread that was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until it has ended: it waits for nothing but us.
    Endless,
    /// A second: it may wait for a sound server that hangs, which must not keep the theater from closing.
    Short,
}

impl Worker {
    /// `make` runs on the new thread; the step it returns answers how long to rest before the next.
    pub(super) fn start<S>(name: &str, patience: Patience, make: impl FnOnce() -> S + Send + 'static) -> Result<Self, OpenError>
    where
        S: FnMut() -> Duration,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let body = move || {
            let mut step = make();
            while !stopped.load(Ordering::Relaxed) {
                std::thread::park_timeout(step());
            }
        };
        let thread = Builder::new().name(name.into()).spawn(body).map_err(OpenError::Thread)?;
        Ok(Self { stop, thread: Some(thread), patience })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        let mut waits = 0;
        while self.patience == Patience::Short && !thread.is_finished() {
            if waits == DROP_WAITS_MAX {
                tracing::warn!("the sound device does not let go");
                return;
            }
            std::thread::sleep(DROP_WAIT);
            waits += 1;
        }
        if thread.join().is_err() {
            tracing::error!("the sound's thread ended early");
        }
    }
}

const DROP_WAIT: Duration = Duration::from_millis(5);
const DROP_WAITS_MAX: u32 = 200;
