//! The configuration file that is installed is held to what the program takes: every key, no other, and its
//! defaults are the real ones. Only tests.

use std::collections::BTreeSet;

use super::ServiceConfig;

const FILE: &str = include_str!("../../systemd/colmeia.toml");

/// The file with its commented keys and tables in force.
fn all_in_force() -> String {
    let is_key = |line: &str| {
        line.split_once(" = ")
            .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let lines = FILE.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if is_key(rest) || rest.starts_with('[') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Keys with their table, as `restart.burst`.
fn keys(table: &toml::Table) -> BTreeSet<String> {
    let of = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Table(inner) => inner.keys().map(|inner| format!("{key}.{inner}")).collect(),
        _ => vec![key.clone()],
    };
    table.iter().flat_map(of).collect()
}

#[test]
fn as_it_is_installed_it_is_valid_and_changes_only_the_place_of_wa_js() {
    let mut config: ServiceConfig = toml::from_str(FILE).expect("it parses");
    assert_eq!(config.validate(), Ok(()));
    assert!(config.wa_js.take().is_some());
    assert_eq!(config, ServiceConfig::default());
}

#[test]
fn it_names_every_key_and_no_other_and_shows_the_real_defaults() {
    let text = all_in_force();
    let mut config: ServiceConfig = toml::from_str(&text).expect("it parses");
    let named = keys(&toml::from_str(&text).expect("it parses"));
    assert_eq!(named, keys(&toml::Table::try_from(&config).expect("plain data")));
    // Those without a default show an example.
    assert!(
        config.runtime_dir.take().and(config.wa_js.take()).and(config.worker.take()).is_some()
            && config.public_url.take().is_some()
    );
    assert!(std::mem::take(&mut config.state_dir).is_absolute());
    assert_eq!(std::mem::take(&mut config.webhooks).len(), 1);
    // As if nothing was said.
    let ignore = std::mem::take(&mut config.ignore);
    assert_eq!([ignore.status, ignore.groups, ignore.channels, ignore.broadcast], [Some(false); 4]);
    assert_eq!(config, ServiceConfig::default());
}

#[test]
fn every_key_is_explained() {
    let mut explained = false;
    for line in FILE.lines() {
        match line {
            "" => explained = false,
            _ if line.starts_with("# ") => explained = true,
            _ => assert!(explained, "nothing is said of {line}"),
        }
    }
}
