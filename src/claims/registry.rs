//! The registered claims, said once: names, shapes, and where each is kept.
//!
//! A claim of another name is added here, and gets its getter in [`RegisteredClaims`]; reading it once and
//! of its type, required-claims rules, `Debug`, and the names that configuration may not take follow.
//!
//! [`RegisteredClaims`]: super::RegisteredClaims

macro_rules! registered {
    ($($shape:ident: $kind:ident { $($claim:ident = $name:literal,)* })*) => {
        $(
            #[doc = concat!("The claims of one shape, `", stringify!($shape), "`.")]
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub(super) enum $kind {
                $($claim,)*
            }

            impl $kind {
                pub(super) const COUNT: usize = [$(stringify!($claim)),*].len();

                /// Where it is kept among those of its shape.
                pub(super) const fn index(self) -> usize {
                    self as usize
                }
            }
        )*

        /// A registered claim.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Registered {
            $($shape($kind),)*
        }

        impl Registered {
            /// Every one, in the order of their bits.
            pub(super) const ALL: [Self; 0 $(+ $kind::COUNT)*] = [
                $($(Self::$shape($kind::$claim),)*)*
            ];

            #[inline]
            pub(super) fn named(name: &[u8]) -> Option<Self> {
                Some(match name {
                    $($($name => Self::$shape($kind::$claim),)*)*
                    _ => return None,
                })
            }

            pub(super) fn name(self) -> &'static str {
                const fn text(name: &[u8]) -> &str {
                    match str::from_utf8(name) {
                        Ok(name) => name,
                        // Every name above is ASCII.
                        Err(_) => "",
                    }
                }
                match self {
                    $($(Self::$shape($kind::$claim) => const { text($name) },)*)*
                }
            }
        }
    };
}

registered! {
    Text: TextClaim {
        Issuer = b"iss",
        Subject = b"sub",
        TokenId = b"jti",
        SessionId = b"sid",
        ClientId = b"client_id",
        AuthorizedParty = b"azp",
        AuthContext = b"acr",
    }
    Date: DateClaim {
        ExpiresAt = b"exp",
        NotBefore = b"nbf",
        IssuedAt = b"iat",
        AuthTime = b"auth_time",
    }
    List: ListClaim {
        Audience = b"aud",
        Scope = b"scope",
        Scp = b"scp",
    }
    Object: ObjectClaim {
        Confirmation = b"cnf",
    }
}

impl Registered {
    /// One bit for each, from the lowest.
    pub(super) const fn bit(self) -> u32 {
        const DATES: usize = TextClaim::COUNT;
        const LISTS: usize = DATES + DateClaim::COUNT;
        const OBJECTS: usize = LISTS + ListClaim::COUNT;
        1 << match self {
            Self::Text(claim) => claim.index(),
            Self::Date(claim) => DATES + claim.index(),
            Self::List(claim) => LISTS + claim.index(),
            Self::Object(claim) => OBJECTS + claim.index(),
        }
    }

    /// How many bits are taken.
    pub(super) const COUNT: u32 = Self::ALL.len() as u32;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_has_a_name_and_a_bit_of_its_own() {
        let mut bits = 0;
        for claim in Registered::ALL {
            assert_eq!(Registered::named(claim.name().as_bytes()), Some(claim));
            assert_eq!(bits & claim.bit(), 0, "{claim:?}");
            bits |= claim.bit();
        }
        assert_eq!(bits.count_ones(), Registered::COUNT);
        for other in ["", "is", "isss", "ISS", "token_version", "roles", "cnf.jkt"] {
            assert_eq!(Registered::named(other.as_bytes()), None, "{other}");
        }
    }
}
