//! Kinds of statements that may be sent. A read-only transaction does not keep the others from writing.

/// The language of a database server.
pub(super) struct Dialect {
    /// Kinds beside [`KINDS`].
    pub(super) kinds: &'static [&'static str],
    /// True if `#` begins a comment, `/*!` does not, and `INTO OUTFILE` writes a file.
    pub(super) is_mysql: bool,
}

/// Kinds that read, and kinds that servers refuse in a read-only transaction where they write.
const KINDS: [&str; 13] = [
    "SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "INSERT", "UPDATE", "DELETE", "CREATE",
    "ALTER", "DROP", "TRUNCATE",
];

/// Checks a statement before it is sent.
///
/// # Errors
/// When the server would let it write.
pub(super) fn check_kind(sql: &str, dialect: &Dialect) -> Result<(), String> {
    let kind = first_word(sql, dialect);
    let mut kinds = KINDS.iter().chain(dialect.kinds);
    if !kinds.any(|known| kind.eq_ignore_ascii_case(known)) {
        let kind: String = kind.chars().take(20).collect();
        return Err(format!(
            "cannot run the statement: it begins with `{kind}`, which can write in spite of a read-only transaction; begin \
             it with `SELECT`"
        ));
    }
    if dialect.is_mysql && sql.split(is_no_word_part).any(writes_file) {
        return Err(
            "cannot run the statement: `INTO OUTFILE` and `INTO DUMPFILE` write files; remove the word".to_owned(),
        );
    }
    Ok(())
}

/// The first word after comments; empty if there is something else, such as a comment that is executed.
pub(super) fn first_word<'s>(sql: &'s str, dialect: &Dialect) -> &'s str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == '(');
        if rest.starts_with("--") || dialect.is_mysql && rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            if dialect.is_mysql && (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
                return "";
            }
            rest = after_comment(rest, !dialect.is_mysql);
        } else {
            break;
        }
    }
    let end = rest.find(|char: char| !char.is_ascii_alphabetic());
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

/// The text behind a comment, within which others may be.
fn after_comment(text: &str, nests: bool) -> &str {
    let mut depth = 0_usize;
    let mut bytes = text.as_bytes().windows(2).enumerate();
    while let Some((at, pair)) = bytes.next() {
        match pair {
            b"/*" if depth == 0 || nests => depth += 1,
            b"*/" => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return text.get(at + 2..).unwrap_or_default();
        }
        // Both bytes are used.
        bytes.next();
    }
    ""
}

fn is_no_word_part(char: char) -> bool {
    !(char.is_alphanumeric() || char == '_' || char == '$')
}

/// True for `OUTFILE`, also directly behind the version of an executed comment.
fn writes_file(word: &str) -> bool {
    let word = word.trim_start_matches(|char: char| char.is_ascii_digit());
    word.eq_ignore_ascii_case("OUTFILE") || word.eq_ignore_ascii_case("DUMPFILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MYSQL: Dialect = Dialect {
        kinds: &["REPLACE"],
        is_mysql: true,
    };
    const OTHER: Dialect = Dialect {
        kinds: &["CALL"],
        is_mysql: false,
    };

    #[test]
    fn statements_that_read_are_sent_in_every_form() {
        for sql in [
            "select 1",
            " \n(SELECT 1) UNION (SELECT 2)",
            "-- a comment\nSELECT 1",
            "/* a */ /* b */SELECT/* c */ 1",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "SELECT outfiles, in_outfile, 'x' FROM t",
            "(/**/(SELECT 1))",
        ] {
            assert_eq!(check_kind(sql, &MYSQL), Ok(()), "{sql}");
            assert_eq!(check_kind(sql, &OTHER), Ok(()), "{sql}");
        }
        assert_eq!(check_kind("# a\nREPLACE INTO t VALUES (1)", &MYSQL), Ok(()));
        assert_eq!(check_kind("/* a /* b */ */ CALL p()", &OTHER), Ok(()));
        assert_eq!(check_kind("SELECT outfile", &OTHER), Ok(()));
    }

    #[test]
    fn what_gets_out_of_a_transaction_is_not_sent() {
        for sql in [
            "",
            "SET SESSION TRANSACTION READ WRITE",
            "COMMIT",
            "begin not atomic commit; end",
            "; SELECT 1",
            "CALL p()",
            "/*!50000 SELECT */ 1",
            "/*M! SET @a = 1 */",
            "/* a",
            "/*/ SELECT 1",
            "SELECT 1 INTO OUTFILE '/tmp/a'",
            "SELECT 1 into/**/dumpfile '/tmp/a'",
            "SELECT 1 INTO /*!50000OUTFILE*/ '/tmp/a'",
            "/* a /* b */ COMMIT */ SELECT 1",
        ] {
            assert!(check_kind(sql, &MYSQL).is_err(), "{sql}");
        }
        for sql in [
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "/* a /* b */ SELECT */ COPY t TO '/a'",
            "# a\nSELECT 1",
        ] {
            assert!(check_kind(sql, &OTHER).is_err(), "{sql}");
        }
    }
}
