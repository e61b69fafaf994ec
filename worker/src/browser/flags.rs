//! The command line of the browser. Owns every flag and the reason for it; pure.
//!
//! The flags are chosen by measurement: they make one browser of three processes (four with the sandbox's
//! zygote) that asks no host but the page's own.

use std::ffi::OsString;
use std::path::Path;

/// The flag by which a later worker recognises a browser of ours. Chromium ignores what it does not know.
pub(super) const MARKER: &str = "--colmeia-user=";

/// What the command line depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flags<'a> {
    /// The user data directory.
    pub(crate) profile: &'a Path,
    /// `<user>:<worker's pid>:<worker's start time>`, see [`super::profile_lock`].
    pub(crate) marker: &'a str,
    /// For service workers too, which no override of the debugger reaches.
    pub(crate) user_agent: Option<&'a str>,
    /// Languages, the preferred first.
    pub(crate) languages: &'a [String],
    /// The proxy's address, as `--proxy-server` has it. Who signs in there is told when it asks, never here: arguments
    /// can be read by every user of the machine.
    pub(crate) proxy: Option<&'a str>,
    /// Whether Chromium's own sandbox is on.
    pub(crate) sandbox: bool,
}

/// Fewer processes and less memory per session.
const LEAN: &[&str] = &[
    "--in-process-gpu",
    // Nothing is drawn that needs it, and its emulation takes 10 MB. Pictures are drawn without.
    "--use-gl=disabled",
    // What is kept of the window's picture. The page sees a screen of the usual size: page/identity.rs.
    "--window-size=320,240",
    "--renderer-process-limit=1",
    // What the page's scripts were compiled to is kept from the first start on. Otherwise it is kept from the second one on,
    // and only if that comes within 72 hours of the first (content's code cache and V8's "heat check").
    "--blink-settings=v8CacheOptions=3",
    "--enable-features=NetworkServiceInProcess2",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--hide-scrollbars",
    "--disable-extensions",
];

/// What is switched off: processes that are not needed, and everything that talks to a host of its own.
/// `LessAggressiveParkableString` keeps the scripts' sources, 30 MB in the real page, as they are while a page is in front,
/// and this one always is; without it they are compressed when nobody has read them for a while. The last two wake a
/// browser at rest every four seconds to look for free memory, which a page that has settled gives back once, and every
/// second while threads that do nothing keep more than half a megabyte in their caches.
const FEATURES_OFF: &str = "--disable-features=site-per-process,IsolateOrigins,AudioServiceOutOfProcess,\
Translate,BackForwardCache,OptimizationHints,MediaRouter,DialMediaRouteProvider,\
AutofillServerCommunication,CertificateTransparencyComponentUpdater,InterestFeedContentSuggestions,\
LessAggressiveParkableString,PartitionAllocMemoryReclaimer,PartitionAllocLargeThreadCacheSize";

/// The browser itself must not make a request: the page's host is the only one that hears of a session.
const SILENT: &[&str] = &[
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--no-service-autorun",
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-field-trial-config",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--safebrowsing-disable-auto-update",
    "--disable-breakpad",
    "--disable-crash-reporter",
];

/// Nobody sits before it: timers must not be slowed down, and nothing may ask a question.
const UNATTENDED: &[&str] = &[
    "--headless",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--disable-notifications",
    "--password-store=basic",
    "--use-mock-keychain",
];

/// A page can tell an automated browser by this; an ordinary one does not have it.
const ORDINARY: &[&str] = &["--disable-blink-features=AutomationControlled"];

impl Flags<'_> {
    /// The arguments, without the program's name.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            // Fds 3 and 4. Never a TCP port: any process of the machine could drive the session by it.
            "--remote-debugging-pipe".into(),
            joined("--user-data-dir=", self.profile.as_os_str()),
            joined(MARKER, self.marker.as_ref()),
        ];
        for group in [UNATTENDED, LEAN, SILENT, ORDINARY] {
            arguments.extend(group.iter().map(OsString::from));
        }
        arguments.push(FEATURES_OFF.into());
        if let Some(user_agent) = self.user_agent {
            arguments.push(format!("--user-agent={user_agent}").into());
        }
        if let Some(language) = self.languages.first() {
            arguments.push(format!("--lang={language}").into());
            arguments.push(format!("--accept-lang={}", self.languages.join(",")).into());
        }
        if let Some(proxy) = self.proxy {
            arguments.push(format!("--proxy-server={proxy}").into());
            // A page of this machine goes the same way, and nothing goes around it by UDP.
            arguments.push("--proxy-bypass-list=<-loopback>".into());
            arguments.push("--force-webrtc-ip-handling-policy=disable_non_proxied_udp".into());
        }
        if self.sandbox {
            // That one is for processes outside the sandbox, and there are none: GPU and network are in the browser's.
            arguments.push("--no-unsandboxed-zygote".into());
        } else {
            // Without it the zygote has no use either.
            arguments.push("--no-sandbox".into());
            arguments.push("--no-zygote".into());
        }
        arguments.push("about:blank".into());
        arguments
    }
}

fn joined(flag: &str, value: &std::ffi::OsStr) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push(value);
    argument
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(sandbox: bool) -> Vec<String> {
        let languages = ["pt-BR".to_owned(), "en".to_owned()];
        let flags = Flags {
            profile: Path::new("/p/session"),
            marker: "7:1:2",
            user_agent: Some("Mozilla/5.0"),
            languages: &languages,
            proxy: Some("http://proxy.example:3128"),
            sandbox,
        };
        flags.arguments().into_iter().map(|a| a.into_string().expect("UTF-8")).collect()
    }

    #[test]
    fn the_sandbox_is_on_unless_it_cannot_be() {
        assert!(!arguments(true).iter().any(|a| a == "--no-sandbox" || a == "--no-zygote"));
        assert!(arguments(false).contains(&"--no-sandbox".to_owned()));
    }

    #[test]
    fn no_tcp_port_is_ever_opened() {
        for sandbox in [false, true] {
            assert!(arguments(sandbox).contains(&"--remote-debugging-pipe".to_owned()));
            assert!(!arguments(sandbox).iter().any(|a| a.starts_with("--remote-debugging-port")));
        }
    }

    #[test]
    fn profile_marker_and_languages_are_passed() {
        let all = arguments(false);
        for wanted in [
            "--user-data-dir=/p/session",
            "--colmeia-user=7:1:2",
            "--lang=pt-BR",
            "--accept-lang=pt-BR,en",
            "--proxy-server=http://proxy.example:3128",
        ] {
            assert!(all.iter().any(|a| a == wanted), "{wanted} is missing");
        }
    }

    #[test]
    fn each_flag_is_given_once() {
        let mut names: Vec<String> =
            arguments(false).iter().map(|a| a.split('=').next().unwrap_or(a).to_owned()).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
