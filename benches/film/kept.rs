//! Generated clips that take long to make, kept in the user's cache from one run to the next.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::clip::Clip;

/// The clip, from the cache if it was made before in just this way.
pub(crate) fn kept(clip: &Clip<'_>) -> PathBuf {
    keep(clip.name, &format!("{clip:?}"), |folder| {
        clip.make(folder);
    })
}

/// A clip of a few seconds played over and over, without encoding it again.
pub(crate) fn repeated(clip: &Clip<'_>, times: u32, name: &str) -> PathBuf {
    let once = kept(clip);
    keep(name, &format!("{times} times {clip:?}"), |folder| {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-stream_loop", &(times - 1).to_string(), "-i"]);
        let output = command.arg(&once).args(["-c", "copy"]).arg(folder.join(name)).output().unwrap();
        assert!(output.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&output.stderr));
    })
}

fn keep(name: &str, recipe: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = cache();
    let (film, noted) = (folder.join(name), folder.join(format!("{name}.recipe")));
    if film.exists() && fs::read_to_string(&noted).is_ok_and(|before| before == recipe) {
        return film;
    }
    eprintln!("making {name} …");
    fs::create_dir_all(&folder).unwrap();
    make(&folder);
    fs::write(noted, recipe).unwrap();
    film
}

fn cache() -> PathBuf {
    let from = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache"))).unwrap_or_else(std::env::temp_dir);
    base.join("houselights/bench")
}
