//! Which part of a list is asked for, and in which order. Owns the arguments that all lists have in common.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::errors::ApiError;

/// In which direction a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SortOrder {
    /// The smallest or oldest first.
    Asc,
    /// The largest or newest first.
    Desc,
}

/// The arguments of a list: which part of it, in which order, and what this one has besides. Written as a macro and no
/// type parameter, because serde loses the names of wrong fields in a type that is put into another.
macro_rules! list_args {
    (
        $(#[$doc:meta])*
        $vis:vis $name:ident {
            $(#[$by:meta])*
            sort_by: $sort:ty,
            $(#[$order:meta])*
            sort_order: SortOrder,
            $($(#[$more_doc:meta])* $more:ident: $type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        $vis struct $name {
            /// How many; all when absent.
            limit: Option<u32>,
            /// How many to leave out first.
            #[serde(default)]
            offset: u32,
            $(#[$by])*
            sort_by: Option<$sort>,
            $(#[$order])*
            sort_order: Option<SortOrder>,
            $($(#[$more_doc])* #[serde(default)] $more: $type,)*
        }
    };
}
pub(super) use list_args;

/// How many are asked for: the usual number where none is named, and never more than the most.
pub(super) fn limited(limit: Option<u32>, usual: u32, most: u32) -> Result<u32, ApiError> {
    match limit.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(ApiError::field("limit", format!("has to be from 1 to {most}"))),
    }
}

/// A page of a list that was fetched as a whole.
pub(super) fn page<T>(items: Vec<T>, limit: Option<u32>, offset: u32) -> Vec<T> {
    let (limit, offset) = (limit.map_or(usize::MAX, |limit| limit as usize), offset as usize);
    items.into_iter().skip(offset).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_was_asked_for() {
        let all = || (0..5).collect::<Vec<_>>();
        assert_eq!(page(all(), Some(2), 1), [1, 2]);
        assert_eq!(page(all(), None, 4), [4]);
        assert_eq!(page(all(), Some(2), 9), [0; 0]);
    }
}
