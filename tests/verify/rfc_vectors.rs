//! The examples of the RFCs: of RFC 7515, 7519 and 8037 written here, of RFC 7520 and 7797 read from
//! the collection that the `jose` working group keeps.

use http::Request;
use serde_json::{Map, Value};
use tower_bearer::clock::UnixTime;
use tower_bearer::credentials::BearerToken;
use tower_bearer::head::RequestHead;
use tower_bearer::key::{Algorithm, Key, KeyErrorKind};
use tower_bearer::step::Step;
use tower_bearer::testing::FakeClock;
use tower_bearer::verify::TokenVerifier;
use tower_bearer::{Rejection, RejectionKind, Verifier};

use super::vectors;

/// The payload of most examples: issuer joe, void from 1300819380 on.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const JOES_EXP: u64 = 1_300_819_380;

/// RFC 7515 A.1.1, also used by RFC 7519 §3.1.
const HS256: &str = r#"{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
/// RFC 7515 A.2.1.
const RS256: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
/// RFC 7515 A.3.1.
const ES256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
/// RFC 7515 A.4.1.
const ES512: &str = r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#;
/// RFC 8037 A.2.
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

const A1: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A2: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const A4: &str = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
const RFC8037_A4: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// Verifies a token of any issuer, at a second of the year 2011 or whenever.
fn verify_at(key: Key, token: &str, now: u64) -> Result<(), Rejection> {
    let verifier = Verifier::<Map<String, Value>>::builder()
        .keys(key)
        .any_issuer()
        .any_audience()
        .leeway(std::time::Duration::ZERO)
        .clock(FakeClock::at(UnixTime::from_secs(now)))
        .build()
        .unwrap();
    let request = Request::new(());
    match verifier.verify(BearerToken::parse(token)?, &RequestHead::from(&request)) {
        Step::Now(verified) => verified.map(|_| ()),
        Step::Later(_) => panic!("fixed keys never make anyone wait"),
    }
}

fn kind(key: Key, token: &str) -> Option<RejectionKind> {
    verify_at(key, token, JOES_EXP - 1).err().map(|rejection| rejection.kind())
}

/// The example is accepted one second before its `exp`, and at it no longer; a changed signature
/// and a signature of other text are not.
fn is_joes(key: &Key, token: &str) {
    assert_eq!(kind(key.clone(), token), None, "{token}");
    let late = verify_at(key.clone(), token, JOES_EXP).unwrap_err();
    assert_eq!(late.kind(), RejectionKind::Expired);
    is_signed(key, token);
}

/// Whether the signature is right shows in what a change of one character leads to.
fn is_signed(key: &Key, token: &str) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    // The first character, for it has no bits that go unused.
    let flip = |text: &str| {
        let first = if text.starts_with('A') { "B" } else { "A" };
        format!("{first}{}", &text[1..])
    };
    for forged in [
        format!("{header}.{payload}.{}", flip(signature)),
        format!("{header}.{}.{signature}", flip(payload)),
        format!("{header}.eyJpc3MiOiJqb2UifQ.{signature}"),
    ] {
        assert_eq!(kind(key.clone(), &forged), Some(RejectionKind::InvalidSignature), "{forged}");
    }
    assert_eq!(
        kind(key.clone(), &format!("{input}.")),
        Some(RejectionKind::MalformedToken),
        "{token}"
    );
}

#[test]
fn rfc7515_a1_and_rfc7519_s3_1_hs256() {
    // {"typ":"JWT",\r\n "alg":"HS256"}
    let token = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.{A1}");
    let key = Key::from_jwk(HS256).unwrap();
    is_joes(&key, &token);
    assert_eq!(kind(Key::from_jwk(ES256).unwrap(), &token), Some(RejectionKind::WrongAlgorithm));
    assert_eq!(
        kind(Key::from_jwk_as(Algorithm::HS384, &HS256.replace("HS256", "HS384")).unwrap(), &token),
        Some(RejectionKind::WrongAlgorithm)
    );
}

#[test]
fn rfc7515_a2_rs256() {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{A2}");
    assert_eq!(Key::from_jwk(RS256).unwrap_err().kind(), KeyErrorKind::AlgorithmNeeded);
    is_joes(&Key::from_jwk_as(Algorithm::RS256, RS256).unwrap(), &token);
    for other in [Algorithm::RS512, Algorithm::PS256] {
        let key = Key::from_jwk_as(other, RS256).unwrap();
        assert_eq!(kind(key, &token), Some(RejectionKind::WrongAlgorithm), "{other}");
    }
}

#[test]
fn rfc7515_a3_es256() {
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{A3}");
    is_joes(&Key::from_jwk(ES256).unwrap(), &token);
    assert_eq!(kind(Key::from_jwk(ES512).unwrap(), &token), Some(RejectionKind::WrongAlgorithm));
    let error = Key::from_jwk_as(Algorithm::ES512, ES256).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Mismatch);
}

