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
    match (kind, language) {
        ("ready", Portuguese) => "Conectadas",
        ("ready", English) => "Connected",
        ("code", Portuguese) => "Aguardando alguém",
        ("code", English) => "Waiting for a person",
        ("failed", Portuguese) => "Com falha",
        ("failed", English) => "Failed",
        ("off", Portuguese) => "Desligadas",
        ("off", English) => "Off",
        (_, Portuguese) => "Em andamento",
        (_, English) => "Under way",
    }
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
    match (summary, language) {
        (SessionSummary::Absent, Portuguese) => "Desligada",
        (SessionSummary::Absent, English) => "Off",
        (SessionSummary::Held, Portuguese) => "Parada",
        (SessionSummary::Held, English) => "Stopped",
        (SessionSummary::AtCapacity { .. }, Portuguese) => "Na fila",
        (SessionSummary::AtCapacity { .. }, English) => "Queued",
        (SessionSummary::Underway { again: true, .. }, Portuguese) => "Reiniciando",
        (SessionSummary::Underway { again: true, .. }, English) => "Restarting",
        (SessionSummary::Underway { .. }, Portuguese) => "Em andamento",
        (SessionSummary::Underway { .. }, English) => "Under way",
        (SessionSummary::Code { .. }, Portuguese) => "Aguardando o celular",
        (SessionSummary::Code { .. }, English) => "Waiting for a phone",
        (SessionSummary::Passkey { .. }, Portuguese) => "Aguardando a chave de acesso",
        (SessionSummary::Passkey { .. }, English) => "Waiting for a passkey",
        (SessionSummary::PasskeyOff { .. }, Portuguese) => "Chave de acesso desligada",
        (SessionSummary::PasskeyOff { .. }, English) => "Passkeys are switched off",
        (SessionSummary::PasskeyCode { .. }, Portuguese) => "Comparar o código",
        (SessionSummary::PasskeyCode { .. }, English) => "Compare the code",
        (SessionSummary::Pairing, Portuguese) => "Conectando o celular",
        (SessionSummary::Pairing, English) => "Linking the phone",
        (SessionSummary::Syncing { .. }, Portuguese) => "Sincronizando",
        (SessionSummary::Syncing { .. }, English) => "Syncing",
        (SessionSummary::Ready { .. }, Portuguese) => "Conectada",
        (SessionSummary::Ready { .. }, English) => "Connected",
        (SessionSummary::Reconnecting { .. }, Portuguese) => "Reconectando",
        (SessionSummary::Reconnecting { .. }, English) => "Reconnecting",
        (SessionSummary::Failed { .. }, Portuguese) => "Falhou",
        (SessionSummary::Failed { .. }, English) => "Failed",
    }
}

