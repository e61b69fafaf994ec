//! Whether the engine, as it is set up, keeps what it acknowledged: pure, for the start and for `colmeiactl doctor`.
//!
//! Owns the demands and the words for what is missing. Never asks the engine itself.

use std::fmt;
use std::time::Duration;

/// The oldest version that may be used.
pub const OLDEST: (u64, u64) = (2, 14);
/// How many nodes have each stream.
pub const REPLICAS: usize = 3;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Records: the last change of each is kept.
    Records,
    /// Logs: every entry is kept.
    Logs,
}

/// What the engine says of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSaid {
    /// Its name.
    pub name: String,
    /// What we use it for.
    pub purpose: Purpose,
    /// How many nodes have it.
    pub replicas: usize,
    /// Whether any node that has it may answer reads.
    pub allows_direct: bool,
    /// Whether single messages may have an age at which they vanish.
    pub allows_ages: bool,
    /// The age at which its messages vanish; nothing for never.
    pub max_age: Duration,
    /// How many messages it keeps for each subject.
    pub history: i64,
    /// Whether it is on disk.
    pub is_on_disk: bool,
    /// Whether full means that what is oldest vanishes.
    pub drops_oldest_when_full: bool,
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSaid {
    /// Its name.
    pub name: String,
    /// Its version, such as `2.15.1`.
    pub version: String,
    /// Whether each write is on disk before it is acknowledged (`sync_interval: always`); nothing where it cannot be read.
    pub syncs_always: Option<bool>,
}

/// What the engine says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its nodes, as far as they are known.
    pub nodes: Vec<NodeSaid>,
    /// The streams that we use.
    pub streams: Vec<StreamSaid>,
}

/// What is wrong with a node or a stream, or what nobody could see of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The node is too old; its version.
    Old(String),
    /// The node's version has no meaning to us.
    UnknownVersion(String),
    /// The node acknowledges what is not on disk.
    LosesAcknowledged,
    /// It cannot be seen whether the node does.
    UnknownSync,
    /// So few nodes have the stream.
    Replicas(usize),
    /// Reads may come from a node that is behind.
    Direct,
    /// What is in the stream vanishes by age.
    Ages,
    /// It keeps so many messages for each subject, and not so many.
    History(i64, i64),
    /// It is in memory only.
    Memory,
    /// When it is full, it forgets.
    Forgets,
}

/// A fault, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The node or the stream.
    pub name: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Finding {
    /// Whether the engine must not be used with it. Else it is a warning.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.fault != Fault::UnknownSync
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((major, minor), name) = (OLDEST, &self.name);
        match &self.fault {
            Fault::Old(version) => {
                write!(f, "{name} runs NATS {version}, which is older than {major}.{minor}: upgrade it")
            }
            Fault::UnknownVersion(version) => {
                write!(f, "{name} says that its version is {version:?}: {major}.{minor} or newer is needed")
            }
            Fault::LosesAcknowledged => write!(
                f,
                "{name} acknowledges writes before they are on disk, so a power cut loses them: set sync_interval: always \
                 in its jetstream block and restart it"
            ),
            Fault::UnknownSync => write!(
                f,
                "nobody can see whether {name} has sync_interval: always in its jetstream block, without which a power cut \
                 loses acknowledged writes: look yourself, or give a user of the system account"
            ),
            Fault::Replicas(found) => {
                write!(
                    f,
                    "the stream {name} is on {found} of the {REPLICAS} nodes that it needs: edit its replicas"
                )
            }
            Fault::Direct => write!(
                f,
                "the stream {name} has allow_direct, so a read may be answered by a node that is behind: switch it off"
            ),
            Fault::Ages => write!(
                f,
                "the stream {name} lets messages vanish by age, which runs on the nodes' own clocks: take max_age and \
                 allow_msg_ttl away"
            ),
            Fault::History(found, wanted) => {
                write!(
                    f,
                    "the stream {name} keeps {found} messages for each subject instead of {wanted}: edit it"
                )
            }
            Fault::Memory => {
                write!(f, "the stream {name} is in memory: remove it, and it is made anew on disk")
            }
            Fault::Forgets => {
                write!(
                    f,
                    "the stream {name} forgets the oldest when it is full: set its discard policy to new"
                )
            }
        }
    }
}

