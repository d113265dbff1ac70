use ffmpeg_next::codec;

use super::{
    charset,
    ffmpeg::Decoder,
    lines::{self, Line},
    shelf::Shelf,
};

/// One subtitle track, of the film or of a file beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubtitleTrack {
    /// ISO 639 code, empty if unknown.
    pub language: String,
    /// Its name in the film, or the name of its file; may be empty.
    pub title: String,
    /// The codec's short name.
    pub codec: &'static str,
    /// Whether the film's maker wants it shown unless somebody chooses.
    pub is_default: bool,
    /// Whether it only translates what the sound track does not say in its own language.
    pub is_forced: bool,
    /// Whether it comes from a file of its own.
    pub is_external: bool,
}

/// A track as the demuxer found it.
pub(in crate::media) struct EmbeddedTrack {
    pub(in crate::media) info: SubtitleTrack,
    pub(in crate::media) parameters: codec::Parameters,
}

/// A font that the film brings along.
#[derive(Debug, Clone)]
pub(in crate::media) struct SubtitleFont {
    pub(in crate::media) name: String,
    pub(in crate::media) bytes: Vec<u8>,
}

impl SubtitleFont {
    /// Whether it begins as fonts do; what does not is never given to libass.
    pub(super) fn is_font(&self) -> bool {
        let magics: [&[u8]; 7] = [b"\0\x01\0\0", b"OTTO", b"true", b"ttcf", b"typ1", b"%!PS", b"\x80\x01"];
        magics.iter().any(|magic| self.bytes.starts_with(magic))
    }
}

/// Whether the codec's subtitles are pictures.
const fn is_bitmap(codec: codec::Id) -> bool {
    matches!(codec, codec::Id::HDMV_PGS_SUBTITLE | codec::Id::DVD_SUBTITLE | codec::Id::DVB_SUBTITLE | codec::Id::XSUB)
}

/// Everything known of one track.
pub(super) struct Track {
    pub(super) info: SubtitleTrack,
    pub(super) known: Known,
    /// Grows with each new thing.
    pub(super) revision: u64,
}

/// What is known, in the shape in which it is drawn.
pub(super) enum Known {
    /// Text, decoded as it comes.
    Text(TextTrack),
    /// Packets of bitmaps, decoded when they are shown.
    Bitmaps {
        parameters: codec::Parameters,
        packets: Shelf<Box<[u8]>>,
        /// A Blu-ray's display set of which more will come: broadcasts and `.sup` files cut it in segments.
        begun: Option<PacketBytes>,
        /// The same at another place of the film, which is looked away from for a moment.
        aside: Option<PacketBytes>,
    },
    /// FFmpeg refuses it.
    Broken(String),
}

/// Text and what is needed to draw it.
pub(super) struct TextTrack {
    decoder: Decoder,
    /// Styles and size of the script.
    pub(super) header: Vec<u8>,
    /// Whether the text brings no styles of its own.
    pub(super) is_plain: bool,
    /// Whether packets are text and nothing else.
    is_pure: bool,
    pub(super) lines: Shelf<Line>,
    next_id: u64,
    edge_max: u32,
    /// Bytes of lines that are not UTF-8, to tell their charset.
    foreign: Vec<u8>,
}

impl Track {
    /// A track of which nothing is known yet, with a share of the memory for all.
    pub(super) fn new(info: SubtitleTrack, parameters: codec::Parameters, tracks: usize) -> Self {
        let known = if is_bitmap(parameters.id()) {
            Known::Bitmaps { parameters, packets: Shelf::new(BITMAP_BYTES_MAX / tracks.max(1), COUNT_MAX), begun: None, aside: None }
        } else {
            match TextTrack::open(parameters, Shelf::new(TEXT_BYTES_MAX / tracks.max(1), COUNT_MAX)) {
                Ok(text) => Known::Text(text),
                Err(error) => Known::Broken(error.to_string()),
            }
        };
        Self { info, known, revision: 0 }
    }

    /// The next packets are of an earlier place.
    pub(super) fn look_aside(&mut self) {
        if let Known::Bitmaps { begun, aside, .. } = &mut self.known {
            *aside = begun.take();
        }
    }

    /// The next packets are again of the place before.
    pub(super) fn look_ahead(&mut self) {
        if let Known::Bitmaps { begun, aside, .. } = &mut self.known {
            *begun = aside.take();
        }
    }

