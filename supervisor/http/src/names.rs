//! What code calls things by, in words of the language: the one table for every page.
//!
//! Owns the words for states, levels of the log and how deliveries ended. Pure. Whoever adds a state adds a row here; a
//! test walks through all of them (`tests::words`). **No page shows a name that is not a word.**

use colmeia::ExitReason;
use colmeia::session::{HealthLevel, LaunchCause};

use super::negotiate::Language::{self, English, Portuguese};

/// The states by their names at `/status`, in Portuguese and in English.
const STATES: &[(&str, &str, &str)] = &[
    ("disconnected", "desligada", "off"),
    ("stopped", "parada por quem administra", "stopped by an operator"),
    ("queued", "na fila", "in the queue"),
    ("starting", "iniciando o processo", "starting its process"),
    ("unresponsive", "processo sem resposta", "process does not answer"),
    ("backing_off", "espera para tentar de novo", "waits before the next try"),
    ("stopping", "encerrando", "being stopped"),
    ("failed", "falhou", "failed"),
    ("launching", "abrindo o navegador", "opening the browser"),
    ("loading", "carregando a página", "loading the page"),
    ("awaiting_scan", "aguardando que o código seja escaneado", "waiting for a phone to scan the code"),
    ("passkey_off", "a conta pede uma chave de acesso", "the account asks for a passkey"),
    ("passkey", "aguardando a chave de acesso", "waiting for the passkey"),
    ("passkey_checkpoint", "aguardando a confirmação do dono da conta", "waiting for the account's owner"),
    ("passkey_confirm", "aguardando a comparação dos códigos", "waiting for the codes to be compared"),
    ("pairing", "conectando o celular", "linking the phone"),
    ("syncing", "sincronizando as conversas", "fetching the chats"),
    ("ready", "conectada", "connected"),
    ("reconnecting", "reconectando", "reconnecting"),
    ("logged_out", "desconectada do celular", "unlinked from the phone"),
    ("conflict", "aberta em outro programa", "open in another program"),
    ("service_unavailable", "WhatsApp fora do ar", "WhatsApp is not available"),
    ("temporary_ban", "número bloqueado por algum tempo", "number banned for some time"),
    ("page_outdated", "versão da página recusada", "the page's version is refused"),
    ("screen_locked", "tela bloqueada por senha", "locked with a passcode"),
    ("proxy_refused", "o proxy recusa a conexão", "the proxy refuses the connection"),
];

/// How deliveries end, as the journal keeps it, in Portuguese. What follows is a number or a technical detail.
const DELIVERIES: &[(&str, &str)] = &[
    ("answered ", "respondeu "),
    ("no answer in time", "sem resposta a tempo"),
    ("closed without an answer: ", "fechou a conexão sem responder: "),
    ("it could not be sent: ", "não pôde ser enviado: "),
    ("discarded by an operator", "descartado por quem administra"),
];
/// What stands between an operator's discard and what was before it.
const BEFORE: (&str, &str) = ("; before: ", "; antes: ");

/// A level of the log, from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LogLevel {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
}

impl LogLevel {
    /// The highest first, as people look for them.
    pub(super) const ALL: [Self; 5] = [Self::Error, Self::Warning, Self::Info, Self::Debug, Self::Trace];

    /// By its name in lines and addresses.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }

    /// As lines and addresses have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warn",
            Self::Error => "error",
        }
    }
}

/// A level of the log.
pub(super) fn level(level: LogLevel, language: Language) -> &'static str {
    let (portuguese, english) = match level {
        LogLevel::Trace => ("Rastreio", "Trace"),
        LogLevel::Debug => ("Depuração", "Debugging"),
        LogLevel::Info => ("Informação", "Information"),
        LogLevel::Warning => ("Aviso", "Warning"),
        LogLevel::Error => ("Erro", "Error"),
    };
    language.pick(portuguese, english)
}

/// A state by its name at `/status`.
pub(super) fn state(name: &str, language: Language) -> &'static str {
    // A newer worker's.
    known_state(name, language).unwrap_or(
        language.pick("uma etapa que esta versão não conhece", "a step that this version does not know"),
    )
}

