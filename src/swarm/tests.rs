use std::{
    fs,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread,
};

use proptest::prelude::*;

use super::{
    End, Event, NotPresentable, Options, Swarm, Ticket,
    pieces::PIECE_BYTES,
    simulation::{Course, FakeKeys, Film, MBIT, MS, World},
};
use crate::net::{FilmEvent, FilmId, FilmOrder, LineId, film_port};

const PIECE: usize = PIECE_BYTES as usize;
const PRESENTER: usize = 0;
const GUEST: usize = 1;

fn only(range: Range<u64>) -> Vec<Range<u64>> {
    Vec::from([range])
}

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
    let progress = world.swarm(GUEST).progress(film.id).unwrap();
    assert_eq!((progress.have, progress.buffered_bytes), (only(0..film.bytes.len() as u64), 0));
    assert_eq!((world.blames.len(), world.events(GUEST)), (0, vec![]));
}

#[test]
fn a_film_is_fetched_before_anybody_reads_it_and_not_much_further_than_needed() {
    let film = Film::of(300 * PIECE);
    let mut world = two(800, 1, &film);
    let _reader = world.swarm(GUEST).watch(Ticket { bytes_per_second: Some(100_000), ..film.ticket(PRESENTER) });
    world.run_ms(3_000);
    let progress = world.swarm(GUEST).progress(film.id).unwrap();
    // A minute of it, and where its index may lie.
    assert_eq!(progress.have, [0..23 * PIECE_BYTES, 299 * PIECE_BYTES..300 * PIECE_BYTES]);
    assert!(progress.is_connected && progress.bytes_per_second.is_some());
    assert_eq!((world.people[GUEST].wake_ns, world.people[PRESENTER].wake_ns), (None, None), "then all sleep");
}

#[test]
fn whoever_only_looks_about_reads_what_is_here_and_nothing_is_fetched_for_it() {
    let film = Film::of(300 * PIECE);
    let mut world = two(800, 1, &film);
    assert!(world.swarm(GUEST).look_about(film.id).is_none());
    let _reader = world.swarm(GUEST).watch(Ticket { bytes_per_second: Some(100_000), ..film.ticket(PRESENTER) });
    world.run_ms(3_000);
    let before = world.swarm(GUEST).progress(film.id).unwrap();
    let mut about = world.swarm(GUEST).look_about(film.id).unwrap();
    let mut bytes = vec![0; 1000];
    for (piece, is_here) in [(0, true), (20, true), (299, true), (100, false), (200, false), (5, true)] {
        about.seek(SeekFrom::Start((piece * PIECE) as u64)).unwrap();
        match about.read_exact(&mut bytes) {
            Ok(()) => assert!(is_here && bytes == film.bytes[piece * PIECE..][..1000], "{piece}"),
            Err(error) => assert!(!is_here && End::of(&error) == Some(&End::NotHere), "{piece}: {error}"),
        }
    }
    world.run_ms(3_000);
    assert_eq!(world.swarm(GUEST).progress(film.id).unwrap().have, before.have);
}

#[test]
fn a_seek_waits_for_a_round_trip_and_a_piece() {
    let film = Film::of(400 * PIECE);
    let mut world = two(20, 40, &film);
    world.connect(PRESENTER, GUEST);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.run_ms(3_000);
    let mut firsts_ms = Vec::new();
    let places = [300, 100, 399, 1, 200, 50, 350];
    for place in places {
        let from = (place * PIECE) as u64 + 77;
        let (bytes, first_ms) = world.read(GUEST, &mut reader, from, 1000, 5_000).unwrap();
        assert_eq!(bytes, film.bytes[from as usize..][..1000]);
        firsts_ms.push(first_ms);
        world.run_ms(if place % 100 == 0 { 10 } else { 700 });
    }
    assert!(firsts_ms.iter().all(|ms| *ms <= 80 + 105 + 10), "{firsts_ms:?} ms");
    // What was called off was not carried to its end: all that came was used, but for what was on the line and half a piece at each seek.
    world.run_ms(40);
    let have: u64 = world.swarm(GUEST).progress(film.id).unwrap().have.iter().map(|range| range.end - range.start).sum();
    let wasted = world.way(PRESENTER, GUEST).carried_bytes - have;
    assert!(wasted <= (places.len() as u64 + 1) * (PIECE_BYTES / 2 + 20 * MBIT / 25), "{wasted}");
}

fn memory_pieces(world: &mut World, film: &Film) -> usize {
    world.swarm(GUEST).feed(film.id).unwrap().lock().cache.as_ref().unwrap().memory_pieces()
}

