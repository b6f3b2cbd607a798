//! The console of PgBouncer: simple protocol, and no transactions.

use futures_util::TryStreamExt as _;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::decode::{Cell, Table};
use crate::sources::sql::database::StatementError;
use crate::sources::sql::postgres::{DIALECT, Postgres};
use crate::sources::sql::read_only::first_word;
use crate::sources::sql::statement::Statement;
use crate::sources::sql::wanted_rows::WantedRows;
use crate::sources::visit::Visit;

/// Checks a statement: the console also has statements that pause and shut down.
///
/// # Errors
/// When it is not a single `SHOW`.
pub(super) fn check(sql: &str) -> Result<(), String> {
    let body = sql.trim_end_matches(|char: char| char == ';' || char.is_whitespace());
    if first_word(sql, &DIALECT).eq_ignore_ascii_case("SHOW") && !body.contains(';') {
        return Ok(());
    }
    Err(
        "cannot run the statement: this is the console of PgBouncer; begin it with `SHOW`, as in `SHOW POOLS`".to_owned(),
    )
}

impl Postgres {
    /// Runs a statement whose values are all texts.
    pub(super) async fn ask_console(
        &self,
        client: &Client,
        statement: &Statement,
        visit: &Visit,
    ) -> Result<Table, StatementError> {
        let failed = |error| self.statement_error(&error);
        let messages = client.simple_query_raw(&statement.sql).await;
        let mut messages = std::pin::pin!(messages.map_err(failed)?);
        let mut rows = WantedRows::new(statement, self.limits, visit, [""; 0]);
        while let Some(message) = messages.try_next().await.map_err(failed)? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    let names = columns.iter().map(|column| column.name());
                    rows = WantedRows::new(statement, self.limits, visit, names);
                }
                SimpleQueryMessage::Row(row) => {
                    let texts = (0..row.len()).map(|at| row.try_get(at).ok().flatten());
                    let bytes = texts.flatten().map(str::len).sum();
                    let pushed = rows.push(bytes, |at| {
                        let text = row.try_get(at).map_err(|error| error.to_string())?;
                        Ok(text.map_or(Cell::Null, Cell::text))
                    });
                    // The console still sends rows.
                    pushed.map_err(StatementError::Spoilt)?;
                }
                _ => (),
            }
        }
        Ok(rows.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_shows_is_sent() {
        for sql in ["SHOW POOLS", " show pools ;\n", "-- a\nSHOW STATS"] {
            assert_eq!(check(sql), Ok(()), "{sql}");
        }
        for sql in ["SHUTDOWN", "SHOW POOLS; SHUTDOWN", "PAUSE", "", "SELECT 1"] {
            assert!(check(sql).is_err(), "{sql}");
        }
    }
}
