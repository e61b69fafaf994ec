//! [`decide`]: whether a request may pass, and as whose. Pure: everything that counts is in the [`AccessQuestion`].

use super::site::Site;
use crate::effect::Effect;

/// What a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Surface {
    /// Nothing is asked of the caller: signs of life, the API's description, and what is needed to sign in.
    Open,
    /// What programs use; errors are English.
    Api,
    /// Flask's routes, and pages for people.
    Pages,
}

impl Surface {
    /// The surface of a path.
    pub(in super::super) fn of(path: &str) -> Self {
        match path {
            "/health" | "/ready" | "/ping" | "/openapi.json" | "/sign-in" => Self::Open,
            _ if ["/docs", "/assets", "/language", "/theme"].iter().any(|open| is_below(path, open)) => {
                Self::Open
            }
            _ if is_below(path, "/api") || is_below(path, "/ws") || is_below(path, "/mcp") => Self::Api,
            _ => Self::Pages,
        }
    }
}

/// Whether a path of [`Surface::Pages`] is for whoever runs the service, and not for Flask. `/` is both.
pub(super) fn is_operators(path: &str, wants_html: bool) -> bool {
    let own = ["/metrics", "/sessions", "/bulk", "/keys", "/sign-out"];
    own.iter().any(|own| is_below(path, own)) || (path == "/" && wants_html)
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where a caller is, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallerPlace {
    /// On this machine, while we listen on loopback.
    Here,
    /// In one of `trusted_networks`.
    Trusted,
    /// Anywhere.
    Elsewhere,
}

/// What a key that was shown is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// None was.
    Nothing,
    /// Nobody's, or one that was taken away.
    Unknown,
    /// One with limits.
    Limited,
    /// One without.
    Unlimited,
}

/// Everything that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccessQuestion {
    pub(super) surface: Surface,
    /// Of [`Surface::Pages`]: the dashboard or the figures.
    pub(super) operators: bool,
    pub(super) effect: Effect,
    /// `HEAD`.
    pub(super) head: bool,
    pub(super) shown: Shown,
    /// A cookie of a visit that has signed in with a key that still counts.
    pub(super) signed_in: bool,
    pub(super) place: CallerPlace,
    /// Whether there is any key at all.
    pub(super) keys_exist: bool,
    /// `local_access = "open"`.
    pub(super) open: bool,
    /// Whether the name in `Host` is one that no stranger can own.
    pub(super) host_is_ours: bool,
    pub(super) site: Site,
    /// We sent it ourselves: a delivery or a fetch that found its way back.
    pub(super) is_our_own: bool,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessDecision {
    /// It passes as the key's holder's.
    Key,
    /// It passes as the visit's.
    Visit,
    /// It passes without a key.
    Keyless {
        /// Only because there is no key yet.
        until_keys: bool,
    },
    /// It passes as nobody's: all may ask for it.
    Anyone,
    /// The page is shown, and changes nothing.
    AskFirst,
    /// It does not pass.
    Refused(Refusal),
}

/// Why a caller is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Refusal {
    NoKey,
    /// There is no such key, or not any more.
    WrongKey,
    /// Too many wrong ones came from there; when again.
    TooMany {
        secs: u64,
    },
    /// The key has limits, and Flask's routes know none.
    Limited,
    Host,
    CrossSite,
    /// `HEAD` of what would change something.
    Head,
    /// We asked ourselves.
    Loop,
}

/// Decides.
pub(super) fn decide(q: &AccessQuestion) -> AccessDecision {
    if q.is_our_own {
        return AccessDecision::Refused(Refusal::Loop);
    }
    if q.head && q.effect != Effect::None {
        return AccessDecision::Refused(Refusal::Head);
    }
    match (q.shown, q.surface) {
        (Shown::Nothing, _) => {}
        (Shown::Unknown, _) => return AccessDecision::Refused(Refusal::WrongKey),
        (Shown::Limited, Surface::Pages) => return AccessDecision::Refused(Refusal::Limited),
        // No foreign page can make a browser send one unless it was asked and we agreed to it (CORS).
        (Shown::Limited | Shown::Unlimited, _) => return AccessDecision::Key,
    }
    let verdict = match keyless(q) {
        _ if q.signed_in => AccessDecision::Visit,
        Some(verdict) if q.host_is_ours || verdict == AccessDecision::Anyone => verdict,
        Some(_) => AccessDecision::Refused(Refusal::Host),
        None => AccessDecision::Refused(Refusal::NoKey),
    };
    let harmless = q.surface == Surface::Open && q.effect == Effect::None;
    match verdict {
        AccessDecision::Refused(_) => verdict,
        _ if harmless || q.site.may_cause(q.effect) => verdict,
        _ if q.effect == Effect::Page && q.site != (Site::Foreign { navigates: false }) => {
            AccessDecision::AskFirst
        }
        _ => AccessDecision::Refused(Refusal::CrossSite),
    }
}

