use super::Screening;
use crate::media::{PictureTrack, SoundTrack, SubtitleTrack};

impl Screening {
    /// The streams of pictures as they are listed, in the file's order; covers are not among them.
    #[must_use]
    pub fn picture_names(&self) -> Vec<String> {
        self.info().pictures.iter().enumerate().map(|(number, track)| picture_name(number, track)).collect()
    }

    /// The sound tracks as they are offered, in the file's order.
    #[must_use]
    pub fn sound_names(&self) -> Vec<String> {
        self.info().sounds.iter().enumerate().map(|(number, track)| sound_name(number, track)).collect()
    }

    /// The subtitle tracks as they are offered: the file's, then those of files beside it.
    #[must_use]
    pub fn subtitle_names(&self) -> Vec<String> {
        self.info().subtitles.iter().enumerate().map(|(number, track)| subtitle_name(number, track)).collect()
    }
}

fn picture_name(number: usize, track: &PictureTrack) -> String {
    let size = if track.width.min(track.height) == 0 { String::new() } else { format!("{} × {}", track.width, track.height) };
    let [default, forced] = marks(track.is_default, track.is_forced);
    name(number, [&track.title, &track.language], &[track.codec, &size, default, forced])
}

fn sound_name(number: usize, track: &SoundTrack) -> String {
    let layout = match track.channels {
        0 => String::new(),
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        channels => format!("{channels} channels"),
    };
    let [default, forced] = marks(track.is_default, track.is_forced);
    name(number, [&track.title, &track.language], &[track.codec, &layout, default, forced])
}

fn subtitle_name(number: usize, track: &SubtitleTrack) -> String {
    let [default, forced] = marks(track.is_default, track.is_forced);
    let external = if track.is_external { "file" } else { "" };
    name(number, [&track.title, &track.language], &[track.codec, default, forced, external])
}

const fn marks(is_default: bool, is_forced: bool) -> [&'static str; 2] {
    [if is_default { "default" } else { "" }, if is_forced { "forced" } else { "" }]
}

/// Title and language where there are any, and what else tells tracks apart.
fn name(number: usize, names: [&str; 2], more: &[&str]) -> String {
    let mut words: Vec<&str> = names.into_iter().filter(|name| !name.is_empty() && *name != "und").collect();
    words.dedup();
    let name = if words.is_empty() { format!("Track {}", number + 1) } else { words.join(", ") };
    let more: Vec<&str> = more.iter().copied().filter(|word| !word.is_empty()).collect();
    if more.is_empty() { name } else { format!("{name}  ({})", more.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_told_apart() {
        assert_eq!(name(0, ["Commentary", "eng"], &["ac3", "stereo"]), "Commentary, eng  (ac3, stereo)");
        assert_eq!(name(1, ["", "und"], &["", ""]), "Track 2");
        assert_eq!(name(2, ["eng", "eng"], &["subrip", "forced", ""]), "eng  (subrip, forced)");
        let other = |width| PictureTrack {
            language: String::new(),
            title: "From the balcony".to_owned(),
            codec: "hevc",
            width,
            height: 1080,
            is_default: true,
            is_forced: false,
        };
        assert_eq!(picture_name(1, &other(1920)), "From the balcony  (hevc, 1920 × 1080, default)");
        assert_eq!(picture_name(1, &other(0)), "From the balcony  (hevc, default)");
    }
}
