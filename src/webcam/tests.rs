//! The whole way of a face, by hand: camera, encoder, streams that are lost, cut and overtake each other, decoder.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    Camera, CameraState, Content, Face, FaceLine, FaceNews, Faces, FilmCamera, Freshness, GroupOrder, Incoming, Layer, Look, Order,
    Outgoing, Parcel, Pattern, Piece, Seen, Shot, Step, group::GroupHead, number,
};
use crate::{
    handover::MailboxReceiver,
    media::{CameraLayout, CameraPicture, FaceCodec, Source},
    net::ParticipantId,
};

const MS: i64 = 1_000_000;

fn person(number: u8) -> ParticipantId {
    ParticipantId::from_bytes([number; 32])
}

/// One who films, and one who watches.
struct Pair {
    camera: Camera,
    parcels: MailboxReceiver<Parcel>,
    outgoing: Outgoing,
    faces: Faces,
    line: FaceLine,
    incoming: Incoming,
    streams: BTreeMap<GroupOrder, u64>,
    opened: u64,
    now_ns: i64,
}

impl Pair {
    fn new(source: Box<dyn super::CameraSource>) -> Self {
        let (camera, parcels, outgoing) = Camera::by_hand(source, 1);
        let (faces, incoming) = Faces::by_hand();
        let line = faces.expect(person(1)).unwrap();
        assert!(camera.watch(person(2), Some(Layer::Near)));
        Self { camera, parcels, outgoing, faces, line, incoming, streams: BTreeMap::new(), opened: 0, now_ns: 1_000 * MS }
    }

    /// A while of the camera's; what it sends, which the network takes at once.
    fn film(&mut self, ms: i64) -> Vec<Parcel> {
        for _ in 0..ms / 5 {
            self.now_ns += 5 * MS;
            self.outgoing.step(self.now_ns);
        }
        let parcels: Vec<_> = std::iter::from_fn(|| self.parcels.receive()).collect();
        for parcel in &parcels {
            if let Content::Picture { picture, .. } = parcel.what {
                self.camera.orders().send(Order::Taken { who: parcel.to, order: parcel.order, picture }).unwrap();
            }
        }
        parcels
    }

    /// Longer, with a network that takes things every 100 ms.
    fn film_on(&mut self, ms: i64) -> Vec<Parcel> {
        (0..ms / 100).flat_map(|_| self.film(100)).collect()
    }

    /// As the net does it: a stream for each group.
    fn pieces(&mut self, parcel: &Parcel) -> Vec<Piece> {
        if let Content::Picture { picture: 0, .. } = parcel.what {
            self.streams.insert(parcel.order, self.opened);
            self.opened += 1;
        }
        let Some(&stream) = self.streams.get(&parcel.order) else { return Vec::new() };
        match &parcel.what {
            Content::Picture { bytes, .. } => {
                bytes.chunks(1100).map(|part| Piece::Bytes { stream, bytes: Bytes::copy_from_slice(part), is_end: false }).collect()
            }
            Content::End => vec![Piece::Bytes { stream, bytes: Bytes::new(), is_end: true }],
            Content::Reset => vec![Piece::BrokenOff { stream }],
        }
    }

    /// Brings a piece and gives the number that is seen then.
    fn bring(&mut self, piece: Piece) -> Option<u16> {
        self.line.inlet.send(piece).unwrap();
        while self.incoming.step(self.now_ns) == Step::Worked {}
        self.line.shown.take().map(|shown| number(&shown.picture).expect("a readable number"))
    }
}

/// When the pictures were taken that somebody sees of what was sent to them, and their sides.
fn seen_by(who: ParticipantId, face: &mut Face, pair: &mut Pair, parcels: &[Parcel]) -> Vec<(u32, usize)> {
    let mut seen = Vec::new();
    for parcel in parcels.iter().filter(|parcel| parcel.to == who) {
        for piece in pair.pieces(parcel) {
            if let Piece::Bytes { stream, bytes, is_end } = piece {
                let picture = face.hear(stream, &bytes, is_end, pair.now_ns).unwrap();
                seen.extend(picture.map(|picture| (picture.captured_ms, picture.side)));
            }
        }
    }
    seen
}

/// How many streams begin for somebody.
fn begun(who: ParticipantId, parcels: &[Parcel]) -> usize {
    parcels.iter().filter(|parcel| parcel.to == who && matches!(parcel.what, Content::Picture { picture: 0, .. })).count()
}

