use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Me, Participant,
    news::replicate,
    tell,
    wish::{Wish, Wished, wish_for},
};

/// Who sits where: one person a seat, and the keeper of the room decides.
pub(super) fn plugin(app: &mut App) {
    replicate::<Sits>(app);
    wish_for::<SitDown>(app);
    app.add_observer(on_sit_down);
}

fn on_sit_down(sit: On<Wished<SitDown>>, people: Query<(Entity, &Participant, &Sits)>, mut commands: Commands) {
    let SitDown(wanted) = sit.wish;
    match people.iter().find(|(_, _, sits)| sits.0 == wanted) {
        Some((who, ..)) if who == sit.by => {}
        Some((_, taken_by, _)) => {
            tell(sit.by, taken(taken_by, wanted), &mut commands);
        }
        None => {
            commands.entity(sit.by).insert(Sits(wanted));
        }
    }
}

/// The seat for somebody who comes: the one wanted if it is free, else the free one nearest to the middle of the hall.
pub(super) fn free_seat(taken: &[SeatNumber], wanted: Option<SeatNumber>) -> Option<SeatNumber> {
    let is_free = |seat: &SeatNumber| !taken.contains(seat);
    let distance = |seat: &SeatNumber| {
        let (rows, columns) = (seat.row().abs_diff(SeatNumber::BEST.row()), seat.column().abs_diff(SeatNumber::BEST.column()));
        // Somebody beside is nearer than somebody behind.
        (2 * rows + columns, seat.get())
    };
    wanted.filter(is_free).or_else(|| SeatNumber::all().filter(is_free).min_by_key(distance))
}

/// Where somebody sits.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[component(immutable)]
pub struct Sits(pub SeatNumber);

/// I want to sit there.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SitDown(pub SeatNumber);

impl Wish for SitDown {
    fn foreseen(&self, world: &mut World) -> Option<String> {
        let mut people = world.query::<(&Participant, &Sits, Has<Me>)>();
        let taken_by = people.iter(world).find(|(_, sits, is_me)| sits.0 == self.0 && !is_me);
        taken_by.map(|(participant, ..)| taken(participant, self.0))
    }
}

fn taken(by: &Participant, seat: SeatNumber) -> String {
    format!("{} sits in seat {}.", by.name, seat.get())
}

/// A seat: 1 to 70, row by row from the front, left to right facing the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct SeatNumber(u8);

impl SeatNumber {
    /// Rows of seats.
    pub const ROWS: usize = 7;
    /// Seats in a row.
    pub const COLUMNS: usize = 10;
    /// How many seats there are.
    pub const COUNT: u8 = (Self::ROWS * Self::COLUMNS) as u8;
    /// The best seat: fourth row, middle.
    pub const BEST: Self = Self(35);

    /// The seat of this number, 1 to 70.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (1..=Self::COUNT).contains(&number).then_some(Self(number))
    }

    /// Its number, 1 to 70.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// Its row; 0 is the first.
    #[must_use]
    pub fn row(self) -> usize {
        usize::from(self.0 - 1) / Self::COLUMNS
    }

    /// Its column; 0 is the leftmost, facing the screen.
    #[must_use]
    pub fn column(self) -> usize {
        usize::from(self.0 - 1) % Self::COLUMNS
    }

    /// All of them in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::COUNT).map(Self)
    }
}

impl Default for SeatNumber {
    fn default() -> Self {
        Self::BEST
    }
}

impl TryFrom<u8> for SeatNumber {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::new(number).ok_or("seats are 1 to 70")
    }
}

impl From<SeatNumber> for u8 {
    fn from(seat: SeatNumber) -> Self {
        seat.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(number: u8) -> SeatNumber {
        SeatNumber::new(number).unwrap()
    }

    #[test]
    fn who_comes_sits_beside_those_who_are_here() {
        assert_eq!(free_seat(&[], None), Some(SeatNumber::BEST));
        assert_eq!(free_seat(&[SeatNumber::BEST], None).map(SeatNumber::row), Some(SeatNumber::BEST.row()));
        assert_eq!(free_seat(&[seat(35)], Some(seat(1))), Some(seat(1)));
        assert_ne!(free_seat(&[seat(1), seat(35)], Some(seat(1))), Some(seat(1)));
    }

    #[test]
    fn seventy_find_a_seat_each_and_no_more() {
        let mut taken = Vec::new();
        while let Some(seat) = free_seat(&taken, None) {
            assert!(!taken.contains(&seat));
            taken.push(seat);
        }
        assert_eq!(taken.len(), 70);
    }
}
