use std::{fmt, net::SocketAddr, str::FromStr};

use data_encoding::{BASE32_NOPAD, Specification};
use iroh::PublicKey;

use super::{Addresses, ParticipantId, Secret};

/// What one sends to a friend: where the host is, who it is, and the secret that opens the door.
///
/// As text it is `houselights1-` and lower-case base32 of: length of it all (2 bytes) and a check of that (1), host (32), secret (16),
/// number of addresses (1), each as family (4 or 6), ip and port, length of the relay's URL (1), the URL, a check of it all (5 bytes of BLAKE3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Who invites.
    pub host: ParticipantId,
    /// Where they can be reached.
    pub addresses: Addresses,
    /// What opens the door.
    pub secret: Secret,
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{VERSION}-{}", BASE32_NOPAD.encode(&packed(self)).to_ascii_lowercase())
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    /// Finds the invite in what was pasted: quotes, brackets, words and line breaks around and inside it do not matter.
    fn from_str(pasted: &str) -> Result<Self, InviteError> {
        let text: String = pasted.chars().take(PASTED_CHARS_MAX).filter(|c| !is_invisible(*c)).collect::<String>().to_ascii_lowercase();
        if text.trim_matches(|c: char| c.is_whitespace() || "\"'<>“”‘’«»`()[]".contains(c)).is_empty() {
            return Err(InviteError::Empty);
        }
        let mut first_error = None;
        for (place, _) in text.match_indices(MARK).take(MARKS_MAX) {
            match after_mark(&text[place + MARK.len()..]) {
                Some(Ok(invite)) => return Ok(invite),
                Some(Err(error)) => first_error = first_error.or(Some(error)),
                None => {}
            }
        }
        Err(first_error.unwrap_or_else(|| foreign(&text)))
    }
}

/// Why a text is not an invite; each reads as a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Nothing was pasted.
    #[error("There is no invite yet: paste the one that the host sent you.")]
    Empty,
    /// A server of Syncplay or of something like it.
    #[error("That looks like a Syncplay server. Houselights has no servers: ask the host for an invite, it begins with houselights1-.")]
    Server,
    /// A web address.
    #[error("That is a web address, not an invite: an invite begins with houselights1-.")]
    WebAddress,
    /// Anything else.
    #[error("That is not a Houselights invite: an invite begins with houselights1-.")]
    Foreign,
    /// Made by a newer program.
    #[error("This invite was made by a newer Houselights: update yours.")]
    Newer,
    /// Made by an older program.
    #[error("This invite was made by an older Houselights: ask the host to update.")]
    Older,
    /// The end is missing.
    #[error("The end of the invite is missing ({got} of {of} characters): copy it whole.")]
    CutOff {
        /// How many characters came.
        got: usize,
        /// How many it has.
        of: usize,
    },
    /// Something in it is wrong.
    #[error("The invite has a mistake in it: copy and paste it rather than typing it.")]
    Mistyped,
}

/// What stands after the mark; `None` if the mark was only the program's name in a sentence.
fn after_mark(text: &str) -> Option<Result<Invite, InviteError>> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (version, rest) = (text[..digits].parse::<u32>(), text[digits..].strip_prefix('-')?);
    match version {
        Ok(version) if version > VERSION => return Some(Err(InviteError::Newer)),
        Ok(version) if version < VERSION => return Some(Err(InviteError::Older)),
        Ok(_) => {}
        Err(_) if digits > 0 => return Some(Err(InviteError::Mistyped)),
        Err(_) => return None,
    }
    Some(decoded(rest))
}

fn decoded(text: &str) -> Result<Invite, InviteError> {
    let head_chars = chars_of(HEAD_BYTES);
    let (head, _) = collect(text, head_chars)?;
    if head.len() < head_chars {
        return Err(InviteError::CutOff { got: head.len(), of: chars_of(BYTES_MIN) });
    }
    let head = base32(&head[..head_chars])?;
    let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
    if head[2] != check_of_length(length) || !(BYTES_MIN..=BYTES_MAX).contains(&length) {
        return Err(InviteError::Mistyped);
    }
    let (body, goes_on) = collect(text, chars_of(length))?;
    if body.len() < chars_of(length) {
        return Err(InviteError::CutOff { got: body.len(), of: chars_of(length) });
    }
    if goes_on {
        return Err(InviteError::Mistyped);
    }
    unpacked(&base32(&body)?).ok_or(InviteError::Mistyped)
}

/// The first `wanted` letters, whatever white space and quote marks stand between them, and whether more follow without a gap.
fn collect(text: &str, wanted: usize) -> Result<(String, bool), InviteError> {
    let mut found = String::new();
    let mut letters = text.chars();
    while found.len() < wanted {
        match letters.next() {
            Some(letter) if letter.is_ascii_lowercase() || matches!(letter, '2'..='7') => found.push(letter),
            Some(letter) if letter.is_ascii_alphanumeric() => return Err(InviteError::Mistyped),
            Some(gap) if gap.is_whitespace() || gap == '>' => {}
            Some(_) | None => return Ok((found, false)),
        }
    }
    Ok((found, letters.next().is_some_and(|letter| letter.is_ascii_alphanumeric())))
}

