//! Public API of each published crate as a listing, so that no change of it goes unseen.
//!
//! The listing is read from the source: signatures, public fields, variants and implementations of everything that
//! `lib.rs` shows, with all features. Items that a macro writes are listed as the call of that macro.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use regex::Regex;

use crate::checks::finding::Finding;
use crate::checks::item::{
    Item, after_attributes, is_public_at, one_line, split, subjects, variant_is_hidden,
};
use crate::checks::modules::{Modules, Shown};
use crate::checks::rust::is_punct;

/// The published crates, folders of `crates/`.
const CRATES: &[&str] = &["exporter-kit", "structural-gzip"];

/// The listing, in the folder of its crate.
const LISTING: &str = "public-api.txt";

/// The variable that has a check write what it compares with.
const UPDATE: &str = "UPDATE_GOLDEN";

static TEXT: LazyLock<Regex> = LazyLock::new(|| {
    let text = r#""(?:[^"\\]|\\.)*""#;
    Regex::new(text).unwrap_or_else(|err| unreachable!("the pattern is constant: {err}"))
});

/// The module that is there in the documentation alone.
const DOCS: &str = "docs";

/// Lines of a listing that are new or gone. With `UPDATE_GOLDEN=1` the files are written.
pub(super) fn api(root: &Path) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for name in CRATES {
        let file = Path::new("crates").join(name).join(LISTING);
        let now = listing(&root.join("crates").join(name).join("src/lib.rs"), name)?;
        if std::env::var_os(UPDATE).is_some() {
            let text: String = now.iter().map(|line| format!("{line}\n")).collect();
            let failed = |err| format!("cannot write `{}`: {err}", file.display());
            fs::write(root.join(&file), text).map_err(failed)?;
            continue;
        }
        let before = fs::read_to_string(root.join(&file)).unwrap_or_default();
        findings.extend(differences(&file, &before, &now));
    }
    Ok(findings)
}

fn differences(file: &Path, before: &str, now: &BTreeSet<String>) -> Vec<Finding> {
    let before: BTreeSet<&str> = before.lines().collect();
    let finding = |line: usize, message: String| Finding {
        file: file.to_owned(),
        line,
        message,
    };
    let gone = before
        .iter()
        .enumerate()
        .filter(|(_, line)| !now.contains(**line));
    let mut findings: Vec<Finding> = gone
        .map(|(index, line)| finding(index + 1, format!("gone: {line}")))
        .collect();
    let new = now.iter().filter(|line| !before.contains(line.as_str()));
    findings.extend(new.map(|line| finding(1, format!("new: {line}"))));
    if !findings.is_empty() {
        let remedy =
            format!("if that is meant, run `{UPDATE}=1 cargo xtask check api` and commit the file");
        findings.push(finding(1, remedy));
    }
    findings
}

/// The lines of the listing of the package `package`, whose root file is `root`.
fn listing(root: &Path, package: &str) -> Result<BTreeSet<String>, String> {
    let name = package.replace('-', "_");
    let modules = Modules::read(root)?;
    let shown = modules.shown(&name);
    let mut lines = BTreeSet::new();
    for (index, (file, module, text)) in modules.texts().enumerate() {
        if module.first().is_some_and(|module| module == DOCS) {
            continue;
        }
        let tokens: TokenStream = text
            .parse()
            .map_err(|err| format!("{}: cannot read the file as Rust: {err}", file.display()))?;
        let mut reader = Reader {
            text,
            modules: &modules,
            shown: &shown,
            name: &name,
            file: index,
            lines: &mut lines,
        };
        reader.items(tokens, module);
    }
    Ok(lines)
}

struct Reader<'a> {
    text: &'a str,
    modules: &'a Modules,
    shown: &'a Shown,
    /// The crate's name.
    name: &'a str,
    file: usize,
    lines: &'a mut BTreeSet<String>,
}

