//! Files of one crate name each other's items in no circle of more than two, and in none across folders.
//!
//! Reads the source of every crate of the workspace: whose items each file names, behind whatever hands them on (`pub use`).
//! A module's own file puts together what is below it, so that it names its children closes no circle; that they name what it
//! has for them does. What only tests name does not count, and in the arguments of a macro only what looks like a path or a type.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

/// A module's place in its crate, such as `["api", "files"]`.
type Place = Vec<String>;

/// Longer chains of names that are handed on are none of ours.
const CHAIN: u32 = 16;

/// What a file says.
#[derive(Default)]
struct Words {
    folder: PathBuf,
    /// The names of its own items.
    items: BTreeSet<String>,
    /// The names that it imports or hands on, and the paths behind them.
    aliases: BTreeMap<String, Vec<String>>,
    /// The modules of which it imports everything.
    globs: Vec<Vec<String>>,
    /// All that it names.
    named: BTreeSet<Vec<String>>,
}

/// A crate's files by their places.
#[derive(Default)]
struct Files(BTreeMap<Place, Words>);

type Edges<'a> = BTreeMap<&'a Place, BTreeSet<&'a Place>>;

impl Files {
    /// This file, and all that are below it.
    fn read(&mut self, path: &Path, place: Place) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let folder = path.parent().expect("a folder").to_owned();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let below = if ["mod", "lib", "main"].contains(&name) { folder.clone() } else { folder.join(name) };
        for item in &parsed.items {
            let syn::Item::Mod(module) = item else { continue };
            if module.content.is_some() || is_for_tests(&module.attrs) {
                continue;
            }
            let child = module.ident.to_string();
            let plain = below.join(format!("{child}.rs"));
            let usual = if plain.is_file() { plain } else { below.join(&child).join("mod.rs") };
            let at = elsewhere(&module.attrs).map_or(usual, |at| folder.join(at));
            self.read(&at, [&place[..], &[child]].concat());
        }
        // A module's file belongs to the folder of what is below it.
        let folder = if below.is_dir() { below } else { folder };
        let mut words = Words { folder, ..Words::default() };
        words.visit_file(&parsed);
        self.0.insert(place, words);
    }

    /// The file that has what is named so in the module of this place; `None` where it is another crate's, or a variable.
    fn behind(&self, place: &[String], path: &[String], chain: u32) -> Option<&Place> {
        let (found, words) = self.0.get_key_value(place)?;
        let Some((first, rest)) = path.split_first() else { return Some(found) };
        match first.as_str() {
            "crate" => return self.behind(&[], rest, chain),
            "self" => return self.behind(place, rest, chain),
            "super" => return self.behind(place.split_last()?.1, rest, chain),
            _ => {}
        }
        let child = [place, std::slice::from_ref(first)].concat();
        let (is_item, is_child) = (words.items.contains(first), self.0.contains_key(&child));
        if is_child && !(is_item && rest.is_empty()) {
            return self.behind(&child, rest, chain);
        }
        if is_item {
            return Some(found);
        }
        if chain == CHAIN {
            return None;
        }
        if let Some(alias) = words.aliases.get(first) {
            return self.behind(place, &[&alias[..], rest].concat(), chain + 1);
        }
        words.globs.iter().find_map(|glob| {
            let there = self.behind(place, glob, chain + 1)?;
            (there != found).then(|| self.behind(there, path, chain + 1)).flatten()
        })
    }

    /// Whose items each file names.
    fn edges(&self) -> Edges<'_> {
        let named = |place: &'_ Place, words: &'_ Words| {
            let puts_together =
                |other: &Place| other.split_last().is_some_and(|(_, parent)| parent == *place);
            let found = words.named.iter().filter_map(|path| self.behind(place, path, 0));
            found.filter(|other| *other != place && !puts_together(other)).collect()
        };
        self.0.iter().map(|(place, words)| (place, named(place, words))).collect()
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    let is_it = |one: &syn::Attribute| {
        let list = one.path().is_ident("cfg").then(|| one.meta.require_list().ok()).flatten();
        list.is_some_and(|list| list.tokens.to_string().starts_with("test")) || one.path().is_ident("test")
    };
    attributes.iter().any(is_it)
}

/// Where a module says that its file is.
fn elsewhere(attributes: &[syn::Attribute]) -> Option<String> {
    let said = attributes.iter().find(|one| one.path().is_ident("path"))?;
    match &said.meta.require_name_value().ok()?.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl Words {
    fn import(&mut self, tree: &syn::UseTree, before: &[String], is_handed_on: bool) {
        let (name, known_as) = match tree {
            syn::UseTree::Path(path) => {
                let before = [before, &[path.ident.to_string()]].concat();
                return self.import(&path.tree, &before, is_handed_on);
            }
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|one| self.import(one, before, is_handed_on));
            }
            syn::UseTree::Glob(_) => return self.globs.push(before.to_vec()),
            syn::UseTree::Name(name) => (&name.ident, &name.ident),
            syn::UseTree::Rename(name) => (&name.ident, &name.rename),
        };
        let is_module = name == "self";
        let path = if is_module { before.to_vec() } else { [before, &[name.to_string()]].concat() };
        let known_as = if known_as == "self" { before.last().cloned() } else { Some(known_as.to_string()) };
        if !is_handed_on {
            self.named.insert(path.clone());
        }
        // `use colmeia;` names a crate, and not itself.
        self.aliases
            .extend(known_as.filter(|known_as| path != [known_as.clone()]).map(|known_as| (known_as, path)));
    }

    /// A small name by itself may be a variable's.
    fn name(&mut self, path: Vec<String>) {
        if path.len() > 1 || path[0].starts_with(char::is_uppercase) {
            self.named.insert(path);
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        let mut end = |path: &mut Vec<String>| {
            if !path.is_empty() {
                self.name(std::mem::take(path));
            }
        };
        let mut inside = Vec::new();
        for tree in tokens {
            match tree {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    end(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        inside.push(group.stream());
                    }
                }
            }
        }
        end(&mut path);
        inside.into_iter().for_each(|tokens| self.tokens(tokens));
    }
}

