use crate::net::ParticipantId;

/// This machine's key, and everybody's.
pub trait Keys: Send {
    /// Whose key it is.
    fn id(&self) -> ParticipantId;

    /// Signs with this machine's key (ed25519).
    fn sign(&self, bytes: &[u8]) -> [u8; 64];

    /// Whether that participant signed these bytes.
    fn verify(&self, signer: &ParticipantId, bytes: &[u8], signature: &[u8; 64]) -> bool;
}
