//! What people do who mean harm, and what becomes of it.

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    End, Event, Reader,
    manifest::{Batch, Hash},
    message::{Gone, Message, REQUESTS_MAX, Request, Urgency},
    pieces::{Cut, PIECE_BYTES},
    simulation::{FakeKeys, Film, MS, World},
};
use crate::net::FilmEvent;

const PIECE: usize = PIECE_BYTES as usize;

/// A stranger who says that they present a film, and a guest who believes it.
struct FalsePresenter {
    world: World,
    film: Film,
    reader: Reader,
    asked: Vec<Request>,
}

const STRANGER: usize = 0;
const GUEST: usize = 1;

impl FalsePresenter {
    fn new() -> Self {
        let (mut world, film) = (World::new(1_000, 1), Film::of(10 * PIECE));
        assert_eq!((world.stranger(), world.person(None)), (STRANGER, GUEST));
        world.connect(STRANGER, GUEST);
        let reader = world.swarm(GUEST).watch(film.ticket(STRANGER));
        let mut scene = Self { world, film, reader, asked: Vec::new() };
        scene.listen();
        assert_eq!(scene.asked.iter().map(|request| request.index).collect::<Vec<_>>(), [0, 9, 1, 2]);
        scene.asked.sort_by_key(|request| request.index);
        scene
    }

    /// Hears what the guest asks for.
    fn listen(&mut self) {
        self.world.run_ms(5);
        self.asked.clear();
        for event in self.world.heard(STRANGER) {
            if let FilmEvent::Message { bytes, .. } = event
                && let Ok(Message::Request { requests, .. }) = Message::decode(&bytes)
            {
                self.asked.extend(requests);
            }
        }
    }

    fn hash(&self, index: u32) -> Hash {
        *blake3::hash(&self.piece(index)).as_bytes()
    }

    fn piece(&self, index: u32) -> Bytes {
        self.film.bytes.slice(index as usize * PIECE..(index as usize + 1) * PIECE)
    }

    fn batch_by(&self, signer: usize, size_bytes: u64, first: u32, hashes: Vec<Hash>) -> Message {
        Message::Hashes(Batch::sign(&FakeKeys::of(signer as u8), self.film.id, Cut::new(size_bytes).unwrap(), first, hashes))
    }

    fn batch(&self, first: u32, hashes: Vec<Hash>) -> Message {
        self.batch_by(STRANGER, self.film.bytes.len() as u64, first, hashes)
    }

    fn say(&mut self, message: &Message) {
        self.world.say(STRANGER, GUEST, message);
        self.world.run_ms(5);
    }

    fn send(&mut self, request: u32, bytes: Bytes) {
        self.world.send(STRANGER, GUEST, request, bytes);
        self.world.run_ms(5);
    }

    /// For what the guest closed the line.
    fn blame(&mut self) -> Option<String> {
        self.world.blames.pop().map(|(by, on, reason)| {
            assert_eq!((by, on), (GUEST, STRANGER));
            reason
        })
    }

    fn failure(&mut self) -> Option<String> {
        let mut failures = self.world.events(GUEST);
        assert!(failures.len() < 2, "said more than once: {failures:?}");
        let Some(Event::Failed { sentence, .. }) = failures.pop() else { return None };
        // Nothing came, so nothing can be read.
        let read = self.world.read(GUEST, &mut self.reader, 9 * PIECE_BYTES, 1, 0);
        assert_eq!(read, Err(Some(End::Failed(sentence.clone()))));
        // And nobody is asked any more.
        self.world.connects.clear();
        self.world.run_ms(9_000);
        assert!(self.world.connects.is_empty());
        Some(sentence)
    }
}

#[test]
fn a_piece_that_is_not_what_was_signed_ends_the_film_and_the_line() {
    for hash_first in [true, false] {
        let mut scene = FalsePresenter::new();
        let (batch, number) = (scene.batch(0, vec![scene.hash(0)]), scene.asked[0].number);
        if hash_first {
            scene.say(&batch);
        }
        scene.send(number, scene.piece(1));
        if !hash_first {
            assert_eq!(scene.blame(), None, "it is not known yet");
            scene.say(&batch);
        }
        assert_eq!(scene.blame().unwrap(), "it sent bytes that are not the film’s");
        assert!(scene.failure().unwrap().contains("bytes that are not the film’s"));
    }
}

