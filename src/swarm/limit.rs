/// So many at once, and so many a second after that.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    burst: f64,
    per_second: f64,
    left: f64,
    at_ns: i64,
}

impl Limit {
    pub(super) fn new(burst: u32, per_second: u32, now_ns: i64) -> Self {
        Self { burst: f64::from(burst), per_second: f64::from(per_second), left: f64::from(burst), at_ns: now_ns }
    }

    /// What was done for the other side, or asked of it, allows it more, but never more at once than the burst.
    pub(super) fn earn(&mut self, count: u32) {
        self.left = (self.left + f64::from(count)).min(self.burst);
    }

    /// Whether one more is within the limit.
    pub(super) fn allows(&mut self, now_ns: i64) -> bool {
        let passed_s = now_ns.saturating_sub(self.at_ns).max(0) as f64 / 1e9;
        self.at_ns = self.at_ns.max(now_ns);
        self.left = (self.left + passed_s * self.per_second).min(self.burst);
        let allows = self.left >= 1.0;
        if allows {
            self.left -= 1.0;
        }
        allows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_rate() {
        let mut limit = Limit::new(3, 2, 0);
        let allowed = |limit: &mut Limit, now_ns| (0..10).filter(|_| limit.allows(now_ns)).count();
        assert_eq!(allowed(&mut limit, 0), 3);
        assert_eq!(allowed(&mut limit, 1_000_000_000), 2);
        assert_eq!(allowed(&mut limit, 500_000_000), 0, "a clock that steps back gives nothing");
        limit.earn(1);
        assert_eq!(allowed(&mut limit, 0), 1);
        limit.earn(9);
        assert_eq!(allowed(&mut limit, 0), 3);
        assert_eq!(allowed(&mut limit, i64::MAX), 3);
    }
}
