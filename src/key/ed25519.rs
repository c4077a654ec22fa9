//! Ed25519 points that must not be used: not on the curve, not canonical, of small order.
//!
//! The backends disagree about them (RFC 8032 §5.1.7 leaves room), so they are sorted out here and
//! both backends accept and refuse the same. The arithmetic below sees public data only and runs
//! when a key is loaded; it need not be constant in time.

/// 2^255 - 19, least significant limb first.
const P: [u64; 4] = [0xffff_ffff_ffff_ffed, u64::MAX, u64::MAX, 0x7fff_ffff_ffff_ffff];

/// The curve's d = -121665/121666 (RFC 8032 §5.1).
const D: [u64; 4] =
    [0x75eb_4dca_1359_78a3, 0x0070_0a4d_4141_d8ab, 0x8cc7_4079_7779_e898, 0x5203_6cee_2b6f_fe73];

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
pub(super) fn is_canonical_and_large(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    let canonical = y[31] != 0x7f || y[0] < 0xed || y[1..31].iter().any(|byte| *byte != 0xff);
    canonical && !SMALL_ORDER.contains(&y)
}

/// Whether a point with this y coordinate exists.
pub(super) fn is_on_curve(point: &[u8; 32]) -> bool {
    // x² = (y² - 1) / (d y² + 1) has a solution iff (y² - 1)(d y² + 1) is a square: Euler's criterion
    let y2 = square(&limbs(point));
    let product = mul(&sub(&y2, &ONE), &add(&mul(&D, &y2), &ONE));
    let mut power = ONE;
    // (p - 1) / 2 = 2^254 - 10, written out bit by bit
    for bit in (0..254).rev() {
        power = square(&power);
        if bit >= 4 || (0b0110_u8 >> bit) & 1 == 1 {
            power = mul(&power, &product);
        }
    }
    let power = reduce(power);
    power == ONE || power == [0; 4]
}

const ONE: [u64; 4] = [1, 0, 0, 0];

fn limbs(point: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(point.chunks_exact(8)) {
        *limb = bytes.iter().rev().fold(0, |limb, byte| (limb << 8) | u64::from(*byte));
    }
    limbs[3] &= u64::MAX >> 1;
    limbs
}

/// Folds a carry out of 2^256 back in: 2^256 is 38 modulo p.
fn fold(mut value: [u64; 4], mut carry: u64) -> [u64; 4] {
    while carry != 0 {
        let mut sum = u128::from(carry) * 38;
        for limb in &mut value {
            sum += u128::from(*limb);
            *limb = sum as u64;
            sum >>= 64;
        }
        carry = sum as u64;
    }
    value
}

fn add(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let mut sum = 0_u128;
    let mut out = [0; 4];
    for i in 0..4 {
        sum += u128::from(a[i]) + u128::from(b[i]);
        out[i] = sum as u64;
        sum >>= 64;
    }
    fold(out, sum as u64)
}

/// a - b, by adding p - b.
fn sub(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let b = reduce(*b);
    let mut negated = [0; 4];
    let mut borrow = false;
    for i in 0..4 {
        let (limb, first) = P[i].overflowing_sub(b[i]);
        let (limb, second) = limb.overflowing_sub(u64::from(borrow));
        negated[i] = limb;
        borrow = first | second;
    }
    add(a, &negated)
}

fn mul(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let mut wide = [0_u64; 8];
    for i in 0..4 {
        let mut carry = 0_u128;
        for j in 0..4 {
            carry += u128::from(a[i]) * u128::from(b[j]) + u128::from(wide[i + j]);
            wide[i + j] = carry as u64;
            carry >>= 64;
        }
        wide[i + 4] = carry as u64;
    }
    let mut sum = 0_u128;
    let mut out = [0; 4];
    for i in 0..4 {
        sum += u128::from(wide[i]) + u128::from(wide[i + 4]) * 38;
        out[i] = sum as u64;
        sum >>= 64;
    }
    fold(out, sum as u64)
}

fn square(a: &[u64; 4]) -> [u64; 4] {
    mul(a, a)
}

/// The representative below p.
fn reduce(mut value: [u64; 4]) -> [u64; 4] {
    while value.iter().rev().ge(P.iter().rev()) {
        let mut borrow = false;
        for i in 0..4 {
            let (limb, first) = value[i].overflowing_sub(P[i]);
            let (limb, second) = limb.overflowing_sub(u64::from(borrow));
            value[i] = limb;
            borrow = first | second;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8032_5_1_constants() {
        // d · 121666 = -121665
        let left = mul(&D, &[121_666, 0, 0, 0]);
        assert_eq!(reduce(add(&left, &[121_665, 0, 0, 0])), [0; 4]);
        // small order: y = 0, y² = 1, or the point doubles to y = 0: d y⁴ + 2 y² - 1 = 0
        for y in &SMALL_ORDER {
            let y2 = square(&limbs(y));
            let eighth = sub(&add(&mul(&D, &square(&y2)), &add(&y2, &y2)), &ONE);
            let terms = [y2, sub(&y2, &ONE), eighth].map(reduce);
            assert!(terms.contains(&[0; 4]), "{y:?}");
            assert!(is_on_curve(y));
            assert!(!is_canonical_and_large(y));
            let mut negative = *y;
            negative[31] |= 0x80;
            assert!(!is_canonical_and_large(&negative));
        }
    }

    #[test]
    fn base_point_is_good_and_two_is_no_y() {
        let mut base = [0x66; 32];
        base[0] = 0x58;
        assert!(is_on_curve(&base) && is_canonical_and_large(&base));
        let mut two = [0; 32];
        two[0] = 2;
        assert!(!is_on_curve(&two));
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

    #[cfg(feature = "rust-crypto")]
    #[test]
    fn same_answer_as_a_library_gives() {
        let mut point = [7_u8; 32];
        for i in 0..200_u8 {
            point[usize::from(i % 32)] =
                point[usize::from(i % 32)].wrapping_mul(31).wrapping_add(i);
            let theirs = ed25519_dalek::VerifyingKey::from_bytes(&point).is_ok();
            assert_eq!(is_on_curve(&point), theirs, "{point:?}");
        }
    }
}
