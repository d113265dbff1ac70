use sonora::{
    AudioProcessing, Config, StreamConfig,
    config::{
        AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression, NoiseSuppressionLevel,
        Pipeline,
    },
};

use super::{coder::SAMPLES_PER_SECOND, packet::TICK_SAMPLES};

/// Takes out of the microphone what the loudspeakers put in (AEC3), then noise, then brings the voice to a common level: WebRTC's audio processing, in 10 ms
/// frames.
///
/// The order matters: [`Self::hear`] each frame of what is played, before [`Self::clean`] of the microphone frame that may hold its echo. What is played is
/// one mono downmix of the whole mix, because an echo canceller with two references needs to know which loudspeaker an echo came from, and was worse (24 dB
/// for 54). The delay between the two is found by itself, up to half a second or so; a device that was reopened has another, which is found soonest by
/// beginning anew.
pub struct Canceller {
    processing: AudioProcessing,
    bypass: Bypass,
    scratch: [f32; TICK_SAMPLES],
}

/// What is left out. All of it is on by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Bypass {
    /// Pass the microphone on as it is.
    pub everything: bool,
    /// No echo canceller: for headphones, and to hear what it does.
    pub echo: bool,
    /// No noise suppression.
    pub noise: bool,
    /// No gain control.
    pub gain: bool,
}

impl Canceller {
    /// One that knows nothing of the room yet.
    #[must_use]
    pub fn new(bypass: Bypass) -> Self {
        Self { processing: processing(bypass), bypass, scratch: [0.0; TICK_SAMPLES] }
    }

    /// Forgets the room: after a device was reopened, or another chosen.
    pub fn rebuild(&mut self) {
        self.processing = processing(self.bypass);
    }

    /// Leaves out something else from now on.
    pub fn set_bypass(&mut self, bypass: Bypass) {
        if bypass != self.bypass {
            self.bypass = bypass;
            self.rebuild();
        }
    }

    /// 10 ms that are being played, all in one.
    pub fn hear(&mut self, mix: &[f32; TICK_SAMPLES]) {
        if self.bypass.everything || self.bypass.echo {
            return;
        }
        let finite = finite(mix);
        if let Err(error) = self.processing.process_render_f32(&[&finite], &mut [&mut self.scratch]) {
            tracing::debug!(%error, "the echo canceller did not hear the mix");
        }
    }

    /// Cleans 10 ms of the microphone in place. They come out some 10 ms later than they went in.
    pub fn clean(&mut self, microphone: &mut [f32; TICK_SAMPLES]) {
        let finite = finite(microphone);
        if self.bypass.everything {
            *microphone = finite;
            return;
        }
        if let Err(error) = self.processing.process_capture_f32(&[&finite], &mut [microphone]) {
            tracing::debug!(%error, "the microphone is passed on as it is");
            *microphone = finite;
        }
    }
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canceller").field("bypass", &self.bypass).finish_non_exhaustive()
    }
}

fn processing(bypass: Bypass) -> AudioProcessing {
    let stream = StreamConfig::new(SAMPLES_PER_SECOND, 1);
    let config = Config {
        pipeline: Pipeline {
            // The default of 32 kHz would cut the voice at 16 and resample twice.
            maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
            multi_channel_render: false,
            multi_channel_capture: false,
            ..Pipeline::default()
        },
        high_pass_filter: Some(HighPassFilter::default()),
        echo_canceller: (!bypass.echo).then(EchoCanceller::default),
        noise_suppression: (!bypass.noise)
            .then(|| NoiseSuppression { level: NoiseSuppressionLevel::Moderate, ..NoiseSuppression::default() }),
        gain_controller2: (!bypass.gain).then(|| GainController2 {
            adaptive_digital: Some(AdaptiveDigital {
                initial_gain_db: GAIN_DB_FIRST,
                max_gain_db: GAIN_DB_MAX,
                ..AdaptiveDigital::default()
            }),
            ..GainController2::default()
        }),
        ..Config::default()
    };
    AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build()
}

/// A device or a mix that went wrong must not stay in the filters for ever.
fn finite(samples: &[f32; TICK_SAMPLES]) -> [f32; TICK_SAMPLES] {
    samples.map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 })
}

/// WebRTC begins with 15 and goes to 50, which makes a quiet room's murmur a roar before anybody spoke.
const GAIN_DB_FIRST: f32 = 6.0;
const GAIN_DB_MAX: f32 = 24.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::{level, testing};

    #[test]
    fn an_echo_goes_and_a_voice_stays() {
        let far = testing::speech(21, 8.0);
        let near = testing::speech(22, 8.0);
        let left = |echo: f32, voice: f32| {
            let mut canceller = Canceller::new(Bypass { gain: true, ..Bypass::default() });
            let mut out = Vec::new();
            for (i, mix) in far.chunks_exact(480).enumerate() {
                canceller.hear(mix.try_into().unwrap());
                let mut frame = [0.0; 480];
                for (j, sample) in frame.iter_mut().enumerate() {
                    let at = i * 480 + j;
                    *sample = at.checked_sub(2400).map_or(0.0, |at| far[at] * echo) + near[at] * voice;
                }
                canceller.clean(&mut frame);
                out.extend(frame);
            }
            level::dbfs(&out[5 * 48_000..])
        };
        let far_dbfs = level::dbfs(&far[5 * 48_000..]) - 6.0;
        assert!(left(0.5, 0.0) < far_dbfs - 25.0, "{} of {far_dbfs}", left(0.5, 0.0));
        let near_dbfs = level::dbfs(&near[5 * 48_000..]);
        assert!(left(0.0, 1.0) > near_dbfs - 2.0, "{} of {near_dbfs}", left(0.0, 1.0));
    }

    #[test]
    fn bypassed_it_changes_nothing_and_lets_no_nonsense_through() {
        let mut canceller = Canceller::new(Bypass { everything: true, ..Bypass::default() });
        let mut frame = [0.25; 480];
        canceller.hear(&[0.5; 480]);
        canceller.clean(&mut frame);
        assert_eq!(frame, [0.25; 480]);
        canceller.set_bypass(Bypass::default());
        canceller.hear(&[f32::NAN; 480]);
        for _ in 0..20 {
            let mut frame = [f32::INFINITY; 480];
            canceller.clean(&mut frame);
            assert!(frame.iter().all(|sample| sample.is_finite()));
        }
        canceller.rebuild();
    }
}
