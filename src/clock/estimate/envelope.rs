/// The straight line of the offset between two clocks that one-way delays allow, with its rate.
///
/// A delay is never too short, so the truth lies under every forward point and over every backward one; the best line for each direction lies on the lower convex
/// hull of its points. After Moon, Skelly, Towsley, *Estimation and Removal of Clock Skew from Network Delay Measurements* (INFOCOM 1999) and, for the hull, Zhang,
/// Liu, Xia, *Clock Synchronization Algorithms for Network Measurements* (INFOCOM 2002). Ours is both directions at once with one rate: their mean times cancel, and what
/// is left to maximise is the gap between the two lines, which is the least round trip. The sum of excess delays is a likelihood (of exponential noise), so what is
/// already known of the rate enters as a normal prior, which decides while there are few points.
///
/// `other` holds points whose floors are elsewhere (another path, a standing queue): they say nothing of the offset but something of the rate. Points are ordered by
/// time; `around` is the rate at which the noise is judged, the last fit's. No points give a line at zero.
pub(super) fn fit(points: [&[Point]; 2], other: [&[Point]; 2], prior: Drift, around: f64, now_ns: f64) -> Line {
    let (all, other) = (Gap::new(points, around, now_ns), Gap::new(other, around, now_ns));
    let log_likelihood = |rate: f64| {
        let surprise = (rate - prior.rate) / prior.error;
        all.weight() * all.round_trip_ns(rate) + other.weight() * other.round_trip_ns(rate) - surprise * surprise / 2.0
    };
    let best = maximum(log_likelihood);
    let edge = log_likelihood(best) - 1.0;
    let [low, high] = [-RATE_MAX, RATE_MAX].map(|limit| boundary(|rate| log_likelihood(rate) > edge, best, limit));
    let likely = f64::midpoint(low, high);
    // Delays are not negative: what is only likely gives way to that.
    let rate = if all.round_trip_ns(likely) < 0.0 { maximum(|rate| all.round_trip_ns(rate)) } else { likely };
    let [forward_ns, backward_ns] = all.floors_ns(rate);
    Line {
        at_ns: now_ns,
        offset_ns: (forward_ns - backward_ns) / 2.0,
        drift: Drift { rate, error: ((high - low) / 2.0).max(f64::EPSILON) },
        round_trip_ns: forward_ns + backward_ns,
        forward_ns,
        backward_ns,
        error_ns: (all.offset_ns(high) - all.offset_ns(low)).abs() + 0.75 * (all.spread_ns[0] + all.spread_ns[1]),
    }
}

/// The space between the points of both directions.
struct Gap {
    /// The backward one runs against time, so that both rise with the same rate.
    hulls: [Vec<Point>; 2],
    spread_ns: [f64; 2],
    now_ns: f64,
}

impl Gap {
    fn new([forward, backward]: [&[Point]; 2], around: f64, now_ns: f64) -> Self {
        let mirrored: Vec<Point> = backward.iter().map(|point| Point { at_ns: -point.at_ns, ..*point }).rev().collect();
        let spread_ns = [spread_ns(forward, around, now_ns), spread_ns(&mirrored, around, -now_ns)];
        Self { hulls: [lower_hull(forward), lower_hull(&mirrored)], spread_ns, now_ns }
    }

    fn floors_ns(&self, rate: f64) -> [f64; 2] {
        let [forward, backward] = &self.hulls;
        [floor_ns(forward, rate, self.now_ns), floor_ns(backward, rate, -self.now_ns)]
    }

    fn round_trip_ns(&self, rate: f64) -> f64 {
        let [forward, backward] = self.floors_ns(rate);
        forward + backward
    }

    fn offset_ns(&self, rate: f64) -> f64 {
        let [forward, backward] = self.floors_ns(rate);
        (forward - backward) / 2.0
    }

    /// What a nanosecond of gap is worth.
    fn weight(&self) -> f64 {
        2.0 / (self.spread_ns[0] + self.spread_ns[1])
    }
}