#[test]
fn whoever_comes_later_sees_the_face_at_once_and_costs_nobody_a_key_frame() {
    let mut pair = Pair::new(Box::new(Pattern::new(40)));
    assert_eq!(begun(person(2), &pair.film_on(300)), 1);
    assert!(pair.camera.watch(person(3), Some(Layer::Near)));
    let parcels = pair.film(100);
    assert_eq!((begun(person(2), &parcels), begun(person(3), &parcels)), (0, 1));
    let mut face = Face::default();
    let seen = seen_by(person(3), &mut face, &mut pair, &parcels);
    assert_eq!(seen.last(), Some(&(335, 192)), "{seen:?}");
    // And they go on together.
    let parcels = pair.film_on(1000);
    assert_eq!((begun(person(2), &parcels), begun(person(3), &parcels)), (0, 0));
    let seen = seen_by(person(3), &mut face, &mut pair, &parcels);
    assert!(seen.len() == 15 && !face.asks_key(pair.now_ns), "{seen:?}");
}

#[test]
fn whoever_turns_to_a_face_sees_it_sharp_at_once_and_never_goes_back_in_time() {
    let mut pair = Pair::new(Box::new(Pattern::new(40)));
    assert!(pair.camera.watch(person(2), Some(Layer::Far)) && pair.camera.watch(person(3), Some(Layer::Near)));
    let mut face = Face::default();
    let parcels = pair.film_on(400);
    let mut seen = seen_by(person(2), &mut face, &mut pair, &parcels);
    assert_eq!(seen, [(0, 96), (200, 96)]);
    assert!(pair.camera.watch(person(2), Some(Layer::Near)));
    let parcels = pair.film_on(300);
    assert_eq!((begun(person(2), &parcels), begun(person(3), &parcels)), (1, 0));
    seen.extend(seen_by(person(2), &mut face, &mut pair, &parcels));
    assert!(seen.is_sorted() && seen.last() == Some(&(670, 192)), "{seen:?}");
    assert!(seen.iter().filter(|(captured_ms, side)| *captured_ms >= 400 && *side == 192).count() == 5, "{seen:?}");
}

#[test]
fn whoever_has_no_line_gets_nothing_until_there_is_one_and_then_a_beginning() {
    let mut pair = Pair::new(Box::new(Pattern::new(40)));
    assert!(!pair.film_on(500).is_empty());
    pair.camera.orders().send(Order::Away { who: person(2) }).unwrap();
    assert!(pair.film_on(2000).is_empty());
    pair.camera.orders().send(Order::Here { who: person(2) }).unwrap();
    let parcels = pair.film(100);
    assert!(matches!(parcels.first().map(|parcel| &parcel.what), Some(Content::Picture { picture: 0, .. })), "{parcels:?}");
    let seen = seen_by(person(2), &mut Face::default(), &mut pair, &parcels);
    assert!(!seen.is_empty());
}

#[test]
fn every_numbered_picture_arrives_and_in_order() {
    let mut pair = Pair::new(Box::new(Pattern::new(40)));
    let mut numbers = Vec::new();
    for _ in 0..100 {
        for parcel in pair.film(100) {
            for piece in pair.pieces(&parcel) {
                numbers.extend(pair.bring(piece));
            }
        }
    }
    assert_eq!(numbers, (0..150).collect::<Vec<u16>>());
    assert_eq!((pair.faces.news(), pair.camera.state()), (None, Some(CameraState::On)));
    let preview = pair.camera.preview().unwrap().mirrored();
    assert!((148..=149).contains(&number(&preview).unwrap()), "one's own is a mirror's");
}

#[test]
fn a_lost_group_stands_still_until_the_next_and_a_key_frame_is_asked_for() {
    let mut pair = Pair::new(Box::new(Pattern::new(40)));
    let mut numbers = Vec::new();
    for round in 0..60 {
        for parcel in pair.film(100) {
            let is_lost = parcel.order.group == 0 && round >= 5;
            for piece in pair.pieces(&parcel) {
                // The network loses the rest of the first group and says so.
                let piece = match piece {
                    Piece::Bytes { stream, .. } if is_lost => Piece::BrokenOff { stream },
                    piece => piece,
                };
                numbers.extend(pair.bring(piece));
            }
        }
        while let Some(news) = pair.faces.news() {
            assert_eq!(news, FaceNews::NeedsKey(person(1)));
            pair.camera.orders().send(Order::AskKey { who: person(2) }).unwrap();
        }
    }
    assert!(numbers.is_sorted() && numbers[..7] == [0, 1, 2, 3, 4, 5, 6], "{numbers:?}");
    // Asked for at once, and made when the last one is a second old.
    assert!((8..18).contains(&numbers[8]) && numbers.last() == Some(&89), "{numbers:?}");
}

