//! Ed25519 points that must not be used: not canonical, or of small order.
//!
//! The backends disagree about them (RFC 8032 §5.1.7 leaves room), so they are sorted out here and
//! both backends accept and refuse the same. A point that is not on the curve at all needs no rule:
//! no signature is good under it with either backend.

/// The y coordinates of the eight points of small order, little-endian.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Whether the encoded point has its one canonical form and is not of small order.
pub(in crate::key) fn is_canonical_and_large(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    let canonical = y[31] != 0x7f || y[0] < 0xed || y[1..31].iter().any(|byte| *byte != 0xff);
    canonical && !SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The backends' own arithmetic confirms the table.
    #[cfg(feature = "rust-crypto")]
    #[test]
    fn rfc8032_5_1_points_of_small_order() {
        let mut found = 0;
        for y in &SMALL_ORDER {
            let mut negative = *y;
            negative[31] |= 0x80;
            for point in [*y, negative] {
                assert!(!is_canonical_and_large(&point), "{point:?}");
                // of the ten spellings two have no x of that sign
                if let Ok(key) = ed25519_dalek::VerifyingKey::from_bytes(&point) {
                    assert!(key.is_weak(), "{point:?}");
                    found += 1;
                }
            }
        }
        assert!(found >= 8, "{found}");
    }

    #[test]
    fn base_point_is_good() {
        let mut base = [0x66; 32];
        base[0] = 0x58;
        assert!(is_canonical_and_large(&base));
    }

    #[test]
    fn y_at_or_above_p_is_not_canonical() {
        for low in 0xed..=0xff {
            let mut y = [0xff; 32];
            y[0] = low;
            assert!(!is_canonical_and_large(&y), "{low}");
            y[31] = 0x7f;
            assert!(!is_canonical_and_large(&y), "{low}");
        }
    }
}
