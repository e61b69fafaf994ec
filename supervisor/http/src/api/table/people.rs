//! Rows of contacts, and of the account's own profile and presence.

use colmeia::operations::{Block, DeleteContact, RejectCall, SetProfilePicture};

use super::super::super::access::KeyAction::{Read, Send};
use super::super::contacts::{ContactArgs, IdArgs};
use super::super::models::NoArgs;
use super::super::profile::RejectArgs;
use super::super::route::{Row, plain, session};
use super::super::{contacts, files, looks, profile};
use super::{DELETE, FILE, GET, POST, PUT};

/// Where a file to convert stands in its body.
const DATA: &[&str] = &["data"];

pub(super) fn contacts_and_lids() -> Vec<Row> {
    vec![
        session(GET, "/api/contacts/all", "contacts.get_all", Read, contacts::list).says("All contacts"),
        session(GET, "/api/contacts", "contacts.get", Read, contacts::get).says("One contact"),
        session(GET, "/api/contacts/check-exists", "contacts.check_exists", Read, contacts::exists)
            .says("Whether a number is at WhatsApp"),
        session(GET, "/api/contacts/about", "contacts.get_about", Read, contacts::about)
            .says("What a contact says of itself"),
        session(
            GET,
            "/api/contacts/profile-picture",
            "contacts.get_profile_picture",
            Read,
            contacts::picture,
        )
        .says("A contact's picture"),
        plain(
            POST,
            "/api/contacts/block",
            "contacts.block",
            |ContactArgs { contact_id: contact, .. }| Block { contact, blocked: true },
        )
        .says("Blocks a contact"),
        plain(
            POST,
            "/api/contacts/unblock",
            "contacts.unblock",
            |ContactArgs { contact_id: contact, .. }| Block { contact, blocked: false },
        )
        .says("Lets a contact through again"),
        session(GET, "/api/{session}/contacts/{id}", "contacts_session.get", Read, contacts::get_by_id)
            .says("One contact"),
        session(PUT, "/api/{session}/contacts/{id}", "contacts_session.put", Send, contacts::save)
            .says("Writes a contact into the address book"),
        plain(DELETE, "/api/{session}/contacts/{id}", "contacts_session.delete", |IdArgs { id: contact }| {
            DeleteContact { contact }
        })
        .says("Takes a contact out of the address book"),
        session(GET, "/api/{session}/lids", "lids.get_all", Read, contacts::lids)
            .says("Known pairs of lid and number"),
        session(GET, "/api/{session}/lids/count", "lids.get_lids_count", Read, contacts::count_lids)
            .says("How many pairs are known"),
        session(GET, "/api/{session}/lids/{lid}", "lids.find_pn_by_lid", Read, contacts::phone_of_lid)
            .says("The number behind a lid"),
        session(
            GET,
            "/api/{session}/lids/pn/{phoneNumber}",
            "lids.find_lid_by_phone_number",
            Read,
            contacts::lid_of_phone,
        )
        .says("The lid of a number"),
    ]
}

pub(super) fn profile_and_presence() -> Vec<Row> {
    vec![
        session(GET, "/api/{session}/profile", "profile.get_my_profile", Read, profile::get)
            .says("The own profile"),
        session(GET, "/api/{session}/profile/picture", "profile.get_picture", Read, profile::picture)
            .says("The own picture"),
        session(PUT, "/api/{session}/profile/name", "profile.set_profile_name", Send, profile::set_name)
            .says("Changes the own name"),
        session(PUT, "/api/{session}/profile/status", "profile.set_profile_status", Send, profile::set_about)
            .says("Changes what the account says of itself"),
        session(
            PUT,
            "/api/{session}/profile/picture",
            "profile.set_profile_picture",
            Send,
            profile::set_picture,
        )
        .says("Changes the own picture")
        .with_file(FILE),
        plain(DELETE, "/api/{session}/profile/picture", "profile.delete_profile_picture", |NoArgs {}| {
            SetProfilePicture { mimetype: None }
        })
        .says("Takes the own picture away"),
        session(POST, "/api/{session}/presence", "presence.set_presence", Send, profile::set_presence)
            .says("Shows the account as online, offline or writing"),
        session(GET, "/api/{session}/presence", "presence.get_presence_all", Read, profile::presences)
            .says("All presences that were subscribed to"),
        session(GET, "/api/{session}/presence/{chatId}", "presence.get_presence", Read, profile::presence)
            .says("A chat's presence; subscribes to it")
            .changes(),
        session(
            POST,
            "/api/{session}/presence/{chatId}/subscribe",
            "presence.subscribe",
            Read,
            profile::subscribe,
        )
        .says("Asks to be told of a chat's presence"),
        plain(POST, "/api/{session}/calls/reject", "calls.reject_call", |RejectArgs { id }| RejectCall {
            call: Some(id),
        })
        .says("Refuses an incoming call"),
        session(GET, "/api/screenshot", "screenshot.screenshot", Read, looks::screenshot)
            .says("The session's page as it is drawn now"),
        session(GET, "/api/sessions/{session}/health", "sessions.health", Read, looks::health)
            .says("The three levels of a session's health; 503 while it is not ready"),
        session(
            POST,
            "/api/{session}/media/convert/voice",
            "media.convert_voice",
            Send,
            files::convert_voice,
        )
        .says("Converts a sound to OGG Opus")
        .with_file(DATA),
        session(
            POST,
            "/api/{session}/media/convert/video",
            "media.convert_video",
            Send,
            files::convert_video,
        )
        .says("Converts a film to MP4")
        .with_file(DATA),
    ]
}
