//! The replies of a server, for the fuzz target.

use tokio::io::BufReader;

use crate::sources::fastcgi::{head, record};

/// Reads a response of at most that many bytes.
pub(crate) async fn replies(bytes: &[u8], most: usize) {
    if let Ok(output) = record::response(BufReader::new(bytes), most).await {
        assert!(output.len() <= most, "{} bytes", output.len());
        drop(head::split(output));
    }
}
