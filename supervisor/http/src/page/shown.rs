//! [`Shown`]: where a user stands, in the words of the page. Pure.

use colmeia::text::plain;
use colmeia::{Me, Secret, passkey};
use serde::Serialize;

use super::super::negotiate::Language::{self, English, Portuguese};
use super::super::reasons;
use super::svg;
use colmeia_control::summary::SessionSummary;
use colmeia_session::{Challenge, Over};

/// In the query of `/qr`: the page asks first.
pub(in super::super) const ASK: &str = "ask";

/// What the page shows; also what its events carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    /// Decides colour and picture: `wait`, `code`, `ready` or `failed`.
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) detail: String,
    /// The code as SVG.
    pub(super) qr: Option<String>,
    pub(super) percent: Option<u8>,
    /// Whether a person has to say "again".
    pub(super) retry: bool,
    /// What a passkey's owner has to do.
    pub(super) passkey: Option<Asks>,
}

/// What the account's owner needs to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asks {
    /// `soon`, `sign` or `code`.
    step: &'static str,
    /// What has to be signed, as text.
    challenge: Option<Secret>,
    /// The code to compare.
    code: Option<Secret>,
    /// Until when it should be done, and until when it can be, in milliseconds since the epoch.
    urgent_ms: Option<u64>,
    until_ms: Option<u64>,
    /// Whether an answer was not accepted.
    refused: bool,
    /// Whether the phone is linked already.
    checkpoint: bool,
}

impl Asks {
    fn of(summary: SessionSummary<'_>) -> Option<Self> {
        let nothing = Self {
            step: "soon",
            challenge: None,
            code: None,
            urgent_ms: None,
            until_ms: None,
            refused: false,
            checkpoint: false,
        };
        match summary {
            SessionSummary::PasskeyCode { code } => {
                Some(Self { step: "code", code: Some(Secret::new(code)), ..nothing })
            }
            SessionSummary::Passkey { me, request, refused } => {
                let asks = Self { refused: refused > 0, checkpoint: me.is_some(), ..nothing };
                let Some(request) = request else { return Some(asks) };
                let challenge = serde_json::to_string(&Challenge::from(request)).ok();
                Some(Self {
                    step: "sign",
                    challenge: challenge.map(Secret::new),
                    urgent_ms: me.is_none().then_some(request.since_ms + passkey::URGENT_MS),
                    until_ms: Some(request.until_ms),
                    ..asks
                })
            }
            _ => None,
        }
    }
}

impl Shown {
    /// As [`Self::of`]; who is offered a new code because a passkey was waited for in vain is told so.
    pub(super) fn after(over: Option<Over>, summary: SessionSummary<'_>, language: Language) -> Self {
        let shown = Self::of(summary, language);
        match (over, summary) {
            (Some(over), SessionSummary::Code { .. } | SessionSummary::Underway { linked: false, .. }) => {
                Self { detail: again(over, language).into(), ..shown }
            }
            _ => shown,
        }
    }

    /// Words and picture for a user.
    pub(super) fn of(summary: SessionSummary<'_>, language: Language) -> Self {
        let say = |kind, [title, detail]: [&str; 2]| Self {
            kind,
            title: title.into(),
            detail: detail.into(),
            qr: None,
            percent: None,
            retry: false,
            passkey: Asks::of(summary),
        };
        match summary {
            SessionSummary::Code { qr } => Self { qr: svg::draw(qr), ..say("code", code(language)) },
            SessionSummary::Ready { me } => {
                Self { detail: linked_as(me, language), ..say("ready", ready(language)) }
            }
            SessionSummary::Failed { reason } => Self {
                detail: reasons::sentence(reason, language),
                retry: true,
                ..say("failed", failed(language))
            },
            SessionSummary::Passkey { me, .. } => say("passkey", asks(me.is_some(), language)),
            SessionSummary::PasskeyOff { me } => say("failed", switched_off(me.is_some(), language)),
            SessionSummary::PasskeyCode { .. } => say("passkey", compare(language)),
            SessionSummary::Held => {
                Self { detail: reasons::held(language).into(), ..say("failed", failed(language)) }
            }
            SessionSummary::Syncing { percent, .. } => Self { percent, ..say("wait", syncing(language)) },
            SessionSummary::Absent
            | SessionSummary::AtCapacity { .. }
            | SessionSummary::Underway { .. }
            | SessionSummary::Pairing => say("wait", waiting(summary, language)),
            SessionSummary::Reconnecting { cause, .. } => {
                let [title, detail] = waiting(summary, language);
                say("wait", [title, reasons::disruption(cause, language).unwrap_or(detail)])
            }
        }
    }
}

fn code(language: Language) -> [&'static str; 2] {
    language.pick(
        ["Escaneie o QR Code", "O código muda sozinho de tempos em tempos."],
        ["Scan the QR code", "The code changes by itself from time to time."],
    )
}

