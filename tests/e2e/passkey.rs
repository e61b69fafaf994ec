//! Accounts that ask for a passkey. The account's owner is a second Chromium with an authenticator of its own, on
//! WhatsApp's origin; the simulator verifies what it signs.

use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::fetch;
use chromiumoxide::cdp::browser_protocol::web_authn::{
    AddVirtualAuthenticatorParams, AuthenticatorProtocol, AuthenticatorTransport, EnableParams,
    VirtualAuthenticatorOptions,
};
use futures::StreamExt;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{Answer, Farm, Options, Service, until};
use crate::visitor::{Sight, Visitor};

pub(crate) const NUMBER: &str = "5511900000061";
pub(crate) const WHATSAPP: &str = "https://web.whatsapp.com/";
const CLIENT: &str = "response.clientDataJSON";

/// Somebody's own browser, with the passkey of their account.
pub(crate) struct Owner {
    tab: Sight,
    pub(crate) id: String,
    pub(crate) public_key: String,
    _browser: Visitor,
}

impl Owner {
    /// On a page of this address, which is made here: nothing leaves the machine.
    pub(crate) async fn on(address: &str) -> Self {
        let browser = Visitor::arrive("pt-BR").await;
        let tab = browser.open("about:blank").await;
        let mut paused = tab.0.event_listener::<fetch::EventRequestPaused>().await.expect("a listener");
        tab.0.execute(fetch::EnableParams::default()).await.expect("enabled");
        let page = tab.0.clone();
        tokio::spawn(async move {
            while let Some(request) = paused.next().await {
                let mut answer = fetch::FulfillRequestParams::new(request.request_id.clone(), 200);
                let html = fetch::HeaderEntry { name: "content-type".into(), value: "text/html".into() };
                answer.response_headers = Some(vec![html]);
                let _ = page.execute(answer).await;
            }
        });
        tab.0.execute(EnableParams::default()).await.expect("enabled");
        let mut options =
            VirtualAuthenticatorOptions::new(AuthenticatorProtocol::Ctap2, AuthenticatorTransport::Internal);
        options.has_resident_key = Some(true);
        options.has_user_verification = Some(true);
        options.is_user_verified = Some(true);
        options.automatic_presence_simulation = Some(true);
        tab.0.execute(AddVirtualAuthenticatorParams::new(options)).await.expect("an authenticator");
        tab.0.goto(address).await.expect("it loads");
        let made = tab
            .ask(
                "(async () => {
                    const made = await navigator.credentials.create({ publicKey: {
                        challenge: new Uint8Array(16), rp: { id: 'whatsapp.com', name: 'WhatsApp' },
                        user: { id: new Uint8Array([7]), name: 'me', displayName: 'me' },
                        pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
                        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
                    } });
                    const key = new Uint8Array(made.response.getPublicKey()).slice(-65);
                    return [made.id, key.toBase64({ alphabet: 'base64url', omitPadding: true })];
                })()",
            )
            .await
            .expect("a passkey is made");
        let text = |at: usize| made[at].as_str().expect("a text").to_owned();
        Self { tab, id: text(0), public_key: text(1), _browser: browser }
    }

    /// Signs what was asked for, as `toJSON()` writes it.
    pub(crate) async fn sign(&self, challenge: &Value) -> Value {
        let source = format!(
            "(async () => (await navigator.credentials.get({{ publicKey:
                PublicKeyCredential.parseRequestOptionsFromJSON({challenge}) }})).toJSON())()"
        );
        self.tab.ask(&source).await.expect("it is signed")
    }
}

/// A farm whose phone has an account with the passkey of its owner, and whose code that phone has scanned.
pub(crate) struct Scene {
    pub(crate) farm: Farm,
    pub(crate) owner: Owner,
}

impl Scene {
    pub(crate) async fn start(query: &str, deadlines: &str) -> Self {
        Self::start_with(query, deadlines, "").await
    }

    async fn start_with(query: &str, deadlines: &str, config: &str) -> Self {
        let options = Options {
            page_query: query.into(),
            deadlines: deadlines.into(),
            config: config.into(),
            log_to_file: true,
            ..Options::default()
        };
        let farm = Farm::start_with(options).await;
        let owner = Owner::on(WHATSAPP).await;
        let scene = Self { farm, owner };
        scene.give_passkey().await;
        scene
    }