fn detail(summary: SessionSummary<'_>, language: Language) -> &'static str {
    match (summary, language) {
        (SessionSummary::Absent, Portuguese) => {
            "Nenhum processo em execução. Inicie a sessão para conectar um celular."
        }
        (SessionSummary::Absent, English) => "No process is running. Start the session to link a phone.",
        (SessionSummary::Held, Portuguese) => {
            "Parada a pedido. Continua assim até ser iniciada aqui ou com colmeiactl."
        }
        (SessionSummary::Held, English) => {
            "Stopped on request. It stays so until it is started here or with colmeiactl."
        }
        (SessionSummary::Underway { again: false, .. }, Portuguese) => {
            "Está iniciando ou encerrando. Se demorar minutos, a última saída e o log dizem por quê."
        }
        (SessionSummary::Underway { again: false, .. }, English) => {
            "It is starting or ending. If that takes minutes, the last exit and the log say why."
        }
        (SessionSummary::AtCapacity { memory: true, .. }, Portuguese) => {
            "Começa quando houver memória livre."
        }
        (SessionSummary::AtCapacity { memory: true, .. }, English) => "It starts when there is free memory.",
        (SessionSummary::AtCapacity { .. }, Portuguese) => "Começa quando houver lugar (max_users).",
        (SessionSummary::AtCapacity { .. }, English) => "It starts when there is a free place (max_users).",
        (SessionSummary::PasskeyOff { me }, _) => switched_off(me.is_some(), language)[1],
        (SessionSummary::Passkey { me: Some(_), .. }, Portuguese) => {
            "O WhatsApp pede que o dono da conta confirme com a sua chave de acesso (passkey). O celular continua vinculado; nada é enviado até lá."
        }
        (SessionSummary::Passkey { me: Some(_), .. }, English) => {
            "WhatsApp asks the account's owner to confirm with their passkey. The phone stays linked; nothing is sent until then."
        }
        (SessionSummary::Passkey { .. } | SessionSummary::PasskeyCode { .. }, Portuguese) => {
            "A conta pede uma chave de acesso (passkey) do seu dono. Continue na página para o dono do celular."
        }
        (SessionSummary::Passkey { .. } | SessionSummary::PasskeyCode { .. }, English) => {
            "The account asks for its owner's passkey. Go on at the page for the phone's owner."
        }
        (SessionSummary::Code { .. }, Portuguese) => {
            "Escaneie o QR Code com o WhatsApp, ou peça um código de oito letras."
        }
        (SessionSummary::Code { .. }, English) => {
            "Scan the QR code with WhatsApp, or ask for a code of eight letters."
        }
        (SessionSummary::Ready { .. }, Portuguese) => "Mensagens podem ser enviadas e recebidas.",
        (SessionSummary::Ready { .. }, English) => "Messages can be sent and received.",
        (SessionSummary::Reconnecting { .. }, Portuguese) => {
            "O celular continua vinculado; a página está voltando."
        }
        (SessionSummary::Reconnecting { .. }, English) => "The phone stays linked; the page is coming back.",
        _ => "",
    }
}

/// Why the last worker ended, in a word or two.
pub(super) fn exit(reason: &ExitReason, language: Language) -> &'static str {
    match (reason, language) {
        (ExitReason::Oom, Portuguese) => "memória acima do limite",
        (ExitReason::Oom, English) => "memory above its cap",
        (ExitReason::Crash { process, .. }, Portuguese) if process == "browser" => "o navegador caiu",
        (ExitReason::Crash { process, .. }, English) if process == "browser" => "the browser crashed",
        (ExitReason::Crash { .. }, Portuguese) => "o processo caiu",
        (ExitReason::Crash { .. }, English) => "the process crashed",
        (ExitReason::Hang { .. }, Portuguese) => "parou de responder",
        (ExitReason::Hang { .. }, English) => "stopped answering",
        (ExitReason::Stuck { .. }, Portuguese) => "ficou presa numa etapa",
        (ExitReason::Stuck { .. }, English) => "got stuck",
        (ExitReason::LoggedOut, Portuguese) => "desconectada",
        (ExitReason::LoggedOut, English) => "logged out",
        (ExitReason::Banned, Portuguese) => "recusada pelo WhatsApp",
        (ExitReason::Banned, English) => "refused by WhatsApp",
        (ExitReason::Conflict, Portuguese) => "aberta em outro programa",
        (ExitReason::Conflict, English) => "open in another program",
        (ExitReason::Stopped, Portuguese) => "parada a pedido",
        (ExitReason::Stopped, English) => "stopped on request",
        (ExitReason::LaunchFailed { .. }, Portuguese) => "não pôde ser iniciada",
        (ExitReason::LaunchFailed { .. }, English) => "could not be started",
        (ExitReason::ProfileCorrupt, Portuguese) => "dados danificados",
        (ExitReason::ProfileCorrupt, English) => "damaged data",
        (ExitReason::CapRecycle, Portuguese) => "trocada por causa da memória",
        (ExitReason::CapRecycle, English) => "replaced because of its memory",
        (ExitReason::DiskRecycle, Portuguese) => "trocada porque o disco esteve cheio",
        (ExitReason::DiskRecycle, English) => "replaced because the disk had been full",
        (ExitReason::Orphaned, Portuguese) => "ficou sem supervisor",
        (ExitReason::Orphaned, English) => "left without a supervisor",
    }
}

/// What a probe of it found: `ok`, `failed`, anything else.
pub(super) fn found(status: &str, language: Language) -> &'static str {
    match (status, language) {
        ("ok", Portuguese) => "responde",
        ("ok", English) => "answers",
        ("failed", Portuguese) => "não responde",
        ("failed", English) => "does not answer",
        (_, Portuguese) => "sem medição",
        (_, English) => "not measured",
    }
}

/// What stands before the digits after the point.
pub(super) fn point(language: Language) -> char {
    if language == Portuguese { ',' } else { '.' }
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
        _ => (since / 86_400, if language == Portuguese { "dias" } else { "days" }),
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
