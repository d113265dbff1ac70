//! Which pictures of one's own camera are coded, for whom, and when a group of them begins or is given up. Pure: time and what the network took are arguments.
//!
//! There are three [`Layer`]s, each with an encoder of its own while somebody watches it: who sits near gets the fine one, who is far or looks away a coarse one that
//! costs a twentieth. A picture is left out *before* the encoder, when it is late or no watcher could take it; what was coded goes to everybody whose group it
//! belongs to, because the pictures after it need it.
//!
//! Rejected: one stream thinned out for far watchers (its pictures need each other); layers inside one stream (FFmpeg's way to them differs by version, and a small
//! picture is cheaper still); slowing everybody down for the slowest watcher.

use std::collections::{BTreeMap, VecDeque};

use super::group::GroupOrder;
use crate::{
    media::{FACE_RATE, FACE_SIDE, FaceSettings},
    net::ParticipantId,
};

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
        Self { generation, watchers: BTreeMap::new(), layers: [LayerState::default(); 3], groups: 0, next_preview_ns: None }
    }

    /// Somebody watches by another layer than before, or no longer. They keep what they get until the new layer has a key frame.
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

    /// The network took everything of the group up to this picture (counted from 0 in its group).
    pub fn taken(&mut self, who: ParticipantId, order: GroupOrder, picture: u32) {
        if let Some(watcher) = self.watchers.get_mut(&who)
            && watcher.open.is_some_and(|open| open.order == order)
        {
            watcher.under_way.retain(|sent| sent.picture > picture);
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
            let is_wanted = self.watchers.values().any(|watcher| watcher.wants == layer && watcher.needs_key(layer));
            // A layer that somebody has just come back to may have had its key frame a moment ago.
            let may_be_key = since_key_ns >= KEY_PERIOD_NS;
            let is_key = may_be_key && (state.group.is_none() || is_wanted || since_key_ns >= GROUP_NS);
            let goes_on = self.watchers.values().any(|watcher| state.group.is_some() && watcher.open.map(|open| open.order) == state.group);
            let is_taken = watching.any(|watcher| watcher.backlog_ns(now_ns) <= FULL_NS);
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

    /// Who gets a coded picture, and as what. A key frame begins a group, also one that the encoder made by itself.
    pub fn coded(&mut self, layer: Layer, is_key: bool, now_ns: i64) -> Coded {
        let state = &mut self.layers[layer as usize];
        if is_key {
            let order = GroupOrder { generation: self.generation, group: self.groups };
            self.groups = self.groups.wrapping_add(1);
            *state = LayerState { group: Some(order), pictures: 0, ..*state };
        }
        let Some(order) = state.group else { return Coded { order: GroupOrder::default(), picture: 0, sends: Vec::new() } };
        let picture = state.pictures;
        state.pictures += 1;
        let mut sends = Vec::new();
        for (who, watcher) in &mut self.watchers {
            if is_key && watcher.is_of(layer) {
                let ends = watcher.open.replace(Open { layer, order }).map(|open| open.order);
                watcher.under_way.clear();
                watcher.asks = false;
                sends.push(Send { to: *who, ends });
            } else if watcher.open.is_some_and(|open| open.order == order) {
                sends.push(Send { to: *who, ends: None });
            } else {
                continue;
            }
            watcher.under_way.push_back(Sent { picture, sent_ns: now_ns });
        }
        Coded { order, picture, sends }
    }

    /// The encoder failed: its layer begins anew with a key frame.
    pub fn failed(&mut self, layer: Layer) {
        self.layers[layer as usize].group = None;
    }

    /// Nothing more can be sent to somebody in this group, for another reason than its age. They get the next one.
    pub fn abandon(&mut self, who: ParticipantId) -> Option<GroupOrder> {
        let watcher = self.watchers.get_mut(&who)?;
        watcher.under_way.clear();
        watcher.open.take().map(|open| open.order)
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
                watcher.under_way.clear();
                given_up.extend(watcher.open.take().map(|open| (*who, open.order)));
            }
        }
        given_up
    }
}

/// How finely somebody is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Near: all there is.
    Near = 0,
    /// Far away in the hall.
    Far = 1,
    /// Out of sight, but may come into it: so that there is a face at once.
    Glimpse = 2,
}

impl Layer {
    /// From the finest.
    pub const ALL: [Self; 3] = [Self::Near, Self::Far, Self::Glimpse];

    /// How it is coded for so many: where many watch, each gets a little less, or a usual line at home would not send it to all of them.
    #[must_use]
    pub const fn settings_for(self, watchers: usize) -> FaceSettings {
        match self {
            Self::Near if watchers > FEW_WATCHERS => FaceSettings { bits_per_second: 68_000, ..self.settings() },
            _ => self.settings(),
        }
    }

    /// How it is coded.
    #[must_use]
    pub const fn settings(self) -> FaceSettings {
        match self {
            Self::Near => FaceSettings { side: FACE_SIDE, rate: FACE_RATE, bits_per_second: 96_000 },
            Self::Far => FaceSettings { side: FACE_SIDE / 2, rate: 5, bits_per_second: 20_000 },
            Self::Glimpse => FaceSettings { side: FACE_SIDE / 2, rate: 1, bits_per_second: 6_000 },
        }
    }

