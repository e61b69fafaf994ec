//! Behind real reverse proxies: the configurations of docs/proxies.md for nginx and Caddy, as they stand but for the two
//! addresses, and nginx's plain `proxy_pass`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Farm, LONG, Options, Service, ctl, repository, until};
use crate::snippets::the_block;
use crate::visitor::Visitor;

const KEY: &str = "a-key-of-some-length";

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nginx,
    /// `proxy_pass` and nothing else.
    PlainNginx,
    Caddy,
}

/// A running proxy; gone with this.
struct Proxy {
    child: Child,
    /// `http://127.0.0.1:<port>/colmeia`.
    base: String,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The page's block in this language.
fn shown(language: &str) -> String {
    the_block("docs/proxies.md", language).text
}

fn replaced(text: &str, what: &str, with: &str) -> String {
    assert_eq!(text.matches(what).count(), 1, "{what} once in {text}");
    text.replace(what, with)
}

/// A port that was free a moment ago: the proxies cannot say which one they got.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    listener.local_addr().expect("an address").port()
}

/// As scripts/setup unpacks it, or as it is installed.
fn tool(path: &str) -> PathBuf {
    let unpacked = repository(&format!("target/tools{path}"));
    if unpacked.exists() { unpacked } else { PathBuf::from(path) }
}

