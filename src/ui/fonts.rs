use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use bevy::{
    prelude::*,
    tasks::{IoTaskPool, Task, block_on, poll_once},
};
use bevy_egui::{
    EguiContexts, EguiPrimaryContextPass,
    egui::{
        FontData, FontFamily, FontId,
        epaint::text::{FontInsert, FontPriority, InsertFontFamily},
    },
};

use super::{Company, View};
use crate::room::NewLine;

/// Letters that the built-in fonts lack come from the system's fonts, once somebody uses one: a font for all of Chinese is as large as the program.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Letters>()
        .add_observer(|line: On<NewLine>, mut letters: ResMut<Letters>| letters.seen(line.event().0.text.as_str()))
        .add_systems(EguiPrimaryContextPass, (read_names.run_if(resource_changed::<Company>), look, hear).chain().after(super::draw));
}

fn read_names(company: Res<Company>, view: Res<View>, mut letters: ResMut<Letters>) {
    let letters = letters.bypass_change_detection();
    company.people.iter().for_each(|person| letters.seen(&person.name));
    view.film.iter().for_each(|film| letters.seen(&film.title));
}

/// Starts looking for a font for the first letter that has none.
fn look(mut contexts: EguiContexts, mut letters: ResMut<Letters>) -> Result {
    if letters.unknown.is_empty() || letters.finding.is_some() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    for letter in std::mem::take(&mut letters.unknown) {
        letters.known.insert(letter);
        let is_there = context.fonts_mut(|fonts| fonts.has_glyph(&FontId::proportional(15.0), letter));
        let script = Script::of(letter);
        // Each is looked for once, found or not.
        if !is_there && letters.finding.is_none() && letters.looked_for.insert(script) {
            letters.finding = Some(IoTaskPool::get().spawn(async move { find(script) }));
        }
    }
    Ok(())
}

fn hear(mut contexts: EguiContexts, mut letters: ResMut<Letters>) -> Result {
    let Some(finding) = letters.finding.as_mut() else { return Ok(()) };
    let Some(found) = block_on(poll_once(finding)) else { return Ok(()) };
    letters.finding = None;
    // Others may have waited for their turn.
    let known = std::mem::take(&mut letters.known);
    letters.unknown.extend(known);
    if let Some((name, bytes)) = found {
        tracing::debug!("letters come from {name}");
        let last = |family| InsertFontFamily { family, priority: FontPriority::Lowest };
        let families = vec![last(FontFamily::Proportional), last(FontFamily::Monospace)];
        contexts.ctx_mut()?.add_font(FontInsert::new(&name, FontData::from_owned(bytes), families));
    }
    Ok(())
}

/// The best font of the system for this script.
fn find(script: Script) -> Option<(String, Vec<u8>)> {
    let mut best: Option<(usize, PathBuf)> = None;
    let mut left = FILES_MOST;
    for folder in folders() {
        search(&folder, script, DEPTH_MOST, &mut left, &mut best);
    }
    let (_, path) = best?;
    let name = path.file_stem()?.to_string_lossy().into_owned();
    fs::read(path).ok().filter(|bytes| is_font(bytes)).map(|bytes| (name, bytes))
}

/// Whether egui, which panics at what is no font, can read it: its list of tables is there. The tables themselves are read with care.
fn is_font(bytes: &[u8]) -> bool {
    let number = |at: usize, length: usize| {
        let digits = bytes.get(at..at.saturating_add(length))?;
        Some(digits.iter().fold(0_usize, |number, digit| number << 8 | usize::from(*digit)))
    };
    let start = if bytes.starts_with(b"ttcf") { number(12, 4) } else { Some(0) };
    start.is_some_and(|start| {
        let kind = bytes.get(start..start.saturating_add(4)).unwrap_or_default();
        let tables = number(start.saturating_add(4), 2).unwrap_or(0);
        [&b"\0\x01\0\0"[..], b"OTTO", b"true"].contains(&kind) && tables > 0 && bytes.len() >= start + 12 + tables * 16
    })
}

fn search(folder: &Path, script: Script, depth: usize, left: &mut usize, best: &mut Option<(usize, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = entry.path();
        let Ok(metadata) = path.metadata() else { continue };
        if metadata.is_dir() {
            if depth > 0 {
                search(&path, script, depth - 1, left, best);
            }
        } else if metadata.len() < BYTES_MOST
            && let Some(rank) = path.file_name().and_then(|name| script.rank(&name.to_string_lossy()))
            && best.as_ref().is_none_or(|(other, at)| (rank, &path) < (*other, at))
        {
            *best = Some((rank, path));
        }
    }
}

/// Where systems keep fonts.
fn folders() -> Vec<PathBuf> {
    let from = |variable: &str, rest: &str| std::env::var_os(variable).map(|base| PathBuf::from(base).join(rest));
    let own = [
        from("XDG_DATA_HOME", "fonts"),
        from("HOME", ".local/share/fonts"),
        from("HOME", ".fonts"),
        from("HOME", "Library/Fonts"),
        from("WINDIR", "Fonts"),
        from("LOCALAPPDATA", "Microsoft/Windows/Fonts"),
    ];
    let shared = ["/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts"].map(PathBuf::from);
    own.into_iter().flatten().chain(shared).collect()
}

/// What of the world's letters has been met.
#[derive(Resource, Default)]
struct Letters {
    /// Not yet looked up.
    unknown: BTreeSet<char>,
    /// Looked up since the last font came.
    known: BTreeSet<char>,
    looked_for: BTreeSet<Script>,
    finding: Option<Task<Option<(String, Vec<u8>)>>>,
}

