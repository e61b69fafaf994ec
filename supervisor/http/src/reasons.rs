//! Why a session ended, in sentences that a person can act on.

use colmeia::ExitReason;
use colmeia::session::{Disruption, LaunchCause};

use super::names;
use super::negotiate::Language::{self, English, Portuguese};

/// The sentence for a user whom an operator stopped.
pub(super) fn held(language: Language) -> &'static str {
    match language {
        Portuguese => {
            "A conexão deste WhatsApp foi parada por quem administra o servidor e só ele pode iniciá-la de novo."
        }
        English => {
            "This WhatsApp connection was stopped by whoever runs the server, and only they can start it again."
        }
    }
}

/// The sentence for a session that is linked and not connected; `None` where there is nothing to say but that.
pub(super) fn disruption(cause: Disruption, language: Language) -> Option<&'static str> {
    Some(match (cause, language) {
        (Disruption::Conflict, Portuguese) => {
            "Este WhatsApp foi aberto em outro programa com os mesmos dados. A conexão será retomada em instantes."
        }
        (Disruption::Conflict, English) => {
            "This WhatsApp was opened in another program with the same data. It is taken back in a moment."
        }
        (Disruption::ServiceUnavailable, Portuguese) => {
            "O WhatsApp está fora do ar. A sessão volta sozinha quando ele voltar; não é preciso escanear de novo."
        }
        (Disruption::ServiceUnavailable, English) => {
            "WhatsApp's service is not available. The session comes back by itself; there is no need to scan again."
        }
        (Disruption::TemporaryBan, Portuguese) => {
            "O WhatsApp bloqueou este número por algum tempo. Veja o prazo no WhatsApp do celular; a sessão volta sozinha depois."
        }
        (Disruption::TemporaryBan, English) => {
            "WhatsApp has banned this number for some time. WhatsApp on the phone says until when; the session comes back by itself."
        }
        (Disruption::PageOutdated, Portuguese) => {
            "O WhatsApp não aceita mais esta versão da página. Ela está sendo recarregada."
        }
        (Disruption::PageOutdated, English) => {
            "WhatsApp no longer accepts this version of its page. It is being loaded anew."
        }
        (Disruption::ScreenLocked, Portuguese) => {
            "O WhatsApp Web deste perfil está bloqueado por senha, e aqui ninguém pode digitá-la. Desconecte e escaneie o código de novo."
        }
        (Disruption::ScreenLocked, English) => {
            "WhatsApp Web is locked with a passcode in this profile, and nobody can type it here. Disconnect it and scan the code again."
        }
        (Disruption::ProxyRefused, Portuguese) => {
            "O proxy desta sessão recusa a conexão ou não responde. Verifique o endereço e a senha do proxy."
        }
        (Disruption::ProxyRefused, English) => {
            "This session's proxy refuses the connection or does not answer. Check the proxy's address and password."
        }
        (
            Disruption::ConnectionLost
            | Disruption::PageUnresponsive
            | Disruption::PageCrashed
            | Disruption::Other,
            _,
        ) => return None,
    })
}

