//! The imports and names of one Rust file, read from its tokens; tests are left out.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A file's names and imports.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Names defined, each with the inline module around it.
    pub(super) names: Vec<(Vec<String>, String)>,
    /// Modules in files of their own.
    pub(super) modules: Vec<Module>,
    pub(super) uses: Vec<Use>,
    /// Paths outside of `use`, with two segments at least.
    pub(super) paths: Vec<Path>,
    /// Identifiers outside of `use`.
    pub(super) words: HashSet<String>,
}

/// `mod name;`
#[derive(Debug)]
pub(super) struct Module {
    pub(super) inside: Vec<String>,
    pub(super) name: String,
    /// The file of `#[path = "…"]`.
    pub(super) path: Option<String>,
    /// True for `pub` alone, which users see.
    pub(super) is_shown: bool,
}

/// One leaf of a `use` tree.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) path: Path,
    /// The name it has here; `*` for a glob.
    pub(super) name: String,
    /// True for `pub`, `pub(crate)` and the like.
    pub(super) is_public: bool,
    /// True for `pub` alone, which users see.
    pub(super) is_shown: bool,
}

/// A path as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// The inline module it stands in.
    pub(super) inside: Vec<String>,
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

impl File {
    /// Reads `text`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let tokens: TokenStream = text
            .parse()
            .map_err(|err| format!("cannot read the file as Rust: {err}"))?;
        let mut file = Self::default();
        file.walk(tokens, &[], true);
        Ok(file)
    }

    /// Reads one block; `items` says that names in it belong to the module `inside`.
    fn walk(&mut self, tokens: TokenStream, inside: &[String], items: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut path_attribute = None;
        while let Some(token) = tokens.get(at) {
            if is_punct(Some(token), '#') {
                let inner = is_punct(tokens.get(at + 1), '!');
                if let Some(TokenTree::Group(group)) = tokens.get(at + 1 + usize::from(inner))
                    && group.delimiter() == Delimiter::Bracket
                {
                    if is_for_tests(group) {
                        if inner {
                            return;
                        }
                        at = end_of_item(&tokens, at + 2);
                        continue;
                    }
                    path_attribute = path_of(group).or(path_attribute);
                    at += 2 + usize::from(inner);
                    continue;
                }
            }
            match token {
                TokenTree::Ident(ident) => {
                    let word = ident.to_string();
                    match word.as_str() {
                        // `use<'a>` of a type that captures a lifetime imports nothing.
                        "use" if !is_punct(tokens.get(at + 1), '<') => {
                            let end = end_of_item(&tokens, at + 1);
                            let tree = tokens.get(at + 1..end).unwrap_or_default();
                            let seen = (is_public(&tokens, at), is_shown(&tokens, at));
                            self.uses(tree, inside, &[], seen);
                            at = end;
                            continue;
                        }
                        "mod" if items => {
                            at += 1 + self.module(&tokens, at, inside, path_attribute.take());
                            continue;
                        }
                        _ => {}
                    }
                    if items {
                        self.name(&word, &tokens, at, inside);
                    }
                    let length = self.path(&tokens, at, inside);
                    at += length.max(1);
                    continue;
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream(), inside, false);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    /// Records `mod name;`, or reads `mod name { … }`. Returns how many tokens that takes after `mod`.
    fn module(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        inside: &[String],
        path: Option<String>,
    ) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else {
            return 0;
        };
        let name = name.to_string();
        if let Some(TokenTree::Group(group)) = tokens.get(at + 2) {
            self.names.push((inside.to_vec(), name.clone()));
            let mut inside = inside.to_vec();
            inside.push(name);
            self.walk(group.stream(), &inside, true);
        } else {
            self.modules.push(Module {
                inside: inside.to_vec(),
                name,
                path,
                is_shown: is_shown(tokens, at),
            });
        }
        2
    }

    /// Records the name that the keyword at `at` defines, if it does.
    fn name(&mut self, keyword: &str, tokens: &[TokenTree], at: usize, inside: &[String]) {
        let name = match keyword {
            "struct" | "enum" | "union" | "trait" | "fn" | "type" | "const" | "static" => {
                tokens.get(at + 1)
            }
            "macro_rules" => tokens.get(at + 2),
            _ => None,
        };
        if let Some(TokenTree::Ident(name)) = name {
            self.names.push((inside.to_vec(), name.to_string()));
        }
    }

    /// Records the word at `at`, or the path that begins there. Returns how many tokens it has.
    fn path(&mut self, tokens: &[TokenTree], at: usize, inside: &[String]) -> usize {
        let mut segments = Vec::new();
        let mut next = at;
        let mut line = 0;
        while let Some(TokenTree::Ident(ident)) = tokens.get(next) {
            if segments.is_empty() {
                line = ident.span().start().line;
            }
            segments.push(ident.to_string());
            next += 1;
            if !is_separator(tokens, next) {
                break;
            }
            next += 2;
        }
        self.words.extend(segments.iter().cloned());
        // What follows a separator was part of a path that began with something else: `<T as A>::b`.
        let continues = at >= 2 && is_separator(tokens, at - 2);
        if segments.len() > 1 && !continues {
            self.paths.push(Path {
                inside: inside.to_vec(),
                segments,
                line,
            });
        }
        next - at
    }

    /// Records the leaves of a `use` tree below `before`.
    fn uses(
        &mut self,
        tree: &[TokenTree],
        inside: &[String],
        before: &[String],
        seen: (bool, bool),
    ) {
        for branch in tree.split(|token| is_punct(Some(token), ',')) {
            let mut segments = before.to_vec();
            let mut line = 0;
            let mut name = None;
            let mut tokens = branch.iter().peekable();
            let mut leaf = false;
            while let Some(token) = tokens.next() {
                match token {
                    TokenTree::Ident(ident) if ident == "as" => {
                        name = tokens.next().map(ToString::to_string);
                    }
                    TokenTree::Ident(ident) => {
                        line = ident.span().start().line;
                        leaf = true;
                        if ident != "self" || segments.is_empty() {
                            segments.push(ident.to_string());
                        }
                    }
                    TokenTree::Punct(punct) if punct.as_char() == '*' => {
                        line = punct.span().start().line;
                        leaf = true;
                        name = Some("*".to_owned());
                    }
                    TokenTree::Group(group) => {
                        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                        self.uses(&inner, inside, &segments, seen);
                        leaf = false;
                    }
                    _ => {}
                }
            }
            if leaf {
                let last = segments.last().cloned().unwrap_or_default();
                self.uses.push(Use {
                    name: name.unwrap_or(last),
                    path: Path {
                        inside: inside.to_vec(),
                        segments,
                        line,
                    },
                    is_public: seen.0,
                    is_shown: seen.1,
                });
            }
        }
    }
}

/// Returns whether `pub` alone stands before the token at `at`.
fn is_shown(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    matches!(before, Some(TokenTree::Ident(ident)) if ident == "pub")
}

/// Returns whether `pub`, `pub(crate)` or the like stands before the token at `at`.
pub(super) fn is_public(tokens: &[TokenTree], at: usize) -> bool {
    let before = |distance| at.checked_sub(distance).and_then(|at| tokens.get(at));
    let is_pub = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(ident)) if ident == "pub");
    is_pub(before(1)) || (matches!(before(1), Some(TokenTree::Group(_))) && is_pub(before(2)))
}

