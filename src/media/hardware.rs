//! Decoding on the graphics card, for those who choose it: FFmpeg's own choice of interface (VA-API, NVDEC, D3D11, `VideoToolbox`), the pictures fetched back into
//! memory, where the rest of the way is the same.
//!
//! Where there is no such card, or it does not know the film's profile, FFmpeg decodes on the processor without a word; where a picture cannot be fetched, the
//! decoder is given up and the next one does without. No machine of continuous integration has such a card: the tests pretend one that fails (`pretended`), and
//! what a card delivers has to be looked at on one. AV1 is left to the processor: FFmpeg's decoder for cards has no way back.
//!
//! Rejected: textures that never leave the card, which need a way of their own into wgpu for each of four systems; choosing it by default, as laptops' drivers
//! still differ too much (mpv leaves it off as well).

#![expect(unsafe_code, reason = "ffmpeg-next knows no devices")]

use ffmpeg_next::{codec, ffi, frame};

/// Lends a decoder that is not open yet the first device of this machine that may decode its codec; says whether there is one.
pub(super) fn lend(context: &mut codec::Context) -> bool {
    #[cfg(test)]
    if pretended::lends() {
        return true;
    }
    // SAFETY: `context` owns its structure and is borrowed mutably; it takes the reference over and frees it with itself. The configurations are static.
    unsafe {
        let context = context.as_mut_ptr();
        let codec = ffi::avcodec_find_decoder((*context).codec_id);
        if codec.is_null() {
            return false;
        }
        for index in 0..MOST_INTERFACES {
            let Some(interface) = ffi::avcodec_get_hw_config(codec, index).as_ref() else { return false };
            if interface.methods & ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as i32 == 0 {
                continue;
            }
            let mut device = std::ptr::null_mut();
            if ffi::av_hwdevice_ctx_create(&raw mut device, interface.device_type, std::ptr::null(), std::ptr::null_mut(), 0) >= 0 {
                tracing::debug!("the graphics card may decode: {:?}", interface.device_type);
                (*context).hw_device_ctx = device;
                return true;
            }
        }
        false
    }
}

/// Whether a picture of a decoder that was lent a device lies on the graphics card.
pub(super) fn holds(frame: &frame::Video) -> bool {
    #[cfg(test)]
    if pretended::is_there() {
        return true;
    }
    // SAFETY: `frame` owns its structure and is borrowed.
    unsafe { !(*frame.as_ptr()).hw_frames_ctx.is_null() }
}

/// The picture in memory, with its time and colours; `None` if the card does not give it.
pub(super) fn fetch(frame: &frame::Video) -> Option<frame::Video> {
    #[cfg(test)]
    if pretended::is_there() {
        return pretended::gives().then(|| super::ffi::share(frame)).flatten();
    }
    let mut fetched = frame::Video::empty();
    // SAFETY: both own their structures, and the new one is empty: FFmpeg chooses its format and allocates it.
    let is_whole = unsafe {
        ffi::av_hwframe_transfer_data(fetched.as_mut_ptr(), frame.as_ptr(), 0) >= 0
            && ffi::av_frame_copy_props(fetched.as_mut_ptr(), frame.as_ptr()) >= 0
    };
    is_whole.then_some(fetched)
}

/// Far more than FFmpeg knows.
const MOST_INTERFACES: i32 = 32;

/// A graphics card for tests: the processor decodes, and the pictures count as the card's until it fails. It is that of one thread, for steps made by hand.
#[cfg(test)]
pub(super) mod pretended {
    use std::cell::Cell;

    thread_local! {
        static CARD: Cell<Option<Card>> = const { Cell::new(None) };
    }

    /// How a pretended card is doing.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(in crate::media) struct Card {
        /// How many pictures it gives before it fails for ever.
        pub(in crate::media) pictures_left: u32,
        /// To how many decoders it was lent.
        pub(in crate::media) lent: u32,
        /// How many pictures it did not give.
        pub(in crate::media) failed: u32,
    }

    /// Puts a card in, or takes it out; gives back the one before.
    pub(in crate::media) fn put(card: Option<Card>) -> Option<Card> {
        CARD.replace(card)
    }

    pub(super) fn is_there() -> bool {
        CARD.get().is_some()
    }

    pub(super) fn lends() -> bool {
        let lent = CARD.get().map(|card| Card { lent: card.lent + 1, ..card });
        CARD.set(lent);
        lent.is_some()
    }

    pub(super) fn gives() -> bool {
        let Some(card) = CARD.get() else { return false };
        let gives = card.pictures_left > 0;
        CARD.set(Some(if gives {
            Card { pictures_left: card.pictures_left - 1, ..card }
        } else {
            Card { failed: card.failed + 1, ..card }
        }));
        gives
    }
}
