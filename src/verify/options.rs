//! [`Options`]: the rules that builders collect, checked once when they are done.

use std::time::Duration;

use serde_json::Value;

use super::error::BuildError;
use super::rules::{Accept, RequiredValue, Rules, Types};
use crate::claims::{ClaimNames, ClaimPath, RegisteredClaims};
use crate::clock::MOST_LEEWAY;

/// The default leeway.
const LEEWAY: Duration = Duration::from_secs(60);
/// Each place where roles may stand is looked up for every claim.
const MOST_ROLE_PATHS: usize = 8;

/// What every builder of a token verifier can be told about claims.
pub(super) struct Options {
    pub(super) leeway: Duration,
    pub(super) max_age: Option<Duration>,
    pub(super) expiry_required: bool,
    pub(super) required: Vec<&'static str>,
    pub(super) bound_accepted: bool,
    pub(super) clients: Accept,
    pub(super) values: Vec<RequiredValue>,
    pub(super) names: ClaimNames,
    /// Whether the default place of roles was replaced.
    pub(super) roles_set: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            leeway: LEEWAY,
            max_age: None,
            expiry_required: true,
            required: Vec::new(),
            bound_accepted: false,
            clients: Accept::Any,
            values: Vec::new(),
            names: ClaimNames::default(),
            roles_set: false,
        }
    }
}

impl Options {
    /// The first place replaces the default one.
    pub(super) fn add_roles_at(&mut self, path: ClaimPath) {
        if !self.roles_set {
            self.roles_set = true;
            self.names.roles.clear();
        }
        self.names.roles.push(path);
    }

    /// Only these clients. None at all is a mistake that is told when the rules are made.
    pub(super) fn add_clients(&mut self, clients: impl IntoIterator<Item = impl Into<String>>) {
        if let Accept::Any = self.clients {
            self.clients = Accept::OneOf(Vec::new());
        }
        clients.into_iter().for_each(|client| self.clients.add(client.into()));
    }

    /// Another value for the same claim is another that is accepted.
    pub(super) fn add_value(&mut self, path: ClaimPath, value: Value) {
        match self.values.iter_mut().find(|required| required.path == path) {
            Some(required) => required.accepted.push(value),
            None => self.values.push(RequiredValue { path, accepted: vec![value] }),
        }
    }

    /// The rules, unless a setting cannot be meant.
    pub(super) fn into_rules(
        self,
        issuers: Accept,
        audiences: Accept,
        types: Types,
    ) -> Result<Rules, BuildError> {
        let unknown = |claim: &&&str| RegisteredClaims::default().has(claim).is_none();
        let problem = if issuers.has_empty() {
            "the issuer is empty: give its exact `iss`, or call `any_issuer()`"
        } else if audiences.has_empty() {
            "the audience is empty: give this service's name in `aud`, or call `any_audience()`"
        } else if issuers.has_metadata_url() {
            "the issuer is the URL of its metadata: give the issuer, without /.well-known/…"
        } else if [&issuers, &audiences, &self.clients].iter().any(|names| names.has_padded()) {
            "an issuer, audience or client begins or ends with whitespace, as none in a token does"
        } else if self.clients.has_empty() || self.clients.is_none() {
            "a client is empty, or there is none: give the `client_id` of each that is allowed"
        } else if matches!(types, Types::Contradictory) {
            "the access token profile accepts `at+jwt` and no other `token_type`: choose one of the two"
        } else if self.leeway > MOST_LEEWAY {
            "the leeway is more than an hour: it is meant for clocks that disagree by seconds"
        } else if self.max_age == Some(Duration::ZERO) {
            "the maximum age is zero, so no token could ever be accepted"
        } else if self.required.iter().find(unknown).is_some() {
            "a required claim is not a registered one: make it a field of your claims type that is not an `Option`"
        } else if self.names.roles.len() > MOST_ROLE_PATHS {
            "roles are to be looked for in more than eight places"
        } else if self.names.roles.iter().any(|path| path.first_is_registered()) {
            "roles cannot stand in a registered claim: name the claim that holds them"
        } else if self.names.roles_within_roles() {
            "one place for roles lies within another: no token could have roles in both"
        } else if self.names.token_version_taken() {
            "the token version cannot stand in a registered claim or where the roles are"
        } else {
            return Ok(Rules {
                issuers,
                audiences,
                types,
                leeway: self.leeway,
                max_age: self.max_age,
                expiry_required: self.expiry_required,
                required: self.required,
                bound_accepted: self.bound_accepted,
                clients: self.clients,
                values: self.values,
                names: self.names,
            });
        };
        Err(BuildError::new(problem))
    }
}
