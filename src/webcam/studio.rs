//! Which pictures of one's own camera are coded, for whom, and when a group of them begins or is given up. Pure: time and what the network took are arguments.
//!
//! There are three [`Layer`]s, each with an encoder of its own while somebody watches it: who sits near gets the fine one, who is far or looks away a coarse one that
//! costs a twentieth. A picture is left out *before* the encoder, when it is late or no watcher could take it; what was coded goes to everybody whose group it
//! belongs to, because the pictures after it need it.
//!
//! Whoever comes to a layer gets its group from the beginning, on a stream of their own and at once, so that their coming costs the others no key frame. If the
//! group is already too long for that, they wait for the next one and meanwhile keep the layer that they have. Only whoever has nothing, or lost what they had,
//! gets a key frame made.
//!
//! Rejected: one stream thinned out for far watchers (its pictures need each other); layers inside one stream (FFmpeg's way to them differs by version, and a small
//! picture is cheaper still); slowing everybody down for the slowest watcher.

use std::collections::BTreeMap;

use super::{
    group::GroupOrder,
    kept::Kept,
    layer::Layer,
    watcher::{Need, Open, Sent, Watcher},
};
use crate::{media::FACE_RATE, net::ParticipantId};

/// Decides what is coded and who gets it.
#[derive(Debug)]
pub struct Studio {
    generation: u32,
    watchers: BTreeMap<ParticipantId, Watcher>,
    layers: [LayerState; 3],
    /// Groups so far, of all layers.
    groups: u32,
    next_preview_ns: Option<i64>,
}

impl Studio {
    /// For a camera that was turned on; each time with a greater generation.
    #[must_use]
    pub fn new(generation: u32) -> Self {
        Self { generation, watchers: BTreeMap::new(), layers: Default::default(), groups: 0, next_preview_ns: None }
    }

    /// Somebody watches by another layer than before, or no longer. They keep what they get until the new layer begins for them.
    ///
    /// Returns the group that ends with this, if there is one.
    pub fn watch(&mut self, who: ParticipantId, layer: Option<Layer>) -> Option<GroupOrder> {
        let Some(layer) = layer else { return self.watchers.remove(&who).and_then(|watcher| watcher.open).map(|open| open.order) };
        if self.watchers.len() < WATCHERS_MAX || self.watchers.contains_key(&who) {
            self.watchers.entry(who).or_insert_with(|| Watcher::new(layer)).wants = layer;
        }
        None
    }

    /// Somebody needs a key frame to go on.
    pub fn ask_key(&mut self, who: ParticipantId) {
        if let Some(watcher) = self.watchers.get_mut(&who) {
            watcher.asks = true;
        }
    }

    /// Somebody cannot be reached now, or can again: what they had is gone with the line. Whoever cannot be reached costs nothing.
    pub fn reach(&mut self, who: ParticipantId, is_here: bool) {
        if let Some(watcher) = self.watchers.get_mut(&who) {
            *watcher = Watcher { is_here, ..Watcher::new(watcher.wants) };
        }
    }

    /// The network took everything that somebody gets of the group up to this part (see [`Send::part`]).
    pub fn taken(&mut self, who: ParticipantId, order: GroupOrder, part: u32) {
        if let Some(watcher) = self.watchers.get_mut(&who)
            && watcher.open.is_some_and(|open| open.order == order)
        {
            watcher.under_way.retain(|sent| sent.part > part);
        }
    }