#[test]
fn a_file_whose_sound_lies_apart_is_read_in_two_places_without_waste() {
    let film = Film::of(200 * PIECE);
    let mut world = two(40, 40, &film);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    for step in 0..200 {
        for from in [step * 65_536, 100 * PIECE_BYTES + step * 16_384] {
            let (bytes, _) = world.read(GUEST, &mut reader, from, 16_384, 2_000).unwrap();
            assert!(bytes == film.bytes[from as usize..][..16_384]);
        }
        world.run_ms(30);
    }
    let have: u64 = world.swarm(GUEST).progress(film.id).unwrap().have.iter().map(|range| range.end - range.start).sum();
    let carried = world.way(PRESENTER, GUEST).carried_bytes;
    assert!(carried * 10 < have * 11, "{carried} bytes were carried for {have}");
}

#[test]
fn what_was_called_off_stops_costing() {
    let film = Film::of(400 * PIECE);
    let mut world = two(20, 40, &film);
    world.connect(PRESENTER, GUEST);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.run_ms(2_000);
    drop(reader);
    world.swarm(GUEST);
    world.run_ms(45);
    let before = world.way(PRESENTER, GUEST).carried_bytes;
    world.run_ms(2_000);
    assert_eq!(world.way(PRESENTER, GUEST).carried_bytes, before, "nobody reads it, so nothing is sent");
    // Whoever watches again begins anew.
    reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    let (bytes, _) = world.read(GUEST, &mut reader, 0, PIECE, 1_000).unwrap();
    assert_eq!(bytes, film.bytes[..PIECE]);
    assert_eq!(world.blames, []);
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
        for _ in 0..4000 {
            world.tick();
            // Reads as fast as it comes, so that it has never read ahead enough.
            while reader.read(&mut [0; 65536]).is_ok_and(|count| count > 0) {}
        }
        let carried = world.way(PRESENTER, GUEST).carried_bytes - before;
        let used = carried as f64 / (4.0 * (mbit * MBIT) as f64);
        let requests = world.way(GUEST, PRESENTER).outstanding_max;
        assert!(used >= 0.95, "{used}");
        assert!(requests <= 16);
    }
}

#[test]
fn several_guests_share_the_presenter() {
    let film = Film::of(20 * PIECE);
    let mut world = World::new(40, 20);
    assert_eq!([(); 5].map(|()| world.person(None)), [0, 1, 2, 3, 4]);
    world.swarm(PRESENTER).present(film.id, film.source()).unwrap();
    let mut readers: Vec<_> = (1..5).map(|guest| (guest, world.swarm(guest).watch(film.ticket(PRESENTER)))).collect();
    world.run_ms(2_000);
    for (guest, reader) in &mut readers {
        let (bytes, first_ms) = world.read(*guest, reader, 0, film.bytes.len(), 10).unwrap();
        assert_eq!((bytes == film.bytes, first_ms), (true, 0));
    }
}

#[test]
fn a_line_that_is_lost_is_sought_again_and_the_reader_just_waits() {
    let film = Film::of(40 * PIECE);
    let mut world = two(20, 20, &film);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.run_ms(1_000);
    world.disconnect(PRESENTER, GUEST);
    world.is_reachable = false;
    world.connects.clear();
    assert_eq!(world.read(GUEST, &mut reader, 38 * PIECE_BYTES, 1, 9_000).unwrap_err(), None, "it waits");
    let waits: Vec<i64> = world.connects.windows(2).map(|pair| (pair[1] - pair[0]) / (100 * MS)).collect();
    assert_eq!(waits, [5, 10, 20, 40], "asked at once, then less and less often");
    world.is_reachable = true;
    let (bytes, _) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 15_000).unwrap();
    assert!(bytes == film.bytes);
}

#[test]
fn a_film_taken_off_the_screen_can_be_read_to_where_it_came() {
    let film = Film::of(40 * PIECE);
    let mut world = two(20, 20, &film);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.run_ms(1_000);
    world.swarm(PRESENTER).withdraw(film.id);
    world.run_ms(100);
    assert_eq!(world.events(GUEST), [Event::Withdrawn { film: film.id }]);
    let here = world.swarm(GUEST).progress(film.id).unwrap().have;
    assert!(here[0].start == 0 && here[0].end > 4 * PIECE_BYTES, "{here:?}");
    let (bytes, _) = world.read(GUEST, &mut reader, 0, here[0].end as usize, 0).unwrap();
    assert!(bytes == film.bytes[..bytes.len()]);
    assert_eq!(world.read(GUEST, &mut reader, here[0].end, 1, 0).unwrap_err(), Some(End::Withdrawn));
    // Somebody who comes later hears it too.
    let late = world.person(None);
    let mut reader = world.swarm(late).watch(film.ticket(PRESENTER));
    assert_eq!(world.read(late, &mut reader, 0, 1, 500).unwrap_err(), Some(End::Withdrawn));
    assert_eq!(world.blames, []);
}

