//! What people do who only sit there.

use std::time::Duration;

use houselights::trace::mono_ns;

use super::Person;

/// Everybody turns their head twenty times a second, each in their own way.
pub(crate) fn look_around(people: &mut [Person], seconds: usize) -> Result<(), String> {
    let begin_ns = mono_ns();
    for turn in 0..seconds * TURNS_A_SECOND {
        for (index, person) in people.iter_mut().enumerate() {
            let angle = turn as f64 * 0.11 + index as f64;
            person.tell(&format!("look {:.2} {:.2}", 60.0 * angle.sin(), 20.0 * (angle * 0.7).cos()))?;
            person.forget_answers()?;
        }
        let next_ns = begin_ns + (turn + 1) as i64 * 1_000_000_000 / TURNS_A_SECOND as i64;
        std::thread::sleep(Duration::from_nanos((next_ns - mono_ns()).max(0).unsigned_abs()));
    }
    Ok(())
}

const TURNS_A_SECOND: usize = 20;
