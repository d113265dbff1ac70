use bevy::prelude::*;

use crate::clock::RoomTime;

/// Reads the clock once a frame, so that everything in a frame agrees on the time.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Now>().add_systems(First, read_clock.run_if(resource_exists::<Clock>));
}

fn read_clock(clock: Res<Clock>, mut now: ResMut<Now>) {
    now.mono_ns = (clock.0)();
}

/// Where the time comes from. Without one [`Now`] stands until it is set: for tests, and for pictures made offscreen.
#[derive(Resource, Debug, Clone, Copy)]
pub struct Clock(pub fn() -> i64);

/// The time of this frame.
#[derive(Resource, Debug, Default, Clone, Copy)]
pub struct Now {
    /// This machine's monotonic clock, in nanoseconds.
    pub mono_ns: i64,
}

impl Now {
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