#[test]
fn a_guest_who_leaves_a_film_keeps_what_came_until_the_reader_is_gone() {
    let film = Film::of(40 * PIECE);
    let mut world = two(20, 20, &film);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.run_ms(1_000);
    world.swarm(GUEST).withdraw(film.id);
    assert!(world.read(GUEST, &mut reader, 0, PIECE, 0).is_ok());
    assert_eq!(world.read(GUEST, &mut reader, 38 * PIECE_BYTES, 1, 10).unwrap_err(), Some(End::Withdrawn));
    world.leave(GUEST);
    assert!(world.people[GUEST].swarm.is_none());
    let mut byte = [0];
    reader.rewind().unwrap();
    assert_eq!(reader.read(&mut byte).unwrap(), 1);
}

#[test]
fn a_reader_ends_with_its_swarm() {
    let film = Film::of(4 * PIECE);
    let mut world = two(20, 20, &film);
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.leave(GUEST);
    let error = reader.read(&mut [0]).unwrap_err();
    assert_eq!((End::of(&error), error.kind()), (Some(&End::Stopped), io::ErrorKind::BrokenPipe));
}

/// A file that a test can make unreadable.
struct Fragile(io::Cursor<bytes::Bytes>, Arc<AtomicBool>);

impl Read for Fragile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1.load(Ordering::Relaxed) { Err(io::Error::other("the disk is gone")) } else { self.0.read(buffer) }
    }
}

impl Seek for Fragile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_presenter_whose_file_is_gone_is_told_and_so_are_the_guests() {
    let film = Film::of(40 * PIECE);
    let mut world = World::new(20, 20);
    world.person(None);
    world.person(None);
    let is_gone = Arc::new(AtomicBool::new(false));
    world.swarm(PRESENTER).present(film.id, Fragile(film.source(), Arc::clone(&is_gone))).unwrap();
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.run_ms(1_000);
    is_gone.store(true, Ordering::Relaxed);
    let Err(Some(End::Failed(sentence))) = world.read(GUEST, &mut reader, 38 * PIECE_BYTES, 1, 1_000) else { panic!("it went on") };
    assert_eq!(sentence, "The presenter’s machine can no longer read the film. Ask for it to be presented again.");
    assert_eq!(world.events(GUEST), [Event::Failed { film: film.id, sentence }]);
    let told = world.events(PRESENTER);
    assert!(matches!(&told[..], [Event::Failed { sentence, .. }] if sentence.contains("the disk is gone")), "{told:?}");
}

