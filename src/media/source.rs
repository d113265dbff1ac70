use std::{
    fs::File,
    io::{Cursor, ErrorKind, Read, Seek},
    path::Path,
};

use super::Error;

/// Where a film's bytes come from. Reading blocks the demux thread only; while it waits for bytes it returns [`ErrorKind::Interrupted`] at least every 50 ms,
/// so that a seek or the end of the film is noticed.
pub struct Source {
    pub(super) bytes: Box<dyn ReadSeek>,
    pub(super) name: String,
}

/// Bytes that can be read from any place.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl Source {
    /// A film on this machine. The name may be of any bytes; what is shown of it is made readable.
    ///
    /// # Errors
    /// One sentence for whatever is wrong with the path: missing, a folder, empty, forbidden.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let at_fault = |source| at_fault(&name, source);
        // Asked before opening: opening a pipe would wait for its writer.
        let metadata = path.metadata().map_err(at_fault)?;
        if metadata.is_dir() {
            return Err(Error::Folder { name });
        }
        if !metadata.is_file() {
            return Err(Error::NotAFile { name });
        }
        if metadata.len() == 0 {
            return Err(Error::Empty { name });
        }
        let file = File::open(path).map_err(at_fault)?;
        Ok(Self { bytes: Box::new(file), name })
    }

    /// A film inside the program.
    #[must_use]
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Self {
        Self { bytes: Box::new(Cursor::new(bytes)), name: name.to_owned() }
    }

    /// A film whose bytes come by some other way.
    #[must_use]
    pub fn new(name: &str, bytes: impl ReadSeek + 'static) -> Self {
        Self { bytes: Box::new(bytes), name: name.to_owned() }
    }

    /// The film's name as people read it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What the system's refusal means to the person.
fn at_fault(name: &str, source: std::io::Error) -> Error {
    let name = name.to_owned();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::Missing { name },
        ErrorKind::PermissionDenied => Error::Forbidden { name },
        _ => Error::Unreadable { name, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        // Whoever runs the tests may be allowed to read everything, so the refusal is made here.
        let said = |kind: ErrorKind| at_fault("a.mkv", kind.into()).to_string();
        assert_eq!(said(ErrorKind::PermissionDenied), "You may not read “a.mkv”. Change its permissions or choose another film.");
        assert!(said(ErrorKind::TimedOut).starts_with("“a.mkv” cannot be read:"));
    }
}
