use std::sync::Arc;

use bevy::prelude::*;

use super::{
    DisplayLead, Screening,
    screening::TraceTo,
    visual::{STEP_NS as VISUAL_STEP_NS, visual},
};
use crate::{
    audio::Mixer,
    handover::{QueueConsumer, Stamped},
    media::{Picture, Transfer, WHITE_NITS},
    room::{FilmId, Frame, Now, Playback, Room},
    theater::{Planes, Screen, ScreenCurve, ScreenPicture, ScreenPlane},
    trace::Event as Noted,
};

/// Puts the picture on the screen that belongs to what is heard.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Screen>()
        .add_systems(Update, show.in_set(Frame::Show).run_if(resource_exists::<Screening>))
        .add_systems(Update, clear.in_set(Frame::Show).run_if(resource_removed::<Screening>));
}

pub(super) fn show(
    mut screening: ResMut<Screening>,
    mut screen: ResMut<Screen>,
    room: Single<&Playback, With<Room>>,
    now: Res<Now>,
    mut lead: ResMut<DisplayLead>,
    trace: Res<TraceTo>,
    mixer: Option<Res<Mixer>>,
    mut painted: Local<Option<(FilmId, i64)>>,
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
    let (film, place_ns) = (screening.film, due_ns.unwrap_or_else(|| room.timeline.film.ns()));
    if screening.info().video.is_none() {
        return paint(&mut screen, film, place_ns, &mut painted);
    }
    let is_awaited = screening.shown.is_none() && stands_at_ns.is_some();
    if let Some(picture) = due_picture(screening.player.pictures(), screening.generation, due_ns, is_awaited) {
        if picture.is_glance {
            // It says where the film goes to, and not that it is there.
            if is_awaited {
                *painted = None;
                screen.show(on_screen(picture));
            }
            return;
        }
        screening.shown = Some((picture.film_ns, picture.duration_ns));
        trace.0.note(Noted::Shown { mono_ns: now.mono_ns, film_ns: picture.film_ns });
        *painted = None;
        screen.show(on_screen(picture));
    } else if screening.is_blind() {
        paint(&mut screen, film, place_ns, &mut painted);
    }
}

/// Where there is no picture, something calm moves a little.
fn paint(screen: &mut ResMut<'_, Screen>, film: FilmId, place_ns: i64, painted: &mut Option<(FilmId, i64)>) {
    let step = place_ns.div_euclid(VISUAL_STEP_NS);
    if painted.replace((film, step)) != Some((film, step)) || !screen.is_showing() {
        screen.show(visual(step * VISUAL_STEP_NS));
    }
}

/// The newest picture that is due; those before it are too late and dropped. The first one of a standing room is due whatever its time: the file may have none
/// for the very place. A glance is due at once, and nothing beside a picture.
fn due_picture(pictures: &QueueConsumer<Picture>, generation: u32, due_ns: Option<i64>, first_is_due: bool) -> Option<Picture> {
    let mut newest: Option<Picture> = None;
    let is_due = |picture: &Stamped<Picture>, has_one: bool| {
        picture.generation != generation
            || picture.item.is_glance
            || due_ns.is_some_and(|due_ns| picture.item.film_ns <= due_ns)
            || first_is_due && !has_one
    };
    let has_one = |newest: &Option<Picture>| newest.as_ref().is_some_and(|picture| !picture.is_glance);
    while let Some(picture) = pictures.pop_if(|picture| is_due(picture, has_one(&newest))) {
        if picture.generation == generation && !(picture.item.is_glance && newest.is_some()) {
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
    let light = picture.light;
    let tone = light.tone;
    ScreenPicture {
        bits: picture.bits,
        rows,
        chroma_shift: picture.chroma_shift,
        chroma_offset: picture.chroma_offset,
        turn: picture.turn.0.map(|row| row.map(f32::from)),
        curve: match light.transfer {
            Transfer::Standard => ScreenCurve::Standard,
            Transfer::Pq => ScreenCurve::Pq,
            Transfer::Hlg => ScreenCurve::Hlg,
        },
        gamut: light.gamut.map(|row| row.map(|value| value as f32)),
        tone: [tone.peak, tone.white, tone.knee, WHITE_NITS].map(|value| value as f32),
        aspect: picture.aspect,
        zones: picture.zones,
        planes: Arc::new(FilmPlanes(picture)),
    }
}

struct FilmPlanes(Picture);

impl Planes for FilmPlanes {
    fn levels(&self) -> usize {
        self.0.levels()
    }

    fn plane(&self, index: usize, level: usize) -> ScreenPlane<'_> {
        let plane = self.0.plane_of_level(index, level);
        ScreenPlane { bytes: plane.bytes, stride: plane.stride, width: plane.width as u32, height: plane.height as u32 }
    }
}
