//! Owns the command line and what of it the page must know.
//! Never reads the environment or any file.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use serde::Serialize;

/// A stand-in for web.whatsapp.com and for the phone.
#[derive(Debug, Clone, Parser)]
#[command(version, about)]
pub(crate) struct Settings {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8910")]
    pub(crate) listen: SocketAddr,
    /// How long one QR code is shown.
    #[arg(long, default_value_t = 20_000, value_name = "MS")]
    pub(crate) qr_ttl_ms: u64,
    /// How many QR codes are shown before the page asks for a reload.
    #[arg(long, default_value_t = 6, value_name = "N")]
    pub(crate) qr_count: u32,
    /// How long the page synchronises after it was linked or has resumed.
    #[arg(long, default_value_t = 800, value_name = "MS")]
    pub(crate) sync_ms: u64,
    /// The line on which the page's modules come, shared by all pages, in kbit/s; without one they come at once.
    #[arg(long, value_name = "KBIT")]
    pub(crate) line_kbit: Option<u64>,
    /// The pause before and within the second wave of the page's modules.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub(crate) wave_gap_ms: u64,
    /// Accounts are migrated: their chats are with lids (the page's switch `lid` says otherwise for one page).
    #[arg(long)]
    pub(crate) migrated: bool,
    /// Keep numbers, devices, messages and media in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

/// What the page reads from its own HTML before it starts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageSettings {
    qr_ttl_ms: u64,
    qr_count: u32,
    sync_ms: u64,
    line_kbit: Option<u64>,
    wave_gap_ms: u64,
    migrated: bool,
}

impl From<&Settings> for PageSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            qr_ttl_ms: settings.qr_ttl_ms,
            qr_count: settings.qr_count,
            sync_ms: settings.sync_ms,
            line_kbit: settings.line_kbit,
            wave_gap_ms: settings.wave_gap_ms,
            migrated: settings.migrated,
        }
    }
}
