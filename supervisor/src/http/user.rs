//! Who the request is about: `user_id` or `userId` in the query, for some routes `user_id` in the body, else
//! the user of our port.
//!
//! **A request that could mean two users means none**: two accounts that end in one session are worse than an
//! error. What is refused here has touched nothing.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use colmeia::UserId;
use colmeia::user::{InvalidUserId, MAX_USER_ID};
use serde_json::Value;

use super::Http;
use super::errors::Failure;

/// The user of a request that can name it only in its query.
pub(super) struct RequestUser(pub(super) UserId);

/// The query's pairs, in their order. A query that cannot be decoded has none.
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The last value of this key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The user that the query names, if it names one.
    pub(super) fn user(&self) -> Result<Option<UserId>, Failure> {
        let mut named = None;
        for (key, value) in &self.0 {
            let name = key.split('[').next().unwrap_or_default();
            if !matches!(name, "user_id" | "userId") {
                continue;
            }
            if key.contains('[') {
                return Err(not_one_text());
            }
            // `user_id` and `userId` together are fine as long as they agree.
            match &named {
                None => named = Some((name, value)),
                Some((earlier, same)) if *earlier != name && *same == value => {}
                Some(_) => return Err(not_one_text()),
            }
        }
        named.map(|(_, value)| parse(value)).transpose()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Ok(Self(Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default()))
    }
}

impl FromRequestParts<Http> for RequestUser {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Failure> {
        let pairs = Pairs::from_request_parts(parts, http).await?;
        Ok(Self(settle(pairs.user()?, http)))
    }
}

/// The user that query or body name, the query first; else the port's. `body` is the body's `user_id`.
pub(super) fn of_query_or_body(pairs: &Pairs, body: Option<&Value>, http: &Http) -> Result<UserId, Failure> {
    let named = match pairs.user()? {
        Some(user) => Some(user),
        None => of_body(body)?,
    };
    Ok(settle(named, http))
}

fn settle(named: Option<UserId>, http: &Http) -> UserId {
    let user = named.unwrap_or_else(|| UserId::for_port(http.local.port()));
    tracing::Span::current().record("user", user.as_str());
    user
}

/// `null` is a field that a client did not fill, not a name.
fn of_body(value: Option<&Value>) -> Result<Option<UserId>, Failure> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => parse(text).map(Some),
        Some(Value::Number(number)) if number.is_u64() => parse(&number.to_string()).map(Some),
        Some(_) => Err(not_one_text()),
    }
}

fn parse(text: &str) -> Result<UserId, Failure> {
    text.parse().map_err(|error| match error {
        InvalidUserId::Empty => Failure::bad_request("user_id inválido: está vazio"),
        InvalidUserId::TooLong(_) => {
            Failure::bad_request(format!("user_id inválido: tem mais de {MAX_USER_ID} caracteres"))
        }
        InvalidUserId::Character(_) => {
            Failure::bad_request("user_id inválido: só pode ter letras sem acento, números, '_' e '-'")
        }
    })
}

fn not_one_text() -> Failure {
    Failure::bad_request("user_id inválido: deve ser informado uma única vez, como texto simples")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query(text: &str) -> Result<Option<String>, Failure> {
        let uri = format!("http://x/?{text}").parse().expect("uri");
        let Query(pairs) = Query::try_from_uri(&uri).expect("pairs");
        Ok(Pairs(pairs).user()?.map(|user| user.as_str().to_owned()))
    }

    #[test]
    fn one_name_is_taken_from_the_query() {
        for (text, user) in [
            ("", None),
            ("port=5001&x=1", None),
            ("user_id=2_1", Some("2_1")),
            ("userId=3", Some("3")),
            ("user_id=3&userId=3", Some("3")),
            ("x=1&user_id=%33", Some("3")),
        ] {
            assert_eq!(query(text), Ok(user.map(String::from)), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_or_two_is_refused_by_name() {
        let long = format!("user_id={}", "x".repeat(300));
        for text in [
            "user_id=",
            "user_id",
            "userId=",
            "user_id=..%2Fx",
            "user_id=../x",
            "user_id=a.b",
            "user_id=%00",
            "user_id=%FF",
            "user_id=%5B%221%22%5D",
            "user_id[]=1",
            "user_id%5B0%5D=1",
            "userId[x]=1",
            "user_id=1&user_id=2",
            "user_id=1&user_id=1",
            "user_id=1&userId=2",
            "user_id=1&user_id[]=2",
            &long,
        ] {
            let failure = query(text).expect_err(text);
            assert!(failure.error.contains("user_id") && failure.status == 400, "{text}: {failure:?}");
        }
    }

    #[test]
    fn a_body_names_by_text_or_integer() {
        let named =
            |value: Value| of_body(Some(&value)).map(|user| user.map(|user| user.as_str().to_owned()));
        assert_eq!(named(json!("2_1")), Ok(Some("2_1".into())));
        assert_eq!(named(json!(3)), Ok(Some("3".into())));
        assert_eq!(named(json!(null)), Ok(None));
        assert_eq!(of_body(None), Ok(None));
        for value in
            [json!(["1"]), json!({"a": 1}), json!(true), json!(1.5), json!(-1), json!(""), json!("../x")]
        {
            let failure = named(value.clone()).expect_err("no name");
            assert!(failure.error.contains("user_id"), "{value}: {failure:?}");
        }
    }
}