fn version(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.split(['.', '-']).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// What is wrong with an engine that says this of itself.
#[must_use]
pub fn judge(said: &Said) -> Vec<Finding> {
    said.nodes.iter().flat_map(node).chain(said.streams.iter().flat_map(stream)).collect()
}

fn node(said: &NodeSaid) -> Vec<Finding> {
    let age = match version(&said.version) {
        None => Some(Fault::UnknownVersion(said.version.clone())),
        Some(found) => (found < OLDEST).then(|| Fault::Old(said.version.clone())),
    };
    let sync = match said.syncs_always {
        Some(true) => None,
        Some(false) => Some(Fault::LosesAcknowledged),
        None => Some(Fault::UnknownSync),
    };
    age.into_iter().chain(sync).map(|fault| Finding { name: said.name.clone(), fault }).collect()
}

fn stream(said: &StreamSaid) -> Vec<Finding> {
    let wanted = match said.purpose {
        Purpose::Records => 1,
        Purpose::Logs => -1,
    };
    let found = if said.history <= 0 { -1 } else { said.history };
    let all = [
        (said.replicas < REPLICAS, Fault::Replicas(said.replicas)),
        (said.allows_direct, Fault::Direct),
        (said.allows_ages || !said.max_age.is_zero(), Fault::Ages),
        (found != wanted, Fault::History(found, wanted)),
        (!said.is_on_disk, Fault::Memory),
        (said.drops_oldest_when_full, Fault::Forgets),
    ];
    let wrong = all.into_iter().filter_map(|(is_wrong, fault)| is_wrong.then_some(fault));
    wrong.map(|fault| Finding { name: said.name.clone(), fault }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Said {
        let node = NodeSaid { name: "n1".into(), version: "2.14.0".into(), syncs_always: Some(true) };
        let records = StreamSaid {
            name: "OWN".into(),
            purpose: Purpose::Records,
            replicas: 3,
            allows_direct: false,
            allows_ages: false,
            max_age: Duration::ZERO,
            history: 1,
            is_on_disk: true,
            drops_oldest_when_full: false,
        };
        let logs =
            StreamSaid { name: "EVENTS".into(), purpose: Purpose::Logs, history: -1, ..records.clone() };
        Said { nodes: vec![node], streams: vec![records, logs] }
    }

    #[test]
    fn what_is_safe_has_no_finding() {
        assert_eq!(judge(&good()), []);
        let mut newer = good();
        newer.nodes[0].version = "3.0.0-RC.1".into();
        newer.streams[0].replicas = 5;
        assert_eq!(judge(&newer), []);
    }

    #[test]
    fn each_unsafe_setting_is_refused_by_its_name_and_says_what_to_do() {
        type Change = fn(&mut Said);
        let cases: [(Change, &str); 12] = [
            (|said| said.nodes[0].version = "2.9.10".into(), "n1 runs NATS 2.9.10"),
            (|said| said.nodes[0].version = "2.13.9".into(), "upgrade it"),
            (|said| said.nodes[0].version = "latest".into(), "\"latest\""),
            (|said| said.nodes[0].syncs_always = Some(false), "sync_interval: always"),
            (|said| said.streams[0].replicas = 1, "on 1 of the 3"),
            (|said| said.streams[0].allows_direct = true, "allow_direct"),
            (|said| said.streams[0].allows_ages = true, "allow_msg_ttl"),
            (|said| said.streams[1].max_age = Duration::from_secs(60), "max_age"),
            (|said| said.streams[0].history = 64, "64 messages for each subject instead of 1"),
            (|said| said.streams[1].history = 1, "1 messages for each subject instead of -1"),
            (|said| said.streams[1].is_on_disk = false, "in memory"),
            (|said| said.streams[1].drops_oldest_when_full = true, "discard policy"),
        ];
        for (change, words) in cases {
            let mut said = good();
            change(&mut said);
            let findings = judge(&said);
            assert!(matches!(&findings[..], [one] if one.is_refusal()), "{findings:?}");
            assert!(findings[0].to_string().contains(words), "{}", findings[0]);
        }
    }

    #[test]
    fn what_nobody_can_see_is_a_warning() {
        let mut said = good();
        said.nodes[0].syncs_always = None;
        let findings = judge(&said);
        assert!(matches!(&findings[..], [one] if !one.is_refusal()), "{findings:?}");
    }
}