impl Proxy {
    async fn start(kind: Kind, service: &Service, folder: &Path) -> Self {
        let (port, folder) = (free_port(), folder.join(format!("{kind:?}")));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("conf");
        let (text, mut command) = match kind {
            Kind::Nginx | Kind::PlainNginx => {
                let site = if kind == Kind::Nginx {
                    replaced(
                        &replaced(&shown("nginx"), "listen 80;", &format!("listen 127.0.0.1:{port};")),
                        "127.0.0.1:5001",
                        service.address(),
                    )
                } else {
                    let to = service.address();
                    format!(
                        "server {{ listen 127.0.0.1:{port}; location /colmeia/ {{ proxy_pass http://{to}/; }} }}"
                    )
                };
                let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
                let paths =
                    paths.map(|path| format!("{path}_temp_path {}/{path};\n", folder.display())).concat();
                let pid = folder.join("pid");
                let text = format!(
                    "daemon off;\nmaster_process off;\npid {};\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{site}}}\n",
                    pid.display()
                );
                let mut command = Command::new(tool("/usr/sbin/nginx"));
                command.arg("-e").arg("stderr").arg("-p").arg(&folder).arg("-c").arg(&file);
                (text, command)
            }
            Kind::Caddy => {
                let site =
                    replaced(&shown("caddyfile"), "example.com {", &format!("http://127.0.0.1:{port} {{"));
                let site = replaced(&site, "127.0.0.1:5001", service.address());
                let mut command = Command::new(tool("/usr/bin/caddy"));
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
                (format!("{{\n\tadmin off\n}}\n{site}"), command)
            }
        };
        std::fs::write(&file, text).expect("written");
        let log = std::fs::File::create(folder.join("log")).expect("a file");
        command.env("HOME", &folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("scripts/setup test has unpacked it");
        let proxy = Self { child, base: format!("http://127.0.0.1:{port}/colmeia") };
        until(&format!("{kind:?} is there"), || async {
            proxy.ask("GET", "/health", &[], None).await.ok().filter(|(status, _)| *status == 200)
        })
        .await;
        proxy
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<(u16, String), reqwest::Error> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let request = client.request(method.parse().expect("a method"), format!("{}{path}", self.base));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let body = (method == "POST")
            .then(|| json!({"isAdmin": true, "user_id": "3", "phone": "55", "message": "x"}));
        self.ask(method, path, headers, body).await.expect("an answer").0
    }
}

/// What nobody may do from outside without a key.
const CLOSED: [(&str, &str); 7] = [
    ("GET", "/api/sessions"),
    ("POST", "/api/keys"),
    ("GET", "/api/sendText?session=3&phone=55&text=x"),
    ("POST", "/send"),
    ("GET", "/qr?user_id=evil"),
    ("GET", "/status?user_id=3"),
    ("GET", "/metrics"),
];

#[tokio::test]
async fn behind_a_proxy_that_nobody_trusts_everyone_needs_a_key() {
    let farm = Farm::start().await;
    assert_eq!(farm.service.get("/api/keys").await.status, 200, "on this machine there is no need yet");
    for kind in [Kind::PlainNginx, Kind::Nginx, Kind::Caddy] {
        let proxy = Proxy::start(kind, &farm.service, farm.dir.path()).await;
        for (method, path) in CLOSED {
            assert_eq!(proxy.status(method, path, &[]).await, 401, "{kind:?} {method} {path}");
            let forged = [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")];
            assert_eq!(proxy.status(method, path, &forged).await, 401, "{kind:?} {method} {path}, forged");
        }
    }
    assert_eq!(farm.service.get("/api/keys").await.json, json!([]));
    assert_eq!(farm.service.get("/api/sessions?all=true").await.json, json!([]));
}

#[tokio::test]
async fn behind_a_trusted_proxy_everything_works_below_its_path() {
    let config = format!("trusted_proxies = [\"127.0.0.1/32\"]\napi_keys = [\"{KEY}\"]\n");
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    farm.link("3", "5511900000003").await;
    farm.phone.message("5511900000003", "5511988887777", "oi").await;
    let key = [("x-api-key", KEY)];
    for kind in [Kind::Nginx, Kind::Caddy] {
        let proxy = Proxy::start(kind, &farm.service, farm.dir.path()).await;
        assert_eq!(proxy.status("GET", "/api/sessions", &[]).await, 401, "{kind:?}");
        assert_eq!(
            proxy.status("GET", "/api/sessions", &[("x-api-key", "a-key-that-is-not-known")]).await,
            401
        );
        assert_eq!(proxy.status("GET", "/api/sessions", &key).await, 200, "{kind:?}");
        if kind == Kind::Nginx {
            // It appends what it sees to what the caller said: that one came through another proxy of ours.
            let stranger = [("x-forwarded-for", "127.0.0.1, 203.0.113.9")];
            assert_eq!(proxy.status("GET", "/status?user_id=3", &stranger).await, 401);
        }
        let (_, document) = proxy.ask("GET", "/openapi.json", &[], None).await.expect("an answer");
        let document: Value = serde_json::from_str(&document).expect("JSON");
        assert_eq!(document["servers"][0]["url"], "/colmeia");
        assert_eq!(proxy.status("GET", "/docs/", &[]).await, 200);
        let mut stream = reqwest::Client::new()
            .get(format!("{}/api/events/stream", proxy.base))
            .header("x-api-key", KEY)
            .send()
            .await
            .expect("an answer");
        assert_eq!(stream.status(), 200);
        farm.phone.message("5511900000003", "5511988887777", "at once").await;
        let come = async {
            while let Some(chunk) = stream.chunk().await.expect("it goes on") {
                if String::from_utf8_lossy(&chunk).contains("data:") {
                    return;
                }
            }
            panic!("the stream ended");
        };
        tokio::time::timeout(LONG, come).await.expect("the event comes through the proxy");
        let messages = proxy.ask("GET", "/api/3/chats/5511988887777@c.us/messages?limit=1", &key, None).await;
        assert_eq!(messages.expect("an answer").0, 200);

        let visitor = Visitor::arrive("en-US").await;
        let sight = visitor.open(&format!("{}/", proxy.base)).await;
        sight.says("API key").await;
        sight.type_into("#key", KEY).await;
        sight.click("form.stacked button").await;
        sight.click("a[href='/colmeia/sessions/3']").await;
        sight.says("Last log lines").await;
        sight.is("document.querySelector('#offline').hidden").await;
        let qr = visitor.open(&format!("{}/qr?user_id=3", proxy.base)).await;
        qr.says("WhatsApp connected").await;
    }
    let (code, said) = ctl(&farm, &["keys", "list"]).await;
    assert_eq!(code, 0, "the admin socket needs no key: {said}");
}
