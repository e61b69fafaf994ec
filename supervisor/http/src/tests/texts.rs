//! `/qr` and `/status`, word for word, for every state that a session can be in.

use colmeia::session::{Disruption, LogoutCause, PasskeyStep};
use colmeia::{ExitReason, Secret, SessionState};

use super::stage::*;
use colmeia_session::admission::Wait;
use colmeia_session::{Over, Phase, UserView};

const CREATED: &str = r#"{"ready":false,"qr":null,"hasQr":false,"status":"generating","message":"Inicializando cliente... Isso pode levar 10-30 segundos. Aguarde..."}"#;
const STARTING: &str = r#"{"ready":false,"qr":null,"hasQr":false,"status":"generating","message":"Aguardando geração do QR Code... Isso pode levar 10-30 segundos."}"#;
const CODE: &str = r#"{"ready":false,"qr":"2@abc,def==","hasQr":true}"#;
const PAIRING: &str = r#"{"ready":false,"qr":null,"hasQr":false,"isConnecting":true,"isAuthenticated":false,"message":"QR Code foi escaneado, conectando..."}"#;
const SYNCING: &str = r#"{"ready":false,"qr":null,"hasQr":false,"isConnecting":true,"isAuthenticated":true,"message":"Autenticado, aguardando inicialização..."}"#;
/// `/qr` of a session that is linked and comes back.
macro_rules! coming {
    ($words:literal) => {
        concat!(
            r#"{"ready":false,"qr":null,"hasQr":false,"isConnecting":true,"isAuthenticated":false,"message":""#,
            $words,
            r#""}"#
        )
    };
}
const COMING: &str = coming!("Reconectando ao WhatsApp. Não é preciso escanear de novo. Aguarde...");
const READY: &str = r#"{"ready":true,"qr":null,"hasQr":false,"isConnecting":false,"isAuthenticated":true}"#;
const FULL: &str = r#"{"ready":false,"qr":null,"hasQr":false,"status":"capacity","message":"O serviço está na capacidade máxima de conexões. Este WhatsApp está na fila e será iniciado assim que houver lugar. Aguarde..."}"#;
const SHORT: &str = r#"{"ready":false,"qr":null,"hasQr":false,"status":"capacity","message":"O servidor não tem memória livre para mais uma conexão agora. Este WhatsApp está na fila e será iniciado assim que houver memória. Aguarde..."}"#;
const PARKED: &str = r#"{"ready":false,"qr":null,"hasQr":false,"status":"failed","message":"A sessão usou mais memória do que o permitido e foi encerrada várias vezes. Tente novamente; se repetir, o servidor precisa de mais memória."}"#;
const HELD: &str = r#"{"ready":false,"qr":null,"hasQr":false,"status":"failed","message":"A conexão deste WhatsApp foi parada por quem administra o servidor e só ele pode iniciá-la de novo."}"#;
/// `/qr` while a person has to act.
macro_rules! asks {
    ($status:literal, $words:literal) => {
        concat!(
            r#"{"ready":false,"qr":null,"hasQr":false,"status":""#,
            $status,
            r#"","isConnecting":false,"isAuthenticated":false,"message":""#,
            $words,
            r#""}"#
        )
    };
}
const PASSKEY: &str = asks!(
    "passkey",
    r#"Esta conta do WhatsApp pede uma chave de acesso (passkey); o celular diz \"Continue no WhatsApp Web\". Abra a página do QR Code deste usuário no endereço do Colmeia (/qr?user_id=3), em um computador, e siga os passos em até 5 minutos."#
);
const CHECKPOINT: &str = asks!(
    "passkey",
    "O WhatsApp pede que o dono da conta confirme com a sua chave de acesso (passkey). O celular continua vinculado. Abra a página do QR Code deste usuário no endereço do Colmeia (/qr?user_id=3), em um computador, e siga os passos."
);
const PASSKEY_OFF: &str = asks!(
    "passkey_off",
    "Esta conta não pode ser conectada aqui. Ela pede a chave de acesso (passkey) do dono, e quem administra este serviço desligou essa opção. Fale com quem administra, ou use outra conta: um novo QR Code aparece em um minuto."
);
const CHECKPOINT_OFF: &str = asks!(
    "passkey_off",
    "O WhatsApp quer confirmar que é você. O celular continua vinculado, mas o WhatsApp pede a chave de acesso (passkey) do dono da conta, e quem administra este serviço desligou essa opção. Nada é enviado até lá; fale com quem administra."
);
const COMPARE: &str = asks!(
    "passkey_confirm",
    "O celular mostra um código. Abra a página do QR Code deste usuário no endereço do Colmeia (/qr?user_id=3), compare os dois códigos e confirme."
);

