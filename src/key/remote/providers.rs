//! Well-known identity providers.
