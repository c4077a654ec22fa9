//! [`Text`]: a string of the payload, by position where that is possible.

use std::borrow::Cow;

/// A string value of a JSON document that is kept beside it.
///
/// A string without escapes stands in the document as it is, so its position is enough and nothing
/// is allocated; one with escapes is kept unescaped.
#[derive(Clone)]
pub(crate) enum Text {
    Span { start: usize, end: usize },
    Owned(Box<str>),
}

impl Text {
    /// Where `value`, borrowed from `json` or unescaped from it, is to be found later.
    pub(crate) fn new(value: Cow<'_, str>, json: &str) -> Self {
        match value {
            Cow::Borrowed(value) => {
                // Addresses are only compared; a value from elsewhere is copied.
                match (value.as_ptr() as usize).checked_sub(json.as_ptr() as usize) {
                    Some(start) if start + value.len() <= json.len() => {
                        Self::Span { start, end: start + value.len() }
                    }
                    _ => Self::Owned(value.into()),
                }
            }
            Cow::Owned(value) => Self::Owned(value.into_boxed_str()),
        }
    }

    /// The string; `json` is the document it was made with.
    pub(crate) fn get<'a>(&'a self, json: &'a str) -> &'a str {
        match self {
            Self::Span { start, end } => json.get(*start..*end).unwrap_or_default(),
            Self::Owned(value) => value,
        }
    }
}

/// One string or a list of them, as `aud` and `scp` come.
#[derive(Clone)]
pub(crate) enum Texts {
    One(Text),
    Many(Box<[Text]>),
}

impl Texts {
    pub(crate) fn iter<'a>(&'a self, json: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        };
        texts.iter().map(move |text| text.get(json))
    }
}
