use std::time::Duration;

use super::{
    OpenError,
    stage::{BLOCK_FRAMES, Patience, RATE, Stage, Worker},
    wav::Keeper,
};
use crate::trace::{Event, Trace, mono_ns};

/// An output that consumes by time and is heard by nobody, except that a file may keep it.
pub(super) struct Null {
    stage: Stage,
    pace: Pace,
    block: Vec<f32>,
    keeper: Option<Keeper>,
}

impl Null {
    /// Starts its thread.
    pub(super) fn start(stage: Stage, ppm: f64, trace: &Trace, keeper: Option<Keeper>) -> Result<Worker, OpenError> {
        let pace = Pace::new(mono_ns() + AHEAD_NS, ppm);
        if keeper.is_some() {
            trace.note(Event::Sound { mono_ns: pace.start_ns, rate: pace.rate });
        }
        Worker::start("audio-null", Patience::Endless, move || {
            let mut null = Self { stage, pace, block: vec![0.0; BLOCK_FRAMES * 2], keeper };
            move || null.step(mono_ns())
        })
    }

    /// Renders all that is due; answers how long nothing will be.
    fn step(&mut self, now_ns: i64) -> Duration {
        loop {
            match self.pace.step(now_ns) {
                Step::Rest { ns } => return Duration::from_nanos(ns),
                Step::Render { missed_frames, heard_ns } => {
                    self.stage.render(&mut self.block, 2, RATE, heard_ns);
                    if let Some(keeper) = &mut self.keeper {
                        keeper.keep_silence(missed_frames);
                        keeper.keep(&self.block);
                    }
                }
            }
        }
    }
}

/// When a device without a device would ask for its blocks: pure, with time as an argument.
///
/// A block is rendered up to two blocks before it is heard. What was not rendered when its time came has been silence, as it would have
/// been on a true device: it is never made up for.
pub(super) struct Pace {
    start_ns: i64,
    /// True frames a second.
    rate: f64,
    /// Frames whose time is settled, rendered or missed.
    settled: u64,
}

impl Pace {
    /// Frame 0 is heard at `start_ns`; the clock is `ppm` parts per million fast.
    pub(super) fn new(start_ns: i64, ppm: f64) -> Self {
        Self { start_ns, rate: f64::from(RATE) * (1.0 + ppm * 1e-6), settled: 0 }
    }

    /// What is due at `now_ns`; a block that is to be rendered counts as rendered.
    pub(super) fn step(&mut self, now_ns: i64) -> Step {
        let heard_ns = self.heard_ns(self.settled);
        let early_ns = heard_ns - AHEAD_NS - now_ns;
        if early_ns > 0 {
            return Step::Rest { ns: early_ns.unsigned_abs() };
        }
        let late_ns = (now_ns - heard_ns).max(0);
        let missed_frames = (late_ns as f64 * self.rate / 1e9).ceil() as u64;
        let heard_ns = self.heard_ns(self.settled + missed_frames);
        self.settled += missed_frames + BLOCK_FRAMES as u64;
        Step::Render { missed_frames, heard_ns }
    }

    fn heard_ns(&self, frame: u64) -> i64 {
        self.start_ns + (frame as f64 * 1e9 / self.rate) as i64
    }
}

/// What a paced output does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing for so long.
    Rest { ns: u64 },
    /// These frames have passed in silence; then a block begins that is heard from `heard_ns` on.
    Render { missed_frames: u64, heard_ns: i64 },
}

/// Two blocks.
pub(super) const AHEAD_NS: i64 = 2 * 1_000_000_000 * BLOCK_FRAMES as i64 / RATE as i64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_rendered_two_blocks_before_it_is_heard() {
        let mut pace = Pace::new(AHEAD_NS, 0.0);
        assert_eq!(pace.step(0), Step::Render { missed_frames: 0, heard_ns: AHEAD_NS });
        assert_eq!(pace.step(0), Step::Rest { ns: 10_000_000 });
        assert_eq!(pace.step(10_000_000), Step::Render { missed_frames: 0, heard_ns: AHEAD_NS + 10_000_000 });
        assert_eq!(pace.step(10_000_001), Step::Rest { ns: 9_999_999 });
    }

    #[test]
    fn missed_time_is_silence_and_is_never_made_up() {
        let mut pace = Pace::new(0, 0.0);
        assert_eq!(pace.step(-AHEAD_NS), Step::Render { missed_frames: 0, heard_ns: 0 });
        // Frame 480 was due at 10 ms; the thread sleeps until 1010 ms.
        assert_eq!(pace.step(1_010_000_000), Step::Render { missed_frames: 48_000, heard_ns: 1_010_000_000 });
        assert_eq!(pace.step(1_010_000_000), Step::Render { missed_frames: 0, heard_ns: 1_020_000_000 });
        assert_eq!(pace.step(1_010_000_000), Step::Render { missed_frames: 0, heard_ns: 1_030_000_000 });
        assert_eq!(pace.step(1_010_000_000), Step::Rest { ns: 10_000_000 });
    }

    #[test]
    fn a_fast_clock_consumes_more() {
        let mut pace = Pace::new(0, 1000.0);
        let mut frames = 0;
        for ms in 0..10_000 {
            while let Step::Render { missed_frames, .. } = pace.step(ms * 1_000_000 - AHEAD_NS) {
                frames += missed_frames + BLOCK_FRAMES as u64;
            }
        }
        assert!((480_480..=480_960).contains(&frames), "{frames}");
    }
}
