//! What came from one person, put in order and in time.

mod arrivals;

use arrivals::{Arrivals, TARGET_MAX_NS};

use super::packet::{Packet, TICK_NS};

/// One person's packets between the path and the ear: in any order, at any time, twice or never on one side; one step after the other on the other.
///
/// The ear pulls: whenever it has less than a tick it asks [`Self::take`] what comes next, and says what it still has. Its device's clock is the master, so a
/// drift between the two devices shows as a wait that grows or shrinks, and is mended like any other wrong wait: by a slightly longer or shorter pause, or by
/// stretching speech ([`Pace`]).
///
/// The *wait* of a tick is when it is played, beyond when it would have come on the quickest path; the target comes from `Arrivals`. When the buffer runs
/// dry the tick that is due is waited for while the decoder conceals (the wait grows, no word is lost); when later ones are there already, the missing one
/// counts as lost, and is repaired from its successor if that is the next. Where the sender said that nothing follows, missing is silence.
#[derive(Debug)]
pub struct Jitter {
    slots: Box<[Option<Packet>]>,
    arrivals: Arrivals,
    /// The next tick to play, as a number that never wraps; none before the first packet.
    position: Option<i64>,
    state: State,
    wait_ns: f64,
    pace: Pace,
    run: u8,
    /// The run before, whose packets are late for a moment and new afterwards.
    former_run: Option<(u8, i64)>,
    behind_count: u32,
    tokens_ns: i64,
    tokens_at_ns: i64,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is being said; the next packet's tick is waited for as long as the target wants.
    Idle,
    Playing {
        stalled_ticks: u32,
        ended: bool,
    },
}

/// What the ear does next.
#[derive(Debug)]
pub enum Step {
    /// Nothing, until the ear asks again.
    Silence,
    /// Decode the packet and leave out its first ticks.
    Decode {
        /// What is due.
        packet: Packet,
        /// Ticks of it that were concealed before it came, 0 or 1.
        skip_ticks: u8,
        /// How the wait is to change.
        pace: Pace,
    },
    /// Decode what this packet, which stays, repeats about the time before it.
    Recover {
        /// The successor of what was lost.
        packet: Packet,
        /// Ticks of the repair that were concealed already, 0 or 1.
        skip_ticks: u8,
    },
    /// Make one tick up.
    Conceal,
}

/// Whether speech should be played for shorter or longer than it lasts, and by how much at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// As it is.
    #[default]
    Steady,
    /// The wait is too long.
    Faster {
        /// By how much.
        by_ns: i64,
    },
    /// The wait is too short.
    Slower {
        /// By how much.
        by_ns: i64,
    },
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It will be played, or helps.
    Kept,
    /// Its time is over.
    Late,
    /// It was there already.
    Twice,
    /// Nobody speaks that fast; who keeps on may be shown the door.
    TooMany,
}

/// What happened since the beginning, in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Arrived and handed out.
    pub played: u64,
    /// Repaired from their successor.
    pub recovered: u64,
    /// Made up for what never came in time while later ones were there.
    pub concealed: u64,
    /// Made up while nothing at all was there.
    pub stalled: u64,
    /// Arrived after they, or their replacement, were played.
    pub late: u64,
    /// Thrown away unplayed, to be less behind or to begin anew.
    pub skipped: u64,
    /// Packets refused, being too many.
    pub refused: u64,
}

