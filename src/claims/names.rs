//! [`ClaimPath`]: where in the payload a claim stands.

use super::registered::RegisteredClaims;

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
    RegisteredClaims::default().has(name).is_some()
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

/// The claims whose names are a matter of configuration.
#[derive(Debug, Clone)]
pub(crate) struct ClaimNames {
    /// Where roles stand; each place is read, and what they hold is added up.
    pub(crate) roles: Vec<ClaimPath>,
    /// The claim that holds the token version.
    pub(crate) token_version: Box<str>,
}

impl ClaimNames {
    /// Whether the claim of the token version has another meaning.
    pub(crate) fn token_version_taken(&self) -> bool {
        let taken = |path: &ClaimPath| path.first == self.token_version;
        is_registered(&self.token_version) || self.roles.iter().any(taken)
    }
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { roles: vec!["roles".into()], token_version: "token_version".into() }
    }
}
