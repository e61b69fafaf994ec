//! The QR page without a mouse and without eyes: a phone is linked by a passkey with keys alone, and what a screen reader is
//! given of each step is read from Chromium's accessibility tree.

use std::collections::BTreeSet;

use chromiumoxide::cdp::browser_protocol::accessibility::{AxNode, AxPropertyName, GetFullAxTreeParams};
use chromiumoxide::cdp::browser_protocol::emulation::SetFocusEmulationEnabledParams;
use chromiumoxide::cdp::browser_protocol::input::{
    DispatchKeyEventParams, DispatchKeyEventType, InsertTextParams,
};
use serde_json::{Value, json};

use crate::harness::until;
use crate::passkey::{NUMBER, Scene};
use crate::visitor::{Sight, Visitor};

/// What can be used; a node of any of these roles needs a name.
const CONTROLS: [&str; 7] =
    ["button", "link", "textbox", "DisclosureTriangle", "checkbox", "combobox", "progressindicator"];

/// One of the two languages.
struct Words {
    tag: &'static str,
    title: &'static str,
    minutes: &'static str,
    compare: &'static str,
    controls: [&'static str; 10],
}

const PORTUGUESE: Words = Words {
    tag: "pt-BR",
    title: "Confirme com a sua chave de acesso",
    minutes: "Termine, por favor, em até 5 min",
    compare: "Compare os códigos",
    controls: [
        "Colmeia",
        "Neste computador, passo a passo",
        "web.whatsapp.com",
        "Script",
        "Copiar o script",
        "Pedido",
        "Copiar o pedido",
        "Volte e cole a resposta aqui.",
        "Enviar a resposta",
        "Cancelar e escanear de novo",
    ],
};
const ENGLISH: Words = Words {
    tag: "en",
    title: "Confirm with your passkey",
    minutes: "Please finish within 5 min",
    compare: "Compare the codes",
    controls: [
        "Colmeia",
        "On this computer, step by step",
        "web.whatsapp.com",
        "Script",
        "Copy the script",
        "Request",
        "Copy the request",
        "Come back and paste the answer here.",
        "Send the answer",
        "Cancel and scan again",
    ],
};

/// What a screen reader is given: role, name, and how changes of it are told.
#[derive(Debug)]
struct Heard {
    role: String,
    name: String,
    live: Option<String>,
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn heard(node: &AxNode) -> Heard {
    let live = node.properties.iter().flatten().find(|property| property.name == AxPropertyName::Live);
    Heard {
        role: text(node.role.as_ref().and_then(|role| role.value.as_ref())),
        name: text(node.name.as_ref().and_then(|name| name.value.as_ref())),
        live: live.map(|property| text(property.value.value.as_ref())),
    }
}

/// A page that is looked at by ear.
struct Ear<'a>(&'a Sight);

impl Ear<'_> {
    /// In the order in which it is read.
    async fn tree(&self) -> Vec<Heard> {
        let tree = self.0.0.execute(GetFullAxTreeParams::default()).await.expect("a tree");
        let nodes = &tree.result.nodes;
        let mut next: Vec<&AxNode> = nodes.iter().filter(|node| node.parent_id.is_none()).collect();
        let mut read = Vec::new();
        while let Some(node) = next.pop() {
            let ids = node.child_ids.iter().flatten().rev();
            next.extend(ids.filter_map(|id| nodes.iter().find(|node| node.node_id == *id)));
            if !node.ignored {
                read.push(heard(node));
            }
        }
        read
    }

    /// The names of all that can be used, in order. Each has one.
    async fn controls(&self) -> Vec<String> {
        let tree = self.tree().await;
        let controls: Vec<_> = tree.iter().filter(|one| CONTROLS.contains(&one.role.as_str())).collect();
        assert!(controls.iter().all(|one| !one.name.is_empty()), "{controls:?}");
        for picture in tree.iter().filter(|one| one.role == "image") {
            assert!(!picture.name.is_empty(), "{tree:?}");
        }
        controls.iter().map(|one| one.name.clone()).collect()
    }

