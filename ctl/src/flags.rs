//! The command line. Owns its words and where the socket is looked for.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use colmeia::UserId;
use colmeia::layout::RunLayout;

/// Looks after the sessions of a running Colmeia service.
#[derive(Debug, Parser)]
#[command(name = "colmeiactl", version, propagate_version = true)]
pub(crate) struct Flags {
    /// The admin socket [default: admin.sock in the service's runtime directory]
    #[arg(long, global = true, value_name = "PATH", env = "COLMEIA_ADMIN_SOCKET")]
    pub(crate) socket: Option<PathBuf>,
    /// Print JSON, as the service says it
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All sessions, one per line
    List,
    /// Everything about one session
    Show {
        user: UserId,
        /// Show the code to scan too; whoever scans it owns the session
        #[arg(long)]
        qr: bool,
        /// Show the whole phone number
        #[arg(long)]
        number: bool,
    },
    /// What a session misses of WhatsApp's page, as JSON for Colmeia's developers: nothing of the user is in it
    Report { user: UserId },
    /// A live table with keys to stop, start and restart
    Top,
    /// A worker's recent log lines
    Logs {
        user: UserId,
        /// Go on with new lines until Ctrl-C
        #[arg(short, long)]
        follow: bool,
        /// How many lines (at most 500)
        #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
        lines: usize,
    },
    /// Start a session; lifts a stop and a parking
    Start {
        user: UserId,
        /// Also for a user who is not known yet
        #[arg(long)]
        new: bool,
        #[command(flatten)]
        patience: Patience,
    },
    /// Stop a session and keep it stopped until start or resume
    Stop {
        user: UserId,
        #[command(flatten)]
        patience: Patience,
    },
    /// A new worker and browser for a session; the phone stays linked
    Restart {
        user: UserId,
        #[command(flatten)]
        patience: Patience,
    },
    /// Go on with a session that failed too often or was stopped
    Resume {
        user: UserId,
        #[command(flatten)]
        patience: Patience,
    },
    /// Log the phone out and delete its profile; configuration, limits and events stay
    Logout {
        user: UserId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Delete everything of a session: profile, configuration, limits, events, dead letters
    Delete {
        user: UserId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Delete a broken session's profile without asking it anything; the user scans again
    Reset {
        user: UserId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What a user's processes may take; with a limit or --clear it is changed
    Limits {
        user: UserId,
        /// The soft limit: above it the browser is replaced in a quiet moment
        #[arg(long, value_name = "MIB")]
        soft: Option<u64>,
        /// The hard limit: above it the user's processes are killed
        #[arg(long, value_name = "MIB")]
        max: Option<u64>,
        /// How much of it may lie in swap (control groups only)
        #[arg(long, value_name = "MIB")]
        swap: Option<u64>,
        /// The most processes and threads (control groups only)
        #[arg(long, value_name = "N")]
        pids: Option<u64>,
        /// The share of the processor, 1 to 10000 (control groups only)
        #[arg(long, value_name = "N")]
        cpu_weight: Option<u64>,
        /// Go back to the configuration's
        #[arg(long, conflicts_with_all = ["soft", "max", "swap", "pids", "cpu_weight"])]
        clear: bool,
    },
    /// Stop all workers one by one and start none; the service stays up
    Drain {
        /// Let everyone come back
        #[arg(long)]
        undo: bool,
    },
    /// API keys: who may do what with which sessions
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Events that wait for their receivers, or were given up
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Back sessions up, encrypted, into a folder or a bucket; what is there already is not written again
    #[command(group(clap::ArgGroup::new("whose").args(["user", "all"])))]
    Backup {
        /// file:///folder as the service sees it, or s3://bucket/prefix (with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
        /// AWS_ENDPOINT_URL, AWS_REGION)
        #[arg(value_name = "TARGET", required_unless_present = "make_key")]
        target: Option<String>,
        /// Only this session; may be given several times
        #[arg(long, value_name = "USER")]
        user: Vec<UserId>,
        /// All sessions of which a phone is linked
        #[arg(long)]
        all: bool,
        /// The file with the key; without it a backup is worth nothing
        #[arg(long, value_name = "FILE", required_unless_present = "make_key")]
        key_file: Option<PathBuf>,
        /// How many backups of each session are kept (at least 2)
        #[arg(long, value_name = "N", default_value_t = 7)]
        keep: usize,
        /// Write a new key to this file, and do nothing else
        #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "user", "all", "key_file"])]
        make_key: Option<PathBuf>,
    },
    /// Put sessions back as a backup has them; they have to be stopped, here and wherever they came from
    #[command(group(clap::ArgGroup::new("whose").required(true).args(["user", "all"])))]
    Restore {
        /// Where the backups are, as for `backup`
        #[arg(value_name = "SOURCE")]
        source: String,
        /// Only this session; may be given several times
        #[arg(long, value_name = "USER")]
        user: Vec<UserId>,
        /// All sessions of which there is a backup
        #[arg(long)]
        all: bool,
        /// The file with the key
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// Which backup, as `backups --user` shows it [default: the newest]
        #[arg(long, value_name = "N", conflicts_with = "all")]
        number: Option<u64>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// The newest backup of each session, or all of one's
    Backups {
        /// Where the backups are, as for `backup`
        #[arg(value_name = "TARGET")]
        target: String,
        /// All of this session's; may be given several times
        #[arg(long, value_name = "USER")]
        user: Vec<UserId>,
        /// The file with the key
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
    /// Look at the machine and say what to do
    Doctor,
    /// Whether the service answers, for a container's health check: 0, or 4 where it does not
    Health,
    /// Print a completion script
    Completions { shell: Shell },
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// All keys, without the keys themselves
    List,
    /// Make a key and show it, once
    Add {
        /// What it is for: letters, digits, '_', '-' and '.'
        #[arg(long, default_value = "", value_parser = key_name)]
        name: String,
        /// Everything, on all sessions, keys too
        #[arg(long, conflicts_with_all = ["session", "read", "send", "control", "media"])]
        admin: bool,
        /// Only this session; may be given several times
        #[arg(long, value_name = "USER")]
        session: Vec<UserId>,
        /// May look: chats, messages, contacts, events
        #[arg(long)]
        read: bool,
        /// May do what others see
        #[arg(long)]
        send: bool,
        /// May start, stop, link, configure and delete the sessions
        #[arg(long)]
        control: bool,
        /// May get the files of messages
        #[arg(long)]
        media: bool,
    },
    /// End a key
    Remove {
        /// As `keys list` shows it
        #[arg(value_parser = key_name)]
        id: String,
    },
}

fn key_name(text: &str) -> Result<String, &'static str> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    if text.len() <= 80 && text.bytes().all(fine) {
        Ok(text.to_owned())
    } else {
        Err("only letters, digits, '_', '-' and '.', at most 80")
    }
}

/// What can be done about events.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// How much waits for whom, since when, and what stands in the way
    Queues,
    /// Try now what waits, instead of when it would be tried again
    #[command(group(clap::ArgGroup::new("which").required(true).args(["queue", "user", "all"])))]
    Retry {
        /// In this queue, by its number in `events queues`
        queue: Option<i64>,
        /// In this user's queues
        #[arg(long)]
        user: Option<UserId>,
        /// In all queues
        #[arg(long)]
        all: bool,
    },
    /// Give up the event that stands first in a queue; it becomes a dead letter, and the next one has its turn
    Discard {
        /// The queue's number in `events queues`
        queue: i64,
        /// Only if this event stands first
        #[arg(long, value_name = "ID")]
        event: Option<String>,
    },
    /// Dead letters: events that could not be delivered, the newest first
    Dead {
        /// Only this user's
        user: Option<UserId>,
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
        limit: u32,
    },
    /// Try dead letters again
    #[command(group(clap::ArgGroup::new("which").required(true).args(["ids", "user", "all"])))]
    Replay {
        /// Only these events
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// Only this user's
        #[arg(long)]
        user: Option<UserId>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
}

/// How long to wait for what was asked to come to pass.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Patience {
    /// Do not wait until it has come to pass
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How many seconds to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) timeout: u64,
}

/// Where the service's own choice of a runtime directory would put it: the first socket that is there.
pub(crate) fn usual_socket() -> PathBuf {
    let login = std::env::var_os("XDG_RUNTIME_DIR").map(|dir| Path::new(&dir).join("colmeia"));
    let own = format!("/tmp/colmeia-{}", uid().unwrap_or_default());
    let places = [Some(PathBuf::from("/run/colmeia")), login, Some(own.into())];
    let sockets: Vec<PathBuf> = places
        .into_iter()
        .flatten()
        .filter_map(|dir| RunLayout::new(dir).ok())
        .map(|layout| layout.admin_socket())
        .collect();
    let there = sockets.iter().find(|socket| socket.exists()).or(sockets.first());
    there.cloned().unwrap_or_default()
}

fn uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    Some(std::fs::metadata("/proc/self").ok()?.uid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_words_fit_together() {
        Flags::command().debug_assert();
    }
}
