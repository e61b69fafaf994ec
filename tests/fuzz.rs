//! The fuzz targets on a stable toolchain: every seed of the corpus, then thousands of changes of seeds, the same
//! in each run. cargo-fuzz searches further (`fuzz/Cargo.toml`).

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

/// Changed inputs per target; a few seconds without optimisation.
const ROUNDS: usize = 100_000;
/// Inputs do not grow beyond this.
const LONGEST: usize = 4096;
/// What a format trips over more often than over chance.
const TELLING: [u8; 12] = [0, 1, 8, 0x7f, 0x80, 0xff, b'"', b'{', b'}', b'[', b'\\', b'9'];

/// A small generator (xorshift), so that a failure is the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (limit.max(1) as u64)).unwrap_or_default()
    }

    /// One change: a byte replaced, inserted or removed, a piece repeated or left out, the beginning of one seed
    /// with the end of another.
    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len());
        let end = (at + 1 + self.below(16)).min(input.len());
        let byte =
            if self.below(2) == 0 { TELLING[self.below(TELLING.len())] } else { self.below(256) as u8 };
        match self.below(6) {
            _ if input.is_empty() => input.push(byte),
            0 => input[at] = byte,
            1 => input.insert(at, byte),
            2 => drop(input.remove(at)),
            3 => drop(input.drain(at..end)),
            4 => input.extend_from_within(at..end),
            _ => {
                input.truncate(at);
                input.extend_from_slice(&other[self.below(other.len())..]);
            }
        }
        input.truncate(LONGEST);
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a corpus").map(|file| file.expect("read").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("read")).collect()
}

fn search(name: &str, target: fn(&[u8])) {
    let seeds = seeds(name);
    assert!(seeds.len() > 5, "the corpus of {name} is there");
    seeds.iter().for_each(|seed| target(seed));
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for _ in 0..ROUNDS {
        let mut input = seeds[chance.below(seeds.len())].clone();
        for _ in 0..=chance.below(4) {
            let other = &seeds[chance.below(seeds.len())];
            chance.change(&mut input, other);
        }
        if let Err(panic) = std::panic::catch_unwind(|| target(&input)) {
            eprintln!("{name} fails for {:?}", input.escape_ascii().to_string());
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn any_bytes_are_frames_or_refused() {
    search("frame", targets::frame);
}

#[test]
fn any_head_is_a_message_or_refused() {
    search("wire", targets::wire);
}

#[test]
fn any_body_with_a_file_is_read_the_same_however_it_comes_or_refused() {
    search("upload", targets::upload);
}

#[test]
fn any_query_is_understood_within_its_bounds_or_refused() {
    search("query", targets::query);
}

#[test]
fn any_headers_say_no_more_than_their_sender_may() {
    search("headers", targets::headers);
}

#[test]
fn any_answer_of_a_passkey_is_checked_or_refused() {
    search("passkey", targets::passkey);
}

#[test]
fn any_text_is_a_name_and_no_more_or_refused() {
    search("ids", targets::ids);
}
