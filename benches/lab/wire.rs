//! What happens to a packet between two participants: pure, with time as an argument.
//!
//! Everybody hangs on a middle by a line of their own. A packet goes up its sender's line and down its receiver's; each of the two waits for its turn (rate), may
//! be refused (a drop-tail queue of [`QUEUE_NS`]) or lost, and takes half of the delay and half of the jitter. Nothing overtakes anything on the same line.

use std::{cmp::Reverse, collections::BinaryHeap};

/// One direction of a participant's line. Delay, jitter and loss are those of a path of two alike, of which each makes one half.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Way {
    /// One way between two participants.
    pub(crate) delay_ms: f64,
    /// At most so much more or less.
    pub(crate) jitter_ms: f64,
    /// Part of the packets between two participants, 0 to 1.
    pub(crate) loss: f64,
    /// None: as fast as the machine.
    pub(crate) rate_mbit: Option<f64>,
}

impl Way {
    /// With this delay and nothing else.
    pub(crate) fn delay(delay_ms: f64) -> Self {
        Self { delay_ms, ..Self::default() }
    }

    pub(crate) fn rate(self, mbit: f64) -> Self {
        Self { rate_mbit: Some(mbit), ..self }
    }

    fn half_loss(&self) -> f64 {
        1.0 - (1.0 - self.loss).max(0.0).sqrt()
    }
}

/// What the line of a participant is like.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Line {
    pub(crate) up: Way,
    pub(crate) down: Way,
}

impl From<Way> for Line {
    /// The same in both directions.
    fn from(way: Way) -> Self {
        Self { up: way, down: way }
    }
}

/// All lines and what is on them.
pub(crate) struct Wires {
    /// Up and down.
    lines: Vec<[Side; 2]>,
    events: BinaryHeap<Reverse<Due>>,
    count: u64,
    random: u64,
    /// Packets refused by a full queue, and lost on purpose.
    pub(crate) dropped: u64,
    pub(crate) lost: u64,
}

impl Wires {
    /// A line for each participant.
    pub(crate) fn new(lines: &[Line]) -> Self {
        let lines = lines.iter().map(|line| [Side::new(line.up), Side::new(line.down)]).collect();
        Self { lines, events: BinaryHeap::new(), count: 0, random: 0x9E37_79B9_7F4A_7C15, dropped: 0, lost: 0 }
    }

    /// A packet leaves `from` at `now_ns`.
    pub(crate) fn send(&mut self, now_ns: i64, from: usize, to: usize, packet: Box<[u8]>) {
        let random = [self.random(), self.random()];
        match self.lines[from][0].pass(now_ns, packet.len(), random) {
            Fate::Arrives(at_ns) => self.push(at_ns, Place::Middle { to }, packet),
            Fate::Dropped => self.dropped += 1,
            Fate::Lost => self.lost += 1,
        }
    }

    /// The next packet that has arrived by `now_ns`, with the instant it was due and whose it is.
    pub(crate) fn arrived(&mut self, now_ns: i64) -> Option<(i64, usize, Box<[u8]>)> {
        while self.events.peek().is_some_and(|Reverse(due)| due.at_ns <= now_ns) {
            let Reverse(Due { at_ns, place, packet, .. }) = self.events.pop()?;
            let to = match place {
                Place::Door { to } => return Some((at_ns, to, packet)),
                Place::Middle { to } => to,
            };
            let random = [self.random(), self.random()];
            match self.lines[to][1].pass(at_ns, packet.len(), random) {
                Fate::Arrives(at_ns) => self.push(at_ns, Place::Door { to }, packet),
                Fate::Dropped => self.dropped += 1,
                Fate::Lost => self.lost += 1,
            }
        }
        None
    }

    /// When something happens next.
    pub(crate) fn next_ns(&self) -> Option<i64> {
        self.events.peek().map(|Reverse(due)| due.at_ns)
    }

    fn push(&mut self, at_ns: i64, place: Place, packet: Box<[u8]>) {
        self.count += 1;
        self.events.push(Reverse(Due { at_ns, number: self.count, place, packet }));
    }

    /// From 0 to 1 (Marsaglia's xorshift).
    fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One direction of a line, and how it is used.
struct Side {
    way: Way,
    /// When the last bit of what was taken has left.
    free_ns: i64,
    /// When the last packet arrives at the other end.
    last_ns: i64,
}

impl Side {
    fn new(way: Way) -> Self {
        Self { way, free_ns: 0, last_ns: 0 }
    }

    fn pass(&mut self, now_ns: i64, bytes: usize, [chance, wobble]: [f64; 2]) -> Fate {
        let mut left_ns = now_ns;
        if let Some(mbit) = self.way.rate_mbit {
            if self.free_ns - now_ns > QUEUE_NS {
                return Fate::Dropped;
            }
            left_ns = self.free_ns.max(now_ns) + (bytes as f64 * 8e3 / mbit) as i64;
            self.free_ns = left_ns;
        }
        // What is lost has taken its time on the line.
        if chance < self.way.half_loss() {
            return Fate::Lost;
        }
        let half_ms = self.way.delay_ms / 2.0 + (wobble - 0.5) * self.way.jitter_ms;
        self.last_ns = self.last_ns.max(left_ns + (half_ms.max(0.0) * 1e6) as i64);
        Fate::Arrives(self.last_ns)
    }
}

enum Fate {
    Arrives(i64),
    Dropped,
    Lost,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at_ns: i64,
    number: u64,
    place: Place,
    packet: Box<[u8]>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Up one's line, before the other's.
    Middle {
        to: usize,
    },
    Door {
        to: usize,
    },
}

/// What a queue holds at its line's rate.
const QUEUE_NS: i64 = 100_000_000;