/// Why there is a new code. The dashboard says the same.
pub(super) fn again(over: Over, language: Language) -> &'static str {
    let (portuguese, english) = match over {
        Over::Expired => (
            "O prazo para usar a chave de acesso acabou e o celular não foi conectado. Escaneie o novo código para recomeçar.",
            "The time to use the passkey is over, and the phone was not linked. Scan the new code to begin again.",
        ),
        Over::Off => (
            "A conta que escaneou pede uma chave de acesso (passkey), e quem administra este serviço desligou essa opção. Escaneie com outra conta, ou fale com quem administra.",
            "The account that scanned asks for a passkey, and whoever runs this service has switched that off. Scan with another account, or talk to them.",
        ),
        Over::Ended => (
            "O pedido da chave de acesso terminou e o celular não foi conectado. Escaneie o novo código para recomeçar.",
            "The request for the passkey has ended, and the phone was not linked. Scan the new code to begin again.",
        ),
    };
    language.pick(portuguese, english)
}

fn asks(linked: bool, language: Language) -> [&'static str; 2] {
    match (linked, language) {
        (false, Portuguese) => [
            "Confirme com a sua chave de acesso",
            "O celular diz \"Continue no WhatsApp Web\": esta conta pede a chave de acesso (passkey) do dono.",
        ],
        (false, English) => [
            "Confirm with your passkey",
            "The phone says \"continue on WhatsApp Web\": this account asks for its owner's passkey.",
        ],
        (true, Portuguese) => [
            "O WhatsApp quer confirmar que é você",
            "O celular continua vinculado. O dono da conta precisa confirmar com a sua chave de acesso (passkey).",
        ],
        (true, English) => [
            "WhatsApp wants to know that it is you",
            "The phone stays linked. The account's owner has to confirm with their passkey.",
        ],
    }
}

/// An account asks for what is switched off here. The dashboard says the same.
pub(in super::super) fn switched_off(linked: bool, language: Language) -> [&'static str; 2] {
    match (linked, language) {
        (false, Portuguese) => [
            "Esta conta não pode ser conectada aqui",
            "Ela pede a chave de acesso (passkey) do dono, e quem administra este serviço desligou essa opção. Fale com quem administra, ou use outra conta: um novo QR Code aparece em um minuto.",
        ],
        (false, English) => [
            "This account cannot be linked here",
            "It asks for its owner's passkey, and whoever runs this service has switched that off. Talk to them, or use another account: a new QR code appears in a minute.",
        ],
        (true, Portuguese) => [
            "O WhatsApp quer confirmar que é você",
            "O celular continua vinculado, mas o WhatsApp pede a chave de acesso (passkey) do dono da conta, e quem administra este serviço desligou essa opção. Nada é enviado até lá; fale com quem administra.",
        ],
        (true, English) => [
            "WhatsApp wants to know that it is you",
            "The phone stays linked, but WhatsApp asks for the passkey of the account's owner, and whoever runs this service has switched that off. Nothing is sent until then; talk to them.",
        ],
    }
}

fn compare(language: Language) -> [&'static str; 2] {
    language.pick(
        ["Compare os códigos", "O celular mostra um código. Confirme só se for igual a este."],
        ["Compare the codes", "The phone shows a code. Confirm only if it is the same as this one."],
    )
}

fn ready(language: Language) -> [&'static str; 2] {
    language.pick(["WhatsApp conectado", ""], ["WhatsApp connected", ""])
}

fn linked_as(me: &Me, language: Language) -> String {
    match (plain(&me.pushname).trim(), language) {
        ("", Portuguese) => "Tudo pronto. Você já pode fechar esta página.".into(),
        ("", English) => "All set. You can close this page.".into(),
        (name, Portuguese) => format!("Conectado como {name}. Você já pode fechar esta página."),
        (name, English) => format!("Connected as {name}. You can close this page."),
    }
}

fn failed(language: Language) -> [&'static str; 2] {
    language.pick(["Não foi possível conectar", ""], ["Could not connect", ""])
}

fn syncing(language: Language) -> [&'static str; 2] {
    language.pick(
        ["Sincronizando conversas", "Celular conectado. Mantenha o WhatsApp aberto no celular até terminar."],
        ["Syncing chats", "Phone linked. Keep WhatsApp open on the phone until this is done."],
    )
}

