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

/// Whether a whisper goes from one to the other: the next seat in the row, or somebody who stands as near as that.
pub(super) fn is_beside(one: (SeatNumber, Stance), other: (SeatNumber, Stance)) -> bool {
    let stands = one.1.place_m().is_some() || other.1.place_m().is_some();
    if !stands {
        return one.0.row() == other.0.row() && one.0.column().abs_diff(other.0.column()) == 1;
    }
    let ([x, _, z], [other_x, _, other_z]) = (place_of(one.0, one.1), place_of(other.0, other.1));
    (x - other_x).hypot(z - other_z) <= WHISPER_M
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
/// A seat and a half.
const WHISPER_M: f32 = 0.95;

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

    #[test]
    fn a_whisper_reaches_the_two_seats_beside_and_whoever_stands_there() {
        let me = SeatNumber::BEST;
        let reached: Vec<_> =
            SeatNumber::all().filter(|seat| is_beside((me, Stance::Seated), (*seat, Stance::Seated))).map(SeatNumber::get).collect();
        assert_eq!(reached, [me.get() - 1, me.get() + 1]);
        // At the end of a row nobody of the next row is beside.
        let end = SeatNumber::new(10).unwrap();
        assert!(!is_beside((end, Stance::Seated), (SeatNumber::new(11).unwrap(), Stance::Seated)));
        let [x, _, z] = place_of(me, Stance::Seated);
        let far = SeatNumber::new(1).unwrap();
        assert!(
            is_beside((me, Stance::Seated), (far, Stance::at(x + 0.6, z)))
                && is_beside((far, Stance::at(x - 0.6, z)), (me, Stance::Seated))
        );
        assert!(!is_beside((me, Stance::Seated), (far, Stance::at(x, z + 1.2))), "one's own seat is empty then");
    }
}