impl Reader<'_> {
    /// Reads the items of a block that is the module `module`.
    fn items(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let item = Item::at(&tokens, at);
            at = item.end.max(at + 1);
            if !item.hidden {
                self.item(&tokens, &item, module);
            }
        }
    }

    fn item(&mut self, tokens: &[TokenTree], item: &Item, module: &[String]) {
        let Some(keyword) = item.keyword.as_deref() else {
            return;
        };
        if self.calls_own_macro(tokens, item) {
            let call = self.call(tokens, item);
            let module = std::iter::once(self.name).chain(module.iter().map(String::as_str));
            let module: Vec<&str> = module.collect();
            self.lines.insert(format!("{}: {call}", module.join("::")));
            return;
        }
        match keyword {
            "mod" => {
                if let (Some(name), Some(body)) = (&item.name, item.body(tokens)) {
                    let mut module = module.to_vec();
                    module.push(name.clone());
                    self.items(body.stream(), &module);
                }
            }
            "impl" => self.implementation(tokens, item, module),
            "macro_rules" => {
                if let Some(name) = &item.name
                    && item
                        .attributes
                        .iter()
                        .any(|attribute| attribute == "macro_export")
                {
                    self.lines.insert(format!("{}::{name}!", self.name));
                }
            }
            _ => {
                let Some(name) = &item.name else { return };
                let Some(path) = self.shown.get(&(self.file, name.clone())).cloned() else {
                    return;
                };
                if is_public_at(tokens, item.start) {
                    self.definition(tokens, item, keyword, &path);
                }
            }
        }
    }

    /// Returns whether the item is the call of a macro that this file defines.
    fn calls_own_macro(&self, tokens: &[TokenTree], item: &Item) -> bool {
        let Some(name) = &item.keyword else {
            return false;
        };
        let defined = format!("macro_rules! {name}");
        name != "macro_rules"
            && is_punct(tokens.get(item.start + 1), '!')
            && self.text.contains(&defined)
    }

    /// The call of a macro without its texts: a message is not a part of the API.
    fn call(&self, tokens: &[TokenTree], item: &Item) -> String {
        let call = self.slice(tokens, item.start, item.end);
        TEXT.replace_all(&call, "\"…\"").into_owned()
    }

    fn definition(&mut self, tokens: &[TokenTree], item: &Item, keyword: &str, path: &str) {
        let notes = item.attributes.iter().filter(|attribute| {
            attribute.starts_with("derive") || attribute.starts_with("non_exhaustive")
        });
        let notes: String = notes.map(|note| format!("#[{note}] ")).collect();
        let mut header = item.clone();
        let fields = header.take_fields(tokens, keyword);
        let text = self.slice(tokens, header.start, header.header_end);
        let mut shown = text;
        if let Some(fields) = &fields
            && fields.delimiter() == Delimiter::Parenthesis
        {
            let all = split(fields.stream());
            let fields: Vec<String> = all.iter().map(|field| self.field(field)).collect();
            shown.push_str(&format!("({})", fields.join(", ")));
        }
        self.lines.insert(format!("{path}: {notes}{shown}"));
        match (keyword, item.body(tokens)) {
            ("struct" | "union", Some(body)) => {
                for field in split(body.stream()) {
                    let field = self.field(&field);
                    if field != "_" {
                        self.lines.insert(format!("{path}: field {field}"));
                    }
                }
            }
            ("enum", Some(body)) => {
                for variant in split(body.stream()) {
                    let start = after_attributes(&variant);
                    let text = self.slice(&variant, start, variant.len());
                    if !variant_is_hidden(&variant) {
                        self.lines.insert(format!("{path}: variant {text}"));
                    }
                }
            }
            ("trait", Some(body)) => self.members(body.stream(), path, "", true),
            _ => {}
        }
    }

    /// A field as users see it: `_` for one that is private.
    fn field(&self, field: &[TokenTree]) -> String {
        let start = after_attributes(field);
        if !is_public_at(field, start) {
            return "_".to_owned();
        }
        self.slice(field, start, field.len())
    }

    /// Lists an implementation of a trait, or the public members of an inherent one.
    fn implementation(&mut self, tokens: &[TokenTree], item: &Item, module: &[String]) {
        let header = self.slice(tokens, item.start, item.header_end);
        let words = tokens.get(item.start..item.header_end).unwrap_or_default();
        let (of_trait, of_type) = subjects(words);
        let path = |name: Option<String>| {
            let name = name?;
            let file = self.modules.file_of(module, std::slice::from_ref(&name))?;
            self.shown.get(&(file, name)).cloned()
        };
        let type_path = path(of_type);
        match of_trait {
            Some(of_trait) => {
                // A trait that is not ours, of a type that is, or the other way round.
                let own = self
                    .modules
                    .file_of(module, std::slice::from_ref(&of_trait))
                    .is_some();
                let trait_path = path(Some(of_trait));
                let owner = if own {
                    trait_path.clone().and(type_path.clone()).or(trait_path)
                } else {
                    type_path
                };
                if let Some(owner) = owner {
                    self.lines.insert(format!("{owner}: {header}"));
                }
            }
            None => {
                if let (Some(path), Some(body)) = (type_path, item.body(tokens)) {
                    let plain = words.len() == 2;
                    let prefix = if plain {
                        String::new()
                    } else {
                        format!("{header}: ")
                    };
                    self.members(body.stream(), &path, &prefix, false);
                }
            }
        }
    }

    /// Lists the members of a trait, all of them, or the public ones of an implementation.
    fn members(&mut self, tokens: TokenStream, path: &str, prefix: &str, all: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let item = Item::at(&tokens, at);
            at = item.end.max(at + 1);
            if item.keyword.is_none() || item.hidden || !(all || is_public_at(&tokens, item.start))
            {
                continue;
            }
            if self.calls_own_macro(&tokens, &item) {
                let call = self.call(&tokens, &item);
                self.lines.insert(format!("{path}: {prefix}{call}"));
                continue;
            }
            let provided = all && item.body(&tokens).is_some();
            let text = self.slice(&tokens, item.start, item.header_end);
            let provided = if provided { " { … }" } else { "" };
            self.lines
                .insert(format!("{path}: {prefix}{text}{provided}"));
        }
    }

    fn slice(&self, tokens: &[TokenTree], start: usize, end: usize) -> String {
        one_line(self.text, tokens, start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(files: &[(&str, &str)], name: &str) -> Vec<String> {
        let folder = std::env::temp_dir().join(format!("xtask-api-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
        let lines = listing(&folder.join("lib.rs"), "exporter-kit").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        lines.into_iter().collect()
    }

    #[test]
    fn only_what_users_can_name_is_listed() {
        let files = [
            (
                "lib.rs",
                "mod a; pub mod b; pub use a::{Shown, Other as Renamed}; pub use a::open;",
            ),
            (
                "a.rs",
                "/// Docs.\n#[derive(Debug, Clone)]\npub struct Shown<T> { pub field: Vec<(T, u8)>, private: u8 }\n\
                 pub struct Hidden; pub(crate) fn no() {}\npub fn open(\n    a: &str, // why\n    b: u8,\n) -> u8 { 1 }\n\
                 impl<T> Shown<T> { pub fn new() -> Self { todo() } fn no(&self) {} pub(crate) fn no2() {} }\n\
                 impl<T> Drop for Shown<T> { fn drop(&mut self) {} }\nimpl Hidden { pub fn no() {} }\n\
                 pub struct Other(pub u8, u16);\n#[cfg(test)] mod tests { pub fn no() {} }",
            ),
            (
                "b.rs",
                "pub enum E { A, B { c: u8 }, #[doc(hidden)] No }\npub trait T { const C: u8 = 1; fn a(&self); fn b(&self) {} }\n\
                 impl T for E { fn a(&self) {} }\npub const LIMIT: usize = 1;\npub type Alias = Vec<u8>;",
            ),
        ];
        let expected = [
            "exporter_kit::Renamed: pub struct Other(pub u8, _)",
            "exporter_kit::Shown: #[derive(Debug, Clone)] pub struct Shown<T>",
            "exporter_kit::Shown: field pub field: Vec<(T, u8)>",
            "exporter_kit::Shown: impl<T> Drop for Shown<T>",
            "exporter_kit::Shown: impl<T> Shown<T>: pub fn new() -> Self",
            "exporter_kit::b::Alias: pub type Alias = Vec<u8>",
            "exporter_kit::b::E: impl T for E",
            "exporter_kit::b::E: pub enum E",
            "exporter_kit::b::E: variant A",
            "exporter_kit::b::E: variant B { c: u8 }",
            "exporter_kit::b::LIMIT: pub const LIMIT: usize",
            "exporter_kit::b::T: const C: u8",
            "exporter_kit::b::T: fn a(&self)",
            "exporter_kit::b::T: fn b(&self) { … }",
            "exporter_kit::b::T: pub trait T",
            "exporter_kit::open: pub fn open(a: &str, b: u8) -> u8",
        ];
        assert_eq!(listed(&files, "shown"), expected);
    }

    #[test]
    fn a_change_is_named_with_the_remedy() {
        let file = Path::new("crates/a/public-api.txt");
        let now = BTreeSet::from(["a: pub fn a()".to_owned(), "b: pub fn b()".to_owned()]);
        assert_eq!(
            differences(file, "a: pub fn a()\nb: pub fn b()\n", &now),
            []
        );
        let found: Vec<String> = differences(file, "a: pub fn a()\nc: pub fn c()\n", &now)
            .iter()
            .map(ToString::to_string)
            .collect();
        let text = found.join("\n");
        assert!(
            text.contains("public-api.txt:2: gone: c: pub fn c()"),
            "{text}"
        );
        assert!(text.contains("new: b: pub fn b()"), "{text}");
        assert!(
            text.contains("UPDATE_GOLDEN=1 cargo xtask check api"),
            "{text}"
        );
    }
}