    async fn scanned(query: &str, deadlines: &str) -> Self {
        let scene = Self::start(query, deadlines).await;
        scene.farm.scan("1", NUMBER).await;
        scene
    }

    /// From now on the account asks for it.
    async fn give_passkey(&self) {
        let passkey = json!({ "number": NUMBER, "id": self.owner.id, "public_key": self.owner.public_key });
        let (status, answer) = self.farm.phone.post("/phone/passkey", passkey).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn status(&self) -> String {
        let answer = self.farm.service.get("/api/sessions/1").await;
        answer.json["status"].as_str().unwrap_or_default().to_owned()
    }

    async fn until_status(&self, status: &str) {
        until(&format!("the status is {status}"), || async { (self.status().await == status).then_some(()) })
            .await;
    }

    /// What has to be signed now; another one than `before`.
    pub(crate) async fn challenge(&self, before: Option<&Value>) -> Value {
        until("something has to be signed", || async {
            let answer = self.farm.service.get("/api/1/auth/passkey/challenge").await;
            assert!(answer.status == 200 || answer.status == 422, "{answer:?}");
            (answer.status == 200 && before != Some(&answer.json)).then_some(answer.json)
        })
        .await
    }

    async fn submit(&self, assertion: &Value) -> Answer {
        self.farm.service.post("/api/1/auth/passkey", assertion).await
    }

    async fn page(&self) -> Value {
        self.farm.phone.pages().await.into_iter().next().unwrap_or_default()
    }

    /// Nothing of these is in the log or in any file of the journal.
    fn keeps_quiet(&self, secrets: &[&str]) {
        let mut folders = vec![self.farm.dir.path().to_owned()];
        let mut looked = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
                // The browser's own profile is the page's.
                if kind.is_dir()
                    && !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("session-"))
                {
                    folders.push(path);
                } else if kind.is_file() {
                    let Ok(bytes) = std::fs::read(&path) else { continue };
                    looked += 1;
                    let text = String::from_utf8_lossy(&bytes);
                    for secret in secrets {
                        assert!(!text.contains(secret), "a secret is in {}", path.display());
                    }
                }
            }
        }
        assert!(looked > 3, "there is a log and a journal");
    }
}

fn refused(answer: &Answer, field: &str) {
    assert_eq!((answer.status, &answer.json["field"]), (400, &json!(field)), "{answer:?}");
}

#[tokio::test]
async fn an_account_is_linked_by_the_four_calls_and_nothing_secret_is_kept() {
    let scene = Scene::scanned("?handoff=1&deferred=500", "").await;
    scene.until_status("PASSKEY_REQUIRED").await;
    let challenge = scene.challenge(None).await;
    assert_eq!(
        (&challenge["rpId"], &challenge["userVerification"], &challenge["allowCredentials"]),
        (&json!("whatsapp.com"), &json!("required"), &json!([]))
    );
    let flask = scene.farm.service.get("/qr?user_id=1").await.json;
    assert_eq!(
        (&flask["ready"], &flask["hasQr"], &flask["qr"]),
        (&json!(false), &json!(false), &Value::Null)
    );
    assert!(flask["message"].as_str().expect("words").contains("Continue no WhatsApp Web"), "{flask}");
    assert_eq!(scene.farm.status("1").await["state"], "passkey");

    let none = scene.farm.service.get("/api/1/auth/passkey/confirmation").await;
    assert_eq!(none.status, 422, "{none:?}");
    let signed = scene.owner.sign(&challenge).await;
    let answer = scene.submit(&signed).await;
    assert_eq!((answer.status, answer.text.as_str()), (201, "{}"));
    scene.until_status("PASSKEY_CONFIRMATION_REQUIRED").await;
    let code = scene.farm.service.get("/api/1/auth/passkey/confirmation").await.json["code"].clone();
    let code = code.as_str().expect("a code").to_owned();
    assert_eq!(scene.page().await["passkey"]["code"], code.replace('-', ""), "the phone shows the same");
    assert_eq!(scene.farm.status("1").await["state"], "passkey_confirm");
    let confirmed = scene.farm.service.post("/api/1/auth/passkey/confirm", &json!({})).await;
    assert_eq!(confirmed.status, 201, "{confirmed:?}");
    scene.farm.ready("1").await;
    let again = scene.submit(&signed).await;
    assert_eq!(again.status, 422, "{again:?}");
    let metrics = scene.farm.service.get("/metrics").await.text;
    for line in ["step=\"asked\",outcome=\"to_link\"", "step=\"ended\",outcome=\"accepted\""] {
        assert!(metrics.contains(line), "{line}");
    }
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    scene.keeps_quiet(&[
        &text(&challenge["challenge"]),
        &text(&signed["response"]["signature"]),
        &text(&signed["response"]["clientDataJSON"]),
        &code,
    ]);
}