#[test]
fn an_older_group_that_comes_late_is_ignored_and_one_that_overtakes_wins() {
    let mut pair = Pair::new(Box::new(Pattern::new(1)));
    let parcels: Vec<_> = (0..70).flat_map(|_| pair.film(100)).collect();
    let pieces: Vec<_> =
        parcels.iter().flat_map(|parcel| pair.pieces(parcel).into_iter().map(move |piece| (parcel.order.group, piece))).collect();
    let (first, rest): (Vec<_>, Vec<_>) = pieces.into_iter().partition(|(group, _)| *group == 0);
    let (second, third): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(group, _)| *group == 1);
    let mut numbers = Vec::new();
    let (begin, late) = first.split_at(first.len() / 2);
    for (_, piece) in begin.iter().chain(&second[..second.len() / 2]).chain(late).chain(&third).chain(&second[second.len() / 2..]) {
        pair.now_ns += 20 * MS;
        numbers.extend(pair.bring(piece.clone()));
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert!(numbers.contains(&45) && numbers.contains(&90) && !numbers.contains(&44) && !numbers.contains(&89), "{numbers:?}");
    assert_eq!(pair.faces.news(), None);
}

#[test]
fn garbage_costs_its_sender_the_line_and_nobody_else_anything() {
    let mut pair = Pair::new(Box::new(Pattern::new(1)));
    let bad = pair.faces.expect(person(9)).unwrap();
    bad.inlet.send(Piece::Bytes { stream: 0, bytes: Bytes::from(vec![0xff; 900]), is_end: false }).unwrap();
    let parcels: Vec<_> = (0..10).flat_map(|_| pair.film(100)).collect();
    let numbers: Vec<_> = parcels
        .iter()
        .flat_map(|parcel| pair.pieces(parcel))
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(|piece| pair.bring(piece))
        .collect();
    assert!(numbers.len() >= 14, "{numbers:?}");
    assert!(matches!(pair.faces.news(), Some(FaceNews::Fault(who, _)) if who == person(9)));
    // What they send after that is not even read.
    bad.inlet.send(Piece::Bytes { stream: 1, bytes: Bytes::from(vec![0xff; 900]), is_end: false }).unwrap();
    pair.incoming.step(pair.now_ns);
    assert_eq!(pair.faces.news(), None);
}

#[test]
fn a_flood_of_good_pictures_is_a_fault_too_but_a_burst_is_not() {
    let mut pair = Pair::new(Box::new(Pattern::new(1)));
    let parcels: Vec<_> = (0..70).flat_map(|_| pair.film(100)).collect();
    let pieces: Vec<_> = parcels.iter().flat_map(|parcel| pair.pieces(parcel)).collect();
    let mut face = Face::default();
    let mut hear = |piece: &Piece, round: u64| match piece {
        Piece::Bytes { stream, bytes, is_end } => face.hear(stream + round * 10, bytes, *is_end, pair.now_ns).map(|_| ()),
        Piece::BrokenOff { .. } => Ok(()),
    };
    // Seven seconds of pictures at once: the network stood still.
    pieces.iter().for_each(|piece| hear(piece, 0).unwrap());
    let fault = pieces.iter().find_map(|piece| hear(piece, 1).err()).unwrap();
    assert!(fault.to_string().starts_with("too many"), "{fault}");
}

#[test]
fn a_face_freezes_and_is_gone_after_a_while() {
    let mut pair = Pair::new(Box::new(Pattern::new(1)));
    let parcels = pair.film(500);
    let pieces: Vec<_> = parcels.iter().flat_map(|parcel| pair.pieces(parcel)).collect();
    let mut face = Face::default();
    assert_eq!(face.freshness(0), Freshness::Gone);
    for piece in pieces {
        if let Piece::Bytes { stream, bytes, is_end } = piece {
            face.hear(stream, &bytes, is_end, 10_000 * MS).unwrap();
        }
    }
    let states = [10_100, 10_600, 10_700, 15_900, 16_000].map(|ms| face.freshness(ms * MS));
    assert_eq!(states, [Freshness::Live, Freshness::Live, Freshness::Still, Freshness::Still, Freshness::Gone]);
    // A key frame is asked for once a second while it stands still, and no longer when it is gone.
    let asks: Vec<_> = (10_000..30_000).step_by(100).filter(|ms| face.asks_key(ms * MS)).collect();
    assert!(
        asks.len() >= 4 && asks.len() <= 5 && asks.windows(2).all(|pair| pair[1] - pair[0] >= 1000) && asks[asks.len() - 1] < 16_000,
        "{asks:?}"
    );
}

