//! Rows of operations of parts that are not ours: apps, caches of phone numbers, MCP.

use super::super::route::{Row, delete, get, post, put};

const NO_APPS: &str = "there are no apps; webhooks and /api/events are for what they do";
const NO_NUMBERS: &str = "numbers are asked of WhatsApp itself, without a cache of ours";

pub(super) fn elsewhere() -> Vec<Row> {
    let mut rows = vec![
        get("/api/apps", "apps.list").absent(NO_APPS),
        post("/api/apps", "apps.create").absent(NO_APPS),
        get("/api/apps/{id}", "apps.get").absent(NO_APPS),
        put("/api/apps/{id}", "apps.update").absent(NO_APPS),
        delete("/api/apps/{id}", "apps.delete").absent(NO_APPS),
        post("/api/apps/{id}/purge", "apps.purge").absent(NO_APPS),
        post("/api/apps/{id}/{session}/purge", "apps.purge_unique_app").absent(NO_APPS),
    ];
    macro_rules! numbers {
        ($($path:literal $class:literal;)*) => {$(
            rows.push(get(concat!("/api/apps/", $path, "/{session}/cache/memory"), concat!($class, ".memory")).absent(NO_NUMBERS));
            rows.push(get(concat!("/api/apps/", $path, "/{session}/cache/db"), concat!($class, ".db")).absent(NO_NUMBERS));
            rows.push(get(concat!("/api/apps/", $path, "/{session}/cache/stats"), concat!($class, ".stats")).absent(NO_NUMBERS));
            rows.push(delete(concat!("/api/apps/", $path, "/{session}/cache/purge"), concat!($class, ".purge")).absent(NO_NUMBERS));
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