#[tokio::test]
async fn a_wrong_answer_names_its_field_a_wrong_key_leads_to_a_new_request_and_a_used_one_counts_no_more() {
    let scene = Scene::scanned("?passkeyms=1500", "").await;
    let first = scene.challenge(None).await;
    let signed = scene.owner.sign(&first).await;

    let elsewhere = Owner::on("https://m.whatsapp.com/").await;
    refused(&scene.submit(&elsewhere.sign(&first).await).await, CLIENT);
    let mut other = first.clone();
    other["challenge"] = json!("AAAA");
    refused(&scene.submit(&scene.owner.sign(&other).await).await, CLIENT);
    let mut kind = signed.clone();
    kind["type"] = json!("password");
    refused(&scene.submit(&kind).await, "type");
    let mut short = signed.clone();
    short["response"]["authenticatorData"] = json!("AAAA");
    refused(&scene.submit(&short).await, "response.authenticatorData");
    assert_eq!(scene.challenge(None).await, first, "what was refused here has used nothing");

    // Only WhatsApp knows the key; that it does not like this one shows as a time-out of the page's.
    let mut forged = Owner::on(WHATSAPP).await.sign(&first).await;
    (forged["id"], forged["rawId"]) = (signed["id"].clone(), signed["id"].clone());
    assert_eq!(scene.submit(&forged).await.status, 201);
    let second = scene.challenge(Some(&first)).await;
    refused(&scene.submit(&signed).await, CLIENT);
    assert_eq!(scene.submit(&scene.owner.sign(&second).await).await.status, 201);
    scene.farm.ready("1").await;
}

#[tokio::test]
async fn who_comes_too_late_or_cancels_gets_a_new_code() {
    let scene = Scene::scanned("", "passkey_ms = 6000\nprobe_interval_ms = 1000").await;
    let challenge = scene.challenge(None).await;
    let signed = scene.owner.sign(&challenge).await;
    scene.until_status("SCAN_QR_CODE").await;
    let late = scene.submit(&signed).await;
    assert_eq!(late.status, 422, "{late:?}");

    scene.farm.scan("1", NUMBER).await;
    scene.until_status("PASSKEY_REQUIRED").await;
    let cancelled = scene.farm.service.post("/qr/passkey/cancel?user_id=1", &json!({})).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    scene.until_status("SCAN_QR_CODE").await;
    assert_eq!(scene.farm.service.get("/api/1/auth/passkey/challenge").await.status, 422);
    assert!(scene.page().await["passkey"].is_null(), "the page has given it up too");
}

#[tokio::test]
async fn a_worker_or_a_page_that_is_lost_in_between_ends_in_a_new_code() {
    let scene = Scene::scanned("", "").await;
    let signed = scene.owner.sign(&scene.challenge(None).await).await;
    let (worker, _) = Service::processes_of("1").await;
    worker.signal(Signal::SIGKILL);
    scene.until_status("SCAN_QR_CODE").await;
    let lost = scene.submit(&signed).await;
    assert_eq!(lost.status, 422, "{lost:?}");

    scene.farm.scan("1", NUMBER).await;
    let signed = scene.owner.sign(&scene.challenge(None).await).await;
    let page = scene.page().await["page"].clone();
    let (status, answer) =
        scene.farm.phone.post("/phone/fault", json!({ "page": page, "fault": "crash" })).await;
    assert_eq!(status, 200, "{answer}");
    scene.until_status("SCAN_QR_CODE").await;
    let lost = scene.submit(&signed).await;
    assert_eq!(lost.status, 422, "{lost:?}");

    scene.farm.scan("1", NUMBER).await;
    assert_eq!(scene.submit(&scene.owner.sign(&scene.challenge(None).await).await).await.status, 201);
    scene.farm.ready("1").await;
}

