//! Spring is not packaged in Debian. Its keys are written from the sources and the documentation of Spring
//! Session: RedisSessionRepository and RedisIndexedSessionRepository.

use super::stored_in_redis::{Store, run};

const IDS: [&str; 2] = [
    "33fdd1b6-b496-4b33-9f7d-df96679d32fe",
    "7e8383a4-082c-4ffe-a4bc-c40fd3363c5e",
];

/// As `RedisSessionRepository` writes: a hash that lasts as long as the session.
#[test]
fn redis_spring_session() {
    let Some(store) = Store::start("spring-session-redis") else {
        return;
    };
    let mut connection = store.connection();
    for id in IDS {
        let key = format!("spring:session:sessions:{id}");
        run(
            &mut connection,
            &[
                &[
                    "HSET",
                    &key,
                    "creationTime",
                    "1404360000000",
                    "maxInactiveInterval",
                    "1800",
                    "lastAccessedTime",
                    "1404360000000",
                ],
                &["EXPIRE", &key, "1800"],
            ],
        );
    }
    let samples = store.recipe().samples();
    assert_eq!(samples, ["app_active_sessions{app=\"spring\"} 2.0"]);
}

/// As the documentation of `RedisIndexedSessionRepository` lists what it writes ("Storage Details"); the second session is
/// over, but its hash stays for five minutes more.
#[test]
fn redis_spring_session_indexed() {
    let Some(store) = Store::start("spring-session-redis") else {
        return;
    };
    let mut connection = store.connection();
    for (at, id) in IDS.iter().enumerate() {
        let key = format!("spring:session:sessions:{id}");
        let expires = format!("spring:session:sessions:expires:{id}");
        let member = format!("\"expires:{id}\"");
        run(
            &mut connection,
            &[
                &[
                    "HSET",
                    &key,
                    "creationTime",
                    "1404360000000",
                    "maxInactiveInterval",
                    "1800",
                    "lastAccessedTime",
                    "1404360000000",
                ],
                &["EXPIRE", &key, "2100"],
                &["SADD", "spring:session:expirations:1439245080000", &member],
                &["EXPIRE", "spring:session:expirations:1439245080000", "2100"],
                &[
                    "SADD",
                    "spring:session:index:org.springframework.session.FindByIndexNameSessionRepository.PRINCIPAL_NAME_INDEX_NAME:ada",
                    id,
                ],
            ],
        );
        if at == 0 {
            run(
                &mut connection,
                &[
                    &["APPEND", &expires, ""],
                    &["SET", &expires, "", "EX", "1800"],
                ],
            );
        }
    }
    let indexed = "\"spring:session:sessions:expires:*\"";
    let recipe = store
        .recipe()
        .with("\"spring:session:sessions:*\", type: hash", indexed);
    assert_eq!(
        recipe.samples(),
        ["app_active_sessions{app=\"spring\"} 1.0"]
    );
}
