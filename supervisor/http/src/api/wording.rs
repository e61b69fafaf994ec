//! What is wrong with an argument, in plain words. Owns the translation of what serde says, which names types of this
//! program and may repeat the value; both are nobody's business. Pure.

/// The field that an error of serde's names, if it names one, and the rule.
pub(super) fn explain(text: &str) -> (Option<String>, String) {
    let quoted = || text.split('`').nth(1).map(str::to_owned);
    let expected = || text.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    let begins = |start: &str| text.starts_with(start);
    if begins("missing field") {
        (quoted(), "is missing".into())
    } else if begins("unknown field") {
        (None, "is not known here".into()) // it is the place of the error already
    } else if begins("duplicate field") {
        (quoted(), "is given twice, under two names".into())
    } else if begins("data did not match any variant") {
        (None, "has none of the forms that are possible here".into())
    } else if begins("unknown variant") {
        (None, format!("has to be {}", expected().trim_start_matches("one of ").replace('`', "\"")))
    } else if ["invalid type", "invalid value", "invalid length", "can only flatten"]
        .iter()
        .any(|start| begins(start))
    {
        (None, format!("has to be {}", plain(expected())))
    } else {
        // The words of our own types, which repeat nothing.
        (None, text.to_owned())
    }
}

/// What serde expected.
fn plain(expected: &str) -> &'static str {
    match expected {
        "a string" | "a borrowed string" | "string" | "a character" => "a text",
        "a boolean" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected == "string or map" || expected.starts_with("enum ") => {
            "one of the words that are possible here"
        }
        _ => "of another form",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    fn rule<T: serde::de::DeserializeOwned>(value: Value) -> String {
        explain(&serde_json::from_value::<T>(value).err().expect("wrong").to_string()).1
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Asc,
        Desc,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Inner {
        #[serde(alias = "b")]
        a: u8,
    }

    #[test]
    fn types_of_this_program_become_plain_words() {
        for (rule, plain) in [
            (rule::<String>(json!(["secret"])), "has to be a text"),
            (rule::<u32>(json!(-1)), "has to be a whole number from 0 to 4294967295"),
            (rule::<u32>(json!("secret, expected u8")), "has to be a whole number from 0 to 4294967295"),
            (rule::<i64>(json!(1.5)), "has to be a whole number"),
            (rule::<f64>(json!({})), "has to be a number"),
            (rule::<bool>(json!("maybe")), "has to be true or false"),
            (rule::<Vec<u8>>(json!("x")), "has to be a list"),
            (rule::<Inner>(json!("x")), "has to be an object"),
            (rule::<Inner>(json!({"a": 1, "b": 2})), "is given twice, under two names"),
            (rule::<Order>(json!("secret")), "has to be \"asc\" or \"desc\""),
            (rule::<Order>(json!(1)), "has to be one of the words that are possible here"),
            (rule::<serde_json::Map<String, Value>>(json!(1)), "has to be an object"),
            (rule::<colmeia::UserId>(json!("")), "is empty"),
        ] {
            assert_eq!(rule, plain);
        }
    }
}
