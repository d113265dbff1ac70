//! What a person chose once and keeps: one TOML file in their configuration folder. Each folder owns its section and reads it by its own type.
//!
//! Invariant: this file knows no section. A damaged file is put aside, not deleted, and said. Writing replaces the file whole, so that a crash leaves the old or
//! the new one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// The file's sections, in memory.
#[derive(Debug, Default)]
pub struct Settings {
    path: Option<PathBuf>,
    table: toml::Table,
}

impl Settings {
    /// Reads `settings.toml` in `folder`; a missing file is an empty one. The second value is a sentence for the person, if something is wrong with the file.
    #[must_use]
    pub fn load(folder: &Path) -> (Self, Option<String>) {
        let path = folder.join("settings.toml");
        let (table, problem) = match fs::read_to_string(&path) {
            Ok(text) => match text.parse::<toml::Table>() {
                Ok(table) => (table, None),
                Err(error) => {
                    let aside = path.with_extension("toml.damaged");
                    let kept = fs::rename(&path, &aside).is_ok();
                    let kept = if kept { format!("; it was kept as {}", aside.display()) } else { String::new() };
                    (toml::Table::new(), Some(format!("Your settings could not be read and start anew ({}){kept}.", error.message())))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => (toml::Table::new(), None),
            Err(error) => (toml::Table::new(), Some(format!("Your settings in {} cannot be read: {error}.", path.display()))),
        };
        (Self { path: Some(path), table }, problem)
    }

    /// A folder's own section; what is missing or does not fit is the type's default.
    #[must_use]
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        self.table.get(name).and_then(|section| section.clone().try_into().ok()).unwrap_or_default()
    }

    /// Replaces a section and writes the file.
    ///
    /// # Errors
    /// When the folder or the file cannot be written, or the section is not a table; the change holds for this run all the same.
    pub fn keep<T: Serialize>(&mut self, name: &str, section: &T) -> io::Result<()> {
        let section = toml::Value::try_from(section).map_err(io::Error::other)?;
        self.table.insert(name.to_owned(), section);
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = path.with_extension("toml.new");
        fs::write(&new, self.table.to_string())?;
        fs::rename(new, path)
    }
}

/// The user's configuration folder for this program (XDG base directories; `%APPDATA%` and `~/Library` elsewhere), or `None` if the system names no home.
#[must_use]
pub fn default_folder() -> Option<PathBuf> {
    let from = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        from("APPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        from("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| from("HOME").map(|home| home.join(".config")))
    };
    base.map(|base| base.join("houselights"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Section {
        volume: u8,
    }

    #[test]
    fn what_was_kept_is_there_next_time_and_other_sections_stay() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("made/on/need");
        let (mut settings, problem) = Settings::load(&folder);
        assert_eq!((settings.section::<Section>("audio"), problem), (Section::default(), None));
        settings.keep("audio", &Section { volume: 80 }).unwrap();
        settings.keep("theater", &Section { volume: 1 }).unwrap();
        let (settings, _) = Settings::load(&folder);
        assert_eq!(settings.section::<Section>("audio").volume, 80);
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("settings.toml"), "audio = [").unwrap();
        let (settings, problem) = Settings::load(folder.path());
        assert_eq!(settings.section::<Section>("audio"), Section::default());
        assert!(problem.unwrap().contains("start anew"));
        assert!(folder.path().join("settings.toml.damaged").exists());
    }

    #[test]
    fn a_section_of_another_shape_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("settings.toml"), "[audio]\nvolume = \"loud\"").unwrap();
        assert_eq!(Settings::load(folder.path()).0.section::<Section>("audio"), Section::default());
    }
}
