/// Why a film does not play, in words for the person who opened it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such file.
    #[error("There is no file “{name}”. Check the name, or open the film from the lobby.")]
    Missing {
        /// The file's name.
        name: String,
    },
    /// A folder was given.
    #[error("“{name}” is a folder. Choose a film in it.")]
    Folder {
        /// The folder's name.
        name: String,
    },
    /// Neither a file nor a folder.
    #[error("“{name}” is not a file. Choose a film.")]
    NotAFile {
        /// Its name.
        name: String,
    },
    /// Not allowed to read.
    #[error("You may not read “{name}”. Change its permissions or choose another film.")]
    Forbidden {
        /// The file's name.
        name: String,
    },
    /// No bytes.
    #[error("“{name}” is empty. Perhaps its download is not finished.")]
    Empty {
        /// The file's name.
        name: String,
    },
    /// The system could not read it.
    #[error("“{name}” cannot be read: {source}.")]
    Unreadable {
        /// The file's name.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a film, or a damaged one.
    #[error("“{name}” is not a film that Houselights can read, or it is damaged.")]
    NotAFilm {
        /// The file's name.
        name: String,
    },
    /// Opened, but there is nothing to see or hear.
    #[error("“{name}” has neither a picture nor a sound that can be played.")]
    NothingToPlay {
        /// The file's name.
        name: String,
    },
    /// More or larger than the fence allows.
    #[error("“{name}” claims {what}, more than Houselights will play.")]
    Beyond {
        /// The file's name.
        name: String,
        /// What is too large.
        what: String,
    },
    /// The threads could not be started.
    #[error("The film cannot be opened because the system gave no thread: {0}.")]
    NoThread(std::io::Error),
}