#[test]
fn a_piece_of_another_length_ends_the_film_too() {
    for length in [0, PIECE - 1] {
        let mut scene = FalsePresenter::new();
        let number = scene.asked[0].number;
        scene.send(number, Bytes::from(vec![0; length]));
        assert!(scene.blame().is_some() && scene.failure().is_some());
    }
}

#[test]
fn two_signed_words_that_contradict_each_other_end_the_film() {
    let mut scene = FalsePresenter::new();
    let size_bytes = scene.film.bytes.len() as u64;
    scene.say(&scene.batch(0, vec![[1; 32], [2; 32]]));
    scene.say(&scene.batch(1, vec![[2; 32], [3; 32]]));
    assert_eq!(scene.blame(), None);
    scene.say(&scene.batch(2, vec![[4; 32]]));
    assert!(scene.blame().is_some() && scene.failure().unwrap().contains("contradict"));
    for (size, first) in [(size_bytes + 1, 0), (size_bytes, 9), (size_bytes, u32::MAX)] {
        let mut scene = FalsePresenter::new();
        scene.say(&scene.batch_by(STRANGER, size, first, vec![[1; 32]; 2]));
        assert!(scene.blame().is_some() && scene.failure().unwrap().contains("contradict"));
    }
}

#[test]
fn whoever_forges_hashes_is_blamed_and_the_film_goes_on() {
    let mut scene = FalsePresenter::new();
    let forger = scene.world.stranger();
    scene.world.connect(forger, GUEST);
    scene.world.run_ms(5);
    // Relaying the presenter's own word is welcome.
    let message = scene.batch(0, vec![scene.hash(0)]);
    scene.world.say(forger, GUEST, &message);
    scene.world.run_ms(5);
    assert_eq!(scene.world.blames, []);
    let message = scene.batch_by(forger, scene.film.bytes.len() as u64, 0, vec![[1; 32]]);
    scene.world.say(forger, GUEST, &message);
    scene.world.run_ms(5);
    assert_eq!(scene.world.blames, [(GUEST, forger, "it sent hashes that the presenter did not sign".to_owned())]);
    scene.send(scene.asked[0].number, scene.piece(0));
    let (bytes, _) = scene.world.read(GUEST, &mut scene.reader, 0, PIECE, 0).unwrap();
    assert!(bytes == scene.piece(0) && scene.failure().is_none());
}

#[test]
fn what_a_guest_says_of_a_film_that_is_not_theirs_changes_nothing() {
    let mut scene = FalsePresenter::new();
    let other = scene.world.stranger();
    scene.world.connect(other, GUEST);
    let film = scene.film.id;
    for message in [
        Message::Gone { film, why: Gone::Unreadable },
        Message::Choke { film, is_choked: true },
        Message::Have { film, first: 0, bits: vec![255] },
        Message::Interest { film },
        Message::Leave { film },
        Message::Request { film, requests: vec![Request { number: 0, index: 0, urgency: Urgency::Now }] },
        Message::Cancel { requests: vec![0, 77] },
    ] {
        scene.world.say(other, GUEST, &message);
    }
    scene.world.run_ms(5);
    let heard = scene.world.heard(other);
    let refused = Message::Refused { requests: vec![0] }.encode();
    assert!(heard.iter().any(|event| matches!(event, FilmEvent::Message { bytes, .. } if *bytes == refused)), "{heard:?}");
    assert_eq!((scene.world.blames.len(), scene.failure()), (0, None));
}

#[test]
fn what_nobody_asked_for_costs_the_line_and_in_the_end_the_film() {
    let mut scene = FalsePresenter::new();
    let (piece, number) = (scene.piece(0), scene.asked[0].number);
    scene.say(&scene.batch(0, vec![scene.hash(0)]));
    scene.send(number, piece.clone());
    assert_eq!(scene.blame(), None);
    scene.send(number, piece.clone());
    assert_eq!(scene.blame().unwrap(), "it answered what was not asked", "a second time");
    for time in 1..=3 {
        assert_eq!(scene.world.line(STRANGER, GUEST), None);
        if time == 3 {
            assert!(scene.failure().unwrap().contains("rules"));
            return;
        }
        scene.world.run_ms(5_000);
        scene.send(77, piece.clone());
        assert!(scene.blame().is_some());
    }
}

