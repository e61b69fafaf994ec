//! Entry point.

mod admission;
mod adopt;
mod delivery;
mod journal;
mod locks;
mod logging;
mod registry;
mod settings;
mod user;

fn main() {}
