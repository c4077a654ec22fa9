//! Faults that can be put into the nodes, each by name, so that the checker can be seen to find it.

use crate::checker::Rule;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A copy that cannot know says "not revoked": a demoted or lost primary is believed.
    FailOpen,
    /// A node calls itself current whatever it knows.
    HealthLies,
    /// A refresh does not ask for revocations: they reach access tokens alone.
    RefreshDeaf,
    /// A refresh asks for its session's id only, not for the subject's epoch or version.
    EpochDeaf,
    /// The end of a session is not kept, only its revocation, for as long as that lives.
    EndUndone,
    /// Two that swap the same record both win.
    TwoWinners,
    /// Nobody is told of theft.
    TheftUntold,
    /// Theft is told of every refresh.
    FalseAlarm,
    /// A tenant's endpoint knows the other's sessions.
    TenantsCross,
    /// A revocation lives as long as the tokens of the process that ends the session.
    ShortMemory,
    /// A revocation is acknowledged that nobody got.
    Unsent,
    /// What a node knew is gone when its connection is: a loss looks like a trimmed log.
    LosesCopy,
    /// Losses are not counted.
    Uncounted,
    /// A store that is out of reach has "no such session".
    Definite,
    /// A logout over a store that is out of reach finds nothing and is content.
    EndedNothing,
    /// The list of sessions is an old one.
    OldList,
    /// After the first error of the store it is never asked again.
    Stuck,
    /// Some errors are the client's to see.
    Odd,
}

/// How to find it.
pub struct Hunt {
    pub name: &'static str,
    pub plant: Plant,
    /// What the checker has to say.
    pub rule: Rule,
    pub store: &'static str,
    /// The faults under which it shows; none for calm weather.
    pub faults: &'static [&'static str],
    pub grace: bool,
    /// How long a round has to be for it to show, in seconds.
    pub round: u64,
}

const fn calm(name: &'static str, plant: Plant, rule: Rule) -> Hunt {
    Hunt { name, plant, rule, store: "memory", faults: &["calm"], grace: false, round: 4 }
}

const fn stormy(
    name: &'static str,
    plant: Plant,
    rule: Rule,
    faults: &'static [&'static str],
) -> Hunt {
    Hunt { name, plant, rule, store: "redis", faults, grace: false, round: 8 }
}

pub const HUNTS: [Hunt; 18] = [
    stormy("fail-open", Plant::FailOpen, Rule::Accepted, &["node cut off", "demoted primary"]),
    stormy("health-lies", Plant::HealthLies, Rule::Healthy, &["node cut off", "store frozen"]),
    calm("refresh-deaf", Plant::RefreshDeaf, Rule::Refreshed),
    calm("epoch-deaf", Plant::EpochDeaf, Rule::Refreshed),
    Hunt { round: 14, ..calm("end-undone", Plant::EndUndone, Rule::Refreshed) },
    calm("two-winners", Plant::TwoWinners, Rule::Winners),
    calm("theft-untold", Plant::TheftUntold, Rule::Untold),
    calm("false-alarm", Plant::FalseAlarm, Rule::FalseAlarm),
    calm("tenants-cross", Plant::TenantsCross, Rule::Tenants),
    Hunt { round: 14, ..calm("short-memory", Plant::ShortMemory, Rule::Forgotten) },
    calm("unsent", Plant::Unsent, Rule::Accepted),
    stormy("loses-copy", Plant::LosesCopy, Rule::Accepted, &["blind failover", "store emptied"]),
    stormy("uncounted", Plant::Uncounted, Rule::Uncounted, &["blind failover", "store emptied"]),
    stormy("definite", Plant::Definite, Rule::RefusedLive, &["node cut off", "store frozen"]),
    stormy(
        "ended-nothing",
        Plant::EndedNothing,
        Rule::EndedNothing,
        &["node cut off", "store frozen"],
    ),
    calm("old-list", Plant::OldList, Rule::Listed),
    Hunt { round: 30, ..stormy("stuck", Plant::Stuck, Rule::Dead, &["store killed"]) },
    calm("odd", Plant::Odd, Rule::Odd),
];

impl Plant {
    pub fn named(name: &str) -> Option<Self> {
        HUNTS.iter().find(|hunt| hunt.name == name).map(|hunt| hunt.plant)
    }
}
