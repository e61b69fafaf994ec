//! The supervisor's crates use each other as ARCHITECTURE.md says, and in no other direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Our crates that this manifest depends on, without those that only its tests need; short names.
fn uses(manifest: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(manifest).expect("a manifest");
    let manifest: toml::Table = text.parse().expect("TOML");
    let dependencies = manifest["dependencies"].as_table().expect("a table");
    dependencies.keys().filter_map(|name| name.strip_prefix("colmeia-")).map(str::to_owned).collect()
}

/// The rows of the table: a crate, and what it may use.
fn table(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = text.lines().skip_while(|line| *line != "| crate | has | may use |").skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let may = cells[2].split(", ").filter(|name| *name != "the contract").map(str::to_owned);
        (cells[0].trim_matches('`').to_owned(), may.collect())
    });
    rows.collect()
}

#[test]
fn each_crate_uses_what_the_table_of_the_architecture_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = table(&fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the document"));
    let crates: BTreeSet<String> = fs::read_dir(root.join("supervisor"))
        .expect("the folder")
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let told: BTreeSet<String> = table.keys().filter(|name| *name != "supervisor").cloned().collect();
    assert_eq!(crates, told, "the table has a row for each crate");
    for name in &crates {
        let below = uses(&root.join("supervisor").join(name).join("Cargo.toml"));
        let above: Vec<_> =
            below.iter().filter(|used| crates.contains(*used) && !table[name].contains(*used)).collect();
        assert!(above.is_empty(), "{name} uses {above:?}");
    }
    for outside in ["worker", "ctl", "base", "doctor", "."] {
        let used = uses(&root.join(outside).join("Cargo.toml"));
        assert!(used.is_disjoint(&crates), "{outside} uses a crate of the supervisor: {used:?}");
    }
}