/// A file that counts what is read of it.
struct Counted(io::Cursor<bytes::Bytes>, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn nothing_of_a_film_is_read_or_kept_at_the_presenters_before_somebody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let film = Film::of(40 * PIECE);
    let mut world = World::new(100, 10);
    assert_eq!((world.person(Some((folder.path(), 1 << 30))), world.person(None)), (PRESENTER, GUEST));
    let read = Arc::<AtomicU64>::default();
    world.swarm(PRESENTER).present(film.id, Counted(film.source(), Arc::clone(&read))).unwrap();
    world.connect(PRESENTER, GUEST);
    for _ in 0..50 {
        // Each asks themselves again and again whether there is something to do.
        world.swarm(PRESENTER);
        world.swarm(GUEST);
        world.run_ms(100);
    }
    assert_eq!((read.load(Ordering::Relaxed), world.way(PRESENTER, GUEST).carried_bytes), (0, 0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // Whoever asks gets it, and the presenter keeps no second copy.
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    let (bytes, _) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 9_000).unwrap();
    assert!(bytes == film.bytes);
    assert!(read.load(Ordering::Relaxed) >= film.bytes.len() as u64);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_presented_or_watched_is_said_at_once() {
    let mut world = World::new(20, 20);
    world.person(None);
    world.person(None);
    let film = Film::of(0);
    let refused = world.swarm(PRESENTER).present(film.id, film.source()).unwrap_err();
    assert!(matches!(refused, NotPresentable::Size));
    for size_bytes in [0, u64::MAX] {
        let mut reader = world.swarm(GUEST).watch(Ticket { size_bytes, ..film.ticket(PRESENTER) });
        let error = reader.read(&mut [0]).unwrap_err();
        assert!(matches!(End::of(&error), Some(End::Failed(_))), "{error}");
    }
    let mut reader = world.swarm(GUEST).watch(Ticket { size_bytes: 1, ..film.ticket(GUEST) });
    assert!(matches!(world.read(GUEST, &mut reader, 0, 1, 5), Err(Some(End::Failed(_)))));
}

#[test]
fn a_cache_on_disk_keeps_the_whole_film_and_goes_with_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made/on/need");
    let film = Film::of(300 * PIECE);
    let mut world = World::new(2_000, 1);
    world.person(None);
    world.person(Some((&folder, 1 << 30)));
    world.swarm(PRESENTER).present(film.id, film.source()).unwrap();
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    let (bytes, _) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 5_000).unwrap();
    assert!(bytes == film.bytes);
    assert_eq!(memory_pieces(&mut world, &film), 224);
    world.disconnect(PRESENTER, GUEST);
    world.is_reachable = false;
    let (bytes, _) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 0).unwrap();
    assert!(bytes == film.bytes, "read again from the disk");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    drop(reader);
    world.swarm(GUEST);
    world.run_ms(2);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "its lock is left");
    world.leave(GUEST);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_small_cache_stays_small_and_a_film_can_be_read_back_and_forth() {
    let folder = tempfile::tempdir().unwrap();
    let film = Film::of(300 * PIECE);
    let mut world = World::new(2_000, 1);
    world.person(None);
    world.person(Some((folder.path(), 230 * PIECE_BYTES)));
    world.swarm(PRESENTER).present(film.id, film.source()).unwrap();
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    for _ in 0..2 {
        let (bytes, _) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 9_000).unwrap();
        assert!(bytes == film.bytes);
        let longest = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).max();
        assert_eq!(longest, Some(230 * PIECE_BYTES));
    }
}

#[test]
fn without_a_place_for_the_cache_memory_does_and_it_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let film = Film::of(300 * PIECE);
    let mut world = World::new(2_000, 1);
    world.person(None);
    world.person(Some((&file, 1 << 30)));
    world.swarm(PRESENTER).present(film.id, film.source()).unwrap();
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    let (bytes, _) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 5_000).unwrap();
    assert!(bytes == film.bytes);
    let told = world.events(GUEST);
    assert!(matches!(&told[..], [Event::Problem { .. }]), "{told:?}");
    assert_eq!(memory_pieces(&mut world, &film), 224);
}

#[test]
fn a_cache_file_that_is_damaged_is_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let film = Film::of(300 * PIECE);
    let mut world = World::new(2_000, 1);
    world.person(None);
    world.person(Some((folder.path(), 1 << 30)));
    world.swarm(PRESENTER).present(film.id, film.source()).unwrap();
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    world.read(GUEST, &mut reader, 0, film.bytes.len(), 5_000).unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        fs::OpenOptions::new().write(true).open(file.unwrap().path()).unwrap().set_len(7).unwrap();
    }
    let (bytes, _) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 9_000).unwrap();
    assert!(bytes == film.bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_the_line_does_a_reader_reads_the_film(
        size in 1usize..30 * PIECE,
        mbit in 2u64..200,
        delay_ms in 0i64..100,
        jitter_ms in 0i64..60,
        reads in prop::collection::vec((any::<prop::sample::Index>(), 1usize..400_000, 0i64..300, 0u8..12), 1..12),
    ) {
        let film = Film::of(size);
        let mut world = two(mbit, delay_ms, &film);
        world.path = Course { jitter_ns: jitter_ms * MS, ..world.path };
        let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
        for (from, count, pause_ms, accident) in reads {
            let from = from.index(size);
            if accident == 0 {
                world.disconnect(PRESENTER, GUEST);
            }
            let (bytes, _) = world.read(GUEST, &mut reader, from as u64, count, 60_000).expect("it waits for ever");
            prop_assert!(bytes == film.bytes[from..(from + count).min(size)]);
            world.run_ms(pause_ms);
            if let Some(line) = world.line(PRESENTER, GUEST) {
                prop_assert!(world.links[&line].ways.iter().all(|way| way.outstanding_max <= 16));
            }
        }
        prop_assert_eq!(&world.blames, &[]);
        prop_assert_eq!(world.events(GUEST), []);
    }
}