/// The same, where it is a state's name.
pub(super) fn known_state(name: &str, language: Language) -> Option<&'static str> {
    let (_, portuguese, english) = STATES.iter().find(|(known, _, _)| *known == name)?;
    Some(language.pick(portuguese, english))
}

/// What there is to say of an end beside its kind; empty where that says it all.
pub(super) fn exit_detail(reason: &ExitReason, language: Language) -> String {
    match (reason, language) {
        (ExitReason::Crash { signal: Some(signal), .. }, Portuguese) => format!("sinal {signal}"),
        (ExitReason::Crash { signal: Some(signal), .. }, English) => format!("signal {signal}"),
        (ExitReason::Hang { level }, _) => health_level(*level, language).to_lowercase(),
        (ExitReason::Stuck { state: name }, _) => state(name, language).into(),
        (ExitReason::LaunchFailed { cause: LaunchCause::Other, why }, _) => why.clone(),
        (ExitReason::LaunchFailed { cause, .. }, _) => launch_cause(*cause, language).into(),
        _ => String::new(),
    }
}

fn launch_cause(cause: LaunchCause, language: Language) -> &'static str {
    let (portuguese, english) = match cause {
        LaunchCause::NoBrowser => ("navegador não encontrado", "no browser found"),
        LaunchCause::NoSandbox => ("sem o isolamento do Chromium", "no sandbox for the browser"),
        LaunchCause::DiskFull => ("disco cheio", "disk full"),
        LaunchCause::Proxy => ("o proxy recusa a conexão", "the proxy refuses the connection"),
        LaunchCause::Unreachable => ("WhatsApp inacessível", "WhatsApp cannot be reached"),
        LaunchCause::Machine => ("servidor sem recursos", "the machine has nothing left"),
        LaunchCause::Other => ("", ""),
    };
    language.pick(portuguese, english)
}

/// A level of health.
pub(super) fn health_level(level: HealthLevel, language: Language) -> &'static str {
    let (portuguese, english) = match level {
        HealthLevel::Ipc => ("Processo", "Process"),
        HealthLevel::Browser => ("Navegador", "Browser"),
        HealthLevel::Page => ("Página", "Page"),
    };
    language.pick(portuguese, english)
}

/// How an attempt to deliver ended. The journal keeps it in English.
pub(super) fn delivery(error: &str, language: Language) -> String {
    if language == English {
        return error.into();
    }
    let (own, before) = error.split_once(BEFORE.0).map_or((error, None), |(own, before)| (own, Some(before)));
    let known =
        DELIVERIES.iter().find_map(|(english, portuguese)| Some((own.strip_prefix(english)?, portuguese)));
    let own = known.map_or_else(|| own.into(), |(rest, portuguese)| format!("{portuguese}{rest}"));
    match before {
        Some(before) => format!("{own}{}{}", BEFORE.1, delivery(before, language)),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_with_what_there_is_to_know() {
        let stuck = ExitReason::Stuck { state: "awaiting_scan".into() };
        assert_eq!(exit_detail(&stuck, Portuguese), "aguardando que o código seja escaneado");
        let unknown = ExitReason::Stuck { state: "of_a_later_release".into() };
        assert_eq!(exit_detail(&unknown, English), "a step that this version does not know");
        let crash = ExitReason::Crash { process: "browser".into(), signal: Some(9) };
        assert_eq!(
            (exit_detail(&crash, Portuguese), exit_detail(&crash, English)),
            ("sinal 9".into(), "signal 9".into())
        );
        assert_eq!(exit_detail(&ExitReason::Oom, English), "");
    }

    #[test]
    fn how_a_delivery_ended_is_told_in_portuguese_too() {
        for (kept, told) in [
            ("answered 503", "respondeu 503"),
            ("no answer in time", "sem resposta a tempo"),
            (
                "discarded by an operator; before: answered 503",
                "descartado por quem administra; antes: respondeu 503",
            ),
            ("Connection refused (os error 111)", "Connection refused (os error 111)"),
        ] {
            assert_eq!(delivery(kept, Portuguese), told);
            assert_eq!(delivery(kept, English), kept);
        }
    }
}
