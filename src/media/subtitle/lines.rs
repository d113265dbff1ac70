/// A line of a script: the fields of an ASS event behind its times.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The author's order; `None` if lines stand in the order of time.
    pub(super) order: Option<i32>,
    /// From the layer on.
    pub(super) text: Box<str>,
    /// The same for no other line of the track.
    pub(super) id: u64,
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        (self.order, &self.text) == (other.order, &other.text)
    }
}

impl Line {
    /// Reads what FFmpeg makes of a packet: the number first, then the fields.
    pub(super) fn new(event: &str, is_plain: bool, edge_max: u32, id: u64) -> Option<Self> {
        let (number, fields) = event.split_once(',')?;
        let text = tame_edges(fields, edge_max);
        let text = if is_plain { break_wide_lines(&text) } else { text }.into_boxed_str();
        Some(Self { order: if is_plain { None } else { number.trim().parse().ok() }, text, id })
    }
}

/// The head of a script for text without styles: large, white, with a thin dark edge; its direction is the text's own.
///
/// Sizes follow FFmpeg's head, because FFmpeg writes the text's own tags for it.
pub(super) fn plain_header(of_ffmpeg: &[u8]) -> String {
    let of_ffmpeg = String::from_utf8_lossy(of_ffmpeg);
    let (width, height) = said(&of_ffmpeg, "PlayResX:").zip(said(&of_ffmpeg, "PlayResY:")).unwrap_or((384, 288));
    let part = |of_height: f64| (f64::from(height) * of_height * 100.0).round() / 100.0;
    let (size, edge, shadow, beneath) = (part(TEXT_SIZE), part(EDGE), part(SHADOW), part(BENEATH));
    let beside = f64::from(width) * BESIDE;
    format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nScaledBorderAndShadow: yes\nWrapStyle: 0\n\n[V4+ Styles]\n\
         Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, \
         Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n\
         Style: Default,sans-serif,{size},&H00F2F2F2,&H00F2F2F2,&H00101010,&H60000000,0,0,0,0,100,100,0,0,1,{edge},{shadow},2,{beside:.0},{beside:.0},\
         {beneath:.0},-1\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    )
}

/// The widest edge round letters that makes sense for a script, in its own pixels.
pub(super) fn edge_max(header: &[u8]) -> u32 {
    said(&String::from_utf8_lossy(header), "PlayResY:").unwrap_or(288) / 5
}

/// A script can ask for an edge of many screens round each letter, which takes seconds to draw and blur.
fn tame_edges(fields: &str, edge_max: u32) -> String {
    let mut parts = fields.split("bord");
    let mut tamed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        tamed.push_str("bord");
        let length = part.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-' | 'e' | 'E' | ' ' | '(')).unwrap_or(part.len());
        let (number, rest) = part.split_at(length);
        let is_tag = tamed.ends_with("\\bord") || tamed.ends_with("\\xbord") || tamed.ends_with("\\ybord");
        // A number that Rust does not read libass may read in part.
        if is_tag && !number.is_empty() && number.parse::<f64>().is_ok_and(|edge| edge > edge_max.into()) || number.len() > LONG_NUMBER {
            tamed.push_str(&edge_max.to_string());
        } else {
            tamed.push_str(number);
        }
        tamed.push_str(rest);
    }
    tamed
}

/// A measure in a script's head.
fn said(header: &str, key: &str) -> Option<u32> {
    let value = header.lines().find_map(|line| line.trim().strip_prefix(key))?;
    value.trim().parse::<u32>().ok().filter(|side| (16..=16_384).contains(side))
}

/// Chinese and Japanese have no spaces, and not every libass breaks such lines by itself: a long run of wide letters is broken evenly.
fn break_wide_lines(fields: &str) -> String {
    let lines = fields.split("\\N").map(|line| {
        let wide = line.chars().filter(|c| is_wide(*c)).count();
        if wide <= WIDE_LETTERS_MAX {
            return line.to_owned();
        }
        let parts = wide.div_ceil(WIDE_LETTERS_MAX);
        let each = wide.div_ceil(parts);
        let (mut broken, mut count, mut is_tag) = (String::with_capacity(line.len() + parts * 2), 0, false);
        for letter in line.chars() {
            // No line begins with what belongs to the letter before.
            if count >= each && !is_tag && !CLOSES.contains(letter) {
                broken.push_str("\\N");
                count = 0;
            }
            is_tag = letter == '{' || is_tag && letter != '}';
            count += usize::from(is_wide(letter));
            broken.push(letter);
        }
        broken
    });
    lines.collect::<Vec<_>>().join("\\N")
}

/// Whether a letter is as wide as it is high and may be followed by a new line.
const fn is_wide(letter: char) -> bool {
    matches!(letter, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}

const LONG_NUMBER: usize = 12;
const CLOSES: &str = "、。，．：；？！」』）］｝〉》】〕ーぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥・,.!?)]}{\\";
/// About as wide as the picture allows at the usual size.
const WIDE_LETTERS_MAX: usize = 24;
/// Height of a line of text as a part of the picture's: from the last row it is still as large as a newspaper's headline held in the hand.
const TEXT_SIZE: f64 = 0.066;
const EDGE: f64 = 0.0042;
const SHADOW: f64 = 0.0025;
/// The gap to the picture's lower edge, and to its sides.
const BENEATH: f64 = 0.05;
const BESIDE: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_with_or_without_the_authors_order() {
        let line = Line::new("7,0,Default,,0,0,0,,Hello, you", false, 50, 1).unwrap();
        assert_eq!((line.order, &*line.text), (Some(7), "0,Default,,0,0,0,,Hello, you"));
        assert_eq!(Line::new("7,0,Default,,0,0,0,,a", true, 50, 1), Line::new("9,0,Default,,0,0,0,,a", true, 50, 2));
        assert_eq!(Line::new("nonsense", true, 50, 1), None);
    }

    #[test]
    fn edges_are_no_wider_than_the_picture_needs() {
        let tamed =
            tame_edges("{\\bord5000\\xbord4.5\\ybord1e9\\t(\\bord99999999999999999)}A bord 7000, {\\bord}x", edge_max(b"PlayResY: 360"));
        assert_eq!(tamed, "{\\bord72\\xbord4.5\\ybord72\\t(\\bord72)}A bord 7000, {\\bord}x");
    }

    #[test]
    fn the_plain_head_keeps_ffmpegs_measure() {
        let head = plain_header(b"[Script Info]\r\nPlayResX: 1920\r\nPlayResY: 1080\r\n");
        assert!(head.contains("PlayResY: 1080") && head.contains("sans-serif,71.28,"), "{head}");
        assert!(plain_header(b"PlayResX: 0\nPlayResY: 99999999999\xff").contains("PlayResY: 288"));
    }

    #[test]
    fn long_lines_without_spaces_are_broken_evenly() {
        let broken = break_wide_lines(&"映".repeat(30));
        assert_eq!(broken.split("\\N").map(|line| line.chars().count()).collect::<Vec<_>>(), [15, 15]);
        assert_eq!(break_wide_lines("short 映画 line"), "short 映画 line");
        let closed = format!("{}。{}", "映".repeat(15), "画".repeat(14));
        assert!(break_wide_lines(&closed).split("\\N").nth(1).is_some_and(|line| !line.starts_with('。')));
    }
}
