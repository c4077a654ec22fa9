//! Which crypto `jsonwebtoken` uses, from call to call.
//!
//! Versions 10 and 11 take one provider for the whole process. To measure both in one process, in
//! turn, the one installed here asks a thread-local switch which of the two does the work; that
//! costs about a nanosecond.

use std::cell::Cell;

/// Where a contender's cryptography comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    AwsLc,
    RustCrypto,
}

thread_local! {
    static CHOSEN: Cell<Provider> = const { Cell::new(Provider::AwsLc) };
}

/// From now on, on this thread.
pub(crate) fn choose(provider: Provider) {
    CHOSEN.set(provider);
}

macro_rules! switch {
    ($version:ident) => {{
        use $version::crypto::{CryptoProvider, aws_lc, rust_crypto};

        let switch = CryptoProvider {
            verifier_factory: |algorithm, key| {
                let provider = match CHOSEN.get() {
                    Provider::AwsLc => &aws_lc::DEFAULT_PROVIDER,
                    Provider::RustCrypto => &rust_crypto::DEFAULT_PROVIDER,
                };
                (provider.verifier_factory)(algorithm, key)
            },
            ..aws_lc::DEFAULT_PROVIDER.clone()
        };
        let switch: &'static CryptoProvider = Box::leak(Box::new(switch));
        switch.install_default().expect("nobody installed a provider before");
    }};
}

/// Must come before any use of `jsonwebtoken`, which panics otherwise: with both backends compiled
/// in it does not choose by itself.
pub(crate) fn install() {
    switch!(jsonwebtoken);
    switch!(jsonwebtoken_10);
}