    /// Waits until a region says this that is read out when it changes.
    async fn announces(&self, words: &str) {
        until(&format!("{words:?} is announced"), || async {
            let said = self.0.ask("window.announced").await?;
            said.as_array()?
                .iter()
                .any(|said| said.as_str().is_some_and(|said| said.contains(words)))
                .then_some(())
        })
        .await;
    }

    /// From now on, whatever is announced is noted: what changes in a region that the tree calls a live one.
    async fn listen(&self) {
        let live = self.tree().await.into_iter().filter_map(|one| one.live).collect::<BTreeSet<_>>();
        assert!(live.contains("polite"), "{live:?}");
        let source = "(() => {
            window.announced = [];
            const regions = document.querySelectorAll('[role=status], [role=alert]');
            const note = (region) => window.announced.push(region.innerText || region.textContent);
            for (const region of regions) {
                new MutationObserver(() => note(region)).observe(region, {
                    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['hidden'] });
            }
            return regions.length;
        })()";
        assert!(self.0.ask(source).await.and_then(|count| count.as_u64()).is_some_and(|count| count >= 3));
    }
}

/// Hands that have only a keyboard.
struct Keys<'a>(&'a Sight);

impl Keys<'_> {
    async fn press(&self, key: &str, code: i64, typed: Option<&str>) {
        for kind in [DispatchKeyEventType::KeyDown, DispatchKeyEventType::KeyUp] {
            let mut event = DispatchKeyEventParams::new(kind.clone());
            (event.key, event.code) = (Some(key.into()), Some(key.into()));
            event.windows_virtual_key_code = Some(code);
            event.text = typed.filter(|_| kind == DispatchKeyEventType::KeyDown).map(str::to_owned);
            self.0.0.execute(event).await.expect("pressed");
        }
    }

    async fn tab(&self) {
        self.press("Tab", 9, None).await;
    }

    async fn enter(&self) {
        self.press("Enter", 13, Some("\r")).await;
    }

    /// Where the focus is.
    async fn at(&self) -> String {
        let source = "(({ dataset, id, className, tagName }) => dataset.copy ? 'copy ' + dataset.copy : id || className || tagName)(document.activeElement)";
        text(self.0.ask(source).await.as_ref())
    }

    /// Whether one sees where it is.
    async fn is_seen(&self) -> bool {
        let source = "((one) => one.matches(':focus-visible') && one.checkVisibility()
            && getComputedStyle(one).outlineStyle !== 'none' && parseFloat(getComputedStyle(one).outlineWidth) >= 2)(document.activeElement)";
        self.0.ask(source).await == Some(true.into())
    }

    /// On to this, from where one is.
    async fn go_to(&self, place: &str) {
        for _ in 0..20 {
            if self.at().await == place {
                assert!(self.is_seen().await, "one sees that {place} has the focus");
                return;
            }
            self.tab().await;
        }
        panic!("no key leads to {place}");
    }
}

async fn shows(page: &Sight, words: &Words) {
    let ear = Ear(page);
    page.says(words.title).await;
    page.is(&format!("document.documentElement.lang === {}", json!(words.tag))).await;
    page.is("document.getElementById('pk-script').value !== ''").await;
    ear.announces(words.title).await;
    ear.announces(words.minutes).await;
    assert_eq!(ear.controls().await, words.controls);
    let tree = ear.tree().await;
    let heading = tree.iter().position(|one| one.role == "heading").expect("a heading");
    let first = tree.iter().position(|one| one.role == "DisclosureTriangle").expect("the way by hand");
    assert_eq!(tree[heading].name, words.title);
    assert!(heading < first, "what it is about comes before what is to be done");
}

