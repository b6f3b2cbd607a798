use super::stored_in_redis::{Store, run};

/// As connect-redis 10.0.0 writes in `RedisStore.set`: the session as JSON, with the seconds that its cookie lasts.
#[test]
fn redis_express() {
    let Some(store) = Store::start("express-connect-redis") else {
        return;
    };
    let session = r#"{"cookie":{"originalMaxAge":60000,"expires":"2036-01-01T00:00:00.000Z","httpOnly":true,"path":"/"},"user":7}"#;
    let mut connection = store.connection();
    run(
        &mut connection,
        &[
            &[
                "SET",
                "sess:0KyGzF6bk4bFzjTQjRCkkLbRq0cqHcqN",
                session,
                "EX",
                "86400",
            ],
            &[
                "SET",
                "sess:5mB0xkUo2s7XcW4q8qfWJXj0n0uJqv1T",
                session,
                "EX",
                "86400",
            ],
            // One that is over, and something else.
            &[
                "SET",
                "sess:9pYb7hKQJ8x2cYyQzW3rVb1c0dLm4nOe",
                session,
                "PX",
                "1",
            ],
            &["SET", "cache:front-page", "<html>", "EX", "60"],
        ],
    );
    crate::support::wait_until("the session is over", || {
        crate::redis::say::<i64>(
            &mut connection,
            "EXISTS sess:9pYb7hKQJ8x2cYyQzW3rVb1c0dLm4nOe",
        ) == 0
    });
    let samples = store.recipe().samples();
    assert_eq!(samples, ["app_active_sessions{app=\"express\"} 2.0"]);
}
