use std::{convert::Infallible, time::Duration};

use kira::{
    Decibels, Easing, Frame, Tween,
    info::Info,
    listener::ListenerHandle,
    sound::{Sound, SoundData},
    track::{SpatialTrackBuilder, SpatialTrackDistances, SpatialTrackHandle},
};

use super::{Mixer, OpenError, backend::RATE};
use crate::handover::{SampleConsumer, StereoFrame};

impl Mixer {
    /// Adds somebody who is heard from a place in the hall, metres in Bevy's axes. The ring is emptied at the pace of the ear: whoever fills it keeps some
    /// milliseconds in it, at 48 kHz, and hears how the device's clock runs by how fast they go.
    ///
    /// # Errors
    /// When more people speak than the mixer has room for.
    pub fn add_speaker(&mut self, voice: SampleConsumer, at: [f32; 3]) -> Result<Speaker, OpenError> {
        let full = |full: kira::ResourceLimitReached| OpenError::Mixer(full.to_string());
        let ear = self.ear()?.id();
        let track = SpatialTrackBuilder::new()
            .distances(SpatialTrackDistances { min_distance: NEAR_M, max_distance: FAR_M })
            .attenuation_function(Easing::Linear)
            .spatialization_strength(SPATIAL)
            .sound_capacity(1)
            .sub_track_capacity(0);
        let mut track = self.manager().add_spatial_sub_track(ear, at, track).map_err(full)?;
        track.play(Voice::new(voice)).map_err(|full| OpenError::Mixer(full.to_string()))?;
        Ok(Speaker { track })
    }

    /// Moves one's own ears: where they are, and how the head is turned (a quaternion, x y z w; unturned it looks along −z).
    pub fn set_ear(&mut self, at: [f32; 3], turned: [f32; 4]) {
        let is_sound = at.iter().chain(&turned).all(|value| value.is_finite());
        if let Ok(ear) = self.ear()
            && is_sound
        {
            ear.set_position(at, MOVES);
            ear.set_orientation(turned, MOVES);
        }
    }

    /// The ears, made when they are first needed.
    fn ear(&mut self) -> Result<&mut ListenerHandle, OpenError> {
        if self.ear.is_none() {
            let ear = self.manager().add_listener([0.0; 3], [0.0, 0.0, 0.0, 1.0]);
            self.ear = Some(ear.map_err(|full| OpenError::Mixer(full.to_string()))?);
        }
        self.ear.as_mut().ok_or_else(|| OpenError::Mixer("there are no ears".to_owned()))
    }
}

/// Somebody who is heard from a place. Dropping it silences them.
pub struct Speaker {
    track: SpatialTrackHandle,
}

impl Speaker {
    /// Moves them, in metres.
    pub fn set_place(&mut self, at: [f32; 3]) {
        if at.iter().all(|value| value.is_finite()) {
            self.track.set_position(at, MOVES);
        }
    }

    /// How loud one wants to hear them: 0 is silence, 1 as they are, at most 2.
    pub fn set_gain(&mut self, gain: f32) {
        let gain = if gain.is_finite() { gain.clamp(0.0, GAIN_MOST) } else { 0.0 };
        self.track.set_volume(Decibels((20.0 * gain.log10()).max(Decibels::SILENCE.0)), MOVES);
    }
}

/// A voice as it comes out of its ring, at whatever rate the device wants.
struct Voice {
    ring: SampleConsumer,
    /// The last frames taken, oldest first.
    taps: [StereoFrame; 4],
    /// How far between the middle two.
    fraction: f64,
    is_over: bool,
}

impl Voice {
    const fn new(ring: SampleConsumer) -> Self {
        Self { ring, taps: [[0.0; 2]; 4], fraction: 0.0, is_over: false }
    }

    /// The next frame, and silence where there is none; what fills the ring fades its own edges.
    fn take(&mut self) -> StereoFrame {
        self.ring.pop().unwrap_or_else(|| {
            self.is_over = self.ring.is_ended();
            [0.0; 2]
        })
    }
}

impl SoundData for Voice {
    type Error = Infallible;
    type Handle = ();

    fn into_sound(self) -> Result<(Box<dyn Sound>, ()), Infallible> {
        Ok((Box::new(self), ()))
    }
}