#[tokio::test]
async fn a_pairing_code_leads_to_the_same_request() {
    let scene = Scene::start("?testids=off&deferred=300", "").await;
    scene.farm.qr("1").await;
    let body = json!({ "phoneNumber": NUMBER });
    until("a phone has typed the code", || async {
        let code = scene.farm.service.post("/api/1/auth/request-code", &body).await;
        let code = code.json["code"].as_str()?.to_owned();
        scene.farm.phone.pair(&code, NUMBER).await.then_some(())
    })
    .await;
    assert_eq!(scene.submit(&scene.owner.sign(&scene.challenge(None).await).await).await.status, 201);
    scene.farm.ready("1").await;
}

#[tokio::test]
async fn a_linked_session_that_has_to_prove_itself_is_shown_answered_and_never_logged_out() {
    let farm_options = "probe_interval_ms = 500";
    let scene = Scene::start("", farm_options).await;
    let (status, _) = scene.farm.phone.post("/phone/passkey", json!({ "number": NUMBER })).await;
    assert_eq!(status, 200);
    scene.farm.link("1", NUMBER).await;
    let pid = Service::processes_of("1").await.0.pid;
    let device = scene.page().await["device"].clone();
    scene.give_passkey().await;
    let (status, answer) =
        scene.farm.phone.post("/phone/passkey/checkpoint", json!({ "number": NUMBER })).await;
    assert_eq!(status, 200, "{answer}");
    scene.until_status("PASSKEY_REQUIRED").await;
    let shown = scene.farm.status("1").await;
    assert_eq!((&shown["state"], &shown["ready"]), (&json!("passkey_checkpoint"), &json!(false)));
    let challenge = scene.challenge(None).await;
    assert_eq!(challenge["userVerification"], "preferred");
    assert_eq!(scene.submit(&scene.owner.sign(&challenge).await).await.status, 201);
    scene.until_status("WORKING").await;
    assert!(scene.farm.phone.is_listed(NUMBER).await);
    assert_eq!(scene.page().await["device"], device, "it is the same device");
    assert_eq!(Service::processes_of("1").await.0.pid, pid, "and nothing was started anew");
}

