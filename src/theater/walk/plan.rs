//! Where feet can be: the hall from above, and how one slides along what stands in the way. Pure.

use bevy::math::Vec2;

use crate::theater::hall::measures::*;

/// Where a walker who stands at `from` and goes `by` (to the right and away from the screen, m) comes to: along walls and rows, never into them.
/// What is no place begins at the nearest one; what is no number does not move.
#[must_use]
pub fn step(from: Vec2, by: Vec2) -> Vec2 {
    let mut at = free_near(from);
    if !by.is_finite() {
        return at;
    }
    let by = by.clamp_length_max(STEP_MOST_M);
    let pieces = (by.length() / PIECE_M).ceil().max(1.0);
    let piece = by / pieces;
    for _ in 0..pieces as usize {
        // Each way by itself: whoever walks into a row at an angle goes along it.
        for along in [Vec2::new(piece.x, 0.0), Vec2::new(0.0, piece.y)] {
            if is_free(at + along) {
                at += along;
            }
        }
    }
    at
}

/// Whether one can stand there (to the right of the middle and from the screen, m).
#[must_use]
pub fn is_free(at: Vec2) -> bool {
    let beside = at.x.abs() < BLOCK_HALF_M + ROOM_M;
    let in_a_row =
        || (0..ROWS).any(|row| at.y > eye_z_of_row(row) - SEAT_FRONT_M - ROOM_M && at.y < eye_z_of_row(row) + SEAT_REAR_M + ROOM_M);
    at.is_finite() && at.x.abs() <= WALL_X && at.y <= BACK_Z - WALL_M - ROOM_M && at.y >= stage_edge(at.x) && !(beside && in_a_row())
}

/// The place where one can stand that is nearest to this one, nearly.
#[must_use]
pub fn free_near(at: Vec2) -> Vec2 {
    if is_free(at) {
        return at;
    }
    let finite = if at.is_finite() { at } else { Vec2::new(0.0, BACK_Z) };
    let x = finite.x.clamp(-WALL_X, WALL_X);
    let held = Vec2::new(x, finite.y.clamp(stage_edge(x), BACK_Z - WALL_M - ROOM_M));
    if is_free(held) {
        return held;
    }
    // Out of a row of seats: to the front or to the rear of it.
    let ways = (0..ROWS).flat_map(|row| {
        let z = eye_z_of_row(row);
        [z - SEAT_FRONT_M - ROOM_M - MIDST_M, z + SEAT_REAR_M + ROOM_M + MIDST_M]
    });
    ways.map(|z| Vec2::new(held.x, z))
        .filter(|place| is_free(*place))
        .min_by(|a, b| a.distance_squared(held).total_cmp(&b.distance_squared(held)))
        .unwrap_or(Vec2::new(0.0, eye_z_of_row(ROWS - 1) + 2.0))
}

/// Where one stands who has just got up from this seat.
#[must_use]
pub fn before_seat(seat: SeatNumber) -> Vec2 {
    let place = seat_place(seat).floor;
    free_near(Vec2::new(place.x, place.z - SEAT_FRONT_M - ROOM_M - MIDST_M))
}

/// Height of the floor under these feet, m: tiers between the rows, half steps in the aisles.
#[must_use]
pub fn floor_under(at: Vec2) -> f32 {
    let here = floor_at(at.y);
    let Some(row) = row_at(at.y).filter(|row| row + 1 < ROWS && at.x.abs() > BLOCK_HALF_M) else { return here };
    let half_z = eye_z_of_row(row + 1) - TIER_FRONT_M - ROW_PITCH_M * HALF_STEP_PART;
    if at.y >= half_z { (here + floor_of_row(row + 1)) / 2.0 } else { here }
}

/// How near to the screen one can come: the stage's edge bows into the hall.
fn stage_edge(x: f32) -> f32 {
    STAGE_FRONT_M + STAGE_BOW_M * (1.0 - (x / HALL_HALF_M).powi(2)) + ROOM_M
}

/// Half of what a walker takes up, m: rows leave 50 cm between seats and the backs before them.
const ROOM_M: f32 = 0.2;
/// Whoever squeezes between two rows goes in the middle, m.
const MIDST_M: f32 = 0.05;
/// How far a seat reaches to the front of its eye, m.
const SEAT_FRONT_M: f32 = 0.38;
/// How far panels and ribs stand out from a wall, m.
const WALL_M: f32 = 0.19;
const WALL_X: f32 = HALL_HALF_M - WALL_M - ROOM_M;
const PIECE_M: f32 = 0.04;
/// One frame that was late carries nobody through a row, m.
const STEP_MOST_M: f32 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nobody_walks_into_anything(x in -9.0f32..9.0, z in -3.0f32..19.0, steps in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 1..40)) {
            let mut at = free_near(Vec2::new(x, z));
            prop_assert!(is_free(at), "{at}");
            for (dx, dz) in steps {
                let next = step(at, Vec2::new(dx, dz));
                prop_assert!(is_free(next), "{at} -> {next}");
                prop_assert!(next.distance(at) <= STEP_MOST_M + 1e-3);
                at = next;
            }
        }

        #[test]
        fn floors_have_no_step_higher_than_a_stair(x in -5.6f32..5.6, z in 2.0f32..15.6, dx in -0.05f32..0.05, dz in -0.05f32..0.05) {
            let (from, to) = (Vec2::new(x, z), step(Vec2::new(x, z), Vec2::new(dx, dz)));
            if is_free(from) {
                prop_assert!((floor_under(to) - floor_under(from)).abs() < 0.3, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn one_can_get_up_from_every_seat_and_walk_out_of_the_row() {
        for seat in SeatNumber::all() {
            let mut at = before_seat(seat);
            assert!(
                is_free(at) && at.distance(Vec2::new(seat_place(seat).floor.x, seat_place(seat).floor.z)) < 0.75,
                "seat {}",
                seat.get()
            );
            for _ in 0..400 {
                at = step(at, Vec2::X * 0.03);
            }
            assert!(at.x > BLOCK_HALF_M + ROOM_M, "seat {} leads to {at}", seat.get());
        }
    }

    #[test]
    fn the_aisles_lead_from_the_stage_to_the_back_wall() {
        for side in [-1.0, 1.0] {
            let mut at = Vec2::new(side * 4.6, 2.5);
            for _ in 0..600 {
                at = step(at, Vec2::Y * 0.03);
            }
            assert!(at.y > BACK_Z - 0.6 && (floor_under(at) - floor_of_row(ROWS - 1)).abs() < 1e-5);
        }
    }

    #[test]
    fn along_the_stage_nobody_is_moved_by_another_hand() {
        let at = Vec2::new(-3.4, stage_edge(-3.4));
        assert_eq!(free_near(at), at);
        assert!(step(at, Vec2::new(-0.04, 0.0)).distance(at) <= 0.041);
    }

    #[test]
    fn nonsense_stays_where_it_is() {
        let at = Vec2::new(4.6, 8.0);
        assert_eq!(step(at, Vec2::NAN), at);
        assert!(is_free(step(Vec2::NAN, Vec2::X)));
        assert!(is_free(step(Vec2::INFINITY, Vec2::NEG_INFINITY)));
    }
}
