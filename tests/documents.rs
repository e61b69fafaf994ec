//! What the README and the pages of `docs/` say is there: links, commands, and the same words in both languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use colmeia::Secret;
use colmeia::config::{BrowserSandbox, InvalidConfig, ServiceConfig};

/// The README in its two languages, and how many words each may have.
const READMES: [(&str, usize); 2] = [("README.md", 900), ("README.pt-BR.md", 1_000)];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The file names of `docs/`.
fn names_of_docs() -> Vec<String> {
    let entries = fs::read_dir(root().join("docs")).expect("the folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    assert!(names.len() > 20, "{names:?}");
    names
}

/// All pages that are looked at, by their paths in the repository.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = READMES.iter().map(|(path, _)| (*path).to_owned()).collect();
    for path in ["ARCHITECTURE.md", "CONTRIBUTING.md", "examples/flask/README.md"] {
        pages.push(path.to_owned());
    }
    pages.extend(names_of_docs().into_iter().map(|name| format!("docs/{name}")));
    pages
}

/// A page without its fenced blocks, and those blocks.
fn parts(text: &str) -> (String, Vec<String>) {
    let (mut prose, mut blocks, mut block) = (String::new(), Vec::new(), None::<String>);
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        block = match block {
            Some(done) if fence => {
                blocks.push(done);
                None
            }
            Some(open) => Some(format!("{open}{line}\n")),
            None if fence => Some(format!("{}\n", line.trim())),
            None => {
                prose.push_str(line);
                prose.push('\n');
                None
            }
        };
    }
    assert!(block.is_none(), "a block has no end");
    (prose, blocks)
}

/// Prose in paragraphs and rows; a span of code never goes over the end of one.
fn paragraphs(prose: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in prose.lines() {
        let apart = line.trim().is_empty() || line.starts_with('|') || line.starts_with('#');
        if apart {
            paragraphs.push(String::new());
        }
        if let Some(last) = paragraphs.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    paragraphs
}

/// Text without its spans of code, and those spans.
fn spans(paragraph: &str) -> (String, Vec<String>) {
    let pieces: Vec<&str> = paragraph.split('`').collect();
    assert!(pieces.len() % 2 == 1, "a span of code has no end: {paragraph}");
    let (mut text, mut code) = (String::new(), Vec::new());
    for (at, piece) in pieces.into_iter().enumerate() {
        if at % 2 == 0 {
            text.push_str(piece);
        } else {
            code.push(piece.to_owned());
        }
    }
    (text, code)
}

/// Where the links of a page lead, in their order.
fn links(page: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for paragraph in paragraphs(&parts(page).0) {
        let (text, _) = spans(&paragraph);
        let after = text.split("](").skip(1);
        targets.extend(after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()));
    }
    targets
}

/// The levels of a page's headings, in their order.
fn levels(page: &str) -> Vec<usize> {
    headings(page).iter().map(|heading| heading.chars().take_while(|c| *c == '#').count()).collect()
}

fn headings(page: &str) -> Vec<String> {
    parts(page).0.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect()
}

/// A heading's anchor, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A block's lines without their comments, which are in a language.
fn without_comments(block: &str) -> Vec<String> {
    let lines = block.lines().map(|line| {
        let line = if line.starts_with('#') { "" } else { line };
        line.split(" #").next().unwrap_or_default().trim_end().to_owned()
    });
    lines.filter(|line| !line.is_empty()).collect()
}

/// Whether a word stands before a command: who runs it, or a variable of its environment.
fn comes_before(word: &str) -> bool {
    word == "sudo" || (word.contains('=') && !word.contains('/'))
}

/// Every command that a page shows, in words: of its blocks and of its spans of code.
fn commands(page: &str) -> Vec<Vec<String>> {
    let (prose, blocks) = parts(page);
    let mut code: Vec<String> = blocks.iter().flat_map(|block| without_comments(block)).collect();
    for paragraph in paragraphs(&prose) {
        // An attribute of Rust may have a command in its text.
        code.extend(spans(&paragraph).1.into_iter().filter(|span| !span.starts_with("#[")));
    }
    let mut commands = Vec::new();
    for line in code {
        for command in line.split(['&', ';', '|', '(', ')']) {
            let words = command.split_whitespace().map(str::to_owned);
            let words: Vec<String> = words.skip_while(|word| comes_before(word)).collect();
            if !words.is_empty() {
                commands.push(words);
            }
        }
    }
    commands
}

