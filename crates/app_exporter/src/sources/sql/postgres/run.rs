//! One statement, in a read-only transaction.

use std::time::Duration;

use exporter_kit::source::Deadline;
use futures_util::TryStreamExt as _;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Column, Error};

use crate::decode::{Cell, Failure, Table};
use crate::sources::sql::database::StatementError;
use crate::sources::sql::postgres::value::ValueReader;
use crate::sources::sql::postgres::{Connection, END_AND_FORGET, Postgres};
use crate::sources::sql::statement::Statement;
use crate::sources::sql::wanted_rows::WantedRows;
use crate::sources::visit::Visit;

impl Postgres {
    pub(super) async fn try_run(
        &self,
        connection: &mut Connection,
        statement: &Statement,
        visit: &Visit,
        end: &mut &'static str,
    ) -> Result<Table, StatementError> {
        let failed = |error| self.statement_error(&error);
        let client = &connection.client;
        let begin = begin(visit.deadline());
        let written = self.prepare(client, &begin, &statement.sql).await;
        if connection.patience.has_looked_up() {
            // The driver keeps the types, whose names may be all that was read.
            let read = self.most_read().saturating_sub(connection.meter.left());
            connection.patience.keep(read);
        }
        let written = written?;
        let columns = written.columns();
        for column in columns {
            let oid = column.type_().oid();
            if Type::from_oid(oid).is_none() && connection.learned.insert(oid) {
                *end = END_AND_FORGET;
            }
        }
        let mut prepared = written.clone();
        if columns.iter().any(|column| reader(column).is_none()) {
            match client.prepare(&readable(statement, columns)).await {
                Ok(readable) => prepared = readable,
                // It cannot be a part of another statement, so it runs as it is.
                Err(error) if error.as_db_error().is_some() => {
                    client.batch_execute("ROLLBACK").await.map_err(failed)?;
                    check_types(statement, columns)?;
                    client.batch_execute(&begin).await.map_err(failed)?;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        let readers: Vec<Option<ValueReader>> = prepared.columns().iter().map(reader).collect();
        let names = columns.iter().map(Column::name);
        let mut rows = WantedRows::new(statement, self.limits, visit, names);
        let found = client.query_raw(&prepared, [0_i32; 0]).await;
        let mut found = std::pin::pin!(found.map_err(failed)?);
        while let Some(row) = found.try_next().await.map_err(failed)? {
            let pushed = rows.push(row.raw_size_bytes(), |at| {
                let raw: Raw<'_> = row.try_get(at).map_err(|error| error.to_string())?;
                let reader = readers.get(at).copied().flatten();
                match raw.0.zip(reader) {
                    Some((raw, reader)) => reader.read(raw),
                    None => Ok(Cell::Null),
                }
            });
            // The server still sends rows.
            pushed.map_err(StatementError::Spoilt)?;
        }
        Ok(rows.finish())
    }

    /// Begins a transaction and prepares a statement, which the server refuses if they are two.
    async fn prepare(
        &self,
        client: &Client,
        begin: &str,
        sql: &str,
    ) -> Result<tokio_postgres::Statement, StatementError> {
        let failed = |error: Error| self.statement_error(&error);
        let (begun, prepared) = tokio::join!(
            biased;
            client.batch_execute(begin),
            client.prepare(sql)
        );
        begun.map_err(failed)?;
        prepared.map_err(failed)
    }
}

fn check_types(statement: &Statement, columns: &[Column]) -> Result<(), StatementError> {
    let unread = columns
        .iter()
        .find(|column| reader(column).is_none() && is_wanted(statement, column));
    match unread {
        None => Ok(()),
        Some(column) => Err(StatementError::Failed(Failure::decode(format!(
            "the column `{}` has the unsupported type `{}`; select it as text: `CAST(… AS text)`",
            column.name(),
            column.type_()
        )))),
    }
}

/// The beginning of a read-only transaction.
fn begin(deadline: Deadline) -> String {
    // The server stops the statement by itself if it cannot be told to. Its limit is at most 24 days.
    let most = deadline.remaining() + Duration::from_secs(1);
    let millis = i32::try_from(most.as_millis()).unwrap_or(i32::MAX);
    format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}")
}

/// The statement with the columns that no metric reads as null, and with columns of unsupported types as text. The server
/// sends neither in binary, which some types do not have.
fn readable(statement: &Statement, columns: &[Column]) -> String {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let list = columns.iter().zip(&names).map(|(column, name)| {
        if !is_wanted(statement, column) {
            "NULL::text".to_owned()
        } else if reader(column).is_some() {
            name.clone()
        } else {
            format!("{name}::text")
        }
    });
    let list = list.collect::<Vec<_>>().join(", ");
    let ends = |char: char| char == ';' || char.is_whitespace();
    let inner = statement.sql.trim_end_matches(ends);
    // The end of the line ends a comment.
    format!(
        "SELECT {list} FROM (\n{inner}\n) AS statement({})",
        names.join(", ")
    )
}

fn is_wanted(statement: &Statement, column: &Column) -> bool {
    statement.wanted.iter().any(|name| **name == *column.name())
}

fn reader(column: &Column) -> Option<ValueReader> {
    ValueReader::of(column.type_())
}

/// The raw bytes of a value.
pub(super) struct Raw<'r>(pub(super) Option<&'r [u8]>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