impl Letters {
    fn seen(&mut self, text: &str) {
        let new = text.chars().filter(|letter| !letter.is_ascii() && !self.known.contains(letter));
        let room = LETTERS_MOST.saturating_sub(self.unknown.len() + self.known.len());
        let new: Vec<_> = new.take(room).collect();
        self.unknown.extend(new);
    }
}

/// Letters that come in one font.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Script {
    Chinese,
    Korean,
    Arabic,
    Hebrew,
    Thai,
    Indic,
    Emoji,
    Other,
}

impl Script {
    const fn of(letter: char) -> Self {
        match letter {
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7ff}' => Self::Korean,
            '\u{2e80}'..='\u{a4cf}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe4f}'
            | '\u{ff00}'..='\u{ffef}'
            | '\u{20000}'..='\u{3ffff}' => Self::Chinese,
            '\u{600}'..='\u{8ff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => Self::Arabic,
            '\u{590}'..='\u{5ff}' | '\u{fb1d}'..='\u{fb4f}' => Self::Hebrew,
            '\u{e00}'..='\u{eff}' => Self::Thai,
            '\u{900}'..='\u{dff}' => Self::Indic,
            '\u{1f000}'..='\u{1faff}' => Self::Emoji,
            _ => Self::Other,
        }
    }

    /// How well a font suits, by its file's name; 0 is best.
    fn rank(self, file: &str) -> Option<usize> {
        let file = file.to_lowercase().replace([' ', '_'], "");
        let is_font = [".ttf", ".otf", ".ttc", ".otc"].iter().any(|ending| file.ends_with(ending));
        let is_plain = !["bold", "italic", "oblique", "thin", "black", "mono", "serif", "condensed"].iter().any(|word| file.contains(word));
        (is_font && is_plain).then(|| self.fonts().iter().position(|start| file.starts_with(start))).flatten()
    }

    /// How the files of those fonts begin that systems bring along, the best first.
    const fn fonts(self) -> &'static [&'static str] {
        match self {
            Self::Chinese => &[
                "notosanscjk",
                "sourcehansans",
                "yugothm",
                "msyh.",
                "hiraginosansgb",
                "pingfang",
                "ヒラギノ角ゴシックw3",
                "meiryo",
                "msgothic",
                "notosansjp",
                "notosanssc",
                "wqy-microhei",
                "wqy-zenhei",
                "droidsansfallback",
                "ipag",
                "takao",
                "simsun",
                "arialunicode",
                "unifont",
            ],
            Self::Korean => {
                &["notosanscjk", "notosanskr", "malgun.", "applesdgothicneo", "nanumgothic", "droidsansfallback", "arialunicode", "unifont"]
            }
            Self::Arabic => &["notosansarabic", "notonaskharabic", "segoeui.", "geezapro", "tahoma.", "dejavusans.", "arial."],
            Self::Hebrew => &["notosanshebrew", "segoeui.", "arialhb", "dejavusans.", "arial."],
            Self::Thai => &["notosansthai", "leelawui.", "thonburi", "tahoma.", "freesans.", "arialunicode"],
            Self::Indic => &["notosansdevanagari", "nirmala", "kohinoor", "lohit-devanagari", "freesans.", "arialunicode"],
            Self::Emoji => &["notoemoji", "seguiemj", "symbola", "dejavusans."],
            Self::Other => &["dejavusans.", "notosans-regular", "segoeui.", "arialunicode", "freesans.", "arial.", "unifont"],
        }
    }
}

const FILES_MOST: usize = 20_000;
const DEPTH_MOST: usize = 5;
const BYTES_MOST: u64 = 64 << 20;
const LETTERS_MOST: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_is_chosen_by_its_name() {
        assert_eq!(Script::of('雪'), Script::Chinese);
        assert_eq!(Script::of('の'), Script::Chinese);
        assert_eq!(Script::of('한'), Script::Korean);
        assert_eq!(Script::Chinese.rank("NotoSansCJK-Regular.ttc"), Some(0));
        assert!(Script::Chinese.rank("msyh.ttc") < Script::Chinese.rank("wqy-zenhei.ttc"));
        assert_eq!(Script::Other.rank("DejaVuSans-Bold.ttf"), None);
        assert_eq!(Script::Other.rank("DejaVuSans.ttf"), Some(0));
        assert_eq!(Script::Other.rank("DejaVuSans.txt"), None);
    }

    #[test]
    fn the_best_of_many_is_found_and_the_search_ends() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        for name in ["a.ttf", "wqy-zenhei.ttc", "b/NotoSansCJK-Regular.ttc"] {
            fs::write(folder.path().join("a").join(name), b"font").unwrap();
        }
        let (mut best, mut left) = (None, 100);
        search(folder.path(), Script::Chinese, DEPTH_MOST, &mut left, &mut best);
        assert_eq!(best.unwrap().1, inner.join("NotoSansCJK-Regular.ttc"));
        assert!(!is_font(b"font") && !is_font(b"ttcf\0\0\0\0\0\0\0\x01\xff\xff\xff\xff") && !is_font(b"OTTO\0\x02\0\0\0\0\0\0"));
        let (mut best, mut left) = (None, 1);
        search(folder.path(), Script::Chinese, DEPTH_MOST, &mut left, &mut best);
        assert!(best.is_none() && left == 0);
    }
}
