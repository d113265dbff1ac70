//! Faces: a camera's pictures on the plate of a head, the ring round whoever speaks, a drawn face that speaks and blinks; and what a camera costs, and its
//! light.
//!
//! Which pixels show a part of the plate is told by a picture that is green there alone.

use std::{collections::BTreeSet, f32::consts::FRAC_PI_2, sync::Arc, time::Duration};

use bevy::prelude::*;
use houselights::{
    media::{CameraLayout, CameraPicture},
    room::{Head, ParticipantId, SeatNumber, Sits, Talking},
    theater::{Face, Tier, Viewer, seat_place, view::Pose},
    trace::mono_ns,
    ui::Remote,
    webcam::{CameraSource, CameraState, Content, Layer, Look, Order, Pattern, Seen, Shot},
};

use crate::{speaking::friend, support::hall::Hall};

const SIZE: (u32, u32) = (320, 180);

/// Somebody in the next seat, and both look at each other.
fn beside() -> (Hall, Entity) {
    let mut hall = Hall::open(SIZE, Tier::Low);
    hall.hide_panels();
    hall.world().resource_mut::<Remote>().is_up = false;
    let bo = friend(&mut hall, "Bo");
    let mine = hall.world().resource::<Viewer>().seat;
    let theirs = SeatNumber::new(mine.get() + 1).unwrap();
    // Their face is a little before and below their eye, as they are turned.
    let ahead = (seat_place(theirs).eye - Vec3::new(0.12, 0.05, 0.0) - seat_place(mine).eye).normalize();
    let (own_yaw, own_pitch) = Pose::of(mine).heading();
    hall.world().resource_mut::<Viewer>().turn((-ahead.x).atan2(-ahead.z) - own_yaw, ahead.y.asin() - own_pitch);
    hall.world().entity_mut(bo).insert((Sits(theirs), Head::from_radians(FRAC_PI_2, 0.0)));
    hall.steps(90);
    (hall, bo)
}

/// A picture for a plate; places in it are parts of its width and height, from the upper left.
fn picture(colour: impl Fn(f32, f32) -> [u8; 3]) -> Vec<u8> {
    let part = |place: usize| (place as f32 + 0.5) / Face::SIZE as f32;
    let mut rgba = Vec::with_capacity(Face::SIZE * Face::SIZE * 4);
    for at in 0..Face::SIZE * Face::SIZE {
        rgba.extend(colour(part(at % Face::SIZE), part(at / Face::SIZE)));
        rgba.push(255);
    }
    rgba
}

/// The pixels in which this channel clearly outshines the others.
fn outshone_by(hall: &mut Hall, channel: usize) -> BTreeSet<usize> {
    let pixels = hall.offscreen.read_pixels().unwrap();
    let outshines = |pixel: &[u8]| (0..3).all(|other| other == channel || pixel[channel] > pixel[other].saturating_add(50));
    pixels.chunks_exact(4).enumerate().filter(|(_, pixel)| outshines(pixel)).map(|(at, _)| at).collect()
}

/// How many they are and where their middle is.
fn extent(places: &BTreeSet<usize>) -> (usize, Vec2) {
    let width = SIZE.0 as usize;
    let sum: Vec2 = places.iter().map(|at| Vec2::new((at % width) as f32, (at / width) as f32)).sum();
    (places.len(), sum / places.len().max(1) as f32)
}

/// The pixels that show a part of the plate; there is no picture on it afterwards.
fn pixels_of(hall: &mut Hall, face: &Face, is_part: fn(f32, f32) -> bool) -> BTreeSet<usize> {
    let before = outshone_by(hall, 1);
    face.show(&picture(|x, y| if is_part(x, y) { GREEN } else { BLACK }));
    hall.steps(4);
    let found = &outshone_by(hall, 1) - &before;
    face.hide();
    hall.steps(4);
    assert!(found.len() > 20, "{} pixels", found.len());
    found
}

/// The mean of a channel over some pixels.
fn mean(hall: &mut Hall, places: &BTreeSet<usize>, channel: usize) -> f32 {
    let pixels = hall.offscreen.read_pixels().unwrap();
    places.iter().map(|at| f32::from(pixels[at * 4 + channel])).sum::<f32>() / places.len() as f32
}

