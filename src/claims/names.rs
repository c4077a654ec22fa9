//! [`ClaimPath`]: where in the payload a claim stands.

use std::fmt;

use super::registry::Registered;

/// The way to a claim: one name, or several where objects are nested.
///
/// A plain string is one name, dots and all, so `"https://example.com/roles"` is a single claim.
/// An array walks into objects: `["realm_access", "roles"]` is Keycloak's realm roles.
///
/// ```
/// use tower_bearer::claims::ClaimPath;
///
/// let auth0 = ClaimPath::from("https://example.com/roles");
/// let keycloak = ClaimPath::from(["realm_access", "roles"]);
/// assert_ne!(auth0, keycloak);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    pub(super) first: Box<str>,
    pub(super) rest: Box<[Box<str>]>,
}

impl ClaimPath {
    /// Whether roles there would never be found: the name has a meaning of its own.
    pub(crate) fn first_is_registered(&self) -> bool {
        is_registered(&self.first)
    }
}

fn is_registered(name: &str) -> bool {
    Registered::named(name.as_bytes()).is_some()
}

impl From<&str> for ClaimPath {
    fn from(name: &str) -> Self {
        Self { first: name.into(), rest: Box::default() }
    }
}

impl From<String> for ClaimPath {
    fn from(name: String) -> Self {
        Self { first: name.into(), rest: Box::default() }
    }
}

impl<const N: usize> From<[&str; N]> for ClaimPath {
    /// The names from the outermost inwards. An empty array names the claim with the empty name.
    fn from(names: [&str; N]) -> Self {
        let mut names = names.into_iter();
        Self {
            first: names.next().unwrap_or_default().into(),
            rest: names.map(Into::into).collect(),
        }
    }
}

/// For the log, as it was configured.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first)?;
        self.rest.iter().try_for_each(|name| write!(f, " / {name}"))
    }
}

/// The claims whose names are a matter of configuration.
#[derive(Debug, Clone)]
pub(crate) struct ClaimNames {
    /// Where roles stand; each place is read, and what they hold is added up.
    pub(crate) roles: Vec<ClaimPath>,
    /// Whether a string that is no array counts as one role.
    pub(crate) lone_role: bool,
    /// The claim that holds the token version.
    pub(crate) token_version: Box<str>,
}

impl ClaimNames {
    /// Whether the claim of the token version has another meaning.
    pub(crate) fn token_version_taken(&self) -> bool {
        let taken = |path: &ClaimPath| path.first == self.token_version;
        is_registered(&self.token_version) || self.roles.iter().any(taken)
    }

    /// Whether one place of roles lies within another: a value that suits both cannot be.
    pub(crate) fn roles_within_roles(&self) -> bool {
        let within = |outer: &ClaimPath, inner: &ClaimPath| {
            outer.first == inner.first
                && inner.rest.len() > outer.rest.len()
                && inner.rest.starts_with(&outer.rest)
        };
        self.roles.iter().any(|outer| self.roles.iter().any(|inner| within(outer, inner)))
    }

    /// One bit for each place of roles that begins with this name.
    #[inline]
    pub(super) fn roles_begin_with(&self, name: &str) -> u8 {
        self.places(|path| *path.first == *name)
    }

    /// Whether, at the first name of these places, the roles themselves stand.
    pub(super) fn roles_stand_at_once(&self, places: u8) -> bool {
        self.places(|path| path.rest.is_empty()) & places != 0
    }

    /// Of these places, those that end with `name` after so many others, and those that go on.
    pub(super) fn roles_after(&self, places: u8, depth: usize, name: &str) -> (u8, u8) {
        let named = places
            & self.places(|path| {
                path.rest.get(depth.wrapping_sub(1)).is_some_and(|next| **next == *name)
            });
        let ends = named & self.places(|path| path.rest.len() == depth);
        (ends, named & !ends)
    }

    fn places(&self, which: impl Fn(&ClaimPath) -> bool) -> u8 {
        // No builder takes more than eight.
        let bits = [1, 2, 4, 8, 16, 32, 64, 128];
        bits.into_iter().zip(&self.roles).filter(|(_, path)| which(path)).map(|(bit, _)| bit).sum()
    }
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { roles: vec!["roles".into()], lone_role: true, token_version: "token_version".into() }
    }
}
