//! What WhatsApp restricts an account in, in words for people: on the dashboard, and in the answer to a send that was
//! refused for it. Owns these words in both languages. Pure.

use colmeia::moment::Minute;
use colmeia::{Restriction, RestrictionName, Restrictions};

use super::negotiate::Language::{self, English, Portuguese};

/// For how long nobody is told to wait at once, in seconds: clients that take the header at its word sleep as long.
const LONGEST_WAIT: u64 = 30 * 86_400;

/// Since when, by when and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// `timelock`, `capped` or `warned`; for the page's marks.
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) sentence: String,
}

/// What is to be told of an account now, the gravest first.
pub(super) fn notices(restrictions: &Restrictions, now_ms: u64, language: Language) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(lock) = restrictions.timelock.as_ref().filter(|lock| lock.is_in_force(now_ms)) {
        let until = until(lock.until_ms, language);
        let (title, sentence) = match language {
            Portuguese => (
                "Sem novos contatos",
                format!(
                    "O WhatsApp não deixa esta conta escrever a quem nunca escreveu para ela{until}. As outras \
                     conversas continuam."
                ),
            ),
            English => (
                "No new contacts",
                format!(
                    "WhatsApp does not let this account write to people who never wrote to it{until}. Other chats go on."
                ),
            ),
        };
        notices.push(Notice { kind: "timelock", title, sentence });
    }
    let Some(capping) = &restrictions.capping else { return notices };
    let until = until(capping.cycle_end_ms, language);
    let (used, total) = (capping.used, capping.total);
    if capping.is_capped(now_ms) {
        let (title, sentence) = match language {
            Portuguese => (
                "Limite de conversas novas",
                format!(
                    "O WhatsApp não deixa esta conta começar conversas novas{until}: {used} de {total} usadas."
                ),
            ),
            English => (
                "New chats used up",
                format!("WhatsApp lets this account begin no new chats{until}: {used} of {total} are used."),
            ),
        };
        notices.push(Notice { kind: "capped", title, sentence });
    } else if capping.is_warned(now_ms) {
        let (title, sentence) = match language {
            Portuguese => (
                "Poucas conversas novas",
                format!(
                    "O WhatsApp avisa que restam poucas conversas novas{until}: {used} de {total} usadas."
                ),
            ),
            English => (
                "Few new chats left",
                format!("WhatsApp warns that few new chats are left{until}: {used} of {total} are used."),
            ),
        };
        notices.push(Notice { kind: "warned", title, sentence });
    }
    notices
}

fn until(end_ms: Option<u64>, language: Language) -> String {
    match (end_ms.map(Minute::of), language) {
        (None, _) => String::new(),
        (Some(end), Portuguese) => format!(" até {}", end.portuguese()),
        (Some(end), English) => format!(" until {}", end.english()),
    }
}

/// Why a send was refused, and until when it will be.
pub(super) fn refusal(restriction: Restriction, language: Language) -> String {
    let until = until(restriction.until_ms, language);
    let (portuguese, english) = match restriction.name {
        RestrictionName::ReachoutTimelock => (
            format!(
                "O WhatsApp não deixa esta conta escrever a quem nunca escreveu para ela{until}; nada foi enviado"
            ),
            format!(
                "WhatsApp does not let this account write to people who never wrote to it{until}; nothing was sent"
            ),
        ),
        RestrictionName::MessageCapping => (
            format!("O WhatsApp não deixa esta conta começar conversas novas{until}; nada foi enviado"),
            format!("WhatsApp lets this account begin no new chats{until}; nothing was sent"),
        ),
        RestrictionName::Other => (
            format!("O WhatsApp restringe esta conta{until}; nada foi enviado"),
            format!("WhatsApp restricts this account{until}; nothing was sent"),
        ),
    };
    language.pick(portuguese, english)
}

/// How many seconds to wait before the same is tried again, where that is known.
pub(super) fn retry_after(restriction: Restriction, now_ms: u64) -> Option<u64> {
    let left = restriction.until_ms?.saturating_sub(now_ms).div_ceil(1000);
    Some(left.clamp(1, LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::{MessageCapping, ReachoutTimelock};

    #[test]
    fn a_refusal_says_what_until_when_and_that_nothing_was_sent() {
        let restriction = |name, until_ms| Restriction { name, until_ms };
        let lock = restriction(RestrictionName::ReachoutTimelock, Some(1_784_477_333_000));
        assert_eq!(
            refusal(lock, Portuguese),
            "O WhatsApp não deixa esta conta escrever a quem nunca escreveu para ela até 19/07/2026 16:08 (UTC); nada \
             foi enviado"
        );
        assert!(refusal(lock, English).contains("until 2026-07-19 16:08 UTC; nothing was sent"));
        assert_eq!(retry_after(lock, 1_784_477_330_500), Some(3));
        assert_eq!(retry_after(lock, 1_784_477_333_000), Some(1));
        assert_eq!(
            retry_after(restriction(RestrictionName::MessageCapping, Some(u64::MAX)), 0),
            Some(LONGEST_WAIT)
        );
        let open = restriction(RestrictionName::MessageCapping, None);
        assert_eq!(retry_after(open, 0), None);
        assert!(refusal(open, Portuguese).ends_with("conversas novas; nada foi enviado"));
        assert!(
            refusal(restriction(RestrictionName::Other, None), English).contains("restricts this account;")
        );
    }

    #[test]
    fn what_is_over_is_not_told() {
        let lock = ReachoutTimelock { active: true, enforcement: "DEFAULT".into(), until_ms: Some(10) };
        let quota = |status: &str| MessageCapping {
            status: status.into(),
            total: 50,
            used: 49,
            cycle_start_ms: None,
            cycle_end_ms: Some(20),
            mv_status: String::new(),
            ote_status: String::new(),
        };
        let kinds = |status, now| {
            let all = Restrictions { timelock: Some(lock.clone()), capping: Some(quota(status)) };
            notices(&all, now, English).into_iter().map(|notice| notice.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds("CAPPED", 5), ["timelock", "capped"]);
        assert_eq!(kinds("SECOND_WARNING", 10), ["warned"]);
        assert_eq!(kinds("CAPPED", 20), [""; 0]);
        assert_eq!(kinds("NONE", 15), [""; 0]);
        let portuguese = notices(&Restrictions { timelock: Some(lock), capping: None }, 5, Portuguese);
        assert!(
            portuguese[0].sentence.contains("até 01/01/1970 00:00 (UTC). As outras conversas continuam.")
        );
    }
}
