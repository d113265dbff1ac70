use bevy::prelude::*;

use crate::room::Now;

/// Notices when this whole process stood still (a closed lid, a suspended machine): nobody else was busy meanwhile.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Patience>().add_systems(PreUpdate, notice);
}

fn notice(now: Res<Now>, mut patience: ResMut<Patience>) {
    patience.bypass_change_detection().frame(now.mono_ns);
}

/// How long a decoder may be busy with one single thing.
#[derive(Resource, Debug, Default, Clone, Copy)]
pub(super) struct Patience {
    last_mono_ns: Option<i64>,
    awake_since_mono_ns: i64,
}

impl Patience {
    fn frame(&mut self, now_mono_ns: i64) {
        if self.last_mono_ns.is_none_or(|last| now_mono_ns - last > GAP_NS) {
            self.awake_since_mono_ns = now_mono_ns;
        }
        self.last_mono_ns = Some(now_mono_ns);
    }

    /// Whether something that was busy for so long will never be done.
    pub(super) const fn is_over(&self, busy_ns: i64, now_mono_ns: i64) -> bool {
        busy_ns > STUCK_NS && now_mono_ns - self.awake_since_mono_ns > STUCK_NS
    }
}

const STUCK_NS: i64 = 5_000_000_000;
/// Frames come at least every two seconds, whatever the theater does.
const GAP_NS: i64 = 2_500_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_the_process_stood_is_nobodys_fault() {
        const SECOND: i64 = 1_000_000_000;
        let mut patience = Patience::default();
        (0..100).for_each(|frame| patience.frame(frame * SECOND / 10));
        assert!(patience.is_over(6 * SECOND, 10 * SECOND) && !patience.is_over(4 * SECOND, 10 * SECOND));
        // The lid was closed for a minute while a picture was being decoded.
        patience.frame(70 * SECOND);
        assert!(!patience.is_over(60 * SECOND, 70 * SECOND));
        (700..760).for_each(|frame| patience.frame(frame * SECOND / 10));
        assert!(patience.is_over(66 * SECOND, 76 * SECOND), "but it does not come back");
    }
}
