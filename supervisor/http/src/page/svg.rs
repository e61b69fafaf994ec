//! Draws a QR code: black on white in every colour scheme, with the quiet zone that scanners need.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// The drawing, or nothing when the text does not fit into a code.
///
/// The lowest error correction makes the fewest and so the largest squares; a screen has no dirt to correct.
pub(super) fn draw(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    Some(
        code.render::<svg::Color<'_>>()
            .min_dimensions(264, 264)
            .quiet_zone(true)
            .dark_color(svg::Color("#000"))
            .light_color(svg::Color("#fff"))
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_and_does_not_carry_its_text() {
        let text = format!("2@{}", "Ab0+/=,".repeat(34));
        let drawing = draw(&text).expect("fits");
        assert!(drawing.contains("<svg") && !drawing.contains("2@"));
        assert_eq!(draw(&"x".repeat(5_000)), None);
    }
}
