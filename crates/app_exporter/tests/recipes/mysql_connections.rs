use super::Recipe;
use crate::support::MariaDb;

pub(super) fn check(server: &MariaDb) {
    server.ask(&["CREATE DATABASE connections"]);
    let recipe = Recipe::new("mysql-connections").on_mysql(server);
    let _idle = [server.connect("connections"), server.connect("connections")];
    assert_eq!(
        recipe.samples(),
        [
            "app_active_sessions{app=\"mysql\"} 2.0",
            "mysql_connections{database=\"connections\",command=\"Sleep\"} 2.0",
            "mysql_connections_limit 151.0",
        ]
    );
}
