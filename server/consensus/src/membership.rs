//! Who belongs to the set, as the log carries it.
//!
//! Owns the payload of a configuration entry. It holds the whole membership, so that nobody has to
//! replay changes to know who votes. What the members are called and how they differ is the
//! business of the layer above; it travels along as `detail`.

use std::collections::BTreeSet;

/// The members by their node ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Grows when an operator forces a configuration, which ends the history shared with members
    /// that were left behind.
    pub incarnation: u64,
    pub voters: BTreeSet<u64>,
    /// The voters that are on their way out while two majorities are needed; empty otherwise.
    pub outgoing: BTreeSet<u64>,
    /// They get the log and have no say.
    pub learners: BTreeSet<u64>,
    /// Opaque here.
    pub detail: Vec<u8>,
}

const VERSION: u8 = 1;

/// More members than any set may have; a larger number is damage.
const MEMBERS_MAX: usize = 1_000;

impl Membership {
    /// The set of one voter.
    pub fn alone(node: u64) -> Membership {
        Membership { voters: BTreeSet::from([node]), ..Membership::default() }
    }

    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    pub fn is_voter(&self, node: u64) -> bool {
        self.voters.contains(&node)
    }

    pub fn contains(&self, node: u64) -> bool {
        self.members().any(|member| member == node)
    }

    /// Every member once.
    pub fn members(&self) -> impl Iterator<Item = u64> {
        let all: BTreeSet<u64> =
            self.voters.iter().chain(&self.outgoing).chain(&self.learners).copied().collect();
        all.into_iter()
    }

    /// The next membership on the way to `target`: itself where one node changes its part, else one
    /// in which the old voters still have their say.
    #[must_use]
    pub fn step_towards(&self, target: &Membership) -> Membership {
        let changes = target.voters.difference(&self.voters).count()
            + target.learners.difference(&self.learners).count()
            + self.members().filter(|member| !target.contains(*member)).count();
        let outgoing = if changes > 1 { self.voters.clone() } else { BTreeSet::new() };
        Membership { outgoing, ..target.clone() }
    }

    /// The same set without the voters that were on their way out.
    #[must_use]
    pub fn settled(&self) -> Membership {
        Membership { outgoing: BTreeSet::new(), ..self.clone() }
    }

    /// Whether one entry may lead from `before` to this: one member more or less, one voter more or
    /// less, into a joint set, out of it, or nothing but the detail.
    pub fn follows(&self, before: &Membership) -> bool {
        let same = self.voters == before.voters && self.learners == before.learners;
        if self.voters.is_empty() || self.voters.intersection(&self.learners).next().is_some() {
            return false;
        }
        if before.is_joint() {
            return same && (self.outgoing.is_empty() || self.outgoing == before.outgoing);
        }
        if self.is_joint() {
            return self.outgoing == before.voters;
        }
        let place =
            |set: &Membership, node: &u64| (set.voters.contains(node), set.learners.contains(node));
        let members: BTreeSet<u64> = self.members().chain(before.members()).collect();
        members.iter().filter(|node| place(self, node) != place(before, node)).count() <= 1
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.incarnation.to_be_bytes());
        for ids in [&self.voters, &self.outgoing, &self.learners] {
            bytes.extend_from_slice(&u32::try_from(ids.len()).unwrap_or(u32::MAX).to_be_bytes());
            for id in ids {
                bytes.extend_from_slice(&id.to_be_bytes());
            }
        }
        bytes.extend_from_slice(&self.detail);
        bytes
    }

    /// `None` for bytes that this version did not write.
    pub fn decode(bytes: &[u8]) -> Option<Membership> {
        let (&version, rest) = bytes.split_first()?;
        if version != VERSION {
            return None;
        }
        let (incarnation, mut rest) = rest.split_first_chunk::<8>()?;
        let mut sets: [BTreeSet<u64>; 3] = Default::default();
        for ids in &mut sets {
            let (count, after) = rest.split_first_chunk::<4>()?;
            rest = after;
            let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
            if count > MEMBERS_MAX {
                return None;
            }
            for _ in 0..count {
                let (id, after) = rest.split_first_chunk::<8>()?;
                rest = after;
                ids.insert(u64::from_be_bytes(*id));
            }
        }
        let [voters, outgoing, learners] = sets;
        let incarnation = u64::from_be_bytes(*incarnation);
        Some(Membership { incarnation, voters, outgoing, learners, detail: rest.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Membership {
        Membership {
            incarnation: 3,
            voters: BTreeSet::from([1, u64::MAX]),
            outgoing: BTreeSet::from([7]),
            learners: BTreeSet::from([9, 10]),
            detail: b"anything".to_vec(),
        }
    }

    #[test]
    fn a_membership_comes_back_as_it_was_written() {
        assert_eq!(Membership::decode(&sample().encode()), Some(sample()));
        let empty = Membership::default();
        assert_eq!(Membership::decode(&empty.encode()), Some(empty));
    }

    #[test]
    fn a_membership_follows_another_by_one_step_only() {
        let set = |voters: &[u64], outgoing: &[u64], learners: &[u64]| Membership {
            voters: voters.iter().copied().collect(),
            outgoing: outgoing.iter().copied().collect(),
            learners: learners.iter().copied().collect(),
            ..Membership::default()
        };
        let cases = [
            (set(&[1, 2], &[], &[]), set(&[1, 2], &[], &[3]), true),
            (set(&[1, 2], &[], &[3]), set(&[1, 2, 3], &[], &[]), true),
            (set(&[1, 2], &[], &[]), set(&[1], &[], &[]), true),
            (set(&[1, 2], &[], &[]), set(&[1], &[], &[2]), true),
            (set(&[1, 2], &[], &[]), set(&[1, 2], &[], &[]), true),
            (set(&[1, 2], &[], &[]), set(&[1, 2, 3, 4], &[], &[]), false),
            (set(&[1, 2], &[], &[]), set(&[1, 3], &[], &[]), false),
            (set(&[1, 2], &[], &[]), set(&[1, 3, 4], &[1, 2], &[2]), true),
            (set(&[1, 2], &[], &[]), set(&[1, 3, 4], &[1], &[]), false),
            (set(&[1, 3], &[1, 2], &[2]), set(&[1, 3], &[], &[2]), true),
            (set(&[1, 3], &[1, 2], &[]), set(&[1, 3], &[1, 2], &[]), true),
            (set(&[1, 3], &[1, 2], &[]), set(&[1, 3, 4], &[], &[]), false),
            (set(&[1, 2], &[], &[]), set(&[1, 2], &[], &[2]), false),
            (set(&[1], &[], &[]), set(&[], &[], &[]), false),
            (set(&[], &[], &[]), set(&[1], &[], &[]), true),
            (set(&[], &[], &[]), set(&[1, 2], &[1], &[]), false),
        ];
        for (before, after, expected) in cases {
            assert_eq!(after.follows(&before), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn cut_bytes_and_other_versions_are_refused() {
        let bytes = sample().encode();
        for cut in 0..bytes.len() - b"anything".len() {
            assert_eq!(Membership::decode(&bytes[..cut]), None, "{cut}");
        }
        let mut other = bytes.clone();
        other[0] = 9;
        assert_eq!(Membership::decode(&other), None);
        let mut huge = bytes;
        huge[9..13].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(Membership::decode(&huge), None);
    }
}
