//! Bodies with files.

#[path = "../../../../supervisor/src/http/api/files/lift.rs"]
mod lift;

/// How a body is read that comes in pieces of this length: its fields and its file.
pub(crate) fn lifted(body: &[u8], piece: usize) -> Option<(serde_json::Value, Option<Vec<u8>>)> {
    let (fields, upload) =
        lift::lift(Pieces { rest: body, piece }, &["file", "data"], crate::uploads::Expected).ok()?;
    // As they were read: written and read again, a number may be the next one.
    Some((serde_json::Value::Object(fields), upload.map(|upload| upload.0)))
}

struct Pieces<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let (piece, rest) = self.rest.split_at(self.piece.max(1).min(buf.len()).min(self.rest.len()));
        buf[..piece.len()].copy_from_slice(piece);
        self.rest = rest;
        Ok(piece.len())
    }
}
