//! What sessions miss of WhatsApp's page, said once. Owns the memory of what was logged: a new version of the page comes
//! to all sessions within hours, and one line is enough for all of them.

use std::collections::HashSet;

use colmeia::{SessionReport, UserId, impossible};
use parking_lot::Mutex;

/// More different ones come from no page; a worker that makes them up is not logged any further.
const MOST: usize = 100;

/// What was logged: the page's version and what it lacks.
#[derive(Debug, Default)]
pub struct LacksTold(Mutex<HashSet<(Option<String>, Vec<colmeia::MissingMember>)>>);

impl LacksTold {
    /// Whether this is news: something is missing, and it was not yet said of this version.
    fn is_news(&self, report: &SessionReport) -> bool {
        let mut told = self.0.lock();
        !report.lacks.is_empty()
            && told.len() < MOST
            && told.insert((report.page_version.clone(), report.lacks.clone()))
    }

    /// Logs what this session's page lacks, unless that was said already.
    pub fn tell(&self, user: &UserId, report: &SessionReport) {
        if !self.is_news(report) {
            return;
        }
        let missing: Vec<&str> = report.lacks.iter().map(|lack| lack.member.as_str()).collect();
        let impossible = impossible(&report.lacks);
        tracing::warn!(
            %user,
            page_version = report.page_version,
            ?missing,
            ?impossible,
            "WhatsApp has changed its page; `colmeiactl report {user}` prints what its developers need to know"
        );
    }
}

#[cfg(test)]
mod tests {
    use colmeia::{MissingMember, SessionState};

    use super::*;

    fn report(version: &str, members: &[&str]) -> SessionReport {
        let lack = |member: &&str| MissingMember {
            member: (*member).to_owned(),
            module_absent: Some(true),
            stand_in: false,
            operations: vec!["star".to_owned()],
            partly: Vec::new(),
        };
        let mut report = SessionReport::of(SessionState::Launching);
        report.page_version = Some(version.to_owned());
        report.lacks = members.iter().map(lack).collect();
        report
    }

    #[test]
    fn each_version_and_each_lack_is_news_once() {
        let told = LacksTold::default();
        assert!(!told.is_news(&report("2.1", &[])), "nothing is missing");
        assert!(told.is_news(&report("2.1", &["A.a"])));
        assert!(!told.is_news(&report("2.1", &["A.a"])), "another session, or the next report");
        assert!(told.is_news(&report("2.1", &["A.a", "B.b"])));
        assert!(told.is_news(&report("2.2", &["A.a"])));
        for number in 0..2 * MOST {
            told.is_news(&report(&number.to_string(), &["A.a"]));
        }
        assert!(!told.is_news(&report("2.3", &["A.a"])), "a worker that makes them up");
    }
}
