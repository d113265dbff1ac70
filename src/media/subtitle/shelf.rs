/// What is known of one track, in the order of film time; bounded, each thing once.
///
/// When it is full, what is farthest from the newest thing goes: the film will read it again when it comes there.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    things: Vec<Placed<T>>,
    bytes: usize,
    bytes_max: usize,
    count_max: usize,
}

/// A thing and when it is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed<T> {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    bytes: usize,
    pub(super) thing: T,
}

impl<T: PartialEq> Shelf<T> {
    pub(super) const fn new(bytes_max: usize, count_max: usize) -> Self {
        Self { things: Vec::new(), bytes: 0, bytes_max, count_max }
    }

    /// Puts a thing in its place; returns whether it was new.
    pub(super) fn put(&mut self, start_ms: i64, end_ms: i64, bytes: usize, thing: T) -> bool {
        if bytes > self.bytes_max {
            return false;
        }
        let after = self.things.partition_point(|placed| placed.start_ms <= start_ms);
        let of_same_start = self.things[..after].iter().rev().take_while(|placed| placed.start_ms == start_ms).take(SAME_START_MAX);
        let mut count = 0;
        for placed in of_same_start {
            if placed.end_ms == end_ms && placed.thing == thing {
                return false;
            }
            count += 1;
        }
        if count == SAME_START_MAX {
            return false;
        }
        self.things.insert(after, Placed { start_ms, end_ms, bytes, thing });
        self.bytes += bytes;
        if self.bytes > self.bytes_max || self.things.len() > self.count_max {
            self.make_room(start_ms);
        }
        true
    }

    /// Lets an eighth go, each time at the end that is farther away, so that it need not be done for each thing.
    fn make_room(&mut self, near_ms: i64) {
        let (bytes_max, count_max) = (self.bytes_max / 8 * 7, self.count_max / 8 * 7);
        let (mut low, mut high) = (0, self.things.len());
        while high - low > 1 && (self.bytes > bytes_max || high - low > count_max) {
            let is_first_farther = near_ms.abs_diff(self.things[low].start_ms) >= near_ms.abs_diff(self.things[high - 1].start_ms);
            let gone = if is_first_farther { low } else { high - 1 };
            self.bytes -= self.things[gone].bytes;
            if is_first_farther {
                low += 1;
            } else {
                high -= 1;
            }
        }
        self.things.truncate(high);
        self.things.drain(..low);
    }

    pub(super) fn all(&self) -> &[Placed<T>] {
        &self.things
    }

    /// How many begin at a time or before.
    pub(super) fn begun_at(&self, ms: i64) -> usize {
        self.things.partition_point(|placed| placed.start_ms <= ms)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.things.is_empty()
    }
}

/// Scripts draw hundreds of things at one time; thousands are an attack.
const SAME_START_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_sorted_bounded_and_has_each_thing_once(things in prop::collection::vec((0_i64..50, 0_u8..4, 1_usize..40), 0..300)) {
            let mut shelf = Shelf::new(1000, 60);
            for (start_ms, thing, bytes) in things {
                shelf.put(start_ms, start_ms + 1, bytes, thing);
                let all = shelf.all();
                prop_assert!(all.is_sorted_by_key(|placed| placed.start_ms));
                prop_assert!(all.len() <= 60 && all.iter().map(|placed| placed.bytes).sum::<usize>() <= 1000);
                prop_assert_eq!(all.iter().map(|placed| placed.bytes).sum::<usize>(), shelf.bytes);
                prop_assert!(all.iter().any(|placed| placed.start_ms == start_ms && placed.thing == thing), "the newest stays");
                for (index, placed) in all.iter().enumerate() {
                    prop_assert!(!all[..index].iter().any(|other| other.start_ms == placed.start_ms && other.thing == placed.thing));
                }
            }
        }
    }

    #[test]
    fn what_is_far_away_goes_first() {
        let mut shelf = Shelf::new(usize::MAX, 16);
        for ms in 0..16 {
            assert!(shelf.put(ms, ms, 1, ms));
        }
        shelf.put(16, 16, 1, 16);
        assert_eq!((shelf.all()[0].start_ms, shelf.all().last().unwrap().start_ms), (3, 16));
        for ms in [2, 1, 0] {
            shelf.put(ms, ms, 1, ms);
        }
        assert_eq!(shelf.all()[0].start_ms, 0);
        assert!(shelf.all().last().unwrap().start_ms < 16);
        assert_eq!((shelf.begun_at(5), shelf.begun_at(-1)), (6, 0));
    }
}
