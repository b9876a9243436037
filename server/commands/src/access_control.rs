//! The commands by which clients tell who they are, and operators who there is.
//!
//! Access control is not here yet, and all of them are refused in the words of a command that is not
//! there. They have a place in the registry nevertheless: tests of drivers let such a command fail on
//! its way, by a fail point, to see what a client logs of it.

use crate::planned;
use crate::registry::{Command, Run};
use quire_replset::read_preference::Where;

const fn absent(name: &'static str, help: &'static str) -> Command {
    Command::new(name, help, Run::Now(|context| Err(planned::refusal(context.operation.command))))
}

const AUTHENTICATE: Command = absent("authenticate", "refused: there is no access control yet");

const CREATE_USER: Command = Command {
    takes_write_concern: true,
    place: Where::Primary,
    ..absent("createUser", "refused: there is no access control yet")
};

const SASL_CONTINUE: Command = absent("saslContinue", "refused: there is no access control yet");

const SASL_START: Command = absent("saslStart", "refused: there is no access control yet");

const UPDATE_USER: Command = Command {
    takes_write_concern: true,
    place: Where::Primary,
    ..absent("updateUser", "refused: there is no access control yet")
};

pub const COMMANDS: &[&Command] =
    &[&AUTHENTICATE, &CREATE_USER, &SASL_CONTINUE, &SASL_START, &UPDATE_USER];

#[cfg(test)]
mod tests {
    use super::COMMANDS;
    use crate::testing::Rig;
    use quire_bson::doc;

    #[test]
    fn each_is_refused_as_what_is_not_there_and_fails_earlier_when_a_test_wants_it() {
        let rig = Rig::new();
        for name in COMMANDS.iter().map(|command| command.name) {
            let words = format!("no such command: '{name}' (this server does not have it yet)");
            assert_eq!(rig.refused("admin", doc! { name: 1 }), (59, words));
        }
        rig.server.parameters.set("enableTestCommands", true.into());
        rig.ok(
            "admin",
            doc! {
                "configureFailPoint": "failCommand",
                "mode": { "times": 1 },
                "data": { "failCommands": ["saslStart"], "errorCode": 18 },
            },
        );
        assert_eq!(rig.refused("admin", doc! { "saslStart": 1 }).0, 18);
        assert_eq!(rig.refused("admin", doc! { "saslStart": 1 }).0, 59);
    }
}
