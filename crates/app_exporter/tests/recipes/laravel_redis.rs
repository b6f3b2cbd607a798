use super::stored_in_redis::{Store, run};

/// As Laravel's session driver `redis` writes through its cache store: the connection's prefix, the cache's prefix, the
/// session's name of 40 letters and digits; the serialised session twice over.
#[test]
fn redis_laravel() {
    let Some(store) = Store::start("laravel-redis") else {
        return;
    };
    let session = r#"s:69:"a:2:{s:6:"_token";s:4:"abcd";s:6:"_flash";a:1:{s:3:"old";a:0:{}}}";"#;
    let mut connection = store.connection();
    run(
        &mut connection,
        &[
            &[
                "SETEX",
                "laravel_database_laravel_cache_6rZ0pM3sXq9uYtVw2LkJhGfDsAaQwErTyUiOpZxC",
                "7200",
                session,
            ],
            // With the prefixes of other versions.
            &[
                "SETEX",
                "shop_database_shop_cache:Zx0CvBnMaSdFgHjKlQwErTyUiOp1234567890AbC",
                "7200",
                session,
            ],
            &[
                "SETEX",
                "laravel-database-laravel-cache-Mn0BvCxZlKjHgFdSaPoIuYtReWq1234567890XyZ",
                "7200",
                session,
            ],
            // No sessions: something cached, and a queue.
            &[
                "SETEX",
                "laravel_database_laravel_cache_front-page",
                "60",
                "s:6:\"<html>\";",
            ],
            &["RPUSH", "laravel_database_queues:default", "{}"],
            // What is cached has a database of its own.
            &["SELECT", "1"],
            &[
                "SETEX",
                "laravel_database_laravel_cache_da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "60",
                "i:1;",
            ],
        ],
    );
    let samples = store.recipe().samples();
    assert_eq!(samples, ["app_active_sessions{app=\"laravel\"} 3.0"]);
}
