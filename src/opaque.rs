//! What all opaque errors have in common: a kind, a text that says what to do, perhaps a source.

use std::error::Error;
use std::fmt;

/// Declares an opaque error.
///
/// `Display` is the text alone: whoever prints the chain finds the source once. `Debug` is what
/// `main` prints, so it shows kind, text and sources as one readable line.
macro_rules! opaque_error {
    ($(#[$meta:meta])* pub struct $name:ident($kind:ty);) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name {
            kind: $kind,
            text: ::std::borrow::Cow<'static, str>,
            source: Option<::std::sync::Arc<dyn ::std::error::Error + Send + Sync>>,
        }

        #[allow(dead_code, reason = "not every error is made in every way")]
        impl $name {
            pub(crate) fn new(
                kind: $kind,
                text: impl Into<::std::borrow::Cow<'static, str>>,
            ) -> Self {
                Self { kind, text: text.into(), source: None }
            }

            pub(crate) fn with_source(
                mut self,
                source: impl ::std::error::Error + Send + Sync + 'static,
            ) -> Self {
                self.source = Some(::std::sync::Arc::new(source));
                self
            }

            /// The text and what is beneath it, for an error that takes this one's place.
            #[allow(clippy::type_complexity, reason = "it is the macro's own layout")]
            pub(crate) fn into_parts(
                self,
            ) -> (
                ::std::borrow::Cow<'static, str>,
                Option<::std::sync::Arc<dyn ::std::error::Error + Send + Sync>>,
            ) {
                (self.text, self.source)
            }

            /// What kind of failure this is.
            #[must_use]
            pub const fn kind(&self) -> $kind {
                self.kind
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::opaque::debug(f, stringify!($name), &self.kind, self)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl ::std::error::Error for $name {
            fn source(&self) -> Option<&(dyn ::std::error::Error + 'static)> {
                let source = self.source.as_deref()?;
                Some(source)
            }
        }
    };
}

/// `KeyError(Weak): the text; source: what is beneath`.
pub(crate) fn debug(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    kind: &dyn fmt::Debug,
    error: &dyn Error,
) -> fmt::Result {
    let mut told = error.to_string();
    write!(f, "{name}({kind:?}): {told}")?;
    let mut next = error.source();
    while let Some(source) = next {
        // Many errors repeat in their own text what their source says.
        let text = source.to_string();
        if !told.contains(&text) {
            write!(f, "; source: {text}")?;
            told.push_str(&text);
        }
        next = source.source();
    }
    Ok(())
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro makes public errors")]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    pub enum Kind {
        Odd,
    }

    opaque_error! {
        /// For the test.
        pub struct OddError(Kind);
    }

    #[test]
    fn debug_reads_as_a_sentence_and_display_repeats_no_source() {
        let inner = OddError::new(Kind::Odd, "the disk is full");
        let error = OddError::new(Kind::Odd, "not written").with_source(inner);
        assert_eq!(error.to_string(), "not written");
        let shown = "OddError(Odd): not written; source: the disk is full";
        assert_eq!(format!("{error:?}"), shown);
        assert_eq!(error.clone().kind(), Kind::Odd);
        assert_eq!(error.source().unwrap().to_string(), "the disk is full");
    }
}
