//! The commands by which clients tell who they are, and operators who there is.
//!
//! Access control is not here yet: there are no users, so that whoever tries to be one fails as with
//! a name that nobody has, and users cannot be made. All have a place in the registry, as tests of
//! drivers let such a command fail on its way, by a fail point, to see what a client logs of it.

use crate::planned;
use crate::registry::{Command, Run};
use quire_errors::{Code, CommandError};
use quire_replset::read_preference::Where;

const fn absent(name: &'static str, help: &'static str) -> Command {
    Command::new(name, help, Run::Now(|context| Err(planned::refusal(context.operation.command))))
}

/// A client must not take it for another kind of failure, and try again.
const fn nobody(name: &'static str) -> Command {
    let run = Run::Now(|_| {
        let words = "Authentication failed: there is no access control here yet, and no users";
        Err(CommandError::new(Code::AuthenticationFailed, words))
    });
    Command::new(name, "fails: there is no access control yet, and nobody to be", run)
}

const AUTHENTICATE: Command = nobody("authenticate");

const CREATE_USER: Command = Command {
    takes_write_concern: true,
    place: Where::Primary,
    ..absent("createUser", "refused: there is no access control yet")
};

const SASL_CONTINUE: Command = nobody("saslContinue");

const SASL_START: Command = nobody("saslStart");

const UPDATE_USER: Command = Command {
    takes_write_concern: true,
    place: Where::Primary,
    ..absent("updateUser", "refused: there is no access control yet")
};

pub const COMMANDS: &[&Command] =
    &[&AUTHENTICATE, &CREATE_USER, &SASL_CONTINUE, &SASL_START, &UPDATE_USER];

#[cfg(test)]
mod tests {
    use crate::testing::Rig;
    use quire_bson::doc;

    #[test]
    fn each_is_refused_as_what_is_not_there_and_fails_earlier_when_a_test_wants_it() {
        let rig = Rig::new();
        for name in ["authenticate", "saslStart", "saslContinue"] {
            let (code, words) = rig.refused("admin", doc! { name: 1 });
            assert!(code == 18 && words.starts_with("Authentication failed"), "{code} {words}");
        }
        for name in ["createUser", "updateUser"] {
            let words = format!("no such command: '{name}' (this server does not have it yet)");
            assert_eq!(rig.refused("admin", doc! { name: 1 }), (59, words));
        }
        rig.server.parameters.set("enableTestCommands", true.into());
        rig.ok(
            "admin",
            doc! {
                "configureFailPoint": "failCommand",
                "mode": { "times": 1 },
                "data": { "failCommands": ["saslStart"], "errorCode": 11 },
            },
        );
        assert_eq!(rig.refused("admin", doc! { "saslStart": 1 }).0, 11);
        assert_eq!(rig.refused("admin", doc! { "saslStart": 1 }).0, 18);
    }
}
