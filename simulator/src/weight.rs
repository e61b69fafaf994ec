//! The scripts that make the page as heavy as the real one: many modules, of which the page runs some.
//!
//! Owns their source text, which is made up and always the same, so that browsers cache it as they cache the real
//! page's. Knows nothing of what the other modules do.
//!
//! The measure is WhatsApp Web in 2026: 18,000 registered modules in 30 MB of script source.

use std::fmt::Write;

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// How many scripts there are; the page's `weight.js` loads as many.
const FILES: u32 = 60;
/// Modules in one script.
const MODULES: u32 = 300;
/// Characters of source of one module, so that all together have 30 MB.
const MODULE_LENGTH: usize = 1667;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/sim/weight/{file}", get(script))
}

async fn script(Path(file): Path<u32>) -> Response {
    if file >= FILES {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, source(file)).into_response()
}

fn source(file: u32) -> String {
    let mut words = Words(u64::from(file) + 1);
    let mut text = String::with_capacity((MODULES as usize) * (MODULE_LENGTH + 200));
    for index in file * MODULES..(file + 1) * MODULES {
        module(&mut text, index, &mut words);
    }
    text
}

/// What each module's `make` gives: closures over a state of their own, which is what the real page's memory is made of.
const MAKE: &str = "exports.make=function(seed){var heard=[],own={seed:seed,at:heard.length};return{\
read:function(){return own.seed+heard.length},\
write:function(value){own.seed=value;heard.forEach(function(one){one(value)});return own},\
listen:function(one){heard.push(one);return function(){heard.splice(heard.indexOf(one),1)}}};};";

/// Small functions, tables and sentences, as minified source has them.
fn module(text: &mut String, index: u32, words: &mut Words) {
    let start = text.len();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "__d('WAWeight{index:05}',[],function(global,require,importDefault,importNamespace,module,exports){{'use strict';"
    );
    let mut functions = 0;
    let mut names = String::new();
    while text.len() - start + names.len() < MODULE_LENGTH - 160 - MAKE.len() {
        let (name, left, right) = (words.name(), words.name(), words.name());
        let _ = write!(
            text,
            "function f{functions}_{name}({left},{right}){{if({left}==null)throw new Error('{} {}');\
             return {{{name}:{left}.{right},{right}:{}+{right},kind:'{}'}};}}",
            words.name(),
            words.name(),
            words.next() % 100_000,
            words.name(),
        );
        let _ = write!(names, "f{functions}_{name},");
        functions += 1;
    }
    let _ = writeln!(text, "exports.functions=[{names}];{MAKE}exports.count={functions};}},66);");
}

/// A small generator of made-up words (xorshift64*), the same in each run.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn name(&mut self) -> String {
        let mut bits = self.next();
        let length = 4 + (bits % 9) as usize;
        // The first letter of a name that no keyword of the language begins with.
        let mut name = String::from("q");
        for _ in 1..length {
            bits /= 26;
            name.push(char::from(b'a' + (bits % 26) as u8));
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_scripts_together_have_the_real_pages_weight() {
        let (mut length, mut modules) = (0, 0);
        for file in 0..FILES {
            let text = source(file);
            length += text.len();
            modules += text.matches("__d(").count();
        }
        assert_eq!(modules, 18_000);
        assert!((29_000_000..31_000_000).contains(&length), "{length}");
        assert_eq!(source(3), source(3), "the same at each load, so that it can be cached");
    }
}
