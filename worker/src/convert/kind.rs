//! What a file is by its first bytes, and so by which one of the converter's readers it is read. Pure.
//!
//! The converter is never left to guess: some of its readers follow addresses that stand in a file (playlists, lists of
//! parts), and none of those is here.

/// What shall come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A voice message: OGG Opus, one channel, 48 kHz.
    Voice,
    /// A video: MP4 with H.264 and AAC, its index first.
    Video,
}

/// How much of a file is looked at: two packets of a transport stream.
pub(crate) const LOOK: usize = 192;

/// The reader for a file that begins like this; `None` for what is no sound or film, or not one of these.
pub(crate) fn reader(start: &[u8], target: Target) -> Option<&'static str> {
    let at = |place: usize, mark: &[u8]| start.get(place..).is_some_and(|rest| rest.starts_with(mark));
    let film = [
        (at(4, b"ftyp") || at(4, b"moov") || at(4, b"mdat") || at(4, b"wide"), "mov"),
        (at(0, b"\x1a\x45\xdf\xa3"), "matroska"),
        (at(0, b"OggS"), "ogg"),
        (at(0, b"RIFF") && at(8, b"AVI "), "avi"),
        (at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), "asf"),
        (at(0, b"FLV\x01"), "flv"),
        (at(0, b"\0\0\x01\xba"), "mpeg"),
        (at(0, b"\x47") && at(188, b"\x47"), "mpegts"),
    ];
    let sound = [
        (at(0, b"RIFF") && at(8, b"WAVE"), "wav"),
        (at(0, b"fLaC"), "flac"),
        (at(0, b"ID3"), "mp3"),
        (at(0, b"#!AMR"), "amr"),
        (at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")), "aiff"),
        (at(0, b"caff"), "caf"),
        (at(0, b".snd"), "au"),
        (matches!(start, [0xff, second, ..] if second & 0xf6 == 0xf0), "aac"),
        (matches!(start, [0xff, second, ..] if second & 0xe0 == 0xe0), "mp3"),
    ];
    let picture = [(at(0, b"GIF8"), "gif")];
    let also: &[(bool, &str)] = if target == Target::Voice { &sound } else { &picture };
    film.iter().chain(also).find(|(is, _)| *is).map(|(_, reader)| *reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
        for (start, voice, video) in [
            (&b"\0\0\0\x18ftypmp42"[..], Some("mov"), Some("mov")),
            (b"OggS\0\x02", Some("ogg"), Some("ogg")),
            (b"RIFF\0\0\0\0WAVEfmt ", Some("wav"), None),
            (b"RIFF\0\0\0\0AVI LIST", Some("avi"), Some("avi")),
            (b"ID3\x03", Some("mp3"), None),
            (b"\xff\xfb\x90", Some("mp3"), None),
            (b"\xff\xf1\x50", Some("aac"), None),
            (b"GIF89a", None, Some("gif")),
        ] {
            assert_eq!(reader(start, Target::Voice), voice, "{start:?}");
            assert_eq!(reader(start, Target::Video), video, "{start:?}");
        }
    }

    #[test]
    fn what_names_other_files_is_read_by_nobody() {
        for start in [
            &b"#EXTM3U\nfile:///etc/passwd"[..],
            b"ffconcat version 1.0\nfile /etc/passwd",
            b"file '/etc/passwd'",
            b"<?xml version=\"1.0\"?><MPD>",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1",
            b"[playlist]",
            b"\x89PNG\r\n",
            b"",
        ] {
            assert_eq!(
                (reader(start, Target::Voice), reader(start, Target::Video)),
                (None, None),
                "{start:?}"
            );
        }
    }
}