pub(super) fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

/// Returns whether `::` stands at `at`.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

/// The index after the item that begins at `at`: after its `;` or its braces.
pub(super) fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let is_use = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == "use");
    // The braces of a `use` are not its end.
    let mut in_use = at > 0 && tokens.get(at - 1).is_some_and(is_use);
    for (index, token) in tokens.iter().enumerate().skip(at) {
        // `use<'a>` of a type that captures a lifetime is none.
        in_use |= is_use(token) && !is_punct(tokens.get(index + 1), '<');
        let ends = match token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !in_use,
            _ => false,
        };
        if ends {
            return index + 1;
        }
    }
    tokens.len()
}

/// Returns whether the attribute is a `cfg` that only tests fulfil.
pub(super) fn is_for_tests(attribute: &Group) -> bool {
    let mut tokens = attribute.stream().into_iter();
    let name = tokens.next().map(|token| token.to_string());
    let is_test = |stream: TokenStream| {
        let mut words = stream.into_iter().map(|token| token.to_string());
        match words.next().as_deref() {
            Some("test") => words.next().is_none(),
            Some("all") => words.any(|rest| {
                let words = rest.trim_matches(['(', ')']).split(',');
                words.map(str::trim).any(|word| word == "test")
            }),
            _ => false,
        }
    };
    match (name.as_deref(), tokens.next()) {
        (Some("cfg"), Some(TokenTree::Group(group))) => is_test(group.stream()),
        (Some("test"), None) => true,
        _ => false,
    }
}

