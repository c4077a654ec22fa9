//! Parts of a header field, as ranges, so that a token found among them can share its buffer.

use std::ops::Range;

/// The parts between separators, without the spaces and tabs around them.
pub(super) fn parts(field: &[u8], separator: u8) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    field.split(move |byte| *byte == separator).map(move |part| {
        let range = start..start + part.len();
        start = range.end + 1;
        trim(field, range)
    })
}

/// The range without the spaces and tabs (OWS, RFC 9110 §5.6.3) at its ends.
pub(super) fn trim(field: &[u8], range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    let is_ows = |at: usize| matches!(field.get(at), Some(b' ' | b'\t'));
    while start < end && is_ows(start) {
        start += 1;
    }
    while start < end && is_ows(end - 1) {
        end -= 1;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_trimmed_ranges() {
        let field = b" a;b ;; \t ;c";
        let found: Vec<_> = parts(field, b';').map(|range| &field[range]).collect();
        assert_eq!(found, [&b"a"[..], b"b", b"", b"", b"c"]);
        assert_eq!(parts(b"", b';').collect::<Vec<_>>(), [Range { start: 0, end: 0 }]);
    }
}
