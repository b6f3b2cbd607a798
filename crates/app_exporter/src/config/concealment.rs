//! Values of variables, replaced by their names in messages: `${NAME}` may stand for a secret in any key.

/// The variables that a configuration mentions, with their values.
#[derive(Default)]
pub(crate) struct Concealment(Vec<(String, String)>);

/// A value with fewer bytes is replaced only where a message quotes it as a whole: it is in many words.
const SHORTEST: usize = 4;

impl Concealment {
    /// Finds the variables in the texts of a configuration.
    pub(crate) fn new<'t>(
        texts: impl Iterator<Item = &'t str>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut all: Vec<(String, String)> = Vec::new();
        for text in texts {
            for after in text.split("${").skip(1) {
                let name = after.split_once('}').map_or("", |(name, _)| name);
                if all.iter().any(|(known, _)| known == name) {
                    continue;
                }
                if let Some(value) = variable(name).filter(|value| !value.trim().is_empty()) {
                    all.push((name.to_owned(), value));
                }
            }
        }
        // Longest first: a value that is part of another would leave the rest of it.
        all.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        Self(all)
    }

    /// Replaces values by the names of their variables.
    pub(crate) fn conceal(&self, message: &str) -> String {
        self.0
            .iter()
            .fold(message.to_owned(), |message, (name, value)| {
                let name = format!("${{{name}}}");
                [
                    value.as_str(),
                    value.trim(),
                    &value.escape_debug().to_string(),
                ]
                .iter()
                .fold(message, |message, value| match value.len() {
                    SHORTEST.. => message.replace(value, &name),
                    _ => message.replace(&format!("`{value}`"), &format!("`{name}`")),
                })
            })
    }
}

impl std::fmt::Debug for Concealment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_by_the_names_of_their_variables() {
        let variable = |name: &str| match name {
            "TOKEN" => Some("hunter2".to_owned()),
            "LONG" => Some("hunter2-and-more".to_owned()),
            "SHORT" => Some("80".to_owned()),
            "LINES" => Some("two\nlines".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let text = "a: ${TOKEN} ${LONG}${SHORT}\nb: '${EMPTY} ${NOT_SET} ${LINES} ${'";
        let concealment = Concealment::new([text].into_iter(), &variable);
        for (message, expected) in [
            ("`hunter2` is not a number", "`${TOKEN}` is not a number"),
            ("`xhunter2-and-more`", "`x${LONG}`"),
            ("`80` is not in 1 to 800", "`${SHORT}` is not in 1 to 800"),
            ("`two\\nlines`, two\nlines", "`${LINES}`, ${LINES}"),
            ("``", "``"),
        ] {
            assert_eq!(concealment.conceal(message), expected);
        }
        assert!(!format!("{concealment:?}").contains("hunter2"));
    }
}
