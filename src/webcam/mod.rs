//! Faces: one's own camera to small pictures on the way to the others, and theirs to pictures for the avatars.
//!
//! A [`CameraSource`] gives pictures: a real camera ([`device`]), a [`Pattern`] for whoever has none, a film ([`FilmCamera`]). [`Camera`] takes them on its thread
//! `webcam`: the pure [`Studio`] decides which of them are coded, for whom and when a key frame begins a new *group*; each group is one ordered stream
//! ([`group`] tells its bytes), given up as a whole when 200 ms of it wait. Whoever comes later gets the group from its beginning. [`Faces`] reads such streams on its thread `faces`, for all people, and keeps the newest picture of
//! each; what is damaged or missing stands still until the next key frame. Both threads are a `step()` that tests call by hand.
//!
//! A camera is on only while its [`Camera`] lives. Nothing here waits for a driver: a real camera stands on one more thread, which may panic, spin or stall by itself
//! ([`KeptCamera`]).
//!
//! Invariant: the only folder that says nokhwa. It does not say FFmpeg: codecs and colours are `media`'s. Only `seen` knows Bevy, the room and the seats, only `post` the
//! lines: in all else bytes go out as [`Parcel`]s and come in as [`Piece`]s.
//!
//! Decided: a stream for each group, so that pictures arrive in order and a late group is dropped whole. Rejected: datagrams (a key frame is four of them, and VP8
//! smears over a lost one without a word); one stream for all (what is late would hold up what is new); asking the encoder to leave pictures out (those after them need
//! them); V4L by hand, which is one system only; nokhwa's own thread for callbacks, which spins when the camera is unplugged.

mod device;
mod face;
mod film;
pub mod group;
mod incoming;
mod keeper;
mod kept;
mod layer;
mod outgoing;
mod pattern;
mod post;
mod seen;
mod source;
mod studio;
#[cfg(test)]
mod tests;
mod watcher;

pub use device::device;
pub use face::{Face, Freshness};
pub use film::FilmCamera;
pub use group::{Fault, GroupOrder};
pub use incoming::{FaceLine, FaceNews, Faces, Incoming, Piece, Shown};
pub use keeper::{Answer, Grabber, KeptCamera, THREADS_MAX, Watchdog, camera_threads};
pub use layer::Layer;
pub use outgoing::{Camera, CameraState, Content, Order, Outgoing, Parcel, Step};
pub use pattern::{Pattern, number};
pub use seen::{CameraChoice, MyCamera, OnCamera, TurnCamera};
pub use source::{CameraSource, Look, Seen, Shot};
pub use studio::{Coded, Cut, Plan, Send, Studio};

/// Lets people show their faces.
pub fn plugin(app: &mut bevy::prelude::App) {
    seen::plugin(app);
}

/// The names of the cameras that the system lists. A camera may list several entries, some of which give no picture.
///
/// # Errors
/// The system's words when it cannot list them.
pub fn cameras() -> Result<Vec<String>, String> {
    let found = nokhwa::query(nokhwa::utils::ApiBackend::Auto).map_err(|error| error.to_string())?;
    Ok(found.iter().map(nokhwa::utils::CameraInfo::human_name).collect())
}
