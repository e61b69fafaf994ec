//! [`MachinePanel`]: the machine in a line: memory, processor, disk, version. Owns the words and the rounding.

use colmeia_host::vitals::{Share, Vitals};

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::words;

/// What the panel shows.
pub(super) struct MachinePanel {
    pub(super) memory: Option<Gauge>,
    pub(super) disk: Option<Gauge>,
    /// How busy the processors are, in percent.
    pub(super) busy: Option<u64>,
    pub(super) processors: String,
    /// What all sessions take together, in words; empty where nobody measures.
    pub(super) sessions: String,
    pub(super) version: &'static str,
    pub(super) host: String,
}

/// A part of something, as a bar and in words.
pub(super) struct Gauge {
    pub(super) percent: u64,
    pub(super) words: String,
}

impl MachinePanel {
    /// `sessions` is what they take together, in bytes.
    pub(super) fn of(vitals: Vitals, sessions: u64, language: Language) -> Self {
        let gauge = |share: Share| Gauge {
            percent: share.percent(),
            words: match language {
                Portuguese => format!("{} de {}", gib(share.used, language), gib(share.total, language)),
                English => format!("{} of {}", gib(share.used, language), gib(share.total, language)),
            },
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 100
        let busy = vitals.busy.map(|busy| (busy.clamp(0.0, 1.0) * 100.0).round() as u64);
        let processors = match (vitals.processors, language) {
            (None, _) => String::new(),
            (Some(1), Portuguese) => "1 núcleo".into(),
            (Some(1), English) => "1 core".into(),
            (Some(count), Portuguese) => format!("{count} núcleos"),
            (Some(count), English) => format!("{count} cores"),
        };
        let sessions = match (sessions, language) {
            (0, _) => String::new(),
            (bytes, Portuguese) => format!("sessões: {}", gib(bytes, language)),
            (bytes, English) => format!("sessions: {}", gib(bytes, language)),
        };
        Self {
            memory: vitals.memory.map(gauge),
            disk: vitals.disk.map(gauge),
            busy,
            processors,
            sessions,
            version: env!("CARGO_PKG_VERSION"),
            host: vitals.host,
        }
    }
}

/// With one digit after the point, or the comma.
fn gib(bytes: u64, language: Language) -> String {
    const TENTH: u64 = (1 << 30) / 10;
    let tenths = (bytes + TENTH / 2) / TENTH;
    let point = words::point(language);
    format!("{}{point}{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_told_in_round_figures() {
        let half = Share { used: 2 << 30, total: 4 << 30 };
        let vitals = Vitals {
            memory: Some(half),
            disk: None,
            busy: Some(0.254),
            processors: Some(2),
            host: "colmeia-1".into(),
        };
        let panel = MachinePanel::of(vitals, 3 << 29, Portuguese);
        let memory = panel.memory.expect("known");
        assert_eq!((memory.percent, memory.words.as_str()), (50, "2,0 GiB de 4,0 GiB"));
        assert_eq!(
            (panel.busy, panel.processors.as_str(), panel.sessions.as_str()),
            (Some(25), "2 núcleos", "sessões: 1,5 GiB")
        );
        assert!(panel.disk.is_none() && !panel.version.is_empty() && panel.host == "colmeia-1");
        assert_eq!(gib(19 << 30, English), "19.0 GiB");
    }
}
