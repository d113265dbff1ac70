//! A film with the sound of [`track`].

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::track::track;

/// What the film is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe<'a> {
    pub(crate) seconds: usize,
    pub(crate) size: (u32, u32),
    /// Encoder and its options.
    pub(crate) video: &'a [&'a str],
    /// A sound track nobody plays, of 9.2 Mbit/s, to make the file large.
    pub(crate) is_heavy: bool,
    pub(crate) name: &'a str,
}

impl Default for Recipe<'_> {
    fn default() -> Self {
        Self {
            seconds: 180,
            size: (320, 180),
            video: &["libx264", "-preset", "ultrafast", "-crf", "32", "-g", "48"],
            is_heavy: false,
            name: "film.mkv",
        }
    }
}

impl Recipe<'_> {
    /// Makes the film in `folder`.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn make(&self, folder: &Path) -> Result<PathBuf, String> {
        let (wav, film) = (folder.join(format!("{}.wav", self.name)), folder.join(self.name));
        write_wav(&wav, &track(self.seconds)).map_err(|error| format!("The film's sound cannot be written: {error}."))?;
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "2"]);
        let (width, height) = self.size;
        command.args(["-f", "lavfi", "-i", &format!("testsrc2=s={width}x{height}:r=24:d={}", self.seconds), "-i"]).arg(&wav);
        if self.is_heavy {
            let noise = "anoisesrc=r=48000:a=0.1:seed=7,aformat=sample_fmts=s32,pan=7.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0";
            command.args(["-f", "lavfi", "-t", &self.seconds.to_string(), "-i", noise]);
        }
        command.args(["-map", "0:v", "-map", "1:a", "-pix_fmt", "yuv420p", "-c:v"]).args(self.video).args(["-c:a:0", "flac"]);
        if self.is_heavy {
            command.args(["-map", "2:a", "-c:a:1", "pcm_s24le", "-disposition:a:1", "0"]);
        }
        let output = command.arg(&film).output().map_err(|error| format!("ffmpeg cannot be run ({error}): apt-get install ffmpeg."))?;
        if !output.status.success() {
            return Err(format!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr)));
        }
        std::fs::remove_file(&wav).map_err(|error| error.to_string())?;
        Ok(film)
    }
}

/// Stereo, 16 bits, both sides alike.
fn write_wav(path: &Path, track: &[f32]) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let bytes = u32::try_from(track.len() * 4).map_err(std::io::Error::other)?;
    file.write_all(b"RIFF")?;
    file.write_all(&(bytes + 36).to_le_bytes())?;
    file.write_all(b"WAVEfmt ")?;
    file.write_all(&16_u32.to_le_bytes())?;
    for half in [1_u16, 2] {
        file.write_all(&half.to_le_bytes())?;
    }
    file.write_all(&48_000_u32.to_le_bytes())?;
    file.write_all(&192_000_u32.to_le_bytes())?;
    for half in [4_u16, 16] {
        file.write_all(&half.to_le_bytes())?;
    }
    file.write_all(b"data")?;
    file.write_all(&bytes.to_le_bytes())?;
    for sample in track {
        let sample = ((sample * 32_767.0) as i16).to_le_bytes();
        file.write_all(&sample)?;
        file.write_all(&sample)?;
    }
    file.flush()
}