#[test]
fn garbage_and_floods_cost_the_line() {
    let mut scene = FalsePresenter::new();
    scene.world.say_bytes(STRANGER, GUEST, Bytes::from_static(&[250, 1, 2]));
    scene.world.run_ms(5);
    assert_eq!(scene.blame().unwrap(), "it sent a message that is none");

    let mut scene = FalsePresenter::new();
    let film = scene.film.id;
    for _ in 0..1_100 {
        scene.world.say(STRANGER, GUEST, &Message::Choke { film, is_choked: false });
    }
    scene.world.run_ms(20);
    assert_eq!(scene.blame().unwrap(), "it said too much at once");
}

#[test]
fn a_piece_whose_hash_never_comes_costs_the_line() {
    let mut scene = FalsePresenter::new();
    scene.send(scene.asked[0].number, scene.piece(0));
    scene.world.run_ms(9_000);
    assert_eq!(scene.blame(), None);
    scene.world.run_ms(2_000);
    assert_eq!(scene.blame().unwrap(), "it sent a piece without its hash");
}

#[test]
fn a_presenter_who_refuses_or_is_silent_is_asked_again_with_patience() {
    let mut scene = FalsePresenter::new();
    let requests: Vec<u32> = scene.asked.iter().map(|request| request.number).collect();
    scene.say(&Message::Refused { requests: requests[1..].to_vec() });
    let guest = World::id(7);
    scene.say(&Message::Ask { request: requests[0], guest });
    scene.listen();
    assert_eq!(scene.asked, [], "not at once");
    scene.world.run_ms(1_000);
    scene.listen();
    assert_eq!(scene.asked.len(), 4);
    let film = scene.film.id;
    scene.world.run_ms(14_000);
    scene.listen();
    assert_eq!(scene.asked, []);
    scene.world.run_ms(2_000);
    scene.listen();
    assert_eq!(scene.asked.len(), 4, "what was not answered is asked again");
    scene.say(&Message::Choke { film, is_choked: true });
    scene.world.run_ms(60_000);
    scene.listen();
    assert_eq!(scene.asked, []);
    scene.say(&Message::Choke { film, is_choked: false });
    scene.listen();
    assert_eq!((scene.asked.len(), scene.blame(), scene.failure()), (4, None, None));
}

#[test]
fn a_presenter_who_breaks_every_piece_off_is_blamed() {
    let mut scene = FalsePresenter::new();
    let line = scene.world.line(STRANGER, GUEST).unwrap();
    for _ in 0..100 {
        for request in scene.asked.clone() {
            scene.world.tell(GUEST, FilmEvent::Broken { line, request: request.number });
        }
        scene.listen();
    }
    assert_eq!(scene.blame().unwrap(), "it said too much at once");
}

/// A presenter, and a stranger who is their guest.
fn false_guest() -> (World, Film, usize) {
    let (mut world, film) = (World::new(100, 1), Film::of(100 * PIECE));
    world.person(None);
    let stranger = world.stranger();
    world.swarm(0).present(film.id, film.source()).unwrap();
    world.connect(0, stranger);
    world.run_ms(5);
    (world, film, stranger)
}

fn requests(numbers: std::ops::Range<u32>) -> Vec<Request> {
    numbers.map(|number| Request { number, index: number % 100, urgency: Urgency::Ahead }).collect()
}

