use std::collections::VecDeque;

use super::{group::GroupOrder, layer::Layer};

/// Somebody who sees one's face, or is to.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) wants: Layer,
    pub(super) is_here: bool,
    pub(super) open: Option<Open>,
    /// They cannot go on without a key frame.
    pub(super) asks: bool,
    /// What the network has not taken yet, oldest first.
    pub(super) under_way: VecDeque<Sent>,
}

impl Watcher {
    pub(super) const fn new(layer: Layer) -> Self {
        Self { wants: layer, is_here: true, open: None, asks: false, under_way: VecDeque::new() }
    }

    /// Whether the layer is coded for them: they want it, or have it still.
    pub(super) fn is_of(&self, layer: Layer) -> bool {
        self.is_here && (self.wants == layer || self.open.is_some_and(|open| open.layer == layer))
    }

    /// What they lack of a layer, whose group so far is kept or not.
    pub(super) fn need(&self, layer: Layer, is_kept: bool, now_ns: i64) -> Need {
        if !self.is_here || self.wants != layer {
            return Need::Nothing;
        }
        match self.open {
            // Who lost a group for want of time does not get all of it once more.
            _ if self.asks => Need::KeyFrame,
            Some(open) if open.layer == layer => Need::Nothing,
            _ if is_kept && !self.is_full(now_ns) => Need::Beginning,
            Some(_) => Need::NextGroup,
            None => Need::KeyFrame,
        }
    }

    /// Gives the group that ends with this.
    pub(super) fn begin(&mut self, open: Open) -> Option<GroupOrder> {
        self.under_way.clear();
        self.asks = false;
        self.open.replace(open).map(|before| before.order)
    }

    /// Gives the group of which they get nothing more.
    pub(super) fn lose(&mut self) -> Option<GroupOrder> {
        self.under_way.clear();
        self.asks = true;
        self.open.take().map(|open| open.order)
    }

    /// Whether their line has more than enough to do with what it has.
    pub(super) fn is_full(&self, now_ns: i64) -> bool {
        self.backlog_ns(now_ns) > FULL_NS
    }

    pub(super) fn backlog_ns(&self, now_ns: i64) -> i64 {
        self.under_way.front().map_or(0, |oldest| now_ns.saturating_sub(oldest.sent_ns))
    }
}

/// What somebody lacks of the layer that they want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// Of the group under way, which can be given.
    Beginning,
    /// It can wait: they have another layer.
    NextGroup,
    KeyFrame,
}

/// A stream to somebody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) layer: Layer,
    /// The layer's group.
    pub(super) of: GroupOrder,
    /// The same, as they know it.
    pub(super) order: GroupOrder,
    /// So far.
    pub(super) parts: u32,
}

/// A part of it that is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) part: u32,
    pub(super) sent_ns: i64,
}

/// Whoever has waited so long for the last picture gets no new one while there are no others to code for: one period and some.
const FULL_NS: i64 = 100_000_000;
