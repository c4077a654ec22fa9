//! [`Scripts`]: a script for each transition of the state machine.

use ::redis::Script;

/// Each is one step in Redis: nothing else happens while it runs. They are put together from
/// parts, so that whatever revokes does it in the same way. `create` and `families` revoke nothing
/// and have other keys.
pub(in crate::redis_store) struct Scripts {
    pub(super) create: Script,
    pub(super) rotate: Script,
    pub(super) end_family: Script,
    pub(super) end_subject: Script,
    pub(super) families: Script,
}

macro_rules! script {
    ($own:literal) => {
        Script::new(concat!(
            include_str!("../revocation.lua"),
            include_str!("family.lua"),
            include_str!($own)
        ))
    };
}

impl Scripts {
    pub(in crate::redis_store) fn new() -> Self {
        Self {
            create: script!("create.lua"),
            rotate: script!("rotate.lua"),
            end_family: script!("end_family.lua"),
            end_subject: script!("end_subject.lua"),
            families: script!("families.lua"),
        }
    }
}
