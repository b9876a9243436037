//! Proving to know the key of the set without showing it.
//!
//! Owns what is signed and how a proof is checked. Never logs, shows or compares keys themselves.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;

pub(super) const NONCE_BYTES: usize = 32;
pub(super) type Nonce = [u8; NONCE_BYTES];
pub(super) type Proof = [u8; 32];

/// Keeps a proof from meaning anything anywhere else.
const DOMAIN: &[u8] = b"quire peer link 1";

/// The keys of the set: the first one proves, all of them are believed. Not `Debug`: they are to be
/// in no log.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    keys: Arc<[String]>,
}

/// Who proves: a proof of one side is none for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Opener,
    Acceptor,
}

/// What both sides know of one handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transcript {
    pub(super) opener: u64,
    pub(super) acceptor: u64,
    pub(super) opener_nonce: Nonce,
    pub(super) acceptor_nonce: Nonce,
}

impl Keys {
    /// Without keys nothing is proven and everyone is believed.
    pub(crate) fn new(keys: &[String]) -> Keys {
        Keys { keys: keys.into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn prove(&self, side: Side, transcript: &Transcript) -> Option<Proof> {
        let mac = signed(self.keys.first()?, side, transcript)?;
        Some(mac.finalize().into_bytes().into())
    }

    /// Whether `proof` comes from someone who knows a key. Takes the same time for every wrong one.
    pub(super) fn believe(
        &self,
        side: Side,
        transcript: &Transcript,
        proof: Option<&[u8]>,
    ) -> bool {
        let proof = proof.unwrap_or_default();
        let proves = |key: &String| {
            signed(key, side, transcript).is_some_and(|mac| mac.verify_slice(proof).is_ok())
        };
        self.keys.is_empty() || self.keys.iter().any(proves)
    }
}

fn signed(key: &str, side: Side, transcript: &Transcript) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(DOMAIN);
    mac.update(match side {
        Side::Opener => b"o",
        Side::Acceptor => b"a",
    });
    mac.update(&transcript.opener.to_be_bytes());
    mac.update(&transcript.acceptor.to_be_bytes());
    mac.update(&transcript.opener_nonce);
    mac.update(&transcript.acceptor_nonce);
    Some(mac)
}

/// Bits nobody can foresee, or none: a handshake does without less.
pub(super) fn nonce() -> Option<Nonce> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).ok()?;
    Some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Keys {
        Keys::new(&keys.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn transcript() -> Transcript {
        Transcript { opener: 1, acceptor: 2, opener_nonce: [3; 32], acceptor_nonce: [4; 32] }
    }

    #[test]
    fn a_proof_is_believed_by_whoever_knows_its_key() {
        let cases: [(&[&str], &[&str], bool); 6] = [
            (&["secret"], &["secret"], true),
            (&["secret"], &["another", "secret"], true),
            (&["secret", "another"], &["secret"], true),
            (&["another", "secret"], &["secret"], false),
            (&["secret"], &["Secret"], false),
            (&[], &["secret"], false),
        ];
        for (prover, checker, expected) in cases {
            let proof = keys(prover).prove(Side::Opener, &transcript());
            let proof = proof.as_ref().map(Proof::as_slice);
            let believed = keys(checker).believe(Side::Opener, &transcript(), proof);
            assert_eq!(believed, expected, "{prover:?} to {checker:?}");
        }
    }

    #[test]
    fn a_proof_holds_for_one_handshake_and_one_side_only() {
        let known = keys(&["secret"]);
        let proof = known.prove(Side::Opener, &transcript()).expect("a key");
        assert!(!known.believe(Side::Acceptor, &transcript(), Some(&proof)));
        let t = transcript();
        for other in [
            Transcript { opener: 9, ..t },
            Transcript { acceptor: 9, ..t },
            Transcript { opener_nonce: [9; 32], ..t },
            Transcript { acceptor_nonce: [9; 32], ..t },
        ] {
            assert!(!known.believe(Side::Opener, &other, Some(&proof)), "{other:?}");
        }
        assert!(!known.believe(Side::Opener, &t, Some(&proof[..31])));
        assert!(!known.believe(Side::Opener, &t, None));
    }

    #[test]
    fn without_a_key_nothing_is_proven_and_everyone_believed() {
        assert_eq!(keys(&[]).prove(Side::Opener, &transcript()), None);
        assert!(keys(&[]).believe(Side::Opener, &transcript(), None));
    }

    #[test]
    fn no_two_handshakes_share_a_nonce() {
        assert_ne!(nonce().expect("random bits"), nonce().expect("random bits"));
    }
}
