//! Where a session stands, why it ended and what became of a wish: in the words of the dashboard. Pure.
//!
//! The pages for the phones' owners have words of their own (`shown`): here, whoever reads can do something.

use std::time::{Duration, SystemTime};

use colmeia::ExitReason;

use super::super::super::names;
use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::super::super::reasons;
use super::super::shown::{again, switched_off};
use colmeia_control::summary::SessionSummary;
use colmeia_session::Over;

/// Colour, title and, where there is more to say, a sentence.
pub(super) struct Words {
    /// `wait`, `code`, `ready`, `failed` or `off`.
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
}

/// The words for a session.
pub(super) fn of(summary: SessionSummary<'_>, language: Language) -> Words {
    let detail = match summary {
        SessionSummary::Failed { reason } => reasons::sentence(reason, language),
        SessionSummary::Reconnecting { cause, .. } => {
            reasons::disruption(cause, language).unwrap_or_else(|| detail(summary, language)).into()
        }
        _ => detail(summary, language).into(),
    };
    Words { kind: kind(summary), title: title(summary, language), detail }
}

/// How a session stands, roughly: its colour, and by what lists are filtered.
pub(super) fn kind(summary: SessionSummary<'_>) -> &'static str {
    match summary {
        SessionSummary::Absent | SessionSummary::Held => "off",
        SessionSummary::Code { .. } | SessionSummary::Passkey { .. } | SessionSummary::PasskeyCode { .. } => {
            "code"
        }
        SessionSummary::Ready { .. } => "ready",
        SessionSummary::Failed { .. } | SessionSummary::PasskeyOff { .. } => "failed",
        _ => "wait",
    }
}

/// What sessions of a [`kind`] are called together.
pub(super) fn of_kind(kind: &str, language: Language) -> &'static str {
    let (portuguese, english) = match kind {
        "ready" => ("Conectadas", "Connected"),
        "code" => ("Aguardando alguém", "Waiting for a person"),
        "failed" => ("Com falha", "Failed"),
        "off" => ("Desligadas", "Off"),
        _ => ("Em andamento", "Under way"),
    };
    language.pick(portuguese, english)
}

/// As [`of`]; where a passkey was waited for in vain, the words say so.
pub(super) fn after(over: Option<Over>, summary: SessionSummary<'_>, language: Language) -> Words {
    let words = of(summary, language);
    match (over, summary) {
        (Some(over), SessionSummary::Code { .. }) => Words { detail: again(over, language).into(), ..words },
        _ => words,
    }
}