impl<'ast> Visit<'ast> for Words {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = match item {
            syn::Item::Use(one) => {
                if !is_for_tests(&one.attrs) {
                    self.import(&one.tree, &[], !matches!(one.vis, syn::Visibility::Inherited));
                }
                return;
            }
            syn::Item::Mod(one) => (&one.attrs, None),
            syn::Item::Impl(one) => (&one.attrs, None),
            syn::Item::Fn(one) => (&one.attrs, Some(&one.sig.ident)),
            syn::Item::Struct(one) => (&one.attrs, Some(&one.ident)),
            syn::Item::Enum(one) => (&one.attrs, Some(&one.ident)),
            syn::Item::Trait(one) => (&one.attrs, Some(&one.ident)),
            syn::Item::Type(one) => (&one.attrs, Some(&one.ident)),
            syn::Item::Const(one) => (&one.attrs, Some(&one.ident)),
            syn::Item::Static(one) => (&one.attrs, Some(&one.ident)),
            syn::Item::Macro(one) => (&one.attrs, one.ident.as_ref()),
            _ => panic!("an item of a kind that this test does not know"),
        };
        if !is_for_tests(attributes) {
            self.items.extend(name.map(ToString::to_string));
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.name(segments(path));
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func {
            self.named.insert(segments(&path.path));
        }
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.named.insert(segments(&call.path));
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

/// The circles: files that lead to each other.
fn circles<'a>(edges: &Edges<'a>) -> BTreeSet<BTreeSet<&'a Place>> {
    let reached: Edges<'a> = edges
        .keys()
        .map(|from| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![*from]);
            while let Some(place) = next.pop() {
                next.extend(edges[place].iter().filter(|one| seen.insert(**one)));
            }
            (*from, seen)
        })
        .collect();
    let of = |place: &'a Place| {
        reached[place].iter().copied().filter(|one| reached[*one].contains(place)).collect()
    };
    reached.keys().map(|place| of(place)).filter(|circle: &BTreeSet<_>| circle.len() > 1).collect()
}

/// What is wrong in the crate that begins in this file, in words.
fn wrong(root: &Path) -> Vec<String> {
    let mut files = Files::default();
    files.read(root, Vec::new());
    let edges = files.edges();
    let is_wrong = |circle: &BTreeSet<&Place>| {
        let folders: BTreeSet<_> = circle.iter().map(|place| &files.0[*place].folder).collect();
        circle.len() > 2 || folders.len() > 1
    };
    let said = |circle: BTreeSet<&Place>| {
        let among = |place: &Place| {
            edges[place]
                .iter()
                .filter(|one| circle.contains(*one))
                .map(|one| one.join("::"))
                .collect::<Vec<_>>()
        };
        let lines =
            circle.iter().map(|place| format!("  {} names {}", place.join("::"), among(place).join(", ")));
        format!("{}:\n{}", root.display(), lines.collect::<Vec<_>>().join("\n"))
    };
    circles(&edges).into_iter().filter(is_wrong).map(said).collect()
}

#[test]
fn no_more_than_two_files_name_each_other_and_none_across_folders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table =
        fs::read_to_string(root.join("Cargo.toml")).expect("a manifest").parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("members");
    let folders = members.iter().map(|member| member.as_str().expect("a folder")).chain(["."]);
    let roots: Vec<PathBuf> = folders
        .flat_map(|folder| ["src/lib.rs", "src/main.rs"].map(|file| root.join(folder).join(file)))
        .filter(|file| file.is_file())
        .collect();
    assert!(roots.len() > 15, "{roots:?}");
    let wrong: Vec<String> = roots.iter().flat_map(|root| wrong(root)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The circles of a crate with these files, as places.
fn drawn(files: &[(&str, &str)]) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    wrong(&folder.path().join("lib.rs")).len()
}

#[test]
fn a_circle_is_seen_whatever_hands_it_on() {
    let root = ("lib.rs", "mod a; mod b; mod c; pub use b::B; use c::C; struct Here(a::A);");
    let (b, c) = (("b.rs", "pub struct B(crate::c::C);"), ("c.rs", "use super::a::A; pub struct C(A);"));
    assert_eq!(drawn(&[root, ("a.rs", "pub struct A;"), b, c]), 0);
    for closes in [
        "use crate::B; pub struct A(B);",
        "use super::*; pub struct A(B);",
        "pub struct A; fn f() { println!(\"{}\", crate::b::B::new()) }",
        "pub struct A; impl A { fn f(&self) -> super::B { todo!() } }",
    ] {
        assert_eq!(drawn(&[root, ("a.rs", closes), b, c]), 1, "{closes}");
    }
    let only_tests = "pub struct A; #[cfg(test)] mod tests { use crate::B; }";
    assert_eq!(drawn(&[root, ("a.rs", only_tests), b, c]), 0);
}

#[test]
fn two_may_name_each_other_in_one_folder_only() {
    let two = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub struct A(crate::b::B);"),
        ("b.rs", "pub struct B(crate::a::A);"),
    ];
    assert_eq!(drawn(&two), 0);
    let apart = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod inner; pub use inner::A;"),
        ("a/inner.rs", "pub struct A(crate::b::B);"),
        ("b.rs", "pub struct B(crate::a::A);"),
    ];
    assert_eq!(drawn(&apart), 1);
}