/// Somebody is this loud, for a second.
fn speaks(hall: &mut Hall, who: Entity, level: u8) {
    hall.world().entity_mut(who).insert(Talking(level));
    hall.steps(60);
}

#[test]
fn a_cameras_picture_stands_upright_on_the_plate_with_the_ring_of_who_speaks() {
    let (mut hall, bo) = beside();
    let face = Face::default();
    hall.world().entity_mut(bo).insert(face.clone());
    hall.steps(4);
    let before = [1, 2].map(|channel| outshone_by(&mut hall, channel));
    let shows = |hall: &mut Hall, rgba: &[u8]| {
        face.show(rgba);
        hall.steps(4);
        [0, 1].map(|at| extent(&(&outshone_by(hall, at + 1) - &before[at])))
    };
    let [left, right] = shows(&mut hall, &picture(|x, _| if x < 0.5 { GREEN } else { BLUE }));
    assert!(left.0 > 500 && right.0 > 500 && left.1.x + 15.0 < right.1.x, "{left:?}, {right:?}");
    let [above, below] = shows(&mut hall, &picture(|_, y| if y < 0.5 { GREEN } else { BLUE }));
    assert!(above.0 > 500 && below.0 > 500 && above.1.y + 15.0 < below.1.y, "{above:?}, {below:?}");
    face.hide();
    hall.steps(4);
    for (channel, before) in [1, 2].into_iter().zip(&before) {
        let left_over = (&outshone_by(&mut hall, channel) - before).len();
        assert!(left_over < 20, "{left_over} pixels of a picture that is gone");
    }
    let ring = pixels_of(&mut hall, &face, is_rim);
    face.show(&picture(|_, _| BLACK));
    hall.steps(4);
    let silent = mean(&mut hall, &ring, 0);
    speaks(&mut hall, bo, 230);
    let loud = mean(&mut hall, &ring, 0);
    speaks(&mut hall, bo, 0);
    let after = mean(&mut hall, &ring, 0);
    assert!(loud > silent + 30.0 && (after - silent).abs() < 6.0, "{silent} -> {loud} -> {after}");
}

#[test]
fn a_drawn_face_moves_its_mouth_with_the_voice_wears_the_ring_and_blinks() {
    let (mut hall, bo) = beside();
    let face = Face::default();
    hall.world().entity_mut(bo).insert(face.clone());
    hall.steps(4);
    let parts: [fn(f32, f32) -> bool; 3] = [
        |x, y| (x - 0.5).abs() < 0.07 && (0.68..0.81).contains(&y),
        is_rim,
        |x, y| ((x - 0.5).abs() - 0.185).abs() < 0.035 && (y - 0.45).abs() < 0.05,
    ];
    let [mouth, ring, eyes] = parts.map(|is_part| pixels_of(&mut hall, &face, is_part));
    let mut looks = |level: u8| {
        speaks(&mut hall, bo, level);
        [mean(&mut hall, &mouth, 1), mean(&mut hall, &ring, 0)]
    };
    let (silent, breath, loud, after) = (looks(0), looks(85), looks(230), looks(0));
    let is_alike = |a: [f32; 2], b: [f32; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 6.0);
    assert!(is_alike(silent, breath) && is_alike(silent, after), "{silent:?}, {breath:?}, {after:?}");
    assert!(loud[0] < silent[0] * 0.7, "an open mouth is dark: {silent:?} -> {loud:?}");
    assert!(loud[1] > silent[1] + 20.0, "the ring shines: {silent:?} -> {loud:?}");

    // Everybody blinks within six seconds, and hardly longer than a seventh of one.
    let mut seen = Vec::new();
    let is_shut = |seen: &[f32]| {
        let darkest = seen.iter().copied().fold(f32::MAX, f32::min);
        seen.iter().map(|now| *now > darkest * 1.5).collect::<Vec<_>>()
    };
    for _ in 0..180 {
        hall.steps(2);
        seen.push(mean(&mut hall, &eyes, 1));
        let shut = is_shut(&seen);
        if seen.len() > 40 && shut.contains(&true) && shut.ends_with(&[false, false]) {
            break;
        }
    }
    let shut = is_shut(&seen);
    let count = shut.iter().filter(|is| **is).count();
    assert!((1..=8).contains(&count) && !shut[shut.len() - 1], "eyes are shut in {count} of {} pictures: {seen:?}", seen.len());
}

