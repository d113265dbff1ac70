use std::path::PathBuf;

/// The path that somebody typed, pasted or clicked: quoted, as a link to a file (RFC 8089), or from their home.
#[must_use]
pub fn path_of(typed: &str) -> PathBuf {
    let typed = typed.trim();
    let bare = typed.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\''])).unwrap_or(typed);
    if let Some(link) = bare.strip_prefix("file://") {
        return decoded(link.strip_prefix("localhost").unwrap_or(link));
    }
    match (bare.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(bare),
    }
}

/// Without the percent signs of a link (RFC 3986, 2.1). What is no such sign stays as it is.
fn decoded(link: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(link.len());
    let mut rest = link.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok()).and_then(|two| u8::from_str_radix(two, 16).ok());
        let code = code.filter(|_| first == b'%' && after.iter().take(2).all(u8::is_ascii_hexdigit));
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    path_from(bytes)
}

#[cfg(unix)]
fn path_from(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_from(bytes: Vec<u8>) -> PathBuf {
    let path = String::from_utf8_lossy(&bytes).into_owned();
    // file:///C:/films
    PathBuf::from(path.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':')).unwrap_or(&path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_taken_as_people_paste_them() {
        for (typed, path) in [
            ("'/films/a b.mkv'", "/films/a b.mkv"),
            ("file:///films/a.mkv", "/films/a.mkv"),
            (" \"file:///films/caf%C3%A9%20noir.mkv\" ", "/films/café noir.mkv"),
            ("file://localhost/films/100%25.mkv", "/films/100%.mkv"),
            ("file:///films/5%", "/films/5%"),
            ("file:///films/%+1a", "/films/%+1a"),
            ("/films/100%25.mkv", "/films/100%25.mkv"),
            ("\"C:\\films\\a.mkv\"", "C:\\films\\a.mkv"),
        ] {
            assert_eq!(path_of(typed), PathBuf::from(path), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_typed(typed in "(file://)?\\PC{0,40}") {
            prop_assert!(path_of(&typed).as_os_str().len() <= typed.len() + std::env::var_os("HOME").map_or(0, |home| home.len()));
        }
    }
}
