//! The replies of a server, for the fuzz target.

use std::io::Cursor;

use futures_util::TryStreamExt as _;
use tokio::io::{join, sink};
use tokio_postgres::{Config, Error, NoTls};

use crate::sources::metered::{Meter, Metered};
use crate::sources::sql::postgres::message_stream::{Checked, Patience};
use crate::sources::sql::postgres::run::Raw;
use crate::sources::sql::postgres::value::ValueReader;

/// Logs in, and reads the rows of one statement, in messages of at most that many bytes.
pub(crate) async fn replies(bytes: &[u8], most: usize) {
    let stream = join(Cursor::new(bytes.to_vec()), sink());
    let stream = Metered::new(Box::new(stream), Meter::new(most.saturating_mul(2)));
    let stream = Checked::new(stream, Patience::new(most));
    let config = Config::new().user("a").password("b").to_owned();
    let Ok((client, driver)) = config.connect_raw(stream, NoTls).await else {
        return;
    };
    let asking = async {
        let prepared = client.prepare("SELECT 1").await?;
        let rows = client.query_raw(&prepared, [0_i32; 0]).await?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await? {
            for (at, column) in row.columns().iter().enumerate() {
                let Raw(raw) = row.try_get(at)?;
                if let Some((raw, reader)) = raw.zip(ValueReader::of(column.type_())) {
                    drop(reader.read(raw));
                }
            }
        }
        Ok::<_, Error>(())
    };
    tokio::select! {
        biased;
        // Any error is a verdict.
        _ = asking => (),
        _ = driver => (),
    }
}