const NO_SESSION: &str = r#"{"ready":false,"hasQr":false,"actuallyConnected":false,"clientInitialized":false,"isAuthenticated":false,"state":"disconnected"}"#;

/// The flags of a session's status, as they stand in the JSON.
struct Flags {
    ready: bool,
    has_qr: bool,
    connected: bool,
    authenticated: bool,
    connecting: bool,
    known: bool,
    reconnecting: bool,
}

const NOTHING: Flags = Flags {
    ready: false,
    has_qr: false,
    connected: false,
    authenticated: false,
    connecting: false,
    known: false,
    reconnecting: false,
};
const COMING_BACK: Flags = Flags { connecting: true, reconnecting: true, ..NOTHING };

fn session(flags: &Flags, attempts: u32, state: &str) -> String {
    let Flags { ready, has_qr, connected, authenticated, connecting, known, reconnecting } = flags;
    let (number, info) = if *known {
        (r#""+55 (11) 99999-8888""#, r#"{"wid":"5511999998888@c.us","pushname":"Ana","platform":"android"}"#)
    } else {
        ("null", "null")
    };
    let enabled = state != "failed";
    format!(
        r#"{{"ready":{ready},"hasQr":{has_qr},"actuallyConnected":{connected},"clientInitialized":true,"isAuthenticated":{authenticated},"isConnecting":{connecting},"phone_number":{number},"clientInfo":{info},"reconnectInfo":{{"attempts":{attempts},"maxAttempts":10,"isReconnecting":{reconnecting},"autoReconnectEnabled":{enabled}}},"state":"{state}"}}"#
    )
}

fn linked(view: UserView) -> UserView {
    UserView { was_linked: true, ..view }
}

fn backing_off() -> UserView {
    UserView { attempts: 3, ..view(Phase::BackingOff { until: std::time::SystemTime::UNIX_EPOCH }) }
}

fn syncing(known: bool) -> UserView {
    running(SessionState::Syncing { me: known.then(me), percent: Some(40) })
}

fn reconnecting(cause: Disruption) -> UserView {
    linked(running(SessionState::Reconnecting { me: Some(me()), cause }))
}

/// Cut off in a way that has a name and words of its own.
fn cut_off(
    name: &'static str,
    cause: Disruption,
    qr: &'static str,
) -> (&'static str, UserView, &'static str, String) {
    let number = r#""phone_number":"+55 (11) 99999-8888""#;
    let status = session(&COMING_BACK, 0, name).replace(r#""phone_number":null"#, number);
    (name, reconnecting(cause), qr, status)
}

fn logged_out() -> UserView {
    linked(running(SessionState::LoggedOut { cause: LogoutCause::Phone }))
}

/// Every state in which a session can be, and what `/qr` and `/status` say of it.
pub(super) fn every_state() -> Vec<(&'static str, UserView, &'static str, String)> {
    let again = Flags { reconnecting: true, ..NOTHING };
    vec![
        ("stopped", view(Phase::Stopped), CREATED, NO_SESSION.to_owned()),
        ("stopped, linked", linked(view(Phase::Stopped)), CREATED, NO_SESSION.to_owned()),
        ("queued", view(Phase::Queued { wait: Wait::Starts }), STARTING, session(&NOTHING, 0, "queued")),
        ("full", view(Phase::Queued { wait: Wait::Place }), FULL, session(&NOTHING, 0, "queued")),
        ("short", view(Phase::Queued { wait: Wait::Memory }), SHORT, session(&NOTHING, 0, "queued")),
        ("starting", view(Phase::Starting), STARTING, session(&NOTHING, 0, "starting")),
        ("starting, linked", linked(view(Phase::Starting)), COMING, session(&COMING_BACK, 0, "starting")),
        ("silent", view(Phase::Running), STARTING, session(&NOTHING, 0, "unresponsive")),
        ("silent, linked", linked(view(Phase::Running)), COMING, session(&COMING_BACK, 0, "unresponsive")),
        ("backing off", backing_off(), STARTING, session(&again, 3, "backing_off")),
        ("backing off, linked", linked(backing_off()), COMING, session(&COMING_BACK, 3, "backing_off")),
        (
            "stopping",
            linked(view(Phase::Stopping { back: None })),
            STARTING,
            session(&NOTHING, 0, "stopping"),
        ),
        (
            "restarting",
            linked(view(Phase::Stopping { back: Some(ExitReason::CapRecycle) })),
            COMING,
            session(&COMING_BACK, 0, "stopping"),
        ),
        ("held", view(Phase::Held), HELD, session(&NOTHING, 0, "stopped")),
        (
            "parked",
            linked(view(Phase::Parked { reason: ExitReason::Oom })),
            PARKED,
            session(&NOTHING, 0, "failed"),
        ),
        ("launching", running(SessionState::Launching), STARTING, session(&NOTHING, 0, "launching")),
        ("loading", running(SessionState::Loading), STARTING, session(&NOTHING, 0, "loading")),
        (
            "loading, linked",
            linked(running(SessionState::Loading)),
            COMING,
            session(&COMING_BACK, 0, "loading"),
        ),
        (
            "between codes",
            linked(running(SessionState::AwaitingScan { qr: None })),
            STARTING,
            session(&NOTHING, 0, "awaiting_scan"),
        ),
        ("code", linked(code()), CODE, session(&Flags { has_qr: true, ..NOTHING }, 0, "awaiting_scan")),
        (
            "pairing",
            running(SessionState::Pairing),
            PAIRING,
            session(&Flags { connecting: true, ..NOTHING }, 0, "pairing"),
        ),
        ("passkey", running(passkey(None, PasskeyStep::Asking)), PASSKEY, session(&NOTHING, 0, "passkey")),
        (
            "passkey, signing",
            running(passkey(None, PasskeyStep::Signing)),
            PASSKEY,
            session(&NOTHING, 0, "passkey"),
        ),
        (
            "passkey, answered",
            running(passkey(None, PasskeyStep::Answered)),
            PAIRING,
            session(&Flags { connecting: true, ..NOTHING }, 0, "passkey"),
        ),
        (
            "passkey_off",
            running(passkey(None, PasskeyStep::Off)),
            PASSKEY_OFF,
            session(&NOTHING, 0, "passkey_off"),
        ),
        (
            "passkey_checkpoint, off",
            linked(running(passkey(Some(me()), PasskeyStep::Off))),
            CHECKPOINT_OFF,
            session(&NOTHING, 0, "passkey_checkpoint")
                .replace(r#""phone_number":null"#, r#""phone_number":"+55 (11) 99999-8888""#),
        ),
        (
            "passkey_confirm",
            running(SessionState::PasskeyConfirm { code: Secret::new("ABCD-EFGH") }),
            COMPARE,
            session(&NOTHING, 0, "passkey_confirm"),
        ),
        (
            "passkey_checkpoint",
            linked(running(passkey(Some(me()), PasskeyStep::Signing))),
            CHECKPOINT,
            session(&NOTHING, 0, "passkey_checkpoint")
                .replace(r#""phone_number":null"#, r#""phone_number":"+55 (11) 99999-8888""#),
        ),
        (
            "a new code after a passkey",
            UserView { passkey_over: Some(Over::Expired), ..code() },
            CODE,
            session(&Flags { has_qr: true, ..NOTHING }, 0, "awaiting_scan"),
        ),
        (
            "syncing",
            syncing(true),
            SYNCING,
            session(
                &Flags { connected: true, authenticated: true, connecting: true, known: true, ..NOTHING },
                0,
                "syncing",
            ),
        ),
        (
            "syncing, unknown",
            syncing(false),
            SYNCING,
            session(
                &Flags { connected: true, authenticated: true, connecting: true, ..NOTHING },
                0,
                "syncing",
            ),
        ),
        (
            "ready",
            ready(),
            READY,
            session(
                &Flags { ready: true, connected: true, authenticated: true, known: true, ..NOTHING },
                0,
                "ready",
            ),
        ),
        (
            "reconnecting",
            reconnecting(Disruption::ConnectionLost),
            COMING,
            session(&COMING_BACK, 0, "reconnecting")
                .replace(r#""phone_number":null"#, r#""phone_number":"+55 (11) 99999-8888""#),
        ),
        cut_off(
            "conflict",
            Disruption::Conflict,
            coming!(
                "Este WhatsApp foi aberto em outro programa com os mesmos dados. A conexão será retomada em instantes."
            ),
        ),
        cut_off(
            "service_unavailable",
            Disruption::ServiceUnavailable,
            coming!(
                "O WhatsApp está fora do ar. A sessão volta sozinha quando ele voltar; não é preciso escanear de novo."
            ),
        ),
        cut_off(
            "temporary_ban",
            Disruption::TemporaryBan,
            coming!(
                "O WhatsApp bloqueou este número por algum tempo. Veja o prazo no WhatsApp do celular; a sessão volta sozinha depois."
            ),
        ),
        cut_off(
            "page_outdated",
            Disruption::PageOutdated,
            coming!("O WhatsApp não aceita mais esta versão da página. Ela está sendo recarregada."),
        ),
        cut_off(
            "screen_locked",
            Disruption::ScreenLocked,
            coming!(
                "O WhatsApp Web deste perfil está bloqueado por senha, e aqui ninguém pode digitá-la. Desconecte e escaneie o código de novo."
            ),
        ),
        cut_off(
            "proxy_refused",
            Disruption::ProxyRefused,
            coming!(
                "O proxy desta sessão recusa a conexão ou não responde. Verifique o endereço e a senha do proxy."
            ),
        ),
        ("logged out", logged_out(), STARTING, session(&NOTHING, 0, "logged_out")),
        (
            "failing",
            linked(running(SessionState::Failed { reason: ExitReason::Oom })),
            COMING,
            session(&COMING_BACK, 0, "failed")
                .replace("\"autoReconnectEnabled\":false", "\"autoReconnectEnabled\":true"),
        ),
    ]
}

#[tokio::test]
async fn every_state_has_its_answers() {
    for (name, view, qr, status) in every_state() {
        let stage = Cast::new(nobody).with("3", view).on_stage();
        let answer = stage.get("/status?user_id=3").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, status.as_str()), "{name}");
        assert!(stage.cast.notes().is_empty(), "{name}: a status asks nobody");
        let answer = stage.get("/qr?user_id=3").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, qr), "{name}");
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

/// "Connected" while nothing can be sent is the worst failure of all: whatever the last word of a worker was,
/// it counts only while that worker is connected.
#[tokio::test]
async fn nothing_but_a_running_worker_makes_ready() {
    let report = ready().report;
    for phase in [
        Phase::Stopped,
        Phase::Queued { wait: Wait::Starts },
        Phase::Queued { wait: Wait::Place },
        Phase::Queued { wait: Wait::Memory },
        Phase::Starting,
        Phase::BackingOff { until: std::time::SystemTime::UNIX_EPOCH },
        Phase::Stopping { back: None },
        Phase::Stopping { back: Some(ExitReason::Stopped) },
        Phase::Parked { reason: ExitReason::Banned },
    ] {
        let stale = linked(UserView { report: report.clone(), ..view(phase) });
        let stage = Cast::new(nobody).with("3", stale).on_stage();
        for path in ["/status?user_id=3", "/qr?user_id=3"] {
            let body = stage.get(path).await.body;
            assert!(
                body.contains("\"ready\":false") && !body.contains("\"actuallyConnected\":true"),
                "{body}"
            );
        }
        assert_eq!(
            stage.post("/send?user_id=3", r#"{"phone":"5511988887777","message":"oi"}"#).await.status,
            400
        );
    }
}

#[tokio::test]
async fn the_first_call_creates_and_says_so() {
    let stage = Cast::new(nobody).on_stage();
    assert_eq!(stage.get("/status?user_id=2_1").await.body, NO_SESSION);
    assert!(stage.cast.names().is_empty(), "a status creates nothing");
    assert_eq!(stage.get("/qr?user_id=2_1").await.body, CREATED);
    assert_eq!(stage.get("/qr").await.body, CREATED);
    assert_eq!(stage.cast.names(), ["2_1", "port_5001"]);
    stage.cast.set("2_1", view(Phase::Starting));
    assert_eq!(stage.get("/qr?userId=2_1").await.body, STARTING);
}

#[tokio::test]
async fn no_room_for_a_user_is_no_error_page() {
    let stage = Cast::new(nobody).full().on_stage();
    let answer = stage.get("/qr?user_id=3").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        r#"{"ready":false,"qr":null,"hasQr":false,"status":"failed","message":"O serviço não pode iniciar este WhatsApp agora. Tente novamente em instantes."}"#
    );
}

#[tokio::test]
async fn another_port_is_another_server() {
    let stage = Cast::new(nobody).on_stage();
    let answer = stage.get("/qr?port=5003").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        r#"{"error":"Servidor na porta 5001 não pode atender porta 5003.","hint":"Em produção, use user_id. Exemplo: /qr?user_id=3","currentPort":"5001","requestedPort":5003}"#
    );
    assert!(stage.cast.names().is_empty());
    assert_eq!(stage.get("/qr?port=x").await.status, 400);
    assert_eq!(stage.get("/qr?port=5001").await.body, CREATED);
    assert_eq!(stage.get("/qr?port=5003&user_id=3").await.body, CREATED);
    assert_eq!(stage.cast.names(), ["3", "port_5001"]);
}

#[tokio::test]
async fn numbers_are_written_as_people_read_them() {
    for (wid, number) in [
        ("5511999998888@c.us", "\"+55 (11) 99999-8888\""),
        ("551133334444@c.us", "\"+55 (11) 3333-4444\""),
        ("5511999998888:12@c.us", "\"+55 (11) 99999-8888\""),
        ("55119999888@c.us", "\"+55119999888\""),
        ("351912345678@c.us", "\"+351912345678\""),
        ("98765432101234@lid", "null"),
        ("", "null"),
    ] {
        let known = colmeia::Me { wid: wid.into(), ..me() };
        let stage = Cast::new(nobody).with("3", running(SessionState::Ready { me: known })).on_stage();
        let body = stage.get("/status?user_id=3").await.body;
        assert!(body.contains(&format!("\"phone_number\":{number},")), "{wid}: {body}");
    }
}

#[tokio::test]
async fn health_and_index_say_what_they_should() {
    let stage = Cast::new(nobody)
        .with("1", ready())
        .with("2", view(Phase::Starting))
        .with("3", view(Phase::Stopped))
        .on_stage();
    assert_eq!(stage.get("/health").await.body, r#"{"status":"ok","activeClients":2}"#);
    let index = stage.get("/?user_id=1").await.body;
    assert!(
        index.contains(r#""status":"running","ready":true,"endpoints":{"health":"GET /health""#),
        "{index}"
    );
    assert!(stage.get("/").await.body.contains(r#""ready":false"#));
}
