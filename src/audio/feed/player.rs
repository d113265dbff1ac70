use super::{
    fade::Fade,
    heard::{Heard, Segment},
    orders::Order,
    plans::{Plan, Plans},
    sinc::Sinc,
    stretch::{RATE, Stretch},
    tempo::Tempo,
};
use crate::handover::{SampleConsumer, StereoFrame};

/// Plays a ring by the clock: pure, with time as an argument; it allocates and waits for nothing.
pub(super) struct Player {
    stretch: Stretch,
    sinc: Sinc,
    fade: Fade,
    plans: Plans,
    state: State,
    tempo: Tempo,
    trim: f64,
    /// Frames a second of the device.
    rate: f64,
    /// Number of the ring; zero before the first.
    cue: u32,
    underruns: u64,
}

impl Default for Player {
    fn default() -> Self {
        Self {
            stretch: Stretch::default(),
            sinc: Sinc::default(),
            fade: Fade::default(),
            plans: Plans::with_room(),
            state: State::Still,
            tempo: Tempo::default(),
            trim: 1.0,
            rate: RATE,
            cue: 0,
            underruns: 0,
        }
    }
}

impl Player {
    /// Follows the device's rate.
    pub(super) fn set_rate(&mut self, frames_per_s: f64) {
        if frames_per_s > 0.0 && frames_per_s != self.rate {
            self.rate = frames_per_s;
            self.sinc.set_ratio(RATE / frames_per_s);
        }
    }

    /// Takes an order; returns the ring it puts out of use, to be freed elsewhere.
    pub(super) fn obey(&mut self, order: Order) -> Option<SampleConsumer> {
        match order {
            Order::Cue { ring, film_ns, cue } => {
                self.hush();
                self.cue = cue;
                self.tempo.restart();
                return self.stretch.replace(ring, film_ns);
            }
            Order::Plan(plan) => self.plans.add(plan, if self.state == State::Still { 0.0 } else { self.tempo.rate() }),
            Order::Trim(rate) => self.trim = rate,
            Order::Skip(by_ns) => self.skip(by_ns),
        }
        None
    }

    /// Fades out and stands; forgets its plans.
    pub(super) fn hush(&mut self) {
        self.lead_over(CUT_MS);
        self.state = State::Still;
        self.plans.clear();
    }

    /// Renders `frames` frames of which the first leaves the loudspeaker at `start_ns`, and tells what is heard when.
    pub(super) fn render(&mut self, start_ns: i64, frames: usize, mut put: impl FnMut(usize, StereoFrame), mut tell: impl FnMut(&Segment)) {
        self.stretch.top_up();
        let (mut since_ns, mut film, mut rate) = (start_ns, self.heard(), self.tempo.rate());
        for k in 0..frames {
            let now_ns = start_ns + (k as f64 * self.frame_ns()).round() as i64;
            let reached_ns = self.stretch.film_ns();
            self.decide(now_ns);
            if (self.is_moving(), self.stretch.is_over(), self.tempo.rate()) != (film.playing, film.ended, rate) {
                tell(&Segment { start_ns: since_ns, end_ns: now_ns, film, end_film_ns: reached_ns });
                (since_ns, film, rate) = (now_ns, self.heard(), self.tempo.rate());
            }
            put(k, self.frame());
        }
        let end_ns = start_ns + (frames as f64 * self.frame_ns()).round() as i64;
        tell(&Segment { start_ns: since_ns, end_ns, film, end_film_ns: self.stretch.film_ns() });
    }

    fn frame(&mut self) -> StereoFrame {
        let mut sound = SILENCE;
        if self.is_moving() {
            let step = self.step();
            sound = self.tempo.read(&self.stretch, &self.sinc, 0.0, step);
            let moves = self.tempo.advance(&self.stretch, step);
            self.stretch.advance(moves);
        }
        self.fade.mix(sound)
    }

    fn decide(&mut self, now_ns: i64) {
        while let Some(plan) = self.plans.due(now_ns, self.frame_ns()) {
            self.follow(plan, now_ns);
        }
        match self.state {
            State::Playing if self.stretch.is_dry() => {
                self.underruns += 1;
                self.turn(State::Dry);
            }
            State::Dry => {
                self.stretch.top_up();
                if self.stretch.is_wet() {
                    self.turn(State::Playing);
                }
            }
            State::Held { frames: 0 } => self.turn(State::Playing),
            State::Held { frames } => self.state = State::Held { frames: frames - 1 },
            State::Playing | State::Still => {}
        }
    }

