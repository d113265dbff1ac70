use std::sync::atomic::{
    AtomicI64, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// What leaves the loudspeaker at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Place in the film, in nanoseconds.
    pub film_ns: i64,
    /// Whether the film moves; it does not while it stands, waits for samples or has ended.
    pub playing: bool,
    /// Whether the film is over.
    pub ended: bool,
    /// The number `Feed::cue` answered for the ring this is of.
    pub cue: u32,
}

/// A piece of the line from monotonic time to film time, as it was rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
    /// At the start; film time as rendered at the end stands in `end_film_ns`, and beyond the end nothing is known to move.
    pub(super) film: Heard,
    pub(super) end_film_ns: i64,
}

impl Segment {
    fn at(&self, now_ns: i64) -> Heard {
        let length = (self.end_ns - self.start_ns).max(1);
        let passed = now_ns.saturating_sub(self.start_ns).clamp(0, length);
        let moved = (self.end_film_ns - self.film.film_ns) as f64 * passed as f64 / length as f64;
        Heard { film_ns: self.film.film_ns + moved as i64, ..self.film }
    }
}

/// The last segments, written by the audio callback and read by anyone; neither ever waits for the other.
///
/// Callbacks are rendered ahead of the time they are heard, so `now` usually lies some segments back. Each place carries the number of the
/// segment in it (odd while it is being written): a reader that was overtaken sees another number and knows.
pub(super) struct History {
    places: Box<[Place]>,
    written: AtomicU64,
}

impl Default for History {
    fn default() -> Self {
        Self { places: (0..SEGMENTS).map(|_| Place::default()).collect(), written: AtomicU64::new(0) }
    }
}

impl History {
    /// For one writer only.
    pub(super) fn push(&self, segment: &Segment) {
        let number = self.written.load(Relaxed);
        let place = &self.places[(number % SEGMENTS) as usize];
        place.number.store(2 * number + 1, Relaxed);
        fence(Release);
        let film = segment.film;
        let state = i64::from(film.cue) << 2 | i64::from(film.playing) << 1 | i64::from(film.ended);
        for (word, value) in place.words.iter().zip([segment.start_ns, segment.end_ns, film.film_ns, segment.end_film_ns, state]) {
            word.store(value, Relaxed);
        }
        place.number.store(2 * number + 2, Release);
        self.written.store(number + 1, Release);
    }

    /// What is heard at `now_ns`; nothing before the first segment.
    pub(super) fn at(&self, now_ns: i64) -> Option<Heard> {
        let written = self.written.load(Acquire);
        let oldest = written.saturating_sub(SEGMENTS);
        let mut earliest = None;
        for segment in (oldest..written).rev().map_while(|number| self.read(number)) {
            if segment.start_ns <= now_ns {
                return Some(segment.at(now_ns));
            }
            earliest = Some(segment);
        }
        // A latency longer than the whole history: the nearest that is known.
        earliest.filter(|_| oldest > 0).map(|segment| segment.at(now_ns))
    }

    /// When the last thing rendered will have been heard.
    pub(super) fn end_ns(&self) -> Option<i64> {
        let written = self.written.load(Acquire);
        self.read(written.checked_sub(1)?).map(|segment| segment.end_ns)
    }

    fn read(&self, number: u64) -> Option<Segment> {
        let place = &self.places[(number % SEGMENTS) as usize];
        let before = place.number.load(Acquire);
        let [start_ns, end_ns, film_ns, end_film_ns, state] = std::array::from_fn(|word| place.words[word].load(Relaxed));
        fence(Acquire);
        let whole = before == 2 * number + 2 && place.number.load(Relaxed) == before;
        let film = Heard { film_ns, playing: state & 2 != 0, ended: state & 1 != 0, cue: (state >> 2) as u32 };
        whole.then_some(Segment { start_ns, end_ns, film, end_film_ns })
    }
}

#[derive(Default)]
struct Place {
    number: AtomicU64,
    words: [AtomicI64; 5],
}

/// Two and a half seconds of callbacks: more than the worst latency seen (PulseAudio's default of two).
const SEGMENTS: u64 = 256;
