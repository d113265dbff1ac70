//! Films made for a test by the `ffmpeg` program, with the frame number in the picture and the time in the sound.
//!
//! The number is a strip of 20 cells along the top, one eighteenth of the picture high: black, white, 16 bits (most significant first), even parity, white.
//! The sound of track `k` is a ramp from −0.4 to 0.4 every `k + 1` seconds, so that with a lossless codec each sample tells its own time.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What the film is like.
#[derive(Debug, Clone)]
pub(crate) struct Clip<'a> {
    pub(crate) size: (u32, u32),
    pub(crate) rate: &'a str,
    pub(crate) seconds: f64,
    /// Encoder and its options; empty for no picture.
    pub(crate) video: &'a [&'a str],
    /// Encoder and its options; empty for no sound.
    pub(crate) sound: &'a [&'a str],
    pub(crate) sound_tracks: usize,
    pub(crate) name: &'a str,
}

impl Default for Clip<'_> {
    fn default() -> Self {
        Self {
            size: (320, 180),
            rate: "24",
            seconds: 4.0,
            video: &["libx264", "-preset", "veryfast", "-crf", "20", "-g", "48", "-bf", "3"],
            sound: &["flac", "-ar", "48000"],
            sound_tracks: 1,
            name: "clip.mkv",
        }
    }
}

impl Clip<'_> {
    /// Makes the film in `folder`.
    ///
    /// # Panics
    /// With the program's own words, if `ffmpeg` is missing or refuses.
    pub(crate) fn make(&self, folder: &Path) -> PathBuf {
        let path = folder.join(self.name);
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "2"]);
        let (width, height) = self.size;
        if !self.video.is_empty() {
            let source = format!("testsrc2=s={width}x{height}:r={}:d={}", self.rate, self.seconds);
            command.args(["-f", "lavfi", "-i", &source]);
        }
        if !self.sound.is_empty() {
            for track in 0..self.sound_tracks {
                let ramp = format!("0.8*mod(t\\,{0})/{0}-0.4", track + 1);
                let source = format!("aevalsrc={ramp}|{ramp}:s=48000:d={}", self.seconds);
                command.args(["-f", "lavfi", "-i", &source]);
            }
        }
        if !self.video.is_empty() {
            command.args(["-map", "0:v", "-vf", &strip(width, height), "-pix_fmt", "yuv420p", "-c:v"]).args(self.video);
        }
        if !self.sound.is_empty() {
            for track in 0..self.sound_tracks {
                command.args(["-map", &format!("{}:a", track + usize::from(!self.video.is_empty()))]);
            }
            command.arg("-c:a").args(self.sound);
        }
        let output = command.arg(&path).output().expect("this test needs the program ffmpeg: apt-get install ffmpeg");
        assert!(output.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&output.stderr));
        path
    }
}

/// A filter that draws the strip.
pub(crate) fn strip(width: u32, height: u32) -> String {
    let (cell, high) = (width / 20, height / 18);
    let draw = |index: usize, colour: &str, when: &str| {
        let x = index as u32 * cell;
        format!(",drawbox=x={x}:y=0:w={cell}:h={high}:color={colour}:t=fill:enable='{when}'")
    };
    let bit = |k: usize| format!("mod(floor(n/{}),2)", 1 << k);
    let mut filter = format!("drawbox=x=0:y=0:w={}:h={high}:color=black:t=fill", cell * 20);
    filter += &draw(1, "white", "1");
    for k in 0..16 {
        filter += &draw(17 - k, "white", &bit(k));
    }
    filter += &draw(18, "white", &format!("mod({},2)", (0..16).map(bit).collect::<Vec<_>>().join("+")));
    filter + &draw(19, "white", "1")
}

/// The number in a picture whose brightness (0–255) at the middle of cell `i` of 20 is `at(i)`; `None` rather than a guess.
pub(crate) fn read_number(at: impl Fn(usize) -> u8) -> Option<u16> {
    let (black, white) = (u32::from(at(0)), u32::from(at(1)));
    if white < black + 40 {
        return None;
    }
    let is_white = |index| u32::from(at(index)) * 2 > black + white;
    let bits = (2..18).fold(0_u16, |bits, index| bits << 1 | u16::from(is_white(index)));
    let is_even = (bits.count_ones() + u32::from(is_white(18))).is_multiple_of(2);
    (is_even && is_white(19)).then_some(bits)
}
