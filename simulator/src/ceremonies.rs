//! What a page asks and says in the ceremony of a passkey. Whether it is right says `passkey`.

use serde_json::{Value, json};

use crate::{passkey::Ceremony, wire::Assertion, world::Shared};

/// It wants fresh options.
pub(crate) fn ask_again(shared: &Shared, page: &str) -> Value {
    shared.change(|world| {
        let ceremony = world.pages.get_mut(page).and_then(|page| page.ceremony.as_mut());
        ceremony.map_or(json!({ "ok": false }), |ceremony| json!({ "ok": true, "options": ceremony.renew() }))
    })
}

/// It hands over what was signed.
pub(crate) fn prove(shared: &Shared, page: &str, assertion: &Assertion, handoff: bool) -> Value {
    shared.change(|world| {
        let Some(shown) = world.pages.get_mut(page) else { return json!({ "ok": false }) };
        let Some(ceremony) = shown.ceremony.as_mut() else { return json!({ "ok": false }) };
        let answer = ceremony.prove(assertion, handoff);
        shown.ceremony.take_if(|ceremony| ceremony.is_over());
        answer
    })
}

/// It says that both codes are the same.
pub(crate) fn confirm(shared: &Shared, page: &str) -> Value {
    shared.change(|world| {
        let ceremony = world.pages.get_mut(page).and_then(|page| page.ceremony.take());
        let linked = ceremony
            .and_then(Ceremony::confirmed)
            .is_some_and(|(number, owner, contacts)| world.link(page, &number, &owner, contacts));
        json!({ "ok": linked })
    })
}
