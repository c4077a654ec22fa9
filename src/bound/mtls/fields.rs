//! Certificates as proxies write them into header fields.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::certificate::ClientCertificate;

/// The longest field, in bytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// `:base64:`, a byte sequence of RFC 8941 §3.3.5 (RFC 9440 §2.1).
pub(super) fn client_cert(field: &str) -> Option<ClientCertificate> {
    let base64 = field.trim().strip_prefix(':')?.strip_suffix(':')?;
    of_der(&STANDARD.decode(base64).ok()?)
}

/// `By=…;Hash=<hex>;Subject="…"`: one element, with one hash.
pub(super) fn envoy(field: &str) -> Option<ClientCertificate> {
    let mut hash = None;
    let (mut quoted, mut start) = (false, 0);
    let mut parts = Vec::new();
    let mut previous = ' ';
    for (at, char) in field.char_indices() {
        match char {
            '"' if previous != '\\' => quoted = !quoted,
            // Another element.
            ',' if !quoted => return None,
            ';' if !quoted => {
                parts.push(field.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
        previous = char;
    }
    parts.push(field.get(start..)?);
    for part in parts {
        if let Some((name, value)) = part.trim().split_once('=')
            && name.eq_ignore_ascii_case("hash")
            && hash.replace(value).is_some()
        {
            return None;
        }
    }
    let hash = hash.filter(|_| !quoted)?;
    if hash.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hash.as_bytes().chunks(2)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(ClientCertificate::from_sha256(&bytes))
}

/// The first certificate of a PEM document, percent-encoded.
pub(super) fn escaped_pem(field: &str) -> Option<ClientCertificate> {
    let pem: Vec<u8> = percent_encoding::percent_decode_str(field).collect();
    let (label, der) = pem_rfc7468::decode_vec(&pem).ok()?;
    if label == "CERTIFICATE" { of_der(&der) } else { None }
}

fn of_der(der: &[u8]) -> Option<ClientCertificate> {
    // A certificate is a SEQUENCE of some length.
    if der.first() == Some(&0x30) { ClientCertificate::from_der(der).ok() } else { None }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    const DER: &[u8] = b"0\x03\x02\x01\x05 not quite a certificate";

    fn expected() -> Option<ClientCertificate> {
        ClientCertificate::from_der(DER).ok()
    }

    #[test]
    fn rfc9440_s2_1_client_cert() {
        let base64 = STANDARD.encode(DER);
        assert_eq!(client_cert(&format!(":{base64}:")), expected());
        for odd in [
            base64.clone(),
            format!(":{base64}"),
            format!("{base64}:"),
            format!(":{base64}:, :{base64}:"),
            format!(":{}:", base64.replace('=', "")),
            "::".to_owned(),
            ":AAAA:".to_owned(),
            String::new(),
        ] {
            assert_eq!(client_cert(&odd), None, "{odd}");
        }
    }

    #[test]
    fn envoy_has_one_element_with_one_hash() {
        let hash = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";
        let bytes: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).unwrap()).collect();
        let expected = Some(ClientCertificate::from_sha256(&bytes.try_into().unwrap()));
        for good in [
            format!("Hash={hash}"),
            format!("By=spiffe://a;Hash={hash};Subject=\"/C=US;Hash=00/CN=a, b\";URI=spiffe://b"),
            format!("hash={}", hash.to_uppercase()),
            format!("Subject=\"a\\\"b;Hash=x\";Hash={hash}"),
        ] {
            assert_eq!(envoy(&good), expected, "{good}");
        }
        for odd in [
            format!("Hash={hash},Hash={hash}"),
            format!("Hash={hash};Hash={hash}"),
            format!("By=a,By=b;Hash={hash}"),
            format!("Hash={}", &hash[1..]),
            format!("Hash={}z", &hash[1..]),
            format!("Hash=\"{hash}\""),
            format!("Subject=\"a;Hash={hash}"),
            "Subject=\"Hash=1\"".to_owned(),
            String::new(),
        ] {
            assert_eq!(envoy(&odd), None, "{odd}");
        }
    }

    #[test]
    fn nginx_escapes_pem() {
        let base64 = STANDARD.encode(DER);
        let pem =
            |label: &str| format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
        let escape = |text: &str| {
            let set = percent_encoding::NON_ALPHANUMERIC;
            percent_encoding::utf8_percent_encode(text, set).to_string()
        };
        assert_eq!(escaped_pem(&escape(&pem("CERTIFICATE"))), expected());
        for odd in [escape(&pem("PUBLIC KEY")), pem("CERTIFICATE").replace('\n', ""), String::new()]
        {
            assert_eq!(escaped_pem(&odd), None, "{odd}");
        }
    }
}
