//! Rows of contacts, and of the account's own profile and presence.

use colmeia::operations::{Block, DeleteContact, RejectCall, SetProfilePicture};

use super::super::super::access::KeyAction::{Read, Send};
use super::super::contacts::{ContactArgs, IdArgs};
use super::super::models::NoArgs;
use super::super::profile::RejectArgs;
use super::super::route::{Row, delete, get, post, put};
use super::super::{contacts, files, looks, profile};
use super::FILE;
use colmeia_control::convert::Target;

/// Where a file to convert stands in its body.
const DATA: &[&str] = &["data"];

pub(super) fn contacts_and_lids() -> Vec<Row> {
    vec![
        get("/api/contacts/all", "contacts.get_all").says("All contacts").session(Read, contacts::list),
        get("/api/contacts", "contacts.get").says("One contact").session(Read, contacts::get),
        get("/api/contacts/check-exists", "contacts.check_exists")
            .says("Whether a number is at WhatsApp")
            .session(Read, contacts::exists),
        get("/api/contacts/about", "contacts.get_about")
            .says("What a contact says of itself")
            .session(Read, contacts::about),
        get("/api/contacts/profile-picture", "contacts.get_profile_picture")
            .says("A contact's picture")
            .session(Read, contacts::picture),
        post("/api/contacts/block", "contacts.block")
            .says("Blocks a contact")
            .plain(|ContactArgs { contact_id: contact, .. }| Block { contact, blocked: true }),
        post("/api/contacts/unblock", "contacts.unblock")
            .says("Lets a contact through again")
            .plain(|ContactArgs { contact_id: contact, .. }| Block { contact, blocked: false }),
        get("/api/{session}/contacts/{id}", "contacts_session.get")
            .says("One contact")
            .session(Read, contacts::get_by_id),
        put("/api/{session}/contacts/{id}", "contacts_session.put")
            .says("Writes a contact into the address book")
            .session(Send, contacts::save),
        delete("/api/{session}/contacts/{id}", "contacts_session.delete")
            .says("Takes a contact out of the address book")
            .plain(|IdArgs { id: contact }| DeleteContact { contact }),
        get("/api/{session}/lids", "lids.get_all")
            .says("Known pairs of lid and number")
            .session(Read, contacts::lids),
        get("/api/{session}/lids/count", "lids.get_lids_count")
            .says("How many pairs are known")
            .session(Read, contacts::count_lids),
        get("/api/{session}/lids/{lid}", "lids.find_pn_by_lid")
            .says("The number behind a lid")
            .session(Read, contacts::phone_of_lid),
        get("/api/{session}/lids/pn/{phoneNumber}", "lids.find_lid_by_phone_number")
            .says("The lid of a number")
            .session(Read, contacts::lid_of_phone),
    ]
}

pub(super) fn profile_and_presence() -> Vec<Row> {
    vec![
        get("/api/{session}/profile", "profile.get_my_profile")
            .says("The own profile")
            .session(Read, profile::get),
        get("/api/{session}/profile/picture", "profile.get_picture")
            .says("The own picture")
            .session(Read, profile::picture),
        put("/api/{session}/profile/name", "profile.set_profile_name")
            .says("Changes the own name")
            .session(Send, profile::set_name),
        put("/api/{session}/profile/status", "profile.set_profile_status")
            .says("Changes what the account says of itself")
            .session(Send, profile::set_about),
        put("/api/{session}/profile/picture", "profile.set_profile_picture")
            .says("Changes the own picture")
            .session(Send, profile::set_picture)
            .with_file(FILE),
        delete("/api/{session}/profile/picture", "profile.delete_profile_picture")
            .says("Takes the own picture away")
            .plain(|NoArgs {}| SetProfilePicture { mimetype: None }),
        post("/api/{session}/presence", "presence.set_presence")
            .says("Shows the account as online, offline or writing")
            .session(Send, profile::set_presence),
        get("/api/{session}/presence", "presence.get_presence_all")
            .says("All presences that were subscribed to")
            .session(Read, profile::presences),
        get("/api/{session}/presence/{chatId}", "presence.get_presence")
            .says("A chat's presence; subscribes to it")
            .session(Read, profile::presence)
            .changes(),
        post("/api/{session}/presence/{chatId}/subscribe", "presence.subscribe")
            .says("Asks to be told of a chat's presence")
            .session(Read, profile::subscribe),
        post("/api/{session}/calls/reject", "calls.reject_call")
            .says("Refuses an incoming call")
            .plain(|RejectArgs { id }| RejectCall { call: Some(id) }),
        get("/api/screenshot", "screenshot.screenshot")
            .says("The session's page as it is drawn now")
            .session(Read, looks::screenshot),
        get("/api/sessions/{session}/health", "sessions.health")
            .says("The three levels of a session's health; 503 while it is not ready")
            .session(Read, looks::health),
        post("/api/{session}/media/convert/voice", "media.convert_voice")
            .says("Converts a sound to OGG Opus")
            .session(Send, |s, args| files::convert(s, args, Target::Voice))
            .with_file(DATA),
        post("/api/{session}/media/convert/video", "media.convert_video")
            .says("Converts a film to MP4")
            .session(Send, |s, args| files::convert(s, args, Target::Video))
            .with_file(DATA),
    ]
}
