//! Who shows their face: off at first, on by one's own hand alone, and everybody knows whose camera is on.

use std::{
    collections::BTreeMap,
    f32::consts::{PI, TAU},
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use bevy::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Camera, CameraSource, CameraState, FaceLine, Faces, FilmCamera, Freshness, Layer, Parcel, Pattern, device,
    post::{Post, PostOrder},
};
use crate::{
    handover::MailboxReceiver,
    media::{FacePicture, Source},
    notice::Notice,
    room::{Agreed, Clock, FaceWay, Frame, Head, Me, Mine, Now, Participant, ParticipantId, SeatNumber, Sits, Turned, agree_on},
    theater::Face,
};

/// Lets people show their faces.
pub(super) fn plugin(app: &mut App) {
    agree_on::<OnCamera>(app);
    app.init_resource::<MyCamera>()
        .init_resource::<Desk>()
        .add_observer(on_turn)
        .add_systems(Update, (begin.run_if(resource_exists::<Clock>), show_faces, mind_camera).chain().in_set(Frame::Hear))
        .add_systems(Update, (expect_faces, choose_watchers, say).in_set(Frame::Decide));
}

fn begin(way: Option<Res<FaceWay>>, clock: Res<Clock>, mut desk: ResMut<Desk>, mut commands: Commands) {
    let Some(way) = way else { return };
    let port = way.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(port) = port else { return };
    let started = Faces::start(clock.0).map(Arc::new).and_then(|faces| {
        let post = Post::start(port, Arc::clone(&faces))
            .map_err(|error| format!("No face can be shown: the system gives no thread ({error})."))?;
        Ok((faces, post))
    });
    match started {
        Ok(started) => {
            if let Some(camera) = desk.untold.take() {
                started.1.order(camera);
            }
            desk.started = Some(started);
        }
        Err(sentence) => commands.trigger(Notice::problem(sentence)),
    }
}

fn on_turn(turn: On<TurnCamera>, clock: Option<Res<Clock>>, mut mine: ResMut<MyCamera>, mut desk: ResMut<Desk>, mut commands: Commands) {
    let (is_seen, is_tried) = match turn.event() {
        TurnCamera::On(is_on) => (*is_on, mine.is_tried),
        TurnCamera::Toggle if mine.is_on => (false, false),
        // One looks at oneself first.
        TurnCamera::Toggle => (mine.is_tried, true),
        TurnCamera::Try(is_tried) => (mine.is_on, *is_tried),
    };
    // Without time nothing moves.
    let Some(clock) = clock else { return };
    if (is_seen || is_tried) && desk.camera.is_none() {
        let opened = mine.choice.open(clock.0).and_then(|source| {
            desk.generation = desk.generation.wrapping_add(1);
            Camera::start(source, desk.generation, clock.0)
        });
        match opened {
            Ok((camera, parcels)) => {
                (desk.camera, desk.parcels) = (Some(camera), Some(parcels));
                desk.watched.clear();
            }
            Err(sentence) => return commands.trigger(Notice::problem(sentence).about("camera")),
        }
    }
    if is_seen && !mine.is_on {
        let orders = desk.camera.as_ref().map(|camera| camera.orders().clone());
        if let Some((orders, parcels)) = orders.zip(desk.parcels.take()) {
            desk.tell_camera(PostOrder::Camera(Some((orders, parcels))));
        }
        commands.trigger(Notice::news("Your camera is on: everybody in the room sees you").about("camera"));
    } else if mine.is_on && !is_seen {
        // Also while it is tried: what others saw ends, and is never taken up again.
        turn_off(&mut mine, &mut desk);
        return commands.trigger(Notice::news("Your camera is off").about("camera"));
    } else if !is_seen && !is_tried {
        return turn_off(&mut mine, &mut desk);
    }
    if is_tried && !is_seen && *turn.event() == TurnCamera::Toggle {
        commands.trigger(Notice::news("Only you see this. Once more, and everybody does").about("camera"));
    }
    (mine.is_on, mine.is_tried) = (is_seen, is_tried && !is_seen);
}

fn turn_off(mine: &mut MyCamera, desk: &mut Desk) {
    if std::mem::take(&mut mine.is_on) {
        desk.tell_camera(PostOrder::Camera(None));
    }
    mine.is_tried = false;
    mine.preview = None;
    (desk.camera, desk.parcels) = (None, None);
}

