//! LevelDB's logs in a profile: what stands behind the last whole record is cut off before a browser reads them.
//!
//! Where the disk is full LevelDB writes a record in part, and Chromium closes the database. At the next opening that is a
//! torn end, which LevelDB passes over, but it goes on writing behind it (`reuse_logs`). At the opening after that it is
//! damage in the middle, for which Chromium deletes the whole database, and with it the registration. Without the torn end
//! nothing of this follows: the log is what a crash would have left just before.
//!
//! Owns the reading of the format ([`whole`], pure). Manifests have the same one. Never touches what is whole, and is only
//! called while no browser runs.

use std::io::{self, Read as _};
use std::path::Path;

use colmeia::errors::lack_of;
use colmeia_base::files::open_beneath;
use rustix::fs::OFlags;

use super::copy::{is_log, list};

const BLOCK: usize = 32 * 1024;
/// Checksum, length, kind.
const HEADER: usize = 7;
/// LevelDB begins a new one long before.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Cuts off the torn ends of all logs in these parts of a profile. What cannot be read or cut is left as it is.
///
/// # Errors
/// When the machine has nothing left to look with: a browser that started now would go on behind a torn end.
pub(super) fn trim(profile: &Path, parts: &[&str]) -> io::Result<()> {
    let files = match list(profile, parts) {
        Err(error) if lack_of(&error).is_some() => return Err(io::Error::other(error)),
        Err(_) => return Ok(()),
        Ok(files) => files,
    };
    for name in files.keys().filter(|name| is_log(name)) {
        match cut(profile, name) {
            Ok(0) => {}
            Ok(bytes) => {
                tracing::warn!(file = %name.display(), bytes, "the torn end of a log of the profile is cut off");
            }
            Err(error) if lack_of(&error).is_some() => return Err(error),
            Err(error) => {
                tracing::warn!(file = %name.display(), %error, "a log of the profile cannot be looked at");
            }
        }
    }
    Ok(())
}

/// How many bytes were cut off.
fn cut(profile: &Path, name: &Path) -> io::Result<usize> {
    let root = std::fs::File::open(profile)?;
    let mut file = open_beneath(&root, name, OFlags::RDWR)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Ok(0);
    }
    let mut log = Vec::new();
    file.read_to_end(&mut log)?;
    let whole = whole(&log);
    // Nothing but zeros is room that was set aside; LevelDB passes over it.
    if log[whole..].iter().all(|byte| *byte == 0) {
        return Ok(0);
    }
    file.set_len(whole as u64)?;
    file.sync_all()?;
    Ok(log.len() - whole)
}

/// How long the part of a log is that ends with its last whole record before anything that is none.
fn whole(log: &[u8]) -> usize {
    let (mut at, mut whole) = (0, 0);
    // How much of a record in several pieces has been read.
    let mut begun: Option<usize> = None;
    while at < log.len() {
        let left = BLOCK - at % BLOCK;
        if left < HEADER {
            at += left; // padding
            continue;
        }
        let Some(header) = log.get(at..at + HEADER) else { break };
        let checksum = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let (length, kind) = (usize::from(u16::from_le_bytes([header[4], header[5]])), header[6]);
        if kind == 0 && length == 0 && begun.is_none() {
            at += left; // room that was set aside
            continue;
        }
        let end = at + HEADER + length;
        let Some(covered) = log.get(at + HEADER - 1..end).filter(|_| HEADER + length <= left) else { break };
        if checksum != masked(crc32c::crc32c(covered)) {
            break;
        }
        begun = match (kind, begun) {
            // An empty beginning may be left behind by an old LevelDB.
            (1, None | Some(0)) => None,
            (2, None | Some(0)) => Some(length),
            (3, Some(before)) => Some(before + length),
            (4, Some(_)) => None,
            _ => break,
        };
        at = end;
        if begun.is_none() {
            whole = end;
        }
    }
    whole
}

/// As LevelDB stores a checksum.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Appends a record as LevelDB does.
    fn append(log: &mut Vec<u8>, data: &[u8]) {
        let (mut left, mut first) = (data, true);
        loop {
            let room = BLOCK - log.len() % BLOCK;
            if room < HEADER {
                log.resize(log.len() + room, 0);
                continue;
            }
            let (piece, rest) = left.split_at(left.len().min(room - HEADER));
            let kind = match (first, rest.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let covered = [&[kind], piece].concat();
            log.extend(masked(crc32c::crc32c(&covered)).to_le_bytes());
            log.extend(u16::try_from(piece.len()).expect("short").to_le_bytes());
            log.extend(covered);
            (left, first) = (rest, false);
            if left.is_empty() {
                return;
            }
        }
    }

    #[test]
    fn a_torn_end_is_cut_off_and_what_is_whole_is_left() {
        let dir = tempfile::tempdir().expect("folder");
        let folder = dir.path().join("Default/IndexedDB/x.leveldb");
        std::fs::create_dir_all(&folder).expect("made");
        let mut log = Vec::new();
        append(&mut log, b"registration");
        let good = log.clone();
        append(&mut log, &[7; 1000]);
        log.truncate(log.len() - 300);
        // As it goes on behind a torn record.
        let mut gone_on = log.clone();
        append(&mut gone_on, b"later");
        let files = [
            ("000003.log", &log),
            ("000005.log", &gone_on),
            ("MANIFEST-000001", &good),
            ("000004.ldb", &log),
        ];
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).expect("written");
        }
        trim(dir.path(), &["Default/IndexedDB"]).expect("looked at");
        let read = |name| std::fs::read(folder.join(name)).expect("there");
        for name in ["000003.log", "000005.log", "MANIFEST-000001"] {
            assert_eq!(read(name), good, "{name}");
        }
        assert_eq!(read("000004.ldb"), log, "no log");
        let mut roomy = good.clone();
        roomy.resize(BLOCK, 0);
        std::fs::write(folder.join("000003.log"), &roomy).expect("written");
        trim(dir.path(), &["Default/IndexedDB"]).expect("looked at");
        assert_eq!(read("000003.log"), roomy, "set aside, and not torn");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_left_ends_with_the_last_record_before_the_damage(
            sizes in prop::collection::vec(prop_oneof![0usize..100, 30_000usize..70_000], 1..8),
            damage in 0.0f64..1.0,
            torn: bool,
        ) {
            let (mut log, mut ends) = (Vec::new(), vec![0]);
            for (n, size) in sizes.into_iter().enumerate() {
                append(&mut log, &vec![u8::try_from(n).expect("few") + 1; size]);
                ends.push(log.len());
            }
            prop_assert_eq!(whole(&log), log.len());
            let at = ((log.len() as f64) * damage) as usize;
            if torn {
                log.truncate(at);
            } else {
                log[at] ^= 0x55;
            }
            let last = ends.iter().rev().find(|end| **end <= at).copied().expect("the beginning");
            let left = whole(&log);
            // Damage of the padding between two blocks is none.
            prop_assert!(left == last || !torn && left == ends[ends.len() - 1], "{} of {}, {}", left, last, at);
        }
    }
}
