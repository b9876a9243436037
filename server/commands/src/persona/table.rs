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
            pub const fn span(self) -> (Version, Version) {
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
    /// A member that loses the role of the primary closes its clients' connections.
    CloseOnStepDown: FIRST, (4, 2);
    /// There is `hello`, and `isMaster` says so in `helloOk`.
    HelloCommand: (4, 2), NEVER;
    /// What a client waits for is stopped when the client goes away.
    StopsForTheGone: (4, 2), NEVER;
    /// Checksums of messages are checked and answered with; before, they are passed over.
    Checksums: (4, 2), NEVER;
    /// `UnsatisfiableWriteConcern` is the name of code 100.
    UnsatisfiableName: (4, 2), NEVER;
    /// `update` takes a hint.
    HintOnUpdate: (4, 2), NEVER;
    /// `failCommand` can wait, and asks for application, namespace and thread.
    FailCommandFilters: (4, 2), NEVER;
    /// `$merge`.
    MergeStage: (4, 2), NEVER;
    /// `listIndexes` and `idIndex` tell the namespace of each index.
    IndexNamespaces: FIRST, (4, 4);
    /// `hello` and state-change errors carry a `topologyVersion`, and `hello` can wait for a change.
    TopologyVersion: (4, 4), NEVER;
    /// The server labels errors, and `failCommand` can; before, drivers went by codes.
    RetryableLabels: (4, 4), NEVER;
    /// `delete` and `findAndModify` take a hint.
    HintOnDelete: (4, 4), NEVER;
    /// `find` takes `allowDiskUse`.
    FindAllowDiskUse: (4, 4), NEVER;
    /// Every command takes a comment, of any type.
    Comments: (4, 4), NEVER;
    /// Indexes can be hidden.
    HiddenIndexes: (4, 4), NEVER;
    /// An index build waits for a quorum.
    CommitQuorum: (4, 4), NEVER;
    /// `setDefaultRWConcern` and `getDefaultRWConcern`.
    DefaultConcerns: (4, 4), NEVER;
    /// `waitForFailPoint`.
    WaitForFailPoint: (4, 4), NEVER;
    /// Errors speak of primaries; before, of masters.
    PrimaryWording: (5, 0), NEVER;
    /// Who names no write concern gets `majority`.
    MajorityByDefault: (5, 0), NEVER;
    /// Clients may declare the version of the API that they use.
    StableApi: (5, 0), NEVER;
    /// Commands take variables in `let`.
    Let: (5, 0), NEVER;
    /// Documents may have names with a dollar at their beginning.
    DollarNames: (5, 0), NEVER;
    /// The state of one moment can be read outside of transactions.
    MomentReads: (5, 0), NEVER;
    /// A secondary takes pipelines that write.
    SinksOnSecondaries: (5, 0), NEVER;
    /// A member that shuts down tells monitors so, and goes on for a while.
    Quiesce: (5, 0), NEVER;
    /// `getLastError` and `resetError`.
    LastError: FIRST, (5, 1);
    /// The op codes from before OP_MSG, and any command in an OP_QUERY.
    OldOpCodes: FIRST, (5, 1);
    /// An error label tells that a failed command has written nothing.
    NoWritesPerformed: (6, 0), NEVER;
    /// `getnonce`.
    Nonce: FIRST, (6, 2);
    /// `setFeatureCompatibilityVersion` wants to be confirmed.
    ConfirmedFeatureVersion: (7, 0), NEVER;
    /// Dropping a collection that is not there succeeds.
    DropOfMissing: (7, 0), NEVER;
    /// `distinct` takes a hint.
    HintOnDistinct: (7, 1), NEVER;
    /// One command writes to many collections.
    BulkWrite: (8, 0), NEVER;
    /// Updates of one document take a sort.
    UpdateSort: (8, 0), NEVER;
    /// What comes in can be limited, and what is refused for it is labelled. The late releases of 8.0
    /// have it as well, so ours does.
    IngressLimits: (8, 0), NEVER;
    /// `WriteConcernTimeout` is the name of code 64.
    WriteConcernTimeoutName: (8, 1), NEVER;
    /// Errors of overload tell clients how long to wait.
    ClientBackoff: (9, 0), NEVER;
}
