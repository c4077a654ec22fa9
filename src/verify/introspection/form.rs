//! `application/x-www-form-urlencoded`, as
//! [RFC 6749 Appendix B](https://www.rfc-editor.org/rfc/rfc6749#appendix-B) asks for it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// A space becomes `%20`, which every decoder of forms reads like `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Appends a value.
pub(super) fn encode(form: &mut String, value: &[u8]) {
    form.extend(percent_encode(value, ENCODED));
}

/// Appends a parameter; `name` needs no encoding.
pub(super) fn append(form: &mut String, name: &str, value: &[u8]) {
    if !form.is_empty() {
        form.push('&');
    }
    form.push_str(name);
    form.push('=');
    encode(form, value);
}
