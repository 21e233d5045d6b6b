//! A QR code as people scan it: PNG, SVG, or characters for a terminal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::render::{svg, unicode};
use qrcode::{Color, EcLevel, QrCode};
use wharf_api::types::session::Qr;
use wharf_core::engine;

/// The light border that the standard wants, in modules.
const QUIET_ZONE: usize = 4;
/// The side of a module in the PNG, in pixels.
const SCALE: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the text does not fit into a QR code")]
    TooLong(#[from] qrcode::types::QrError),
    #[error("the PNG could not be written")]
    Png(#[from] png::EncodingError),
}

/// The code as the wire shows it, picture and string.
pub fn on_the_wire(code: &engine::QrCode) -> Result<Qr, Error> {
    let picture = STANDARD.encode(png(&code.text)?);
    Ok(Qr { qr_code: format!("data:image/png;base64,{picture}"), qr: code.text.clone(), qr_expires_at: code.expires_at })
}

/// A grey-scale PNG.
pub fn png(text: &str) -> Result<Vec<u8>, Error> {
    let code = encode(text)?;
    let modules = code.width();
    let colors = code.to_colors();
    let side = (modules + 2 * QUIET_ZONE) * SCALE;
    let mut pixels = vec![u8::MAX; side * side];
    for (index, _) in colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        let (left, top) = ((index % modules + QUIET_ZONE) * SCALE, (index / modules + QUIET_ZONE) * SCALE);
        for row in top..top + SCALE {
            pixels[row * side + left..row * side + left + SCALE].fill(0);
        }
    }
    let side = u32::try_from(side).expect("a QR code has at most 177 modules a side");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}

pub fn svg(text: &str) -> Result<String, Error> {
    let side = u32::try_from(SCALE).expect("it is small");
    Ok(encode(text)?.render::<svg::Color<'_>>().module_dimensions(side, side).build())
}

/// Two modules a character, drawn light on dark as most terminals are.
pub fn terminal(text: &str) -> Result<String, Error> {
    let code = encode(text)?;
    let drawn = code.render::<unicode::Dense1x2>().dark_color(unicode::Dense1x2::Light).light_color(unicode::Dense1x2::Dark).build();
    Ok(drawn + "\n")
}

/// The lowest level of correction makes the smallest code, and a screen has no scratches.
fn encode(text: &str) -> Result<QrCode, Error> {
    Ok(QrCode::with_error_correction_level(text, EcLevel::L)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2@abcdefghijklmnopqrstuvwxyz/+==,QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=,MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=,c2VjcmV0";

    #[test]
    fn the_png_shows_every_module_inside_a_light_border() {
        let file = png(TEXT).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let side = info.width as usize;
        let code = encode(TEXT).unwrap();
        assert_eq!((side, info.height as usize), ((code.width() + 8) * 8, side));
        for y in 0..side {
            for x in 0..side {
                let (column, row) = ((x / 8).wrapping_sub(4), (y / 8).wrapping_sub(4));
                let dark = column < code.width() && row < code.width() && code[(column, row)] == Color::Dark;
                assert_eq!(pixels[y * side + x], if dark { 0 } else { 255 }, "{x},{y}");
            }
        }
    }

    #[test]
    fn the_other_pictures_are_made_too() {
        assert!(svg(TEXT).unwrap().contains("<svg"));
        let drawn = terminal(TEXT).unwrap();
        let widths: std::collections::HashSet<_> = drawn.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 1, "every line is as wide");
    }

    #[test]
    fn a_text_that_no_code_holds_is_an_error() {
        assert!(png(&"x".repeat(5000)).is_err());
    }
}
