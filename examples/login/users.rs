//! Who may sign in. **A demonstration:** the passwords stand here in plain text. Yours are hashes
//! (Argon2) in a database, and tries are counted per user and per address.

pub(crate) struct DemoUser {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) roles: &'static [&'static str],
}

pub(crate) const ADA: DemoUser =
    DemoUser { name: "ada", password: "analytical-engine", roles: &["customer", "admin"] };
pub(crate) const BOB: DemoUser =
    DemoUser { name: "bob", password: "lighthouse", roles: &["customer"] };

/// The user with this name and password. How long it takes does not tell which of them was wrong.
pub(crate) fn check(name: &str, password: &str) -> Option<&'static DemoUser> {
    const NOBODY: DemoUser = DemoUser { name: "", password: "nobody-has-this", roles: &[] };
    let known = find(name);
    // An unknown name costs a comparison too.
    let right = same(known.unwrap_or(&NOBODY).password, password);
    known.filter(|_| right)
}

/// What the user may do *now*: asked at each refresh, so that a role that was taken away is gone
/// with the next access token.
pub(crate) fn roles(name: &str) -> &'static [&'static str] {
    find(name).map_or(&[], |user| user.roles)
}

fn find(name: &str) -> Option<&'static DemoUser> {
    [&ADA, &BOB].into_iter().find(|user| user.name == name)
}

/// Compares all of it, whatever the first difference.
fn same(expected: &str, given: &str) -> bool {
    let (expected, given) = (expected.as_bytes(), given.as_bytes());
    let differences = expected.iter().zip(given).fold(0, |sum, (one, other)| sum | (one ^ other));
    expected.len() == given.len() && std::hint::black_box(differences) == 0
}