/// What the camera says of itself, and what it sees.
fn mind_camera(mut mine: ResMut<MyCamera>, mut desk: ResMut<Desk>, mut commands: Commands) {
    let Some(camera) = &desk.bypass_change_detection().camera else { return };
    if let Some(picture) = camera.preview() {
        mine.preview = Some(picture);
    }
    match camera.state() {
        Some(CameraState::Failed(sentence)) => {
            commands.trigger(Notice::problem(sentence).about("camera"));
            turn_off(&mut mine, &mut desk);
        }
        Some(CameraState::Useless(sentence)) => commands.trigger(Notice::problem(sentence).about("camera")),
        Some(CameraState::Stalled) => {
            commands.trigger(Notice::problem("The camera gives no pictures. Turn it off and on, or plug it in again.").about("camera"));
        }
        Some(CameraState::Opening | CameraState::On) | None => {}
    }
}

/// Says to everybody whether one's camera is on.
fn say(mine: Res<MyCamera>, me: Option<Single<Option<&OnCamera>, With<Me>>>, now: Res<Now>, mut said: Local<i64>, mut commands: Commands) {
    let Some(me) = me else { return };
    let wanted = OnCamera(mine.is_on);
    if me.copied().unwrap_or_default() != wanted && now.mono_ns - *said > SAY_AGAIN_NS {
        *said = now.mono_ns;
        commands.trigger(Mine(wanted));
    }
}

/// Whoever shows their face is expected, and has a plate that shows it.
fn expect_faces(people: Query<(Entity, &Participant, &OnCamera), Without<Me>>, mut desk: ResMut<Desk>, mut commands: Commands) {
    let desk = desk.bypass_change_detection();
    let Some((faces, post)) = &desk.started else { return };
    let shows = |who: &ParticipantId| people.iter().any(|(_, person, on)| person.id == *who && on.0);
    let gone: Vec<_> = desk.expected.keys().filter(|who| !shows(who)).copied().collect();
    for who in gone {
        post.order(PostOrder::Forget(who));
        if let Some(expected) = desk.expected.remove(&who)
            && let Ok(mut entity) = commands.get_entity(expected.entity)
        {
            entity.try_remove::<Face>();
        }
    }
    for (entity, person, on) in &people {
        if on.0
            && !desk.expected.contains_key(&person.id)
            && let Some(FaceLine { inlet, shown }) = faces.expect(person.id)
        {
            post.order(PostOrder::Expect(person.id, inlet));
            let face = Face::default();
            commands.entity(entity).insert(face.clone());
            desk.expected.insert(person.id, Expected { entity, shown, face, last: None });
        }
    }
}

/// Puts what came on the plates; a face that stands too long is none.
fn show_faces(now: Res<Now>, mut desk: ResMut<Desk>) {
    for expected in desk.bypass_change_detection().expected.values_mut() {
        if let Some(shown) = expected.shown.take() {
            expected.last = Some((shown.arrived_ns, shown.rate));
            expected.face.show(&enlarged(&shown.picture));
        } else if let Some((arrived_ns, rate)) = expected.last
            && Freshness::of(arrived_ns, rate, now.mono_ns) == Freshness::Gone
        {
            expected.last = None;
            expected.face.hide();
        }
    }
}

/// As large as a plate takes it; far faces come in half of it.
fn enlarged(picture: &FacePicture) -> Vec<u8> {
    if picture.side == Face::SIZE || picture.side == 0 {
        return picture.rgba.clone();
    }
    let from = |at: usize| at * picture.side / Face::SIZE;
    let pixel = |x: usize, y: usize| {
        picture.rgba.get((from(y) * picture.side + from(x)) * 4..).and_then(|rest| rest.get(..4)).unwrap_or(&[0, 0, 0, 255])
    };
    (0..Face::SIZE).flat_map(|y| (0..Face::SIZE).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y).iter().copied()).collect()
}

