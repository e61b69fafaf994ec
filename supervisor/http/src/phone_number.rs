//! An account's number, as people write it. Pure.

use colmeia::Me;

/// `+55 (11) 99999-8888` for Brazil, else `+<digits>`.
pub(crate) fn phone_number(me: &Me) -> Option<String> {
    let user = me.wid.strip_suffix("@c.us").or_else(|| me.wid.strip_suffix("@s.whatsapp.net"))?;
    let digits = user.split(':').next().unwrap_or_default(); // a device's number may follow
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match digits.strip_prefix("55").and_then(|rest| rest.split_at_checked(2)) {
        Some((area, number)) if digits.len() >= 12 => {
            let (first, last) = number.split_at(number.len() - 4);
            format!("+55 ({area}) {first}-{last}")
        }
        _ => format!("+{digits}"),
    })
}
