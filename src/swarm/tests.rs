use std::io::{Read as _, Seek as _, SeekFrom};

use proptest::prelude::*;

use super::{
    End, Event,
    pieces::PIECE_BYTES,
    simulation::{Film, MBIT, MS, World},
};

const PIECE: usize = PIECE_BYTES as usize;
const PRESENTER: usize = 0;
const GUEST: usize = 1;

/// A presenter with a film, and a guest.
fn two(mbit: u64, delay_ms: i64, film: &Film) -> World {
    let mut world = World::new(mbit, delay_ms);
    assert_eq!((world.person(None), world.person(None)), (PRESENTER, GUEST));
    world.swarm(PRESENTER).present(film.id, film.source()).unwrap();
    world
}

#[test]
fn a_film_arrives_whole_and_its_beginning_at_once() {
    let film = Film::of(5 * PIECE + 1234);
    let mut world = two(20, 40, &film);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    let (bytes, first_ms) = world.read(GUEST, &mut reader, 0, film.bytes.len() + 1, 5_000).unwrap();
    assert_eq!(bytes, film.bytes);
    // The line takes a round trip, the first request another, the piece 105 ms.
    assert!(first_ms <= 80 + 80 + 105 + 5, "{first_ms} ms");
    assert_eq!(world.blames, []);
}

#[test]
fn a_seek_waits_for_a_round_trip_and_a_piece() {
    let film = Film::of(400 * PIECE);
    let mut world = two(20, 40, &film);
    world.connect(PRESENTER, GUEST);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.run_ms(3_000);
    let mut slowest_ms = 0;
    for place in [300, 100, 399, 1, 200, 50, 350] {
        let from = (place * PIECE) as u64 + 77;
        let (bytes, first_ms) = world.read(GUEST, &mut reader, from, 1000, 5_000).unwrap();
        assert_eq!(bytes, film.bytes[from as usize..][..1000]);
        slowest_ms = slowest_ms.max(first_ms);
        world.run_ms(700);
    }
    println!("slowest {slowest_ms}");
    assert!(slowest_ms <= 80 + 105 + 10, "{slowest_ms} ms");
}

#[test]
fn the_line_is_kept_full_with_few_requests() {
    for (mbit, delay_ms) in [(20, 40), (100, 20), (2, 100)] {
        let film = Film::of(300 * PIECE);
        let mut world = two(mbit, delay_ms, &film);
        world.connect(PRESENTER, GUEST);
        let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
        world.run_ms(1_000);
        let before = world.way(PRESENTER, GUEST).carried_bytes;
        let mut place = 0;
        for _ in 0..4000 {
            world.tick();
            // Reads as fast as it comes, so that it never has read ahead enough.
            reader.seek(SeekFrom::Start(place)).unwrap();
            while let Ok(count) = reader.read(&mut [0; 65536]) {
                place += count as u64;
                if count == 0 {
                    break;
                }
            }
        }
        let carried = world.way(PRESENTER, GUEST).carried_bytes - before;
        let used = carried as f64 / (4.0 * (mbit * MBIT) as f64);
        println!("{mbit} Mbit/s, {} ms: {used}, at most {}", 2 * delay_ms, world.way(GUEST, PRESENTER).outstanding_max);
        assert!(used >= 0.95 || place >= film.bytes.len() as u64, "{used}");
        assert!(world.way(GUEST, PRESENTER).outstanding_max <= 16);
    }
}