impl Jitter {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            slots: vec![None; SLOTS].into(),
            arrivals: Arrivals::new(),
            position: None,
            state: State::Idle,
            wait_ns: 0.0,
            pace: Pace::Steady,
            run: 0,
            former_run: None,
            behind_count: 0,
            tokens_ns: TOKENS_MAX_NS,
            tokens_at_ns: i64::MIN,
            counts: Counts::default(),
        }
    }

    /// Takes a packet that came at `arrival_ns` on our clock.
    pub fn put(&mut self, packet: Packet, arrival_ns: i64) -> Put {
        if !self.spend(arrival_ns) {
            self.counts.refused += 1;
            return Put::TooMany;
        }
        let ticks = u64::from(packet.ticks());
        if packet.head.run != self.run || self.position.is_none() {
            if self.former_run.is_some_and(|(run, until_ns)| run == packet.head.run && arrival_ns < until_ns) {
                self.counts.late += ticks;
                return Put::Late;
            }
            self.former_run = self.position.map(|_| (self.run, arrival_ns.saturating_add(FORMER_RUN_NS)));
            self.run = packet.head.run;
            self.begin_anew(packet.head.tick);
        }
        let (first, position) = (self.number_of(packet.head.tick), self.position.unwrap_or_default());
        if first + i64::from(packet.ticks()) <= position {
            let is_far_behind = first < position - SLOTS as i64;
            self.behind_count = if is_far_behind { self.behind_count + 1 } else { 0 };
            if self.behind_count < BEHIND_MAX {
                self.counts.late += ticks;
                if !is_far_behind {
                    self.arrivals.arrived(transit_ns(first, arrival_ns), packet.head.is_held_back, arrival_ns);
                }
                return Put::Late;
            }
            // A sender whose count went back without a word: after a second of that it is believed.
            self.begin_anew(packet.head.tick);
        } else if first >= position + SLOTS as i64 - 1 {
            if first - position > LEAP_TICKS_MAX {
                self.begin_anew(packet.head.tick);
            } else {
                // A pause is over; or the ear stood, and what is here is too old to be of use.
                self.counts.skipped += self.clear();
                self.position = Some(first - EARLY_TICKS);
                self.state = State::Idle;
            }
        }
        self.behind_count = 0;
        // Now it has a slot of its own, and the number may be another.
        let first = self.number_of(packet.head.tick);
        if self.covering(first).is_some() || packet.ticks() == 2 && self.covering(first + 1).is_some() {
            return Put::Twice;
        }
        self.arrivals.arrived(transit_ns(first, arrival_ns), packet.head.is_held_back, arrival_ns);
        if let Some(slot) = self.slots.get_mut(slot_of(first)) {
            *slot = Some(packet);
        }
        Put::Kept
    }

    /// What to play at `now_ns`, after the `queued_ns` that the ear still has. A packet must be here now to be played then, so only what waits beyond that is
    /// safe.
    pub fn take(&mut self, now_ns: i64, queued_ns: i64) -> Step {
        let Some(mut position) = self.position else { return Step::Silence };
        if self.state == State::Idle {
            let Some(first) = self.earliest(position) else { return Step::Silence };
            // The ear asks every 10 ms: now if that is nearer to the target than the next time.
            if self.wait_of(first, now_ns) < self.target_ns(now_ns).saturating_sub(TICK_NS / 2) {
                return Step::Silence;
            }
            position = first.max(position);
            self.position = Some(position);
            self.state = State::Playing { stalled_ticks: 0, ended: false };
            self.wait_ns = self.wait_of(position, now_ns).saturating_add(queued_ns) as f64;
            self.pace = Pace::Steady;
        }
        self.skip_what_is_hopeless(now_ns);
        let position = self.position.unwrap_or(position);
        let State::Playing { stalled_ticks, ended } = self.state else { return Step::Silence };
        let wait_ns = self.wait_of(position, now_ns).saturating_add(queued_ns) as f64;
        self.wait_ns += (wait_ns - self.wait_ns) * WAIT_SMOOTHING;
        if let Some((first, packet)) = self.remove_covering(position) {
            let skip_ticks = u8::from(first < position);
            self.counts.played += u64::from(packet.ticks() - skip_ticks);
            self.state = State::Playing { stalled_ticks: 0, ended: packet.head.is_last };
            self.position = Some(first + i64::from(packet.ticks()));
            self.pace = pace((self.wait_ns as i64).saturating_sub(self.target_ns(now_ns)), queued_ns, self.pace);
            return Step::Decode { packet, skip_ticks, pace: self.pace };
        }
        let next = self.earliest(position).and_then(|first| self.at(first).map(|packet| (first, packet)));
        let Some((first, packet)) = next else {
            if ended || stalled_ticks >= STALL_TICKS_MAX {
                self.state = State::Idle;
                return Step::Silence;
            }
            self.state = State::Playing { stalled_ticks: stalled_ticks + 1, ended };
            self.wait_ns += TICK_NS as f64;
            self.counts.stalled += 1;
            return Step::Conceal;
        };
        if ended || packet.head.is_first {
            self.state = State::Idle;
            return self.take(now_ns, queued_ns);
        }
        let missing = first - position;
        let step = if missing <= i64::from(packet.ticks()) {
            let skip_ticks = packet.ticks() - missing as u8;
            let packet = packet.clone();
            self.counts.recovered += missing as u64;
            self.position = Some(first);
            Step::Recover { packet, skip_ticks }
        } else {
            self.counts.concealed += 1;
            self.position = Some(position + 1);
            Step::Conceal
        };
        self.state = State::Playing { stalled_ticks: 0, ended };
        step
    }

    /// Whether the tick that is due next is there.
    #[must_use]
    pub fn has_next(&self) -> bool {
        self.state != State::Idle && self.position.is_some_and(|position| self.covering(position).is_some())
    }

    /// The ear made what it has longer, or shorter if negative: the wait is another from now on.
    pub fn stretched(&mut self, by_ns: i64) {
        self.wait_ns += by_ns as f64;
    }

    /// How long ticks wait beyond the quickest path until they are played, smoothed, in ns.
    #[must_use]
    pub const fn wait_ns(&self) -> i64 {
        self.wait_ns as i64
    }

    /// How long they should, in ns.
    #[must_use]
    pub fn target_ns(&self, now_ns: i64) -> i64 {
        self.arrivals.target_ns(now_ns)
    }

    /// What happened so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// How long the tick waits if it is played at `now_ns`.
    fn wait_of(&self, tick: i64, now_ns: i64) -> i64 {
        let transit_ns = transit_ns(tick, now_ns);
        transit_ns.saturating_sub(self.arrivals.base_ns().unwrap_or(transit_ns))
    }

    /// After the worst of stalls the wait is longer than anybody can talk with: the oldest ticks go.
    fn skip_what_is_hopeless(&mut self, now_ns: i64) {
        while let Some(position) = self.position
            && self.wait_of(position, now_ns) > WAIT_MAX_NS
            && (self.covering(position + 1).is_some() || self.earliest(position + 1).is_some())
        {
            if let Some((first, packet)) = self.remove_covering(position) {
                self.counts.skipped += u64::from(packet.ticks());
                self.position = Some(first + i64::from(packet.ticks()));
            } else {
                self.position = Some(position + 1);
            }
            self.wait_ns = self.wait_ns.min(WAIT_MAX_NS as f64);
        }
    }

    /// The nearest number that a tick that wraps can mean.
    fn number_of(&self, tick: u32) -> i64 {
        let position = self.position.unwrap_or_default();
        position + i64::from(tick.wrapping_sub(position as u32) as i32)
    }

    fn begin_anew(&mut self, tick: u32) {
        self.counts.skipped += self.clear();
        self.position = Some(i64::from(tick) - EARLY_TICKS);
        self.state = State::Idle;
        self.arrivals = Arrivals::new();
        self.behind_count = 0;
    }

    /// Empties it and says how many ticks that were.
    fn clear(&mut self) -> u64 {
        self.slots.iter_mut().filter_map(Option::take).map(|packet| u64::from(packet.ticks())).sum()
    }

    /// The packet that begins with a tick.
    fn at(&self, first: i64) -> Option<&Packet> {
        let packet = self.slots.get(slot_of(first))?.as_ref()?;
        (packet.head.tick == first as u32).then_some(packet)
    }

    /// The first tick of the packet that has this one.
    fn covering(&self, tick: i64) -> Option<i64> {
        if self.at(tick).is_some() {
            return Some(tick);
        }
        self.at(tick - 1).filter(|packet| packet.ticks() == 2).map(|_| tick - 1)
    }

    fn remove_covering(&mut self, tick: i64) -> Option<(i64, Packet)> {
        let first = self.covering(tick)?;
        self.slots.get_mut(slot_of(first))?.take().map(|packet| (first, packet))
    }

    /// The first tick of the first packet that has something at or after a tick.
    fn earliest(&self, from: i64) -> Option<i64> {
        self.covering(from).or_else(|| (from..from + SLOTS as i64).find(|first| self.at(*first).is_some()))
    }

    /// A packet costs a token; tokens come back with time.
    fn spend(&mut self, now_ns: i64) -> bool {
        let passed_ns = if self.tokens_at_ns == i64::MIN { 0 } else { now_ns.saturating_sub(self.tokens_at_ns).max(0) };
        self.tokens_at_ns = self.tokens_at_ns.max(now_ns);
        self.tokens_ns = self.tokens_ns.saturating_add(passed_ns).min(TOKENS_MAX_NS);
        let may = self.tokens_ns >= TOKEN_NS;
        if may {
            self.tokens_ns -= TOKEN_NS;
        }
        may
    }
}

