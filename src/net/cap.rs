use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use iroh::endpoint::{Controller, ControllerFactory, ControllerMetrics, RttEstimator};
use noq_proto::congestion::Bbr3Config;

use super::endpoint::bbr3;

/// BBR3 that never sends faster than this machine's share of a limit.
///
/// The limit is for all lines together; those that sent something lately share it evenly.
#[derive(Debug)]
pub(super) struct Capped {
    inner: Arc<Bbr3Config>,
    limit_bytes_per_s: u64,
    busy: Arc<AtomicU64>,
}

impl Capped {
    pub(super) fn new(limit_bytes_per_s: u64) -> Self {
        Self { inner: Arc::new(bbr3()), limit_bytes_per_s: limit_bytes_per_s.max(LIMIT_MIN), busy: Arc::default() }
    }
}

impl ControllerFactory for Capped {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        let inner = Arc::clone(&self.inner).build(now, current_mtu);
        let share = Share { limit: self.limit_bytes_per_s, busy: Arc::clone(&self.busy), is_busy: false };
        Box::new(CappedController { inner, share, since: now, sent_bytes: 0 })
    }
}

struct CappedController {
    inner: Box<dyn Controller>,
    share: Share,
    /// Bytes are counted from here.
    since: Instant,
    sent_bytes: u64,
}

#[derive(Debug)]
struct Share {
    limit: u64,
    busy: Arc<AtomicU64>,
    is_busy: bool,
}

impl Share {
    fn set_busy(&mut self, is_busy: bool) {
        if is_busy && !self.is_busy {
            self.busy.fetch_add(1, Ordering::Relaxed);
        } else if self.is_busy && !is_busy {
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
        self.is_busy = is_busy;
    }

    /// Bytes a second; a line that is not busy yet counts as one more.
    fn rate(&self) -> u64 {
        self.limit / (self.busy.load(Ordering::Relaxed) + u64::from(!self.is_busy)).max(1)
    }
}

impl Clone for Share {
    fn clone(&self) -> Self {
        Self { limit: self.limit, busy: Arc::clone(&self.busy), is_busy: false }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set_busy(false);
    }
}

impl CappedController {
    /// Busy is who sends more than a twentieth of the limit.
    fn count(&mut self, now: Instant, bytes: u64) {
        self.sent_bytes += bytes;
        if self.sent_bytes > self.share.limit / 20 {
            self.share.set_busy(true);
        }
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            self.share.set_busy(self.sent_bytes > self.share.limit / 20);
            (self.since, self.sent_bytes) = (now, 0);
        }
    }
}

impl Controller for CappedController {
    fn on_sent(&mut self, now: Instant, bytes: u64, largest_pn: u64) {
        self.count(now, bytes);
        self.inner.on_sent(now, bytes, largest_pn);
    }

    fn on_packet_sent(&mut self, now: Instant, bytes: u16, pn: u64) {
        self.inner.on_packet_sent(now, bytes, pn);
    }

    fn on_cwnd_limited(&mut self) {
        self.inner.on_cwnd_limited();
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, pn: u64, app_limited: bool, rtt: &RttEstimator) {
        self.inner.on_ack(now, sent, bytes, pn, app_limited, rtt);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, app_limited: bool, largest_packet_num_acked: Option<u64>) {
        self.inner.on_end_acks(now, in_flight, app_limited, largest_packet_num_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        is_ecn: bool,
        lost_bytes: u64,
        largest_lost_pn: u64,
    ) {
        self.inner.on_congestion_event(now, sent, is_persistent_congestion, is_ecn, lost_bytes, largest_lost_pn);
    }

    fn on_packet_lost(&mut self, lost_bytes: u16, pn: u64, now: Instant) {
        self.inner.on_packet_lost(lost_bytes, pn, now);
    }

    fn on_spurious_congestion_event(&mut self) {
        self.inner.on_spurious_congestion_event();
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.inner.on_mtu_update(new_mtu);
    }

    fn on_ack_frequency_update(&mut self, ack_eliciting_threshold: u64, requested_max_ack_delay: Duration) {
        self.inner.on_ack_frequency_update(ack_eliciting_threshold, requested_max_ack_delay);
    }

    fn window(&self) -> u64 {
        self.inner.window()
    }

    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = self.inner.metrics();
        let rate = self.share.rate();
        metrics.pacing_rate = Some(metrics.pacing_rate.map_or(rate, |wanted| wanted.min(rate)));
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        let (share, since) = (self.share.clone(), self.since);
        Box::new(Self { inner: self.inner.clone_box(), share, since, sent_bytes: self.sent_bytes })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self.inner.into_any()
    }
}

impl std::fmt::Debug for CappedController {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CappedController").field("inner", &self.inner).field("share", &self.share).finish()
    }
}

/// Below this a room does not work at all: 256 kbit/s.
const LIMIT_MIN: u64 = 32_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_lines_share_the_limit_and_idle_ones_do_not_count() {
        let busy = Arc::default();
        let share = || Share { limit: 900, busy: Arc::clone(&busy), is_busy: false };
        let (mut a, mut b, idle) = (share(), share(), share());
        assert_eq!(a.rate(), 900);
        a.set_busy(true);
        a.set_busy(true);
        assert_eq!((a.rate(), idle.rate()), (900, 450), "whoever begins makes room for itself");
        b.set_busy(true);
        assert_eq!((a.rate(), b.rate(), idle.rate()), (450, 450, 300));
        drop((b, idle));
        assert_eq!(a.rate(), 900);
    }
}
