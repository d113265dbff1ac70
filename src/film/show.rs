use std::sync::Arc;

use bevy::prelude::*;

use super::{Screening, screening::TraceTo};
use crate::{
    handover::{QueueConsumer, Stamped},
    media::Picture,
    room::{Frame, Now, Playback, Room},
    theater::{Planes, Screen, ScreenPicture, ScreenPlane},
    trace::Event as Noted,
};

/// Puts the picture on the screen that belongs to what is heard.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Screen>()
        .init_resource::<DisplayLead>()
        .add_systems(Update, show.in_set(Frame::Show).run_if(resource_exists::<Screening>))
        .add_systems(Update, clear.in_set(Frame::Show).run_if(resource_removed::<Screening>));
}

fn show(
    mut screening: ResMut<Screening>,
    mut screen: ResMut<Screen>,
    room: Single<&Playback, With<Room>>,
    now: Res<Now>,
    mut lead: ResMut<DisplayLead>,
    trace: Res<TraceTo>,
) {
    let lead_ns = lead.advance(now.mono_ns);
    let heard = screening.heard(now.mono_ns);
    // A room that stands shows where it stands at once; a running one shows nothing of a new place before its time.
    let stands_at_ns = (room.gather.is_some() || !room.plays(now.room())).then(|| room.timeline.film.ns());
    let due_ns = match heard {
        // No further than the room goes: it may be about to stand.
        Some(heard) if heard.playing => {
            Some((heard.film_ns + lead_ns).min(room.timeline.film_at(now.room() + lead_ns).ns().max(heard.film_ns)))
        }
        Some(heard) => Some(heard.film_ns),
        None => stands_at_ns,
    };
    if screening.info().video.is_none() && screen.is_showing() {
        // The last picture of another film is not this one's.
        screen.clear();
    }
    let is_first = screening.shown_ns.is_none();
    if let Some(picture) = due_picture(screening.player.pictures(), screening.generation, due_ns, is_first && stands_at_ns.is_some()) {
        screening.shown_ns = Some(picture.film_ns);
        trace.0.note(Noted::Shown { mono_ns: now.mono_ns, film_ns: picture.film_ns });
        screen.show(on_screen(picture));
    }
}

/// How long it takes from choosing a picture until it is seen, on the average.
///
/// Pictures are chosen once a frame, so one that waits until it is due is seen half a frame late; a window shows what was chosen some frames ago.
#[derive(Resource, Debug, Default)]
pub struct DisplayLead {
    /// Frames between choosing and seeing: 0 offscreen, about one in a window.
    pub frames: f64,
    last_mono_ns: Option<i64>,
    frame_ns: f64,
}

impl DisplayLead {
    fn advance(&mut self, now_mono_ns: i64) -> i64 {
        if let Some(last) = self.last_mono_ns.replace(now_mono_ns) {
            let frame_ns = (now_mono_ns - last) as f64;
            // A theater at rest draws seldom; that says nothing of how it draws a film.
            if (0.0..MAX_FRAME_NS).contains(&frame_ns) {
                self.frame_ns += (frame_ns - self.frame_ns) * FRAME_SHARE;
            }
        }
        (self.frame_ns * (0.5 + self.frames)) as i64
    }
}

/// A film that is drawn more seldom is not watched.
const MAX_FRAME_NS: f64 = 100e6;
const FRAME_SHARE: f64 = 0.1;

/// The newest picture that is due; those before it are too late and dropped. The first one of a standing room is due whatever its time: the file may have none
/// for the very place.
fn due_picture(pictures: &QueueConsumer<Picture>, generation: u32, due_ns: Option<i64>, first_is_due: bool) -> Option<Picture> {
    let mut newest = None;
    let is_due = |picture: &Stamped<Picture>, has_one: bool| {
        picture.generation != generation || due_ns.is_some_and(|due_ns| picture.item.film_ns <= due_ns) || first_is_due && !has_one
    };
    while let Some(picture) = pictures.pop_if(|picture| is_due(picture, newest.is_some())) {
        if picture.generation == generation {
            newest = Some(picture.item);
        }
    }
    newest
}

fn clear(mut screen: ResMut<Screen>) {
    screen.clear();
}

fn on_screen(picture: Picture) -> ScreenPicture {
    let to_rgb = picture.to_rgb;
    let rows = std::array::from_fn(|i| {
        let [y, cb, cr] = to_rgb.rows[i];
        [y, cb, cr, to_rgb.offset[i]].map(|value| value as f32)
    });
    let (aspect, zones, chroma_left) = (picture.aspect, picture.zones, picture.chroma_left);
    ScreenPicture { planes: Arc::new(FilmPlanes(picture)), rows, chroma_left, aspect, zones }
}

struct FilmPlanes(Picture);

impl Planes for FilmPlanes {
    fn plane(&self, index: usize) -> ScreenPlane<'_> {
        let plane = self.0.plane(index);
        ScreenPlane { bytes: plane.bytes, stride: plane.stride, width: plane.width as u32, height: plane.height as u32 }
    }
}