/// A camera with a light that burns for as long as the camera is kept.
struct Lit {
    looks: fn(i64) -> Look,
    _light: Arc<()>,
}

impl CameraSource for Lit {
    fn name(&self) -> &'static str {
        "Lit"
    }

    fn look(&mut self, now_ns: i64) -> Look {
        (self.looks)(now_ns)
    }
}

fn grey(now_ns: i64) -> Look {
    let picture = CameraPicture { width: 640, height: 480, layout: CameraLayout::Grey, bytes: vec![90; 640 * 480] };
    Look::Shot(Shot { captured_ns: now_ns, seen: Seen::Camera(picture) })
}

/// Whether it comes true; ten seconds are far more than a thread takes, on however busy a machine.
pub(crate) fn comes(mut is_so: impl FnMut() -> bool) -> bool {
    let end_ns = mono_ns() + 10_000_000_000;
    while !is_so() {
        if mono_ns() > end_ns {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    true
}

#[test]
fn a_cameras_light_burns_while_it_is_on_and_goes_out_when_it_is_off_or_fails() {
    let light = Arc::new(());
    let burns = || Arc::strong_count(&light) > 1;
    let turn_on = |looks: fn(i64) -> Look| {
        let camera = Lit { looks, _light: Arc::clone(&light) };
        houselights::webcam::Camera::start(Box::new(camera), 1, mono_ns).unwrap()
    };
    let (camera, parcels) = turn_on(grey);
    assert!(comes(|| camera.state() == Some(CameraState::On)) && burns());
    drop(camera);
    assert!(comes(|| !burns()), "off, and still lit");
    drop(parcels);
    // One that never gives a picture.
    let (camera, _parcels) = turn_on(|_| Look::Nothing);
    assert!(burns());
    drop(camera);
    assert!(comes(|| !burns()), "off without a picture, and still lit");
    // One that is pulled out is let go, whoever still holds on to it.
    let (camera, _parcels) = turn_on(|_| Look::Failed("Pulled out.".to_owned()));
    assert!(comes(|| !burns()), "gone, and still lit");
    assert_eq!(camera.state(), Some(CameraState::Failed("Pulled out.".to_owned())));
}

/// What a second of a face that moves costs each of those who watch it so, in bits: the mean of ten.
fn bits_per_second<const N: usize>(watchers: [Layer; N]) -> [usize; N] {
    let (camera, parcels, mut outgoing) = houselights::webcam::Camera::by_hand(Box::new(Pattern::new(40)), 1);
    let ids: [ParticipantId; N] = std::array::from_fn(|number| ParticipantId::from_bytes([number as u8; 32]));
    for (who, layer) in ids.iter().zip(watchers) {
        assert!(camera.watch(*who, Some(layer)));
    }
    let mut sent_bytes = [0; N];
    for step in 1..=2_000 {
        outgoing.step(step * 5_000_000);
        while let Some(parcel) = parcels.receive() {
            if let Content::Picture { picture, bytes } = parcel.what {
                let at = ids.iter().position(|who| *who == parcel.to).unwrap();
                sent_bytes[at] += bytes.len();
                camera.orders().send(Order::Taken { who: parcel.to, order: parcel.order, picture }).unwrap();
            }
        }
    }
    sent_bytes.map(|bytes| bytes * 8 / 10)
}

#[test]
fn a_face_costs_each_who_watches_no_more_than_its_layer_may() {
    let [near, far, glimpse] = bits_per_second([Layer::Near, Layer::Far, Layer::Glimpse]);
    assert!((60_000..=100_000).contains(&near), "{near} bit/s near by");
    assert!((8_000..=24_000).contains(&far), "{far} bit/s from afar");
    assert!((2_000..=8_000).contains(&glimpse), "{glimpse} bit/s at a glimpse");
    for crowded in bits_per_second([Layer::Near; 6]) {
        assert!((30_000..=75_000).contains(&crowded), "{crowded} bit/s to each of many");
    }
}

fn is_rim(x: f32, y: f32) -> bool {
    (x - 0.5).abs() > 0.44 && (y - 0.5).abs() < 0.2
}

const BLACK: [u8; 3] = [0; 3];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
