//! Spring is not packaged in Debian. Its rows are written from the sources of Spring Session:
//! schema-postgresql.sql and JdbcIndexedSessionRepository.

use super::Recipe;
use crate::support::Postgres;

/// The tables of Spring Session (org/springframework/session/jdbc/schema-postgresql.sql).
const TABLES: &str = "
CREATE TABLE SPRING_SESSION (PRIMARY_ID CHAR(36) NOT NULL, SESSION_ID CHAR(36) NOT NULL, CREATION_TIME BIGINT NOT NULL,
    LAST_ACCESS_TIME BIGINT NOT NULL, MAX_INACTIVE_INTERVAL INT NOT NULL, EXPIRY_TIME BIGINT NOT NULL,
    PRINCIPAL_NAME VARCHAR(100), CONSTRAINT SPRING_SESSION_PK PRIMARY KEY (PRIMARY_ID));
CREATE UNIQUE INDEX SPRING_SESSION_IX1 ON SPRING_SESSION (SESSION_ID);
CREATE INDEX SPRING_SESSION_IX2 ON SPRING_SESSION (EXPIRY_TIME);
CREATE INDEX SPRING_SESSION_IX3 ON SPRING_SESSION (PRINCIPAL_NAME);
CREATE TABLE SPRING_SESSION_ATTRIBUTES (SESSION_PRIMARY_ID CHAR(36) NOT NULL, ATTRIBUTE_NAME VARCHAR(200) NOT NULL,
    ATTRIBUTE_BYTES BYTEA NOT NULL,
    CONSTRAINT SPRING_SESSION_ATTRIBUTES_PK PRIMARY KEY (SESSION_PRIMARY_ID, ATTRIBUTE_NAME),
    CONSTRAINT SPRING_SESSION_ATTRIBUTES_FK FOREIGN KEY (SESSION_PRIMARY_ID) REFERENCES SPRING_SESSION(PRIMARY_ID)
        ON DELETE CASCADE);
";

/// Sessions as JdbcIndexedSessionRepository saves them: moments in milliseconds, an expiry of the last access and 1800 s.
const SESSIONS: &str = "
INSERT INTO SPRING_SESSION
SELECT gen_random_uuid(), gen_random_uuid(), accessed - 60000, accessed, 1800, accessed + 1800000, principal
FROM (SELECT (extract(epoch FROM now()) * 1000)::bigint - ago * 1000 AS accessed, principal
    FROM (VALUES (1, 'ada'), (600, 'grace'), (1700, NULL), (1900, 'ada'), (90000, NULL)) AS v(ago, principal)) AS s;
INSERT INTO SPRING_SESSION_ATTRIBUTES SELECT PRIMARY_ID, 'SPRING_SECURITY_CONTEXT', '\\xaced0005' FROM SPRING_SESSION;
";

pub(super) fn check(server: &Postgres) {
    server.ask("postgres", "CREATE DATABASE app");
    server.ask("app", TABLES);
    let recipe = Recipe::new("spring-session-jdbc").on_postgres(server, "app");
    let numbers = |user: u32, guest: u32| {
        [("user", user), ("guest", guest)]
            .map(|(kind, n)| format!("app_active_sessions{{kind=\"{kind}\",app=\"spring\"}} {n}.0"))
    };
    assert_eq!(recipe.samples(), numbers(0, 0));
    server.ask("app", SESSIONS);
    let mut found = recipe.samples();
    found.sort_by(|a, b| b.cmp(a));
    assert_eq!(found, numbers(2, 1));
}