    /// What is to be done with a picture taken at `captured_ns`.
    pub fn plan(&mut self, captured_ns: i64, now_ns: i64) -> Plan {
        let mut plan = Plan { previews: false, cuts: Vec::new(), given_up: self.give_up(now_ns) };
        if now_ns.saturating_sub(captured_ns) > LATE_NS {
            return plan;
        }
        plan.previews = is_due(&mut self.next_preview_ns, captured_ns, PERIOD_NS);
        for layer in Layer::ALL {
            let state = &mut self.layers[layer as usize];
            let mut watching = self.watchers.values().filter(|watcher| watcher.is_of(layer)).peekable();
            if watching.peek().is_none() {
                // Nobody's next key frame is its first.
                *state = LayerState { last_key_ns: state.last_key_ns, ..LayerState::default() };
                continue;
            }
            let since_key_ns = state.last_key_ns.map_or(i64::MAX, |last_ns| captured_ns.saturating_sub(last_ns));
            let any = |need: Need| self.watchers.values().any(|watcher| watcher.need(layer, state.kept.is_some(), now_ns) == need);
            let (is_asked, is_joined) = (any(Need::KeyFrame), any(Need::Beginning));
            // A layer that somebody has just come back to may have had its key frame a moment ago.
            let may_be_key = since_key_ns >= KEY_PERIOD_NS;
            let is_key = may_be_key && (state.group.is_none() || is_asked || since_key_ns >= GROUP_NS);
            let has_it = |watcher: &Watcher| watcher.open.is_some_and(|open| Some(open.of) == state.group);
            let goes_on = is_joined || self.watchers.values().any(has_it);
            let is_taken = watching.any(|watcher| !watcher.is_full(now_ns));
            if !is_taken || !(is_key || goes_on) || !is_due(&mut state.next_ns, captured_ns, layer.period_ns()) {
                continue;
            }
            if is_key {
                state.last_key_ns = Some(captured_ns);
            }
            plan.cuts.push(Cut { layer, is_key });
        }
        plan
    }

    /// Who gets a coded picture, given as it is sent, and as what. A key frame begins a group, also one that the encoder made by itself.
    pub fn coded(&mut self, layer: Layer, is_key: bool, picture: &[u8], now_ns: i64) -> Coded {
        let Self { generation, watchers, layers, groups, .. } = self;
        let state = &mut layers[layer as usize];
        if is_key {
            state.group = Some(next_order(*generation, groups));
            state.kept = Some(Kept::default());
        }
        let Some(group) = state.group else { return Coded::default() };
        let mut sends = Vec::new();
        for (who, watcher) in watchers {
            let begins = if is_key {
                watcher.is_of(layer).then_some(group)
            } else if watcher.need(layer, state.kept.is_some(), now_ns) == Need::Beginning {
                // Greater than all they have had, or they would take it for an old one.
                Some(next_order(*generation, groups))
            } else {
                None
            };
            let ends = begins.and_then(|order| watcher.begin(Open { layer, of: group, order, parts: 0 }));
            let Some(open) = watcher.open.as_mut().filter(|open| open.of == group) else { continue };
            sends.push(Send { to: *who, order: open.order, part: open.parts, ends });
            watcher.under_way.push_back(Sent { part: open.parts, sent_ns: now_ns });
            open.parts += 1;
        }
        let has_newcomers = sends.iter().any(|send| send.part == 0);
        let before = state.kept.as_ref().filter(|_| has_newcomers).map_or_else(Vec::new, |kept| kept.bytes().to_vec());
        state.kept = state.kept.take().and_then(|kept| kept.and(picture));
        Coded { before, sends }
    }

    /// The encoder failed: its layer begins anew with a key frame.
    pub fn failed(&mut self, layer: Layer) {
        let state = &mut self.layers[layer as usize];
        (state.group, state.kept) = (None, None);
    }

    /// Nothing more can be sent to somebody in this group, for another reason than its age. They get the next one.
    pub fn abandon(&mut self, who: ParticipantId) -> Option<GroupOrder> {
        self.watchers.get_mut(&who)?.lose()
    }

    /// How many watch by this layer.
    #[must_use]
    pub fn watching(&self, layer: Layer) -> usize {
        self.watchers.values().filter(|watcher| watcher.is_of(layer)).count()
    }

    /// Who watches, and by which layer: for “what is sent to whom”.
    pub fn watchers(&self) -> impl Iterator<Item = (ParticipantId, Layer)> {
        self.watchers.iter().map(|(who, watcher)| (*who, watcher.wants))
    }

