//! Entry point.

mod registry;
mod user;

fn main() {}
