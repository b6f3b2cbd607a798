//! One item of Rust source, as tokens: its attributes, keyword, name, header and body.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::checks::rust::{end_of_item, hides, is_for_tests, is_public, is_punct};

/// One item: where its parts stand among the tokens of its block.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) attributes: Vec<String>,
    /// The first token after the attributes.
    pub(super) start: usize,
    /// After the header: before `{`, `;`, or the `=` of a constant.
    pub(super) header_end: usize,
    /// After the item.
    pub(super) end: usize,
    pub(super) keyword: Option<String>,
    pub(super) name: Option<String>,
    /// For tests, or for no reader.
    pub(super) hidden: bool,
}

impl Item {
    pub(super) fn at(tokens: &[TokenTree], at: usize) -> Self {
        let mut item = Self::default();
        let mut next = at;
        while is_punct(tokens.get(next), '#') {
            next += 1 + usize::from(is_punct(tokens.get(next + 1), '!'));
            if let Some(TokenTree::Group(group)) = tokens.get(next) {
                item.hidden |= is_for_tests(group) || hides(group);
                item.attributes.push(squeezed(group));
            }
            next += 1;
        }
        item.start = next;
        item.end = end_of_item(tokens, next);
        item.header_end = item.end;
        while next < item.end {
            match tokens.get(next) {
                Some(TokenTree::Ident(ident)) => {
                    let word = ident.to_string();
                    let is_modifier = matches!(
                        word.as_str(),
                        "pub" | "unsafe" | "async" | "extern" | "default" | "crate"
                    ) || (word == "const" && is_fn(tokens, next + 1));
                    if !is_modifier {
                        let name = if word == "macro_rules" {
                            next + 2
                        } else {
                            next + 1
                        };
                        item.name = match tokens.get(name) {
                            Some(TokenTree::Ident(name)) => Some(name.to_string()),
                            _ => None,
                        };
                        item.keyword = Some(word);
                        break;
                    }
                }
                // `pub(crate)`, `extern "C"`
                Some(TokenTree::Group(_) | TokenTree::Literal(_)) => {}
                _ => break,
            }
            next += 1;
        }
        let is_value = matches!(item.keyword.as_deref(), Some("const" | "static"));
        for (index, token) in tokens.iter().enumerate().take(item.end).skip(next) {
            let ends = match token {
                TokenTree::Group(group) => {
                    group.delimiter() == Delimiter::Brace && index + 1 == item.end
                }
                TokenTree::Punct(punct) => {
                    punct.as_char() == ';' || (is_value && punct.as_char() == '=')
                }
                _ => false,
            };
            if ends {
                item.header_end = index;
                break;
            }
        }
        item
    }

    /// The braces of the item.
    pub(super) fn body<'a>(&self, tokens: &'a [TokenTree]) -> Option<&'a Group> {
        match tokens.get(self.header_end) {
            Some(TokenTree::Group(group)) => Some(group),
            _ => None,
        }
    }

    /// Ends the header of a tuple struct before its fields, and returns these.
    pub(super) fn take_fields(&mut self, tokens: &[TokenTree], keyword: &str) -> Option<Group> {
        if keyword != "struct" || self.body(tokens).is_some() {
            return None;
        }
        let last = self.header_end.checked_sub(1)?;
        match tokens.get(last) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
                self.header_end = last;
                Some(group.clone())
            }
            _ => None,
        }
    }
}

/// Returns whether the item whose first token after its attributes is at `start` is `pub`, without limits.
pub(super) fn is_public_at(tokens: &[TokenTree], start: usize) -> bool {
    matches!(tokens.get(start), Some(TokenTree::Ident(ident)) if ident == "pub")
        && !matches!(tokens.get(start + 1), Some(TokenTree::Group(group)) if is_limit(group))
        && is_public(tokens, start + 1)
}

/// Returns whether a group after `pub` limits it: `(crate)`, and not the type of a tuple's field.
fn is_limit(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    let is_word = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if ["crate", "super", "self", "in"].iter().any(|w| word == w));
    group.delimiter() == Delimiter::Parenthesis && first.is_some_and(|token| is_word(&token))
}

fn is_fn(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Ident(ident)) if ident == "fn" || ident == "unsafe" || ident == "async")
}

fn squeezed(group: &Group) -> String {
    let text = group.stream().to_string();
    text.replace(" ,", ",")
        .replace(" (", "(")
        .replace("( ", "(")
        .replace(" )", ")")
}

pub(super) fn after_attributes(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    while is_punct(tokens.get(at), '#') {
        at += 2;
    }
    at
}

pub(super) fn variant_is_hidden(tokens: &[TokenTree]) -> bool {
    tokens
        .iter()
        .take(after_attributes(tokens))
        .any(|token| match token {
            TokenTree::Group(group) => hides(group),
            _ => false,
        })
}

/// The parts between the commas that no angle bracket holds.
pub(super) fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    let mut depth = 0_i32;
    let mut after_dash = false;
    for token in tokens {
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                '<' => depth += 1,
                '>' if !after_dash => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            after_dash = matches!(punct.as_char(), '-' | '=');
        } else {
            after_dash = false;
        }
        if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The names of the trait, if there is one, and of the type in the header of an `impl`.
pub(super) fn subjects(header: &[TokenTree]) -> (Option<String>, Option<String>) {
    let mut depth = 0_i32;
    let mut after_dash = false;
    let mut before_for = None;
    let mut last = None;
    for (index, token) in header.iter().enumerate() {
        match token {
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    '<' => depth += 1,
                    '>' if !after_dash => depth -= 1,
                    _ => {}
                }
                after_dash = matches!(punct.as_char(), '-' | '=');
            }
            TokenTree::Ident(word) if depth == 0 => {
                after_dash = false;
                if word == "where" {
                    break;
                }
                if word == "for" && !is_punct(header.get(index + 1), '<') {
                    before_for = last.take();
                } else if word != "impl" && word != "unsafe" && word != "dyn" && word != "mut" {
                    last = Some(word.to_string());
                }
            }
            _ => after_dash = false,
        }
    }
    (before_for, last)
}

/// The text of the tokens from `start` to before `end`, in one line.
pub(super) fn one_line(text: &str, tokens: &[TokenTree], start: usize, end: usize) -> String {
    let Some(tokens) = tokens.get(start..end) else {
        return String::new();
    };
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return String::new();
    };
    let range = first.span().byte_range().start..last.span().byte_range().end;
    let text = text.get(range).unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let joined = words.join(" ");
    joined
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(",)", ")")
        .replace("< ", "<")
        .replace(", >", ">")
        .replace(", }", " }")
}
