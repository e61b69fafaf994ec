//! What a person sees: the QR page in a real browser.

use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::network::SetUserAgentOverrideParams;
use chromiumoxide::cdp::browser_protocol::page::CaptureScreenshotFormat;
use chromiumoxide::page::ScreenshotParams;
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures::StreamExt;

use crate::harness::{Farm, repository, until};

/// A person's browser.
struct Visitor {
    browser: Browser,
    language: String,
    _profile: tempfile::TempDir,
}

impl Visitor {
    async fn arrive(language: &str) -> Self {
        let profile = tempfile::tempdir().expect("temp dir");
        let mut config = BrowserConfig::builder()
            .chrome_executable("/usr/lib/chromium/chromium-headless-shell")
            .user_data_dir(profile.path())
            .window_size(420, 860)
            .launch_timeout(Duration::from_secs(60));
        if nix::unistd::geteuid().is_root() {
            config = config.no_sandbox();
        }
        let (browser, mut events) =
            Browser::launch(config.build().expect("a configuration")).await.expect("a browser");
        tokio::spawn(async move { while events.next().await.is_some() {} });
        Self { browser, language: language.to_owned(), _profile: profile }
    }

    async fn open(&self, url: &str) -> Page {
        let page = self.browser.new_page("about:blank").await.expect("a page");
        let agent = page.user_agent().await.expect("it has one");
        let speaks = SetUserAgentOverrideParams::builder().user_agent(agent).accept_language(&self.language);
        page.set_user_agent(speaks.build().expect("complete")).await.expect("set");
        page.goto(url).await.expect("it loads");
        page
    }
}

async fn text(page: &Page) -> Option<String> {
    page.evaluate("document.body.innerText").await.ok()?.into_value().ok()
}

fn png() -> ScreenshotParams {
    ScreenshotParams::builder().format(CaptureScreenshotFormat::Png).full_page(true).build()
}

/// What a phone's camera reads from the page.
async fn read_code(page: &Page) -> Option<String> {
    let picture = page.screenshot(png()).await.ok()?;
    let picture = image::load_from_memory(&picture).ok()?.to_luma8();
    let mut picture = rqrr::PreparedImage::prepare(picture);
    let grid = picture.detect_grids().into_iter().next()?;
    Some(grid.decode().ok()?.1)
}

async fn keep_picture(page: &Page, name: &str) {
    let folder = repository("target/screenshots");
    std::fs::create_dir_all(&folder).expect("a folder");
    page.save_screenshot(png(), folder.join(name)).await.expect("a picture");
}

#[tokio::test]
async fn the_page_shows_the_code_follows_it_and_says_when_the_phone_is_linked() {
    let options = crate::harness::Options {
        simulator_args: vec!["--qr-ttl-ms", "3000", "--qr-count", "50"],
        ..Default::default()
    };
    let farm = Farm::start_with(options).await;
    let visitor = Visitor::arrive("pt-BR").await;
    let page = visitor.open(&format!("http://{}/qr?user_id=3", farm.service.address())).await;

    let svg = || async {
        let svg: String = page
            .evaluate("document.querySelector('svg[role=img], .qr svg, img[alt]')?.outerHTML ?? ''")
            .await
            .ok()?
            .into_value()
            .ok()?;
        (svg.len() > 500).then_some(svg)
    };
    let first = until("the page shows a code", svg).await;
    keep_picture(&page, "qr-waiting.png").await;
    until("the page shows the next code by itself", || async { svg().await.filter(|next| *next != first) })
        .await;

    farm.scan("3", "5511900000003").await;
    until("the page says that the phone is linked", || async {
        text(&page).await.filter(|text| text.contains("WhatsApp conectado"))
    })
    .await;
    keep_picture(&page, "qr-linked.png").await;
    assert!(read_code(&page).await.is_none(), "no code is left on the page");
    assert!(
        text(&page).await.is_some_and(|text| text.contains("Dono 5511900000003")),
        "it names the account"
    );

    let english = Visitor::arrive("en-US").await;
    let page = english.open(&format!("http://{}/qr?user_id=3", farm.service.address())).await;
    until("the page speaks English", || async {
        text(&page).await.filter(|text| text.contains("WhatsApp connected"))
    })
    .await;
}