#[test]
fn a_very_slow_line_brings_the_film_all_the_same() {
    let film = Film::of(4 * PIECE);
    let mut world = two(1, 20, &film);
    world.path.bytes_per_second = 100_000 / 8;
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    let (bytes, first_ms) = world.read(GUEST, &mut reader, 0, film.bytes.len(), 150_000).unwrap();
    assert!(bytes == film.bytes);
    // The first patience is too short; that costs one piece.
    assert!(first_ms < 40_000, "{first_ms} ms");
    assert!(world.way(PRESENTER, GUEST).carried_bytes <= 5 * PIECE_BYTES);
}

/// Two swarms with threads of their own, and one that carries.
#[test]
fn threads_pass_a_film_on_and_end_with_their_handles() {
    fn mono_ns() -> i64 {
        static NOW_NS: AtomicI64 = AtomicI64::new(0);
        NOW_NS.fetch_add(MS, Ordering::Relaxed)
    }
    let folder = tempfile::tempdir().unwrap();
    let film = Film::of(20 * PIECE + 5);
    let (mut wires, mut swarms) = (Vec::new(), Vec::new());
    for number in 0..2 {
        let (port, wire) = film_port();
        let keys = Box::new(FakeKeys::of(number));
        let options = Options { keys, cache_folder: Some(folder.path().to_owned()), cache_limit_bytes: 1 << 30, mono_ns };
        swarms.push(Swarm::start(port, options).unwrap());
        wires.push(wire);
    }
    let (guest, presenter) = (swarms.pop().unwrap(), swarms.pop().unwrap());
    presenter.present(film.id, film.source()).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let carrier = {
        let is_over = Arc::clone(&is_over);
        thread::Builder::new().spawn(move || {
            let line = LineId(1);
            (0..2).for_each(|end| wires[end].events.send(FilmEvent::Up { line, peer: World::id(1 - end) }).unwrap());
            while !is_over.load(Ordering::Relaxed) {
                for end in 0..2 {
                    while let Ok(order) = wires[end].orders.try_recv() {
                        let event = match order {
                            FilmOrder::Message { bytes, .. } => FilmEvent::Message { line, bytes },
                            FilmOrder::Piece { request, bytes, .. } => {
                                wires[end].events.send(FilmEvent::Sent { line, request }).unwrap();
                                FilmEvent::Piece { line, request, bytes }
                            }
                            FilmOrder::Connect { .. } | FilmOrder::Cancel { .. } | FilmOrder::Blame { .. } => continue,
                        };
                        wires[1 - end].events.send(event).unwrap();
                    }
                }
                thread::yield_now();
            }
        })
    };
    let mut reader = guest.watch(film.ticket(0));
    let (mut bytes, mut have, mut interruptions) = (vec![0; film.bytes.len()], 0, 0);
    while have < bytes.len() {
        match reader.read(&mut bytes[have..]) {
            Ok(count) => have += count,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::Interrupted);
                interruptions += 1;
                assert!(interruptions < 1_000, "it waits for ever");
            }
        }
    }
    assert!(bytes == film.bytes);

    // One that waits for what never comes hears of the end.
    let waiting = guest.watch(Ticket { film: FilmId::from_bytes([1; 16]), presenter: World::id(0), ..film.ticket(0) });
    presenter.withdraw(film.id);
    is_over.store(true, Ordering::Relaxed);
    carrier.unwrap().join().unwrap();
    let waits = thread::Builder::new().spawn(move || {
        let mut waiting = waiting;
        waiting.read_exact(&mut [0]).unwrap_err()
    });
    drop(guest);
    let error = waits.unwrap().join().unwrap();
    assert!(matches!(End::of(&error), Some(End::Stopped | End::Withdrawn)), "{error}");
    drop(presenter);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the cache is gone");
}

#[test]
fn films_are_told_apart() {
    let (film, other) = (Film::of(5 * PIECE), Film { id: FilmId::from_bytes([7; 16]), ..Film::of(6 * PIECE) });
    let mut world = two(100, 10, &film);
    world.swarm(PRESENTER).present(other.id, other.source()).unwrap();
    let mut reader = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    let mut other_reader = world.swarm(GUEST).watch(other.ticket(PRESENTER));
    assert!(world.read(GUEST, &mut reader, 0, 9 * PIECE, 2_000).unwrap().0 == film.bytes);
    assert!(world.read(GUEST, &mut other_reader, 0, 9 * PIECE, 2_000).unwrap().0 == other.bytes);
    // A second reader of the same film finds what the first one fetched.
    world.is_reachable = false;
    world.disconnect(PRESENTER, GUEST);
    let mut second = world.swarm(GUEST).watch(film.ticket(PRESENTER));
    assert!(world.read(GUEST, &mut second, 0, 9 * PIECE, 0).unwrap().0 == film.bytes);
}
