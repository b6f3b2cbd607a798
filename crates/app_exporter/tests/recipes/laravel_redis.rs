use std::path::Path;

use super::laravel::laravel;
use super::stored_in_redis::Store;
use crate::support::require;

/// Laravel's own session manager with the prefixes of its versions: one session of each.
#[test]
fn redis_laravel() {
    let (Some(store), Some(php)) = (Store::start("laravel-redis"), require("php-laravel")) else {
        return;
    };
    laravel(&php, "redis", Path::new(&store.socket()));
    let keys: Vec<String> = crate::redis::say(&mut store.connection(), "KEYS *");
    let samples = store.recipe().samples();
    assert_eq!(
        samples,
        ["app_active_sessions{app=\"laravel\"} 4.0"],
        "{keys:#?}"
    );
}
