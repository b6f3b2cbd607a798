use super::Recipe;
use crate::support::MariaDb;

/// What Laravel's own migration makes (database/migrations/0001_01_01_000000_create_users_table.php), as it writes it for
/// MySQL.
const TABLE: &[&str] = &[
    "create table laravel.`sessions` (`id` varchar(255) not null, `user_id` bigint unsigned null, `ip_address` varchar(45) null, \
     `user_agent` text null, `payload` longtext not null, `last_activity` int not null, primary key (`id`)) \
     default character set utf8mb4 collate 'utf8mb4_unicode_ci'",
    "alter table laravel.`sessions` add index `sessions_user_id_index`(`user_id`)",
    "alter table laravel.`sessions` add index `sessions_last_activity_index`(`last_activity`)",
];

/// Sessions as DatabaseSessionHandler saves them: an id of 40 letters, an encoded payload, the moment of the last request.
const SESSIONS: &str = "
INSERT INTO laravel.sessions
SELECT left(sha1(ago), 40), user, '127.0.0.1', 'Mozilla/5.0', to_base64('a:1:{s:6:\"_token\";s:1:\"x\";}'), UNIX_TIMESTAMP() - ago
FROM (SELECT 1 AS ago, 1 AS user UNION ALL SELECT 600, 2 UNION ALL SELECT 7100, NULL UNION ALL SELECT 7300, 1
    UNION ALL SELECT 90000, NULL) AS v";

pub(super) fn check(server: &MariaDb) {
    server.ask(&["CREATE DATABASE laravel"]);
    server.ask(TABLE);
    let recipe = Recipe::new("laravel").on_mysql(server);
    let numbers = |user: u32, guest: u32| {
        [("user", user), ("guest", guest)].map(|(kind, n)| {
            format!("app_active_sessions{{kind=\"{kind}\",app=\"laravel\"}} {n}.0")
        })
    };
    assert_eq!(recipe.samples(), numbers(0, 0));
    server.ask(&[SESSIONS]);
    let mut found = recipe.samples();
    found.sort_by(|a, b| b.cmp(a));
    assert_eq!(found, numbers(2, 1));
}
