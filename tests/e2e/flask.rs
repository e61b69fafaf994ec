//! The Flask app of `examples/flask` on a real Colmeia, used by two people at real browsers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::harness::{Farm, LONG, Options, repository, until};
use crate::visitor::{Sight, Visitor};

const KEY: &str = "a-key-for-the-webhook";

/// The running app.
struct App {
    child: Child,
    address: String,
}

impl App {
    /// Starts it on a port that is free, with Colmeia there.
    async fn start(farm: &Farm, port: u16) -> Self {
        let venv = repository("target/flask-venv");
        assert!(
            venv.join("installed").exists(),
            "run `make setup-test` first: the app's packages are missing"
        );
        let mut child = Command::new(repository("examples/flask/run"))
            .env("VENV", venv)
            .env("PORT", port.to_string())
            .env("COLMEIA_URL", format!("http://{}", farm.service.address()))
            .env("WEBHOOK_KEY", KEY)
            .env("INBOX", farm.dir.path().join("inbox.db"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the app starts");
        let stdout = child.stdout.take().expect("it is piped");
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line =
            tokio::time::timeout(LONG, line).await.expect("in time").expect("no panic").expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect("its address").to_owned();
        Self { child, address }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nobody else gets this port in a moment: the system hands out each once before it comes round.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

async fn sign_in(visitor: &Visitor, app: &App, name: &str) -> Sight {
    let page = visitor.open(&app.address).await;
    page.is("location.pathname === '/login'").await;
    page.type_into("#name", name).await;
    page.type_into("#password", name).await;
    page.click("main button").await;
    page.says("Nenhum celular conectado").await;
    page
}

/// Scans the code that the page shows, as a phone's camera does.
async fn connect(farm: &Farm, page: &Sight, number: &str) {
    page.click("a.button").await;
    until("the code on the page is scanned", || async {
        let code = page.read_code().await?;
        farm.phone.scan(&code, number).await.then_some(())
    })
    .await;
    page.says("Conectado: +55").await;
}

#[tokio::test]
async fn two_people_connect_send_and_read_in_the_flask_app() {
    let port = free_port();
    let webhook = format!(
        "\n[[webhooks]]\nurl = \"http://127.0.0.1:{port}/events\"\nevents = [\"message\"]\nhmac = {{ key = \"{KEY}\" }}\n"
    );
    let farm = Farm::start_with(Options { config: webhook, ..Default::default() }).await;
    let app = App::start(&farm, port).await;
    let (one, two) = (Visitor::arrive("pt-BR").await, Visitor::arrive("pt-BR").await);
    let ana = sign_in(&one, &app, "ana").await;
    let bia = sign_in(&two, &app, "bia").await;
    connect(&farm, &ana, "5511900000001").await;
    connect(&farm, &bia, "5511900000002").await;

    ana.type_into("#phone", "55 11 98888-7777").await;
    ana.type_into("#text", "oi da ana").await;
    ana.click(".stacked button").await;
    ana.says("Mensagem enviada").await;
    assert_eq!(farm.phone.sent("5511900000001").await[0]["body"], "oi da ana");
    assert!(farm.phone.sent("5511900000002").await.is_empty());
    ana.type_into("#phone", "12").await;
    ana.type_into("#text", "para quem").await;
    ana.click(".stacked button").await;
    ana.says("phone").await;

    farm.phone.message("5511900000001", "5511988887777", "para a ana <b>").await;
    farm.phone.message("5511900000002", "5511988887777", "para a bia").await;
    ana.says("para a ana <b>").await;
    bia.says("para a bia").await;
    assert!(
        ana.text().await.is_some_and(|text| !text.contains("para a bia")),
        "one sees the other's messages"
    );
    ana.keep_picture("flask-app.png").await;

    // What is not signed with the key is not believed.
    let forged = r#"{"id":"evt_1","event":"message","session":"1","payload":{"from":"x","body":"falsa","timestamp":1}}"#;
    for signature in ["", "0", &"0".repeat(128)] {
        let request = reqwest::Client::new()
            .post(format!("{}/events", app.address))
            .header("content-type", "application/json")
            .header("x-webhook-hmac", signature)
            .body(forged);
        assert_eq!(request.send().await.expect("answered").status(), 401, "{signature}");
    }
    // A message that comes while the app is away is there when it is back.
    drop(app);
    farm.phone.message("5511900000002", "5511988887777", "enquanto isso").await;
    let app = App::start(&farm, port).await;
    until("the app has what came meanwhile", || async {
        let page = reqwest::get(format!("{}/login", app.address)).await.ok()?;
        page.status().is_success().then_some(())
    })
    .await;
    let later = sign_in_again(&two, &app, "bia").await;
    later.says("enquanto isso").await;
}

async fn sign_in_again(visitor: &Visitor, app: &App, name: &str) -> Sight {
    let page = visitor.open(&format!("{}/login", app.address)).await;
    page.type_into("#name", name).await;
    page.type_into("#password", name).await;
    page.click("main button").await;
    page.says("Conectado: +55").await;
    page
}

#[test]
fn the_five_lines_of_the_readme_are_the_apps() {
    let readme = std::fs::read_to_string(repository("README.md")).expect("readable");
    let client = std::fs::read_to_string(repository("examples/flask/colmeia.py")).expect("readable");
    let (_, rest) = readme.split_once("## Flask in five lines").expect("its place");
    let (_, rest) = rest.split_once("```python\n").expect("the code");
    let (shown, _) = rest.split_once("```").expect("its end");
    let (_, rest) = client.split_once("# --- the five lines of the README ---\n").expect("the beginning");
    let (real, _) = rest.split_once("# --- the end of the five lines ---").expect("the end");
    assert_eq!(shown, real);
    assert_eq!(shown.lines().count(), 5);
}
