//! A JSON body with a file in it, read as it comes in: the file's base64 goes decoded to the disk, the rest becomes an
//! object in memory.
//!
//! Owns what such a body may look like and how much of it may be kept. Where the file stood the object has its digest
//! instead, so that one request can be told from another without the file. **Nothing here holds more than a piece of the
//! file.** It blocks while it waits for the body, so it runs on a thread for that.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, Chain, Cursor, Read};

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::read::DecoderReader;
use serde_json::{Map, Value};
use struson::reader::{JsonReader, JsonStreamReader, JsonSyntaxError, LinePosition, ReaderError, ValueType};

use super::super::super::body::LIMIT;
use super::super::unique::below;
use super::{Draft, DraftError, Expected, LARGEST, Upload};

/// The largest body: the largest file in base64, lines and escapes in it, and the rest.
pub(super) const LARGEST_BODY: u64 = LARGEST / 3 * 4 + LARGEST / 12 + LIMIT;
/// How much of a body that is refused is read and thrown away, so that the caller, who is still sending, gets to see
/// the answer.
const PATIENCE: u64 = LARGEST_BODY + LARGEST;
/// How much is decoded at once.
const PIECE: usize = 64 * 1024;
/// The longest beginning of a `data:` address.
const LONGEST_SCHEME: u64 = 256;

/// Padding may be missing, as some clients write it.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// What is wrong with a body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("the body is no JSON")]
    NoJson(Option<LinePosition>),
    #[error("the body is no JSON object")]
    NoObject,
    #[error("the body is too large beside its file")]
    TooLarge,
    #[error("the file is no base64")]
    NoBase64,
    #[error("a field stands there twice")]
    Twice(String),
    #[error("the file cannot be taken")]
    File(#[from] DraftError),
    #[error("the body did not come in in time")]
    Slow,
    #[error("the body came in incomplete")]
    Broken,
}

/// Reads a body whose file is the text at this place. `expected` is the room for it.
///
/// # Errors
/// [`Wrong`]; no file is left then.
pub(crate) fn lift(
    body: impl Read,
    at: &[&str],
    expected: Expected,
) -> Result<(Map<String, Value>, Option<Upload>), Wrong> {
    let in_file = Cell::new(false);
    let mut source = Source { body, in_file: &in_file, read: 0, beside: 0, refused: None };
    let lifted = read(&mut source, &in_file, at, expected);
    lifted.map_err(|wrong| match source.refused.take() {
        Some(why @ (Wrong::Slow | Wrong::Broken)) => why,
        why => {
            source.drain();
            why.unwrap_or(wrong)
        }
    })
}

fn read<'a, R: Read>(
    source: &mut Source<'a, R>,
    in_file: &'a Cell<bool>,
    at: &[&str],
    expected: Expected,
) -> Result<(Map<String, Value>, Option<Upload>), Wrong> {
    let mut first = [b' '];
    while first[0].is_ascii_whitespace() {
        if source.read(&mut first)? == 0 {
            return Ok((Map::new(), None)); // no body has no fields
        }
    }
    let json = JsonStreamReader::new(Cursor::new(first).chain(source));
    let mut lifting = Lifting { json, in_file, expected: Some(expected), upload: None, way: String::new() };
    if lifting.json.peek()? != ValueType::Object {
        return Err(Wrong::NoObject);
    }
    let fields = lifting.object(Some(at))?;
    let Lifting { json, upload, .. } = lifting;
    json.consume_trailing_whitespace()?;
    Ok((fields, upload))
}

/// The body, and how much of it was read.
struct Source<'a, R> {
    body: R,
    /// Whether what is read now goes to the disk.
    in_file: &'a Cell<bool>,
    read: u64,
    /// What is kept in memory, in bytes of the body.
    beside: u64,
    /// Why no more is read.
    refused: Option<Wrong>,
}

impl<R: Read> Source<'_, R> {
    fn drain(&mut self) {
        let mut scrap = [0; 16 * 1024];
        while self.read < PATIENCE {
            match self.body.read(&mut scrap) {
                Ok(read) if read > 0 => self.read += read as u64,
                _ => return,
            }
        }
    }

    fn refuse(&mut self, why: Wrong) -> io::Error {
        let error = io::Error::other(why.to_string());
        self.refused = Some(why);
        error
    }
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = match self.body.read(buf) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(self.refuse(Wrong::Slow)),
            Err(_) => return Err(self.refuse(Wrong::Broken)),
        };
        self.read += read as u64;
        if !self.in_file.get() {
            self.beside += read as u64;
        }
        match (self.read > LARGEST_BODY, self.beside > LIMIT) {
            (_, true) => Err(self.refuse(Wrong::TooLarge)),
            (true, _) => Err(self.refuse(DraftError::TooLarge.into())),
            _ => Ok(read),
        }
    }
}

/// The body as JSON, whose first byte was looked at.
type Json<'s, 'a, R> = JsonStreamReader<Chain<Cursor<[u8; 1]>, &'s mut Source<'a, R>>>;

struct Lifting<'s, 'a, R: Read> {
    json: Json<'s, 'a, R>,
    in_file: &'a Cell<bool>,
    /// Until the file has come.
    expected: Option<Expected>,
    upload: Option<Upload>,
    /// Where we are.
    way: String,
}