impl Sound for Voice {
    fn process(&mut self, out: &mut [Frame], dt: f64, _info: &Info) {
        let step = dt * f64::from(RATE);
        if (step - 1.0).abs() < SAME_RATE {
            for frame in out {
                let [left, right] = self.take();
                *frame = Frame { left, right };
            }
            return;
        }
        for frame in out {
            self.fraction += step;
            while self.fraction >= 1.0 {
                self.fraction -= 1.0;
                self.taps.rotate_left(1);
                self.taps[3] = self.take();
            }
            let [before, from, to, after] = self.taps.map(|[left, right]| Frame { left, right });
            // Speech has little above 8 kHz, where four points suffice.
            *frame = kira::interpolate_frame(before, from, to, after, self.fraction as f32);
        }
    }

    fn finished(&self) -> bool {
        self.is_over
    }
}

/// Nearer nobody is louder.
const NEAR_M: f32 = 1.2;
/// kira fades to −60 dB on the way to here; across the whole hall, 22 m, that is −7 dB, and nobody becomes inaudible.
const FAR_M: f32 = 180.0;
/// Beside one, a voice comes from that side, and the other ear still hears it.
const SPATIAL: f32 = 0.65;
const GAIN_MOST: f32 = 2.0;
const SAME_RATE: f64 = 1e-6;
const MOVES: Tween = Tween { start_time: kira::StartTime::Immediate, duration: Duration::from_millis(60), easing: Easing::Linear };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio::{Output, backend::capture},
        handover::ring,
        trace::Trace,
    };

    fn rig(rate: u32) -> (Mixer, capture::Handle) {
        let device = capture::Handle::with_rate(rate);
        (Mixer::open(&Output::Capture(device.clone()), &Trace::default()).unwrap(), device)
    }

    /// Mean square of each ear over a second of a voice that says a tone.
    fn heard(rate: u32, at: [f32; 3], gain: f32) -> [f32; 2] {
        let (mut mixer, device) = rig(rate);
        mixer.set_ear([0.0, 1.2, 0.0], [0.0, 0.0, 0.0, 1.0]);
        let (mut voice, ear) = ring(96_000);
        let tone: Vec<StereoFrame> = (0..96_000).map(|n| [(n as f32 * 0.05).sin() * 0.25; 2]).collect();
        assert_eq!(voice.push(&tone), tone.len());
        let mut speaker = mixer.add_speaker(ear, at).unwrap();
        speaker.set_gain(gain);
        let (mut sum, mut now_ns) = ([0.0; 2], 0);
        for block in 0..150 {
            now_ns += 10_000_000;
            let frames = device.render(rate as usize / 100, now_ns);
            if block >= 50 {
                frames.iter().for_each(|[left, right]| sum = [sum[0] + left * left, sum[1] + right * right]);
            }
        }
        sum.map(|sum| sum / rate as f32)
    }

    fn db(of: f32, over: f32) -> f32 {
        10.0 * (of / over).log10()
    }

    #[test]
    fn whoever_sits_beside_is_heard_on_that_side_and_whoever_is_far_is_still_heard() {
        let near = heard(48_000, [-0.6, 1.2, 0.0], 1.0);
        let side_db = db(near[0], near[1]);
        assert!((3.0..20.0).contains(&side_db), "{side_db} dB");
        let far = heard(48_000, [0.0, 1.2, -20.0], 1.0);
        let away_db = db(far[0] + far[1], near[0] + near[1]);
        assert!((-12.0..-3.0).contains(&away_db), "{away_db} dB");
        assert!(db(far[0], far[1]).abs() < 1.0, "in front is in the middle");
    }

    #[test]
    fn a_voice_is_as_loud_on_a_device_of_another_rate_and_as_one_wants_it() {
        let at = [0.0, 1.2, -1.0];
        let whole = heard(48_000, at, 1.0);
        assert!(db(heard(44_100, at, 1.0)[0], whole[0]).abs() < 0.5);
        assert!((db(heard(48_000, at, 0.5)[0], whole[0]) + 6.0).abs() < 0.5);
        assert!(heard(48_000, at, 0.0)[0] < 1e-9 && heard(48_000, at, f32::NAN)[0] < 1e-9);
    }

    #[test]
    fn a_silent_speaker_costs_nobody_anything_and_goes_when_it_is_dropped() {
        let (mut mixer, device) = rig(48_000);
        for _ in 0..500 {
            let (voice, ear) = ring(480);
            drop((mixer.add_speaker(ear, [1.0, 1.0, 1.0]).unwrap(), voice));
            assert!(device.render(480, 0).iter().all(|frame| *frame == [0.0; 2]));
        }
    }
}
