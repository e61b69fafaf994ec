//! The threat model names a test for each promise: every one of them exists.

use std::path::Path;

/// The tests that the page names, as `file::test`, or a whole file of them.
fn named(page: &str) -> Vec<&str> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.contains(".rs")).collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/threat-model.md")).expect("the page");
    let named = named(&page);
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        let (file, test) = name.split_once("::").map_or((name, None), |(file, test)| (file, Some(test)));
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let Some(test) = test else {
            assert!(text.contains("#[test]") || text.contains("#[tokio::test"), "{file} has no test");
            continue;
        };
        let (before, _) =
            text.split_once(&format!("fn {test}(")).unwrap_or_else(|| panic!("{name} is not there"));
        let attributes = before.rsplit("\n\n").next().unwrap_or_default();
        assert!(attributes.contains("#[test]") || attributes.contains("#[tokio::test"), "{name} is no test");
    }
}
