use ffmpeg_next::{Packet, Rational, codec as av, format::Pixel, frame};
use proptest::prelude::*;

use super::{
    CameraLayout, CameraPicture, FACE_PACKET_BYTES_MAX, FaceCodec, FaceCutter, FaceDecoder, FaceEncoder, FaceError, FaceFrame, FacePicture,
    FaceSettings,
};
use crate::media::tests::{SECOND, clip::Clip, number, open_clip};

const NEAR: FaceSettings = FaceSettings { side: 192, rate: 15, bits_per_second: 100_000 };

/// A key frame's head that claims a size, before `length` bytes of nothing.
pub(super) fn vp8_key(width: u16, height: u16, length: usize) -> Vec<u8> {
    let tag = (length as u32 + 7) << 5 | 1 << 4;
    let mut bytes = tag.to_le_bytes()[..3].to_vec();
    bytes.extend([0x9d, 0x01, 0x2a]);
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(vec![0; length]);
    bytes
}

/// Light that is brighter to the right and below, and a bright ball that wanders.
fn scene(side: usize, at: usize) -> FaceFrame {
    let ball = |x: usize, y: usize| x.abs_diff(side / 4 + at * 3 % (side / 2)).pow(2) + y.abs_diff(side / 2).pow(2) < (side / 6).pow(2);
    let plane = |channel: usize| -> Vec<u8> {
        let level = |index: usize| {
            let (x, y) = (index % side, index / side);
            if ball(x, y) { [230, 180, 60][channel] } else { ((x + y * channel) * 200 / (side * 3)) as u8 + 20 }
        };
        (0..side * side).map(level).collect()
    };
    FaceFrame::of_rgb(side, [&plane(0), &plane(1), &plane(2)])
}

/// Mean distance of the codes of two pictures.
fn distance(a: &FacePicture, b: &FacePicture) -> f64 {
    assert_eq!((a.side, a.rgba.len()), (b.side, b.rgba.len()));
    a.rgba.iter().zip(&b.rgba).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.rgba.len() as f64
}

#[test]
fn every_picture_comes_out_of_the_call_it_went_into_within_the_bits() {
    for names in [&[("libvpx", FaceCodec::Vp8)][..], &[("no such encoder", FaceCodec::Vp8), ("libvpx-vp9", FaceCodec::Vp9)]] {
        let mut encoder = FaceEncoder::open_one_of(names, &NEAR).unwrap();
        let mut decoder = FaceDecoder::open(encoder.codec(), 192).unwrap();
        let (mut bytes, mut largest) = (0, 0);
        for at in 0..150 {
            let frame = scene(192, at);
            let packet = encoder.encode(&frame, at % 45 == 0).unwrap();
            assert_eq!(packet.is_key, at % 45 == 0, "{names:?}: picture {at}");
            let picture = decoder.decode(&packet.bytes, at as u32).unwrap();
            assert_eq!(picture.captured_ms, at as u32);
            let distance = distance(&picture, &frame.picture(0));
            assert!(distance < 6.0, "{names:?}: picture {at} is {distance} off");
            bytes += packet.bytes.len();
            largest = largest.max(packet.bytes.len());
        }
        let bits_per_second = bytes * 8 / 10;
        assert!(bits_per_second < 110_000 && largest < 12_000, "{names:?}: {bits_per_second} bit/s, at most {largest} bytes");
    }
}

#[test]
fn fewer_pictures_a_second_and_smaller_ones_cost_less() {
    let mut encoder = FaceEncoder::open(&FaceSettings { side: 96, rate: 5, bits_per_second: 24_000 }).unwrap();
    let bytes: usize = (0..50).map(|at| encoder.encode(&scene(192, at * 3).resized(96).unwrap(), at % 15 == 0).unwrap().bytes.len()).sum();
    assert!(bytes * 8 / 10 < 28_000, "{} bit/s", bytes * 8 / 10);
    assert!(matches!(encoder.encode(&scene(192, 0), false), Err(FaceError::Refused(_))));
}

