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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_encoded_comes_back_and_only_whole(numbers: Vec<u64>, text: String, cut in 1usize..10) {
            let message = (numbers, text);
            let bytes = encode(&message);
            prop_assert_eq!(decode::<(Vec<u64>, String)>(&[&bytes[..], &[0]].concat()), Err(NotThatMessage));
            prop_assert_eq!(decode::<(Vec<u64>, String)>(&bytes[..bytes.len().saturating_sub(cut)]), Err(NotThatMessage));
            prop_assert_eq!(decode::<(Vec<u64>, String)>(&bytes), Ok(message));
        }

        #[test]
        fn any_bytes_are_borne(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _decoded: Result<Vec<Vec<String>>, _> = decode(&bytes);
        }
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        let lie = [&[253][..], &u64::MAX.to_le_bytes()].concat();
        assert_eq!(decode::<Vec<u64>>(&lie), Err(NotThatMessage));
        assert_eq!(decode::<Vec<u8>>(&vec![0; MESSAGE_BYTES_MAX + 1]), Err(NotThatMessage));
    }
}
