//! Who sits where. Kept from [`Sits`]; if two claim one seat, whoever had it keeps it.

use bevy::prelude::*;

use super::Person;
use crate::room::{SeatNumber, Sits};

/// Keeps [`Occupied`].
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Occupied>().add_systems(Update, keep.in_set(TakeSeats).run_if(has_changed));
}

/// Seats are taken here, before figures move.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TakeSeats;

fn has_changed(
    changed: Query<(), (With<Person>, With<Sits>, Or<(Changed<Sits>, Added<Person>)>)>,
    mut up: RemovedComponents<Sits>,
    mut gone: RemovedComponents<Person>,
) -> bool {
    // All are read, or what is left would count again.
    up.read().count() + gone.read().count() > 0 || !changed.is_empty()
}

fn keep(people: Query<(Entity, &Sits), With<Person>>, mut occupied: ResMut<Occupied>) {
    let next = occupied.next(people.iter().map(|(person, sits)| (person, sits.0)));
    occupied.set_if_neq(next);
}

/// Who sits in which seat, oneself included.
#[derive(Resource, Debug, Clone, PartialEq, Eq)]
pub struct Occupied([Option<Entity>; SeatNumber::COUNT as usize]);

impl Default for Occupied {
    fn default() -> Self {
        Self([None; SeatNumber::COUNT as usize])
    }
}

impl Occupied {
    /// The person in this seat.
    #[must_use]
    pub fn who(&self, seat: SeatNumber) -> Option<Entity> {
        self.0[usize::from(seat.get() - 1)]
    }

    /// Whether one may sit down there.
    #[must_use]
    pub fn is_free(&self, seat: SeatNumber) -> bool {
        self.who(seat).is_none()
    }

    /// All taken seats and who has them, in the seats' order.
    pub fn iter(&self) -> impl Iterator<Item = (SeatNumber, Entity)> {
        SeatNumber::all().filter_map(|seat| Some((seat, self.who(seat)?)))
    }

    fn next(&self, claims: impl Iterator<Item = (Entity, SeatNumber)>) -> Self {
        let mut next = Self::default();
        for (person, seat) in claims {
            let place = &mut next.0[usize::from(seat.get() - 1)];
            let before = self.who(seat);
            // Whoever sat here stays; among new ones the older entity, so that it does not depend on the order of a query.
            if place.is_none_or(|other| before != Some(other) && (before == Some(person) || person < other)) {
                *place = Some(person);
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seat(number: u8) -> SeatNumber {
        SeatNumber::new(number).unwrap()
    }

    fn people(count: usize) -> Vec<Entity> {
        let mut world = World::new();
        (0..count).map(|_| world.spawn_empty().id()).collect()
    }

    #[test]
    fn who_sits_keeps_the_seat() {
        let people = people(2);
        for (first, second) in [(people[0], people[1]), (people[1], people[0])] {
            let alone = Occupied::default().next([(first, seat(7))].into_iter());
            for claims in [[(first, seat(7)), (second, seat(7))], [(second, seat(7)), (first, seat(7))]] {
                assert_eq!(alone.next(claims.into_iter()).who(seat(7)), Some(first));
            }
            assert_eq!(alone.next([(second, seat(7))].into_iter()).who(seat(7)), Some(second));
        }
    }

    proptest! {
        #[test]
        fn the_order_of_claims_decides_nothing(claims in prop::collection::vec((0usize..8, 1u8..12), 0..8), before in 0usize..8) {
            let people = people(8);
            let occupied = Occupied::default().next([(people[before], seat(3))].into_iter());
            let mut one_each: Vec<_> = claims.iter().map(|(person, number)| (people[*person], seat(*number))).collect();
            one_each.sort();
            one_each.dedup_by_key(|claim| claim.0);
            let next = occupied.next(one_each.iter().copied());
            prop_assert_eq!(&next, &occupied.next(one_each.iter().rev().copied()));
            for (person, number) in &one_each {
                prop_assert!(!next.is_free(*number));
                prop_assert!(next.who(*number) == Some(*person) || one_each.iter().any(|other| other.1 == *number && other.0 != *person));
            }
            prop_assert!(next.iter().all(|claim| one_each.contains(&(claim.1, claim.0))));
        }
    }
}
