use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::Path,
    sync::Arc,
};

use data_encoding::HEXLOWER;
use iroh::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

use super::ParticipantId;

/// Who this machine is: an ed25519 key, kept in a file that stays locked while this process lives.
#[derive(Clone)]
pub struct Identity {
    key: SecretKey,
    _lock: Option<Arc<Locked>>,
}

impl Identity {
    /// The key in `identity.key` in `folder`, made on first use. Without a folder, or while another process has the key, a temporary one.
    ///
    /// The second value is a sentence for the person, if the key could not be kept or had to be made anew.
    #[must_use]
    pub fn open(folder: Option<&Path>) -> (Self, Option<String>) {
        let Some(folder) = folder else { return (Self::temporary(), None) };
        match kept(folder) {
            Ok((identity, problem)) => (identity, problem),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (Self::temporary(), None),
            Err(error) => {
                let problem = format!(
                    "Who you are could not be kept in {}: {error}. Friends will see you as somebody new next time.",
                    folder.display()
                );
                (Self::temporary(), Some(problem))
            }
        }
    }

    /// A key that is forgotten when this process ends.
    #[must_use]
    pub fn temporary() -> Self {
        Self { key: SecretKey::from_bytes(&rand::random()), _lock: None }
    }

    /// The public half.
    #[must_use]
    pub fn id(&self) -> ParticipantId {
        ParticipantId::from_bytes(*self.key.public().as_bytes())
    }

    /// Signs in this participant's name.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.key.sign(&marked(message)).to_bytes())
    }

    pub(super) fn key(&self) -> SecretKey {
        self.key.clone()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, secret)", self.id())
    }
}

impl ParticipantId {
    /// Whether this participant signed `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = iroh::Signature::from_bytes(&signature.to_bytes());
        PublicKey::from_bytes(self.as_bytes()).is_ok_and(|key| key.verify(&marked(message), &signature).is_ok())
    }
}

/// A participant's word; 64 bytes of ed25519.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature([[u8; 32]; 2]);

impl Signature {
    /// From its 64 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        let mut halves = [[0; 32]; 2];
        halves.as_flattened_mut().copy_from_slice(&bytes);
        Self(halves)
    }

    /// Its 64 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.0.as_flattened());
        bytes
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", HEXLOWER.encode(&self.0[0][..4]))
    }
}

/// The same key proves who we are in TLS; a mark in front keeps the two kinds of signatures apart.
fn marked(message: &[u8]) -> Vec<u8> {
    [b"houselights\0", message].concat()
}

/// The key's file, locked. It is unlocked and not only closed: a program that is being started at this very moment holds a copy of every open file.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!("the key stays locked until its file is closed: {error}");
        }
    }
}

/// [`io::ErrorKind::WouldBlock`] while another process has the key.
fn kept(folder: &Path) -> io::Result<(Identity, Option<String>)> {
    fs::create_dir_all(folder)?;
    let path = folder.join("identity.key");
    let mut file = open(&path)?;
    file.try_lock()?;
    let mut text = String::new();
    let read = (&file).take(1024).read_to_string(&mut text);
    if let Err(error) = read
        && error.kind() != io::ErrorKind::InvalidData
    {
        return Err(error);
    }
    if let Some(key) = key_in(&text) {
        return Ok((Identity { key, _lock: Some(Arc::new(Locked(file))) }, None));
    }
    let mut problem = None;
    if file.metadata()?.len() > 0 {
        let aside = path.with_extension("key.damaged");
        fs::rename(&path, &aside)?;
        file = open(&path)?;
        file.try_lock()?;
        let aside = aside.display();
        problem =
            Some(format!("The file that says who you are was damaged; it was kept as {aside}. Friends will see you as somebody new."));
    }
    let key = Identity::temporary().key;
    file.rewind()?;
    file.write_all(format!("{}\n", HEXLOWER.encode(&key.to_bytes())).as_bytes())?;
    file.sync_all()?;
    Ok((Identity { key, _lock: Some(Arc::new(Locked(file))) }, problem))
}

fn key_in(text: &str) -> Option<SecretKey> {
    let bytes = HEXLOWER.decode(text.trim_end().as_bytes()).ok()?;
    Some(SecretKey::from_bytes(&bytes.try_into().ok()?))
}

/// For this user alone.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_kept_and_lent_to_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/on/need");
        let (first, problem) = Identity::open(Some(&path));
        assert_eq!(problem, None);
        let (second, problem) = Identity::open(Some(&path));
        assert_eq!(problem, None);
        assert_ne!(first.id(), second.id(), "the key is taken, a temporary one is used");
        let id = first.id();
        drop(first);
        assert_eq!(Identity::open(Some(&path)).0.id(), id);
        assert_ne!(Identity::open(None).0.id(), id);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        drop(Identity::open(Some(folder.path())));
        let path = folder.path().join("identity.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        drop(Identity::open(Some(folder.path())));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_put_aside_and_said_and_an_empty_file_is_filled() {
        for damage in [&b"short"[..], &[0xff; 64], &[b'a'; 3000]] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("identity.key"), damage).unwrap();
            let (identity, problem) = Identity::open(Some(folder.path()));
            assert!(problem.unwrap().contains("damaged"));
            assert_eq!(fs::read(folder.path().join("identity.key.damaged")).unwrap(), damage);
            let id = identity.id();
            drop(identity);
            assert_eq!(Identity::open(Some(folder.path())).0.id(), id);
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("identity.key"), "").unwrap();
        assert_eq!(Identity::open(Some(folder.path())).1, None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Identity::open(Some(&file.join("below"))).1.unwrap().contains("somebody new next time"));
    }

    #[test]
    fn only_the_signer_and_the_message_fit_the_signature() {
        let (identity, other) = (Identity::temporary(), Identity::temporary());
        let signature = identity.sign(b"word");
        assert!(identity.id().verify(b"word", &signature));
        assert!(!identity.id().verify(b"sword", &signature));
        assert!(!other.id().verify(b"word", &signature));
        assert!(!ParticipantId::from_bytes([2; 32]).verify(b"word", &signature), "not even a key");
        assert_eq!(Signature::from_bytes(signature.to_bytes()), signature);
    }
}
