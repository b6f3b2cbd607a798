//! The replies of a server, for the fuzz target.

use std::io::Cursor;

use tokio::io::{join, sink};

use crate::sources::metered::{Meter, Metered};
use crate::sources::sql::mysql::login::{Credentials, log_in};
use crate::sources::sql::mysql::packet_stream::PacketError;
use crate::sources::sql::mysql::value;

/// Logs in, and reads the rows of one statement, in packets of at most that many bytes.
pub(crate) async fn replies(bytes: &[u8], most: usize) {
    let meter = Meter::new(most.saturating_mul(2));
    let stream = join(Cursor::new(bytes.to_vec()), sink());
    let stream = Box::new(Metered::new(Box::new(stream), meter.clone()));
    let who = Credentials {
        user: "a",
        password: "b",
        database: Some("c"),
    };
    let Ok(mut packets) = log_in(stream, meter, most, true, &who, None).await else {
        return;
    };
    let reading = async {
        let columns = packets.query("SELECT 1").await?;
        while let Some(cells) = packets.row().await? {
            let cells = cells.all(columns.len())?;
            for (cell, column) in cells.iter().zip(&columns) {
                drop(value::cell(*cell, column.kind));
            }
        }
        packets.reset().await
    };
    // Any error is a verdict.
    let _: Result<(), PacketError> = reading.await;
}
