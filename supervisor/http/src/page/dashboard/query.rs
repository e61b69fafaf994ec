//! [`Query`]: which sessions the list shows, in which order, and which page of them. Pure.
//!
//! Owns the words of the address. What it does not know it takes for absent: an old bookmark still shows a list.

use std::cmp::Ordering;

use form_urlencoded::Serializer;

use crate::user::Pairs;

/// How many sessions one page shows: it stays fast with a thousand of them.
pub(super) const PAGE: usize = 50;

/// Which states are shown, by the kinds of [`super::words::Words`].
pub(super) const KINDS: [&str; 5] = ["ready", "code", "wait", "failed", "off"];

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) search: String,
    /// One of [`KINDS`]; empty is all.
    pub(super) kind: String,
    /// A tag; empty is all.
    pub(super) tag: String,
    pub(super) sort: Sort,
    pub(super) descending: bool,
    /// From 1 on.
    pub(super) page: usize,
}

/// By what the list is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Name,
    State,
    Memory,
    Restarts,
    Waiting,
}

impl Sort {
    pub(super) const ALL: [Self; 5] = [Self::Name, Self::State, Self::Memory, Self::Restarts, Self::Waiting];

    /// As the address has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::State => "state",
            Self::Memory => "memory",
            Self::Restarts => "restarts",
            Self::Waiting => "waiting",
        }
    }
}

/// What is known of a session to find it and to order it by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) user: String,
    pub(super) label: String,
    pub(super) tags: Vec<String>,
    /// The account's number and name.
    pub(super) number: String,
    pub(super) pushname: String,
    pub(super) kind: &'static str,
    pub(super) memory: u64,
    pub(super) restarts: u32,
    pub(super) waiting: u64,
}

impl Query {
    /// Of an address.
    pub(super) fn of(pairs: &Pairs) -> Self {
        let text = |key: &str| pairs.get(key).unwrap_or_default().trim().to_owned();
        let kind = text("state");
        Self {
            search: text("q"),
            kind: if KINDS.contains(&kind.as_str()) { kind } else { String::new() },
            tag: text("tag"),
            sort: Sort::ALL.into_iter().find(|sort| sort.name() == text("sort")).unwrap_or_default(),
            descending: text("order") == "desc",
            page: text("page").parse().unwrap_or(1).max(1),
        }
    }

    /// As an address has it, with the `?` before it; empty where nothing was asked for.
    pub(super) fn address(&self) -> String {
        let mut pairs = Serializer::new(String::new());
        let order = if self.descending { "desc" } else { "" };
        let sort = if self.sort == Sort::default() { "" } else { self.sort.name() };
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let all = [
            ("q", self.search.as_str()),
            ("state", &self.kind),
            ("tag", &self.tag),
            ("sort", sort),
            ("order", order),
            ("page", &page),
        ];
        for (key, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
            pairs.append_pair(key, value);
        }
        let text = pairs.finish();
        if text.is_empty() { text } else { format!("?{text}") }
    }

    /// Sorted by this, the other way round where it is already; from the first page on.
    pub(super) fn sorted_by(&self, sort: Sort) -> Self {
        // The largest come first: whoever sorts by them looks for those.
        let down = !matches!(sort, Sort::Name | Sort::State);
        let descending = if self.sort == sort { !self.descending } else { down };
        Self { sort, descending, page: 1, ..self.clone() }
    }

    /// The same on another page.
    pub(super) fn on_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// All that have this tag.
    pub(super) fn tagged(tag: &str) -> Self {
        Self { tag: tag.to_owned(), ..Self::default() }
    }

    /// Whether only a part of the sessions may be shown.
    pub(super) fn is_narrow(&self) -> bool {
        !(self.search.is_empty() && self.kind.is_empty() && self.tag.is_empty())
    }

    fn shows(&self, key: &Key) -> bool {
        let kind = self.kind.is_empty() || self.kind == key.kind;
        kind && (self.tag.is_empty() || key.tags.contains(&self.tag)) && self.finds(key)
    }

    /// Whether every word that was typed is somewhere in it; of a number only the digits count.
    fn finds(&self, key: &Key) -> bool {
        let texts = [&key.user, &key.label, &key.pushname].into_iter().chain(&key.tags);
        let texts: Vec<String> = texts.map(|text| text.to_lowercase()).collect();
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let number = digits(&key.number);
        self.search.to_lowercase().split_whitespace().all(|word| {
            let wanted = digits(word);
            let of_number =
                !wanted.is_empty() && word.chars().all(|c| c.is_ascii_digit() || "+-()".contains(c));
            texts.iter().any(|text| text.contains(word)) || (of_number && number.contains(&wanted))
        })
    }

    fn order(&self, one: &Key, other: &Key) -> Ordering {
        let by_name = natural(&one.user, &other.user);
        let place = |key: &Key| KINDS.iter().position(|kind| *kind == key.kind);
        let order = match self.sort {
            Sort::Name => by_name,
            Sort::State => place(one).cmp(&place(other)),
            Sort::Memory => one.memory.cmp(&other.memory),
            Sort::Restarts => one.restarts.cmp(&other.restarts),
            Sort::Waiting => one.waiting.cmp(&other.waiting),
        };
        let order = if self.descending { order.reverse() } else { order };
        order.then(by_name)
    }

