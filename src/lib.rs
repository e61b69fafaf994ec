//! The contract that the supervisor and the workers share.
