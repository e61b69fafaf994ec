//! A person at a browser of their own: what they see, click and type.

use std::time::Duration;

use chromiumoxide::browser::BrowserConfigBuilder;
use chromiumoxide::cdp::browser_protocol::emulation::{MediaFeature, SetEmulatedMediaParams};
use chromiumoxide::cdp::browser_protocol::network::SetUserAgentOverrideParams;
use chromiumoxide::cdp::browser_protocol::page::CaptureScreenshotFormat;
use chromiumoxide::cdp::browser_protocol::target::{CreateBrowserContextParams, CreateTargetParams};
use chromiumoxide::page::ScreenshotParams;
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures::StreamExt;
use serde_json::Value;

use crate::harness::{repository, until};

/// A person's browser.
pub(crate) struct Visitor {
    browser: Browser,
    language: String,
    _profile: tempfile::TempDir,
}

/// What the person looks at.
pub(crate) struct Sight(pub(crate) Page);

impl Visitor {
    /// With a window of a phone's size.
    pub(crate) async fn arrive(language: &str) -> Self {
        Self::arrive_with(language, 420, 860).await
    }

    /// With a window of this size.
    pub(crate) async fn arrive_with(language: &str, width: u32, height: u32) -> Self {
        let shell = BrowserConfig::builder().chrome_executable("/usr/lib/chromium/chromium-headless-shell");
        Self::with(shell, language, width, height).await
    }

    /// With the whole browser, in whose window one tab hides the others; to the shell all of its pages are in sight.
    pub(crate) async fn arrive_with_tabs(language: &str) -> Self {
        let whole =
            BrowserConfig::builder().chrome_executable("/usr/lib/chromium/chromium").new_headless_mode();
        Self::with(whole, language, 1000, 860).await
    }

    async fn with(config: BrowserConfigBuilder, language: &str, width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().expect("temp dir");
        let mut config = config
            .user_data_dir(profile.path())
            .window_size(width, height)
            .viewport(None)
            .launch_timeout(Duration::from_secs(60));
        if nix::unistd::geteuid().is_root() {
            config = config.no_sandbox();
        }
        let (browser, mut events) =
            Browser::launch(config.build().expect("a configuration")).await.expect("a browser");
        tokio::spawn(async move { while events.next().await.is_some() {} });
        Self { browser, language: language.to_owned(), _profile: profile }
    }

    /// Opens a page.
    pub(crate) async fn open(&self, url: &str) -> Sight {
        self.show(CreateTargetParams::new("about:blank"), url).await
    }

    /// Opens a page as in a browser of its own: what many pages keep open counts for each alone.
    pub(crate) async fn open_apart(&self, url: &str) -> Sight {
        let own = self.browser.create_browser_context(CreateBrowserContextParams::default()).await;
        let target = CreateTargetParams::builder().url("about:blank").browser_context_id(own.expect("made"));
        self.show(target.build().expect("complete"), url).await
    }

    async fn show(&self, target: CreateTargetParams, url: &str) -> Sight {
        let page = self.browser.new_page(target).await.expect("a page");
        let agent = page.user_agent().await.expect("it has one");
        let speaks = SetUserAgentOverrideParams::builder().user_agent(agent).accept_language(&self.language);
        page.set_user_agent(speaks.build().expect("complete")).await.expect("set");
        page.goto(url).await.expect("it loads");
        Sight(page)
    }
}

impl Sight {
    /// What an expression says in the page; `None` while the page is being replaced.
    pub(crate) async fn ask(&self, expression: &str) -> Option<Value> {
        self.0.evaluate(expression).await.ok()?.into_value().ok()
    }

    /// The page's text.
    pub(crate) async fn text(&self) -> Option<String> {
        Some(self.ask("document.body.innerText").await?.as_str()?.to_owned())
    }

    /// Waits until the page says this.
    pub(crate) async fn says(&self, words: &str) {
        until(&format!("the page says {words:?}"), || async {
            self.text().await.filter(|text| text.contains(words))
        })
        .await;
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn is(&self, expression: &str) {
        until(&format!("{expression} on the page"), || async {
            (self.ask(expression).await == Some(true.into())).then_some(())
        })
        .await;
    }

    /// Clicks what the selector finds, once it is there.
    pub(crate) async fn click(&self, selector: &str) {
        until(&format!("{selector} can be clicked"), || async {
            self.0.find_element(selector).await.ok()?.click().await.ok().map(drop)
        })
        .await;
    }

    /// Types into what the selector finds.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        self.click(selector).await;
        let field = self.0.find_element(selector).await.expect("just clicked");
        field.type_str(text).await.expect("typed");
    }

    /// What a phone's camera reads from the page.
    pub(crate) async fn read_code(&self) -> Option<String> {
        let picture = self.0.screenshot(png()).await.ok()?;
        let picture = image::load_from_memory(&picture).ok()?.to_luma8();
        let mut picture = rqrr::PreparedImage::prepare(picture);
        let grid = picture.detect_grids().into_iter().next()?;
        Some(grid.decode().ok()?.1)
    }

    /// Goes away.
    pub(crate) async fn close(self) {
        self.0.close().await.expect("closed");
    }

    /// As someone sees it who prefers `dark` or `light` pages.
    pub(crate) async fn prefers(&self, scheme: &str) {
        let feature = MediaFeature::new("prefers-color-scheme", scheme);
        let media = SetEmulatedMediaParams::builder().features(vec![feature]).build();
        self.0.execute(media).await.expect("set");
    }

    /// Keeps a picture for people to look at, below `target/screenshots`.
    pub(crate) async fn keep_picture(&self, name: &str) {
        let folder = repository("target/screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        self.0.save_screenshot(png(), folder.join(name)).await.expect("a picture");
    }
}

fn png() -> ScreenshotParams {
    ScreenshotParams::builder().format(CaptureScreenshotFormat::Png).full_page(true).build()
}