    /// The places of those on the page that was asked for, in its order, how many there are on all pages, and which page
    /// it is: the last one where there are fewer.
    pub(super) fn select(&self, keys: &[Key]) -> Selected {
        let mut found: Vec<usize> = (0..keys.len()).filter(|at| self.shows(&keys[*at])).collect();
        found.sort_by(|one, other| self.order(&keys[*one], &keys[*other]));
        let (all, pages) = (found.len(), found.len().div_ceil(PAGE).max(1));
        let page = self.page.clamp(1, pages);
        let places = found.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
        Selected { places, all, page, pages }
    }
}

/// What a query finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) places: Vec<usize>,
    pub(super) all: usize,
    pub(super) page: usize,
    pub(super) pages: usize,
}

/// `2` before `10`, `user_2` before `user_10`.
fn natural(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| -> Vec<(u64, String)> {
        let (mut parts, mut text) = (Vec::new(), text);
        while !text.is_empty() {
            let words = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
            let digits =
                text[words..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |end| words + end);
            // A number that is too long for one is ordered with the last.
            parts.push((text[words..digits].parse().unwrap_or(u64::MAX), text[..words].to_owned()));
            text = &text[digits..];
        }
        parts
    };
    let (one_parts, other_parts) = (parts(one), parts(other));
    let by_parts = one_parts.iter().zip(&other_parts).map(|((n, a), (m, b))| a.cmp(b).then(n.cmp(m)));
    let different = by_parts.into_iter().find(|order| order.is_ne());
    different.unwrap_or_else(|| one_parts.len().cmp(&other_parts.len())).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: &str) -> Key {
        Key { user: user.into(), kind: "ready", ..Key::default() }
    }

    fn found(query: &Query, keys: &[Key]) -> Vec<String> {
        query.select(keys).places.into_iter().map(|at| keys[at].user.clone()).collect()
    }

    fn searching(search: &str) -> Query {
        Query { search: search.into(), page: 1, ..Query::default() }
    }

    #[test]
    fn a_session_is_found_by_all_that_people_know_of_it() {
        let shop = Key {
            label: "Loja da Ana".into(),
            tags: vec!["São Paulo".into()],
            number: "+55 (11) 99999-8888".into(),
            pushname: "Ana".into(),
            ..key("3")
        };
        let all = [key("1"), key("2_1"), shop];
        for search in ["loja", "ANA", "são", "9999", "(11) 99999-8888", "+55", "ana loja"] {
            assert_eq!(found(&searching(search), &all), ["3"], "{search}");
        }
        assert_eq!(found(&searching("2_"), &all), ["2_1"]);
        assert!(found(&searching("ana bruno"), &all).is_empty());
        let tagged = Query { page: 1, ..Query::tagged("São Paulo") };
        assert_eq!(found(&tagged, &all), ["3"]);
        let off = Query { kind: "off".into(), page: 1, ..Query::default() };
        assert!(found(&off, &all).is_empty() && off.is_narrow() && !searching("").is_narrow());
    }

    #[test]
    fn the_order_is_the_one_of_people() {
        let all: Vec<Key> = ["10", "2", "user_10", "user_9", "1", "2_1", "b", "a"].map(key).into();
        let by_name = Query { page: 1, ..Query::default() };
        assert_eq!(found(&by_name, &all), ["1", "2", "2_1", "10", "a", "b", "user_9", "user_10"]);
        let down = by_name.sorted_by(Sort::Name);
        assert!(down.descending && found(&down, &all)[0] == "user_10");
        let all =
            [Key { memory: 5, ..key("a") }, Key { memory: 9, ..key("b") }, Key { memory: 5, ..key("c") }];
        let by_memory = by_name.sorted_by(Sort::Memory);
        assert_eq!(found(&by_memory, &all), ["b", "a", "c"], "the largest first, and equal ones by name");
        assert_eq!(found(&by_memory.sorted_by(Sort::Memory), &all), ["a", "c", "b"]);
        let failed = Key { kind: "failed", ..key("a") };
        assert_eq!(found(&by_name.sorted_by(Sort::State), &[failed, key("b")]), ["b", "a"]);
    }

    #[test]
    fn a_thousand_are_shown_a_page_at_a_time() {
        let all: Vec<Key> = (0..1000).map(|n| key(&n.to_string())).collect();
        let last = Query { page: 99, ..Query::default() };
        let Selected { places, all: count, page, pages } = last.select(&all);
        assert_eq!((places.len(), count, page, pages), (PAGE, 1000, 20, 20));
        assert_eq!(places.last(), Some(&999));
        assert_eq!(Query::default().select(&[]), Selected { places: vec![], all: 0, page: 1, pages: 1 });
    }

    #[test]
    fn an_address_says_what_was_asked_for_and_nothing_else() {
        assert_eq!(Query { page: 1, ..Query::default() }.address(), "");
        let query = Query { search: "a&b".into(), tag: "São Paulo".into(), page: 2, ..Query::default() };
        assert_eq!(
            query.sorted_by(Sort::Memory).on_page(3).address(),
            "?q=a%26b&tag=S%C3%A3o+Paulo&sort=memory&order=desc&page=3"
        );
    }
}
