//! Header fields that nobody may print.

use http::{HeaderMap, HeaderName};

/// Marks the fields of these names as sensitive, so that their `Debug` shows nothing.
pub(crate) fn mark_sensitive(headers: &mut HeaderMap, names: &[HeaderName]) {
    if headers.len() == headers.keys_len() {
        for name in names {
            if let Some(value) = headers.get_mut(name) {
                value.set_sensitive(true);
            }
        }
    } else {
        // Some name has several values, and only an iteration reaches all of them.
        for (name, value) in headers.iter_mut() {
            if names.contains(name) {
                value.set_sensitive(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{AUTHORIZATION, COOKIE, HOST};

    use super::*;

    #[test]
    fn marks_every_value_and_no_other_field() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer s3cret"));
        headers.append(HOST, HeaderValue::from_static("example.com"));
        mark_sensitive(&mut headers, &[AUTHORIZATION, COOKIE]);
        assert!(!format!("{headers:?}").contains("s3cret"));

        headers.append(COOKIE, HeaderValue::from_static("t=s3cret"));
        headers.append(COOKIE, HeaderValue::from_static("u=s3cret"));
        mark_sensitive(&mut headers, &[AUTHORIZATION, COOKIE]);
        assert!(!format!("{headers:?}").contains("s3cret"));
        assert!(format!("{headers:?}").contains("example.com"));
    }
}
