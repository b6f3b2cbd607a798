//! The replies of a server, for the fuzz target.

use std::io::Cursor;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use tokio::io::{join, sink};

use crate::sources::redis::reply_stream::{ReplyLimits, ReplyStream};

/// Reads two replies, each of at most that many bytes.
pub(crate) async fn replies(bytes: &[u8], most: usize) {
    let limits = ReplyLimits::new(most);
    let stream = join(Cursor::new(bytes.to_vec()), sink());
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    let connection = MultiplexedConnection::new_with_config(
        &info,
        ReplyStream::new(Box::new(stream), limits.clone()),
        AsyncConnectionConfig::new().set_response_timeout(None),
    );
    let Ok((mut connection, driver)) = connection.await else {
        return;
    };
    let asking = async {
        for _ in 0..2 {
            limits.renew();
            if connection
                .req_packed_command(&redis::cmd("DBSIZE"))
                .await
                .is_err()
            {
                break;
            }
        }
    };
    tokio::select! {
        biased;
        () = asking => (),
        () = driver => (),
    }
}
