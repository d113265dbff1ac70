use bevy::prelude::*;

use crate::{clock::RoomTime, trace};

/// Reads the clock once a frame, so that everything in a frame agrees on the time.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Now>().add_systems(First, read_clock);
}

/// The time of this frame.
#[derive(Resource, Debug, Clone, Copy)]
pub struct Now {
    /// This machine's monotonic clock, in nanoseconds.
    pub mono_ns: i64,
    is_set_by_hand: bool,
}

impl Now {
    /// A time that stands until it is set again: for tests, and for pictures made offscreen.
    #[must_use]
    pub const fn by_hand(mono_ns: i64) -> Self {
        Self { mono_ns, is_set_by_hand: true }
    }

    /// The host's clock now. Whoever is alone is the host.
    #[must_use]
    pub const fn room(&self) -> RoomTime {
        RoomTime::from_ns(self.mono_ns)
    }

    /// When this machine's monotonic clock shows what the host's clock calls `room`.
    #[must_use]
    pub const fn mono_ns_at(&self, room: RoomTime) -> i64 {
        room.ns()
    }
}

impl Default for Now {
    fn default() -> Self {
        Self { mono_ns: trace::mono_ns(), is_set_by_hand: false }
    }
}

fn read_clock(mut now: ResMut<Now>) {
    if !now.is_set_by_hand {
        now.mono_ns = trace::mono_ns();
    }
}
