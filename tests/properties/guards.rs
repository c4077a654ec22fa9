//! Random trees of guards against a model of their logic.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

use http::Request;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tower_bearer::claims::Principal;
use tower_bearer::guard::{self, Guard, claims, not, role, scope};
use tower_bearer::rejection::RejectionKind;
use tower_bearer::testing::inject_with;

use super::stack::cases;

#[derive(Debug, Clone)]
enum Tree {
    Scope(String),
    Role(&'static str),
    /// Looks at claims of another type than the layer yields.
    Erring,
    Pass,
    Deny,
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Pass,
    Deny,
    Error,
}

const HELD: [&str; 2] = ["a", "b"];

impl Tree {
    fn guard(&self) -> Box<dyn Guard> {
        let each = |trees: &[Self]| trees.iter().map(Self::guard).collect::<Vec<_>>();
        match self {
            Self::Scope(words) => Box::new(scope(words.clone())),
            Self::Role(name) => Box::new(role(*name)),
            Self::Erring => Box::new(claims(|_: &String| true)),
            Self::Pass => Box::new(claims(|(): &()| true)),
            Self::Deny => Box::new(claims(|(): &()| false)),
            Self::All(trees) => Box::new(guard::all(each(trees))),
            Self::Any(trees) => Box::new(guard::any(each(trees))),
            Self::Not(tree) => Box::new(not(tree.guard())),
        }
    }

    fn verdict(&self) -> Verdict {
        use Verdict::{Deny, Error, Pass};
        let each = |trees: &[Self]| trees.iter().map(Self::verdict).collect::<Vec<_>>();
        let of = |passes: bool| if passes { Pass } else { Deny };
        match self {
            Self::Scope(words) => {
                let mut words = words.split(' ').filter(|word| !word.is_empty()).peekable();
                of(words.peek().is_some() && words.all(|word| HELD.contains(&word)))
            }
            Self::Role(name) => of(HELD.contains(name)),
            Self::Erring => Error,
            Self::Pass => Pass,
            Self::Deny => Deny,
            Self::All(trees) => match each(trees) {
                verdicts if verdicts.contains(&Error) => Error,
                verdicts => of(!verdicts.is_empty() && verdicts.iter().all(|one| *one == Pass)),
            },
            Self::Any(trees) => match each(trees) {
                verdicts if verdicts.contains(&Pass) => Pass,
                verdicts if verdicts.contains(&Error) => Error,
                _ => Deny,
            },
            Self::Not(tree) => match tree.verdict() {
                Pass => Deny,
                Deny => Pass,
                Error => Error,
            },
        }
    }

    /// The same tree with something else in place of what errs.
    fn with(&self, instead: &Self) -> Self {
        let each = |trees: &[Self]| trees.iter().map(|tree| tree.with(instead)).collect();
        match self {
            Self::Erring => instead.clone(),
            Self::All(trees) => Self::All(each(trees)),
            Self::Any(trees) => Self::Any(each(trees)),
            Self::Not(tree) => Self::Not(Box::new(tree.with(instead))),
            leaf => leaf.clone(),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let words = vec!["a", "b", "c", "d", "a c", "a b", " c  d ", "", " "];
    let leaf = prop_oneof![
        4 => select(words).prop_map(|words| Tree::Scope(words.to_owned())),
        2 => select(vec!["a", "b", "c"]).prop_map(Tree::Role),
        1 => Just(Tree::Erring),
        1 => select(vec![Tree::Pass, Tree::Deny]),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Tree::All),
            vec(inner.clone(), 0..4).prop_map(Tree::Any),
            inner.prop_map(|tree| Tree::Not(Box::new(tree))),
        ]
    })
}

static PRINCIPAL: LazyLock<Arc<Principal>> = LazyLock::new(|| {
    let mut request = Request::new(String::new());
    let held = json!({"scope": HELD.join(" "), "roles": HELD});
    inject_with(request.extensions_mut(), (), &held);
    Arc::new(Principal::from_extensions(request.extensions()).unwrap().clone())
});

fn check(guard: &impl Guard) -> Result<Verdict, TestCaseError> {
    let Err(rejection) = guard.check(&PRINCIPAL) else {
        return Ok(Verdict::Pass);
    };
    match rejection.kind() {
        RejectionKind::InsufficientScope => {
            let scopes = rejection.scope().unwrap_or_default();
            let words: Vec<_> = scopes.split(' ').filter(|word| !word.is_empty()).collect();
            prop_assert!(!words.is_empty(), "a missing scope without a scope: {scopes:?}");
            prop_assert!(words.iter().any(|word| !HELD.contains(word)), "nothing is missing");
            let once: HashSet<_> = words.iter().collect();
            prop_assert_eq!(once.len(), words.len(), "a scope occurs twice: {}", scopes);
            Ok(Verdict::Deny)
        }
        RejectionKind::Forbidden | RejectionKind::InsufficientAuthentication => Ok(Verdict::Deny),
        RejectionKind::Misconfigured => Ok(Verdict::Error),
        other => Err(TestCaseError::fail(format!("a guard answered {other:?}"))),
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn guards_combine_as_boolean_operators_do(tree in tree()) {
        let verdict = tree.verdict();
        prop_assert_eq!(check(&tree.guard())?, verdict);
        prop_assert_eq!(check(&not(not(tree.guard())))?, verdict);
        if verdict == Verdict::Pass {
            // what could not be decided did not matter
            prop_assert_eq!(tree.with(&Tree::Pass).verdict(), Verdict::Pass);
            prop_assert_eq!(tree.with(&Tree::Deny).verdict(), Verdict::Pass);
        }
    }

    #[test]
    fn an_error_under_any_number_of_nots_is_an_error(depth in 0..12_usize, beside in tree()) {
        let mut guard: Box<dyn Guard> = Tree::Erring.guard();
        for _ in 0..depth {
            guard = Box::new(not(guard));
        }
        prop_assert_eq!(check(&guard)?, Verdict::Error);
        let both = guard::all([guard, beside.guard()]);
        prop_assert_eq!(check(&both)?, Verdict::Error);
        prop_assert_eq!(check(&not(both))?, Verdict::Error);
    }
}