/// The sentence for a user that was given up.
pub(super) fn sentence(reason: &ExitReason, language: Language) -> String {
    let text = match (reason, language) {
        (ExitReason::LaunchFailed { cause: LaunchCause::NoBrowser, .. }, Portuguese) => {
            "O navegador não está instalado corretamente no servidor. Avise quem administra o servidor."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::NoBrowser, .. }, English) => {
            "The browser is not installed correctly on the server. Tell whoever runs the server."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::NoSandbox, .. }, Portuguese) => {
            "O navegador não pode se proteger neste servidor (sandbox). Avise quem administra o servidor."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::NoSandbox, .. }, English) => {
            "The browser cannot protect itself on this server (sandbox). Tell whoever runs the server."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, .. }, Portuguese) => {
            "O disco do servidor está cheio. Avise quem administra o servidor; a sessão volta sozinha quando houver espaço."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, .. }, English) => {
            "The server's disk is full. Tell whoever runs the server; the session comes back by itself when there is room."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Proxy, .. }, Portuguese) => {
            "O proxy desta sessão recusa a conexão ou não responde. Verifique o endereço e a senha do proxy e tente novamente."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Proxy, .. }, English) => {
            "This session's proxy refuses the connection or does not answer. Check the proxy's address and password, and try again."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Unreachable, .. }, Portuguese) => {
            "O servidor não consegue acessar o WhatsApp. Verifique a conexão do servidor com a internet e tente novamente."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Unreachable, .. }, English) => {
            "The server cannot reach WhatsApp. Check the server's internet connection and try again."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Machine, .. }, Portuguese) => {
            "O servidor está sem recursos (arquivos abertos, processos ou memória). Avise quem administra o servidor; a sessão volta sozinha."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Machine, .. }, English) => {
            "The server has no open files, processes or memory left. Tell whoever runs the server; the session comes back by itself."
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Other, why }, Portuguese) => {
            return format!(
                "O navegador desta sessão não pôde ser iniciado. Avise quem administra o servidor. Detalhe técnico: {why}."
            );
        }
        (ExitReason::LaunchFailed { cause: LaunchCause::Other, why }, English) => {
            return format!(
                "This session's browser could not be started. Tell whoever runs the server. Technical detail: {why}."
            );
        }
        (ExitReason::Stuck { state }, Portuguese) => {
            return format!(
                "A sessão ficou parada na etapa \"{}\" várias vezes. Verifique a conexão do servidor com a internet e tente novamente.",
                names::state(state, language)
            );
        }
        (ExitReason::Stuck { state }, English) => {
            return format!(
                "The session got stuck at \"{}\" several times. Check the server's internet connection and try again.",
                names::state(state, language)
            );
        }
        (ExitReason::Oom, Portuguese) => {
            "A sessão usou mais memória do que o permitido e foi encerrada várias vezes. Tente novamente; se repetir, o servidor precisa de mais memória."
        }
        (ExitReason::Oom, English) => {
            "The session used more memory than allowed and was ended several times. Try again; if it happens again, the server needs more memory."
        }
        (ExitReason::Crash { .. }, Portuguese) => {
            "O navegador desta sessão falhou várias vezes seguidas. Tente novamente em alguns minutos; se repetir, avise quem administra o servidor."
        }
        (ExitReason::Crash { .. }, English) => {
            "This session's browser failed several times in a row. Try again in a few minutes; if it happens again, tell whoever runs the server."
        }
        (ExitReason::Hang { .. }, Portuguese) => {
            "A sessão parou de responder várias vezes seguidas. Tente novamente em alguns minutos; se repetir, o servidor está sobrecarregado."
        }
        (ExitReason::Hang { .. }, English) => {
            "The session stopped answering several times in a row. Try again in a few minutes; if it happens again, the server is overloaded."
        }
        (ExitReason::LoggedOut, Portuguese) => {
            "O WhatsApp foi desconectado. Tente novamente para escanear um novo QR Code."
        }
        (ExitReason::LoggedOut, English) => "WhatsApp was disconnected. Try again to scan a new QR code.",
        (ExitReason::Banned, Portuguese) => {
            "O WhatsApp recusou este número ou este aparelho. Abra o WhatsApp no celular e verifique se a conta está bloqueada."
        }
        (ExitReason::Banned, English) => {
            "WhatsApp refused this number or this device. Open WhatsApp on the phone and check whether the account is blocked."
        }
        (ExitReason::Conflict, Portuguese) => {
            "Esta conexão do WhatsApp está aberta em outro programa. Feche o outro e tente novamente."
        }
        (ExitReason::Conflict, English) => {
            "This WhatsApp connection is open in another program. Close the other one and try again."
        }
        (ExitReason::ProfileCorrupt, Portuguese) => {
            "Os dados salvos desta sessão estavam danificados e foram postos de lado várias vezes. Tente novamente; se repetir, avise quem administra o servidor."
        }
        (ExitReason::ProfileCorrupt, English) => {
            "This session's saved data was damaged and set aside several times. Try again; if it happens again, tell whoever runs the server."
        }
        (
            ExitReason::Stopped | ExitReason::CapRecycle | ExitReason::DiskRecycle | ExitReason::Orphaned,
            Portuguese,
        ) => "A sessão foi encerrada. Tente novamente.",
        (
            ExitReason::Stopped | ExitReason::CapRecycle | ExitReason::DiskRecycle | ExitReason::Orphaned,
            English,
        ) => "The session was ended. Try again.",
    };
    text.into()
}