fn waiting(summary: SessionSummary<'_>, language: Language) -> [&'static str; 2] {
    match (summary, language) {
        (SessionSummary::Pairing, Portuguese) => {
            ["QR Code escaneado", "Conectando ao celular. Mantenha o WhatsApp aberto nele."]
        }
        (SessionSummary::Pairing, English) => {
            ["QR code scanned", "Connecting to the phone. Keep WhatsApp open on it."]
        }
        (SessionSummary::AtCapacity { memory: true, .. }, Portuguese) => [
            "Sem memória livre",
            "O servidor não tem memória para mais uma conexão. Este WhatsApp está na fila e começa assim que houver.",
        ],
        (SessionSummary::AtCapacity { memory: true, .. }, English) => [
            "Out of free memory",
            "The server has no memory for one more connection. This WhatsApp is in the queue and starts as soon as there is.",
        ],
        (SessionSummary::AtCapacity { .. }, Portuguese) => [
            "Serviço lotado",
            "Todas as conexões estão em uso. Este WhatsApp está na fila e começa assim que houver lugar.",
        ],
        (SessionSummary::AtCapacity { .. }, English) => [
            "Service at capacity",
            "All connections are in use. This WhatsApp is in the queue and starts as soon as there is a place.",
        ],
        (SessionSummary::Reconnecting { .. } | SessionSummary::Underway { linked: true, .. }, Portuguese) => {
            ["Reconectando", "Este WhatsApp já está vinculado. Não é preciso escanear de novo."]
        }
        (SessionSummary::Reconnecting { .. } | SessionSummary::Underway { linked: true, .. }, English) => {
            ["Reconnecting", "This WhatsApp is linked already. There is no need to scan again."]
        }
        // A page that never comes is tried again for as long as somebody waits: the words have to be true then, too.
        (_, Portuguese) => [
            "Preparando o QR Code",
            "Costuma levar de 10 a 30 segundos. Se demorar minutos, o servidor não está conseguindo abrir o WhatsApp Web; ele continua tentando sozinho.",
        ],
        (_, English) => [
            "Preparing the QR code",
            "It usually takes 10 to 30 seconds. If it takes minutes, the server cannot open WhatsApp Web; it goes on trying by itself.",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::ExitReason;
    use colmeia::session::Disruption;

    #[test]
    fn each_standing_has_its_words_in_both_languages() {
        let me = Me {
            wid: "5511999998888@c.us".into(),
            lid: None,
            pushname: "Ana".into(),
            platform: String::new(),
        };
        let linked = SessionSummary::Underway { linked: true, again: false };
        for (summary, kind, portuguese, english) in [
            (SessionSummary::Absent, "wait", "Preparando o QR Code", "Preparing the QR code"),
            (linked, "wait", "Reconectando", "Reconnecting"),
            (
                SessionSummary::AtCapacity { linked: false, memory: false },
                "wait",
                "Serviço lotado",
                "Service at capacity",
            ),
            (
                SessionSummary::AtCapacity { linked: false, memory: true },
                "wait",
                "Sem memória livre",
                "Out of free memory",
            ),
            (SessionSummary::Code { qr: "2@x" }, "code", "Escaneie o QR Code", "Scan the QR code"),
            (SessionSummary::Pairing, "wait", "QR Code escaneado", "QR code scanned"),
            (
                SessionSummary::Syncing { me: None, percent: Some(40) },
                "wait",
                "Sincronizando conversas",
                "Syncing chats",
            ),
            (SessionSummary::Ready { me: &me }, "ready", "WhatsApp conectado", "WhatsApp connected"),
            (
                SessionSummary::Passkey { me: None, request: None, refused: 0 },
                "passkey",
                "Confirme com a sua chave de acesso",
                "Confirm with your passkey",
            ),
            (
                SessionSummary::Passkey { me: Some(&me), request: None, refused: 0 },
                "passkey",
                "O WhatsApp quer confirmar que é você",
                "WhatsApp wants to know that it is you",
            ),
            (
                SessionSummary::PasskeyOff { me: None },
                "failed",
                "Esta conta não pode ser conectada aqui",
                "This account cannot be linked here",
            ),
            (
                SessionSummary::PasskeyOff { me: Some(&me) },
                "failed",
                "O WhatsApp quer confirmar que é você",
                "WhatsApp wants to know that it is you",
            ),
            (
                SessionSummary::PasskeyCode { code: "ABCD-EFGH" },
                "passkey",
                "Compare os códigos",
                "Compare the codes",
            ),
            (SessionSummary::Held, "failed", "Não foi possível conectar", "Could not connect"),
            (
                SessionSummary::Reconnecting { me: None, cause: Disruption::ConnectionLost },
                "wait",
                "Reconectando",
                "Reconnecting",
            ),
            (
                SessionSummary::Failed { reason: &ExitReason::Oom },
                "failed",
                "Não foi possível conectar",
                "Could not connect",
            ),
        ] {
            for (language, title) in [(Portuguese, portuguese), (English, english)] {
                let shown = Shown::of(summary, language);
                assert_eq!((shown.kind, shown.title.as_str()), (kind, title));
                assert!(!shown.detail.is_empty());
                assert_eq!(shown.qr.is_some(), kind == "code");
                assert_eq!(shown.passkey.is_some(), kind == "passkey");
                assert_eq!(shown.retry, matches!(summary, SessionSummary::Failed { .. }));
            }
        }
        assert_eq!(
            Shown::of(SessionSummary::Syncing { me: None, percent: Some(40) }, English).percent,
            Some(40)
        );
        assert!(Shown::of(SessionSummary::Ready { me: &me }, Portuguese).detail.contains("Ana"));
    }
}