    const fn period_ns(self) -> i64 {
        1_000_000_000 / self.settings().rate as i64
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
#[derive(Debug, PartialEq, Eq)]
pub struct Coded {
    /// Of which group it is.
    pub order: GroupOrder,
    /// Its place in the group; the first is the key frame.
    pub picture: u32,
    /// To whom it goes.
    pub sends: Vec<Send>,
}

/// One of those who get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Send {
    /// Who.
    pub to: ParticipantId,
    /// Their group before this one, which is over.
    pub ends: Option<GroupOrder>,
}

#[derive(Debug)]
struct Watcher {
    wants: Layer,
    open: Option<Open>,
    asks: bool,
    /// What the network has not taken yet, oldest first.
    under_way: VecDeque<Sent>,
}

impl Watcher {
    const fn new(layer: Layer) -> Self {
        Self { wants: layer, open: None, asks: false, under_way: VecDeque::new() }
    }

    /// Whether the layer is coded for them: they want it, or have it still.
    fn is_of(&self, layer: Layer) -> bool {
        self.wants == layer || self.open.is_some_and(|open| open.layer == layer)
    }

    fn needs_key(&self, layer: Layer) -> bool {
        self.asks || self.open.is_none_or(|open| open.layer != layer)
    }

    fn backlog_ns(&self, now_ns: i64) -> i64 {
        self.under_way.front().map_or(0, |oldest| now_ns.saturating_sub(oldest.sent_ns))
    }
}

#[derive(Debug, Clone, Copy)]
struct Open {
    layer: Layer,
    order: GroupOrder,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    picture: u32,
    sent_ns: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct LayerState {
    group: Option<GroupOrder>,
    pictures: u32,
    next_ns: Option<i64>,
    last_key_ns: Option<i64>,
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

/// To more, faces at their finest are more than a megabit a second.
const FEW_WATCHERS: usize = 5;
const PERIOD_NS: i64 = 1_000_000_000 / FACE_RATE as i64;
/// A picture older than this when its turn comes is not worth coding: the next one is already there.
const LATE_NS: i64 = 150_000_000;
/// Whoever has waited so long for the last picture gets no new one while there are no others to code for: one period and some.
const FULL_NS: i64 = 100_000_000;
/// Whoever has waited so long gets nothing more of the group.
const GIVE_UP_NS: i64 = 200_000_000;
/// However many ask.
const KEY_PERIOD_NS: i64 = 1_000_000_000;
/// Long enough that key frames cost little, short enough that damage nobody noticed goes by.
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
    }

    impl Filming {
        fn new() -> Self {
            Self { studio: Studio::new(1), now_ns: 0, slow: None, keys: Vec::new(), sent: Vec::new(), given_up: Vec::new() }
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
                    let coded = self.studio.coded(cut.layer, cut.is_key, self.now_ns);
                    for send in coded.sends {
                        self.sent.push((send.to, cut.layer, self.now_ns));
                        if Some(send.to) != self.slow {
                            self.studio.taken(send.to, coded.order, coded.picture);
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
    fn whoever_comes_later_begins_with_a_key_frame_and_the_others_go_on() {
        let mut filming = Filming::new();
        filming.studio.watch(person(1), Some(Layer::Near));
        filming.film(15, 20);
        filming.studio.watch(person(2), Some(Layer::Near));
        filming.film(15, 1);
        assert_eq!((filming.keys.len(), filming.count(1, Layer::Near), filming.count(2, Layer::Near)), (2, 21, 1));
        // The third comes half a second later and waits for the rest of the second.
        filming.film(15, 7);
        filming.studio.watch(person(3), Some(Layer::Near));
        filming.film(15, 10);
        assert_eq!((filming.keys.len(), filming.count(1, Layer::Near)), (3, 38));
        assert!((2..=4).contains(&filming.count(3, Layer::Near)));
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
        /// Whatever happens, nobody gets a picture without those before it in its group, and nobody two groups at once.
        #[test]
        fn everybody_gets_whole_beginnings_of_groups(events in prop::collection::vec((0u8..12, 0u8..4, 0i64..90), 1..300)) {
            let mut studio = Studio::new(7);
            let mut open: BTreeMap<ParticipantId, (GroupOrder, u32)> = BTreeMap::new();
            let mut newest = None;
            let mut now_ns = 0;
            for (what, who, ms) in events {
                now_ns += ms * MS;
                let who = person(who);
                match what {
                    0 => { if let Some(ended) = studio.watch(who, None) { prop_assert_eq!(open.remove(&who).map(|(order, _)| order), Some(ended)); } }
                    1 | 2 => { studio.watch(who, Some(Layer::ALL[(ms % 3) as usize])); }
                    3 => studio.ask_key(who),
                    4 => { if let Some((order, picture)) = open.get(&who) { studio.taken(who, *order, picture - 1); } }
                    5 => { let gone = studio.abandon(who); prop_assert_eq!(open.remove(&who).map(|(order, _)| order), gone); }
                    _ => {
                        let plan = studio.plan(now_ns, now_ns);
                        for (who, order) in plan.given_up { prop_assert_eq!(open.remove(&who).map(|(order, _)| order), Some(order)); }
                        for cut in plan.cuts {
                            if what == 11 { studio.failed(cut.layer); continue; }
                            let coded = studio.coded(cut.layer, cut.is_key, now_ns);
                            if cut.is_key { prop_assert!(newest < Some(coded.order) && coded.picture == 0); newest = Some(coded.order); }
                            for send in coded.sends {
                                let before = open.get(&send.to).copied();
                                if coded.picture == 0 {
                                    prop_assert_eq!(before.map(|(order, _)| order), send.ends);
                                } else {
                                    prop_assert_eq!((before, send.ends), (Some((coded.order, coded.picture)), None));
                                }
                                open.insert(send.to, (coded.order, coded.picture + 1));
                            }
                        }
                    }
                }
            }
        }
    }
}
