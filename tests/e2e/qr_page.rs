//! What a person sees: the QR page in a real browser.

use crate::harness::{Farm, until};
use crate::visitor::Visitor;

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
        let svg =
            page.ask("document.querySelector('svg[role=img], .qr svg, img[alt]')?.outerHTML ?? ''").await?;
        let svg = svg.as_str()?.to_owned();
        (svg.len() > 500).then_some(svg)
    };
    let first = until("the page shows a code", svg).await;
    page.keep_picture("qr-waiting.png").await;
    until("the page shows the next code by itself", || async { svg().await.filter(|next| *next != first) })
        .await;

    farm.scan("3", "5511900000003").await;
    page.says("WhatsApp conectado").await;
    page.keep_picture("qr-linked.png").await;
    assert!(page.read_code().await.is_none(), "no code is left on the page");
    assert!(
        page.text().await.is_some_and(|text| text.contains("Dono 5511900000003")),
        "it names the account"
    );

    let english = Visitor::arrive("en-US").await;
    let page = english.open(&format!("http://{}/qr?user_id=3", farm.service.address())).await;
    page.says("WhatsApp connected").await;
}

/// A browser has six connections to one host. Each page that is open keeps one while somebody can see it.
#[tokio::test]
async fn seven_tabs_of_one_browser_all_show_what_is_true_when_they_are_looked_at() {
    let farm = Farm::start().await;
    farm.qr("1").await;
    farm.qr("2").await;
    let visitor = Visitor::arrive_with_tabs("pt-BR").await;
    let base = format!("http://{}", farm.service.address());
    let mut tabs = Vec::new();
    for path in [
        "/qr?user_id=1",
        "/sessions/1",
        "/qr?user_id=2",
        "/sessions/2",
        "/",
        "/qr?user_id=1",
        "/sessions/1",
        "/qr?user_id=2",
    ] {
        let tab = visitor.open(&format!("{base}{path}")).await;
        // What follows comes by a stream, not with the page.
        tab.ask("document.body.dataset.opened = 'yes'").await;
        tabs.push((path, tab));
    }
    let hidden = async || {
        let mut hidden = 0;
        for (_, tab) in &tabs {
            hidden += usize::from(tab.ask("document.hidden").await == Some(true.into()));
        }
        hidden
    };
    assert_eq!(hidden().await, tabs.len() - 1, "or the test proves nothing");

    farm.scan("1", "5511900000001").await;
    farm.ready("1").await;
    for (path, tab) in &tabs {
        tab.0.bring_to_front().await.expect("shown");
        let says = match *path {
            "/qr?user_id=1" => "WhatsApp conectado",
            "/qr?user_id=2" => "Escaneie o QR Code",
            "/sessions/2" => "Aguardando",
            _ => "Conectada",
        };
        tab.says(says).await;
        tab.is("document.body.dataset.opened === 'yes'").await;
        tab.is("document.querySelector('.offline')?.hidden ?? true").await;
    }
    assert!(farm.service.get("/health").await.status == 200, "and the service has connections left");
}
