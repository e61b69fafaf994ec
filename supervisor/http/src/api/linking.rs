//! Linking a phone: by a code to scan, in three forms, or by one to type.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use colmeia::SessionState;
use colmeia::protocol::{Call, Reply};
use qrcode::{Color, QrCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answered, Json, Png, PngOr};
use super::session::Session;
use crate::errors::ApiError;
use colmeia_session::SessionStatus as Status;

/// How large one module of the code is drawn, in pixels, and how many stay white around it (ISO 18004 asks for 4).
const SCALE: usize = 6;
const MARGIN: usize = 4;

/// The form of the code.
#[derive(Deserialize, ToSchema)]
pub(super) struct QrArgs {
    /// `image` for a picture (or JSON with one, as `Accept` says), `raw` for the text in it.
    format: Option<Format>,
}

/// How a code is given.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// A picture.
    Image,
    /// The text.
    Raw,
}

/// A code, as text or as a picture in base64.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum QrAnswer {
    /// The text.
    Raw {
        /// What the phone scans.
        value: String,
    },
    /// The picture.
    Picture {
        /// `image/png`.
        mimetype: &'static str,
        /// In base64.
        data: String,
    },
}

/// The phone that is to be linked.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CodeArgs {
    /// With the country's code; everything but digits is ignored.
    phone_number: String,
}

/// What the phone's owner types.
#[derive(Serialize, ToSchema)]
pub(super) struct PairingCode {
    /// `ABCD-EFGH`.
    code: String,
}

pub(super) async fn qr(session: Session, args: QrArgs) -> Result<PngOr<QrAnswer>, ApiError> {
    let view = session.handle.view();
    // Whoever looks at the code keeps the session from being stopped as one that nobody wants.
    if matches!(Status::of(&view), Status::ScanQrCode | Status::Starting) {
        session.handle.wake();
    }
    let expected = Status::ScanQrCode.name();
    let text = match view.state() {
        Some(SessionState::AwaitingScan { qr: Some(qr) }) => qr.expose().to_owned(),
        Some(SessionState::AwaitingScan { qr: None }) => {
            let error = "The next code is on its way; ask again in a second";
            return Err(ApiError::too_early(error));
        }
        _ => return Err(ApiError::not_working(Status::of(&view).name(), expected)),
    };
    if args.format == Some(Format::Raw) {
        return Ok(PngOr::Json(QrAnswer::Raw { value: text }));
    }
    let png = picture(&text)?;
    if wants_json(&session.headers) {
        let data = BASE64_STANDARD.encode(&png);
        return Ok(PngOr::Json(QrAnswer::Picture { mimetype: "image/png", data }));
    }
    Ok(PngOr::Png(Png(png.into())))
}

/// Programs that say nothing, and browsers, get the picture.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = |kind: &str| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    accept.split(',').any(|kind| essence(kind) == "application/json")
}

/// A code as a picture, black on white.
fn picture(text: &str) -> Result<Bytes, ApiError> {
    let code = QrCode::new(text).map_err(|error| ApiError::failed(&error, "a code cannot be drawn"))?;
    let (width, colors) = (code.width(), code.to_colors());
    let side = (width + 2 * MARGIN) * SCALE;
    let dark = |x: usize, y: usize| {
        let (x, y) = ((x / SCALE).checked_sub(MARGIN), (y / SCALE).checked_sub(MARGIN));
        matches!((x, y), (Some(x), Some(y)) if x < width && y < width && colors[y * width + x] == Color::Dark)
    };
    // One bit per pixel, each row in whole bytes.
    let stride = side.div_ceil(8);
    let mut bits = vec![0xFF_u8; stride * side];
    for y in 0..side {
        for x in (0..side).filter(|x| dark(*x, y)) {
            bits[y * stride + x / 8] &= !(0x80 >> (x % 8));
        }
    }
    let side = u32::try_from(side).map_err(|_| ApiError::bug())?;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&bits)?;
        writer.finish()
    });
    written.map_err(|error| ApiError::failed(&error, "a code cannot be drawn"))?;
    Ok(out.into())
}

pub(super) async fn request_code(session: Session, args: CodeArgs) -> Answered<PairingCode> {
    let phone: String = args.phone_number.chars().filter(char::is_ascii_digit).collect();
    if !(5..=25).contains(&phone.len()) {
        return Err(ApiError::field("phoneNumber", "has to have 5 to 25 digits"));
    }
    let status = Status::of(&session.handle.view());
    if status != Status::ScanQrCode {
        return Err(ApiError::not_working(status.name(), Status::ScanQrCode.name()));
    }
    session.handle.wake();
    match session.call_unlinked(Call::PairingCode { phone }, None).await? {
        (Reply::PairingCode { code }, _) => Ok(Json(PairingCode { code: code.expose().to_owned() })),
        _ => Err(ApiError::wrong_reply()),
    }
}

impl ApiError {
    /// 425: the code is not there yet.
    fn too_early(error: &str) -> Self {
        Self::new(StatusCode::TOO_EARLY, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_square_png() {
        let png = picture("2@abc,def==").expect("drawn");
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(side(16), side(20));
        assert_eq!(side(16) as usize % SCALE, 0);
    }
}
