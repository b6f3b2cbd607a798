use std::process::Command;

use super::stored_in_redis::Store;
use crate::support::{require, run, said};

/// An application with Flask-Session that three people use, one of whom logs out.
const APPLICATION: &str = "
import sys, flask, flask_session, redis
app = flask.Flask(__name__)
app.config.update(SESSION_TYPE='redis', SESSION_REDIS=redis.Redis(unix_socket_path=sys.argv[1]))
flask_session.Session(app)

@app.get('/login/<name>')
def login(name):
    flask.session['user'] = name
    return name

@app.get('/logout')
def logout():
    flask.session.clear()
    return ''

for name in ['ada', 'bob', 'eve']:
    with app.test_client() as browser:
        assert browser.get('/login/' + name).text == name
        if name == 'eve':
            browser.get('/logout')
";

#[test]
fn redis_flask_session() {
    let (Some(store), Some(python)) =
        (Store::start("flask-session-redis"), require("python-flask"))
    else {
        return;
    };
    let filled = run(
        Command::new(python).args(["-c", APPLICATION, &store.socket()]),
        "",
    );
    assert!(filled.status.success(), "{}", said(&filled));
    let samples = store.recipe().samples();
    assert_eq!(samples, ["app_active_sessions{app=\"flask\"} 2.0"]);
}
