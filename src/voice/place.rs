use crate::room::{Head, SeatNumber, Stance};

/// Where somebody's mouth and ears are, in metres: to the right, upwards, towards the back. The hall draws heads where its steps and slopes put them; to the ear
/// a few centimetres are nothing, and the room without a hall hears from the same places.
pub(super) fn place_of(seat: SeatNumber, stance: Stance) -> [f32; 3] {
    let side = |column: usize| (column as f32 - (SeatNumber::COLUMNS as f32 - 1.0) / 2.0) * SEAT_PITCH_M;
    match stance.place_m() {
        Some((x_m, z_m)) => [x_m, 1.6, z_m],
        None => [side(seat.column()), 1.2 + seat.row() as f32 * RISE_M, FIRST_ROW_M + seat.row() as f32 * ROW_PITCH_M],
    }
}

/// How ears are turned with the head: a quaternion, x y z w, about the upright axis alone.
pub(super) fn ears(head: Head) -> [f32; 4] {
    let half = head.yaw() / 2.0;
    [0.0, half.sin(), 0.0, half.cos()]
}

const SEAT_PITCH_M: f32 = 0.62;
const ROW_PITCH_M: f32 = 1.15;
const FIRST_ROW_M: f32 = 5.5;
const RISE_M: f32 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_a_seat_apart_and_everybody_is_somewhere() {
        let all: Vec<_> = SeatNumber::all().map(|seat| place_of(seat, Stance::Seated)).collect();
        assert!((all[1][0] - all[0][0] - SEAT_PITCH_M).abs() < 1e-5 && all[0][0] < 0.0 && all[9][0] > 0.0);
        assert!(all[69][2] > all[0][2] + 6.0 && all.iter().flatten().all(|value| value.is_finite()));
        assert_eq!(place_of(SeatNumber::BEST, Stance::at(2.0, 9.0)), [2.0, 1.6, 9.0]);
    }
}
