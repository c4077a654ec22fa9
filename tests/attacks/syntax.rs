//! What is not exactly a compact JWS.

use serde_json::json;
use tower_bearer::RejectionKind;

use crate::stack::*;

const HEADER: &str = r#"{"alg":"HS256"}"#;

#[test]
fn rfc6750_s2_1_a_megabyte_of_dots() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let roomy = roomy(stack.clone());
    pass(&stack, &issuer.token().sign());
    pass(&roomy, &issuer.token().sign());
    for odd in [".", "a.", "..a", "e30."] {
        let long = odd.repeat((1 << 20) / odd.len());
        refuse(&stack, &long, RejectionKind::InvalidRequest);
        refuse(&roomy, &long, RejectionKind::MalformedToken);
    }
    for length in 1..40 {
        refuse(&stack, &".".repeat(length), RejectionKind::MalformedToken);
    }
    refuse(&stack, &".".repeat(16 * 1024 - 7), RejectionKind::MalformedToken);
    refuse(&stack, &".".repeat(16 * 1024 - 6), RejectionKind::InvalidRequest);
}

/// RFC 7515 §2: base64url without padding, whitespace or characters of the other alphabet.
#[test]
fn rfc7515_s2_lax_base64url() {
    let issuer = issuer();
    let stack = stack(&issuer);
    // 61 or 62 in a six-bit group, so that the alphabets differ, and two lengths of the rest.
    let header = encode(r#"{"alg":"HS256","x":"~~~???>>>"}"#);
    let payload = encode(payload(&issuer).replacen('{', r#"{"x":"~~~???>>>","#, 1));
    let good = sign_text(&format!("{header}.{payload}"));
    pass(&stack, &good);
    assert!(header.contains('_') || header.contains('-'), "{header}");
    let [_, _, mac] = segments(&good);

    for place in 0..3 {
        let change = |change: &dyn Fn(&str) -> String| {
            let mut parts = [header.clone(), payload.clone(), mac.to_owned()];
            parts[place] = change(&parts[place]);
            // Rightly signed over the text as it was changed.
            let token = sign_text(&format!("{}.{}", parts[0], parts[1]));
            if place == 2 { format!("{}.{}.{}", parts[0], parts[1], parts[2]) } else { token }
        };
        // Characters that a token can have, but no segment.
        for odd in ["+", "/", "~"] {
            let token = change(&|part| format!("{odd}{}", &part[1..]));
            refuse(&stack, &token, RejectionKind::MalformedToken);
            let token = change(&|part| format!("{part}{odd}"));
            refuse(&stack, &token, RejectionKind::MalformedToken);
        }
        // One character too many, which stands for no byte.
        let token = change(&|part| {
            let rest = part.len() % 4;
            format!("{part}{}", "A".repeat((5 - rest) % 4 + if rest == 1 { 4 } else { 0 }))
        });
        refuse(&stack, &token, RejectionKind::MalformedToken);
        // Padding inside of the token is no b64token; at its end it is one.
        for odd in ["=", "=="] {
            let token = change(&|part| format!("{part}{odd}"));
            let kind = match place {
                2 => RejectionKind::MalformedToken,
                _ => RejectionKind::InvalidRequest,
            };
            refuse(&stack, &token, kind);
        }
        for odd in [" ", "\t", "%20", "%3D", "?", "#", "\"", ",", ";", ":"] {
            let token = change(&|part| format!("{}{odd}{}", &part[..4], &part[4..]));
            refuse(&stack, &token, RejectionKind::InvalidRequest);
        }
    }
    // The other alphabet for the same bytes.
    let other = good.replace('-', "+").replace('_', "/");
    assert_ne!(other, good);
    refuse(&stack, &other, RejectionKind::MalformedToken);
}

/// Bits of the last character that stand for nothing have to be zero: else one token has many names.
#[test]
fn rfc4648_s3_5_trailing_bits() {
    let issuer = issuer();
    let stack = stack(&issuer);
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = |segment: &str| {
        let last = segment.chars().last().unwrap();
        let index = ALPHABET.find(last).unwrap();
        format!("{}{}", &segment[..segment.len() - 1], &ALPHABET[index + 1..index + 2])
    };
    let mut seen = 0;
    for spaces in 0..3 {
        let header = encode(format!("{HEADER}{}", " ".repeat(spaces)));
        let payload = encode(format!("{}{}", payload(&issuer), " ".repeat(spaces)));
        let good = sign_text(&format!("{header}.{payload}"));
        pass(&stack, &good);
        if header.len() % 4 != 0 {
            let token = sign_text(&format!("{}.{payload}", next(&header)));
            refuse(&stack, &token, RejectionKind::MalformedToken);
            seen += 1;
        }
        if payload.len() % 4 != 0 {
            let token = sign_text(&format!("{header}.{}", next(&payload)));
            refuse(&stack, &token, RejectionKind::MalformedToken);
            seen += 1;
        }
        let [_, _, mac] = segments(&good);
        let token = format!("{header}.{payload}.{}", next(mac));
        refuse(&stack, &token, RejectionKind::MalformedToken);
    }
    assert_eq!(seen, 4);
}

#[test]
fn rfc7516_jwe_of_five_segments() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let jwe = encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
    let [header, payload, mac] = segments(&good);
    for odd in [
        format!("{jwe}..AAAA.AAAA.AAAA"),
        format!("{jwe}.AAAA.AAAA.AAAA.AAAA"),
        format!("{header}.{payload}.{mac}.{mac}.{mac}"),
        format!("{header}.{payload}.{mac}.."),
        // Its header in a token of three segments.
    ] {
        refuse(&stack, &odd, RejectionKind::MalformedToken);
    }
    let token = signed(r#"{"alg":"dir","enc":"A256GCM"}"#, &crate::stack::payload(&issuer));
    refuse(&stack, &token, RejectionKind::WrongAlgorithm);
}

#[test]
fn rfc7515_s7_1_other_numbers_of_segments() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let [header, payload, mac] = segments(&good);
    for odd in [
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{mac}."),
        format!(".{header}.{payload}.{mac}"),
        format!("{header}.{payload}.{mac}.{mac}"),
        format!("{header}..{payload}.{mac}"),
        format!("{good}.{good}"),
        format!(".{payload}.{mac}"),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "a".to_owned(),
    ] {
        refuse(&stack, &odd, RejectionKind::MalformedToken);
    }
    // Without its payload the text is another.
    refuse(&stack, &format!("{header}..{mac}"), RejectionKind::InvalidSignature);
    refuse(&stack, &format!("{payload}.{header}.{mac}"), RejectionKind::MalformedToken);
}

#[test]
fn rfc7515_s7_2_json_serialization() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let [header, payload, mac] = segments(&good);
    for json in [
        json!({"payload": payload, "protected": header, "signature": mac}),
        json!({"payload": payload, "signatures": [{"protected": header, "signature": mac}]}),
        json!([good]),
        json!(good),
    ] {
        refuse(&stack, &json.to_string(), RejectionKind::InvalidRequest);
        refuse(&stack, &encode(json.to_string()), RejectionKind::MalformedToken);
    }
    // JSON before and behind the parts, which lax parsers have taken for either serialization.
    refuse(&stack, &format!("{{\"\":\"{good}\"}}"), RejectionKind::InvalidRequest);
}

#[test]
fn trailing_garbage() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    // 43 characters are 256 bits and two unused ones: more of them are other bits, not whole bytes,
    // or more bytes than the MAC has.
    for (odd, kind) in [
        ("A", RejectionKind::InvalidSignature),
        ("AA", RejectionKind::MalformedToken),
        ("AAA", RejectionKind::InvalidSignature),
        ("AAAA", RejectionKind::InvalidSignature),
        ("AAAAA", RejectionKind::InvalidSignature),
    ] {
        refuse(&stack, &format!("{good}{odd}"), kind);
    }
    for odd in [" ", "\t", " x", ",", ", Bearer x", ";", "\u{e4}", "%00", "#x", "?x"] {
        let token = format!("{good}{odd}");
        refuse(&stack, &token, RejectionKind::InvalidRequest);
    }
    for odd in [" ", "\t", "Bearer ", "\""] {
        let token = format!("{odd}{good}");
        // More than one space before the token is still one token (RFC 9110 §11.4).
        if odd == " " {
            pass(&stack, &token);
        } else {
            refuse(&stack, &token, RejectionKind::InvalidRequest);
        }
    }
}
