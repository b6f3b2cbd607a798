//! Hosts of addresses, for every source: names, and numbers in their usual form alone.

use std::net::IpAddr;

/// Checks a host as it is written, without the brackets of IPv6. Resolvers read `2130706433`, `0x7f.1` and `127.1` as
/// 127.0.0.1, so that a target or another server could name that.
///
/// # Errors
/// When it is a number in another form. The message does not repeat it, as it may be secret.
pub(super) fn check(host: &str) -> Result<(), &'static str> {
    if is_numeric(host) && host.parse::<IpAddr>().is_err() {
        return Err(
            "the host of the address is a number; write its four numbers, as in `127.0.0.1`",
        );
    }
    Ok(())
}

/// True if the last part of the name is a number, which no top-level domain is.
fn is_numeric(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    let hexadecimal = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_usual_forms_of_numbers_are_hosts() {
        for host in [
            "2130706433",
            "0x7f000001",
            "0X7F000001",
            "0x7f.1",
            "127",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.01",
            "127.0.0.0x1",
            "127.0.0.1.",
            "0x",
            "256.0.0.1",
            "1.2.3.4.5",
        ] {
            assert!(check(host).is_err(), "{host}");
        }
        for host in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "db1",
            "1.example",
            "a.0xyz",
            "db.",
        ] {
            assert_eq!(check(host), Ok(()), "{host}");
        }
    }

    proptest! {
        /// The resolver of the system takes no number that is not written as it is shown.
        #[test]
        fn a_host_that_the_system_reads_as_a_number_is_that_number(
            host in "(0[xX]?)?[0-9a-f]{1,10}([.](0[xX]?)?[0-9a-f]{0,4}){0,4}[.]?",
        ) {
            // Only such texts need no resolver.
            let numeric = host.bytes().all(|byte| byte.is_ascii_digit() || b"xX.".contains(&byte));
            if numeric && check(&host).is_ok() && let Ok(found) = (&*host, 0).to_socket_addrs() {
                let found: Vec<SocketAddr> = found.collect();
                let ip = host.parse::<Ipv4Addr>();
                prop_assert!(ip.is_ok() && found[0].ip() == ip.unwrap(), "{host}: {found:?}");
            }
        }
    }
}
