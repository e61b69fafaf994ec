//! Who the request is about: `user_id` or `userId` in the query, for some routes in the body, else the user of our
//! port.
//!
//! **A request that could mean two users means none**: two accounts that end in one session are worse than an
//! error. What is refused here has touched nothing.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use colmeia::UserId;
use colmeia::user::{InvalidUserId, MAX_USER_ID};
use serde::Deserialize;
use serde_json::Value;

use crate::errors::FlaskError;
use crate::state::Http;

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
    pub(super) fn user(&self) -> Result<Option<UserId>, FlaskError> {
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
    type Rejection = FlaskError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, FlaskError> {
        Ok(Self(Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default()))
    }
}

impl FromRequestParts<Http> for RequestUser {
    type Rejection = FlaskError;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, FlaskError> {
        let pairs = Pairs::from_request_parts(parts, http).await?;
        Ok(Self(settle(pairs.user()?, http)))
    }
}

/// How a body names its user. Anything may stand in the fields, so that it can be refused by name.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    user_id: Option<Value>,
    #[serde(rename = "userId")]
    other: Option<Value>,
}

impl Named {
    /// Both names together are fine as long as they agree.
    fn user(&self) -> Result<Option<UserId>, FlaskError> {
        match (of_value(self.user_id.as_ref())?, of_value(self.other.as_ref())?) {
            (Some(user), Some(other)) if user != other => Err(not_one_text()),
            (user, other) => Ok(user.or(other)),
        }
    }
}

/// The user that query or body name, the query first; else the port's.
pub(super) fn of_query_or_body(pairs: &Pairs, body: &Named, http: &Http) -> Result<UserId, FlaskError> {
    let named = match pairs.user()? {
        Some(user) => Some(user),
        None => body.user()?,
    };
    Ok(settle(named, http))
}

fn settle(named: Option<UserId>, http: &Http) -> UserId {
    let user = named.unwrap_or_else(|| UserId::for_port(http.local.port()));
    tracing::Span::current().record("user", user.as_str());
    user
}

/// `null` is a field that a client did not fill, not a name.
fn of_value(value: Option<&Value>) -> Result<Option<UserId>, FlaskError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => parse(text).map(Some),
        Some(Value::Number(number)) if number.is_u64() => parse(&number.to_string()).map(Some),
        Some(_) => Err(not_one_text()),
    }
}

fn parse(text: &str) -> Result<UserId, FlaskError> {
    text.parse().map_err(|error| match error {
        InvalidUserId::Empty => FlaskError::bad_request("user_id inválido: está vazio"),
        InvalidUserId::TooLong(_) => {
            FlaskError::bad_request(format!("user_id inválido: tem mais de {MAX_USER_ID} caracteres"))
        }
        InvalidUserId::Character(_) => {
            FlaskError::bad_request("user_id inválido: só pode ter letras sem acento, números, '_' e '-'")
        }
        InvalidUserId::Reserved => FlaskError::bad_request(
            "user_id inválido: é uma palavra reservada das rotas da API; escolha outro",
        ),
    })
}

fn not_one_text() -> FlaskError {
    FlaskError::bad_request("user_id inválido: deve ser informado uma única vez, como texto simples")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query(text: &str) -> Result<Option<String>, FlaskError> {
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
            "user_id=start",
            &long,
        ] {
            let failure = query(text).expect_err(text);
            assert!(failure.text.contains("user_id") && failure.status == 400, "{text}: {failure:?}");
        }
    }

    fn in_body(body: Value) -> Result<Option<String>, FlaskError> {
        let named: Named = serde_json::from_value(body).expect("an object");
        Ok(named.user()?.map(|user| user.as_str().to_owned()))
    }

    #[test]
    fn a_body_names_by_text_or_integer() {
        for (body, user) in [
            (json!({"user_id": "2_1"}), Some("2_1")),
            (json!({"user_id": 3}), Some("3")),
            (json!({"user_id": null}), None),
            (json!({}), None),
            (json!({"userId": "3"}), Some("3")),
            (json!({"user_id": 3, "userId": "3"}), Some("3")),
            (json!({"user_id": "3", "userId": null}), Some("3")),
        ] {
            assert_eq!(in_body(body.clone()), Ok(user.map(String::from)), "{body}");
        }
        let no_names =
            [json!(["1"]), json!({"a": 1}), json!(true), json!(1.5), json!(-1), json!(""), json!("../x")];
        let bodies =
            no_names.into_iter().flat_map(|value| [json!({"user_id": value}), json!({"userId": value})]);
        for body in
            bodies.chain([json!({"user_id": "1", "userId": "2"}), json!({"user_id": "1", "userId": ""})])
        {
            let failure = in_body(body.clone()).expect_err("no name");
            assert!(failure.text.contains("user_id") && failure.status == 400, "{body}: {failure:?}");
        }
    }
}
