//! Settings that cannot be meant fail when the verifier is built, and say what to change.
use std::time::Duration;

use tower_bearer::key::{Key, KeySet, SharedKeys};
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::BuildError;
use tower_bearer::verify::builder::{Audiences, Issuers, Keys, VerifierBuilder};
use tower_bearer::{StandardClaims, Verifier};

type Ready = VerifierBuilder<StandardClaims, Keys, Issuers, Audiences>;

fn ready() -> Ready {
    TestIssuer::new().verifier()
}

/// Why this cannot be built.
fn refused(builder: Ready) -> String {
    let error: BuildError = builder.build().unwrap_err();
    error.to_string()
}

#[test]
fn what_is_usual_builds() {
    ready().build().unwrap();
    ready().access_token_profile().access_token_profile().build().unwrap();
    ready().token_type("JWT").token_type("vc+jwt").build().unwrap();
    ready().require(["jti", "sid"]).max_age(Duration::from_secs(60)).build().unwrap();
    ready().roles_at("groups").roles_at(["realm_access", "roles"]).build().unwrap();
    ready().leeway(Duration::ZERO).build().unwrap();
    ready().token_version_claim("tv").build().unwrap();
}

#[test]
fn names_that_are_empty() {
    assert!(refused(ready().issuer("")).contains("the issuer is empty"));
    assert!(refused(ready().audience("")).contains("the audience is empty"));
}

#[test]
fn names_that_no_token_has() {
    for issuer in ["https://i/.well-known/openid-configuration", "https://i/.well-known/x"] {
        assert!(refused(ready().issuer(issuer)).contains("the URL of its metadata"), "{issuer}");
    }
    let padded = "whitespace, as none in a token does";
    assert!(refused(ready().issuer("https://i ")).contains(padded));
    assert!(refused(ready().audience("\tapi")).contains(padded));
    assert!(refused(ready().client(" web")).contains(padded));
}

#[test]
fn times_that_no_token_meets() {
    assert!(refused(ready().leeway(Duration::from_secs(3601))).contains("more than an hour"));
    assert!(refused(ready().max_age(Duration::ZERO)).contains("maximum age is zero"));
}

#[test]
fn claims_that_would_never_be_found() {
    assert!(refused(ready().require(["tenant"])).contains("field of your claims type"));
    // Registered names have a meaning of their own, so roles there would be none, and what is
    // denied to a role would be open to all.
    for name in ["scope", "scp", "acr", "sub", "aud", "exp"] {
        assert!(refused(ready().roles_at(name)).contains("registered claim"), "{name}");
        assert!(refused(ready().token_version_claim(name)).contains("registered"), "{name}");
    }
    assert!(refused(ready().token_version_claim("roles")).contains("where the roles are"));
    let nine = (0..9).fold(ready(), |builder, n| builder.roles_at(format!("r{n}")));
    assert!(refused(nine).contains("more than eight places"));
}

#[test]
fn rfc9068_the_profile_does_not_go_with_other_types() {
    for both in [
        ready().access_token_profile().token_type("JWT"),
        ready().token_type("JWT").access_token_profile(),
        ready().access_token_profile().token_type("at+jwt").token_type("JWT"),
    ] {
        assert!(refused(both).contains("choose one of the two"));
    }
}

#[test]
fn keys_that_are_none() {
    let with = |keys: SharedKeys| {
        Verifier::<StandardClaims>::builder().keys(keys).any_issuer().any_audience()
    };
    assert!(refused(with(SharedKeys::new(KeySet::new([])))).contains("there is no key"));
    let none: [Key; 0] = [];
    assert!(refused(with(none.into())).contains("there is no key"));
}

#[test]
fn issuers_that_cannot_be_told_apart() {
    let of = |builder: Ready| builder.build().unwrap();
    let verifiers = [of(ready().issuer("a")), of(ready().issuer("b"))];
    let error = Verifier::of_issuers(verifiers).unwrap_err();
    assert!(error.to_string().contains("same issuer"), "both have the test issuer's name too");

    let any = Verifier::<StandardClaims>::builder().keys(TestIssuer::new().key()).any_issuer();
    let any = any.any_audience().build().unwrap();
    let error = Verifier::of_issuers([any]).unwrap_err();
    assert!(error.to_string().contains("accepts any issuer"));

    let none: [Verifier<StandardClaims>; 0] = [];
    assert!(Verifier::of_issuers(none).unwrap_err().to_string().contains("no verifier"));
}
