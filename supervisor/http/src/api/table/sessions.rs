//! Rows of sessions, linking, keys and the server.

use super::super::super::access::KeyAction::{Control, Read};
use super::super::route::Scope::{Admin, Anyone};
use super::super::route::{Row, absent, anywhere, session};
use super::super::{keys, linking, passkey, restrictions, server, sessions};
use super::{DELETE, GET, POST, PUT};

const NO_CAPTCHA: &str = "WhatsApp Web asks for no captcha, and a code to type is typed on the phone";
const NO_NODE: &str = "there is no Node process to look into; colmeiactl and /metrics show what runs";

pub(super) fn sessions_and_linking() -> Vec<Row> {
    const NAMED: &str = "/api/sessions/{session}";
    vec![
        anywhere(GET, "/api/sessions", "sessions.list", Anyone, sessions::list)
            .says("Sessions; those that are STOPPED only with all=true"),
        anywhere(POST, "/api/sessions", "sessions.create", Anyone, sessions::create).says("Makes a session"),
        session(GET, NAMED, "sessions.get", Read, sessions::get).says("One session"),
        session(PUT, NAMED, "sessions.update", Control, sessions::update)
            .says("Changes a session's configuration; no other session notices"),
        session(DELETE, NAMED, "sessions.delete", Control, sessions::delete)
            .says("Logs the phone out and deletes the session"),
        session(GET, "/api/sessions/{session}/me", "sessions.get_me", Read, sessions::me)
            .says("The linked account"),
        session(POST, "/api/sessions/{session}/start", "sessions.start", Control, sessions::start)
            .says("Starts a session, if it does not run"),
        session(POST, "/api/sessions/{session}/stop", "sessions.stop", Control, sessions::stop)
            .says("Stops a session, which stays stopped until it is started"),
        session(POST, "/api/sessions/{session}/restart", "sessions.restart", Control, sessions::restart)
            .says("A new browser; the phone stays linked"),
        session(POST, "/api/sessions/{session}/logout", "sessions.logout", Control, sessions::logout)
            .says("Logs the phone out; a session that ran shows a new code"),
        anywhere(POST, "/api/sessions/start", "sessions.depracated_start", Anyone, sessions::start_named)
            .says("Deprecated: makes and starts a session"),
        anywhere(POST, "/api/sessions/stop", "sessions.deprecated_stop", Anyone, sessions::stop_named)
            .says("Deprecated: stops a session, and deletes it if asked to"),
        anywhere(POST, "/api/sessions/logout", "sessions.deprecated_logout", Anyone, sessions::logout_named)
            .says("Deprecated: logs a session out and deletes it"),
        session(
            GET,
            "/api/sessions/{session}/capping",
            "sessions.fetch_message_capping",
            Read,
            restrictions::capping,
        )
        .says("How much of its quota of new chats the account has used, as WhatsApp says now"),
        session(
            GET,
            "/api/sessions/{session}/timelock",
            "sessions.fetch_reachout_timelock",
            Read,
            restrictions::timelock,
        )
        .says("Whether WhatsApp keeps the account from writing to people who never wrote to it"),
        session(GET, "/api/{session}/auth/qr", "auth.get_qr", Control, linking::qr)
            .says("The code to scan: a picture, a picture in JSON, or its text"),
        session(
            POST,
            "/api/{session}/auth/request-code",
            "auth.request_code",
            Control,
            linking::request_code,
        )
        .says("A code to type on the phone instead of scanning"),
        absent(POST, "/api/{session}/auth/authorize-code", "auth.authorize_code", NO_CAPTCHA),
        absent(GET, "/api/{session}/auth/captcha", "auth.get_captcha", NO_CAPTCHA),
        absent(POST, "/api/{session}/auth/captcha", "auth.save_captcha", NO_CAPTCHA),
        session(
            GET,
            "/api/{session}/auth/passkey/challenge",
            "auth.get_passkey_challenge",
            Control,
            passkey::challenge,
        )
        .says("What the account's owner has to sign with their passkey, in a browser of their own"),
        session(POST, "/api/{session}/auth/passkey", "auth.submit_passkey", Control, passkey::submit)
            .says("What they signed; each request is answered once"),
        session(
            GET,
            "/api/{session}/auth/passkey/confirmation",
            "auth.get_passkey_confirmation",
            Control,
            passkey::confirmation,
        )
        .says("The code that the phone shows too, where it has to be compared"),
        session(
            POST,
            "/api/{session}/auth/passkey/confirm",
            "auth.confirm_passkey",
            Control,
            passkey::confirm,
        )
        .says("Says that both codes are the same"),
    ]
}

pub(super) fn keys_and_server() -> Vec<Row> {
    vec![
        anywhere(GET, "/api/keys", "api_keys.list", Admin, keys::list)
            .says("All keys, without the keys themselves"),
        anywhere(POST, "/api/keys", "api_keys.create", Admin, keys::create)
            .says("Makes a key, which is shown once"),
        anywhere(PUT, "/api/keys/{id}", "api_keys.update", Admin, keys::update)
            .says("Changes what a key allows"),
        anywhere(DELETE, "/api/keys/{id}", "api_keys.delete", Admin, keys::delete).says("Ends a key"),
        anywhere(POST, "/api/keys/media", "api_keys.media", Admin, keys::media)
            .says("A key for the files of a session's messages; ends the one before"),
        anywhere(POST, "/api/keys/control", "api_keys.control", Admin, keys::control)
            .says("A key for controlling a session; ends the one before"),
        anywhere(GET, "/ping", "ping.ping", Anyone, server::ping).says("Whether the service is there"),
        anywhere(GET, "/api/version", "version.get", Anyone, server::version).says("What the service is"),
        anywhere(GET, "/api/server/version", "server.get", Anyone, server::version)
            .says("What the service is"),
        anywhere(GET, "/api/server/status", "server.status", Anyone, server::status)
            .says("Since when it runs"),
        absent(GET, "/api/server/environment", "server.environment", "the environment may hold secrets"),
        absent(POST, "/api/server/stop", "server.stop", "the service manager stops and restarts the service"),
        absent(GET, "/api/server/debug/cpu", "server_debug.cpu_profile", NO_NODE),
        absent(GET, "/api/server/debug/heapsnapshot", "server_debug.heapsnapshot", NO_NODE),
        absent(GET, "/api/server/debug/browser/trace/{session}", "server_debug.browser_trace", NO_NODE),
    ]
}