fn packed(invite: &Invite) -> Vec<u8> {
    let addresses = invite.addresses.clone().cleaned();
    let mut bytes = vec![0; HEAD_BYTES];
    bytes.extend_from_slice(invite.host.as_bytes());
    bytes.extend_from_slice(invite.secret.as_bytes());
    bytes.push(addresses.direct.len() as u8);
    for address in &addresses.direct {
        match address {
            SocketAddr::V4(address) => {
                bytes.push(4);
                bytes.extend_from_slice(&address.ip().octets());
            }
            SocketAddr::V6(address) => {
                bytes.push(6);
                bytes.extend_from_slice(&address.ip().octets());
            }
        }
        bytes.extend_from_slice(&address.port().to_be_bytes());
    }
    let relay = addresses.relay.unwrap_or_default();
    bytes.push(relay.len() as u8);
    bytes.extend_from_slice(relay.as_bytes());
    let length = bytes.len() + CHECK_BYTES;
    bytes[..2].copy_from_slice(&(length as u16).to_be_bytes());
    bytes[2] = check_of_length(length);
    bytes.extend_from_slice(&check(&bytes));
    bytes
}

fn unpacked(bytes: &[u8]) -> Option<Invite> {
    let (body, sum) = bytes.split_last_chunk::<CHECK_BYTES>()?;
    if check(body) != *sum {
        return None;
    }
    let mut rest = body.get(HEAD_BYTES..)?;
    let host = ParticipantId::from_bytes(*take::<32>(&mut rest)?);
    PublicKey::from_bytes(host.as_bytes()).ok()?;
    let secret = Secret::from_bytes(*take(&mut rest)?);
    let [count] = *take(&mut rest)?;
    let mut addresses = Addresses::default();
    for _ in 0..count {
        let ip = match *take(&mut rest)? {
            [4] => (*take::<4>(&mut rest)?).into(),
            [6] => std::net::IpAddr::from(*take::<16>(&mut rest)?),
            [_] => return None,
        };
        addresses.direct.push((ip, u16::from_be_bytes(*take(&mut rest)?)).into());
    }
    let [relay_length] = *take(&mut rest)?;
    if rest.len() != usize::from(relay_length) {
        return None;
    }
    addresses.relay = if rest.is_empty() { None } else { Some(str::from_utf8(rest).ok()?.to_owned()) };
    Some(Invite { host, addresses: addresses.cleaned(), secret })
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(first)
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let mut sum = [0; CHECK_BYTES];
    blake3::Hasher::new_derive_key("houselights 2026-11 check of an invite").update(bytes).finalize_xof().fill(&mut sum);
    sum
}

fn check_of_length(length: usize) -> u8 {
    check(&(length as u16).to_be_bytes())[0]
}

/// Base32 in lower case; the last letter's unused bits may say anything, the checks cover what counts.
fn base32(text: &str) -> Result<Vec<u8>, InviteError> {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.check_trailing_bits = false;
    let decoded = specification.encoding().map(|encoding| encoding.decode(text.as_bytes()));
    decoded.ok().and_then(Result::ok).ok_or(InviteError::Mistyped)
}