/// The lower convex hull of points ordered by time (Andrew's monotone chain).
fn lower_hull(points: &[Point]) -> Vec<Point> {
    let mut hull: Vec<Point> = Vec::with_capacity(16);
    for &point in points {
        while let [.., a, b] = hull[..] {
            if (b.at_ns - a.at_ns) * (point.delay_ns - a.delay_ns) > (point.at_ns - a.at_ns) * (b.delay_ns - a.delay_ns) {
                break;
            }
            hull.pop();
        }
        hull.push(point);
    }
    hull
}

/// Where the line of this rate that touches the hull from below is now.
fn floor_ns(hull: &[Point], rate: f64, now_ns: f64) -> f64 {
    hull.iter().map(|point| point.above(rate, now_ns)).reduce(f64::min).unwrap_or(0.0)
}

/// By how much a floor is probably too high: the density of the points just above it says.
fn spread_ns(points: &[Point], rate: f64, now_ns: f64) -> f64 {
    let mut above: Vec<f64> = points.iter().map(|point| point.above(rate, now_ns)).collect();
    let Some(nth) = (above.len() / 4).checked_sub(1).map(|n| (n + 1).min(NEAR_FLOOR)) else { return SPREAD_UNKNOWN_NS };
    let (below, &mut nth_ns, _) = above.select_nth_unstable_by(nth, f64::total_cmp);
    let floor_ns = below.iter().copied().reduce(f64::min).unwrap_or(nth_ns);
    ((nth_ns - floor_ns) / nth as f64).max(SPREAD_MIN_NS)
}

/// The rate with the greatest value of a strictly concave function.
fn maximum(value: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-RATE_MAX, RATE_MAX);
    for _ in 0..SEARCH_STEPS {
        let third = (high - low) / 3.0;
        let (left, right) = (low + third, high - third);
        if value(left) < value(right) { low = left } else { high = right }
    }
    f64::midpoint(low, high)
}

/// How far towards `limit` a property of `best` reaches.
fn boundary(holds: impl Fn(f64) -> bool, best: f64, limit: f64) -> f64 {
    let (mut inside, mut outside) = (best, limit);
    for _ in 0..SEARCH_STEPS / 2 {
        let middle = f64::midpoint(inside, outside);
        if holds(middle) { inside = middle } else { outside = middle }
    }
    inside
}

/// One measured delay: receiver's clock minus sender's, at a local time; all relative to some reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at_ns: f64,
    pub(super) delay_ns: f64,
}

impl Point {
    /// The delay as it would have been measured now, had the clocks drifted so.
    fn above(&self, rate: f64, now_ns: f64) -> f64 {
        self.delay_ns - rate * (self.at_ns - now_ns)
    }
}

/// How fast the offset grows (ns per ns), and how much of that is uncertain (one standard deviation).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drift {
    pub(super) rate: f64,
    pub(super) error: f64,
}

/// What the points say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    at_ns: f64,
    offset_ns: f64,
    pub(super) drift: Drift,
    /// The sum of both floors; below zero if no line fits.
    pub(super) round_trip_ns: f64,
    forward_ns: f64,
    backward_ns: f64,
    /// How wrong the offset probably is here, a difference between the two ways apart.
    pub(super) error_ns: f64,
}

impl Line {
    /// Host's clock minus ours at a local time.
    pub(super) fn offset_ns(&self, at_ns: f64) -> f64 {
        self.offset_ns + self.drift.rate * (at_ns - self.at_ns)
    }

    /// How much longer than the shortest the two ways took.
    pub(super) fn excess_ns(&self, at_ns: f64, forward_ns: f64, backward_ns: f64) -> [f64; 2] {
        let drifted_ns = self.drift.rate * (at_ns - self.at_ns);
        [forward_ns - drifted_ns - self.forward_ns, backward_ns + drifted_ns - self.backward_ns]
    }
}

/// Clocks of computers differ by less than 300 ppm; a clock being steered by its system, by up to 500.
const RATE_MAX: f64 = 600e-6;
/// (2/3)^64 of the range is far below a nanosecond a minute.
const SEARCH_STEPS: usize = 64;
/// How many points above the floor tell its density.
const NEAR_FLOOR: usize = 8;
/// Software cannot stamp better than this.
const SPREAD_MIN_NS: f64 = 2_000.0;
/// Before anything is known.
const SPREAD_UNKNOWN_NS: f64 = 5_000_000.0;