/// Who sees one's face how finely: those near by all of it, those far away a smaller one.
fn choose_watchers(
    me: Option<Single<&Sits, With<Me>>>,
    people: Query<(&Participant, &Sits, Option<&Head>), Without<Me>>,
    mine: Res<MyCamera>,
    (turned, now): (Res<Turned>, Res<Now>),
    mut desk: ResMut<Desk>,
) {
    let desk = desk.bypass_change_detection();
    let (Some(me), Some(camera), true) = (me, &desk.camera, mine.is_on) else { return };
    let crowd = people.iter().count();
    let glances = &mut desk.glances;
    let wanted: BTreeMap<ParticipantId, Layer> = people
        .iter()
        .map(|(person, sits, head)| {
            let layer = layer((me.0, turned.0.yaw()), (sits.0, head.copied().unwrap_or_default().yaw()), crowd);
            (person.id, lingering(glances.entry(person.id).or_default(), layer, now.mono_ns))
        })
        .collect();
    glances.retain(|who, _| wanted.contains_key(who));
    let mut told = true;
    for who in desk.watched.keys().filter(|who| !wanted.contains_key(who)) {
        told &= camera.watch(*who, None);
    }
    for (who, layer) in &wanted {
        if desk.watched.get(who) != Some(layer) {
            told &= camera.watch(*who, Some(*layer));
        }
    }
    // What did not fit is said again.
    if told {
        desk.watched = wanted;
    }
}

/// How finely somebody sees a face: near by all of it, from afar, from behind or turned away a smaller one, and in a crowd a glimpse. Each of the two is a seat
/// and how far the head is turned to the left of the screen, in radians.
fn layer(face: (SeatNumber, f32), watcher: (SeatNumber, f32), crowd: usize) -> Layer {
    let far = 2 * face.0.row().abs_diff(watcher.0.row()) + face.0.column().abs_diff(watcher.0.column());
    let is_seen = aside(face, watcher.0) <= SEEN && aside(watcher, face.0) <= SEEN;
    match far {
        0..=NEAR_SEATS if is_seen => Layer::Near,
        _ if crowd > CROWD => Layer::Glimpse,
        _ => Layer::Far,
    }
}

/// Heads turn to and fro: who saw a face well just now gets it well for a while yet, or each glance would begin with a blurred one.
fn lingering(seen_mono_ns: &mut Option<i64>, layer: Layer, now_mono_ns: i64) -> Layer {
    if layer == Layer::Near {
        *seen_mono_ns = Some(now_mono_ns);
    }
    if seen_mono_ns.is_some_and(|at_ns| now_mono_ns - at_ns < LINGER_NS) { Layer::Near } else { layer }
}

/// How far a seat lies beside where somebody looks, in radians; behind them is π.
fn aside((from, yaw): (SeatNumber, f32), to: SeatNumber) -> f32 {
    // To the left, and to the screen; rows are twice as far apart as seats.
    let left = from.column() as f32 - to.column() as f32;
    let ahead = 2.0 * (from.row() as f32 - to.row() as f32);
    ((left.atan2(ahead) - yaw + PI).rem_euclid(TAU) - PI).abs()
}

/// Turn my camera on or off.
#[derive(Event, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnCamera {
    /// On, or off.
    On(bool),
    /// The next of three: seen by oneself, by everybody, off.
    Toggle,
    /// On, but seen by nobody else; or no longer.
    Try(bool),
}

/// Whether somebody's camera is on.
#[derive(Component, Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[component(immutable)]
pub struct OnCamera(pub bool);

impl Agreed for OnCamera {}

/// One's own camera.
#[derive(Resource, Debug, Default)]
pub struct MyCamera {
    /// Which one.
    pub choice: CameraChoice,
    /// Whether it is on, and everybody sees it.
    pub is_on: bool,
    /// Whether its person looks at it, seen or not.
    pub is_tried: bool,
    /// What it sees, mirrored.
    pub preview: Option<FacePicture>,
}

/// Which camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameraChoice {
    /// None.
    None,
    /// A moving picture made here, for whoever wants to try it.
    Pattern,
    /// The system's, by its number in [`cameras`](super::cameras).
    Device(usize),
    /// A film, over and over.
    Film(PathBuf),
}

impl Default for CameraChoice {
    fn default() -> Self {
        Self::Device(0)
    }
}