#[tokio::test]
async fn a_phone_is_linked_with_keys_alone_and_each_step_is_announced() {
    let scene = Scene::start("?handoff=1", "").await;
    scene.farm.qr("1").await;
    let address = format!("http://{}/qr?user_id=1", scene.farm.service.address());
    let (one, two) = (Visitor::arrive("pt-BR").await, Visitor::arrive("en-US").await);
    let (page, other) = (one.open(&address).await, two.open(&address).await);
    for (page, code) in [(&page, "QR Code para conectar o WhatsApp"), (&other, "QR code to link WhatsApp")] {
        page.0.execute(SetFocusEmulationEnabledParams::new(true)).await.expect("set");
        page.is("document.getElementById('qr').checkVisibility()").await;
        let ear = Ear(page);
        ear.listen().await;
        assert!(ear.tree().await.iter().any(|one| one.role == "image" && one.name == code));
    }
    scene.farm.scan("1", NUMBER).await;
    shows(&page, &PORTUGUESE).await;
    shows(&other, &ENGLISH).await;

    // The clock is for the eye: while it goes on nothing is announced.
    let time = "document.getElementById('pk-time').textContent";
    let quiet = until("the clock has moved, within one minute", || async {
        let before = (page.ask("window.announced.length").await?, page.ask(time).await?);
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        let after = (page.ask("window.announced.length").await?, page.ask(time).await?);
        // One of them may be the next minute's.
        (before.1 != after.1).then(|| after.0.as_u64().unwrap_or(99) - before.0.as_u64().unwrap_or(0))
    })
    .await;
    assert!(quiet <= 1, "announced {quiet} times in four seconds");

    // ---- every control by Tab, in the order in which they stand, each seen ----
    let (keys, ear) = (Keys(&page), Ear(&page));
    let mut stops = Vec::new();
    for _ in 0..PORTUGUESE.controls.len() {
        keys.tab().await;
        stops.push(keys.at().await);
        assert!(keys.is_seen().await, "one sees where the focus is: {stops:?}");
    }
    let expected = [
        "brand",
        "SUMMARY",
        "pk-whatsapp",
        "pk-script",
        "copy pk-script",
        "pk-challenge",
        "copy pk-challenge",
        "pk-answer",
        "pk-send",
        "pk-cancel",
    ];
    assert_eq!(stops, expected);

    // ---- a wrong answer, the right one, the code ----
    keys.go_to("pk-answer").await;
    page.0.execute(InsertTextParams::new("no answer")).await.expect("typed");
    keys.go_to("pk-send").await;
    keys.enter().await;
    ear.announces("não é a resposta inteira").await;
    page.is("document.activeElement.id === 'pk-answer'").await;
    assert!(
        ear.tree().await.iter().any(|one| one.role == "alert" && one.live.as_deref() == Some("assertive"))
    );
    page.ask("document.activeElement.select()").await;
    let signed = scene.owner.sign(&scene.challenge(None).await).await;
    page.0.execute(InsertTextParams::new(signed.to_string())).await.expect("pasted");
    keys.go_to("pk-send").await;
    keys.enter().await;
    page.says(PORTUGUESE.compare).await;
    ear.announces(PORTUGUESE.compare).await;
    Ear(&other).announces(ENGLISH.compare).await;
    let code = scene.farm.service.get("/api/1/auth/passkey/confirmation").await.json["code"].clone();
    ear.announces(code.as_str().expect("a code")).await;
    page.is("document.activeElement.id === 'title'").await;
    let names = ["Colmeia", "Os códigos são iguais", "Cancelar e escanear de novo"];
    assert_eq!(ear.controls().await, names);
    keys.tab().await;
    assert_eq!(keys.at().await, "pk-confirm", "the next thing after what the page says");
    assert!(keys.is_seen().await);
    keys.enter().await;
    page.says("WhatsApp conectado").await;
    ear.announces("WhatsApp conectado").await;
    Ear(&other).announces("WhatsApp connected").await;
    page.is("document.activeElement.id === 'title'").await;
    assert_eq!(ear.controls().await, ["Colmeia"]);
}