impl Default for Jitter {
    fn default() -> Self {
        Self::new()
    }
}

/// From how far the wait is off; with some play, so that it does not hunt. What the ear has in hand is wait, but saves no packet that is late.
fn pace(too_long_ns: i64, queued_ns: i64, before: Pace) -> Pace {
    let too_short_ns = queued_ns.saturating_sub(too_long_ns);
    let (is_faster, is_slower) = (matches!(before, Pace::Faster { .. }), matches!(before, Pace::Slower { .. }));
    if too_long_ns > if is_faster { TOO_LONG_NS / 2 } else { TOO_LONG_NS } {
        Pace::Faster { by_ns: too_long_ns }
    } else if too_short_ns > if is_slower { 0 } else { TOO_SHORT_NS } {
        Pace::Slower { by_ns: too_short_ns }
    } else {
        Pace::Steady
    }
}

const fn transit_ns(first: i64, at_ns: i64) -> i64 {
    at_ns.saturating_sub(first.saturating_mul(TICK_NS))
}

const fn slot_of(tick: i64) -> usize {
    tick.rem_euclid(SLOTS as i64) as usize
}

/// 640 ms of ticks: the longest wait, a burst on top, and nothing that a stranger could fill memory with.
const SLOTS: usize = 64;
/// What follows the first packet of a voice but was spoken before it may still come.
const EARLY_TICKS: i64 = 8;
/// A minute. Beyond it nothing that is known of the path is of use; and so numbers stay small, whatever a sender counts.
const LEAP_TICKS_MAX: i64 = 6000;
/// A wait beyond it is cut, not stretched away.
const WAIT_MAX_NS: i64 = TARGET_MAX_NS + 100_000_000;
/// A third of a second of nothing is a pause, whatever the sender said.
const STALL_TICKS_MAX: u32 = 30;
/// Of the newest measurement in the wait: a fifth of a second, longer than a device's callbacks are uneven.
const WAIT_SMOOTHING: f64 = 0.06;
/// What lies in the ear's hand is up to a tick, and is no reason to hurry.
const TOO_LONG_NS: i64 = 10_000_000;
const TOO_SHORT_NS: i64 = 6_000_000;
/// Packets of the run before may still be under way for as long.
const FORMER_RUN_NS: i64 = 2_000_000_000;
/// A second of packets that are far behind.
const BEHIND_MAX: u32 = 100;
/// At most 150 packets a second: half as many again as anybody sends.
const TOKEN_NS: i64 = 1_000_000_000 / 150;
/// And 300 at once, after a path that stood for three seconds.
const TOKENS_MAX_NS: i64 = 300 * TOKEN_NS;

#[cfg(test)]
mod tests;
