use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use serde::{Serialize, de::DeserializeOwned};

/// Encodes a message of ours for the wire (bincode: little endian, variable-length integers).
///
/// # Panics
/// Never for the plain structs and enums that are our messages.
#[must_use]
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(message, CONFIG).unwrap_or_default()
}

/// Decodes a whole message; nothing may be left over, and no more is allocated than `MESSAGE_BYTES_MAX` whatever the bytes say.
///
/// # Errors
/// When the bytes are too many, not this message, or more than it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotThatMessage> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(NotThatMessage);
    }
    match bincode::serde::decode_from_slice(bytes, CONFIG) {
        Ok((message, read)) if read == bytes.len() => Ok(message),
        Ok(_) | Err(_) => Err(NotThatMessage),
    }
}

/// What came is not a message of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a message of that kind")]
pub struct NotThatMessage;

/// The largest of our own messages; pieces of a film are not messages.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

const CONFIG: Configuration<LittleEndian, Varint, Limit<MESSAGE_BYTES_MAX>> = bincode::config::standard().with_limit::<MESSAGE_BYTES_MAX>();
