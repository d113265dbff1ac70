//! The hall in numbers: where floors, walls, seats and lamps are. Metres; Y up; the screen's plane is z = 0 and looks towards +z.
//!
//! Facing the screen, left is −x. The rows rise so that a line from each eye to the screen's lower edge passes 12 cm above the eye in
//! front.

use bevy::math::Vec3;

pub use crate::room::SeatNumber;

/// Where the given seat is.
#[must_use]
pub fn seat_place(seat: SeatNumber) -> SeatPlace {
    let floor = Vec3::new(seat_x(seat.column()), floor_of_row(seat.row()), eye_z_of_row(seat.row()));
    SeatPlace { floor, eye: floor + Vec3::Y * EYE_HEIGHT_M }
}

/// Width of the hall between its walls, m.
pub const HALL_WIDTH_M: f32 = 12.0;
/// Half of [`HALL_WIDTH_M`].
pub const HALL_HALF_M: f32 = HALL_WIDTH_M / 2.0;
/// Height of the ceiling over the front floor, m.
pub const HALL_HEIGHT_M: f32 = 6.5;
/// The front wall behind the screen, m.
pub const FRONT_Z: f32 = -1.0;
/// The back wall, m. Together with [`FRONT_Z`] a hall 17 m deep.
pub const BACK_Z: f32 = 16.0;

/// Rows of seats.
pub const ROWS: usize = SeatNumber::ROWS;
/// Seats in a row.
pub const COLUMNS: usize = SeatNumber::COLUMNS;
/// From one row to the next, m.
pub const ROW_PITCH_M: f32 = 1.15;
/// From one seat to the next, m.
pub const SEAT_PITCH_M: f32 = 0.62;
/// From the screen to the eyes of the first row, m.
pub const FIRST_ROW_M: f32 = 5.5;
/// A seated eye above its floor, m.
pub const EYE_HEIGHT_M: f32 = 1.15;
/// By how much a line of sight clears the eye in front, m.
pub const CLEARANCE_M: f32 = 0.12;

/// The widest picture, m.
pub const SCREEN_WIDTH_M: f32 = 9.0;
/// The tallest picture, m: 16:9 at full width.
pub const SCREEN_HEIGHT_M: f32 = SCREEN_WIDTH_M * 9.0 / 16.0;
/// Lower edge of the tallest picture over the front floor, m.
pub const SCREEN_LOW_M: f32 = 1.0;

/// How far the tier of a row reaches in front of its eyes, m.
pub const TIER_FRONT_M: f32 = 0.75;
/// Which part of a tier's depth the half step before the next one takes in the aisles.
pub const HALF_STEP_PART: f32 = 0.45;
/// Height of a seat's back over its floor, m.
pub const SEAT_BACK_M: f32 = 0.98;
/// The rear of a seat's back behind its eye, m.
pub const SEAT_REAR_M: f32 = 0.27;
/// Half the width of the block of seats, m.
pub const BLOCK_HALF_M: f32 = SEAT_PITCH_M * COLUMNS as f32 / 2.0 + 0.06;
/// Height of the soffit that runs round the ceiling, m.
pub const SOFFIT_Y: f32 = 6.14;
/// Where the pelmet hangs before the screen, m.
pub const PELMET_Z: f32 = 0.98;
/// Where the stage's edge meets the side walls, m.
pub const STAGE_FRONT_M: f32 = 1.15;
/// How much further into the hall the stage reaches in the middle, m.
pub const STAGE_BOW_M: f32 = 0.45;
/// The stage over the front floor, m.
pub const STAGE_HEIGHT_M: f32 = 0.6;
/// How far the soffit reaches into the hall from the side walls, m.
pub const SOFFIT_M: f32 = 0.9;
/// From one sconce to the next, m.
pub const SCONCE_PITCH_M: f32 = 3.0;
/// A sconce over the floor of its aisle, m.
pub const SCONCE_HEIGHT_M: f32 = 2.55;

/// Eyes of a row (0 is the first) from the screen, m.
#[must_use]
pub fn eye_z_of_row(row: usize) -> f32 {
    FIRST_ROW_M + ROW_PITCH_M * row as f32
}

/// Floor of a row (0 is the first) over the front floor, m.
#[must_use]
pub fn floor_of_row(row: usize) -> f32 {
    let mut eye = EYE_HEIGHT_M - SCREEN_LOW_M;
    for before in 0..row {
        eye = (eye + CLEARANCE_M) * eye_z_of_row(before + 1) / eye_z_of_row(before);
    }
    eye + SCREEN_LOW_M - EYE_HEIGHT_M
}

