use std::sync::Arc;

use bevy::prelude::*;

use super::{DisplayLead, Screening, screening::TraceTo};
use crate::{
    audio::Mixer,
    handover::{QueueConsumer, Stamped},
    media::Picture,
    room::{Frame, Now, Playback, Room},
    theater::{Planes, Screen, ScreenPicture, ScreenPlane},
    trace::Event as Noted,
};

/// Puts the picture on the screen that belongs to what is heard.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Screen>()
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
    mixer: Option<Res<Mixer>>,
) {
    let lead_ns = lead.advance(now.mono_ns) + mixer.map_or(0, |mixer| mixer.picture_lead_ns());
    let heard = screening.heard(now.mono_ns);
    // A room that stands shows where it stands at once; a running one shows nothing of a new place before its time.
    let stands_at_ns = (room.gather.is_some() || !room.plays(now.room())).then(|| room.timeline.film.ns());
    let due_ns = match heard {
        // No further than the room goes: it may be about to stand.
        Some(heard) if heard.playing => {
            let lead_film_ns = room.timeline.rate_at(now.room()).film_ns(lead_ns);
            Some((heard.film_ns + lead_film_ns).min(room.timeline.film_at(now.room() + lead_ns).ns().max(heard.film_ns)))
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
