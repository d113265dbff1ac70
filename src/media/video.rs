use std::collections::VecDeque;

use ffmpeg_next::{Packet, Rational, codec, decoder, error::EAGAIN, format::Pixel, frame};

use super::{
    Error, Picture, ffi,
    frame::{colour_numbers, is_rgb, layout, nearest_with_layout},
    hardware,
    interlace::Deinterlacer,
    picture::{MAX_SIDE, Said},
};

/// Turns packets into pictures, in order, from the exact picture that a seek asked for.
pub(super) struct VideoDecoder {
    decoder: decoder::Video,
    /// For a second look at what the decoder refuses.
    parameters: codec::Parameters,
    stream: VideoStream,
    /// Used where the file says no duration.
    usual_duration_ns: i64,
    scaler: Option<(ffi::Scaler, (Pixel, u32, u32))>,
    deinterlacer: Deinterlacer,
    target_ns: i64,
    /// The newest picture not after the target, while it is not known to be the last such one.
    candidate: Option<Raw>,
    last_ns: Option<i64>,
    /// The time of the newest picture passed on.
    newest_ns: i64,
    /// Where the newest packet ends.
    packet_end_ns: Option<i64>,
    /// Added to time stamps, because they leapt.
    leap_ns: i64,
    ready: VecDeque<Picture>,
    /// Whether the next picture before the place is passed on as a glance.
    glances: bool,
    /// Whether a device was lent to the decoder.
    has_card: bool,
    hardware_has_failed: bool,
    newest_key: Option<Packet>,
    /// How often a refused packet is still looked at.
    looks_left: u32,
    /// Whether pictures are too large.
    leaves_out: bool,
    /// How large they are, until it is taken.
    left_out: Option<(u32, u32)>,
}

