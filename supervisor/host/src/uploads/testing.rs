//! What tests of files begin with, here and in the crates above.

use std::path::Path;

use crate::shares::Holder;

use super::{Upload, Uploads};

/// A file of this content.
pub fn upload(uploads: &Uploads, content: &[u8]) -> Upload {
    let mut draft =
        uploads.expect(content.len() as u64, &Holder::Here).expect("room").begin().expect("begun");
    draft.write(content).expect("written");
    draft.finish()
}

/// How many files of this folder we have open.
pub fn open_files(folder: &Path) -> usize {
    let ours = std::fs::read_dir("/proc/self/fd").expect("there").flatten();
    ours.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path.starts_with(folder))).count()
}

/// What is in a file.
pub fn content(upload: &Upload) -> Vec<u8> {
    let mut content = Vec::new();
    while content.len() as u64 != upload.length() {
        content.extend_from_slice(&upload.read(content.len() as u64).expect("read"));
    }
    content
}
