//! Operations that ask WhatsApp what it restricts this account in. Their answers are in [`crate::restrictions`].

use serde::{Deserialize, Serialize};

/// See [`super::Operation::GetTimelock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GetTimelock {}

/// See [`super::Operation::GetCapping`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GetCapping {}
