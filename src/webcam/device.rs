//! A real camera, by nokhwa, on the [keeper](super::KeptCamera)'s thread. No machine of our tests has a camera, so of this file only the choice of a format is tested;
//! panics, failures and stalls are tested with cameras that do it on purpose, in `keeper`.
//!
//! nokhwa lists whole rates only (a camera of 29.97 has others too, or is refused), gives rows without gaps, and waits for a picture without end.

use nokhwa::{
    Camera,
    utils::{ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType},
};

use super::{Grabber, KeptCamera};
use crate::media::{CameraLayout, CameraPicture};

/// Opens the camera of this number, as [`cameras`](super::cameras) lists them.
///
/// # Errors
/// In words, if there is none or no thread for it. What goes wrong later is told by the camera.
pub fn device(number: usize, mono_ns: fn() -> i64) -> Result<KeptCamera, String> {
    let found = nokhwa::query(ApiBackend::Auto).map_err(|error| error.to_string())?;
    let info = found.get(number).ok_or_else(|| match found.len() {
        0 => "There is no camera on this machine.".to_owned(),
        count => format!("There is no camera number {number}; there are {count}, counted from 0."),
    })?;
    let index = info.index().clone();
    KeptCamera::start(&info.human_name(), move || Device::open(index), mono_ns)
}

/// An open camera.
struct Device(Camera);

impl Device {
    fn open(index: CameraIndex) -> Result<Self, String> {
        let any = RequestedFormat::with_formats(RequestedFormatType::None, &LAYOUTS);
        let mut camera = Camera::new(index, any).map_err(|error| error.to_string())?;
        // A camera that does not list its formats is taken as it is.
        let formats = camera.compatible_camera_formats().unwrap_or_default();
        if let Some(best) = formats.into_iter().max_by_key(fitness) {
            let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(best), &LAYOUTS);
            if let Err(error) = camera.set_camera_requset(exact) {
                tracing::debug!("the camera keeps its own format: {error}");
            }
        }
        camera.open_stream().map_err(|error| error.to_string())?;
        Ok(Self(camera))
    }
}

impl Grabber for Device {
    fn grab(&mut self) -> Result<CameraPicture, String> {
        let buffer = self.0.frame().map_err(|error| error.to_string())?;
        let size = buffer.resolution();
        let layout = layout(buffer.source_frame_format());
        Ok(CameraPicture { width: size.width() as usize, height: size.height() as usize, layout, bytes: buffer.buffer().to_vec() })
    }

    fn close(&mut self) -> Result<(), String> {
        self.0.stop_stream().map_err(|error| error.to_string())
    }
}

const fn layout(format: FrameFormat) -> CameraLayout {
    match format {
        FrameFormat::MJPEG => CameraLayout::Mjpeg,
        FrameFormat::YUYV => CameraLayout::Yuyv,
        FrameFormat::NV12 => CameraLayout::Nv12,
        FrameFormat::GRAY => CameraLayout::Grey,
        FrameFormat::RAWRGB => CameraLayout::Rgb24,
        FrameFormat::RAWBGR => CameraLayout::Bgr24,
    }
}

/// How well a format suits a face: moving first, then not small, then in colour, then near half a million pixels, and raw rather than JPEG.
fn fitness(format: &CameraFormat) -> (bool, bool, bool, i64, bool, bool) {
    let (width, height, rate) = (i64::from(format.width()), i64::from(format.height()), format.frame_rate());
    let has_colour = format.format() != FrameFormat::GRAY;
    let beyond = (width * height - 640 * 480).abs();
    (rate >= 15, width.min(height) >= 240, has_colour, -beyond, rate <= 30, format.format() != FrameFormat::MJPEG)
}

const LAYOUTS: [FrameFormat; 6] =
    [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::MJPEG, FrameFormat::RAWRGB, FrameFormat::RAWBGR, FrameFormat::GRAY];

#[cfg(test)]
mod tests {
    use nokhwa::utils::Resolution;

    use super::*;

    #[test]
    fn the_format_that_suits_a_face_is_chosen() {
        let format = |width, height, layout, rate| CameraFormat::new(Resolution::new(width, height), layout, rate);
        let choose = |formats: &[CameraFormat]| formats.iter().copied().max_by_key(fitness);
        let vga = format(640, 480, FrameFormat::YUYV, 30);
        let all = [
            format(1920, 1080, FrameFormat::MJPEG, 30),
            format(640, 480, FrameFormat::MJPEG, 30),
            vga,
            format(640, 480, FrameFormat::YUYV, 60),
            format(160, 120, FrameFormat::YUYV, 30),
            format(640, 480, FrameFormat::GRAY, 30),
        ];
        assert_eq!(choose(&all), Some(vga));
        // Five pictures a second are no face that moves.
        let slow = [format(640, 480, FrameFormat::YUYV, 5), format(1280, 720, FrameFormat::MJPEG, 30)];
        assert_eq!(choose(&slow), Some(slow[1]));
    }

    #[test]
    fn a_camera_that_is_not_there_is_refused_in_words() {
        let refusal = device(999, || 0).unwrap_err();
        assert!(refusal.starts_with("There is no camera"), "{refusal}");
    }
}
