//! Many changes of a table in few statements.
//!
//! Changes of one kind go into one statement. What is about the same row stays in its order; what is about different rows may
//! change places.

use std::collections::HashMap;

use uuid::Uuid;

/// What a change is, for those who order it.
pub(in crate::postgres) trait Change {
    /// Changes of the same kind can be made by one statement.
    fn kind(&self) -> u8;
    /// What it is about; `None` if it depends on no other change.
    fn subject(&self) -> Option<Uuid>;
    /// Whether it stays behind all changes before it and ahead of all after it.
    fn is_barrier(&self) -> bool;
}

/// Changes in the groups in which they are made.
pub(in crate::postgres) struct Plan<C> {
    groups: Vec<(u8, Vec<C>)>,
    /// The first group behind the last one that is about the subject.
    free_from: HashMap<Uuid, usize>,
    barrier: usize,
}

impl<C> Default for Plan<C> {
    fn default() -> Self {
        Self { groups: Vec::new(), free_from: HashMap::new(), barrier: 0 }
    }
}

impl<C: Change> Plan<C> {
    /// Adds a change behind those that it has to follow.
    pub(in crate::postgres) fn push(&mut self, change: C) {
        let (kind, subject) = (change.kind(), change.subject());
        let after = subject.and_then(|subject| self.free_from.get(&subject)).copied().unwrap_or_default();
        let first = if change.is_barrier() { self.groups.len() } else { after.max(self.barrier) };
        let place = (first..self.groups.len()).find(|place| self.groups[*place].0 == kind).unwrap_or_else(|| {
            self.groups.push((kind, Vec::new()));
            self.groups.len() - 1
        });
        if change.is_barrier() {
            self.barrier = place + 1;
        }
        self.groups[place].1.push(change);
        if let Some(subject) = subject {
            self.free_from.insert(subject, place + 1);
        }
    }

    /// The groups, each not empty and of one kind, in the order in which they are to be made.
    pub(in crate::postgres) fn groups(&self) -> impl Iterator<Item = &[C]> {
        self.groups.iter().map(|(_, changes)| changes.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Set {
        kind: u8,
        subject: u8,
        number: usize,
    }

    impl Change for Set {
        fn kind(&self) -> u8 {
            self.kind
        }

        fn subject(&self) -> Option<Uuid> {
            Some(Uuid::from_u128(u128::from(self.subject)))
        }

        fn is_barrier(&self) -> bool {
            self.kind == 3
        }
    }

    proptest! {
        #[test]
        fn each_row_sees_its_changes_in_order_and_once_in_a_group(made in prop::collection::vec((0_u8..4, 0_u8..4), 0..40)) {
            let mut plan = Plan::default();
            let mut wanted: BTreeMap<u8, Vec<Set>> = BTreeMap::new();
            for (number, (kind, subject)) in made.iter().enumerate() {
                let set = Set { kind: *kind, subject: *subject, number };
                plan.push(set);
                wanted.entry(*subject).or_default().push(set);
            }
            let mut found: BTreeMap<u8, Vec<Set>> = BTreeMap::new();
            let mut order = Vec::new();
            for group in plan.groups() {
                let mut subjects: Vec<u8> = group.iter().map(|set| set.subject).collect();
                subjects.sort_unstable();
                subjects.dedup();
                prop_assert!(!group.is_empty() && subjects.len() == group.len());
                prop_assert!(group.iter().all(|set| set.kind == group[0].kind));
                order.extend_from_slice(group);
                group.iter().for_each(|set| found.entry(set.subject).or_default().push(*set));
            }
            prop_assert_eq!(found, wanted);
            for (place, barrier) in order.iter().enumerate().filter(|(_, set)| set.is_barrier()) {
                prop_assert!(order[..place].iter().all(|set| set.number < barrier.number));
                prop_assert!(order[place + 1..].iter().all(|set| set.number > barrier.number));
            }
        }

        #[test]
        fn one_kind_of_many_rows_is_one_statement(rows in 1_u8..200) {
            let mut plan = Plan::default();
            for row in 0..rows {
                (0..3).for_each(|kind| plan.push(Set { kind, subject: row, number: 0 }));
            }
            prop_assert_eq!(plan.groups().count(), 3);
        }
    }
}
