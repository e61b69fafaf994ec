//! [`PageConfig`]: how much of WhatsApp's page runs in a browser at which nobody sits.

use serde::{Deserialize, Serialize};

/// How much of the page runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageConfig {
    /// Whether its main screen is there. Default `full`.
    pub ui: PageUi,
    /// When its web workers run. Default `on_demand`.
    pub workers: PageWorkers,
    /// After how many milliseconds without a word a web worker ends that can begin again, where they run on demand.
    /// Default 60,000.
    pub worker_idle_ms: u64,
}

impl Default for PageConfig {
    fn default() -> Self {
        Self { ui: PageUi::Full, workers: PageWorkers::OnDemand, worker_idle_ms: 60_000 }
    }
}

/// What one session has in the place of the service's [`PageConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageOverrides {
    /// See [`PageConfig::ui`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui: Option<PageUi>,
    /// See [`PageConfig::workers`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<PageWorkers>,
}

/// Whether the page's main screen is there once an account is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageUi {
    /// As the page has it. It is not laid out but for a screenshot.
    #[default]
    Full,
    /// Only for a screenshot. Sending, receiving and all else that the page does goes on without.
    None,
}

/// When the page's web workers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageWorkers {
    /// As the page starts them: all of the time.
    Page,
    /// From when the page first asks one for something.
    #[default]
    OnDemand,
}

impl PageConfig {
    /// With what one session has of its own.
    #[must_use]
    pub fn with(self, own: PageOverrides) -> Self {
        Self { ui: own.ui.unwrap_or(self.ui), workers: own.workers.unwrap_or(self.workers), ..self }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl PageOverrides {
    /// Whether they say nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_says_only_what_differs() {
        let service = PageConfig { ui: PageUi::None, ..PageConfig::default() };
        assert_eq!(service.with(PageOverrides::default()), service);
        let own: PageOverrides = serde_json::from_str("{\"ui\":\"full\"}").expect("valid");
        assert_eq!(service.with(own), PageConfig::default());
        let own: PageOverrides = serde_json::from_str("{\"workers\":\"page\"}").expect("valid");
        assert_eq!(service.with(own), PageConfig { workers: PageWorkers::Page, ..service });
        assert!(serde_json::from_str::<PageOverrides>("{\"ui\":\"half\"}").is_err());
    }
}
