use ffmpeg_next::{
    ChannelLayout,
    format::{Sample, sample::Type},
    frame,
};

/// All channels of a frame as one, for the counts that have no known places: the microphones of a concert, 64 channels of a mixing desk.
///
/// They are added as sounds that know nothing of each other are, by power; which of them stood left is not known. `None` where the format is unknown as well.
pub(super) fn fold(frame: &frame::Audio) -> Option<frame::Audio> {
    let (channels, samples, bytes) = (usize::from(frame.channels()), frame.samples(), frame.format().bytes());
    let read = reader(frame.format())?;
    if channels == 0 || samples == 0 || bytes == 0 {
        return None;
    }
    let mut sums = vec![0.0_f32; samples];
    if frame.is_packed() {
        let data = frame.data(0).get(..samples * channels * bytes)?;
        for (sum, all) in sums.iter_mut().zip(data.chunks_exact(channels * bytes)) {
            *sum = all.chunks_exact(bytes).map(read).sum();
        }
    } else {
        for channel in 0..channels {
            let data = frame.data(channel).get(..samples * bytes)?;
            for (sum, sample) in sums.iter_mut().zip(data.chunks_exact(bytes)) {
                *sum += read(sample);
            }
        }
    }
    let mut folded = frame::Audio::new(Sample::F32(Type::Packed), samples, ChannelLayout::MONO);
    folded.set_rate(frame.rate());
    folded.set_pts(frame.pts());
    let gain = (channels as f32).sqrt().recip();
    for (out, sum) in folded.data_mut(0).chunks_exact_mut(4).zip(sums) {
        out.copy_from_slice(&(sum * gain).to_ne_bytes());
    }
    Some(folded)
}

/// Reads one sample of a format as a number within ±1.
fn reader(format: Sample) -> Option<fn(&[u8]) -> f32> {
    Some(match format {
        Sample::U8(_) => |bytes| bytes.first().map_or(0.0, |byte| (f32::from(*byte) - 128.0) / 128.0),
        Sample::I16(_) => |bytes| bytes.try_into().map_or(0.0, |bytes| f32::from(i16::from_ne_bytes(bytes)) / 32_768.0),
        Sample::I32(_) => |bytes| bytes.try_into().map_or(0.0, |bytes| i32::from_ne_bytes(bytes) as f32 / 2_147_483_648.0),
        Sample::I64(_) => |bytes| bytes.try_into().map_or(0.0, |bytes| i64::from_ne_bytes(bytes) as f32 / 9_223_372_036_854_775_808.0),
        Sample::F32(_) => |bytes| bytes.try_into().map_or(0.0, f32::from_ne_bytes),
        Sample::F64(_) => |bytes| bytes.try_into().map_or(0.0, |bytes| f64::from_ne_bytes(bytes) as f32),
        Sample::None => return None,
    })
}
