//! The HTTP surface against users that the tests play: what every route answers, and what it leaves alone.

mod access;
mod api;
mod chats;
mod clients;
mod connection;
mod dashboard;
mod deletion;
mod events;
mod flask_pages;
mod hostile;
mod ignoring;
mod pages;
mod restrictions;
mod settings;
pub(super) mod stage;
mod texts;
mod uploads;
mod watch;
mod words;
mod work;
