//! What is configured: [`ServiceConfig`] is what an operator sets, [`WorkerConfig`] what a supervisor hands to
//! each worker.
//!
//! Owns the names, the defaults and the reasons for them. Reading files, environment and flags is the
//! supervisor's business.

mod callers;
mod conversion;
mod events;
#[cfg(test)]
mod example;
mod flask;
mod ignore;
mod invalid;
mod limits;
mod memory;
mod ownership;
mod page;
mod rules;
mod service;
mod session;
mod url;
mod webhooks;
mod worker;

pub use callers::{LocalAccess, is_base_path};
pub use conversion::ConversionConfig;
pub use events::EventsConfig;
pub use flask::FlaskConfig;
pub use ignore::IgnoreConfig;
pub use invalid::InvalidConfig;
pub use limits::{Limit, SessionLimits};
pub use memory::{MemoryMode, MemoryOverrides, MemoryPolicy, UserConfig, WrongLimit};
pub use ownership::{NoWorkerUids, Ownership, UidRange, WorkerUids};
pub use page::{PageConfig, PageOverrides, PageUi, PageWorkers};
pub use service::{LogFormat, LogTarget, RestartPolicy, ServiceConfig};
pub use session::{InvalidSettings, Proxy, SessionSettings};
pub use webhooks::{
    CustomHeader, EVENT_NAMES, Hmac, InvalidWebhook, Retries, RetryPolicy, UNKNOWN_EVENT, WebhookConfig,
};
pub use worker::{BrowserSandbox, Deadlines, Landlock, NAMESPACES_AVAILABLE, Passkey, WorkerConfig};