/// The payload is the word `Payload`, which is no claims object.
#[test]
fn rfc7515_a4_es512() {
    let token = format!("eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.{A4}");
    let key = Key::from_jwk(ES512).unwrap();
    assert_eq!(kind(key.clone(), &token), Some(RejectionKind::InvalidClaims));
    is_signed(&key, &token);
}

#[test]
fn rfc7515_a5_unsecured_is_rejected_whatever_the_key() {
    let token = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    for key in [HS256, ES256, ES512, ED25519] {
        let key = || Key::from_jwk(key).unwrap();
        assert_eq!(kind(key(), &token), Some(RejectionKind::MalformedToken));
        // Nor does it help to give it a signature.
        assert_eq!(kind(key(), &format!("{token}{A1}")), Some(RejectionKind::WrongAlgorithm));
    }
}

/// RFC 7519 §6.1: the unsecured JWT, with `typ` left out as in the RFC.
#[test]
fn rfc7519_s6_1_unsecured_is_rejected() {
    let token = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    let key = Key::from_jwk_as(Algorithm::RS256, RS256).unwrap();
    assert_eq!(kind(key, &token), Some(RejectionKind::MalformedToken));
}

/// The payload is text, which is no claims object.
#[test]
fn rfc8037_a4_ed25519() {
    let token = format!("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.{RFC8037_A4}");
    let key = Key::from_jwk(ED25519).unwrap();
    assert_eq!(kind(key.clone(), &token), Some(RejectionKind::InvalidClaims));
    is_signed(&key, &token);
    let error = Key::from_jwk(&ED25519.replace("Ed25519", "Ed448")).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Unsupported);
    // RFC 8037 A.1: the private key, given by mistake.
    let private = ED25519.replace('}', r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#);
    assert_eq!(Key::from_jwk(&private).unwrap_err().kind(), KeyErrorKind::PrivateKey);
}

const COOKBOOK: &str = "ietf-jose-cookbook";
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// The key of a cookbook example, for the algorithm of the example.
fn key_of(input: &Value) -> Key {
    let algorithm = input["alg"].as_str().unwrap().parse().unwrap();
    let mut jwk = input["key"].clone();
    if jwk["kty"] != "oct" {
        // The cookbook gives the signer's half.
        let error = Key::from_jwk_as(algorithm, &jwk.to_string()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::PrivateKey);
        for member in PRIVATE {
            jwk.as_object_mut().unwrap().remove(member);
        }
    }
    Key::from_jwk_as(algorithm, &jwk.to_string()).unwrap()
}

/// The payloads are prose: a right signature shows as `InvalidClaims`.
#[test]
fn rfc7520_s4_and_curve25519_compact_signatures_verify() {
    let Some(folder) = vectors::folder(COOKBOOK) else {
        return;
    };
    for name in [
        "jws/4_1.rsa_v15_signature.json",
        "jws/4_2.rsa-pss_signature.json",
        "jws/4_3.ecdsa_signature.json",
        "jws/4_4.hmac-sha2_integrity_protection.json",
        "curve25519/jws.json",
    ] {
        let example = vectors::read(&folder, name);
        let key = key_of(&example["input"]);
        let token = example["output"]["compact"].as_str().unwrap();
        assert_eq!(kind(key.clone(), token), Some(RejectionKind::InvalidClaims), "{name}");
        is_signed(&key, token);
        for form in ["json", "json_flat"] {
            let json = example["output"][form].to_string();
            assert_eq!(kind(key.clone(), &json), Some(RejectionKind::InvalidRequest), "{name}");
        }
    }
}

/// RFC 7520 §4.5: the payload travels elsewhere, so there is nothing to read.
#[test]
fn rfc7520_s4_5_detached_payload_is_rejected() {
    let Some(folder) = vectors::folder(COOKBOOK) else {
        return;
    };
    let example = vectors::read(&folder, "jws/4_5.signature_with_detached_content.json");
    let key = key_of(&example["input"]);
    let token = example["output"]["compact"].as_str().unwrap();
    assert!(token.contains(".."));
    assert_eq!(kind(key.clone(), token), Some(RejectionKind::InvalidSignature));
    // With the payload back in its place the signature is right.
    let attached = vectors::read(&folder, "jws/4_4.hmac-sha2_integrity_protection.json");
    let payload = attached["output"]["json"]["payload"].as_str().unwrap();
    let token = token.replace("..", &format!(".{payload}."));
    assert_eq!(kind(key, &token), Some(RejectionKind::InvalidClaims));
}

