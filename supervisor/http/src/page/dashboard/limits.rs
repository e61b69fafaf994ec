//! The form of a session's limits: what stands in its fields, how what was typed is read, and from when on it holds, in words.
//! Pure. What is kept and what is refused is the API's.

use colmeia::admin::When;
use colmeia::config::{Limit, ServiceConfig, SessionLimits};

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::refused::{form_field, not_a_number};
use super::settings::SettingsFields;
use super::told::Outcome;
use colmeia_control::operators::HeldLimits;

/// One field.
pub(super) struct LimitField {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) value: String,
    pub(super) least: u64,
    /// What holds where it is empty.
    pub(super) otherwise: String,
    /// What wins over it, where an operator set that on the machine.
    pub(super) beaten: Option<String>,
}

/// The fields of this session. Those of memory are there only where somebody sees to it.
pub(super) fn fields(
    own: SessionLimits,
    config: &ServiceConfig,
    held: Option<HeldLimits>,
    typed: Option<&SettingsFields>,
    language: Language,
) -> Vec<LimitField> {
    let field = |limit: Limit, otherwise: u64, beaten: Option<u64>| {
        let typed = typed.map(|typed| typed.limit(limit).to_owned());
        LimitField {
            name: form_field(limit),
            title: title(limit, language),
            value: typed.or_else(|| Some(limit.of(&own)?.to_string())).unwrap_or_default(),
            least: *limit.range().start(),
            otherwise: told(limit, otherwise, language),
            beaten: beaten.map(|number| told(limit, number, language)),
        }
    };
    let memory = held.into_iter().flat_map(|held| {
        let (service, machine) = (held.service, held.by_operator);
        [
            field(Limit::MemoryHigh, service.high_mb, machine.high_mb),
            field(Limit::MemoryMax, service.max_mb, machine.max_mb),
        ]
    });
    let sends = [
        field(Limit::SendsPerMinute, config.sends_per_minute.into(), None),
        field(Limit::SendBurst, config.send_burst.into(), None),
    ];
    memory.chain(sends).collect()
}

/// What was typed; an empty field is as the service. `before` is what stays where there was no field.
pub(super) fn read(
    typed: &SettingsFields,
    before: SessionLimits,
    with_memory: bool,
    language: Language,
) -> Result<SessionLimits, Outcome> {
    let number = |limit: Limit| match typed.limit(limit).trim() {
        "" => Ok(None),
        text => text.parse::<u64>().map(Some).map_err(|_| not_a_number(limit, language)),
    };
    // A number that is larger than its place is larger than what is allowed, and refused by that.
    let small = |number: Option<u64>| number.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let memory = if with_memory {
        (number(Limit::MemoryHigh)?, number(Limit::MemoryMax)?)
    } else {
        (before.memory_high_mb, before.memory_max_mb)
    };
    Ok(SessionLimits {
        memory_high_mb: memory.0,
        memory_max_mb: memory.1,
        sends_per_minute: small(number(Limit::SendsPerMinute)?),
        send_burst: small(number(Limit::SendBurst)?),
    })
}

/// That they are kept, and from when on those of memory hold; the others hold at once.
pub(super) fn kept(memory: Option<When>, language: Language) -> Outcome {
    let (portuguese, english) = match memory {
        None | Some(When::Now) => {
            ("Limites salvos. Valem a partir de agora.", "The limits are saved, and hold from now on.")
        }
        Some(When::NextStart) => (
            "Limites salvos. Os de memória valem a partir do próximo início da sessão.",
            "The limits are saved. Those of memory hold from the session's next start on.",
        ),
        Some(When::Never) => (
            "Limites salvos, mas neste servidor não há limite de memória em vigor.",
            "The limits are saved, but no memory limit is in force on this machine.",
        ),
    };
    Outcome::done(language.pick(portuguese, english))
}

fn title(limit: Limit, language: Language) -> &'static str {
    let (portuguese, english) = match limit {
        Limit::MemoryHigh => (
            "Limite suave de memória, em MiB (acima dele, o navegador é trocado num momento calmo)",
            "Soft limit of memory, in MiB (above it, the browser is replaced in a quiet moment)",
        ),
        Limit::MemoryMax => (
            "Limite máximo de memória, em MiB (acima dele, os processos são encerrados)",
            "Hard limit of memory, in MiB (above it, the processes are killed)",
        ),
        Limit::SendsPerMinute => (
            "Mensagens por minuto, pela API e por este painel (0: sem limite)",
            "Messages in a minute, by the API and this dashboard (0: no limit)",
        ),
        Limit::SendBurst => ("Mensagens de uma só vez", "Messages at once"),
    };
    language.pick(portuguese, english)
}

fn told(limit: Limit, number: u64, language: Language) -> String {
    match (limit, language) {
        (Limit::MemoryHigh | Limit::MemoryMax, _) => format!("{number} MiB"),
        (Limit::SendsPerMinute, Portuguese) if number == 0 => "sem limite".into(),
        (Limit::SendsPerMinute, English) if number == 0 => "no limit".into(),
        (Limit::SendsPerMinute | Limit::SendBurst, _) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::config::{MemoryOverrides, MemoryPolicy};

    fn typed(memory_max: &str, per_minute: &str) -> SettingsFields {
        let mut fields = SettingsFields::default();
        (fields.memory_max, fields.per_minute) = (memory_max.into(), per_minute.into());
        fields
    }

    #[test]
    fn what_is_typed_is_read_and_what_is_no_number_is_told_at_its_field() {
        let none = SessionLimits::default();
        let read = |fields: &SettingsFields| read(fields, none, true, English);
        assert_eq!(read(&typed("", " ")), Ok(none));
        let max = SessionLimits { memory_max_mb: Some(2000), sends_per_minute: Some(0), ..none };
        assert_eq!(read(&typed(" 2000 ", "0")), Ok(max));
        assert_eq!(read(&typed("", "4294967297")).map(|own| own.sends_per_minute), Ok(Some(u32::MAX)));
        for (fields, field) in [(typed("1 GB", ""), "memory_max"), (typed("", "-1"), "per_minute")] {
            assert_eq!(read(&fields).expect_err("no number").field, Some(field));
        }
        let without = super::read(&typed("900", "5"), max, false, English).expect("fine");
        assert_eq!(without.memory_max_mb, Some(2000), "there was no field for it");
    }

    #[test]
    fn a_field_says_what_holds_without_it_and_what_wins_over_it() {
        let (config, service) = (ServiceConfig::default(), MemoryPolicy::default());
        let by_operator = MemoryOverrides { max_mb: Some(1500), ..MemoryOverrides::default() };
        let held = HeldLimits { service, by_operator, in_force: service.overridden(by_operator) };
        let own = SessionLimits { memory_max_mb: Some(2000), ..SessionLimits::default() };
        let seen = fields(own, &config, Some(held), None, Portuguese);
        assert_eq!(seen.len(), 4);
        assert_eq!((seen[1].value.as_str(), seen[1].otherwise.as_str()), ("2000", "1024 MiB"));
        assert_eq!(seen[1].beaten.as_deref(), Some("1500 MiB"));
        assert_eq!((seen[2].value.as_str(), seen[2].otherwise.as_str()), ("", "30"));
        let again = fields(own, &config, None, Some(&typed("x", "y")), English);
        assert_eq!(again.len(), 2, "nobody sees to memory");
        assert_eq!(again[0].value, "y", "what was typed stands there still");
    }
}
