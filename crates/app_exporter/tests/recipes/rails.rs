use super::Recipe;
use crate::support::Postgres;

/// What the gem's generator makes (lib/generators/active_record/templates/migration.rb), as Rails 8 writes it for PostgreSQL.
const TABLE: &str = r#"
CREATE TABLE "sessions" ("id" bigserial primary key, "session_id" character varying NOT NULL, "data" text,
    "created_at" timestamp(6) NOT NULL, "updated_at" timestamp(6) NOT NULL);
CREATE UNIQUE INDEX "index_sessions_on_session_id" ON "sessions" ("session_id");
CREATE INDEX "index_sessions_on_updated_at" ON "sessions" ("updated_at");
"#;

/// Sessions as the store saves them: a hashed id, marshalled data, times in UTC.
const SESSIONS: &str = r#"
INSERT INTO "sessions" ("session_id", "data", "created_at", "updated_at")
SELECT '2::' || encode(sha256(ago::text::bytea), 'hex'), 'BAh7BkkiDHVzZXJfaWQGOgZFVGkG',
    now() AT TIME ZONE 'UTC' - interval '1 day', now() AT TIME ZONE 'UTC' - ago
FROM unnest(ARRAY['1 second', '10 minutes', '29 minutes', '31 minutes', '6 hours', '40 days']::interval[]) AS ago;
"#;

pub(super) fn check(server: &Postgres) {
    server.ask("postgres", "CREATE DATABASE myapp_production");
    server.ask("myapp_production", TABLE);
    let recipe = Recipe::new("rails").on_postgres(server, "myapp_production");
    assert_eq!(recipe.samples(), ["app_active_sessions{app=\"rails\"} 0.0"]);
    server.ask("myapp_production", SESSIONS);
    assert_eq!(recipe.samples(), ["app_active_sessions{app=\"rails\"} 3.0"]);
}
