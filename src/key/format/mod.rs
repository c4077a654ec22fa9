//! The forms that keys come in, and the one form that the crypto backend takes.

pub(super) mod der;
pub(super) mod material;
pub(super) mod pem;
