//! Keycloak is not packaged in Debian. Its rows are written from its sources, up to 27.0: the changelogs of
//! its database, PersistentUserSessionEntity, and UserSessionExpirationLogic with RealmExpiration for what has expired.

use super::Recipe;
use crate::support::Postgres;

/// The two tables that the recipe reads, with the columns that it needs and some more, as Keycloak's changelogs
/// make them for PostgreSQL (model/jpa/src/main/resources/META-INF/jpa-changelog-*.xml).
const TABLES: &str = "
CREATE TABLE realm (id varchar(36) NOT NULL, enabled boolean DEFAULT false NOT NULL, name varchar(255),
    sso_idle_timeout integer, sso_max_lifespan integer, remember_me boolean DEFAULT false NOT NULL,
    offline_session_idle_timeout integer DEFAULT 0, sso_max_lifespan_remember_me integer DEFAULT 0 NOT NULL,
    sso_idle_timeout_remember_me integer DEFAULT 0 NOT NULL, CONSTRAINT constraint_4a PRIMARY KEY (id));
CREATE TABLE offline_user_session (user_session_id varchar(36) NOT NULL, user_id varchar(255) NOT NULL,
    realm_id varchar(36) NOT NULL, created_on integer NOT NULL, offline_flag varchar(4) NOT NULL, data text,
    last_session_refresh integer DEFAULT 0 NOT NULL, broker_session_id varchar(1024), version integer DEFAULT 0,
    remember_me boolean, CONSTRAINT constraint_offl_us_ses_pk2 PRIMARY KEY (user_session_id, offline_flag));
CREATE INDEX idx_offline_uss_by_last_session_refresh
    ON offline_user_session (realm_id, offline_flag, last_session_refresh);
";

/// Two realms with Keycloak's own times (30 minutes idle, 10 hours at most, 30 days offline, which are 0 in realms that are older
/// than that column), one of which remembers for 7 days, and one for a shorter time than it does not.
const SESSIONS: &str = "
INSERT INTO realm (id, enabled, name, sso_idle_timeout, sso_max_lifespan, remember_me, sso_idle_timeout_remember_me,
    sso_max_lifespan_remember_me, offline_session_idle_timeout)
VALUES ('r1', true, 'master', 1800, 36000, true, 60, 60, 0), ('r2', true, 'shop', 1800, 36000, true, 604800, 2592000, 2592000);
INSERT INTO offline_user_session
    (user_session_id, user_id, realm_id, created_on, offline_flag, data, last_session_refresh, remember_me)
SELECT gen_random_uuid(), gen_random_uuid(), realm, extract(epoch FROM now()) - created, flag, '{}',
    extract(epoch FROM now()) - refreshed, remembered
FROM (VALUES
    -- There, idle for too long, and there for too long.
    ('r2', '0', 60, 60, false), ('r2', '0', 7200, 1700, NULL), ('r2', '0', 7200, 1900, false), ('r2', '0', 36100, 10, false),
    -- Remembered, which makes no time shorter.
    ('r2', '0', 90000, 80000, true), ('r1', '0', 90000, 80000, true), ('r1', '0', 1000, 100, true),
    -- Offline, the last one for too long.
    ('r2', '1', 900000, 800000, NULL), ('r2', '1', 100, 10, NULL), ('r1', '1', 100, 10, NULL), ('r2', '1', 9000000, 2700000, NULL)) AS v(realm, flag, created, refreshed, remembered);
";

pub(super) fn check(server: &Postgres) {
    server.ask("postgres", "CREATE DATABASE keycloak");
    server.ask("keycloak", TABLES);
    server.ask("keycloak", SESSIONS);
    let mut found = Recipe::new("keycloak")
        .on_postgres(server, "keycloak")
        .samples();
    found.sort();
    assert_eq!(
        found,
        [
            "app_active_sessions{realm=\"master\",app=\"keycloak\"} 1.0",
            "app_active_sessions{realm=\"shop\",app=\"keycloak\"} 3.0",
            "app_offline_sessions{realm=\"master\",app=\"keycloak\"} 1.0",
            "app_offline_sessions{realm=\"shop\",app=\"keycloak\"} 2.0",
        ]
    );
}
