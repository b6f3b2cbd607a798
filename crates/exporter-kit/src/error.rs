//! The `Debug` of public errors: what `fn main() -> Result<(), Box<dyn Error>>` prints when it fails.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// The limit of characters of a value in a message.
pub(crate) const MAX_QUOTED: usize = 200;

/// A value for a message, cut after [`MAX_QUOTED`] characters.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Writes an error and its causes as `Display` shows them, each cause once.
pub(crate) fn write_with_causes(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Many errors name their cause themselves.
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    f.write_str(&text)
}

/// Implements `Debug` of an error by its `Display` and those of its causes.
macro_rules! debug_by_display {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::error::write_with_causes(self, f)
            }
        }
    };
}
pub(crate) use debug_by_display;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{fs, io};

    use crate::{CollectError, Counter, Registry};

    #[test]
    fn a_main_that_fails_prints_the_remedy() {
        let error = Registry::new()
            .counter("requests", "Requests.")
            .unwrap_err();
        let boxed: Box<dyn std::error::Error> = error.into();
        assert_eq!(
            format!("{boxed:?}"),
            "name `requests`: a counter's name ends in `_total`; append it"
        );
    }

    #[test]
    fn every_error_shows_its_display() {
        fn visit(folder: &Path, check: &mut impl FnMut(&Path, &str)) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    visit(&path, check);
                } else {
                    check(&path, &fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut errors = 0;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        visit(&folder, &mut |path, text| {
            for line in text.lines() {
                let Some(error) = line
                    .strip_prefix("impl std::error::Error for ")
                    .or_else(|| line.strip_prefix("impl Error for "))
                else {
                    continue;
                };
                let name = error.split([' ', '<']).next().unwrap();
                let by_display = format!("debug_by_display!({name});");
                assert!(text.contains(&by_display), "{name} in {}", path.display());
                errors += 1;
            }
        });
        assert!(errors >= 20, "{errors}");
    }

    #[test]
    fn a_long_value_is_cut() {
        let name = "x-".repeat(1_000_000);
        let name_error = Registry::new().counter(&name, "Help.").unwrap_err();
        let series = name.as_str().into();
        let errors = [
            name_error.to_string(),
            CollectError::Repeated { series }.to_string(),
        ];
        for error in errors {
            assert!(error.len() < 1000, "{error:.100}");
        }
    }

    #[test]
    fn causes_are_shown_once() {
        let cause = io::Error::other("the disk is gone");
        let error = CollectError::source(cause);
        assert_eq!(format!("{error:?}"), "the disk is gone");
        let definition = Counter::define("a-b_total", "Help.");
        let error = Registry::new().add(definition).unwrap_err();
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}
