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
