<?php
// One request of a browser with this session: what it does there.
[, $session, $does] = $argv;
session_id($session);
session_start(['use_cookies' => 0]);
match ($does) {
    'login' => $_SESSION = ['user' => $session, 'cart' => ['book']],
    'look' => $_SESSION['cart'] ?? null,
    'logout' => session_destroy(),
};