#[test]
fn where_no_encoder_is_it_is_said() {
    let refusal = FaceEncoder::open_one_of(&[("no such", FaceCodec::Vp8), ("encoder", FaceCodec::Vp9)], &NEAR).unwrap_err();
    assert_eq!(refusal.to_string(), "This system's FFmpeg cannot encode faces: it has neither of no such, encoder.");
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    let mut decoder = FaceDecoder::open(FaceCodec::Vp8, 192).unwrap();
    for (width, height) in [(16_383, 16_383), (16_384, 192), (192, 16_383), (0, 0), (256, 256), (191, 192)] {
        let refusal = decoder.decode(&vp8_key(width, height, 1000), 0).unwrap_err();
        assert!(matches!(refusal, FaceError::Refused(_)), "{width} × {height}: {refusal}");
    }
    let mut tall = FaceEncoder::open(&FaceSettings { side: 256, ..NEAR }).unwrap();
    let other = tall.encode(&scene(256, 0), true).unwrap();
    assert!(matches!(decoder.decode(&other.bytes, 0), Err(FaceError::Refused(_))));
    assert!(decoder.decode(&vec![0; FACE_PACKET_BYTES_MAX + 1], 0).is_err() && decoder.decode(&[], 0).is_err());
    assert!([0, 16, 193, 258, 16_384].into_iter().all(|side| FaceDecoder::open(FaceCodec::Vp8, side).is_err()));
}

#[test]
fn a_group_begins_with_a_key_frame_and_so_does_what_follows_damage() {
    let mut encoder = FaceEncoder::open(&NEAR).unwrap();
    let packets: Vec<_> = (0..6).map(|at| encoder.encode(&scene(192, at), at == 0 || at == 4).unwrap()).collect();
    let mut decoder = FaceDecoder::open(FaceCodec::Vp8, 192).unwrap();
    assert!(decoder.decode(&packets[1].bytes, 0).is_err());
    assert!(decoder.decode(&packets[0].bytes, 0).is_ok() && decoder.decode(&packets[1].bytes, 0).is_ok());
    assert!(decoder.decode(b"garbage, all of it", 0).is_err());
    assert!(decoder.decode(&packets[2].bytes, 0).is_err() && decoder.decode(&packets[4].bytes, 0).is_ok());
    assert!(decoder.decode(&packets[5].bytes, 0).is_ok());
}

/// What an encoder of FFmpeg makes of a square gradient: for JPEGs.
fn jpeg(width: u32, height: u32, format: Pixel) -> Vec<u8> {
    let found = av::encoder::find_by_name("mjpeg").unwrap();
    let mut video = av::Context::new_with_codec(found).encoder().video().unwrap();
    video.set_width(width);
    video.set_height(height);
    video.set_format(format);
    video.set_time_base(Rational(1, 15));
    video.set_global_quality(2 * 118);
    video.set_qmax(3);
    let mut encoder = video.open().unwrap();
    let mut frame = frame::Video::new(format, width, height);
    for index in 0..3 {
        let (stride, across) = (frame.stride(index), frame.plane_width(index) as usize);
        for row in frame.data_mut(index).chunks_mut(stride) {
            row.iter_mut()
                .take(across)
                .enumerate()
                .for_each(|(x, code)| *code = if index == 0 { (x * 255 / (across - 1)) as u8 } else { [0, 90, 170][index] });
        }
    }
    frame.set_pts(Some(0));
    encoder.send_frame(&frame).unwrap();
    let mut packet = Packet::empty();
    encoder.receive_packet(&mut packet).unwrap();
    packet.data().unwrap().to_vec()
}

#[test]
fn jpegs_of_cameras_become_faces_whatever_their_chroma() {
    let mut cutter = FaceCutter::default();
    for format in [Pixel::YUVJ420P, Pixel::YUVJ422P, Pixel::YUVJ444P] {
        let bytes = jpeg(640, 480, format);
        let face = cutter.cut(&CameraPicture { width: 640, height: 480, layout: CameraLayout::Mjpeg, bytes }, 192).unwrap();
        // The middle 480 of 640 columns, from full range to limited.
        for (x, full) in [(0, 80.5), (95, 319.0), (191, 559.0)].map(|(x, at)| (x, at * 255.0 / 639.0)) {
            let (expected, found) = (16.0 + full * 219.0 / 255.0, f64::from(face.plane(0).0[100 * 192 + x]));
            assert!((found - expected).abs() < 3.0, "{format:?}: {found} at {x} is not {expected}");
        }
        let chroma = [1, 2].map(|index| face.plane(index).0[50 * 96 + 50]);
        assert!(chroma[0].abs_diff(95) <= 2 && chroma[1].abs_diff(165) <= 2, "{format:?}: {chroma:?}");
    }
}