impl CameraChoice {
    fn open(&self, mono_ns: fn() -> i64) -> Result<Box<dyn CameraSource>, String> {
        Ok(match self {
            Self::None => return Err("You chose to have no camera; choose one in the settings.".to_owned()),
            Self::Pattern => Box::new(Pattern::new(0)),
            Self::Device(number) => Box::new(device(*number, mono_ns)?),
            Self::Film(path) => Box::new(FilmCamera::start(Source::file(path).map_err(|error| error.to_string())?, mono_ns)?),
        })
    }
}

#[derive(Resource, Default)]
struct Desk {
    started: Option<(Arc<Faces>, Post)>,
    /// What the post is to hear of the camera, while there is none.
    untold: Option<PostOrder>,
    camera: Option<Camera>,
    /// What it makes for others, until the post takes it.
    parcels: Option<MailboxReceiver<Parcel>>,
    generation: u32,
    watched: BTreeMap<ParticipantId, Layer>,
    /// When each saw the face well last.
    glances: BTreeMap<ParticipantId, Option<i64>>,
    expected: BTreeMap<ParticipantId, Expected>,
}

impl Desk {
    /// The post hears of a camera as soon as there is one: a camera may be on before the theater is open.
    fn tell_camera(&mut self, camera: PostOrder) {
        match &self.started {
            Some((_, post)) => post.order(camera),
            None => self.untold = Some(camera),
        }
    }
}

struct Expected {
    entity: Entity,
    shown: crate::handover::Slot<super::Shown>,
    face: Face,
    last: Option<(i64, u8)>,
}

/// From here on far faces come once a second.
const CROWD: usize = 24;
const NEAR_SEATS: usize = 5;
/// Somebody beside is seen with a glance, somebody behind only by whoever turns round.
const SEEN: f32 = 1.9;
/// Whoever looked once looks again; and each change costs them a group from its beginning: what the fine layer costs more than the coarse one in some seconds.
const LINGER_NS: i64 = 20_000_000_000;
const SAY_AGAIN_NS: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_near_and_looks_here_sees_a_face_well() {
        let seat = |row: u8, column: u8| SeatNumber::new(row * 10 + column + 1).unwrap();
        let me = (seat(3, 4), 0.0);
        let cases = [
            ("beside", (seat(3, 5), 0.0), 7, Layer::Near),
            ("beside, looking the other way", (seat(3, 5), -1.2), 7, Layer::Far),
            ("in front, looking at the screen", (seat(2, 4), 0.0), 7, Layer::Far),
            ("in front, turned round", (seat(2, 4), PI), 7, Layer::Near),
            ("behind: they see the back of my head", (seat(4, 4), 0.0), 7, Layer::Far),
            ("far along the row", (seat(3, 9), 1.5), 7, Layer::Near),
            ("three rows in front, turned round", (seat(0, 4), PI), 7, Layer::Far),
            ("the same in a crowd", (seat(0, 4), PI), 60, Layer::Glimpse),
        ];
        for (case, watcher, crowd, sees) in cases {
            assert_eq!(layer(me, watcher, crowd), sees, "{case}");
        }
        let mut seen = None;
        let after = |seen: &mut Option<i64>, layer, s: i64| lingering(seen, layer, s * 1_000_000_000);
        assert_eq!(after(&mut seen, Layer::Far, 0), Layer::Far);
        assert_eq!(after(&mut seen, Layer::Near, 1), Layer::Near);
        assert_eq!([2, 20, 21].map(|s| after(&mut seen, Layer::Far, s)), [Layer::Near, Layer::Near, Layer::Far]);
        assert_eq!(layer((me.0, PI), (seat(4, 4), 0.0), 7), Layer::Near, "I turn round to whoever is behind");
    }

    #[test]
    fn a_small_face_fills_the_plate() {
        let side = Face::SIZE / 2;
        let rgba: Vec<u8> = (0..side * side).flat_map(|at| [(at % side) as u8, (at / side) as u8, 7, 255]).collect();
        let large = enlarged(&FacePicture { side, rgba, captured_ms: 0 });
        assert_eq!(large.len(), Face::SIZE * Face::SIZE * 4);
        let at = |x: usize, y: usize| &large[(y * Face::SIZE + x) * 4..][..4];
        assert_eq!((at(0, 0), at(191, 190), at(100, 20)), (&[0, 0, 7, 255][..], &[95, 95, 7, 255][..], &[50, 10, 7, 255][..]));
    }
}
