//! Refresh tokens.

mod family;
mod store;
mod transition;

pub use self::family::{Family, Session, SessionId, SubjectKey};
pub use self::store::RefreshStore;
pub use self::transition::{MOST_SUCCESSORS, NewFamily, Rotate, RotateOutcome};
