//! Users and tokens.

use std::net::SocketAddr;

use super::authority::Folder;
use super::client::Speaks;
use crate::http::client::{Answer, get};

/// `alice:alice-secret`
const ALICE: &str = "Authorization: Basic YWxpY2U6YWxpY2Utc2VjcmV0";
/// `alice:wrong`
const WRONG: &str = "Authorization: Basic YWxpY2U6d3Jvbmc=";
/// `nobody:alice-secret`
const NOBODY: &str = "Authorization: Basic bm9ib2R5OmFsaWNlLXNlY3JldA==";

fn metrics(address: SocketAddr, header: &str) -> Answer {
    get(address, "/metrics", &[header])
}

/// An answer to somebody who is not let in, which is the same whatever the reason.
fn assert_unauthorized(answer: &Answer) {
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), Some("Basic"));
    assert_eq!(answer.text(), "Unauthorized\n");
}

#[test]
fn a_user_is_let_in_and_nobody_else() {
    let folder = Folder::new("users");
    let server = folder.serve("users_without_tls.good.yml");
    let address = server.local_addresses()[0];
    // Twice: once checked, once remembered.
    for _ in 0..2 {
        assert_eq!(metrics(address, ALICE).status, 200);
        assert_unauthorized(&get(address, "/metrics", &[]));
        assert_unauthorized(&get(address, "/", &[]));
        for header in [
            WRONG,
            NOBODY,
            "Authorization: Basic",
            "Authorization: Basic !",
            "Authorization: Bearer alice-secret",
            "Authorization: Basic Og==",
            // `exporter-kit`, in case somebody is tempted by what stands in for nobody's hash.
            "Authorization: Basic bm9ib2R5OmV4cG9ydGVyLWtpdA==",
        ] {
            assert_unauthorized(&metrics(address, header));
        }
    }
}

#[test]
fn users_with_hashes_of_every_version_and_cost_are_let_in_over_tls() {
    let folder = Folder::new("users_tls");
    let server = folder.serve("users.good.yml");
    let address = server.local_addresses()[0];
    for (header, status) in [
        (ALICE, 200),
        // `bob:bob-secret`
        ("Authorization: Basic Ym9iOmJvYi1zZWNyZXQ=", 200),
        // `bob:alice-secret`
        ("Authorization: Basic Ym9iOmFsaWNlLXNlY3JldA==", 401),
        (WRONG, 401),
    ] {
        let answer = Speaks::default().get(&folder, address, &[header]).unwrap();
        assert_eq!(answer.status(), status, "{header}");
    }
}

/// CVE-2022-46146: a client that knew a hash could poison the cache, which then accepted it as a password.
#[test]
fn a_verdict_can_not_be_made_for_somebody_else() {
    let folder = Folder::new("poison");
    let server = folder.serve("users_without_tls.good.yml");
    let address = server.local_addresses()[0];
    let hash = "$2y$04$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq";
    let stand_in = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";
    let login = |user: &str, password: &str| {
        format!(
            "Authorization: Basic {}",
            base64(&format!("{user}:{password}"))
        )
    };
    // Each first asks as somebody who is not there, with a name or password that has another's parts in it.
    for (user, password) in [
        ("alice", format!("{hash}alice-secret")),
        ("alice", format!("{hash}:alice-secret")),
        ("alice", format!("{stand_in}fakepassword")),
        ("alicealice", "-secret".to_owned()),
        ("", format!("alice{hash}alice-secret")),
        ("alice", hash.to_owned()),
        ("alice", stand_in.to_owned()),
        ("alice", "fakepassword".to_owned()),
        ("nobody", "fakepassword".to_owned()),
        (stand_in, "fakepassword".to_owned()),
    ] {
        for _ in 0..2 {
            assert_unauthorized(&metrics(address, &login(user, &password)));
        }
        assert_unauthorized(&metrics(address, WRONG));
        assert_eq!(metrics(address, ALICE).status, 200);
    }
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three
            .iter()
            .fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for at in 0..4 {
            let char = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63] as char;
            encoded.push(if at <= three.len() { char } else { '=' });
        }
    }
    encoded
}

#[test]
fn a_flood_of_wrong_passwords_delays_nobody_who_is_known() {
    let folder = Folder::new("flood");
    // `slow` is in the file for the cost of its hash, which takes about half a second. It has no password.
    // The flood takes many times as long as what is asked meanwhile.
    let text = super::authority::fixture("users_without_tls.good.yml")
        + "  slow: $2y$14$SEfy6fkBVJLApYNv7qQ.Q.U46cy9ody5OVb.VKGhx9Mmx59LyJ9Rq\n";
    let server = folder.serve_text(&text);
    let address = server.local_addresses()[0];
    assert_eq!(metrics(address, ALICE).status, 200);

    let flood = 80;
    let (done, answers) = std::sync::mpsc::channel();
    for at in 0..flood {
        let done = done.clone();
        std::thread::spawn(move || {
            let login = base64(&format!("slow:wrong {at}"));
            let answer = metrics(address, &format!("Authorization: Basic {login}"));
            // The test may have ended.
            let _ = done.send((
                answer.status,
                answer.header("retry-after").map(str::to_owned),
            ));
        });
    }
    drop(done);
    // The first that is refused because too many are being checked shows that the flood is there.
    let refused = answers.iter().find(|(status, _)| *status == 503).unwrap();
    assert_eq!(refused.1.as_deref(), Some("1"));
    for _ in 0..100 {
        assert_eq!(metrics(address, ALICE).status, 200);
    }
    // Whoever logs in for the first time does not wait for the costlier hash of another user either.
    assert_eq!(metrics(address, WRONG).status, 401);
    assert_eq!(metrics(address, NOBODY).status, 401);
    // All of these were answered while most of the flood still waits.
    let checked = answers
        .try_iter()
        .filter(|(status, _)| *status == 401)
        .count();
    assert!(checked < 16, "{checked} of {flood} were checked meanwhile");
}

#[test]
fn tokens_of_both_kinds_are_accepted_and_nothing_else() {
    let folder = Folder::new("tokens");
    let server = folder.serve("bearer_tokens.good.yml");
    let address = server.local_addresses()[0];
    for token in ["deploy-token-0123456789", "monitoring-token-0123456789"] {
        assert_eq!(
            metrics(address, &format!("Authorization: Bearer {token}")).status,
            200
        );
        assert_eq!(
            metrics(address, &format!("Authorization: bearer {token}")).status,
            200
        );
    }
    for header in [
        "Authorization: Bearer deploy-token-012345678",
        "Authorization: Bearer  deploy-token-0123456789x",
        "Authorization: Bearer",
        "Authorization: Basic deploy-token-0123456789",
        ALICE,
        "X-Nothing: 1",
    ] {
        let answer = metrics(address, header);
        assert_eq!(answer.status, 401, "{header}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}
