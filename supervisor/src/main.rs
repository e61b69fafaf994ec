//! Entry point.

mod user;

fn main() {}
