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
        let at_fault = |source: std::io::Error| match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Error::Missing { name: name.clone() },
            ErrorKind::PermissionDenied => Error::Forbidden { name: name.clone() },
            _ => Error::Unreadable { name: name.clone(), source },
        };
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
