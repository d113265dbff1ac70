use std::{
    fs::File,
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use super::{OpenError, stage::RATE};

/// Keeps sound as WAV (48 kHz, stereo, 16 bit) on a thread of its own, so that a slow disk does not stop time.
///
/// What the disk cannot take in time is kept as silence, so every sample stays at its place.
pub(super) struct Keeper {
    pieces: Option<SyncSender<Piece>>,
    /// Frames of silence still to be told.
    owed: u64,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(file: File, path: PathBuf) -> Result<Self, OpenError> {
        let (pieces, received) = sync_channel(PIECES_MAX);
        let error_path = path.clone();
        let mut wav = Wav::new(BufWriter::new(file)).map_err(|error| OpenError::Unwritable { path, error })?;
        let body = move || {
            if let Err(error) = write_all(&mut wav, &received) {
                tracing::error!("the sound in {} is incomplete: {error}", error_path.display());
            }
        };
        let thread = Builder::new().name("audio-file".into()).spawn(body).map_err(OpenError::Thread)?;
        Ok(Self { pieces: Some(pieces), owed: 0, thread: Some(thread) })
    }

    /// Keeps interleaved stereo.
    pub(super) fn keep(&mut self, samples: &[f32]) {
        let Some(pieces) = &self.pieces else { return };
        let is_told = self.owed == 0 || pieces.try_send(Piece::Silence { frames: self.owed }).is_ok();
        if is_told {
            self.owed = 0;
        }
        if !is_told || pieces.try_send(Piece::Sound(samples.into())).is_err() {
            self.owed += samples.len() as u64 / 2;
        }
    }

    pub(super) fn keep_silence(&mut self, frames: u64) {
        self.owed += frames;
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the sound ended early");
        }
    }
}

fn write_all(wav: &mut Wav<BufWriter<File>>, pieces: &Receiver<Piece>) -> io::Result<()> {
    loop {
        match pieces.recv_timeout(SETTLE_EVERY) {
            Ok(Piece::Sound(samples)) => wav.write(&samples)?,
            Ok(Piece::Silence { frames }) => wav.write_silence(frames)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return wav.settle(),
        }
        if wav.frames >= wav.settled + u64::from(RATE) {
            wav.settle()?;
        }
    }
}

/// A WAV that is whole up to its last `settle`.
struct Wav<W> {
    out: W,
    frames: u64,
    settled: u64,
}

impl<W: Write + Seek> Wav<W> {
    fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&header(0))?;
        Ok(Self { out, frames: 0, settled: 0 })
    }

    fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        for sample in samples {
            self.out.write_all(&((sample * 32_767.0).round() as i16).to_le_bytes())?;
        }
        self.frames += samples.len() as u64 / 2;
        Ok(())
    }

    fn write_silence(&mut self, frames: u64) -> io::Result<()> {
        io::copy(&mut io::Read::take(io::repeat(0), frames * FRAME_BYTES), &mut self.out)?;
        self.frames += frames;
        Ok(())
    }

    /// Makes the header true of all that was written, so that a file cut off here can be played.
    fn settle(&mut self) -> io::Result<()> {
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header(self.frames))?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        self.settled = self.frames;
        Ok(())
    }
}

/// RIFF, WAVE, PCM. Sizes stop at 4 GiB, which is six hours.
fn header(frames: u64) -> [u8; HEADER_BYTES] {
    let data = u32::try_from(frames * FRAME_BYTES).unwrap_or(u32::MAX - HEADER_BYTES as u32) / 4 * 4;
    let mut header = [0; HEADER_BYTES];
    let mut rest = &mut header[..];
    let mut put = |bytes: &[u8]| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        head.copy_from_slice(bytes);
        rest = tail;
    };
    put(b"RIFF");
    put(&(data + HEADER_BYTES as u32 - 8).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16_u32.to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&2_u16.to_le_bytes());
    put(&RATE.to_le_bytes());
    put(&(RATE * FRAME_BYTES as u32).to_le_bytes());
    put(&(FRAME_BYTES as u16).to_le_bytes());
    put(&16_u16.to_le_bytes());
    put(b"data");
    put(&data.to_le_bytes());
    header
}

enum Piece {
    Sound(Box<[f32]>),
    Silence { frames: u64 },
}

const HEADER_BYTES: usize = 44;
const FRAME_BYTES: u64 = 4;
/// Ten seconds of blocks.
const PIECES_MAX: usize = 1000;
const SETTLE_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_header_is_true_after_every_settling() {
        let mut wav = Wav::new(Cursor::new(Vec::new())).unwrap();
        for round in 1..=3_u32 {
            wav.write(&[1.0, -1.0, 0.5, 0.0]).unwrap();
            wav.write_silence(3).unwrap();
            wav.settle().unwrap();
            let bytes = wav.out.get_ref();
            let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!((&bytes[..4], &bytes[8..16], &bytes[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
            assert_eq!((number(4) as usize, number(40)), (bytes.len() - 8, round * 20));
            assert_eq!((number(24), number(28)), (48_000, 192_000));
        }
        let samples: Vec<_> = wav.out.get_ref()[44..52].chunks(2).map(|two| i16::from_le_bytes(two.try_into().unwrap())).collect();
        assert_eq!(samples, [32_767, -32_767, 16_384, 0]);
    }

    #[test]
    fn sizes_beyond_four_gigabytes_stop_there() {
        let bytes = header(1 << 40);
        assert_eq!(&bytes[40..44], &(u32::MAX - 47).to_le_bytes());
    }
}
