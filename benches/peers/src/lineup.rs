//! The contenders of one algorithm, ready to be called in turn.

use bytes::Bytes;

use crate::contenders::Contender;
use crate::entry::Entry;
use crate::proof;
use crate::provider::{self, Provider};
use crate::setup::{Setup, Token};

/// Those that may be measured, and why the others may not.
pub(crate) struct Lineup {
    pub(crate) entries: Vec<Entry>,
    pub(crate) absent: Vec<(&'static str, String)>,
    pub(crate) faults: Vec<(&'static str, String)>,
}

impl Lineup {
    pub(crate) fn new(contenders: &[Contender], setup: &Setup) -> Self {
        let mut lineup = Self { entries: Vec::new(), absent: Vec::new(), faults: Vec::new() };
        for &contender in contenders {
            provider::choose(Provider::AwsLc);
            let subject = match (contender.build)(setup) {
                Ok(subject) => subject,
                Err(reason) => {
                    lineup.absent.push((contender.name, reason.to_owned()));
                    continue;
                }
            };
            let mut entry = Entry { contender, subject, authorization: Bytes::new() };
            entry.authorization = entry.header(setup, Token::Good);
            let verdict = proof::examine(&mut entry, setup);
            let faults = verdict.faults.into_iter();
            if verdict.sound {
                lineup.faults.extend(faults.map(|fault| (contender.name, fault)));
                lineup.entries.push(entry);
            } else {
                lineup.absent.push((contender.name, faults.collect::<Vec<_>>().join("; ")));
            }
        }
        lineup
    }
}