/// How a request without a key is let in; `None` when it is not.
fn keyless(q: &AccessQuestion) -> Option<AccessDecision> {
    let free = Some(AccessDecision::Keyless { until_keys: false });
    let free_until_keys = (!q.keys_exist).then_some(AccessDecision::Keyless { until_keys: true });
    match (q.surface, q.place) {
        (Surface::Open, _) => Some(AccessDecision::Anyone),
        (_, CallerPlace::Elsewhere) | (Surface::Api, CallerPlace::Trusted) => None,
        (Surface::Pages, _) if !q.operators => free,
        (_, CallerPlace::Here) if q.open => free,
        (Surface::Api | Surface::Pages, _) => free_until_keys,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn question() -> impl Strategy<Value = AccessQuestion> {
        use prop::sample::select;
        let surfaces = select(vec![Surface::Open, Surface::Api, Surface::Pages]);
        let effects = select(vec![Effect::None, Effect::Change, Effect::Page]);
        let shown = select(vec![Shown::Nothing, Shown::Unknown, Shown::Limited, Shown::Unlimited]);
        let places = select(vec![CallerPlace::Here, CallerPlace::Trusted, CallerPlace::Elsewhere]);
        let sites = select(vec![
            Site::Own,
            Site::Same,
            Site::Unsaid,
            Site::Foreign { navigates: true },
            Site::Foreign { navigates: false },
        ]);
        let flags = any::<[bool; 7]>();
        (surfaces, effects, shown, places, sites, flags).prop_map(
            |(surface, effect, shown, place, site, flags)| {
                let [operators, head, signed_in, keys_exist, open, host_is_ours, is_our_own] = flags;
                let operators = operators && surface == Surface::Pages;
                AccessQuestion {
                    surface,
                    operators,
                    effect,
                    head,
                    shown,
                    signed_in,
                    place,
                    keys_exist,
                    open,
                    host_is_ours,
                    site,
                    is_our_own,
                }
            },
        )
    }

    /// Whether the request is served and may change something.
    fn changes(q: &AccessQuestion) -> bool {
        let served = !matches!(decide(q), AccessDecision::AskFirst | AccessDecision::Refused(_));
        served && q.effect != Effect::None
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn no_foreign_page_changes_anything_without_a_key(q in question()) {
            let by_key = matches!(q.shown, Shown::Limited | Shown::Unlimited);
            prop_assert!(by_key || q.site == Site::Own || !changes(&q), "{q:?}");
        }

        #[test]
        fn a_wrong_key_opens_nothing_anywhere(q in question()) {
            let q = AccessQuestion { shown: Shown::Unknown, ..q };
            prop_assert!(matches!(decide(&q), AccessDecision::Refused(_)), "{q:?}");
        }

        #[test]
        fn once_there_is_a_key_it_is_needed_here_too_but_for_flask(q in question()) {
            let none = AccessQuestion { shown: Shown::Nothing, signed_in: false, keys_exist: true, open: false, ..q };
            let is_flasks = q.surface == Surface::Pages && !q.operators;
            let passes = !matches!(decide(&none), AccessDecision::Refused(_));
            prop_assert!(!passes || is_flasks || q.surface == Surface::Open, "{none:?}");
        }

        #[test]
        fn nobody_from_elsewhere_passes_without_key_or_visit(q in question()) {
            let none = AccessQuestion { shown: Shown::Nothing, signed_in: false, place: CallerPlace::Elsewhere, ..q };
            let passes = !matches!(decide(&none), AccessDecision::Refused(_));
            prop_assert!(!passes || q.surface == Surface::Open, "{none:?}");
        }

        #[test]
        fn head_and_our_own_requests_change_nothing(q in question()) {
            prop_assert!(!changes(&AccessQuestion { head: true, ..q }), "{q:?}");
            prop_assert!(!changes(&AccessQuestion { is_our_own: true, ..q }), "{q:?}");
        }

        #[test]
        fn a_key_with_limits_is_never_more_than_a_key(q in question()) {
            let limited = decide(&AccessQuestion { shown: Shown::Limited, ..q });
            prop_assert!(matches!(limited, AccessDecision::Key | AccessDecision::Refused(_)), "{limited:?}");
            prop_assert!(q.surface != Surface::Pages || limited != AccessDecision::Key);
        }

        #[test]
        fn a_rebound_name_opens_nothing_that_is_not_open(q in question()) {
            let rebound = AccessQuestion { host_is_ours: false, shown: Shown::Nothing, signed_in: false, ..q };
            let passes = !matches!(decide(&rebound), AccessDecision::Refused(_));
            prop_assert!(!passes || q.surface == Surface::Open, "{rebound:?}");
        }
    }

    const ASKED: AccessQuestion = AccessQuestion {
        surface: Surface::Api,
        operators: false,
        effect: Effect::None,
        head: false,
        shown: Shown::Nothing,
        signed_in: false,
        place: CallerPlace::Here,
        keys_exist: false,
        open: false,
        host_is_ours: true,
        site: Site::Own,
        is_our_own: false,
    };

    #[test]
    fn who_is_let_in_and_as_whom() {
        const UNTIL_KEYS: AccessDecision = AccessDecision::Keyless { until_keys: true };
        const FREE: AccessDecision = AccessDecision::Keyless { until_keys: false };
        const NO_KEY: AccessDecision = AccessDecision::Refused(Refusal::NoKey);
        let flask = AccessQuestion { surface: Surface::Pages, ..ASKED };
        let operators = AccessQuestion { operators: true, ..flask };
        let keyed = |q: AccessQuestion| AccessQuestion { keys_exist: true, ..q };
        let trusted = |q: AccessQuestion| AccessQuestion { place: CallerPlace::Trusted, ..q };
        for (name, q, verdict) in [
            ("the API before there is a key", ASKED, UNTIL_KEYS),
            ("and after", keyed(ASKED), NO_KEY),
            ("and open", AccessQuestion { open: true, ..keyed(ASKED) }, FREE),
            ("Flask", keyed(flask), FREE),
            ("the dashboard before", operators, UNTIL_KEYS),
            ("and after", keyed(operators), NO_KEY),
            ("and signed in", AccessQuestion { signed_in: true, ..keyed(operators) }, AccessDecision::Visit),
            ("Flask's network", trusted(keyed(flask)), FREE),
            ("its API", trusted(ASKED), NO_KEY),
            ("its dashboard before", trusted(operators), UNTIL_KEYS),
            ("and after", trusted(keyed(operators)), NO_KEY),
            ("open is for this machine", AccessQuestion { open: true, ..trusted(keyed(operators)) }, NO_KEY),
            (
                "health",
                AccessQuestion { surface: Surface::Open, place: CallerPlace::Elsewhere, ..ASKED },
                AccessDecision::Anyone,
            ),
        ] {
            assert_eq!(decide(&q), verdict, "{name}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_is_shown_and_asks_first() {
        let qr = AccessQuestion { surface: Surface::Pages, effect: Effect::Page, ..ASKED };
        let from = |site| decide(&AccessQuestion { site, ..qr });
        assert_eq!(from(Site::Own), AccessDecision::Keyless { until_keys: false });
        for site in [Site::Same, Site::Unsaid, Site::Foreign { navigates: true }] {
            assert_eq!(from(site), AccessDecision::AskFirst, "{site:?}");
        }
        assert_eq!(from(Site::Foreign { navigates: false }), AccessDecision::Refused(Refusal::CrossSite));
    }

    #[test]
    fn what_needs_no_key_is_named() {
        for (path, surface) in [
            ("/health", Surface::Open),
            ("/ping", Surface::Open),
            ("/docs/index.html", Surface::Open),
            ("/openapi.json", Surface::Open),
            ("/assets/qr.js", Surface::Open),
            ("/api/sessions", Surface::Api),
            ("/ws", Surface::Api),
            ("/apix", Surface::Pages),
            ("/docsx", Surface::Pages),
            ("/", Surface::Pages),
            ("/qr", Surface::Pages),
        ] {
            assert_eq!(Surface::of(path), surface, "{path}");
        }
        for path in ["/metrics", "/metrics/", "/sessions", "/sessions/3/events", "/sign-out"] {
            assert!(is_operators(path, false), "{path}");
        }
        for path in ["/qr", "/qr/events", "/status", "/send", "/sessionsx", "/nothing"] {
            assert!(!is_operators(path, true), "{path}");
        }
        assert!(is_operators("/", true) && !is_operators("/", false));
    }

    /// A page that is not named here would be open to the networks that Flask is trusted in.
    #[test]
    fn every_route_for_people_but_flasks_is_for_whoever_runs_the_service() {
        let flasks = ["/qr", "/status", "/send", "/disconnect", "/chats", "/media"];
        for line in crate::routes::listed().lines() {
            let path = line.split(' ').nth(1).expect("a path");
            let of_flask = path == "/" || flasks.iter().any(|flasks| is_below(path, flasks));
            if Surface::of(path) == Surface::Pages && !of_flask {
                assert!(is_operators(path, false), "{line}");
            }
        }
    }
}
