use std::fmt;

use super::ParticipantId;

/// What an invite proves: 128 random bits that only invited people know.
#[derive(Clone, Copy)]
pub struct Secret([u8; Self::BYTES]);

impl Secret {
    /// Its length.
    pub const BYTES: usize = 16;

    /// One that nobody guesses.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes; they open the room.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Proof of the secret that does not tell it and that nobody else can use: it is bound to both ends, whose keys TLS has checked.
    pub(super) fn proof(&self, guest: &ParticipantId, host: &ParticipantId) -> Proof {
        let key = blake3::derive_key("houselights 2026-11 proof of an invite's secret", &self.0);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(guest.as_bytes()).update(host.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Checks a proof in constant time.
    pub(super) fn is_proven_by(&self, proof: &Proof, guest: &ParticipantId, host: &ParticipantId) -> bool {
        blake3::Hash::from_bytes(self.proof(guest, host)) == blake3::Hash::from_bytes(*proof)
    }
}

pub(super) type Proof = [u8; 32];

impl PartialEq for Secret {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        blake3::hash(&self.0) == blake3::hash(&other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_fits_one_secret_and_one_pair() {
        let [guest, host] = [1, 2].map(|byte| ParticipantId::from_bytes([byte; 32]));
        let secret = Secret::random();
        let proof = secret.proof(&guest, &host);
        assert!(secret.is_proven_by(&proof, &guest, &host));
        assert!(!secret.is_proven_by(&proof, &host, &guest));
        assert!(!Secret::random().is_proven_by(&proof, &guest, &host));
        assert!(secret == Secret::from_bytes(*secret.as_bytes()) && secret != Secret::random());
    }

    #[test]
    fn a_secret_is_not_told_to_a_log() {
        assert_eq!(format!("{:?}", Secret::from_bytes([7; 16])), "Secret(…)");
    }
}
