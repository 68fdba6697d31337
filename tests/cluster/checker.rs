//! Whether what was told of a device could have happened one after another: the search of Wing and Gong, which remembers where
//! it has been (Lowe, "Testing for linearizability", 2017).

use std::collections::HashSet;

use crate::model::{Device, Operation, Outcome};

/// One thing that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    /// When it was asked, and when it was answered: by one clock. What is known not to have been answered may have happened at
    /// any time after it was asked, or never.
    pub(crate) asked: u128,
    pub(crate) answered: Option<(u128, Outcome)>,
}

/// Calls that have happened, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Happened(Vec<u64>);

impl Happened {
    fn has(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn with(&self, index: usize) -> Self {
        let mut words = self.0.clone();
        words.resize(words.len().max(index / 64 + 1), 0);
        words[index / 64] |= 1 << (index % 64);
        Self(words)
    }
}

/// Finds an order of all that was answered, and some that was not, in which each call takes effect between its question and its
/// answer, and is told what the device tells. If there is none, gives the longest beginning of one that there is.
pub(crate) fn linearize(calls: &[Call]) -> Result<(), Vec<Call>> {
    let answered = calls.iter().filter(|call| call.answered.is_some()).count();
    let mut longest = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![(Happened::default(), Device::new(), Vec::new())];
    while let Some((happened, device, order)) = open.pop() {
        let told = order.iter().filter(|index: &&usize| calls[**index].answered.is_some()).count();
        if told == answered {
            return Ok(());
        }
        // Whoever was asked after that was asked later than something that has not happened yet was answered.
        let waiting = (0..calls.len()).filter(|index| !happened.has(*index));
        let end = waiting.clone().filter_map(|index| Some(calls[index].answered?.0)).min();
        for index in waiting.filter(|index| end.is_none_or(|end| calls[*index].asked <= end)) {
            let call = &calls[index];
            let mut then = device.clone();
            let outcome = then.apply(call.operation);
            // What nobody was told and changed nothing need not have happened.
            let fits = call.answered.map_or(then != device, |(_, told)| told == outcome);
            let with = happened.with(index);
            if fits && seen.insert((with.clone(), then.clone())) {
                let order = [&order[..], &[index]].concat();
                if order.len() > longest.len() {
                    longest.clone_from(&order);
                }
                open.push((with, then, order));
            }
        }
    }
    Err(longest.into_iter().map(|index| calls[index].clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Operation::*, Outcome::*};

    const fn call(operation: Operation, asked: u128, answered: u128, outcome: Outcome) -> Call {
        Call { operation, asked, answered: Some((answered, outcome)) }
    }

    const fn unanswered(operation: Operation, asked: u128) -> Call {
        Call { operation, asked, answered: None }
    }

    /// A device that may be claimed by key 1.
    fn opened() -> Vec<Call> {
        vec![call(Allow(Some(true)), 0, 1, Done), call(Issue(1), 2, 3, Done)]
    }

    fn is_linearizable(then: impl IntoIterator<Item = Call>) -> bool {
        linearize(&opened().into_iter().chain(then).collect::<Vec<_>>()).is_ok()
    }

    #[test]
    fn what_happened_at_once_may_have_happened_in_any_order() {
        let race = [call(Claim(0, 1), 10, 20, Claimed), call(Claim(1, 1), 11, 19, Done)];
        assert!(is_linearizable(race.clone()));
        let read = |asked, answered, owner, version| call(ReadOwner, asked, answered, Owner(owner, version));
        assert!(is_linearizable(race.clone().into_iter().chain([read(12, 30, None, 1)])));
        assert!(is_linearizable(race.into_iter().chain([read(12, 30, Some(1), 2)])));
    }

    #[test]
    fn a_stale_read_is_found() {
        let claim = call(Claim(0, 1), 10, 20, Done);
        for (stale, told) in
            [(ReadOwner, Owner(None, 1)), (ReadState, State("open")), (ReadAttributes, Attributes(Some(true), false))]
        {
            assert!(!is_linearizable([claim.clone(), call(stale, 21, 22, told)]), "{stale:?}");
            assert!(is_linearizable([claim.clone(), call(stale, 19, 22, told)]), "{stale:?}");
        }
        // Once somebody has seen it, nobody may see it undone, though the claim itself is under way.
        let seen = call(ReadOwner, 11, 12, Owner(Some(0), 2));
        assert!(!is_linearizable([claim, seen, call(ReadOwner, 13, 14, Owner(None, 1))]));
    }

    #[test]
    fn a_second_owner_is_found() {
        let race = [call(Claim(0, 1), 10, 20, Done), call(Claim(1, 1), 11, 19, Done)];
        assert!(!is_linearizable(race.clone()));
        let between = [call(Reclaim(None), 12, 18, Done), call(Issue(1), 12, 18, Done)];
        assert!(is_linearizable(race.into_iter().chain(between)));
    }

    #[test]
    fn a_claim_that_was_lost_is_found() {
        let claim = call(Claim(0, 1), 10, 20, Done);
        assert!(!is_linearizable([claim.clone(), call(Claim(1, 1), 30, 40, Done)]));
        assert!(!is_linearizable([claim.clone(), call(Issue(2), 30, 40, Done)]));
        assert!(!is_linearizable([claim, call(Unassign, 30, 40, Refused)]));
    }

    #[test]
    fn a_key_that_was_used_never_works_again() {
        let used = [call(Claim(0, 1), 10, 20, Done), call(Reclaim(Some(0)), 21, 22, Done)];
        assert!(!is_linearizable(used.clone().into_iter().chain([call(Claim(1, 1), 23, 24, Done)])));
        assert!(is_linearizable(used.into_iter().chain([call(Claim(1, 1), 23, 24, Refused)])));
    }

    #[test]
    fn what_was_not_answered_happened_later_or_never_but_once() {
        let lost = unanswered(Claim(0, 1), 10);
        let read = |at, owner, version| call(ReadOwner, at, at + 1, Owner(owner, version));
        assert!(is_linearizable([lost.clone(), read(20, None, 1), read(30, None, 1)]));
        assert!(is_linearizable([lost.clone(), read(20, None, 1), read(30, Some(0), 2)]));
        assert!(!is_linearizable([lost.clone(), read(5, Some(0), 2)]), "it was not asked yet");
        assert!(!is_linearizable([lost.clone(), read(20, Some(0), 2), read(30, None, 1)]));
        let again = [call(Reclaim(None), 21, 22, Done), call(Issue(1), 23, 24, Done), read(30, Some(0), 4)];
        assert!(!is_linearizable([lost.clone(), read(20, Some(0), 2)].into_iter().chain(again.clone())));
        assert!(is_linearizable([lost.clone(), lost, read(20, Some(0), 2)].into_iter().chain(again)));
    }
}
