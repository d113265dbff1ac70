use std::path::Path;

/// Whether it makes sense to ask the system for sound devices.
///
/// On Linux a machine without sound card and sound server is asked otherwise: there ALSA's library writes a page of complaints to standard error at each attempt.
pub(super) fn may_have_devices() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let has_server = variable("PULSE_SERVER").is_some()
        || variable("XDG_RUNTIME_DIR").is_some_and(|folder| SERVERS.iter().any(|socket| Path::new(&folder).join(socket).exists()));
    has_server || has_card(Path::new("/dev/snd"))
}

/// Whether a folder of ALSA's devices has one that plays: `pcmC0D0p` and the like.
fn has_card(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("pcm") && name.ends_with('p')
    })
}

/// Sockets of sound servers in the user's runtime folder.
const SERVERS: &[&str] = &["pulse/native", "pipewire-0"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_one_that_plays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_card(&folder.path().join("missing")) && !has_card(folder.path()));
        std::fs::write(folder.path().join("pcmC0D0c"), b"").unwrap();
        assert!(!has_card(folder.path()));
        std::fs::write(folder.path().join("pcmC0D0p"), b"").unwrap();
        assert!(has_card(folder.path()));
    }
}