    fn follow(&mut self, plan: Plan, now_ns: i64) {
        let was_rate = self.tempo.rate();
        if plan.plays() {
            // Less than a frame when it came in time; all that was missed when it did not.
            let late_ns = now_ns.saturating_sub(plan.at_ns) as f64;
            if self.state == State::Still {
                self.turn(State::Playing);
                self.run_at(plan.rate);
                self.jump(late_ns * self.samples_per_ns());
            } else {
                if plan.rate == 1.0 && self.is_moving() {
                    // From the last grain to the place itself.
                    self.lead_over(SKIP_MS);
                }
                self.run_at(plan.rate);
                let late_ns = late_ns.clamp(0.0, SKIP_MAX_NS as f64) * self.trim * (plan.rate - was_rate);
                let late = late_ns * RATE / 1e9;
                // Within a frame a slower film is not turned back: what it is ahead is less than can be told.
                if late.abs() >= 1.0 {
                    self.skip(late_ns as i64);
                } else if self.is_moving() {
                    self.stretch.nudge(late.max(0.0));
                }
            }
        } else {
            let early_ns = plan.at_ns.saturating_sub(now_ns).max(0) as f64;
            let was_moving = self.is_moving();
            self.turn(State::Still);
            if was_moving {
                self.jump(early_ns * self.samples_per_ns());
            }
        }
    }

    fn run_at(&mut self, rate: f64) {
        if rate != self.tempo.rate() {
            self.tempo.set_rate(rate);
            self.stretch.set_reach(self.tempo.reach());
            self.stretch.top_up();
        }
    }

    /// Moves the place within what there is.
    fn jump(&mut self, samples: f64) {
        self.stretch.jump(samples);
        self.tempo.restart();
    }

    fn skip(&mut self, by_ns: i64) {
        let by_ns = by_ns.clamp(-SKIP_MAX_NS, SKIP_MAX_NS) as f64;
        let held_ns = match self.state {
            State::Still | State::Dry => return self.jump(by_ns * RATE / 1e9),
            State::Held { frames } => frames as f64 * self.frame_ns() * self.tempo.rate(),
            State::Playing => 0.0,
        };
        let net_ns = by_ns - held_ns;
        if net_ns >= 0.0 {
            self.lead_over(SKIP_MS);
            self.state = State::Playing;
            self.jump(net_ns * RATE / 1e9);
        } else {
            let exact = -net_ns / self.tempo.rate() / self.frame_ns();
            self.turn(State::Held { frames: exact.ceil() as u64 });
            // What the last frame holds too long.
            self.jump((exact.ceil() - exact) * self.step() * self.tempo.rate());
        }
    }

    fn turn(&mut self, state: State) {
        self.lead_over(TURN_MS);
        self.state = state;
    }

    /// Fades from what is heard now to whatever is done next.
    fn lead_over(&mut self, ms: f64) {
        let frames = ms * self.rate / 1e3;
        if self.is_moving() {
            let step = self.step();
            let frames = frames.min(self.stretch.fade_reach() / step);
            self.fade.begin(frames as usize, |k| self.tempo.read(&self.stretch, &self.sinc, k as f64, step));
        } else {
            self.fade.begin(frames as usize, |_| SILENCE);
        }
    }

    fn is_moving(&self) -> bool {
        self.state == State::Playing && !self.stretch.is_over()
    }

    fn heard(&self) -> Heard {
        Heard { film_ns: self.stretch.film_ns(), playing: self.is_moving(), ended: self.stretch.is_over(), cue: self.cue }
    }

    /// Samples of the ring for one frame of the device, at the film's own rate.
    fn step(&self) -> f64 {
        RATE / self.rate * self.trim
    }

    fn samples_per_ns(&self) -> f64 {
        RATE * self.trim * self.tempo.rate() / 1e9
    }

    fn frame_ns(&self) -> f64 {
        1e9 / self.rate
    }

    pub(super) fn is_silent(&self) -> bool {
        !self.is_moving() && self.fade.is_over()
    }

    pub(super) fn was_cued(&self) -> bool {
        self.cue > 0
    }

    pub(super) fn buffered_frames(&self) -> u64 {
        self.stretch.buffered()
    }

    pub(super) fn underruns(&self) -> u64 {
        self.underruns
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Stands until a plan starts it.
    Still,
    /// Plays, or would but for the end of the film.
    Playing,
    /// Would play but has no samples.
    Dry,
    /// Stands for a while to let the others catch up.
    Held { frames: u64 },
}

const SILENCE: StereoFrame = [0.0; 2];
/// Start, stop, hold: short enough to sound immediate, long enough not to click.
const TURN_MS: f64 = 4.0;
const CUT_MS: f64 = 5.0;
const SKIP_MS: f64 = 10.0;
/// No skip of more than an hour means anything.
const SKIP_MAX_NS: i64 = 3_600_000_000_000;
