//! The other end of a connection.

pub(crate) use crate::scrape::peer::Peer;
