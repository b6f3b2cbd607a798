//! The reply of the command `INFO`: one row with a column for each field.

use redis::Value;

/// The fields of several replies. A field with fields of its own, such as `db0:keys=3,expires=0`, becomes `db0_keys` and
/// `db0_expires`.
pub(super) fn fields(replies: &[Value]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for reply in replies {
        let text = text(reply);
        for (name, value) in lines(&text) {
            if value.contains('=') {
                let inner = value.split(',').filter_map(|it| it.split_once('='));
                fields
                    .extend(inner.map(|(key, value)| (format!("{name}_{key}"), value.to_owned())));
            } else {
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    fields
}

/// One field of a reply.
pub(super) fn field(reply: &Value, name: &str) -> Option<String> {
    let text = text(reply);
    let found = lines(&text).find(|(key, _)| *key == name);
    found.map(|(_, value)| value.to_owned())
}

fn text(reply: &Value) -> String {
    match reply {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text.clone(),
        _ => String::new(),
    }
}

fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.trim_end().split_once(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_have_fields_are_spread_out() {
        let reply = Value::BulkString(
            b"# Clients\r\nconnected_clients:3\r\n\r\n# Keyspace\r\ndb0:keys=7,expires=2\r\nos:Linux 6 a:b\r\n".into(),
        );
        let fields = fields(std::slice::from_ref(&reply));
        let fields: Vec<_> = fields
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            fields,
            [
                "connected_clients=3",
                "db0_keys=7",
                "db0_expires=2",
                "os=Linux 6 a:b"
            ]
        );
        assert_eq!(field(&reply, "os").as_deref(), Some("Linux 6 a:b"));
        assert_eq!(field(&reply, "role"), None);
    }
}
