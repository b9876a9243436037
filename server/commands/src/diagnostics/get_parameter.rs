//! `getParameter`: server parameters by name, or all of them.

use crate::arguments::number;
use crate::generic::is_generic;
use crate::parameters::Shown;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{DocBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("getParameter", "gives server parameters by name, or all", Run::Now(run))
};

/// Which of all parameters are shown.
struct Selection {
    all: bool,
    details: bool,
    set_at: Option<SetAt>,
}

#[derive(Clone, Copy)]
enum SetAt {
    Start,
    RunTime,
}

fn run(context: &Context<'_>) -> Result<Reply> {
    let selection = selection(context.target())?;
    let parameters = &context.server.parameters;
    let shown: Vec<Shown> = if selection.all {
        let all = parameters.show_all().into_iter();
        all.filter(|shown| match selection.set_at {
            None => true,
            Some(SetAt::Start) => shown.settable.at_start(),
            Some(SetAt::RunTime) => shown.settable.at_run_time(),
        })
        .collect()
    } else {
        let names = context.body().iter().skip(1).map(|element| element.key());
        names.filter(|name| !is_generic(name)).filter_map(|name| parameters.show(name)).collect()
    };
    if shown.is_empty() {
        return Err(CommandError::new(Code::InvalidOptions, "no option found to get"));
    }
    Ok(Reply::with(|b| {
        for parameter in &shown {
            append(b, parameter, selection.details);
        }
    }))
}

fn selection(target: RawValue<'_>) -> Result<Selection> {
    match target {
        RawValue::String(text) => Ok(Selection { all: text == "*", details: false, set_at: None }),
        RawValue::Document(options) => options_of(options),
        _ => Ok(Selection { all: false, details: false, set_at: None }),
    }
}

fn options_of(options: RawDoc<'_>) -> Result<Selection> {
    let mut selection = Selection { all: false, details: false, set_at: None };
    for element in options {
        let value = element.value();
        match element.key() {
            "showDetails" => selection.details = is_true(value),
            "allParameters" => selection.all = is_true(value),
            "setAt" => {
                selection.set_at = Some(match value {
                    RawValue::String("startup") => SetAt::Start,
                    RawValue::String("runtime") => SetAt::RunTime,
                    _ => {
                        return Err(CommandError::bad_value(
                            "setAt must be either 'startup' or 'runtime'",
                        ));
                    }
                });
                selection.all = true;
            }
            unknown => {
                return Err(CommandError::location(
                    40415,
                    format!("BSON field 'getParameter.{unknown}' is an unknown field."),
                ));
            }
        }
    }
    Ok(selection)
}

fn is_true(value: RawValue<'_>) -> bool {
    value.as_bool().or_else(|| number(value).map(|n| n != 0.0)).unwrap_or(false)
}

fn append(b: &mut DocBuilder, parameter: &Shown, details: bool) {
    if !details {
        b.append_bson(&parameter.name, &parameter.value);
        return;
    }
    b.append_with(&parameter.name, |b| {
        b.append_bson("value", &parameter.value);
        b.append_bool("settableAtRuntime", parameter.settable.at_run_time());
        b.append_bool("settableAtStartup", parameter.settable.at_start());
    });
}
