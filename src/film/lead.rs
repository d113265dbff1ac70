use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use bevy::{
    prelude::*,
    render::{Extract, ExtractSchedule, Render, RenderApp, RenderSystems, pipelined_rendering::PipelinedRenderingPlugin},
};

use crate::room::{Clock, Now};

/// Measures how long it takes from choosing a picture until it is seen.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<DisplayLead>();
    // Drawn beside the next frame, a picture is late by frames, and that is told by whoever opens the window.
    let is_beside = app.is_plugin_added::<PipelinedRenderingPlugin>();
    let drawing = app.world().resource::<DisplayLead>().drawing.clone();
    if let Some(render_app) = app.get_sub_app_mut(RenderApp).filter(|_| !is_beside) {
        render_app
            .insert_resource(Drawing { since: None, took_ns: drawing })
            .add_systems(ExtractSchedule, begin)
            .add_systems(Render, end.in_set(RenderSystems::Cleanup));
    }
}

fn begin(now: Extract<Res<Now>>, clock: Extract<Option<Res<Clock>>>, mut drawing: ResMut<Drawing>) {
    drawing.since = clock.as_ref().map(|clock| (clock.0, now.mono_ns));
}

fn end(drawing: Res<Drawing>) {
    if let Some((clock, since_mono_ns)) = drawing.since {
        drawing.took_ns.store(clock() - since_mono_ns, Ordering::Relaxed);
    }
}

/// How long it takes from choosing a picture until it is seen, on the average.
///
/// Pictures are chosen once a frame, so one that waits until it is due is seen half a frame late; then it is drawn; and a window shows what was chosen some
/// frames ago.
#[derive(Resource, Debug, Default)]
pub struct DisplayLead {
    /// Frames between choosing and seeing: 0 offscreen, about one in a window.
    pub frames: f64,
    last_mono_ns: Option<i64>,
    frame_ns: f64,
    drawing_ns: f64,
    drawing: Arc<AtomicI64>,
}

impl DisplayLead {
    /// The lead at this frame, in nanoseconds.
    pub(super) fn advance(&mut self, now_mono_ns: i64) -> i64 {
        if let Some(last) = self.last_mono_ns.replace(now_mono_ns) {
            let frame_ns = (now_mono_ns - last) as f64;
            // A theater at rest draws seldom; that says nothing of how it draws a film.
            if (0.0..MAX_FRAME_NS).contains(&frame_ns) {
                self.frame_ns += (frame_ns - self.frame_ns) * FRAME_SHARE;
            }
            let drawing_ns = self.drawing.load(Ordering::Relaxed) as f64;
            self.drawing_ns += (drawing_ns.clamp(0.0, MAX_FRAME_NS) - self.drawing_ns) * FRAME_SHARE;
        }
        (self.frame_ns * (0.5 + self.frames) + self.drawing_ns) as i64
    }
}

/// The drawing of one frame, in the render world.
#[derive(Resource)]
struct Drawing {
    since: Option<(fn() -> i64, i64)>,
    took_ns: Arc<AtomicI64>,
}

/// A film that is drawn more seldom is not watched.
const MAX_FRAME_NS: f64 = 100e6;
const FRAME_SHARE: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lead_is_half_a_frame_and_what_is_between() {
        let mut lead = DisplayLead::default();
        let mut now_ns = 0;
        let mut run = |lead: &mut DisplayLead| {
            (0..200).fold(0, |_, _| {
                now_ns += 20_000_000;
                lead.advance(now_ns)
            })
        };
        assert!((run(&mut lead) - 10_000_000).abs() < 1000);
        lead.drawing.store(5_000_000, Ordering::Relaxed);
        assert!((run(&mut lead) - 15_000_000).abs() < 1000);
        lead.frames = 1.0;
        assert!((run(&mut lead) - 35_000_000).abs() < 1000);
    }

    #[test]
    fn a_rest_says_nothing_of_the_frames() {
        let mut lead = DisplayLead::default();
        for frame in 0..200 {
            lead.advance(frame * 20_000_000);
        }
        assert!((lead.advance(60_000_000_000) - 10_000_000).abs() < 1000);
    }
}
