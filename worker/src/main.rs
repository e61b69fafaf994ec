//! Entry point.

mod engine;

fn main() {}
