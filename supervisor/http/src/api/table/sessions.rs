//! Rows of sessions, linking, keys and the server.

use super::super::super::access::KeyAction::{Control, Read};
use super::super::route::Scope::{Admin, Anyone};
use super::super::route::{Row, delete, get, post, put};
use super::super::{keys, linking, passkey, restrictions, server, sessions};

const NO_CAPTCHA: &str = "WhatsApp Web asks for no captcha, and a code to type is typed on the phone";
const NO_NODE: &str = "there is no Node process to look into; colmeiactl and /metrics show what runs";

pub(super) fn sessions_and_linking() -> Vec<Row> {
    const NAMED: &str = "/api/sessions/{session}";
    vec![
        get("/api/sessions", "sessions.list")
            .says("Sessions; those that are STOPPED only with all=true")
            .anywhere(Anyone, sessions::list),
        post("/api/sessions", "sessions.create").says("Makes a session").anywhere(Anyone, sessions::create),
        get(NAMED, "sessions.get").says("One session").session(Read, sessions::get),
        put(NAMED, "sessions.update")
            .says("Changes a session's configuration; no other session notices")
            .session(Control, sessions::update),
        delete(NAMED, "sessions.delete")
            .says("Logs the phone out and deletes the session")
            .session(Control, sessions::delete),
        get("/api/sessions/{session}/me", "sessions.get_me")
            .says("The linked account")
            .session(Read, sessions::me),
        post("/api/sessions/{session}/start", "sessions.start")
            .says("Starts a session, if it does not run")
            .session(Control, sessions::start),
        post("/api/sessions/{session}/stop", "sessions.stop")
            .says("Stops a session, which stays stopped until it is started")
            .session(Control, sessions::stop),
        post("/api/sessions/{session}/restart", "sessions.restart")
            .says("A new browser; the phone stays linked")
            .session(Control, sessions::restart),
        post("/api/sessions/{session}/logout", "sessions.logout")
            .says("Logs the phone out; a session that ran shows a new code")
            .session(Control, sessions::logout),
        post("/api/sessions/start", "sessions.depracated_start")
            .says("Deprecated: makes and starts a session")
            .anywhere(Anyone, sessions::start_named),
        post("/api/sessions/stop", "sessions.deprecated_stop")
            .says("Deprecated: stops a session, and deletes it if asked to")
            .anywhere(Anyone, sessions::stop_named),
        post("/api/sessions/logout", "sessions.deprecated_logout")
            .says("Deprecated: logs a session out and deletes it")
            .anywhere(Anyone, sessions::logout_named),
        get("/api/sessions/{session}/capping", "sessions.fetch_message_capping")
            .says("How much of its quota of new chats the account has used, as WhatsApp says now")
            .session(Read, restrictions::capping),
        get("/api/sessions/{session}/timelock", "sessions.fetch_reachout_timelock")
            .says("Whether WhatsApp keeps the account from writing to people who never wrote to it")
            .session(Read, restrictions::timelock),
        get("/api/{session}/auth/qr", "auth.get_qr")
            .says("The code to scan: a picture, a picture in JSON, or its text")
            .session(Control, linking::qr),
        post("/api/{session}/auth/request-code", "auth.request_code")
            .says("A code to type on the phone instead of scanning")
            .session(Control, linking::request_code),
        post("/api/{session}/auth/authorize-code", "auth.authorize_code").absent(NO_CAPTCHA),
        get("/api/{session}/auth/captcha", "auth.get_captcha").absent(NO_CAPTCHA),
        post("/api/{session}/auth/captcha", "auth.save_captcha").absent(NO_CAPTCHA),
        get("/api/{session}/auth/passkey/challenge", "auth.get_passkey_challenge")
            .says("What the account's owner has to sign with their passkey, in a browser of their own")
            .session(Control, passkey::challenge),
        post("/api/{session}/auth/passkey", "auth.submit_passkey")
            .says("What they signed; each request is answered once")
            .session(Control, passkey::submit),
        get("/api/{session}/auth/passkey/confirmation", "auth.get_passkey_confirmation")
            .says("The code that the phone shows too, where it has to be compared")
            .session(Control, passkey::confirmation),
        post("/api/{session}/auth/passkey/confirm", "auth.confirm_passkey")
            .says("Says that both codes are the same")
            .session(Control, passkey::confirm),
    ]
}

pub(super) fn keys_and_server() -> Vec<Row> {
    vec![
        get("/api/keys", "api_keys.list")
            .says("All keys, without the keys themselves")
            .anywhere(Admin, keys::list),
        post("/api/keys", "api_keys.create")
            .says("Makes a key, which is shown once")
            .anywhere(Admin, keys::create),
        put("/api/keys/{id}", "api_keys.update")
            .says("Changes what a key allows")
            .anywhere(Admin, keys::update),
        delete("/api/keys/{id}", "api_keys.delete").says("Ends a key").anywhere(Admin, keys::delete),
        post("/api/keys/media", "api_keys.media")
            .says("A key for the files of a session's messages; ends the one before")
            .anywhere(Admin, keys::media),
        post("/api/keys/control", "api_keys.control")
            .says("A key for controlling a session; ends the one before")
            .anywhere(Admin, keys::control),
        get("/ping", "ping.ping").says("Whether the service is there").anywhere(Anyone, server::ping),
        get("/api/version", "version.get").says("What the service is").anywhere(Anyone, server::version),
        get("/api/server/version", "server.get")
            .says("What the service is")
            .anywhere(Anyone, server::version),
        get("/api/server/status", "server.status")
            .says("Since when it runs")
            .anywhere(Anyone, server::status),
        get("/api/server/environment", "server.environment").absent("the environment may hold secrets"),
        post("/api/server/stop", "server.stop").absent("the service manager stops and restarts the service"),
        get("/api/server/debug/cpu", "server_debug.cpu_profile").absent(NO_NODE),
        get("/api/server/debug/heapsnapshot", "server_debug.heapsnapshot").absent(NO_NODE),
        get("/api/server/debug/browser/trace/{session}", "server_debug.browser_trace").absent(NO_NODE),
    ]
}
