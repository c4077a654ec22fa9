//! Guides: what to choose, what to check before you go live, what to do when something is wrong.
//! Documentation only.
//!
//! | I want to know | Page |
//! |---|---|
//! | which verifier, check, store, mode and features to take | [`choose`] |
//! | how to keep revocations in my own database | [`own_store`] |
//! | how to sign users in, and out | [`sign_in`] |
//! | make stolen tokens useless: DPoP, client certificates | [`bound_tokens`] |
//! | what to check before real users come | [`production`] |
//! | what happens when the identity provider, Redis or the database is down | [`outages`] |
//! | why my token is rejected | [`rejected`] |
//! | how to replace a hand-written extractor | [`from_an_extractor`] |
//! | how to come from jwt-authorizer | [`from_jwt_authorizer`] |
//! | how to come from axum-jwt-auth | [`from_axum_jwt_auth`] |
//! | how fast it is, and how it compares with others | [`figures`] |
//! | what is defended against, and what is left to me | [`threat_model`](crate::threat_model) |
//! | the settings for Keycloak, Auth0, Entra ID, Okta, Cognito, Google, Zitadel | [`providers`](crate::key::remote::providers) |

pub mod bound_tokens;
pub mod choose;
pub mod figures;
pub mod from_an_extractor;
pub mod from_axum_jwt_auth;
pub mod from_jwt_authorizer;
pub mod outages;
pub mod own_store;
pub mod production;
pub mod rejected;
pub mod sign_in;