/// What there is to say of a state beside its title; empty where the title says it.
pub(super) fn finer(title: &str, state: &'static str, language: Language) -> &'static str {
    let words = names::state(state, language);
    if words.eq_ignore_ascii_case(title) { "" } else { words }
}

fn title(summary: SessionSummary<'_>, language: Language) -> &'static str {
    let (portuguese, english) = match summary {
        SessionSummary::Absent => ("Desligada", "Off"),
        SessionSummary::Held => ("Parada", "Stopped"),
        SessionSummary::AtCapacity { .. } => ("Na fila", "Queued"),
        SessionSummary::Underway { again: true, .. } => ("Reiniciando", "Restarting"),
        SessionSummary::Underway { .. } => ("Em andamento", "Under way"),
        SessionSummary::Code { .. } => ("Aguardando o celular", "Waiting for a phone"),
        SessionSummary::Passkey { .. } => ("Aguardando a chave de acesso", "Waiting for a passkey"),
        SessionSummary::PasskeyOff { .. } => ("Chave de acesso desligada", "Passkeys are switched off"),
        SessionSummary::PasskeyCode { .. } => ("Comparar o código", "Compare the code"),
        SessionSummary::Pairing => ("Conectando o celular", "Linking the phone"),
        SessionSummary::Syncing { .. } => ("Sincronizando", "Syncing"),
        SessionSummary::Ready { .. } => ("Conectada", "Connected"),
        SessionSummary::Reconnecting { .. } => ("Reconectando", "Reconnecting"),
        SessionSummary::Failed { .. } => ("Falhou", "Failed"),
    };
    language.pick(portuguese, english)
}

fn detail(summary: SessionSummary<'_>, language: Language) -> &'static str {
    let (portuguese, english) = match summary {
        SessionSummary::Absent => (
            "Nenhum processo em execução. Inicie a sessão para conectar um celular.",
            "No process is running. Start the session to link a phone.",
        ),
        SessionSummary::Held => (
            "Parada a pedido. Continua assim até ser iniciada aqui ou com colmeiactl.",
            "Stopped on request. It stays so until it is started here or with colmeiactl.",
        ),
        SessionSummary::Underway { again: false, .. } => (
            "Está iniciando ou encerrando. Se demorar minutos, a última saída e o log dizem por quê.",
            "It is starting or ending. If that takes minutes, the last exit and the log say why.",
        ),
        SessionSummary::AtCapacity { memory: true, .. } => {
            ("Começa quando houver memória livre.", "It starts when there is free memory.")
        }
        SessionSummary::AtCapacity { .. } => {
            ("Começa quando houver lugar (max_users).", "It starts when there is a free place (max_users).")
        }
        SessionSummary::PasskeyOff { me } => return switched_off(me.is_some(), language)[1],
        SessionSummary::Passkey { me: Some(_), .. } => (
            "O WhatsApp pede que o dono da conta confirme com a sua chave de acesso (passkey). O celular continua vinculado; nada é enviado até lá.",
            "WhatsApp asks the account's owner to confirm with their passkey. The phone stays linked; nothing is sent until then.",
        ),
        SessionSummary::Passkey { .. } | SessionSummary::PasskeyCode { .. } => (
            "A conta pede uma chave de acesso (passkey) do seu dono. Continue na página para o dono do celular.",
            "The account asks for its owner's passkey. Go on at the page for the phone's owner.",
        ),
        SessionSummary::Code { .. } => (
            "Escaneie o QR Code com o WhatsApp, ou peça um código de oito letras.",
            "Scan the QR code with WhatsApp, or ask for a code of eight letters.",
        ),
        SessionSummary::Ready { .. } => {
            ("Mensagens podem ser enviadas e recebidas.", "Messages can be sent and received.")
        }
        SessionSummary::Reconnecting { .. } => (
            "O celular continua vinculado; a página está voltando.",
            "The phone stays linked; the page is coming back.",
        ),
        _ => ("", ""),
    };
    language.pick(portuguese, english)
}

/// Why the last worker ended, in a word or two.
pub(super) fn exit(reason: &ExitReason, language: Language) -> &'static str {
    let (portuguese, english) = match reason {
        ExitReason::Oom => ("memória acima do limite", "memory above its cap"),
        ExitReason::Crash { process, .. } if process == "browser" => {
            ("o navegador caiu", "the browser crashed")
        }
        ExitReason::Crash { .. } => ("o processo caiu", "the process crashed"),
        ExitReason::Hang { .. } => ("parou de responder", "stopped answering"),
        ExitReason::Stuck { .. } => ("ficou presa numa etapa", "got stuck"),
        ExitReason::LoggedOut => ("desconectada", "logged out"),
        ExitReason::Banned => ("recusada pelo WhatsApp", "refused by WhatsApp"),
        ExitReason::Conflict => ("aberta em outro programa", "open in another program"),
        ExitReason::Stopped => ("parada a pedido", "stopped on request"),
        ExitReason::LaunchFailed { .. } => ("não pôde ser iniciada", "could not be started"),
        ExitReason::ProfileCorrupt => ("dados danificados", "damaged data"),
        ExitReason::CapRecycle => ("trocada por causa da memória", "replaced because of its memory"),
        ExitReason::DiskRecycle => {
            ("trocada porque o disco esteve cheio", "replaced because the disk had been full")
        }
        ExitReason::Orphaned => ("ficou sem supervisor", "left without a supervisor"),
    };
    language.pick(portuguese, english)
}

/// What a probe of it found: `ok`, `failed`, anything else.
pub(super) fn found(status: &str, language: Language) -> &'static str {
    let (portuguese, english) = match status {
        "ok" => ("responde", "answers"),
        "failed" => ("não responde", "does not answer"),
        _ => ("sem medição", "not measured"),
    };
    language.pick(portuguese, english)
}

/// What stands before the digits after the point.
pub(super) fn point(language: Language) -> char {
    language.pick(',', '.')
}

/// How long ago something was. Coarse, so that a page does not change every second because of it.
pub(super) fn ago(then: SystemTime, now: SystemTime, language: Language) -> String {
    let since = now.duration_since(then).unwrap_or(Duration::ZERO).as_secs();
    let (count, unit) = match since {
        0..60 => {
            return match language {
                Portuguese => "há menos de 1 min".into(),
                English => "less than 1 min ago".into(),
            };
        }
        60..3_600 => (since / 60, "min"),
        3_600..86_400 => (since / 3_600, "h"),
        _ => (since / 86_400, language.pick("dias", "days")),
    };
    match language {
        Portuguese => format!("há {count} {unit}"),
        English => format!("{count} {unit} ago"),
    }
}

/// When something will be. As coarse as [`ago`]; nothing means at once.
pub(super) fn until(then: Option<SystemTime>, now: SystemTime, language: Language) -> String {
    let left = then.and_then(|then| then.duration_since(now).ok()).unwrap_or_default().as_secs();
    match (left, language) {
        (0, Portuguese) => "agora".into(),
        (0, English) => "now".into(),
        (1..60, Portuguese) => "em menos de 1 min".into(),
        (1..60, English) => "in less than 1 min".into(),
        (_, Portuguese) => format!("em {} min", left / 60),
        (_, English) => format!("in {} min", left / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_told_apart_is_called_differently_in_both_languages() {
        let linked = SessionSummary::Underway { linked: true, again: true };
        let failed = SessionSummary::Failed { reason: &ExitReason::Oom };
        let all = [
            SessionSummary::Absent,
            SessionSummary::Held,
            linked,
            SessionSummary::Code { qr: "2@x" },
            failed,
        ];
        for language in [Portuguese, English] {
            let titles: std::collections::BTreeSet<_> = all.iter().map(|s| of(*s, language).title).collect();
            assert_eq!(titles.len(), all.len());
        }
        assert!(of(failed, English).detail.contains("more memory than allowed"));
    }

    #[test]
    fn times_are_coarse() {
        let then = SystemTime::UNIX_EPOCH;
        let at = |seconds| then + Duration::from_secs(seconds);
        for (seconds, portuguese, english) in [
            (59, "há menos de 1 min", "less than 1 min ago"),
            (61, "há 1 min", "1 min ago"),
            (7_300, "há 2 h", "2 h ago"),
            (180_000, "há 2 dias", "2 days ago"),
        ] {
            assert_eq!(ago(then, at(seconds), Portuguese), portuguese);
            assert_eq!(ago(then, at(seconds), English), english);
        }
        assert_eq!(ago(at(5), then, English), "less than 1 min ago", "a clock that was set back");
        for (seconds, portuguese, english) in [
            (0, "agora", "now"),
            (5, "em menos de 1 min", "in less than 1 min"),
            (300, "em 5 min", "in 5 min"),
        ] {
            assert_eq!(until(Some(at(seconds)), then, Portuguese), portuguese);
            assert_eq!(until(Some(at(seconds)), then, English), english);
        }
        assert_eq!(until(None, then, English), "now");
    }
}
