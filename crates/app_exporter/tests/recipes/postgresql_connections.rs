use super::Recipe;
use crate::support::Postgres;

pub(super) fn check(server: &Postgres) {
    server.ask("postgres", "CREATE DATABASE connections");
    let recipe = Recipe::new("postgresql-connections").on_postgres(server, "postgres");
    let (idle, busy) = (server.connect("connections"), server.connect("connections"));
    // Other users' connections, whose state only those see who were granted it.
    idle.ask("SELECT 1");
    busy.ask("BEGIN");
    busy.ask("SELECT pg_advisory_lock(7)");
    let samples = recipe.samples();
    for sample in [
        "app_active_sessions{app=\"postgresql\"} 2.0",
        "postgresql_connections{database=\"connections\",state=\"idle\"} 1.0",
        "postgresql_connections{database=\"connections\",state=\"idle in transaction\"} 1.0",
        "postgresql_connections_limit 100.0",
    ] {
        assert!(
            samples.iter().any(|it| it == sample),
            "{sample}: {samples:#?}"
        );
    }
    let name = "postgresql_longest_transaction_seconds ";
    let longest = samples.iter().find_map(|it| it.strip_prefix(name));
    let longest: f64 = longest.expect("the metric").parse().expect("a number");
    assert!(longest > 0.0, "{samples:#?}");
}