    /// Groups of which something has waited for too long.
    fn give_up(&mut self, now_ns: i64) -> Vec<(ParticipantId, GroupOrder)> {
        let mut given_up = Vec::new();
        for (who, watcher) in &mut self.watchers {
            if watcher.backlog_ns(now_ns) > GIVE_UP_NS || watcher.under_way.len() > UNDER_WAY_MAX {
                given_up.extend(watcher.lose().map(|order| (*who, order)));
            }
        }
        given_up
    }
}

/// What to do with a picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether its owner sees it.
    pub previews: bool,
    /// As what it is coded.
    pub cuts: Vec<Cut>,
    /// Whose groups are given up, to be reset.
    pub given_up: Vec<(ParticipantId, GroupOrder)>,
}

/// A picture for one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Which.
    pub layer: Layer,
    /// Whether it stands alone.
    pub is_key: bool,
}

/// Who gets a coded picture.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Coded {
    /// The pictures of the group before this one, which go before it to those whose part is their first.
    pub before: Vec<u8>,
    /// To whom it goes.
    pub sends: Vec<Send>,
}

/// One of those who get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Send {
    /// Who.
    pub to: ParticipantId,
    /// As what group they get it: whoever came late has a number of their own.
    pub order: GroupOrder,
    /// Its place in what they get of the group; 0 begins a stream.
    pub part: u32,
    /// Their group before this one, which is over.
    pub ends: Option<GroupOrder>,
}

#[derive(Debug, Default)]
struct LayerState {
    group: Option<GroupOrder>,
    /// `None` once it is too much to be given to whoever comes.
    kept: Option<Kept>,
    next_ns: Option<i64>,
    last_key_ns: Option<i64>,
}

fn next_order(generation: u32, groups: &mut u32) -> GroupOrder {
    let order = GroupOrder { generation, group: *groups };
    *groups = groups.wrapping_add(1);
    order
}

/// Whether a picture is due, and if so, that it was taken. Cameras have a rhythm of their own: one that comes a little early counts, and a mean rate is kept.
fn is_due(due_ns: &mut Option<i64>, captured_ns: i64, period_ns: i64) -> bool {
    let due = due_ns.unwrap_or(captured_ns);
    // A camera whose clock leapt back begins anew.
    if captured_ns < due - period_ns / 4 && due - captured_ns < period_ns * 4 {
        return false;
    }
    let is_in_rhythm = (captured_ns - due).abs() < period_ns;
    *due_ns = Some(if is_in_rhythm { due } else { captured_ns } + period_ns);
    true
}

