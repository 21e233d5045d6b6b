//! The picture and the voice note that the steps send: small, real and without a word.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A second of silence, as Opus says it in twenty milliseconds.
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
const PACKETS: u8 = 50;
/// Samples of one packet at 48 kHz.
const SAMPLES: u64 = 960;

/// A PNG in Base64.
pub(super) fn picture() -> anyhow::Result<String> {
    let (width, height) = (96_u32, 64_u32);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            pixels.push(u8::try_from((x * 2 + y) % 256).unwrap_or_default());
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(STANDARD.encode(bytes))
}

/// An Ogg file with Opus in Base64.
pub(super) fn voice() -> String {
    let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
    let tags = b"OpusTags\x05\0\0\0wharf\0\0\0\0";
    let packets = vec![SILENCE.as_slice(); usize::from(PACKETS)];
    let pages = [page(2, 0, 0, &[head]), page(0, 0, 1, &[tags]), page(4, SAMPLES * u64::from(PACKETS), 2, &packets)];
    STANDARD.encode(pages.concat())
}

fn page(kind: u8, position: u64, number: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(kind);
    page.extend(position.to_le_bytes());
    page.extend(1_u32.to_le_bytes());
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    // Every packet here is shorter than the 255 bytes of one segment.
    page.push(u8::try_from(packets.len()).unwrap_or_default());
    page.extend(packets.iter().map(|packet| u8::try_from(packet.len()).unwrap_or_default()));
    page.extend(packets.concat());
    let sum = checksum(&page).to_le_bytes();
    page[22..26].copy_from_slice(&sum);
    page
}

/// Ogg's own: CRC-32 with the polynomial 04c11db7, from the high bit down, without any turning.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u32::from(*byte) << 24), |sum, _| if sum & 0x8000_0000 == 0 { sum << 1 } else { (sum << 1) ^ 0x04c1_1db7 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_ogg() {
        // The check value of CRC-32/MPEG-2 without its start and end values.
        assert_eq!(checksum(b"123456789"), 0x89a1_897f);
    }

    #[test]
    fn the_voice_note_is_taken_for_opus_and_the_picture_for_a_picture() {
        let voice = STANDARD.decode(voice()).unwrap();
        assert_eq!(voice.windows(4).filter(|four| four == b"OggS").count(), 3);
        assert!(STANDARD.decode(picture().unwrap()).unwrap().starts_with(b"\x89PNG"));
    }
}