/// Letters of base32 for so many bytes.
fn chars_of(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

/// What else people paste.
fn foreign(text: &str) -> InviteError {
    let text = text.trim();
    let names_port = |word: &str| {
        let (name, port) = word.rsplit_once(':').unwrap_or_default();
        name.contains('.') && !name.contains('/') && port.parse::<u16>().is_ok()
    };
    if text.contains("syncplay") || text.split_whitespace().any(names_port) {
        InviteError::Server
    } else if text.contains("://") || text.starts_with("www.") {
        InviteError::WebAddress
    } else {
        InviteError::Foreign
    }
}

/// What chat programs and web pages slip in unseen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

const MARK: &str = "houselights";
const VERSION: u32 = 1;
/// Length and its check: 24 bits, and one bit of the host's key in the fifth letter.
const HEAD_BYTES: usize = 3;
const CHECK_BYTES: usize = 5;
const BYTES_MIN: usize = HEAD_BYTES + 32 + Secret::BYTES + 2 + CHECK_BYTES;
const BYTES_MAX: usize = BYTES_MIN + super::address::DIRECT_MAX * 19 + super::address::RELAY_BYTES_MAX;
/// Somebody may paste a film.
const PASTED_CHARS_MAX: usize = 16 * 1024;
const MARKS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn invite(addresses: &[&str], relay: Option<&str>) -> Invite {
        let host = ParticipantId::from_bytes(*iroh::SecretKey::from_bytes(&[7; 32]).public().as_bytes());
        let direct = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Invite { host, addresses: Addresses { direct, relay: relay.map(str::to_owned) }, secret: Secret::from_bytes([9; 16]) }
    }

    fn usual() -> Invite {
        invite(&["192.168.1.20:41234", "203.0.113.9:41234", "[2001:db8::7]:41235"], Some("https://euw-1.relay.n0.iroh.link./"))
    }

    #[test]
    fn an_invite_is_one_word_that_comes_back_the_same() {
        for invite in [usual(), invite(&[], None), invite(&["127.0.0.1:9"], None)] {
            let text = invite.to_string();
            assert!(text.starts_with("houselights1-") && text.len() < 420, "{text}");
            assert!(text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{text}");
            assert_eq!(text.parse(), Ok(invite));
        }
        assert!(usual().to_string().len() < 220, "{} characters", usual().to_string().len());
    }

    #[test]
    fn what_chat_programs_do_to_an_invite_does_not_matter() {
        let text = usual().to_string();
        let (start, end) = text.split_at(60);
        for pasted in [
            format!("  {text}\r\n"),
            format!("\"{text}\""),
            format!("<{text}>"),
            format!("join me: {text} at eight, bring popcorn"),
            format!("Houselights tonight? {text}, ok?"),
            text.to_uppercase(),
            format!("{start}\n{end}"),
            format!("> {start}\r\n> {end}"),
            format!("{start}\u{200b}{end}"),
            format!("the old one was {} and the new one is\n{text}", &text[..100]),
        ] {
            assert_eq!(pasted.parse(), Ok(usual()), "{pasted}");
        }
    }

    #[test]
    fn what_is_no_invite_is_told_apart() {
        for (pasted, error) in [
            ("", InviteError::Empty),
            (" \n\t \u{feff}\"\"", InviteError::Empty),
            ("syncplay.pl:8999", InviteError::Server),
            ("example.org:8995 room1", InviteError::Server),
            ("https://example.org/watch?v=1", InviteError::WebAddress),
            ("hello", InviteError::Foreign),
            ("houselights", InviteError::Foreign),
            ("houselights-abc", InviteError::Foreign),
            ("houselights2-abc", InviteError::Newer),
            ("houselights0-abc", InviteError::Older),
            ("houselights99999999999-abc", InviteError::Mistyped),
            ("houselights1-", InviteError::CutOff { got: 0, of: chars_of(BYTES_MIN) }),
        ] {
            assert_eq!(pasted.parse::<Invite>(), Err(error), "{pasted}");
        }
    }

    #[test]
    fn a_cut_off_invite_says_how_much_is_missing() {
        let text = usual().to_string();
        let letters = text.len() - "houselights1-".len();
        for kept in 5..letters {
            let cut = &text[.."houselights1-".len() + kept];
            assert_eq!(cut.parse::<Invite>(), Err(InviteError::CutOff { got: kept, of: letters }));
        }
    }

    #[test]
    fn a_host_that_is_no_key_is_refused() {
        let mut forged = usual();
        forged.host = ParticipantId::from_bytes([2; 32]);
        assert_eq!(forged.to_string().parse::<Invite>(), Err(InviteError::Mistyped));
    }

    proptest! {
        #[test]
        fn any_text_is_an_invite_or_a_sentence(text in "\\PC*", tail in "[a-z2-7 \n>]{0,300}") {
            for text in [&text, &format!("houselights1-{tail}")] {
                prop_assert!(text.parse::<Invite>().is_ok() || !text.parse::<Invite>().unwrap_err().to_string().is_empty());
            }
        }

        #[test]
        fn any_bytes_unpack_or_do_not(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = unpacked(&bytes);
            let sealed = [&bytes[..], &check(&bytes)].concat();
            let _ = unpacked(&sealed);
        }

        #[test]
        fn one_wrong_letter_is_noticed(place in 0usize..170, letter in "[a-z2-7]") {
            let mut text = usual().to_string();
            let place = "houselights1-".len() + place;
            prop_assume!(text[place..=place] != letter);
            text.replace_range(place..=place, &letter);
            let parsed = text.parse::<Invite>();
            prop_assert!(parsed.is_err() || parsed == Ok(usual()), "{:?}", parsed);
        }

        #[test]
        fn letters_too_many_are_noticed(more in "[a-z0-9]{1,20}") {
            prop_assert_eq!(format!("{}{more}", usual()).parse::<Invite>(), Err(InviteError::Mistyped));
        }

        #[test]
        fn every_invite_comes_back(
            secret: [u8; 16], key: [u8; 32], v4 in prop::collection::vec((any::<[u8; 4]>(), 1u16..), 0..5),
            v6 in prop::collection::vec((any::<[u8; 16]>(), 1u16..), 0..5), relay in prop::option::of("https://[a-z]{1,60}\\.example/"),
        ) {
            let host = ParticipantId::from_bytes(*iroh::SecretKey::from_bytes(&key).public().as_bytes());
            let direct = v4.into_iter().map(SocketAddr::from).chain(v6.into_iter().map(SocketAddr::from)).collect();
            let invite = Invite { host, addresses: Addresses { direct, relay }.cleaned(), secret: Secret::from_bytes(secret) };
            prop_assert_eq!(invite.to_string().parse(), Ok(invite));
        }
    }
}