impl VideoDecoder {
    /// Opens a decoder for one stream.
    ///
    /// # Errors
    /// When FFmpeg has no decoder for it or refuses its parameters.
    pub(super) fn open(parameters: codec::Parameters, stream: &VideoStream) -> Result<Self, ffmpeg_next::Error> {
        let mut context = codec::Context::from_parameters(parameters.clone())?;
        ffi::set_threads_and_limits(&mut context, stream.threads, MAX_PIXELS);
        context.set_time_base(stream.time_base);
        let has_card = stream.on_hardware && hardware::lend(&mut context);
        if stream.on_hardware && !has_card {
            tracing::debug!("no graphics card decodes this film");
        }
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base);
        Ok(Self {
            decoder: decoder.video()?,
            parameters,
            stream: *stream,
            usual_duration_ns: stream.rate.map_or(40_000_000, |rate| (1e9 / rate) as i64),
            scaler: None,
            deinterlacer: Deinterlacer::default(),
            target_ns: 0,
            candidate: None,
            last_ns: None,
            newest_ns: i64::MIN,
            packet_end_ns: None,
            leap_ns: 0,
            ready: VecDeque::new(),
            glances: false,
            has_card,
            hardware_has_failed: false,
            newest_key: None,
            looks_left: LOOKS,
            leaves_out: false,
            left_out: None,
        })
    }

    /// Forgets everything and begins anew at the picture standing at `target_ns`.
    pub(super) fn restart(&mut self, target_ns: i64) {
        self.decoder.flush();
        self.deinterlacer.restart();
        self.target_ns = target_ns;
        self.candidate = None;
        self.last_ns = None;
        self.newest_ns = i64::MIN;
        self.packet_end_ns = None;
        self.leap_ns = 0;
        self.glances = false;
        self.ready.clear();
        self.newest_key = None;
        self.looks_left = LOOKS;
        self.leaves_out = false;
        self.left_out = None;
    }

    /// Decodes one packet; damage is skipped, as every player does. A picture that nobody needs is left out if no other one is made of it.
    pub(super) fn decode(&mut self, packet: &Packet, is_needless: bool) {
        self.decoder.skip_frame(if is_needless { codec::discard::Discard::NonReference } else { codec::discard::Discard::Default });
        if packet.is_key() && self.looks_left > 0 {
            self.newest_key = ffi::share_packet(packet);
        }
        if let Err(error) = self.decoder.send_packet(packet) {
            tracing::debug!("a packet of the picture was skipped: {error}");
            self.look_at_size();
        }
        self.receive();
        if self.stream.is_cover {
            // There is one picture; a decoder with threads would keep it until it knows.
            self.finish();
        }
    }

    /// Whether pictures stay on the graphics card: this decoder is of no use.
    pub(super) const fn hardware_has_failed(&self) -> bool {
        self.hardware_has_failed
    }

    /// Passes on the first picture on the way to the place as well, as a [glance](Picture::is_glance).
    pub(super) const fn glance(&mut self) {
        self.glances = true;
    }

    /// Whether that picture has not come yet.
    pub(super) const fn awaits_glance(&self) -> bool {
        self.glances
    }

    /// The size of pictures that are left out because they are too large: told once from each place on.
    pub(super) fn take_left_out(&mut self) -> Option<(u32, u32)> {
        self.left_out.take()
    }

    /// How far before a place every picture is decoded, whatever it is used for: pictures of HEVC that are no reference may be one for layers above them, and
    /// fields are guessed from their neighbours.
    pub(super) fn whole_ns(&self) -> i64 {
        let pictures = if self.decoder.id() == codec::Id::HEVC { 16 } else { 3 };
        self.usual_duration_ns.saturating_mul(pictures)
    }

    /// Brings out what is still inside, at the film's end.
    pub(super) fn finish(&mut self) {
        if let Err(error) = self.decoder.send_eof() {
            tracing::debug!("the picture's decoder does not end: {error}");
        }
        self.receive();
        let mut last = Vec::new();
        self.deinterlacer.finish(&mut last);
        last.into_iter().for_each(|raw| self.place(raw));
        if let Some(candidate) = self.candidate.take() {
            self.pass_on(candidate);
        }
    }

    /// The next picture in order.
    pub(super) fn next(&mut self) -> Option<Picture> {
        self.ready.pop_front()
    }

    /// Where a packet's picture begins and ends, in nanoseconds of film time. Packets come in decoding order, so this may step back a little.
    pub(super) fn span_ns(&mut self, packet: &Packet) -> (i64, i64) {
        let stamp = packet.pts().or(packet.dts()).and_then(|stamp| self.film_ns(stamp));
        let start_ns = match (stamp, self.packet_end_ns) {
            (Some(start_ns), Some(last_ns)) if start_ns.abs_diff(last_ns) > MAX_LEAP_NS => last_ns,
            (Some(start_ns), _) => start_ns,
            (None, last_ns) => last_ns.unwrap_or(self.target_ns),
        };
        let duration_ns =
            Some(packet.duration()).filter(|&duration| duration > 0).and_then(|duration| to_ns(duration, self.stream.time_base));
        let end_ns = start_ns + duration_ns.unwrap_or(self.usual_duration_ns).min(MAX_LEAP_NS as i64);
        self.packet_end_ns = Some(end_ns.max(self.packet_end_ns.unwrap_or(end_ns)));
        (start_ns, end_ns)
    }

    fn film_ns(&self, stamp: i64) -> Option<i64> {
        to_ns(stamp, self.stream.time_base).map(|ns| ns - self.stream.start_us * 1000)
    }

    fn receive(&mut self) {
        let mut frame = frame::Video::empty();
        let mut whole = Vec::new();
        loop {
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => {}
                Err(ffmpeg_next::Error::Eof | ffmpeg_next::Error::Other { errno: EAGAIN }) => return,
                Err(error) => {
                    tracing::debug!("a picture was skipped: {error}");
                    return self.look_at_size();
                }
            }
            let mut frame = std::mem::replace(&mut frame, frame::Video::empty());
            if self.has_card && hardware::holds(&frame) {
                let Some(fetched) = hardware::fetch(&frame) else {
                    self.hardware_has_failed = true;
                    continue;
                };
                frame = fetched;
            }
            if is_too_large(frame.width().into(), frame.height().into()) {
                self.leave_out((frame.width(), frame.height()));
                continue;
            }
            let raw = self.timed(frame);
            self.deinterlacer.push(raw, &mut whole);
            whole.drain(..).for_each(|raw| self.place(raw));
        }
    }

    /// A decoder does not say whether it refuses pictures for their size, so the newest packet that begins anew is looked at.
    fn look_at_size(&mut self) {
        let Some(key) = self.newest_key.take().filter(|_| self.looks_left > 0) else { return };
        self.looks_left -= 1;
        let size = ffi::size_in(self.parameters.clone(), &key, LOOKED_AT_PIXELS);
        if let Some(size) = size.filter(|&(width, height)| is_too_large(width.into(), height.into())) {
            self.leave_out(size);
        }
    }

    fn leave_out(&mut self, size: (u32, u32)) {
        if !std::mem::replace(&mut self.leaves_out, true) {
            (self.left_out, self.looks_left) = (Some(size), 0);
        }
    }

    fn timed(&mut self, frame: frame::Video) -> Raw {
        let duration_ns = to_ns(ffi::frame_duration(&frame), self.stream.time_base).filter(|&ns| ns > 0).unwrap_or(self.usual_duration_ns);
        let stamp_ns = frame.timestamp().and_then(|stamp| self.film_ns(stamp));
        let film_ns = match (stamp_ns, self.last_ns) {
            _ if self.stream.is_cover => self.target_ns,
            (Some(stamp_ns), Some(last_ns)) => {
                if (stamp_ns + self.leap_ns).abs_diff(last_ns) > MAX_LEAP_NS {
                    self.leap_ns = last_ns + self.usual_duration_ns - stamp_ns;
                }
                stamp_ns + self.leap_ns
            }
            (Some(stamp_ns), None) => stamp_ns,
            (None, last_ns) => last_ns.map_or(self.target_ns, |last_ns| last_ns + self.usual_duration_ns),
        };
        self.last_ns = Some(film_ns);
        Raw { frame, film_ns, duration_ns }
    }

    /// Passes a picture on, or keeps it while a later one may stand at the target as well.
    fn place(&mut self, raw: Raw) {
        if raw.film_ns + raw.duration_ns <= self.target_ns {
            if std::mem::take(&mut self.glances)
                && let Some(frame) = ffi::share(&raw.frame)
                && let Some(mut picture) = self.converted(Raw { frame, ..raw })
            {
                picture.is_glance = true;
                self.ready.push_back(picture);
            }
            self.candidate = Some(raw);
            return;
        }
        if let Some(candidate) = self.candidate.take()
            && raw.film_ns > self.target_ns
        {
            self.pass_on(candidate);
        }
        self.pass_on(raw);
    }

    fn pass_on(&mut self, raw: Raw) {
        // Stamps that step back come again: that stretch was shown, and its sound is dropped as well.
        if raw.film_ns < self.newest_ns {
            return;
        }
        self.newest_ns = raw.film_ns;
        self.glances = false;
        let picture = self.converted(raw);
        self.ready.extend(picture);
    }

    fn converted(&mut self, raw: Raw) -> Option<Picture> {
        let is_fit = layout(raw.frame.format()).is_some() && ffi::rows_ascend(&raw.frame);
        let raw = if is_fit { raw } else { Raw { frame: self.rearranged(&raw.frame)?, ..raw } };
        Picture::new(raw, &self.stream.said)
    }

    /// Whatever is not of three planes goes through swscale.
    fn rearranged(&mut self, frame: &frame::Video) -> Option<frame::Video> {
        let (format, width, height) = (frame.format(), frame.width(), frame.height());
        if self.scaler.as_ref().is_none_or(|(_, key)| *key != (format, width, height)) {
            let scaler = ffi::Scaler::new(format, nearest_with_layout(format), (width, height)).ok()?;
            self.scaler = Some((scaler, (format, width, height)));
        }
        let (scaler, _) = self.scaler.as_mut()?;
        let mut converted = scaler.run(frame).ok()?;
        ffi::copy_properties(frame, &mut converted);
        if is_rgb(format) && colour_numbers(frame).range != 1 {
            converted.set_color_range(ffmpeg_next::color::Range::JPEG);
        }
        Some(converted)
    }
}

