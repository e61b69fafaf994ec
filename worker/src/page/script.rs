//! The bridge's script: its files in their order, and the names that only this browser's bridge has.
//!
//! Owns the names by which page and worker find each other. They are random, so that no page can count on
//! them. The bridge itself is in `bridge/`.

use colmeia::config::{PageConfig, Passkey};
use colmeia::operations::{Operation, Provider};
use colmeia::passkey;
use colmeia::protocol::MAX_BODY;

/// In this order they make one function body.
const FILES: [&str; 34] = [
    include_str!("bridge/outlet.js"),
    include_str!("bridge/table.js"),
    include_str!("bridge/members.js"),
    include_str!("bridge/amend.js"),
    include_str!("bridge/registry.js"),
    include_str!("bridge/rare.js"),
    include_str!("bridge/shapes.js"),
    include_str!("bridge/identity.js"),
    include_str!("bridge/view.js"),
    include_str!("bridge/aside.js"),
    include_str!("bridge/tallies.js"),
    include_str!("bridge/events.js"),
    include_str!("bridge/gap.js"),
    include_str!("bridge/flags.js"),
    include_str!("bridge/limits.js"),
    include_str!("bridge/sending.js"),
    include_str!("bridge/reading.js"),
    include_str!("bridge/linking.js"),
    include_str!("bridge/workers.js"),
    include_str!("bridge/screen.js"),
    include_str!("bridge/passkey.js"),
    include_str!("bridge/content.js"),
    include_str!("bridge/messages.js"),
    include_str!("bridge/chats.js"),
    include_str!("bridge/people.js"),
    include_str!("bridge/groups.js"),
    include_str!("bridge/participants.js"),
    include_str!("bridge/labels.js"),
    include_str!("bridge/statuses.js"),
    include_str!("bridge/channels.js"),
    include_str!("bridge/needs.js"),
    include_str!("bridge/operations.js"),
    include_str!("bridge/calls.js"),
    include_str!("bridge/start.js"),
];

/// What comes with wa-js, likewise.
const WIDE_FILES: [&str; 4] = [
    include_str!("bridge/wide/begin.js"),
    include_str!("bridge/wide/statuses.js"),
    include_str!("bridge/wide/others.js"),
    include_str!("bridge/wide/operations.js"),
];

/// The bridge as it is put into one browser.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// The binding by which the bridge tells.
    pub(super) binding: String,
    inlet: String,
    origin: String,
    wa_js: bool,
    parties: Vec<(String, String)>,
    passkey: Passkey,
    passkey_ms: u64,
    page: PageConfig,
}

impl Script {
    /// For a page with this address; `wa_js` says whether the worker has one. `None` when it is none that a browser can
    /// load.
    pub(super) fn for_page(page_url: &str, wa_js: bool) -> Option<Self> {
        let name = || format!("_{:032x}", rand::random::<u128>());
        let origin = origin_of(page_url)?;
        let (parties, passkey) = (Vec::new(), Passkey::Off);
        Some(Self {
            binding: name(),
            inlet: name(),
            origin,
            wa_js,
            parties,
            passkey,
            passkey_ms: 0,
            page: PageConfig::default(),
        })
    }

    /// Requests for a passkey are passed on for so long, or only seen: WhatsApp's, and where the page is one of this machine
    /// its own, under the name that browsers take for a relying party there.
    pub(super) fn with_passkeys(mut self, passkey: Passkey, passkey_ms: u64) -> Self {
        let (rp_id, origin) = passkey::WHATSAPP;
        self.parties = vec![(rp_id.to_owned(), origin.to_owned())];
        if let Some(port) = self.origin.strip_prefix("http://127.0.0.1:") {
            self.parties.push(("localhost".to_owned(), format!("http://localhost:{port}")));
        }
        (self.passkey, self.passkey_ms) = (passkey, passkey_ms);
        self
    }

    /// How much of the page runs.
    pub(super) fn with_page(mut self, page: PageConfig) -> Self {
        self.page = page;
        self
    }

    /// The source, to be run in each new document before anything else.
    pub(super) fn source(&self) -> String {
        let settings = serde_json::json!({
            "binding": self.binding,
            "inlet": self.inlet,
            "origin": self.origin,
            "parties": self.parties.iter().map(|(rp_id, origin)| serde_json::json!({ "rp_id": rp_id, "origin": origin }))
                .collect::<Vec<_>>(),
            "relayed": self.passkey == Passkey::On,
            "passkey_ms": self.passkey_ms,
            "largest": MAX_BODY,
            "waJs": self.wa_js,
            "ui": self.page.ui,
            "workers": self.page.workers,
            "worker_idle_ms": self.page.worker_idle_ms,
            "wide": wide_operations(),
        });
        format!("(function (settings) {{\n'use strict';\n{}\n}})({settings});", FILES.join("\n"))
    }