#[test]
fn a_film_is_a_camera_and_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mkv");
    let made = std::process::Command::new("ffmpeg")
        .args([
            "-loglevel",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x180:r=24:d=1",
            "-f",
            "lavfi",
            "-i",
            "sine=d=1",
            "-c:v",
            "libx264",
        ])
        .arg(&path)
        .status();
    assert!(made.expect("this test needs the program ffmpeg").success());
    let mut pair = Pair::new(Box::new(FilmCamera::by_hand(Source::file(&path).unwrap())));
    let parcels: Vec<_> = (0..50).flat_map(|_| pair.film(100)).collect();
    let pictures = parcels.iter().filter(|parcel| matches!(parcel.what, Content::Picture { .. })).count();
    assert!((70..=76).contains(&pictures), "{pictures} pictures in five seconds");
    let pieces: Vec<_> = parcels.iter().flat_map(|parcel| pair.pieces(parcel)).collect();
    for piece in pieces {
        pair.line.inlet.send(piece).unwrap();
        while pair.incoming.step(pair.now_ns) == Step::Worked {}
    }
    let shown = pair.line.shown.take().unwrap();
    assert_eq!((shown.picture.side, pair.camera.state()), (192, Some(CameraState::On)));
    assert!(shown.picture.rgba.chunks(4).any(|pixel| pixel[0] > 200) && shown.picture.rgba.chunks(4).any(|pixel| pixel[0] < 50));
}

#[test]
fn what_is_no_film_is_no_camera() {
    let mut camera = FilmCamera::by_hand(Source::embedded("no.mkv", b"no film at all"));
    assert!(matches!(super::CameraSource::look(&mut camera, 0), Look::Failed(sentence) if sentence.contains("no.mkv")));
}

/// A camera whose pictures are broken.
struct Broken;

impl super::CameraSource for Broken {
    fn name(&self) -> &'static str {
        "Broken"
    }

    fn look(&mut self, now_ns: i64) -> Look {
        let bytes = vec![0xff, 0xd8, 1, 2, 3];
        Look::Shot(Shot {
            captured_ns: now_ns,
            seen: Seen::Camera(CameraPicture { width: 640, height: 480, layout: CameraLayout::Mjpeg, bytes }),
        })
    }
}

#[test]
fn a_camera_of_broken_pictures_is_said_once() {
    let mut pair = Pair::new(Box::new(Broken));
    assert!((0..20).flat_map(|_| pair.film(200)).next().is_none());
    assert!(matches!(pair.camera.state(), Some(CameraState::Useless(sentence)) if sentence.contains("“Broken”")));
    assert_eq!(pair.camera.state(), None);
}

#[test]
fn a_net_that_takes_nothing_is_borne_and_gets_the_ends_later() {
    let (camera, parcels, mut outgoing) = Camera::by_hand(Box::new(Pattern::new(1)), 1);
    for number in 0..30 {
        assert!(camera.watch(person(number), Some(Layer::Near)));
    }
    for step in 0..2000 {
        outgoing.step(step * 5 * MS);
    }
    let mut open = BTreeMap::new();
    for step in 2000..2100 {
        while let Some(parcel) = parcels.receive() {
            match parcel.what {
                Content::Picture { picture: 0, .. } => assert_eq!(open.insert(parcel.to, parcel.order), None, "two streams at once"),
                Content::Picture { .. } => assert_eq!(open.get(&parcel.to), Some(&parcel.order)),
                Content::End | Content::Reset => {
                    open.remove(&parcel.to);
                }
            }
        }
        outgoing.step(step * 5 * MS);
    }
    drop(camera);
    assert_eq!(outgoing.step(0), Step::Done);
}

#[test]
fn threads_end_when_their_handles_are_dropped() {
    let (camera, parcels) = Camera::start(Box::new(Pattern::new(1)), 1, || 0).unwrap();
    let faces = Faces::start(|| 0).unwrap();
    let line = faces.expect(person(1)).unwrap();
    drop((camera, faces));
    while !parcels.is_finished() || line.inlet.send(Piece::BrokenOff { stream: 0 }).is_ok() {
        std::thread::yield_now();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_a_peer_sends_is_borne(
        pieces in prop::collection::vec((0u64..9, prop::collection::vec(any::<u8>(), 0..400), any::<bool>(), 0u8..6, any::<u32>(), 0i64..400), 1..60),
    ) {
        let mut face = Face::default();
        let mut now_ns = 0;
        for (stream, bytes, is_end, how, group, ms) in pieces {
            now_ns += ms * MS;
            let head = GroupHead { codec: FaceCodec::Vp8, rate: 15, side: 192, order: GroupOrder { generation: group % 3, group: group % 7 } }.bytes();
            let piece = match how {
                0 | 1 => head.to_vec(),
                2 => [&head[..], &(bytes.len() as u16).to_le_bytes(), &[0; 4], &bytes].concat(),
                3 => { face.broken_off(stream); continue; }
                _ => bytes,
            };
            if let Ok(Some(picture)) = face.hear(stream, &piece, is_end, now_ns) {
                prop_assert_eq!(picture.rgba.len(), 192 * 192 * 4);
            }
            face.asks_key(now_ns);
        }
    }
}