/// A decoded frame and its time in the film, in nanoseconds.
pub(super) struct Raw {
    pub(super) frame: frame::Video,
    pub(super) film_ns: i64,
    pub(super) duration_ns: i64,
}

/// What the decoder must know of its stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct VideoStream {
    pub(super) time_base: Rational,
    pub(super) start_us: i64,
    pub(super) is_cover: bool,
    pub(super) rate: Option<f64>,
    pub(super) threads: usize,
    /// Whether the graphics card decodes it, if it can.
    pub(super) on_hardware: bool,
    pub(super) said: Said,
}

/// Refuses sizes beyond the fence before a decoder sees them.
///
/// # Errors
/// In words, if the picture is larger than 8192 × 4352 or the like.
pub(super) fn check_size(name: &str, width: i64, height: i64) -> Result<(), Error> {
    if is_too_large(width, height) {
        return Err(Error::Beyond { name: name.to_owned(), what: format!("a picture of {width} × {height} pixels") });
    }
    Ok(())
}

fn is_too_large(width: i64, height: i64) -> bool {
    width.saturating_mul(height) > MAX_PIXELS || width.max(height) > MAX_SIDE as i64
}

/// Time stamp to nanoseconds; `None` if it overflows.
pub(super) fn to_ns(stamp: i64, time_base: Rational) -> Option<i64> {
    let ns = i128::from(stamp) * i128::from(time_base.numerator()) * 1_000_000_000 / i128::from(time_base.denominator()).max(1);
    i64::try_from(ns).ok().filter(|ns| ns.abs() < MAX_FILM_NS)
}

/// 8K and a little.
const MAX_PIXELS: i64 = 8192 * 4352;
/// 16K and more. What a decoder needs for that beside the pictures is some 100 MB.
const LOOKED_AT_PIXELS: i64 = 1 << 28;
/// From each place on; a damaged film has many packets that are refused.
const LOOKS: u32 = 3;
/// A leap of time stamps beyond this is damage, or two films in one file, and counts as none.
const MAX_LEAP_NS: u64 = 60_000_000_000;
/// Some three years, far from any overflow.
const MAX_FILM_NS: i64 = 100_000_000_000_000_000;