/// RFC 7520 §4.6 to §4.8 exist in the JSON serialization alone.
#[test]
fn rfc7520_s4_6_to_4_8_json_serialization_is_rejected() {
    let Some(folder) = vectors::folder(COOKBOOK) else {
        return;
    };
    let hmac = vectors::read(&folder, "jws/4_4.hmac-sha2_integrity_protection.json");
    let key = key_of(&hmac["input"]);
    let (mut forms, mut by_themselves) = (0, 0);
    for name in [
        "jws/4_6.protecting_specific_header_fields.json",
        "jws/4_7.protecting_content_only.json",
        "jws/4_8.multiple_signatures.json",
    ] {
        let output = vectors::read(&folder, name)["output"].clone();
        for form in output.as_object().unwrap().values() {
            let found = kind(key.clone(), &form.to_string());
            assert_eq!(found, Some(RejectionKind::InvalidRequest), "{name}");
            forms += 1;
        }
        // What could be written as a compact token is not accepted as one either.
        let json = &output["json"];
        let payload = json["payload"].as_str().unwrap();
        for signature in json["signatures"].as_array().unwrap() {
            let protected = signature["protected"].as_str().unwrap_or_default();
            let mac = signature["signature"].as_str().unwrap();
            let rejected = kind(key.clone(), &format!("{protected}.{payload}.{mac}")).unwrap();
            // An HMAC over a protected header that says so is a compact token by itself.
            let hs256 = protected.starts_with("eyJhbGciOiJIUzI1Ni");
            assert_eq!(rejected == RejectionKind::InvalidClaims, hs256, "{name} {rejected:?}");
            by_themselves += usize::from(hs256);
        }
    }
    assert_eq!((forms, by_themselves), (5, 2));
}

#[test]
fn rfc7797_unencoded_payload_is_rejected() {
    let Some(folder) = vectors::folder(COOKBOOK) else {
        return;
    };
    for name in ["rfc7797/hmac-sha2_b64_false.json", "rfc7797/4.2.hmac-sha2_b64_false.json"] {
        let example = vectors::read(&folder, name);
        let key = key_of(&example["input"]);
        for form in example["output"].as_object().unwrap().values() {
            let token = form.as_str().map_or_else(|| form.to_string(), str::to_owned);
            let found = kind(key.clone(), &token);
            assert_eq!(found, Some(RejectionKind::InvalidRequest), "{name}: {token}");
        }
        // The header alone is enough, with a payload that a token may have.
        let json = &example["output"]["json_flat"];
        let (header, mac) = (json["protected"].as_str(), json["signature"].as_str());
        for payload in ["", "e30", "JC4wMg"] {
            let token = format!("{}.{payload}.{}", header.unwrap(), mac.unwrap());
            let found = kind(key.clone(), &token);
            assert_eq!(found, Some(RejectionKind::MalformedToken), "{name}: {token}");
        }
    }
}

/// RFC 7520 §5: encrypted tokens.
#[test]
fn rfc7520_s5_encrypted_tokens_are_rejected() {
    let Some(folder) = vectors::folder(COOKBOOK) else {
        return;
    };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.join("jwe")).unwrap() {
        let path = entry.unwrap().path();
        let example =
            vectors::read(&folder.join("jwe"), path.file_name().unwrap().to_str().unwrap());
        let Some(token) = example["output"]["compact"].as_str() else {
            continue;
        };
        let key = Key::from_jwk(HS256).unwrap();
        assert_eq!(kind(key, token), Some(RejectionKind::MalformedToken), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}

/// RFC 7520 §3: which of the keys verify signatures, and which not.
#[test]
fn rfc7520_s3_keys() {
    let Some(folder) = vectors::folder(COOKBOOK) else {
        return;
    };
    for (name, expected) in [
        ("3_1.ec_public_key.json", Ok(Algorithm::ES512)),
        ("3_2.ec_private_key.json", Err(KeyErrorKind::PrivateKey)),
        ("3_3.rsa_public_key.json", Err(KeyErrorKind::AlgorithmNeeded)),
        ("3_4.rsa_private_key.json", Err(KeyErrorKind::AlgorithmNeeded)),
        ("3_5.symmetric_key_mac_computation.json", Ok(Algorithm::HS256)),
        ("3_6.symmetric_key_encryption.json", Err(KeyErrorKind::Mismatch)),
    ] {
        let jwk = vectors::read(&folder.join("jwk"), name).to_string();
        let found = Key::from_jwk(&jwk);
        let found = found.map(|key| key.algorithm()).map_err(|error| error.kind());
        assert_eq!(found, expected, "{name}");
    }
    let private = vectors::read(&folder.join("jwk"), "3_4.rsa_private_key.json").to_string();
    let error = Key::from_jwk_as(Algorithm::RS256, &private).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::PrivateKey);
}
