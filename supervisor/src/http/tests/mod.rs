//! The HTTP surface against users that the tests play: what every route answers, and what it leaves alone.

mod connection;
mod dashboard;
mod events;
mod hostile;
mod pages;
mod stage;
mod texts;
mod watch;
mod work;
