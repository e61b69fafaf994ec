//! What the page sees of the browser: an ordinary desktop Chrome of the browser's own major version.
//!
//! Owns the user agent, the client hints, the languages and the size of the screen. Pure.

use chromiumoxide::cdp::browser_protocol::emulation::{
    SetDeviceMetricsOverrideParams, SetUserAgentOverrideParams, UserAgentBrandVersion, UserAgentMetadata,
};

const SCREEN: (i64, i64) = (1440, 900);

/// An identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    version: String,
    languages: Vec<String>,
}

impl Identity {
    /// `version` is the browser's own, such as `156.0.8078.79`.
    pub(crate) fn new(version: &str, languages: &[String]) -> Self {
        Self { version: version.to_owned(), languages: languages.to_vec() }
    }

    /// The version in what `Browser.getVersion` calls the product: `HeadlessChrome/156.0.8078.79`.
    pub(crate) fn version_of_product(product: &str) -> Option<&str> {
        product
            .split_once('/')
            .map(|(_, version)| version)
            .filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or(&self.version)
    }

    /// In the reduced form that Chrome itself uses: only the major version.
    pub(crate) fn user_agent(&self) -> String {
        let major = self.major();
        format!(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
        )
    }

    /// The override for a page.
    pub(super) fn user_agent_override(&self) -> SetUserAgentOverrideParams {
        SetUserAgentOverrideParams {
            user_agent: self.user_agent(),
            accept_language: (!self.languages.is_empty()).then(|| self.languages.join(",")),
            platform: Some("Linux x86_64".to_owned()),
            user_agent_metadata: Some(UserAgentMetadata {
                brands: Some(brands(self.major(), self.major())),
                full_version_list: Some(brands(self.major(), &self.version)),
                platform: "Linux".to_owned(),
                platform_version: String::new(),
                architecture: "x86".to_owned(),
                model: String::new(),
                mobile: false,
                bitness: Some("64".to_owned()),
                wow64: Some(false),
                form_factors: Some(vec!["Desktop".to_owned()]),
            }),
        }
    }

    /// An ordinary screen, whatever the browser thinks it has.
    pub(super) fn screen() -> SetDeviceMetricsOverrideParams {
        let mut screen = SetDeviceMetricsOverrideParams::new(SCREEN.0, SCREEN.1, 1.0, false);
        screen.screen_width = Some(SCREEN.0);
        screen.screen_height = Some(SCREEN.1);
        screen
    }

    /// The window fills that screen. The browser's own is small, to keep less of a picture, and what is said above is
    /// not said of it.
    pub(super) fn window() -> String {
        let (width, height) = SCREEN;
        format!(
            "for (const [name, value] of [['outerWidth', {width}], ['outerHeight', {height}]]) \
             Object.defineProperty(window, name, \
             {{ ...Object.getOwnPropertyDescriptor(window, name), get: () => value }});"
        )
    }
}

/// Chrome's list of brands: two that are meant and one that is made up, in an order and with a spelling that
/// depend on the major version (Chromium, `GenerateBrandVersionList`).
fn brands(major: &str, version: &str) -> Vec<UserAgentBrandVersion> {
    const MARKS: [char; 11] = [' ', '(', ':', '-', '.', '/', ')', ';', '=', '?', '_'];
    const MADE_UP_VERSIONS: [&str; 3] = ["8", "99", "24"];
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let seed: usize = major.parse().unwrap_or(0);
    let made_up = format!("Not{}A{}Brand", MARKS[seed % 11], MARKS[(seed + 1) % 11]);
    let made_up_version = match (MADE_UP_VERSIONS[seed % 3], version.contains('.')) {
        (short, false) => short.to_owned(),
        (short, true) => format!("{short}.0.0.0"),
    };
    let in_order = [
        (made_up, made_up_version),
        ("Chromium".to_owned(), version.to_owned()),
        ("Google Chrome".to_owned(), version.to_owned()),
    ];
    let mut list = in_order.to_vec();
    for (entry, place) in in_order.into_iter().zip(ORDERS[seed % 6]) {
        list[place] = entry;
    }
    list.into_iter().map(|(brand, version)| UserAgentBrandVersion::new(brand, version)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(major: &str, version: &str) -> String {
        let list = brands(major, version);
        list.iter().map(|b| format!("{};{}", b.brand, b.version)).collect::<Vec<_>>().join(", ")
    }

    /// As real Chromes of these versions say it.
    #[test]
    fn brands_are_those_of_chrome() {
        assert_eq!(shown("120", "120"), "Not_A Brand;8, Chromium;120, Google Chrome;120");
        assert_eq!(shown("131", "131"), "Google Chrome;131, Chromium;131, Not_A Brand;24");
        assert_eq!(
            shown("131", "131.0.6778.85"),
            "Google Chrome;131.0.6778.85, Chromium;131.0.6778.85, Not_A Brand;24.0.0.0"
        );
    }

    #[test]
    fn the_user_agent_has_the_browsers_own_major_version_and_no_headless() {
        let version = Identity::version_of_product("HeadlessChrome/156.0.8078.79").expect("a version");
        let identity = Identity::new(version, &["pt-BR".to_owned(), "en".to_owned()]);
        assert!(identity.user_agent().contains(" Chrome/156.0.0.0 "));
        let params = identity.user_agent_override();
        assert_eq!(params.accept_language.as_deref(), Some("pt-BR,en"));
        let json = serde_json::to_string(&params).expect("JSON");
        assert!(!json.contains("Headless"), "{json}");
    }
}
