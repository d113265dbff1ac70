//! Cameras. For now only which ones there are, for `houselights doctor`; faces on avatars come with them.
//!
//! Invariant: the only folder that says nokhwa. Decided: a library for all systems' cameras; it panics when a camera stalls or vanishes, so what runs one will stand
//! on a thread of its own. Rejected: V4L by hand, which is one system only.

/// The names of the cameras that the system lists. A camera may list several entries, some of which give no picture.
///
/// # Errors
/// The system's words when it cannot list them.
pub fn cameras() -> Result<Vec<String>, String> {
    let found = nokhwa::query(nokhwa::utils::ApiBackend::Auto).map_err(|error| error.to_string())?;
    Ok(found.iter().map(nokhwa::utils::CameraInfo::human_name).collect())
}
