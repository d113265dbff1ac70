use std::{sync::Arc, time::Duration};

use kira::{
    Decibels, Frame, Tween,
    sound::static_sound::{StaticSoundData, StaticSoundHandle, StaticSoundSettings},
    track::TrackHandle,
};

use super::{Mixer, backend::RATE};
use crate::handover::StereoFrame;

impl Mixer {
    /// Plays a short sound of the place once: so loud (a factor), so far to the right (−1 to 1). If too many play already it is not heard.
    pub fn play_clip(&mut self, clip: &Clip, gain: f32, right: f32) {
        let settings =
            StaticSoundSettings::new().volume(decibels(gain)).panning(if right.is_finite() { right.clamp(-1.0, 1.0) } else { 0.0 });
        if self.place().play(clip.0.with_settings(settings)).is_err() {
            tracing::debug!("too many sounds of the place at once");
        }
    }

    /// Plays a sound over and over, at first silent; none if too many play already.
    pub fn play_drone(&mut self, clip: &Clip) -> Option<Drone> {
        let settings = StaticSoundSettings::new().loop_region(..).volume(Decibels::SILENCE);
        let mut handle = self.place().play(clip.0.with_settings(settings)).ok()?;
        handle.pause(Tween { duration: Duration::ZERO, ..Tween::default() });
        Some(Drone { handle, gain: 0.0 })
    }
}

/// A short sound in memory, made by whoever plays it.
#[derive(Clone)]
pub struct Clip(StaticSoundData);

impl Clip {
    /// From frames at 48 kHz; what is no number is silence.
    #[must_use]
    pub fn new(frames: impl IntoIterator<Item = StereoFrame>) -> Self {
        let held = |sample: f32| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        let frames: Arc<[Frame]> = frames.into_iter().map(|[left, right]| Frame { left: held(left), right: held(right) }).collect();
        Self(StaticSoundData { sample_rate: RATE, frames, settings: StaticSoundSettings::new(), slice: None })
    }
}

/// A sound that goes on by itself, without any frame being drawn. Dropping it ends it.
pub struct Drone {
    handle: StaticSoundHandle,
    gain: f32,
}

impl Drone {
    /// Makes it so loud (a factor) within this time; a silent one costs nothing.
    pub fn fade_to(&mut self, gain: f32, within: Duration) {
        let gain = if gain.is_finite() { gain.max(0.0) } else { 0.0 };
        if gain == self.gain {
            return;
        }
        let tween = Tween { duration: within, ..Tween::default() };
        if gain == 0.0 {
            self.handle.pause(tween);
        } else {
            if self.gain == 0.0 {
                self.handle.resume(tween);
            }
            self.handle.set_volume(decibels(gain), tween);
        }
        self.gain = gain;
    }
}

impl Drop for Drone {
    fn drop(&mut self) {
        self.handle.stop(Tween { duration: Duration::from_millis(30), ..Tween::default() });
    }
}

/// Where the place is heard: beside the film, not on its volume.
pub(super) type PlaceTrack = TrackHandle;

fn decibels(gain: f32) -> Decibels {
    let gain = if gain.is_finite() { gain.clamp(0.0, 1.0) } else { 0.0 };
    Decibels((20.0 * gain.log10()).max(Decibels::SILENCE.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio::{Output, backend::capture},
        trace::Trace,
    };

    fn rig() -> (Mixer, capture::Handle) {
        let device = capture::Handle::default();
        (Mixer::open(&Output::Capture(device.clone()), &Trace::default()).unwrap(), device)
    }

    /// The loudest of so many seconds, in blocks as a device asks for them.
    fn loudest(device: &capture::Handle, seconds: f32, now_ns: &mut i64) -> f32 {
        let mut most = 0.0f32;
        for _ in 0..(seconds * 100.0) as usize {
            *now_ns += 10_000_000;
            most = device.render(480, *now_ns).iter().fold(most, |most, frame| most.max(frame[0].abs()).max(frame[1].abs()));
        }
        most
    }

    #[test]
    fn a_clip_is_heard_once_at_its_loudness() {
        let (mut mixer, device) = rig();
        let mut now_ns = 0;
        mixer.play_clip(&Clip::new(vec![[0.5, 0.5]; 4800]), 0.1, 0.0);
        let heard = loudest(&device, 0.2, &mut now_ns);
        assert!((heard - 0.05).abs() < 0.005, "{heard}");
        assert_eq!(loudest(&device, 0.3, &mut now_ns), 0.0);
    }

    #[test]
    fn a_drone_goes_on_until_it_is_faded_or_dropped() {
        let (mut mixer, device) = rig();
        let mut now_ns = 0;
        let mut drone = mixer.play_drone(&Clip::new(vec![[0.5, 0.5]; 4800])).unwrap();
        assert_eq!(loudest(&device, 0.3, &mut now_ns), 0.0);
        let at_once = Duration::from_millis(20);
        drone.fade_to(0.5, at_once);
        assert!(loudest(&device, 1.0, &mut now_ns) > 0.2);
        drone.fade_to(0.0, at_once);
        loudest(&device, 0.1, &mut now_ns);
        assert_eq!(loudest(&device, 0.5, &mut now_ns), 0.0);
        drone.fade_to(0.5, at_once);
        assert!(loudest(&device, 0.5, &mut now_ns) > 0.2);
        drop(drone);
        loudest(&device, 0.1, &mut now_ns);
        assert_eq!(loudest(&device, 0.5, &mut now_ns), 0.0);
    }

    #[test]
    fn nonsense_is_silent() {
        let (mut mixer, device) = rig();
        mixer.play_clip(&Clip::new([[f32::NAN, f32::INFINITY]; 480]), f32::NAN, f32::NAN);
        assert_eq!(loudest(&device, 0.1, &mut 0), 0.0);
        for _ in 0..1000 {
            mixer.play_clip(&Clip::new([[0.1, 0.1]; 48]), 1.0, 9.0);
        }
    }
}