/// Where the page keeps what has to be signed.
async fn shown_challenge(page: &Sight) -> String {
    until("the page shows what has to be signed", || async {
        let shown = page.ask("document.getElementById('pk-challenge').value").await?;
        shown.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn the_page_leads_through_the_pasted_script() {
    let scene = Scene::scanned("?handoff=1", "").await;
    let visitor = Visitor::arrive_with("pt-BR", 390, 844).await;
    let address = format!("http://{}", scene.farm.service.address());
    let dashboard = visitor.open(&format!("{address}/sessions/1")).await;
    dashboard.says("Aguardando a chave de acesso").await;
    dashboard.keep_picture("passkey-dashboard.png").await;
    dashboard.click("#passkey-page").await;
    let page = dashboard;
    page.says("Continue no WhatsApp Web").await;
    page.says("Termine, por favor, em até 4:").await;
    page.keep_picture("passkey-390-pt.png").await;
    page.is("document.documentElement.scrollWidth <= 390").await;
    let english = Visitor::arrive_with("en-US", 390, 844).await;
    let other = english.open(&format!("{address}/qr?user_id=1")).await;
    other.says("continue on WhatsApp Web").await;
    other.keep_picture("passkey-390-en.png").await;

    let challenge = shown_challenge(&page).await;
    page.ask("document.getElementById('pk-answer').value = 'no answer'").await;
    page.click("#pk-send").await;
    page.says("não é a resposta inteira").await;
    let script = until("the page shows the script", || async {
        let shown = page.ask("document.getElementById('pk-script').value").await?;
        shown.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    })
    .await;
    let prompt = format!(
        "window.prompt = (words, given) => given === undefined ? {} : (window.copied = given)",
        json!(challenge)
    );
    scene.owner.tab.ask(&prompt).await;
    scene.owner.tab.0.evaluate(script.as_str()).await.expect("the script runs");
    let copied = "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } }); 1";
    scene.owner.tab.ask(copied).await;
    scene.owner.tab.is("window.copied === undefined").await; // nothing without a click
    scene.owner.tab.click("#passkey-sign").await;
    let answer = until("the answer was copied", || async {
        scene
            .owner
            .tab
            .ask("window.copied ?? ''")
            .await?
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    })
    .await;
    page.ask(&format!("document.getElementById('pk-answer').value = {}", json!(answer))).await;
    page.click("#pk-send").await;
    page.says("Compare os códigos").await;
    page.keep_picture("passkey-code-pt.png").await;
    let code = scene.page().await["passkey"]["code"].as_str().expect("a code").to_owned();
    page.says(&format!("{}-{}", &code[..4], &code[4..])).await;
    page.click("#pk-confirm").await;
    page.says("WhatsApp conectado").await;
    page.is("document.getElementById('passkey').hidden").await;
}

#[tokio::test]
async fn one_button_is_enough_where_a_signing_extension_answers() {
    let scene = Scene::scanned("", "").await;
    let visitor = Visitor::arrive("en-US").await;
    let page = visitor.open("about:blank").await;
    // What the extension is to a page; what it signs, the owner's browser signs on WhatsApp's origin.
    let extension = "window.chrome = { runtime: { sendMessage: (id, message, answer) => {
        if (id !== 'ghpdcgnjffaaekflfpcgkgpbafmjldcp') return answer();
        if (message.type === 'waha-passkey-ping') return answer({ ok: true });
        Object.assign(window, { wanted: message.challenge, answerWith: answer });
    } } };";
    page.0.evaluate_on_new_document(extension).await.expect("set");
    page.0.goto(format!("http://{}/qr?user_id=1", scene.farm.service.address())).await.expect("it loads");
    page.is("document.getElementById('pk-extension').checkVisibility()").await;
    page.is("document.getElementById('pk-manual').open === false").await;
    page.keep_picture("passkey-extension-en.png").await;
    page.click("#pk-extension-sign").await;
    let wanted = until("the extension is asked", || async {
        page.ask("window.wanted ?? ''").await.filter(Value::is_object)
    })
    .await;
    let assertion = scene.owner.sign(&wanted).await;
    page.ask(&format!("window.answerWith({{ ok: true, assertion: {assertion} }})")).await;
    page.says("WhatsApp connected").await;
    tokio::time::timeout(Duration::from_secs(60), scene.farm.ready("1")).await.expect("ready");
}

/// A line of the log about a passkey has all of these.
fn is_told(log: &str, parts: &[&str]) -> bool {
    log.lines().any(|line| line.contains("passkey") && parts.iter().all(|part| line.contains(part)))
}

