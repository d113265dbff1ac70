/// When to ask for a line again: at once if it had proved itself, else after waits that double from 0.5 to 4 s.
#[derive(Debug, Clone, Default)]
pub(super) struct Connect {
    failures: u32,
    has_proved: bool,
    next_ns: i64,
}

impl Connect {
    /// Whether to ask now; then it counts as asked.
    pub(super) const fn is_due(&mut self, now_ns: i64) -> bool {
        let is_due = now_ns >= self.next_ns;
        if is_due {
            self.next_ns = now_ns.saturating_add(ANSWER_WITHIN_NS);
        }
        is_due
    }

    /// When [`is_due`](Self::is_due) will say yes.
    pub(super) const fn next_ns(&self) -> i64 {
        self.next_ns
    }

    /// The line could not be made or was lost.
    pub(super) fn failed(&mut self, now_ns: i64) {
        let wait_ns = if self.has_proved { 0 } else { (FIRST_WAIT_NS << self.failures.min(10)).min(LAST_WAIT_NS) };
        self.failures = if self.has_proved { 0 } else { self.failures.saturating_add(1) };
        self.has_proved = false;
        self.next_ns = now_ns.saturating_add(wait_ns);
    }

    /// The line brought what it was made for.
    pub(super) const fn proved(&mut self) {
        self.has_proved = true;
    }
}

const FIRST_WAIT_NS: i64 = 500_000_000;
const LAST_WAIT_NS: i64 = 4_000_000_000;
/// An order to connect is answered well before; if not, it was lost with the line it found.
const ANSWER_WITHIN_NS: i64 = 8_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_a_line_that_proved_itself_is_sought_at_once() {
        let mut connect = Connect::default();
        assert!(connect.is_due(0) && !connect.is_due(1));
        let waits: Vec<i64> = (0..7)
            .map(|_| {
                connect.failed(0);
                connect.next_ns() / 1_000_000
            })
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 4000, 4000, 4000]);
        connect.proved();
        connect.failed(5);
        assert!(connect.is_due(5) && !connect.is_due(8_000_000_004) && connect.is_due(8_000_000_005));
    }
}