    /// An expression that gives the bridge the operations that need wa-js, to be evaluated once that is there.
    pub(super) fn extension(&self) -> String {
        let body = WIDE_FILES.join("\n");
        format!("window.{}?.extend(function (core) {{\n'use strict';\n{body}\n}})", self.inlet)
    }

    /// An expression that calls one of the inlet's functions; `undefined` where there is no bridge (yet).
    pub(super) fn ask(&self, function: &str, arguments: &[serde_json::Value]) -> String {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        format!("window.{}?.{function}({})", self.inlet, arguments.join(","))
    }

    /// A function that, called on an object with a call's number, gives both to one of the inlet's functions.
    pub(super) fn method(&self, function: &str) -> String {
        format!("function (call) {{ return window.{}?.{function}(call, this); }}", self.inlet)
    }
}

/// The names of those that only wa-js can do.
fn wide_operations() -> Vec<&'static str> {
    let only = |(_, _, by): &&(&str, _, Provider)| *by == Provider::WaJs;
    Operation::ALL.iter().filter(only).map(|(name, ..)| *name).collect()
}

/// As `location.origin` says it: a default port is left out.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn origins_are_those_of_the_browser() {
        for (url, origin) in [
            ("https://web.whatsapp.com/", "https://web.whatsapp.com"),
            ("HTTPS://Web.WhatsApp.com:443/?x=1", "https://web.whatsapp.com"),
            ("http://127.0.0.1:8910/?key=min", "http://127.0.0.1:8910"),
            ("http://host?x", "http://host"),
        ] {
            assert_eq!(origin_of(url).as_deref(), Some(origin));
        }
        for url in ["file:///etc/passwd", "web.whatsapp.com", "https://", "chrome://gpu"] {
            assert_eq!(origin_of(url), None, "{url}");
        }
    }

    /// The names in the object literal that begins with this line.
    fn keys(files: &[&str], begin: &str) -> BTreeSet<String> {
        let (_, table) = files.iter().find_map(|file| file.split_once(begin)).expect("a table");
        let (table, _) = table.split_once("\n};").expect("its end");
        table
            .lines()
            .filter_map(|line| line.trim().strip_suffix(','))
            .map(|row| row.split(':').next().unwrap_or(row).to_owned())
            .collect()
    }

    #[test]
    fn every_operation_has_its_function_in_the_bridge_and_vice_versa() {
        let of = |provider| -> BTreeSet<String> {
            let rows = Operation::ALL.iter().filter(|(_, _, by)| *by == provider);
            rows.map(|(name, ..)| (*name).to_owned()).collect()
        };
        assert_eq!(keys(&FILES, "\nconst CORE = {"), of(Provider::Core));
        assert_eq!(keys(&WIDE_FILES, "\nreturn {"), of(Provider::WaJs));
    }

    #[test]
    fn what_each_operation_does_in_the_page_is_written_down_and_true() {
        let table = include_str!("../../../docs/operations.md");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
        let cell = |row: &&str, nth| row.split('|').nth(nth).unwrap_or_default().to_owned();
        let operations: Vec<String> = rows
            .iter()
            .flat_map(|row| cell(row, 1).split('`').map(str::to_owned).collect::<Vec<_>>())
            .filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
            .collect();
        for (name, ..) in Operation::ALL {
            assert_eq!(operations.iter().filter(|row| row == name).count(), 1, "{name}");
        }
        let bridge = FILES.join("") + &WIDE_FILES.join("");
        for row in &rows {
            for module in cell(row, 2).split('`').filter(|word| word.starts_with("WA")) {
                assert!(bridge.contains(&format!("'{module}'")), "{module} is not in the bridge");
            }
        }
    }

    #[test]
    fn passkeys_are_whatsapps_and_where_a_test_plays_it_its_own() {
        let parties =
            |url| Script::for_page(url, true).expect("a page").with_passkeys(Passkey::On, 600_000).parties;
        let own = |rp_id: &str, origin: &str| (rp_id.to_owned(), origin.to_owned());
        let whatsapp = own("whatsapp.com", "https://web.whatsapp.com");
        assert_eq!(parties("https://web.whatsapp.com/"), std::slice::from_ref(&whatsapp));
        assert_eq!(
            parties("http://127.0.0.1:8910/?x=1"),
            [whatsapp, own("localhost", "http://localhost:8910")]
        );
        let off = Script::for_page("https://web.whatsapp.com/", true).expect("a page");
        assert!(off.parties.is_empty() && off.source().contains("\"parties\":[]"));
    }

    #[test]
    fn names_are_different_each_time() {
        let script = || Script::for_page("https://web.whatsapp.com/", true).expect("a page");
        assert_ne!(script().binding, script().binding);
        assert!(script().source().len() > 20_000, "all files are in it");
    }
}