#[test]
fn a_guest_who_asks_for_too_much_or_nonsense_is_blamed_and_the_others_go_on() {
    let request = |number, index| Request { number, index, urgency: Urgency::Now };
    let cases: [(&str, Vec<Vec<Request>>); 5] = [
        ("it asked for too much at once", vec![requests(0..32), requests(32..64)]),
        ("it asked for a piece beyond the film's end", vec![vec![request(0, 100)]]),
        ("it asked for a piece twice", vec![(0..31).map(|number| request(number, number)).chain([request(31, 30)]).collect()]),
        ("it used a request's number twice", vec![vec![request(5, 1)], vec![request(5, 2)]]),
        ("it used a request's number twice", vec![vec![request(5, 1), request(4, 2)]]),
    ];
    for (reason, said) in cases {
        let (mut world, film, stranger) = false_guest();
        let guest = world.person(None);
        let mut reader = world.swarm(guest).watch(film.ticket(0));
        for requests in said {
            world.say(stranger, 0, &Message::Request { film: film.id, requests });
        }
        world.run_ms(20);
        assert_eq!(world.blames, [(0, stranger, reason.to_owned())]);
        let (bytes, _) = world.read(guest, &mut reader, 0, PIECE, 500).unwrap();
        assert!(bytes == film.bytes[..PIECE]);
    }
}

#[test]
fn a_guest_who_never_reads_holds_no_more_than_their_share() {
    let (mut world, film, stranger) = false_guest();
    let line = world.line(0, stranger).unwrap();
    world.say(stranger, 0, &Message::Request { film: film.id, requests: requests(0..32) });
    world.run_ms(3);
    // The line stands still.
    world.links.get_mut(&line).unwrap().slow_down(0);
    world.run_ms(5_000);
    assert_eq!(world.way(0, stranger).pieces(), 16);
    assert_eq!(world.blames, []);
    world.links.get_mut(&line).unwrap().slow_down(10_000);
    // Taking everything back lets go of it.
    world.say(stranger, 0, &Message::Leave { film: film.id });
    world.run_ms(5_000);
    assert_eq!(world.way(0, stranger).pieces(), 0);
}

#[test]
fn a_guest_who_floods_is_blamed() {
    let (mut world, film, stranger) = false_guest();
    for number in 0..2_000 {
        world.say(stranger, 0, &Message::Request { film: film.id, requests: requests(number..number + 1) });
        world.say(stranger, 0, &Message::Cancel { requests: vec![number; REQUESTS_MAX] });
    }
    world.run_ms(500);
    assert_eq!(world.blames, [(0, stranger, "it said too much at once".to_owned())]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_message_and_no_piece_upsets_anybody(steps in prop::collection::vec((0u8..9, 0u32..12, 0u32..120, 0usize..40), 1..60)) {
        let (mut world, film, stranger) = false_guest();
        let id = film.id;
        let mut reader = world.swarm(0).watch(super::Ticket { film: crate::net::FilmId::from_bytes([1; 16]), ..film.ticket(stranger) });
        for (kind, number, index, count) in steps {
            let film = if count % 5 == 0 { crate::net::FilmId::from_bytes([1; 16]) } else { id };
            let numbers = vec![number; count];
            let message = match kind {
                0 => Message::Interest { film },
                1 => Message::Leave { film },
                2 => Message::Request { film, requests: vec![Request { number, index, urgency: Urgency::Soon }; count] },
                3 => Message::Cancel { requests: numbers },
                4 => Message::Hashes(Batch::sign(&FakeKeys::of(stranger as u8), film, Cut::new(100 * PIECE_BYTES).unwrap(), index, vec![[0; 32]; count])),
                5 => Message::Refused { requests: numbers },
                6 => Message::Ask { request: number, guest: World::id(3) },
                7 => Message::Choke { film, is_choked: count % 2 == 0 },
                _ => {
                    world.send(stranger, 0, number, film_bytes(count));
                    continue;
                }
            };
            world.say(stranger, 0, &message);
            if world.line(0, stranger).is_none() {
                world.run_ms(200);
            }
            world.run_ms(i64::from(index % 7));
        }
        world.run_ms(2_000 * MS / MS);
        let error = world.read(0, &mut reader, 0, 1, 0).unwrap_err();
        prop_assert!(error.is_none() || matches!(error, Some(End::Failed(_))));
    }
}

fn film_bytes(count: usize) -> Bytes {
    Bytes::from(vec![0; if count.is_multiple_of(2) { PIECE } else { count }])
}
