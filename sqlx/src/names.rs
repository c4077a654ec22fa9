//! [`Names`]: the names of tables, which are the one thing that is put into SQL as text.

use std::sync::Arc;

use tower_bearer::store::StoreError;

/// The longest name that leaves room for what follows it: Postgres cuts names off at 63.
const LONGEST: usize = 32;

/// A prefix of tables, or a schema that they are in: lower-case letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names(Box<str>);

impl Names {
    /// # Errors
    ///
    /// If it is anything else, so that nothing needs to be quoted.
    pub(crate) fn new(what: &str, text: &str) -> Result<Self, StoreError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let starts = text.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if starts && text.len() <= LONGEST && text.bytes().all(fits) {
            return Ok(Self(text.into()));
        }
        Err(StoreError::configuration(format!(
            "{what} is at most {LONGEST} lower-case letters, digits and underscores, and begins with \
             no digit"
        )))
    }

    /// The statement, in which `{p}` stands for the name.
    pub(crate) fn fill(&self, sql: &str) -> Arc<str> {
        sql.replace("{p}", &self.0).into()
    }
}

/// A struct of statements, each with the name put in once.
macro_rules! statements {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $sql:expr;)* }) => {
        $(#[$doc])*
        pub(super) struct $name {
            $(pub(super) $field: std::sync::Arc<str>,)*
        }

        impl $name {
            pub(super) fn new(names: &$crate::names::Names) -> Self {
                Self { $($field: names.fill($sql),)* }
            }
        }
    };
}
pub(crate) use statements;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_plain_name_gets_into_a_statement() {
        for fine in ["tower_bearer_", "a", "_1", "auth2"] {
            assert_eq!(&*Names::new("it", fine).unwrap().0, fine);
        }
        let long = "a".repeat(33);
        for odd in ["", "1a", "A", "a b", "a\"b", "a;--", "a.b", "ä", "a\0", "{p}", &long] {
            assert!(Names::new("it", odd).is_err(), "{odd}");
        }
        let names = Names::new("it", "x_").unwrap();
        assert_eq!(&*names.fill("SELECT 1 FROM {p}a, {p}b"), "SELECT 1 FROM x_a, x_b");
    }
}
