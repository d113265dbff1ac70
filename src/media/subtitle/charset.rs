use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// A subtitle file's text, whatever charset it was written in: by its byte order mark, as UTF-8 if it is that, as UTF-16 if every other byte is zero, else by
/// what its letters look like. `language` (ISO 639) helps to tell charsets of few letters apart. Never fails; what cannot be read becomes U+FFFD.
pub(super) fn decode(bytes: &[u8], language: &str) -> String {
    let (encoding, body) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => (guess(bytes, language), bytes),
    };
    let (text, _) = encoding.decode_without_bom_handling(body);
    text.replace('\0', "")
}

/// The charset of text that does not say its own.
pub(super) fn guess(bytes: &[u8], language: &str) -> &'static Encoding {
    if let Some(wide) = utf_16(bytes) {
        return wide;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    // A file cut in the middle of a letter, or with one damaged byte, is still UTF-8.
    let (text, _) = UTF_8.decode_without_bom_handling(bytes);
    let (bad, good) = text
        .chars()
        .filter(|c| !c.is_ascii())
        .fold((0, 0), |(bad, good), c| if c == '\u{fffd}' { (bad + 1, good) } else { (bad, good + 1) });
    if good > bad * 10 {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(LOOKS_AT_BYTES)], true);
    detector.guess(top_level_domain(language), Utf8Detection::Deny)
}

/// Western text in UTF-16 has a zero in every other byte; digits, arrows and line ends of a subtitle file are Western.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(4096) / 2 * 2];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 8;
    match (even > many, odd > many) {
        (false, true) => Some(UTF_16LE),
        (true, false) => Some(UTF_16BE),
        _ => None,
    }
}

/// A country where the language is written: what the detector takes as a hint.
fn top_level_domain(language: &str) -> Option<&'static [u8]> {
    let domain: &[u8] = match language.to_ascii_lowercase().as_str() {
        "ru" | "rus" => b"ru",
        "uk" | "ukr" => b"ua",
        "bg" | "bul" => b"bg",
        "sr" | "srp" => b"rs",
        "el" | "ell" | "gre" => b"gr",
        "he" | "heb" => b"il",
        "ar" | "ara" => b"sa",
        "fa" | "fas" | "per" => b"ir",
        "tr" | "tur" => b"tr",
        "cs" | "ces" | "cze" => b"cz",
        "sk" | "slk" | "slo" => b"sk",
        "pl" | "pol" => b"pl",
        "hu" | "hun" => b"hu",
        "ro" | "ron" | "rum" => b"ro",
        "hr" | "hrv" => b"hr",
        "sl" | "slv" => b"si",
        "lt" | "lit" => b"lt",
        "lv" | "lav" => b"lv",
        "et" | "est" => b"ee",
        "vi" | "vie" => b"vn",
        "th" | "tha" => b"th",
        "ja" | "jpn" => b"jp",
        "ko" | "kor" => b"kr",
        "zh" | "zho" | "chi" | "chs" => b"cn",
        "cht" | "zh-tw" | "zh-hant" => b"tw",
        _ => return None,
    };
    Some(domain)
}

/// Enough to tell, and quick.
const LOOKS_AT_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(charset: &str, text: &str, language: &str) {
        let encoding = Encoding::for_label(charset.as_bytes()).unwrap();
        let (bytes, _, has_misfits) = encoding.encode(text);
        assert!(!has_misfits, "{charset} can write it");
        assert_eq!(decode(&bytes, language), text, "{charset}");
    }

    const RUSSIAN: &str = "1\n00:00:01,000 --> 00:00:04,000\nПривет, как дела? Мы давно не виделись.\n\n2\n00:00:05,000 --> 00:00:08,000\nВсё хорошо, спасибо.\n";
    const JAPANESE: &str = "1\n00:00:01,000 --> 00:00:04,000\nお前はもう死んでいる。映画館で会いましょう。\n";
    const CHINESE: &str = "1\n00:00:01,000 --> 00:00:04,000\n你好，我们很久没有见面了。电影院里见。\n";

    #[test]
    fn common_charsets_are_read() {
        check("utf-8", RUSSIAN, "");
        check("windows-1251", RUSSIAN, "");
        check("koi8-r", RUSSIAN, "");
        check("windows-1252", "1\n00:00:01,000 --> 00:00:04,000\nÇa va? Où étais-tu, mon frère? Déjà là.\n", "");
        check("windows-1250", "1\n00:00:01,000 --> 00:00:04,000\nPříliš žluťoučký kůň úpěl ďábelské ódy.\n", "cs");
        check("windows-1253", "1\n00:00:01,000 --> 00:00:04,000\nΚαλημέρα, τι κάνεις; Πού ήσουν χθες;\n", "");
        check("windows-1255", "1\n00:00:01,000 --> 00:00:04,000\nשלום, מה שלומך? לא התראינו זמן רב.\n", "");
        check("windows-1256", "1\n00:00:01,000 --> 00:00:04,000\nمرحبا، كيف حالك؟ لم نلتق منذ زمن طويل.\n", "");
        check("shift_jis", JAPANESE, "");
        check("euc-jp", JAPANESE, "");
        check("gbk", CHINESE, "");
        check("big5", "1\n00:00:01,000 --> 00:00:04,000\n你好，我們很久沒有見面了。電影院裡見。\n", "");
        check("euc-kr", "1\n00:00:01,000 --> 00:00:04,000\n안녕하세요, 오랜만입니다. 극장에서 만나요.\n", "");
    }

    #[test]
    fn utf_16_is_read_with_and_without_its_mark() {
        for little in [true, false] {
            for mark in ["", "\u{feff}"] {
                let wide = format!("{mark}{RUSSIAN}");
                let bytes: Vec<u8> =
                    wide.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect();
                assert_eq!(decode(&bytes, ""), RUSSIAN);
            }
        }
    }

    #[test]
    fn damaged_utf_8_stays_utf_8() {
        let bytes = [RUSSIAN.as_bytes(), b"\xd0"].concat();
        assert_eq!(decode(&bytes, ""), format!("{RUSSIAN}\u{fffd}"));
    }

    proptest! {
        #[test]
        fn anything_becomes_text(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(!decode(&bytes, "ru").contains('\0'));
        }
    }
}
