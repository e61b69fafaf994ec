//! Names that strangers chose, as they may be shown: what controls a terminal or turns letters around is nowhere in them.
//! Pure.

use std::borrow::Cow;

/// Whether a character shows nothing itself and changes how others are shown: control characters, line separators, and
/// those that set the direction of writing (Unicode's `Bidi_Control`), by which `exe.jpg` is read as another name.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// The text without such characters.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(is_unseen) {
        Cow::Owned(text.chars().filter(|c| !is_unseen(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_left_out_and_nothing_else() {
        for (text, shown) in [
            ("Ana \u{1f600} أنا 報告", "Ana \u{1f600} أنا 報告"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("a\u{1b}[31mb\r\nc\0", "a[31mbc"),
            ("\u{feff}x\u{2066}y\u{2069}\u{61c}\u{85}", "xy"),
            // It joins the parts of one emoji.
            ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}"),
        ] {
            assert_eq!(plain(text), shown, "{text:?}");
        }
    }
}
