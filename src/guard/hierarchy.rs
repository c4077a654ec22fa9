//! [`RoleHierarchy`]: roles that imply other roles.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::role::denied;
use super::traits::Guard;
use crate::claims::Principal;
use crate::rejection::Rejection;

/// Which roles imply which: whoever has the one has the other.
///
/// Implication passes on (admin implies editor implies viewer), and a circle makes its roles equal.
///
/// ```
/// use tower_bearer::guard::RoleHierarchy;
///
/// let roles = RoleHierarchy::new().implies("admin", "editor").implies("editor", "viewer");
/// let guard = roles.role("viewer"); // passes viewers, editors and admins
/// # let _ = guard;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a hierarchy does nothing until a guard is made of it"]
pub struct RoleHierarchy {
    /// For each role, the roles that imply it directly.
    implied_by: HashMap<String, Vec<String>>,
}

impl RoleHierarchy {
    /// No role implies another.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whoever has `role` also has `implied`.
    pub fn implies(mut self, role: impl Into<String>, implied: impl Into<String>) -> Self {
        self.implied_by.entry(implied.into()).or_default().push(role.into());
        self
    }

    /// A guard that passes whoever has this role, or one that implies it. What implies what is
    /// worked out here, once.
    #[must_use]
    pub fn role(&self, role: &str) -> impl Guard + Clone + use<> {
        let mut sufficient = HashSet::new();
        let mut found = vec![role.to_owned()];
        while let Some(role) = found.pop() {
            if let Some(implying) = self.implied_by.get(&role) {
                found.extend(implying.iter().filter(|role| !sufficient.contains(*role)).cloned());
            }
            sufficient.insert(role);
        }
        ImpliedRole(sufficient.into_iter().map(String::into_boxed_str).collect())
    }
}

#[derive(Clone)]
struct ImpliedRole(Arc<[Box<str>]>);

impl Guard for ImpliedRole {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        let held = principal.registered().roles();
        if self.0.iter().any(|role| held.contains(role)) { Ok(()) } else { Err(denied()) }
    }
}
