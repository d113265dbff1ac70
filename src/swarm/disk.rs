use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{cache::Stored, pieces::PIECE_BYTES};
use crate::handover::{MailboxReceiver, MailboxSender};

/// Writes received pieces into files of the cache folder, one for each film. It may wait for a disk; nobody waits for it.
pub(super) struct Disk {
    jobs: MailboxReceiver<Job>,
    done: MailboxSender<Done>,
    path: PathBuf,
    folder: Option<Folder>,
    files: BTreeMap<u64, (PathBuf, File)>,
    is_stopped: bool,
}

impl Disk {
    pub(super) const fn new(path: PathBuf, jobs: MailboxReceiver<Job>, done: MailboxSender<Done>) -> Self {
        Self { jobs, done, path, folder: None, files: BTreeMap::new(), is_stopped: false }
    }

    /// Once, on its thread.
    pub(super) fn wake_current_thread(&self) {
        self.jobs.wake_current_thread();
    }

    /// Whether nobody can give it work any more.
    pub(super) fn is_finished(&self) -> bool {
        self.is_stopped || self.jobs.is_finished()
    }

    /// Removes what earlier processes left behind when they died.
    pub(super) fn tidy(&self) {
        match remove_stale(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("the film cache cannot be tidied: {error}"),
        }
    }

    /// Does one thing; whether there was one.
    pub(super) fn step(&mut self) -> bool {
        let Some(job) = self.jobs.receive() else { return false };
        match job {
            Job::Write { key, index, stored, bytes } => {
                let result = self.write(key, stored, &bytes);
                // There is room for every job that may be waiting.
                drop(self.done.send(Done { key, index, stored, result }));
            }
            Job::Stop => self.is_stopped = true,
            Job::Remove { key } => {
                if let Some((path, file)) = self.files.remove(&key) {
                    drop(file);
                    remove(&path);
                }
            }
        }
        true
    }

    fn write(&mut self, key: u64, stored: Stored, bytes: &[u8]) -> io::Result<PathBuf> {
        let folder = match &self.folder {
            Some(folder) => folder,
            None => self.folder.insert(Folder::enter(&self.path)?),
        };
        let (path, file) = match self.files.entry(key) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let path = folder.path.join(format!("{}-{key}.pieces", folder.name));
                let file = create_new(&path)?;
                entry.insert((path, file))
            }
        };
        file.seek(SeekFrom::Start(u64::from(stored.slot) * PIECE_BYTES))?;
        file.write_all(bytes)?;
        Ok(path.clone())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for (path, file) in std::mem::take(&mut self.files).into_values() {
            drop(file);
            remove(&path);
        }
    }
}

/// What is to be done; the key is a watched film's.
pub(super) enum Job {
    Write { key: u64, index: u32, stored: Stored, bytes: Bytes },
    Remove { key: u64 },
    Stop,
}

/// A piece that was to be written, and into which file it was.
pub(super) struct Done {
    pub(super) key: u64,
    pub(super) index: u32,
    pub(super) stored: Stored,
    pub(super) result: io::Result<PathBuf>,
}

/// This process's part of the cache folder: a name, and a locked file of that name which says that the process lives.
struct Folder {
    path: PathBuf,
    name: String,
    lock: Option<File>,
}

impl Folder {
    fn enter(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        for _ in 0..ATTEMPTS {
            let name = format!("{:016x}", rand::random::<u64>());
            let lock_path = path.join(format!("{name}.lock"));
            let lock = create_new(&lock_path)?;
            // Until it is locked, another process may take it for a dead one's and remove it.
            if lock.try_lock().is_ok() && lock_path.exists() {
                return Ok(Self { path: path.to_owned(), name, lock: Some(lock) });
            }
        }
        Err(io::Error::other("other processes keep removing its files"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.lock = None;
        remove(&self.path.join(format!("{}.lock", self.name)));
    }
}

/// Removes the files of processes that no longer hold their lock.
fn remove_stale(folder: &Path) -> io::Result<()> {
    let names: Vec<String> = fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    for name in names.iter().filter_map(|name| name.strip_suffix(".lock")) {
        let lock_path = folder.join(format!("{name}.lock"));
        let Ok(lock) = File::open(&lock_path) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        let is_its = |file: &&String| file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".pieces"));
        names.iter().filter(is_its).for_each(|file| remove(&folder.join(file)));
        drop(lock);
        remove(&lock_path);
    }
    Ok(())
}

/// A film is nobody else's business on this machine.
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("a file of the film cache stays behind: {error}");
    }
}

const ATTEMPTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_dead_processes_left_is_removed_and_what_lives_stays() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for name in ["dead.lock", "dead-1.pieces", "dead-2.pieces", "a person's file", "orphan.pieces"] {
            fs::write(folder.join(name), "x").unwrap();
        }
        let living = Folder::enter(folder).unwrap();
        let lives = format!("{}-1.pieces", living.name);
        fs::write(folder.join(&lives), "x").unwrap();
        remove_stale(folder).unwrap();
        let mut expected = vec!["a person's file".to_owned(), "orphan.pieces".to_owned(), lives, format!("{}.lock", living.name)];
        expected.sort();
        assert_eq!(names(folder), expected);
        drop(living);
        assert_eq!(names(folder).len(), 3);
    }
}