#[tokio::test]
async fn one_key_asks_for_one_linking_and_the_log_says_which_and_never_what() {
    const CONFIGURED: &str = "a-configured-key-that-nobody-guesses-0001";
    let scene = Scene::start_with("?handoff=1", "", &format!("api_keys = [\"{CONFIGURED}\"]")).await;
    let service = &scene.farm.service;
    let ask = async |key: &str, method: &str, path: &str, body: Option<&Value>| -> Answer {
        let request = service.request(method, path).header("x-api-key", key);
        service.send(if let Some(body) = body { request.json(body) } else { request }).await
    };
    let make = async |actions: Value| -> (String, String) {
        let body = json!({ "isAdmin": false, "session": "1", "actions": actions });
        let made = ask(CONFIGURED, "POST", "/api/keys", Some(&body)).await;
        assert_eq!(made.status, 201, "{made:?}");
        let text = |field: &str| made.json[field].as_str().expect(field).to_owned();
        (text("id"), text("key"))
    };
    let (id, key) = make(json!({ "control": true })).await;
    let (other_id, other) = make(json!({ "control": true })).await;
    let (_, reads) = make(json!({ "read": true, "send": true })).await;
    scene.farm.scan("1", NUMBER).await;

    let path = "/api/1/auth/passkey/challenge";
    let challenge = until("something has to be signed", || async {
        let answer = ask(&key, "GET", path, None).await;
        (answer.status == 200).then_some(answer.json)
    })
    .await;
    assert_eq!(ask(&reads, "GET", path, None).await.status, 403, "only who may control");
    let signed = scene.owner.sign(&challenge).await;
    let held = [
        ask(&other, "GET", path, None).await,
        ask(CONFIGURED, "GET", path, None).await,
        ask(&other, "POST", "/api/1/auth/passkey", Some(&signed)).await,
    ];
    for answer in &held {
        assert_eq!(answer.status, 409, "{answer:?}");
        assert!(
            answer.json["message"].as_str().is_some_and(|text| text.contains("passkey_held")),
            "{answer:?}"
        );
    }
    assert_eq!(ask(&key, "GET", path, None).await.json, challenge, "who asked may ask again");
    let answer = ask(&key, "POST", "/api/1/auth/passkey", Some(&signed)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let shown = until("a code is shown", || async {
        let answer = ask(&key, "GET", "/api/1/auth/passkey/confirmation", None).await;
        answer.json["code"].as_str().map(str::to_owned)
    })
    .await;
    for (method, path) in
        [("GET", "/api/1/auth/passkey/confirmation"), ("POST", "/api/1/auth/passkey/confirm")]
    {
        assert_eq!(ask(&other, method, path, None).await.status, 409);
    }
    // The owner's page is never locked out.
    let confirmed = service.post("/qr/passkey/confirm?user_id=1", &json!({})).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    scene.farm.ready("1").await;

    let log = std::fs::read_to_string(scene.farm.dir.path().join("log")).expect("a log");
    let address = "127.0.0.1";
    for parts in [
        ["challenge", "by=\"api\"", &id, "given"],
        ["challenge", "by=\"api\"", &other_id, "held"],
        ["challenge", "by=\"api\"", "api_keys[0]", "held"],
        ["passkey_answer", "by=\"api\"", &other_id, "held"],
        ["passkey_answer", "by=\"api\"", &id, "done"],
        ["passkey_confirm", "by=\"api\"", &other_id, "held"],
        ["passkey_confirm", "by=\"page\"", "no key", "done"],
        ["passkey_confirm", "by=\"page\"", address, "done"],
    ] {
        assert!(is_told(&log, &parts), "{parts:?}");
    }
    let given = log.lines().filter(|line| line.contains("step=\"challenge\"") && line.contains("given"));
    assert_eq!(given.count(), 1, "and each once, however often it was asked for");
    let signature = signed["response"]["signature"].as_str().expect("a text");
    scene.keeps_quiet(&[&key, &other, challenge["challenge"].as_str().expect("a text"), signature, &shown]);
}

#[tokio::test]
async fn switched_off_nothing_is_passed_on_and_an_account_that_asks_is_told_so_and_gets_a_new_code() {
    let deadlines = "passkey_ms = 20000\nprobe_interval_ms = 500";
    let scene = Scene::start_with("", deadlines, "passkey = \"off\"").await;
    let (farm, service) = (&scene.farm, &scene.farm.service);
    farm.qr("1").await;
    let refused = async |words: &str| {
        for path in ["challenge", "confirmation"] {
            let answer = service.get(&format!("/api/1/auth/passkey/{path}")).await;
            assert_eq!(answer.status, 403, "{answer:?}");
            assert!(answer.json["message"].as_str().is_some_and(|text| text.contains(words)), "{answer:?}");
        }
    };
    refused("its key passkey is \"off\"").await;
    let visitor = Visitor::arrive_with("pt-BR", 390, 844).await;
    let page = visitor.open(&format!("http://{}/qr?user_id=1", service.address())).await;
    let dashboard = visitor.open(&format!("http://{}/sessions/1", service.address())).await;

    farm.scan("1", NUMBER).await;
    scene.until_status("PASSKEY_REQUIRED").await;
    assert_eq!(farm.status("1").await["state"], "passkey_off");
    let flask = service.get("/qr?user_id=1").await.json;
    assert_eq!((&flask["status"], &flask["hasQr"]), (&json!("passkey_off"), &json!(false)));
    assert!(flask["message"].as_str().expect("words").contains("desligou essa opção"), "{flask}");
    refused("The account asks for a passkey").await;
    page.says("Esta conta não pode ser conectada aqui").await;
    page.is("document.getElementById('passkey').hidden").await;
    page.keep_picture("passkey-off-390-pt.png").await;
    dashboard.says("Chave de acesso desligada").await;

    scene.until_status("SCAN_QR_CODE").await;
    page.says("A conta que escaneou pede uma chave de acesso").await;
    until("the page has given it up too", || async { scene.page().await["passkey"].is_null().then_some(()) })
        .await;
    // Another account is linked as ever.
    farm.link("1", "5511900000062").await;
    page.says("WhatsApp conectado").await;
}