#[test]
fn broken_jpegs_are_told_and_the_next_one_is_cut() {
    let whole = jpeg(320, 240, Pixel::YUVJ422P);
    let mut cutter = FaceCutter::default();
    let mut cut =
        |bytes: &[u8]| cutter.cut(&CameraPicture { width: 320, height: 240, layout: CameraLayout::Mjpeg, bytes: bytes.to_vec() }, 192);
    assert!(cut(b"").is_err() && cut(b"no JPEG").is_err() && cut(&[0xff, 0xd8, 0xff, 0xd9]).is_err());
    let mut giant = whole.clone();
    let size = giant.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap() + 5;
    giant[size..size + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert!(cut(&giant).is_err());
    assert_eq!(cut(&whole).map(|face| face.side()), Ok(192));
}

#[test]
fn layouts_of_cameras_mean_the_same_picture() {
    let (width, height) = (64, 48);
    let mut cutter = FaceCutter::default();
    let mut cut =
        |layout, bytes: Vec<u8>| cutter.cut(&CameraPicture { width, height, layout, bytes }, 32).unwrap().picture(0).rgba[..4].to_vec();
    let orange = [220, 120, 40, 255];
    let rgb: Vec<u8> = [220, 120, 40].repeat(width * height);
    let bgr: Vec<u8> = [40, 120, 220].repeat(width * height);
    let (luma, blue, red) = (137, 78, 177);
    let yuyv = [luma, blue, luma, red].repeat(width * height / 2);
    let nv12: Vec<u8> = std::iter::repeat_n(luma, width * height).chain([blue, red].repeat(width * height / 4)).collect();
    for (layout, bytes) in [(CameraLayout::Rgb24, rgb), (CameraLayout::Bgr24, bgr), (CameraLayout::Yuyv, yuyv), (CameraLayout::Nv12, nv12)]
    {
        let found = cut(layout, bytes);
        assert!(found.iter().zip(orange).all(|(is, was)| is.abs_diff(was) <= 5), "{layout:?}: {found:?}");
    }
    assert_eq!(cut(CameraLayout::Grey, vec![255; width * height]), [255; 4]);
}

#[test]
fn a_films_picture_becomes_a_face_with_its_number() {
    let mut film = open_clip(&Clip { size: (320, 320), sound: &[], seconds: 1.0, ..Clip::default() });
    film.seek(SECOND / 2 + SECOND / 48, None);
    let picture = film.picture(&mut Vec::new()).unwrap();
    let face = FaceCutter::default().cut_film(&picture, 192).unwrap().picture(0);
    let read = crate::media::tests::clip::read_number(|cell| face.brightness((cell * 2 + 1) * 192 / 40, 192 / 36));
    assert_eq!((number(&picture), read), (Some(12), Some(12)));
}

proptest! {
    #[test]
    fn any_bytes_of_a_camera_are_borne(
        width in prop_oneof![0usize..70, Just(640), Just(usize::MAX), Just(4352)], height in prop_oneof![0usize..70, Just(480), Just(5000)],
        layout in 0usize..6, bytes in prop::collection::vec(any::<u8>(), 0..20_000),
    ) {
        use CameraLayout::{Bgr24, Grey, Mjpeg, Nv12, Rgb24, Yuyv};
        let layout = [Yuyv, Mjpeg, Nv12, Rgb24, Bgr24, Grey][layout];
        let face = FaceCutter::default().cut(&CameraPicture { width, height, layout, bytes }, 64);
        prop_assert!(face.is_err() || width.max(height) <= 4352 && width.min(height) >= 16);
    }

    #[test]
    fn a_peers_damage_is_borne(hurt in prop::collection::vec((0usize..8, any::<usize>(), any::<u8>()), 1..40), cut in any::<usize>(), codec in 0usize..2) {
        let name = [("libvpx", FaceCodec::Vp8), ("libvpx-vp9", FaceCodec::Vp9)][codec];
        let mut encoder = FaceEncoder::open_one_of(&[name], &FaceSettings { side: 64, ..NEAR }).unwrap();
        let mut packets: Vec<_> = (0..8).map(|at| encoder.encode(&scene(64, at), at % 4 == 0).unwrap().bytes).collect();
        for (picture, at, value) in hurt {
            let bytes = &mut packets[picture];
            let at = at % bytes.len();
            bytes[at] = value;
        }
        let cut_off = cut % packets[7].len();
        packets[7].truncate(cut_off);
        let mut decoder = FaceDecoder::open(name.1, 64).unwrap();
        for bytes in &packets {
            if let Ok(picture) = decoder.decode(bytes, 0) {
                prop_assert_eq!((picture.side, picture.rgba.len()), (64, 64 * 64 * 4));
            }
        }
    }
}
