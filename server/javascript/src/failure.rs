//! What a client is told when a script fails.
//!
//! Owns the code and the form: the exception's name and message, and where it was thrown.

use crate::from_js::shown;
use quire_errors::{Code, CommandError};
use rquickjs::{Ctx, Error, Value};

/// The bytes of a script's own words that a client is told.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// Why something with the engine did not work out.
pub(crate) enum Failed {
    Engine(Error),
    Refused(CommandError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::Engine(error)
    }
}

impl Failed {
    /// The same for the client; takes the exception out of the context.
    pub(crate) fn into_error(self, ctx: &Ctx<'_>) -> CommandError {
        match self {
            Failed::Refused(error) => error,
            Failed::Engine(Error::Exception) => exception(ctx.catch()),
            Failed::Engine(Error::Allocation) => interpreter("out of memory".to_owned()),
            Failed::Engine(other) => interpreter(other.to_string()),
        }
    }
}

fn interpreter(mut message: String) -> CommandError {
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    CommandError::new(Code::JSInterpreterFailure, message)
}

fn exception(thrown: Value<'_>) -> CommandError {
    let Some(object) = thrown.as_object().filter(|_| thrown.is_error()) else {
        let text = shown(thrown).unwrap_or_else(|| "a value without words".to_owned());
        return interpreter(format!("uncaught exception: {text}"));
    };
    let text = |field: &str| object.get::<_, Value<'_>>(field).ok().and_then(shown);
    let name = text("name").unwrap_or_else(|| "Error".to_owned());
    let message = text("message").unwrap_or_default();
    let stack = text("stack").map(|stack| places(&stack)).unwrap_or_default();
    interpreter(format!("{name}: {message} :\n{stack}"))
}

/// The places of a stack, each as `function@:line:column`.
fn places(stack: &str) -> String {
    stack.lines().filter_map(place).map(|place| place + "\n").collect()
}

/// One place out of `    at function (file:line:column)`; none that is the server's own.
fn place(line: &str) -> Option<String> {
    let line = line.trim().strip_prefix("at ")?;
    let (function, rest) = line.split_once(" (")?;
    let (file, position) = rest.strip_suffix(')')?.split_once(':')?;
    let function = if function == "<anonymous>" || function == "<eval>" { "" } else { function };
    (file != crate::machine::PRELUDE_NAME).then(|| format!("{function}@:{position}"))
}
