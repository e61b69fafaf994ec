//! [`OtherNames`]: WhatsApp knows a person by a number (`…@c.us`) and by a lid (`…@lid`). Whatever names somebody by one
//! of them carries the other one too, where the page knows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The other name of each person that a record names, by the name that stands there. Empty where none is known.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OtherNames(BTreeMap<String, String>);

impl OtherNames {
    /// Of these pairs of the name that stands there and the other one.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, other)| (name.to_owned(), other.to_owned())).collect())
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Somebody's number, `<digits>@c.us`, whichever name is given.
    #[must_use]
    pub fn number<'a>(&'a self, id: &'a str) -> Option<&'a str> {
        self.ending(id, "@c.us")
    }

    /// Somebody's lid, `<digits>@lid`, whichever name is given.
    #[must_use]
    pub fn lid<'a>(&'a self, id: &'a str) -> Option<&'a str> {
        self.ending(id, "@lid")
    }

    /// What somebody or a group is written to by: the digits of the number where it is known, else the whole id, whose
    /// digits alone would be a stranger's number.
    #[must_use]
    pub fn phone<'a>(&'a self, id: &'a str) -> &'a str {
        self.number(id).map_or(id, |number| number.trim_end_matches("@c.us"))
    }

    fn ending<'a>(&'a self, id: &'a str, server: &str) -> Option<&'a str> {
        let other = || self.0.get(id).map(String::as_str);
        Some(id).filter(|id| id.ends_with(server)).or_else(other).filter(|id| id.ends_with(server))
    }
}

/// Numbers are private.
impl std::fmt::Debug for OtherNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OtherNames({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_name_leads_to_both() {
        let names = OtherNames::of([("77@lid", "5511988887777@c.us"), ("5511977776666@c.us", "66@lid")]);
        assert_eq!(
            (names.number("77@lid"), names.lid("77@lid")),
            (Some("5511988887777@c.us"), Some("77@lid"))
        );
        let number = "5511977776666@c.us";
        assert_eq!((names.number(number), names.lid(number)), (Some(number), Some("66@lid")));
        assert_eq!(
            (names.number("88@lid"), names.lid("5511@c.us"), names.number("120363@g.us")),
            (None, None, None)
        );
        assert_eq!(
            [names.phone("77@lid"), names.phone("88@lid"), names.phone("1@g.us")],
            ["5511988887777", "88@lid", "1@g.us"]
        );
        assert!(!format!("{names:?}").contains("5511"));
    }
}