    /// Takes a packet in, unless it is known or damaged.
    pub(super) fn take(&mut self, packet: PacketBytes) {
        let is_new = match &mut self.known {
            Known::Text(text) => text.take(packet),
            Known::Bitmaps { packets, parameters, begun, .. } => {
                let whole = if parameters.id() == codec::Id::HDMV_PGS_SUBTITLE { display_set(begun, packet) } else { Some(packet) };
                let Some(packet) = whole else { return };
                let size = packet.data.len() + OVERHEAD_BYTES;
                packets.put(packet.start_ms, packet.start_ms + packet.duration_ms, size, packet.data)
            }
            Known::Broken(_) => false,
        };
        self.revision += u64::from(is_new);
    }
}

/// Joins the segments of a Blu-ray's display set; the last one is the end.
fn display_set(begun: &mut Option<PacketBytes>, packet: PacketBytes) -> Option<PacketBytes> {
    let is_first = packet.data.first() == Some(&PGS_COMPOSITION);
    let whole = match begun.take().filter(|_| !is_first) {
        Some(set) if set.data.len() + packet.data.len() <= SET_BYTES_MAX => {
            PacketBytes { data: [&*set.data, &*packet.data].concat().into(), ..set }
        }
        _ if is_first => packet,
        _ => return None,
    };
    if whole.data.ends_with(&PGS_END) {
        return Some(whole);
    }
    *begun = Some(whole);
    None
}

impl TextTrack {
    fn open(parameters: codec::Parameters, shelf: Shelf<Line>) -> Result<Self, ffmpeg_next::Error> {
        let id = parameters.id();
        let is_plain = !matches!(id, codec::Id::ASS | codec::Id::SSA);
        let is_pure = id != codec::Id::MOV_TEXT;
        let decoder = Decoder::open(parameters)?;
        let header = decoder.header();
        let header = if is_plain { lines::plain_header(&header).into_bytes() } else { header };
        let edge_max = lines::edge_max(&header);
        Ok(Self { decoder, header, is_plain, is_pure, lines: shelf, next_id: 0, edge_max, foreign: Vec::new() })
    }

    fn take(&mut self, packet: PacketBytes) -> bool {
        if packet.data.len() > LINE_BYTES_MAX {
            return false;
        }
        let converted = (self.is_pure && std::str::from_utf8(&packet.data).is_err()).then(|| {
            let room = FOREIGN_BYTES.saturating_sub(self.foreign.len());
            self.foreign.extend(packet.data.iter().take(room));
            charset::guess(&self.foreign, "").decode_without_bom_handling(&packet.data).0.into_owned()
        });
        let data = converted.as_ref().map_or(&*packet.data, |text| text.as_bytes());
        let Some(shown) = self.decoder.decode(packet.start_ms, packet.duration_ms, data) else { return false };
        let start_ms = packet.start_ms + i64::from(shown.start_ms);
        let lasts_ms = if packet.duration_ms > 0 { packet.duration_ms } else { shown.end_ms.map_or(UNSAID_MS, i64::from) };
        let mut is_new = false;
        for said in shown.lines {
            if let Some(line) = Line::new(&said, self.is_plain, self.edge_max, self.next_id) {
                self.next_id += 1;
                is_new |= self.lines.put(start_ms, start_ms + lasts_ms, line.text.len() + OVERHEAD_BYTES, line);
            }
        }
        is_new
    }
}

/// A packet without FFmpeg.
#[derive(Debug)]
pub(in crate::media) struct PacketBytes {
    /// When it is due in the film.
    pub(in crate::media) start_ms: i64,
    /// How long it is shown; 0 if it does not say.
    pub(in crate::media) duration_ms: i64,
    pub(in crate::media) data: Box<[u8]>,
}

/// `PCS`, the first segment of a display set, and the last one, which is empty.
pub(super) const PGS_COMPOSITION: u8 = 0x16;
const PGS_END: [u8; 3] = [0x80, 0, 0];
/// Two full pictures that cannot be packed.
const SET_BYTES_MAX: usize = 8 << 20;
/// All bitmaps of a disc in one language have about 40 MB.
const BITMAP_BYTES_MAX: usize = 96 << 20;
const TEXT_BYTES_MAX: usize = 96 << 20;
/// A film has some two thousand lines, the wildest scripts a hundred times that.
const COUNT_MAX: usize = 250_000;
/// A line with its place in memory.
const OVERHEAD_BYTES: usize = 64;
/// The longest lines draw a map with a pen.
const LINE_BYTES_MAX: usize = 256 << 10;
const FOREIGN_BYTES: usize = 4096;
/// A line that does not say how long it stands.
const UNSAID_MS: i64 = 4000;