const PERIOD_NS: i64 = 1_000_000_000 / FACE_RATE as i64;
/// A picture older than this when its turn comes is not worth coding: the next one is already there.
const LATE_NS: i64 = 150_000_000;
/// Whoever has waited so long gets nothing more of the group.
const GIVE_UP_NS: i64 = 200_000_000;
/// However many ask.
const KEY_PERIOD_NS: i64 = 1_000_000_000;
/// Long enough that key frames cost little, short enough that damage nobody noticed goes by.
///
/// Longer ones save little at a fixed rate, and a line that is too thin is only known when a group has ended.
const GROUP_NS: i64 = 3_000_000_000;
/// More than any room.
const WATCHERS_MAX: usize = 64;
/// Some seconds of pictures of which the network said nothing.
const UNDER_WAY_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: i64 = 1_000_000;
    /// Of a group twenty of them are kept.
    const PICTURE_BYTES: usize = 1024;

    fn person(number: u8) -> ParticipantId {
        ParticipantId::from_bytes([number; 32])
    }

    /// A camera of so many pictures a second, whose coded pictures the network takes at once but for those of `slow`.
    struct Filming {
        studio: Studio,
        now_ns: i64,
        slow: Option<ParticipantId>,
        keys: Vec<(Layer, i64)>,
        sent: Vec<(ParticipantId, Layer, i64)>,
        given_up: Vec<(ParticipantId, i64)>,
        /// Who got a group from its beginning, and how many pictures at once before the newest.
        caught_up: Vec<(ParticipantId, usize)>,
    }

    impl Filming {
        fn new() -> Self {
            let studio = Studio::new(1);
            Self { studio, now_ns: 0, slow: None, keys: Vec::new(), sent: Vec::new(), given_up: Vec::new(), caught_up: Vec::new() }
        }

        fn film(&mut self, rate: i64, pictures: i64) {
            for _ in 0..pictures {
                self.now_ns += 1_000_000_000 / rate;
                let plan = self.studio.plan(self.now_ns, self.now_ns);
                self.given_up.extend(plan.given_up.iter().map(|(who, _)| (*who, self.now_ns)));
                for cut in plan.cuts {
                    if cut.is_key {
                        self.keys.push((cut.layer, self.now_ns));
                    }
                    let coded = self.studio.coded(cut.layer, cut.is_key, &[7; PICTURE_BYTES], self.now_ns);
                    for send in coded.sends {
                        self.sent.push((send.to, cut.layer, self.now_ns));
                        if send.part == 0 && !cut.is_key {
                            self.caught_up.push((send.to, coded.before.len() / PICTURE_BYTES));
                        }
                        if Some(send.to) != self.slow {
                            self.studio.taken(send.to, send.order, send.part);
                        }
                    }
                }
            }
        }

        fn count(&self, who: u8, layer: Layer) -> usize {
            self.sent.iter().filter(|sent| (sent.0, sent.1) == (person(who), layer)).count()
        }
    }

    #[test]
    fn whatever_the_cameras_rate_a_layer_has_its_own() {
        for (rate, [near, far, glimpse]) in
            [(15, [150, 50, 10]), (24, [149, 50, 10]), (25, [149, 50, 10]), (30, [150, 50, 10]), (60, [150, 50, 10]), (10, [100, 50, 10])]
        {
            let mut filming = Filming::new();
            for (number, layer) in [(1, Layer::Near), (2, Layer::Far), (3, Layer::Glimpse)] {
                filming.studio.watch(person(number), Some(layer));
            }
            filming.film(rate, rate * 10);
            let counts = [(1, Layer::Near, near), (2, Layer::Far, far), (3, Layer::Glimpse, glimpse)];
            for (number, layer, expected) in counts {
                let found = filming.count(number, layer);
                assert!(found.abs_diff(expected) <= 4, "{found} pictures of {layer:?} from a camera of {rate}");
            }
        }
    }

    #[test]
    fn nobody_watching_costs_no_picture_but_ones_own() {
        let mut filming = Filming::new();
        filming.film(30, 60);
        assert!(filming.sent.is_empty() && filming.keys.is_empty());
        let previews = (0..30).filter(|k| filming.studio.plan(filming.now_ns + k * 33_333_333, filming.now_ns).previews).count();
        assert!((14..=16).contains(&previews), "{previews}");
    }

    #[test]
    fn a_key_frame_comes_first_and_then_with_each_group() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.film(15, 150);
        assert_eq!((filming.keys.len(), filming.keys[0].1 / MS), (4, 66));
        assert!(filming.keys.windows(2).all(|pair| (2900..3100).contains(&((pair[1].1 - pair[0].1) / MS))), "{:?}", filming.keys);
    }

    #[test]
    fn key_frames_for_whoever_asks_are_one_a_second_for_all() {
        let mut filming = Filming::new();
        for number in 0..8 {
            filming.studio.watch(person(number), Some(Layer::Near));
        }
        for k in 0..150 {
            filming.studio.ask_key(person(k % 8));
            filming.studio.ask_key(person(99));
            filming.film(15, 1);
        }
        assert!((9..=11).contains(&filming.keys.len()), "{} key frames in ten seconds", filming.keys.len());
        assert!(filming.keys.windows(2).all(|pair| pair[1].1 - pair[0].1 >= 990 * MS));
    }

    #[test]
    fn whoever_comes_later_gets_the_group_from_its_beginning_and_the_others_go_on() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.film(15, 12);
        filming.studio.watch(person(2), Some(Layer::Near));
        filming.film(15, 1);
        assert_eq!((filming.keys.len(), filming.count(1, Layer::Near), filming.count(2, Layer::Near)), (1, 13, 1));
        assert_eq!(filming.caught_up, [(person(2), 12)]);
        // The third comes when too much of it was sent: whoever has nothing gets a key frame.
        filming.film(15, 20);
        filming.studio.watch(person(3), Some(Layer::Near));
        filming.film(15, 1);
        assert_eq!((filming.keys.len(), filming.caught_up.len(), filming.count(3, Layer::Near)), (2, 1, 1));
        assert_eq!(filming.count(1, Layer::Near), 34);
    }

    #[test]
    fn whoever_has_another_layer_waits_for_the_next_group() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.studio.watch(person(2), Some(Layer::Far));
        filming.film(15, 30);
        filming.studio.watch(person(2), Some(Layer::Near));
        filming.film(15, 14);
        assert_eq!((filming.keys.len(), filming.caught_up.len(), filming.count(2, Layer::Near)), (2, 0, 0), "one for each layer");
        assert!(filming.count(2, Layer::Far) >= 14, "the coarse one goes on");
        filming.film(15, 4);
        assert_eq!((filming.keys.len(), filming.keys.last().map(|key| key.0)), (3, Some(Layer::Near)));
        assert!(filming.count(2, Layer::Near) >= 1 && filming.studio.watching(Layer::Far) == 0);
    }

    #[test]
    fn many_who_turn_to_and_fro_cost_nobody_a_key_frame() {
        let mut filming = Filming::new();
        for number in 0..8 {
            filming.studio.watch(person(number), Some(if number < 4 { Layer::Near } else { Layer::Far }));
        }
        for turn in 0..90 {
            let layer = if turn % 2 == 0 { Layer::Far } else { Layer::Near };
            filming.studio.watch(person(turn % 3), Some(layer));
            filming.film(15, 10);
        }
        // Sixty seconds of groups of three, and of two layers.
        assert!(filming.keys.len() <= 42, "{} key frames", filming.keys.len());
        assert!(filming.caught_up.len() > 10, "{}", filming.caught_up.len());
    }

    #[test]
    fn whoever_cannot_be_reached_costs_nothing_and_begins_anew_when_they_can() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.film(15, 5);
        filming.studio.reach(person(1), false);
        filming.film(15, 60);
        assert_eq!((filming.keys.len(), filming.sent.len(), filming.studio.watching(Layer::Near)), (1, 5, 0));
        filming.studio.reach(person(1), true);
        filming.film(15, 1);
        assert_eq!((filming.keys.len(), filming.sent.len()), (2, 6));
        // A new line in place of the old one: what was on that is gone.
        filming.film(15, 2);
        filming.studio.reach(person(1), true);
        filming.film(15, 1);
        assert_eq!((filming.keys.len(), &filming.caught_up[..]), (2, &[(person(1), 3)][..]));
        filming.studio.reach(person(9), true);
        assert_eq!(filming.studio.watchers().count(), 1);
    }

    #[test]
    fn another_layer_takes_over_without_a_gap() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Far));
        filming.film(15, 17);
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.film(15, 1);
        assert_eq!(filming.keys.last().map(|key| key.0), Some(Layer::Near));
        filming.film(15, 30);
        assert!(filming.count(1, Layer::Near) >= 30 && filming.count(1, Layer::Far) <= 7);
        assert!(filming.studio.watching(Layer::Far) == 0);
        // And back: the fine one goes on until the coarse one has a key frame.
        filming.studio.watch(person(1), Some(Layer::Far));
        filming.film(15, 15);
        assert!(filming.studio.watching(Layer::Near) == 0 && filming.sent.last().is_some_and(|sent| sent.1 == Layer::Far));
    }

    #[test]
    fn a_group_that_waits_for_200_ms_is_given_up_for_the_slow_one_alone() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.studio.watch(person(2), Some(Layer::Near));
        filming.slow = Some(person(2));
        filming.film(15, 60);
        assert_eq!(filming.count(1, Layer::Near), 60);
        // 200 ms after the first picture of each group, and no more than one group a second.
        assert!(
            filming.given_up.iter().all(|(who, _)| *who == person(2)) && (3..=4).contains(&filming.given_up.len()),
            "{:?}",
            filming.given_up
        );
        assert!(filming.given_up[0].1 - filming.keys[0].1 <= 270 * MS);
        filming.slow = None;
        filming.film(15, 30);
        let before = filming.given_up.len();
        filming.film(15, 30);
        assert_eq!(filming.given_up.len(), before);
    }

    #[test]
    fn pictures_that_nobody_could_take_are_left_out_before_the_encoder() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.slow = Some(person(1));
        filming.film(60, 12);
        // At 0, 67 and perhaps 133 ms; then the first one has waited for 100 ms.
        assert!(filming.sent.len() <= 2, "{:?}", filming.sent);
    }

    #[test]
    fn a_late_picture_is_left_out() {
        let mut studio = Studio::new(1);
        studio.watch(person(1), Some(Layer::Near));
        assert!(studio.plan(0, LATE_NS + 1).cuts.is_empty());
        assert_eq!(studio.plan(0, LATE_NS).cuts, [Cut { layer: Layer::Near, is_key: true }]);
    }

    #[test]
    fn watchers_are_bounded() {
        let mut studio = Studio::new(1);
        (0..200).for_each(|number| assert_eq!(studio.watch(person(number), Some(Layer::Near)), None));
        assert_eq!(studio.watchers().count(), WATCHERS_MAX);
    }

    proptest! {
        /// Whatever happens, whoever gets a picture has all of its group before it, in order, and nobody two groups at once or an old one.
        #[test]
        fn everybody_gets_whole_beginnings_of_groups(events in prop::collection::vec((0u8..14, 0u8..4, 0i64..90), 1..300)) {
            let mut studio = Studio::new(7);
            let mut open: BTreeMap<ParticipantId, (GroupOrder, u32, Vec<u8>)> = BTreeMap::new();
            let mut newest: BTreeMap<ParticipantId, GroupOrder> = BTreeMap::new();
            let mut groups: [Vec<u8>; 3] = Default::default();
            let (mut now_ns, mut pictures) = (0, 0u32);
            for (what, who, ms) in events {
                now_ns += ms * MS;
                let who = person(who);
                match what {
                    0 => {
                        if let Some(ended) = studio.watch(who, None) { prop_assert_eq!(open.remove(&who).map(|open| open.0), Some(ended)); }
                    }
                    1 | 2 => { studio.watch(who, Some(Layer::ALL[(ms % 3) as usize])); }
                    3 => studio.ask_key(who),
                    4 => { if let Some((order, parts, _)) = open.get(&who) { studio.taken(who, *order, parts - 1); } }
                    5 => { let gone = studio.abandon(who); prop_assert_eq!(open.remove(&who).map(|open| open.0), gone); }
                    6 => { studio.reach(who, ms % 3 > 0); open.remove(&who); }
                    _ => {
                        let plan = studio.plan(now_ns, now_ns);
                        for (who, order) in plan.given_up {
                            prop_assert_eq!(open.remove(&who).map(|open| open.0), Some(order));
                        }
                        for cut in plan.cuts {
                            if what == 13 { studio.failed(cut.layer); continue; }
                            // Some groups become too long to be given, some not.
                            pictures += 1;
                            let picture = [&pictures.to_le_bytes()[..], &vec![0; (ms * 60) as usize]].concat();
                            let coded = studio.coded(cut.layer, cut.is_key, &picture, now_ns);
                            let group = &mut groups[cut.layer as usize];
                            if cut.is_key {
                                group.clear();
                            }
                            group.extend_from_slice(&picture);
                            for send in coded.sends {
                                if send.part == 0 {
                                    prop_assert_eq!(open.remove(&send.to).map(|open| open.0), send.ends);
                                    prop_assert!(newest.insert(send.to, send.order) < Some(send.order));
                                    open.insert(send.to, (send.order, 0, coded.before.clone()));
                                }
                                let Some((order, parts, got)) = open.get_mut(&send.to) else { panic!("a part of nothing") };
                                prop_assert_eq!((*order, *parts), (send.order, send.part));
                                prop_assert!(send.part == 0 || send.ends.is_none());
                                *parts += 1;
                                got.extend_from_slice(&picture);
                                prop_assert!(got == group, "pictures are missing");
                            }
                        }
                    }
                }
            }
        }
    }
}