/// Returns whether the attribute is `doc(hidden)`.
pub(super) fn hides(attribute: &Group) -> bool {
    attribute.stream().to_string().replace(' ', "") == "doc(hidden)"
}

/// The file that `#[path = "…"]` names.
fn path_of(attribute: &Group) -> Option<String> {
    let mut tokens = attribute.stream().into_iter();
    if tokens.next()?.to_string() != "path" {
        return None;
    }
    let value = tokens.nth(1)?.to_string();
    Some(value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<(String, String, bool)> {
        let file = File::read(text).unwrap();
        let leaves = file.uses.into_iter();
        leaves
            .map(|leaf| (leaf.path.segments.join("::"), leaf.name, leaf.is_public))
            .collect()
    }

    #[test]
    fn a_use_tree_is_read_leaf_by_leaf() {
        let text = "pub(crate) use a::{self, b::C as D, e::*};\nuse f;";
        let expected = [
            ("a", "a", true),
            ("a::b::C", "D", true),
            ("a::e", "*", true),
            ("f", "f", false),
        ];
        let expected = expected.map(|(path, name, public)| (path.into(), name.into(), public));
        assert_eq!(leaves(text), expected);
    }

    #[test]
    fn paths_in_code_and_in_macros_are_seen_with_their_lines() {
        let text =
            "fn f() {\n  crate::a::B::new();\n  print!(\"{}\", super::c::D);\n  <T as A>::b;\n}";
        let file = File::read(text).unwrap();
        let paths = file.paths.iter().map(|p| (p.segments.join("::"), p.line));
        assert_eq!(
            paths.collect::<Vec<_>>(),
            [
                ("crate::a::B::new".to_owned(), 2),
                ("super::c::D".to_owned(), 3)
            ]
        );
    }

    #[test]
    fn comments_strings_and_tests_import_nothing() {
        let text = "// use crate::a::B;\n/// use crate::a::B;\nconst X: &str = \"use crate::a::B;\";\n\
                    #[cfg(test)]\nmod tests { use crate::a::B; }\n#[cfg(all(test, unix))] use crate::a::B;\n\
                    #[test]\nfn t() { crate::a::b(); }\nuse crate::c::D;";
        assert_eq!(leaves(text).len(), 1);
        assert_eq!(File::read(text).unwrap().paths.len(), 0);
        let whole = "#![cfg(test)]\nuse crate::a::B;";
        assert_eq!(leaves(whole).len(), 0);
    }

    #[test]
    fn names_are_those_of_the_module_and_not_of_bodies() {
        let text = "pub struct A; fn b() { struct No; } impl A { fn no() {} }\n\
                    mod c { pub enum D {} }\nmod e;\n#[path = \"other.rs\"]\nmod f;\nmacro_rules! g { () => {} }";
        let file = File::read(text).unwrap();
        let names: Vec<String> = file
            .names
            .iter()
            .map(|(inside, name)| format!("{}/{name}", inside.join("::")))
            .collect();
        assert_eq!(names, ["/A", "/b", "/c", "c/D", "/g"]);
        let modules = file.modules.iter().map(|m| (&*m.name, m.path.as_deref()));
        assert_eq!(
            modules.collect::<Vec<_>>(),
            [("e", None), ("f", Some("other.rs"))]
        );
    }
}
