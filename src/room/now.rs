use bevy::prelude::*;

use super::Standing;
use crate::clock::{Estimate, RoomTime};

/// Reads the clock once a frame, so that everything in a frame agrees on the time.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Now>()
        .init_resource::<Reckoning>()
        .add_systems(First, (read_clock.run_if(resource_exists::<Clock>), reckon).chain());
}

fn read_clock(clock: Res<Clock>, mut now: ResMut<Now>) {
    now.mono_ns = (clock.0)();
}

fn reckon(standing: Res<Standing>, reckoning: Res<Reckoning>, mut now: ResMut<Now>) {
    let mono_ns = now.mono_ns;
    now.host = match *standing {
        // Its time goes on while the line is mended.
        Standing::Guest | Standing::Joining => {
            let room_at = |mono_ns| reckoning.0.room_at(mono_ns);
            room_at(mono_ns)
                .zip(room_at(mono_ns + SPAN_NS))
                .map(|(room, later)| HostClock { room, rate: ((later - room) as f64 / SPAN_NS as f64).clamp(0.9, 1.1) })
        }
        Standing::Alone | Standing::Host => None,
    };
}

/// Where the time comes from. Without one [`Now`] stands until it is set: for tests, and for pictures made offscreen.
#[derive(Resource, Debug, Clone, Copy)]
pub struct Clock(pub fn() -> i64);

/// What the pings to the host have told of its clock.
#[derive(Resource, Debug, Default)]
pub struct Reckoning(pub(super) Estimate);

impl Reckoning {
    /// Whether anything of the host's time is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.room_at(0).is_some()
    }
}

/// The time of this frame.
#[derive(Resource, Debug, Default, Clone, Copy)]
pub struct Now {
    /// This machine's monotonic clock, in nanoseconds.
    pub mono_ns: i64,
    host: Option<HostClock>,
}

/// The host's clock at this frame.
#[derive(Debug, Clone, Copy)]
struct HostClock {
    room: RoomTime,
    rate: f64,
}

impl Now {
    /// The host's clock now. Whoever keeps the room is the host.
    #[must_use]
    pub const fn room(&self) -> RoomTime {
        match self.host {
            Some(host) => host.room,
            None => RoomTime::from_ns(self.mono_ns),
        }
    }

    /// When this machine's monotonic clock shows what the host's clock calls `room`.
    #[must_use]
    pub fn mono_ns_at(&self, room: RoomTime) -> i64 {
        match self.host {
            Some(host) => self.mono_ns.saturating_add(((room - host.room) as f64 / host.rate) as i64),
            None => room.ns(),
        }
    }
}

/// Over which the rate is measured.
const SPAN_NS: i64 = 1_000_000_000;
