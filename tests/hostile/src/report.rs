//! What is told to the test. Owns the file's shape.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

/// What became of everything.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// `None` where it succeeded, else how it failed.
    pub(crate) attempts: BTreeMap<&'static str, Option<String>>,
    /// The names of its environment.
    pub(crate) environment: Vec<String>,
    /// Open descriptors, and what they are.
    pub(crate) descriptors: BTreeMap<u32, String>,
}

impl Report {
    /// What this process was given, without trying anything.
    pub(crate) fn of_this_process() -> Self {
        let environment = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
        let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let descriptors = entries
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.parse().ok()?;
                Some((number, fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
            })
            // The one through which they are listed.
            .filter(|(_, what)| !what.ends_with("/fd"))
            .collect();
        Self { environment, descriptors, ..Self::default() }
    }
}