impl<R: Read> Lifting<'_, '_, R> {
    /// `at` is the way from here to the file, on which most values do not lie.
    fn value(&mut self, at: Option<&[&str]>) -> Result<Value, Wrong> {
        Ok(match self.json.peek()? {
            ValueType::String if at.is_some_and(<[_]>::is_empty) => Value::String(self.file()?),
            ValueType::String => Value::String(self.json.next_string()?),
            ValueType::Number => {
                let number = serde_json::from_str(self.json.next_number_as_str()?);
                Value::Number(number.map_err(|_| Wrong::NoJson(self.json.current_position(false).line_pos))?)
            }
            ValueType::Boolean => Value::Bool(self.json.next_bool()?),
            ValueType::Null => {
                self.json.next_null()?;
                Value::Null
            }
            ValueType::Array => {
                let mut items = Vec::new();
                self.json.begin_array()?;
                let way = self.way.len();
                while self.json.has_next()? {
                    let _ = write!(self.way, "[{}]", items.len()); // writing into a String does not fail
                    items.push(self.value(None)?);
                    self.way.truncate(way);
                }
                self.json.end_array()?;
                Value::Array(items)
            }
            ValueType::Object => Value::Object(self.object(at)?),
        })
    }

    fn object(&mut self, at: Option<&[&str]>) -> Result<Map<String, Value>, Wrong> {
        let mut fields = Map::new();
        self.json.begin_object()?;
        while self.json.has_next()? {
            let name = self.json.next_name_owned()?;
            let at = at.and_then(<[_]>::split_first).filter(|(next, _)| **next == name).map(|(_, at)| at);
            let outside = std::mem::take(&mut self.way);
            self.way = below(&outside, &name);
            if fields.contains_key(&name) {
                return Err(Wrong::Twice(std::mem::take(&mut self.way)));
            }
            let value = self.value(at)?;
            fields.insert(name, value);
            self.way = outside;
        }
        self.json.end_object()?;
        Ok(fields)
    }

    /// Takes the file out, and says what stands in its place: its digest, or nothing where there was none.
    fn file(&mut self) -> Result<String, Wrong> {
        let mut draft = self.expected.take().ok_or_else(|| Wrong::Twice(self.way.clone()))?.begin()?;
        self.in_file.set(true);
        decode(Dense(self.json.next_string_reader()?), &mut draft)?;
        self.in_file.set(false);
        let upload = draft.finish();
        if upload.length() == 0 {
            return Ok(String::new());
        }
        let mark = upload.digest().map(hex::encode).unwrap_or_default();
        self.upload = Some(upload);
        Ok(mark)
    }
}

/// Base64, with or without a `data:` address around it.
fn decode(mut text: impl Read, draft: &mut Draft) -> Result<(), Wrong> {
    let mut head = Vec::new();
    text.by_ref().take(5).read_to_end(&mut head)?;
    if head == b"data:" {
        let mut scheme = Vec::new();
        let mut byte = [0];
        while byte != *b"," {
            if scheme.len() as u64 > LONGEST_SCHEME || text.read(&mut byte)? == 0 {
                return Err(Wrong::NoBase64);
            }
            scheme.extend(byte);
        }
        if !scheme.ends_with(b";base64,") {
            return Err(Wrong::NoBase64);
        }
        head.clear();
    }
    let mut bytes = DecoderReader::new(Cursor::new(head).chain(&mut text), &BASE64);
    let mut piece = vec![0; PIECE];
    loop {
        match bytes.read(&mut piece)? {
            0 => break,
            read => draft.write(&piece[..read])?,
        }
    }
    // The decoder may see an end where there is none.
    if text.read(&mut [0])? > 0 { Err(Wrong::NoBase64) } else { Ok(()) }
}

/// Leaves whitespace out: some encoders break lines.
struct Dense<R>(R);

impl<R: Read> Read for Dense<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buf)?;
            let mut kept = 0;
            for at in 0..read {
                if !buf[at].is_ascii_whitespace() {
                    buf[kept] = buf[at];
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// What went wrong within the file's text; what went wrong with the body itself its [`Source`] knows better.
impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        let cause = error.get_ref();
        if cause.is_some_and(|cause| cause.is::<base64::DecodeError>()) {
            return Self::NoBase64;
        }
        let syntax = cause.and_then(|cause| cause.downcast_ref::<JsonSyntaxError>());
        Self::NoJson(syntax.and_then(|error| error.location.line_pos))
    }
}

impl From<ReaderError> for Wrong {
    fn from(error: ReaderError) -> Self {
        match error {
            ReaderError::SyntaxError(JsonSyntaxError { location, .. })
            | ReaderError::UnexpectedValueType { location, .. }
            | ReaderError::UnexpectedStructure { location, .. }
            | ReaderError::MaxNestingDepthExceeded { location, .. }
            | ReaderError::UnsupportedNumberValue { location, .. }
            | ReaderError::IoError { location, .. } => Self::NoJson(location.line_pos),
            _ => Self::NoJson(None),
        }
    }
}