/// Middle of a column (0 is the leftmost, facing the screen), m.
#[must_use]
pub fn seat_x(column: usize) -> f32 {
    (column as f32 - (COLUMNS as f32 - 1.0) / 2.0) * SEAT_PITCH_M
}

/// The row on whose tier a place this far from the screen lies; none before the first step.
#[must_use]
pub fn row_at(z: f32) -> Option<usize> {
    (0..ROWS).rev().find(|row| z >= eye_z_of_row(*row) - TIER_FRONT_M)
}

/// Height of the tiers at this distance from the screen, m.
#[must_use]
pub fn floor_at(z: f32) -> f32 {
    row_at(z).map_or(0.0, floor_of_row)
}

/// The slope that the walls' panels follow: the tiers without their steps, m.
#[must_use]
pub fn slope_at(z: f32) -> f32 {
    let part = (z - FIRST_ROW_M) / ROW_PITCH_M;
    let row = part.clamp(0.0, ROWS as f32 - 1.0);
    let low = (row as usize).min(ROWS - 2);
    let (a, b) = (floor_of_row(low), floor_of_row(low + 1));
    a + (b - a) * (row - low as f32)
}

/// The sconces' lamps, both walls.
pub fn sconces() -> impl Iterator<Item = Vec3> {
    [-1.0f32, 1.0].into_iter().flat_map(|side| {
        (0..5).map(move |n| {
            let z = 1.9 + SCONCE_PITCH_M * n as f32;
            Vec3::new(side * (HALL_HALF_M - 0.26), slope_at(z) + SCONCE_HEIGHT_M, z)
        })
    })
}

/// The sconces' lamps on the back wall, beside the projector's window.
#[must_use]
pub fn back_sconces() -> [Vec3; 2] {
    [-1.0f32, 1.0].map(|side| Vec3::new(side * 3.0, floor_of_row(ROWS - 1) + SCONCE_HEIGHT_M, BACK_Z - 0.26))
}

/// The small lamps at the ends of the rows.
pub fn aisle_lamps() -> impl Iterator<Item = Vec3> {
    [-1.0f32, 1.0].into_iter().flat_map(|side| {
        (0..ROWS).map(move |row| Vec3::new(side * (BLOCK_HALF_M - 0.02), floor_of_row(row) + 0.27, eye_z_of_row(row) - 0.05))
    })
}

/// The signs over the doors.
#[must_use]
pub fn exit_signs() -> [Vec3; 2] {
    [Vec3::new(HALL_HALF_M - 0.1, 2.62, 1.35), Vec3::new(-HALL_HALF_M + 0.1, floor_of_row(ROWS - 1) + 2.5, 14.4)]
}

/// The middle of the projector's window.
pub const PROJECTOR: Vec3 = Vec3::new(0.0, 4.7, BACK_Z - 0.05);

/// Where a seat is, m.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeatPlace {
    /// The floor under the sitter's head.
    pub floor: Vec3,
    /// The sitter's eyes.
    pub eye: Vec3,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_eye_sees_the_lower_edge_over_the_head_in_front() {
        for row in 1..ROWS {
            let (front, eye) = (row - 1, floor_of_row(row) + EYE_HEIGHT_M);
            let share = eye_z_of_row(front) / eye_z_of_row(row);
            let line = SCREEN_LOW_M + (eye - SCREEN_LOW_M) * share;
            let cleared = line - (floor_of_row(front) + EYE_HEIGHT_M);
            assert!((cleared - CLEARANCE_M).abs() < 1e-4, "row {row} clears {cleared} m");
        }
    }

    #[test]
    fn rows_rise_by_steps_one_can_climb() {
        for row in 1..ROWS {
            let step = floor_of_row(row) - floor_of_row(row - 1);
            assert!((0.15..0.3).contains(&step), "row {row} rises {step} m");
        }
    }

    #[test]
    fn the_best_seat_is_in_the_middle_of_the_fourth_row() {
        assert_eq!(SeatNumber::BEST.row(), 3);
        assert!(seat_place(SeatNumber::BEST).eye.x.abs() < SEAT_PITCH_M);
    }

    #[test]
    fn seats_are_numbered_from_the_front_left() {
        let first = seat_place(SeatNumber::new(1).unwrap()).eye;
        let last = seat_place(SeatNumber::new(70).unwrap()).eye;
        assert!(first.x < 0.0 && first.z < last.z && last.x > 0.0 && last.y > first.y);
        assert_eq!(SeatNumber::all().count(), 70);
        assert!(SeatNumber::new(0).is_none() && SeatNumber::new(71).is_none());
    }

    #[test]
    fn everyone_has_head_room() {
        assert!(HALL_HEIGHT_M - floor_of_row(ROWS - 1) > 4.0);
    }
}
