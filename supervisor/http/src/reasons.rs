//! Why a session ended, in sentences that a person can act on.

use colmeia::ExitReason;
use colmeia::session::{Disruption, LaunchCause};

use super::names;
use super::negotiate::Language::{self, English, Portuguese};

/// The sentence for a user whom an operator stopped.
pub(super) fn held(language: Language) -> &'static str {
    language.pick(
        "A conexão deste WhatsApp foi parada por quem administra o servidor e só ele pode iniciá-la de novo.",
        "This WhatsApp connection was stopped by whoever runs the server, and only they can start it again.",
    )
}

/// The sentence for a session that is linked and not connected; `None` where there is nothing to say but that.
pub(super) fn disruption(cause: Disruption, language: Language) -> Option<&'static str> {
    let (portuguese, english) = match cause {
        Disruption::Conflict => (
            "Este WhatsApp foi aberto em outro programa com os mesmos dados. A conexão será retomada em instantes.",
            "This WhatsApp was opened in another program with the same data. It is taken back in a moment.",
        ),
        Disruption::ServiceUnavailable => (
            "O WhatsApp está fora do ar. A sessão volta sozinha quando ele voltar; não é preciso escanear de novo.",
            "WhatsApp's service is not available. The session comes back by itself; there is no need to scan again.",
        ),
        Disruption::TemporaryBan => (
            "O WhatsApp bloqueou este número por algum tempo. Veja o prazo no WhatsApp do celular; a sessão volta sozinha depois.",
            "WhatsApp has banned this number for some time. WhatsApp on the phone says until when; the session comes back by itself.",
        ),
        Disruption::PageOutdated => (
            "O WhatsApp não aceita mais esta versão da página. Ela está sendo recarregada.",
            "WhatsApp no longer accepts this version of its page. It is being loaded anew.",
        ),
        Disruption::ScreenLocked => (
            "O WhatsApp Web deste perfil está bloqueado por senha, e aqui ninguém pode digitá-la. Desconecte e escaneie o código de novo.",
            "WhatsApp Web is locked with a passcode in this profile, and nobody can type it here. Disconnect it and scan the code again.",
        ),
        Disruption::ProxyRefused => (
            "O proxy desta sessão recusa a conexão ou não responde. Verifique o endereço e a senha do proxy.",
            "This session's proxy refuses the connection or does not answer. Check the proxy's address and password.",
        ),
        Disruption::ConnectionLost
        | Disruption::PageUnresponsive
        | Disruption::PageCrashed
        | Disruption::Other => return None,
    };
    Some(language.pick(portuguese, english))
}

/// The sentence for a user that was given up.
pub(super) fn sentence(reason: &ExitReason, language: Language) -> String {
    let (portuguese, english) = match reason {
        ExitReason::LaunchFailed { cause: LaunchCause::NoBrowser, .. } => (
            "O navegador não está instalado corretamente no servidor. Avise quem administra o servidor.",
            "The browser is not installed correctly on the server. Tell whoever runs the server.",
        ),
        ExitReason::LaunchFailed { cause: LaunchCause::NoSandbox, .. } => (
            "O navegador não pode se proteger neste servidor (sandbox). Avise quem administra o servidor.",
            "The browser cannot protect itself on this server (sandbox). Tell whoever runs the server.",
        ),
        ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, .. } => (
            "O disco do servidor está cheio. Avise quem administra o servidor; a sessão volta sozinha quando houver espaço.",
            "The server's disk is full. Tell whoever runs the server; the session comes back by itself when there is room.",
        ),
        ExitReason::LaunchFailed { cause: LaunchCause::Proxy, .. } => (
            "O proxy desta sessão recusa a conexão ou não responde. Verifique o endereço e a senha do proxy e tente novamente.",
            "This session's proxy refuses the connection or does not answer. Check the proxy's address and password, and try again.",
        ),
        ExitReason::LaunchFailed { cause: LaunchCause::Unreachable, .. } => (
            "O servidor não consegue acessar o WhatsApp. Verifique a conexão do servidor com a internet e tente novamente.",
            "The server cannot reach WhatsApp. Check the server's internet connection and try again.",
        ),
        ExitReason::LaunchFailed { cause: LaunchCause::Machine, .. } => (
            "O servidor está sem recursos (arquivos abertos, processos ou memória). Avise quem administra o servidor; a sessão volta sozinha.",
            "The server has no open files, processes or memory left. Tell whoever runs the server; the session comes back by itself.",
        ),
        ExitReason::LaunchFailed { cause: LaunchCause::Other, why } => {
            return match language {
                Portuguese => format!(
                    "O navegador desta sessão não pôde ser iniciado. Avise quem administra o servidor. Detalhe técnico: {why}."
                ),
                English => format!(
                    "This session's browser could not be started. Tell whoever runs the server. Technical detail: {why}."
                ),
            };
        }
        ExitReason::Stuck { state } => {
            let step = names::state(state, language);
            return match language {
                Portuguese => format!(
                    "A sessão ficou parada na etapa \"{step}\" várias vezes. Verifique a conexão do servidor com a internet e tente novamente."
                ),
                English => format!(
                    "The session got stuck at \"{step}\" several times. Check the server's internet connection and try again."
                ),
            };
        }
        ExitReason::Oom => (
            "A sessão usou mais memória do que o permitido e foi encerrada várias vezes. Tente novamente; se repetir, o servidor precisa de mais memória.",
            "The session used more memory than allowed and was ended several times. Try again; if it happens again, the server needs more memory.",
        ),
        ExitReason::Crash { .. } => (
            "O navegador desta sessão falhou várias vezes seguidas. Tente novamente em alguns minutos; se repetir, avise quem administra o servidor.",
            "This session's browser failed several times in a row. Try again in a few minutes; if it happens again, tell whoever runs the server.",
        ),
        ExitReason::Hang { .. } => (
            "A sessão parou de responder várias vezes seguidas. Tente novamente em alguns minutos; se repetir, o servidor está sobrecarregado.",
            "The session stopped answering several times in a row. Try again in a few minutes; if it happens again, the server is overloaded.",
        ),
        ExitReason::LoggedOut => (
            "O WhatsApp foi desconectado. Tente novamente para escanear um novo QR Code.",
            "WhatsApp was disconnected. Try again to scan a new QR code.",
        ),
        ExitReason::Banned => (
            "O WhatsApp recusou este número ou este aparelho. Abra o WhatsApp no celular e verifique se a conta está bloqueada.",
            "WhatsApp refused this number or this device. Open WhatsApp on the phone and check whether the account is blocked.",
        ),
        ExitReason::Conflict => (
            "Esta conexão do WhatsApp está aberta em outro programa. Feche o outro e tente novamente.",
            "This WhatsApp connection is open in another program. Close the other one and try again.",
        ),
        ExitReason::ProfileCorrupt => (
            "Os dados salvos desta sessão estavam danificados e foram postos de lado várias vezes. Tente novamente; se repetir, avise quem administra o servidor.",
            "This session's saved data was damaged and set aside several times. Try again; if it happens again, tell whoever runs the server.",
        ),
        ExitReason::Stopped | ExitReason::CapRecycle | ExitReason::DiskRecycle | ExitReason::Orphaned => {
            ("A sessão foi encerrada. Tente novamente.", "The session was ended. Try again.")
        }
    };
    language.pick(portuguese, english).into()
}
