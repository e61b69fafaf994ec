//! [`Operation`]: the table. Each group's file has its rows, one for each operation: name on the wire, arguments, result, what
//! it does to the world, who does it in the page, and since which version of the table workers know it.
//!
//! Owns what comes of a row: the arguments' type with its wire form and a `Debug` that says nothing private, the variant of
//! [`Operation`], and the way from arguments to result. The rows go from file to file, each adding its own, and end here.

use serde::{Deserialize, Serialize};

#[allow(clippy::wildcard_imports, reason = "rows name types of all groups")]
use super::*;
use super::{
    channels::channel_rows, chats::chat_rows, contacts::contact_rows, groups::group_rows, labels::label_rows,
    messages::message_rows, presence::presence_rows, profile::profile_rows, restrictions::restriction_rows,
    sends::send_rows, statuses::status_rows,
};
use crate::ChatId;
use crate::protocol::{ChatSummary, ContactRecord, MessageRecord};
use crate::restrictions::{MessageCapping, ReachoutTimelock};

macro_rules! operations {
    ([] $(
        $(#[$doc:meta])*
        $name:literal $(#[$on_type:meta])* $operation:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* }
            -> $output:ty: $effect:ident, $provider:ident, $since:literal;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
            $(#[$on_type])*
            pub struct $operation { $($(#[$about])* pub $field: $type,)* }
        )*

        private!($($operation,)*);

        /// One operation with its arguments.
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        pub enum Operation {
            $($(#[$doc])* #[serde(rename = $name)] $operation($operation),)*
        }

        impl Operation {
            /// Every operation: its name, what it does, and who does it.
            pub const ALL: &'static [(&'static str, Effect, Provider)] =
                &[$(($name, Effect::$effect, Provider::$provider),)*];

            /// The newest [`Self::since`] of all.
            pub const NEWEST: u32 = {
                let all = [$($since,)*];
                let (mut newest, mut row) = (0, 0);
                while row < all.len() {
                    if all[row] > newest {
                        newest = all[row];
                    }
                    row += 1;
                }
                newest
            };

            /// The name on the wire and in the bridge, for logs and metrics: arguments are private.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$operation(_) => $name,)* }
            }

            /// What it does to the world.
            #[must_use]
            pub fn effect(&self) -> Effect {
                match self { $(Self::$operation(_) => Effect::$effect,)* }
            }

            /// The first [`OPERATIONS_VERSION`] whose workers know it: no older one is asked for it.
            #[must_use]
            pub fn since(&self) -> u32 {
                match self { $(Self::$operation(_) => $since,)* }
            }

            /// Who does it in the page.
            #[must_use]
            pub fn provider(&self) -> Provider {
                match self { $(Self::$operation(_) => Provider::$provider,)* }
            }
        }

        $(impl From<$operation> for Operation {
            fn from(arguments: $operation) -> Self { Self::$operation(arguments) }
        }

        impl Operate for $operation {
            const EFFECT: Effect = Effect::$effect;
            type Output = $output;
        })*

        /// Reads and writes a result of the operation with this name.
        #[cfg(test)]
        pub(super) fn rewritten(name: &str, output: serde_json::Value) -> serde_json::Result<serde_json::Value> {
            match name {
                $($name => serde_json::to_value(serde_json::from_value::<$output>(output)?),)*
                _ => Err(serde::de::Error::custom("no such operation")),
            }
        }
    };
}

send_rows! { [message_rows chat_rows contact_rows group_rows label_rows profile_rows restriction_rows presence_rows status_rows channel_rows operations] }

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
