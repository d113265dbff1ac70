use std::thread::Thread;

use crate::media::{CameraPicture, FaceCutter, FaceError, FaceFrame, Picture};

/// Where pictures of a person come from: a camera, a test pattern, a film. Dropping it closes it.
pub trait CameraSource: Send {
    /// Its name as people read it.
    fn name(&self) -> &str;

    /// The newest picture since the last call. Never waits, whatever the device does: what may wait does so on a thread of the source's own.
    fn look(&mut self, now_ns: i64) -> Look;

    /// Whom to wake when a picture comes. A source that knows from the time alone when it has one need not.
    fn wake(&mut self, _thread: Thread) {}
}

/// What a source has.
#[derive(Debug)]
pub enum Look {
    /// A picture.
    Shot(Shot),
    /// None that is new.
    Nothing,
    /// None for long, though the camera is on; one may yet come.
    Stalled,
    /// It is over; a sentence for the person.
    Failed(String),
}

/// A picture and when it was taken.
#[derive(Debug)]
pub struct Shot {
    /// By the clock that the source is asked with.
    pub captured_ns: i64,
    /// What was seen.
    pub seen: Seen,
}

/// What a picture is made of.
#[derive(Debug)]
pub enum Seen {
    /// A camera's bytes.
    Camera(CameraPicture),
    /// A film's picture.
    Film(Box<Picture>),
}

impl Seen {
    /// The square in the middle.
    ///
    /// # Errors
    /// If the camera's bytes are not the picture that they claim to be.
    pub fn cut(&self, cutter: &mut FaceCutter, side: usize) -> Result<FaceFrame, FaceError> {
        match self {
            Self::Camera(picture) => cutter.cut(picture, side),
            Self::Film(picture) => cutter.cut_film(picture, side),
        }
    }
}
