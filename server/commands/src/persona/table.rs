//! What differs between the versions that can be shown.
//!
//! Owns one row per behaviour: from which version on, up to which, and what it is. A row is used
//! where the behaviour is, and nowhere is a version compared.

use super::Version;

const FIRST: Version = (0, 0);
const NEVER: Version = (u8::MAX, 0);

macro_rules! behaviours {
    ($($(#[doc = $about:literal])+ $name:ident: $since:expr, $before:expr;)+) => {
        /// Something that some versions do and others do not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Behaviour {
            $($(#[doc = $about])+ $name,)+
        }

        impl Behaviour {
            /// The first version that does it, and the first that does it no more.
            pub fn span(self) -> (Version, Version) {
                match self {
                    $(Behaviour::$name => ($since, $before),)+
                }
            }

            #[cfg(test)]
            pub(super) const ALL: &[Behaviour] = &[$(Behaviour::$name,)+];
        }
    };
}

behaviours! {
    /// A primary that was told to step down closes its clients' connections.
    CloseOnStepDown: FIRST, (4, 2);
    /// There is `hello`, and `isMaster` says so in `helloOk`.
    HelloCommand: (4, 2), NEVER;
    /// `listIndexes` and `idIndex` tell the namespace of each index.
    IndexNamespaces: FIRST, (4, 4);
    /// `hello` and state-change errors carry a `topologyVersion`, and `hello` can wait for a change.
    TopologyVersion: (4, 4), NEVER;
    /// The server labels errors; before, drivers went by codes.
    RetryableLabels: (4, 4), NEVER;
    /// `delete` and `findAndModify` take a hint.
    HintOnDelete: (4, 4), NEVER;
    /// `find` takes `allowDiskUse`.
    FindAllowDiskUse: (4, 4), NEVER;
    /// `setDefaultRWConcern` and `getDefaultRWConcern`.
    DefaultConcerns: (4, 4), NEVER;
    /// `UnsatisfiableWriteConcern` is the name of code 100.
    UnsatisfiableName: (4, 2), NEVER;
    /// Errors speak of primaries; before, of masters.
    PrimaryWording: (5, 0), NEVER;
    /// Who names no write concern gets `majority`.
    MajorityByDefault: (5, 0), NEVER;
    /// Clients may declare the version of the API that they use.
    StableApi: (5, 0), NEVER;
    /// Commands take variables in `let`.
    Let: (5, 0), NEVER;
    /// A member that shuts down tells monitors so, and goes on for a while.
    Quiesce: (5, 0), NEVER;
    /// `setFeatureCompatibilityVersion` wants to be confirmed.
    ConfirmedFeatureVersion: (7, 0), NEVER;
    /// An error label tells that a failed command has written nothing.
    NoWritesPerformed: (6, 0), NEVER;
    /// Dropping a collection that is not there succeeds.
    DropOfMissing: (7, 0), NEVER;
    /// One command writes to many collections.
    BulkWrite: (8, 0), NEVER;
    /// Updates of one document take a sort.
    UpdateSort: (8, 0), NEVER;
    /// `WriteConcernTimeout` is the name of code 64.
    WriteConcernTimeoutName: (8, 1), NEVER;
}