/// Whether this can be the name of a target that a person types.
fn is_target(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The targets of the Makefile.
fn targets() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let names = makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name);
    names.filter(|name| is_target(name)).map(str::to_owned).collect()
}

/// The commands of an enum of `ctl/src/flags.rs`, as they are typed.
fn variants(flags: &str, of: &str) -> BTreeSet<String> {
    let (_, rest) = flags.split_once(&format!("enum {of} {{\n")).expect("the enum");
    let (body, _) = rest.split_once("\n}").expect("its end");
    let mut found = BTreeSet::new();
    for line in body.lines() {
        let Some(line) = line.strip_prefix("    ") else { continue };
        let name: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            found.insert(name.to_lowercase());
        }
    }
    found
}

/// The words of a command line that are no flags, and no value of the only flag before the command that has one.
fn words(arguments: &[String]) -> Vec<&str> {
    let mut words = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--socket" {
            arguments.next();
        } else if !argument.starts_with('-') {
            words.push(argument.as_str());
        }
    }
    words
}

#[test]
fn the_readme_is_short_enough_to_be_read() {
    for (path, most) in READMES {
        let count = read(path).split_whitespace().count();
        assert!(count <= most, "{path} has {count} words; {most} are enough: the rest belongs into docs/");
    }
}

#[test]
fn the_two_languages_of_the_readme_say_the_same() {
    let (english, portuguese) = (read(READMES[0].0), read(READMES[1].0));
    let code = |page: &str| -> Vec<Vec<String>> {
        parts(page).1.iter().map(|block| without_comments(block)).collect()
    };
    let shown = code(&english);
    assert!(shown.len() > 5, "{shown:?}");
    assert_eq!(shown, code(&portuguese), "what is typed");
    assert_eq!(levels(&english), levels(&portuguese), "the headings");
    // Each leads to the other; all else is the same.
    let led = |page: &str, other: &str| -> Vec<String> {
        let (to_other, rest): (Vec<_>, Vec<_>) = links(page).into_iter().partition(|target| target == other);
        assert_eq!(to_other.len(), 1, "one link to {other}");
        rest
    };
    assert_eq!(led(&english, READMES[1].0), led(&portuguese, READMES[0].0), "the links");
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    for path in pages() {
        let folder = root().join(&path).parent().map(Path::to_path_buf).expect("a folder");
        for target in links(&read(&path)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let (file, place) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let file = if file.is_empty() { root().join(&path) } else { folder.join(file) };
            assert!(file.exists(), "{path}: {target} is not there");
            if !place.is_empty() {
                let text = fs::read_to_string(&file).expect("a page");
                let there = headings(&text).iter().any(|heading| anchor(heading) == place);
                assert!(there, "{path}: {target}: there is no such heading");
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_page_of_docs_is_in_the_summary_and_in_the_index() {
    let (summary, index) = (links(&read("docs/SUMMARY.md")), links(&read("docs/index.md")));
    for name in names_of_docs() {
        if name == "SUMMARY.md" {
            continue;
        }
        assert!(summary.contains(&name), "docs/SUMMARY.md does not lead to {name}");
        assert!(name == "index.md" || index.contains(&name), "docs/index.md does not lead to {name}");
        let page = read(&format!("docs/{name}"));
        let mut lines = page.lines().filter(|line| !line.is_empty());
        assert!(lines.next().is_some_and(|line| line.starts_with("# ")), "{name} begins with its title");
        let first = lines.next().unwrap_or_default();
        assert!(first.starts_with(char::is_alphanumeric), "{name} says first what it is for: {first}");
    }
}

#[test]
fn every_target_of_make_that_is_named_exists() {
    let targets = targets();
    let mut seen = BTreeSet::new();
    for path in pages() {
        for command in commands(&read(&path)) {
            if command[0] != "make" {
                continue;
            }
            for word in words(&command[1..]).into_iter().filter(|word| !word.contains('=')) {
                assert!(targets.contains(word), "{path}: there is no `make {word}`");
                seen.insert(word.to_owned());
            }
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
}

#[test]
fn every_command_of_colmeiactl_that_is_named_exists() {
    let flags = read("ctl/src/flags.rs");
    let known = variants(&flags, "Command");
    let groups = [("keys", variants(&flags, "KeysCommand")), ("events", variants(&flags, "EventsCommand"))];
    let mut seen = BTreeSet::new();
    for path in pages() {
        for command in commands(&read(&path)) {
            if command[0] != "colmeiactl" {
                continue;
            }
            let words = words(&command[1..]);
            let Some(word) = words.first() else { continue };
            assert!(known.contains(*word), "{path}: there is no `colmeiactl {word}`");
            seen.insert((*word).to_owned());
            for (group, inner) in &groups {
                if word == group
                    && let Some(inside) = words.get(1)
                {
                    assert!(inner.contains(*inside), "{path}: there is no `colmeiactl {word} {inside}`");
                }
            }
        }
    }
    // Whoever looks after sessions finds every command explained.
    let told = read("docs/operators.md");
    for word in &known {
        assert!(told.contains(&format!("colmeiactl {word}")), "docs/operators.md does not name {word}");
    }
    assert!(seen.len() > 15, "{seen:?}");
}

/// The names under which the keys of the configuration can be set in the environment.
fn variables() -> BTreeSet<String> {
    let (mut variables, mut table) = (BTreeSet::new(), String::new());
    for line in read("systemd/colmeia.toml").lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = format!("{name}_");
        } else if let Some((key, _)) = line.split_once(" = ")
            && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        {
            variables.insert(format!("COLMEIA_{table}{key}").to_uppercase());
        }
    }
    variables
}

#[test]
fn every_variable_that_a_container_may_need_is_a_key() {
    let known = variables();
    assert!(known.len() > 60, "{known:?}");
    for path in ["docs/containers.md", "compose.yaml", "contrib/container/colmeia.toml", "Dockerfile"] {
        let text = read(path);
        for rest in text.split("COLMEIA_").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            let name = format!("COLMEIA_{name}");
            // COLMEIA_URL is what the Flask app is told.
            let other = ["COLMEIA_", "COLMEIA_URL"].contains(&name.as_str());
            assert!(other || known.contains(&name), "{path}: {name} is no key");
        }
    }
}

#[test]
fn the_images_configuration_is_closed_until_somebody_says_who_may_call() {
    let text = read("contrib/container/colmeia.toml");
    let mut image: ServiceConfig = toml::from_str(&text).expect("it parses");
    assert!(matches!(image.validate(), Err(InvalidConfig::Unprotected(_))));
    image.api_keys = vec![Secret::new("0123456789abcdef")];
    assert_eq!(image.validate(), Ok(()));
    assert_eq!(image.browser_sandbox, BrowserSandbox::On, "nothing gives it up but a person");
    assert!(image.listen.ip().is_unspecified());

    // What compose puts in its place says the same, but for what compose's own lines set.
    let compose = read("compose.yaml");
    let (_, content) = compose.split_once("content: |\n").expect("a configuration");
    let content: Vec<&str> =
        content.lines().take_while(|line| line.is_empty() || line.starts_with("      ")).collect();
    let content = content.join("\n").replace("${WEBHOOK_KEY:?set it in .env}", "0123456789abcdef");
    let mut composed: ServiceConfig = toml::from_str(&content).expect("it parses");
    assert_eq!(composed.webhooks.len(), 1);
    composed.webhooks.clear();
    image.api_keys.clear();
    image.stop_within_ms = 0;
    assert_eq!(composed, image);
}

/// A release's own number stands in Cargo.toml, and everything that the programs say is taken from there.
#[test]
fn the_changelog_begins_with_the_version_that_is_built() {
    let changelog = read("CHANGELOG.md");
    let newest = changelog.lines().find(|line| line.starts_with("## ")).expect("a heading");
    let (version, date) =
        newest.strip_prefix("## [").and_then(|rest| rest.split_once("] - ")).expect("`## [1.2.3] - date`");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let is_date = date.len() == 10 && date.chars().all(|c| c.is_ascii_digit() || c == '-');
    assert!(is_date || date == "not yet released", "{date}");
}
