//! Rows of operations of parts that are not ours: apps, caches of phone numbers, MCP.

use super::super::route::{Row, absent};
use super::{DELETE, GET, POST, PUT};

const NO_APPS: &str = "there are no apps; webhooks and /api/events are for what they do";
const NO_NUMBERS: &str = "numbers are asked of WhatsApp itself, without a cache of ours";

pub(super) fn elsewhere() -> Vec<Row> {
    let mut rows = vec![
        absent(GET, "/api/apps", "apps.list", NO_APPS),
        absent(POST, "/api/apps", "apps.create", NO_APPS),
        absent(GET, "/api/apps/{id}", "apps.get", NO_APPS),
        absent(PUT, "/api/apps/{id}", "apps.update", NO_APPS),
        absent(DELETE, "/api/apps/{id}", "apps.delete", NO_APPS),
        absent(POST, "/api/apps/{id}/purge", "apps.purge", NO_APPS),
        absent(POST, "/api/apps/{id}/{session}/purge", "apps.purge_unique_app", NO_APPS),
    ];
    macro_rules! numbers {
        ($($path:literal $class:literal;)*) => {$(
            rows.push(absent(GET, concat!("/api/apps/", $path, "/{session}/cache/memory"), concat!($class, ".memory"), NO_NUMBERS));
            rows.push(absent(GET, concat!("/api/apps/", $path, "/{session}/cache/db"), concat!($class, ".db"), NO_NUMBERS));
            rows.push(absent(GET, concat!("/api/apps/", $path, "/{session}/cache/stats"), concat!($class, ".stats"), NO_NUMBERS));
            rows.push(absent(DELETE, concat!("/api/apps/", $path, "/{session}/cache/purge"), concat!($class, ".purge"), NO_NUMBERS));
        )*};
    }
    numbers! {
        "argentine-phone-numbers" "argentine_phone_numbers";
        "brazilian-phone-numbers" "brazilian_phone_numbers";
        "mexican-phone-numbers" "mexican_phone_numbers";
        "phone-numbers" "phone_numbers";
    }
    rows
}
