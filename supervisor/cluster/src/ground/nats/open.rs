//! Opens the ground: connects, makes what is missing, and looks whether it is safe.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{Client, ConnectOptions};
use colmeia::Secret;
use futures::StreamExt as _;
use serde::Deserialize;

use super::{KNOWS_IDS, Nats, NatsSettings, Prefixes};
use crate::ground::GroundError;
use crate::ground::check::{self, NodeSaid, Purpose, REPLICAS, Said, StreamSaid};

/// How long the nodes have to say how they are set up.
const NODES_ANSWER: Duration = Duration::from_secs(2);
/// How long it may take to make a stream on three nodes.
const MAKING: Duration = Duration::from_secs(10);
/// How long a lost connection waits before it is tried again: the first time, and at most. An election is over sooner
/// than a host gives its lease up.
const AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

fn unreachable(error: impl std::error::Error + Send + Sync + 'static) -> GroundError {
    GroundError::Unreachable(Box::new(error))
}

async fn connect(settings: &NatsSettings, user: Option<&(String, Secret)>) -> Result<Client, GroundError> {
    let mut options = ConnectOptions::new()
        .name("colmeia")
        .connection_timeout(settings.patience)
        .request_timeout(Some(settings.patience))
        .reconnect_delay_callback(|attempts| {
            let factor = u32::try_from(attempts).unwrap_or(u32::MAX).min(10);
            (AGAIN.0 * factor).min(AGAIN.1)
        });
    if let Some((name, password)) = user {
        options = options.user_and_password(name.clone(), password.expose().to_owned());
    }
    options.connect(settings.servers.clone()).await.map_err(unreachable)
}

pub(super) async fn open(settings: &NatsSettings) -> Result<Nats, GroundError> {
    let client = connect(settings, settings.user.as_ref()).await?;
    let mut context = jetstream::new(client.clone());
    context.set_timeout(MAKING.max(settings.patience));
    let (cluster, upper) = (&settings.cluster, settings.cluster.as_str().to_uppercase().replace('.', "_"));
    let prefixes = Prefixes { records: format!("{cluster}.own."), logs: format!("{cluster}.log.") };
    let records = config(format!("{upper}_OWN"), &prefixes.records, Purpose::Records);
    let logs = config(format!("{upper}_EVENTS"), &prefixes.logs, Purpose::Logs);
    let mut said = Said::default();
    for (config, purpose) in [(&records, Purpose::Records), (&logs, Purpose::Logs)] {
        said.streams.push(of_stream(&stream(&context, config).await?, purpose));
    }
    said.nodes = match &settings.system {
        Some(user) => nodes(&connect(settings, Some(user)).await?).await?,
        None => {
            let info = client.server_info();
            vec![NodeSaid { name: info.server_name, version: info.version, syncs_always: None }]
        }
    };
    let (refusals, warnings): (Vec<_>, Vec<_>) =
        check::judge(&said).into_iter().partition(check::Finding::is_refusal);
    if !refusals.is_empty() {
        return Err(GroundError::Unsafe(refusals));
    }
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    context.set_timeout(settings.patience);
    let handle = async |name: &str| context.get_stream_no_info(name).await.map_err(unreachable);
    let (records, logs) = (handle(&records.name).await?, handle(&logs.name).await?);
    Ok(Nats { client, records, logs, prefixes, patience: settings.patience, warnings })
}

fn config(name: String, prefix: &str, purpose: Purpose) -> Config {
    Config {
        name,
        subjects: vec![format!("{prefix}>")],
        max_messages_per_subject: if purpose == Purpose::Records { 1 } else { -1 },
        max_messages: -1,
        max_bytes: -1,
        // Full is an error that is seen, and nothing that was acknowledged vanishes.
        discard: DiscardPolicy::New,
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: REPLICAS,
        duplicate_window: KNOWS_IDS,
        deny_purge: true,
        allow_direct: false,
        ..Config::default()
    }
}

/// The stream as it is; it is made where it is missing, and left alone where it is there.
async fn stream(context: &Context, wanted: &Config) -> Result<Config, GroundError> {
    let found = match context.get_stream(&wanted.name).await {
        Ok(stream) => return Ok(stream.cached_info().config.clone()),
        Err(error) => error,
    };
    let is_missing = matches!(
        found.kind(),
        jetstream::context::GetStreamErrorKind::JetStream(ref error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND
    );
    if !is_missing {
        return Err(unreachable(found));
    }
    match context.create_stream(wanted.clone()).await {
        Ok(made) => Ok(made.cached_info().config.clone()),
        Err(error) => Err(unreachable(error)),
    }
}

fn of_stream(config: &Config, purpose: Purpose) -> StreamSaid {
    StreamSaid {
        name: config.name.clone(),
        purpose,
        replicas: config.num_replicas,
        allows_direct: config.allow_direct,
        allows_ages: config.allow_message_ttl,
        max_age: config.max_age,
        history: config.max_messages_per_subject,
        is_on_disk: config.storage == StorageType::File,
        drops_oldest_when_full: config.discard == DiscardPolicy::Old,
    }
}

/// What a node says of itself to the system account.
#[derive(Debug, Deserialize)]
struct Node {
    server: Server,
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
struct Server {
    name: String,
    ver: String,
}

#[derive(Debug, Deserialize)]
struct Data {
    config: Option<NodeConfig>,
}

#[derive(Debug, Deserialize)]
struct NodeConfig {
    #[serde(default)]
    sync_always: bool,
}

/// Asks all nodes how they are set up.
async fn nodes(client: &Client) -> Result<Vec<NodeSaid>, GroundError> {
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(unreachable)?;
    let ask = client.publish_with_reply("$SYS.REQ.SERVER.PING.JSZ", inbox, r#"{"config":true}"#.into());
    ask.await.map_err(unreachable)?;
    let mut said = Vec::new();
    while let Ok(Some(answer)) = tokio::time::timeout(NODES_ANSWER, answers.next()).await {
        let Ok(Node { server, data }) = serde_json::from_slice(&answer.payload) else { continue };
        let syncs_always = data.and_then(|data| data.config).map(|config| config.sync_always);
        said.push(NodeSaid { name: server.name, version: server.ver, syncs_always });
    }
    Ok(said)
}
