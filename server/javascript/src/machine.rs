//! One engine: a heap with a limit, a context with the globals that queries know, functions.
//!
//! Owns the limits of memory and stack, and the interrupt: the engine asks it every few thousand
//! steps, regular expressions and loops over arrays included, whether the operation has to stop.

use crate::failure::Failed;
use crate::from_js::FromJs;
use crate::natives;
use crate::session::Asked;
use crate::to_js::ToJs;
use quire_bson::{Bson, DocBuf, RawDoc};
use quire_errors::{CommandError, Result};
use rquickjs::context::EvalOptions;
use rquickjs::context::intrinsic::{Date, Eval, Json, MapSet, RegExp, RegExpCompiler, TypedArrays};
use rquickjs::function::Args;
use rquickjs::{Array, Context, Ctx, Function, Object, Runtime, Value};
use std::collections::HashSet;

/// What all values of one operation may take.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// What calls may take of the thread's stack. Threads of the daemon have 2 MiB.
const STACK_BYTES_MAX: usize = 512 << 10;

/// The globals of a context. Nothing waits in a query, so there are no promises; and no proxies,
/// which make loops of the engine's own last for ever that know an array's length is limited.
type Globals = (Date, Eval, Json, MapSet, RegExp, RegExpCompiler, TypedArrays);

/// Defines what MongoDB adds to the language; its value is an object with what this crate calls.
const PRELUDE: &str = include_str!("prelude.js");

/// By which its lines are known in a stack.
pub(crate) const PRELUDE_NAME: &str = "prelude";

pub(crate) struct Machine {
    context: Context,
    /// The functions that are compiled, by their numbers.
    functions: HashSet<usize>,
    asked: Asked,
}

impl Machine {
    pub(crate) fn new(asked: &Asked) -> Result<Machine> {
        let started = || -> rquickjs::Result<Context> {
            let runtime = Runtime::new()?;
            runtime.set_memory_limit(MEMORY_BYTES_MAX);
            runtime.set_max_stack_size(STACK_BYTES_MAX);
            Context::custom::<Globals>(&runtime)
        };
        let no_engine =
            |error: rquickjs::Error| CommandError::internal(format!("no script engine: {error}"));
        let context = started().map_err(no_engine)?;
        context.with(|ctx| prepare(&ctx, asked)).map_err(no_engine)?;
        let handler = asked.clone();
        // Not before the prelude, which must not be cut off half-way.
        context
            .runtime()
            .set_interrupt_handler(Some(Box::new(move || must_stop(&handler).is_err())));
        Ok(Machine { context, functions: HashSet::new(), asked: asked.clone() })
    }

    pub(crate) fn has(&self, number: usize) -> bool {
        self.functions.contains(&number)
    }

    /// Compiles a function under a number.
    pub(crate) fn compile(&mut self, number: usize, source: &str) -> Result<()> {
        self.run(|_, host| {
            let compile: Function<'_> = host.get("compile")?;
            Ok(compile.call::<_, ()>((number, source))?)
        })?;
        self.functions.insert(number);
        Ok(())
    }

    pub(crate) fn holds(&self, number: usize, document: RawDoc<'_>) -> Result<bool> {
        self.run(|ctx, host| {
            let document = ToJs::new(ctx, host)?.document(document)?;
            let test: Function<'_> = host.get("test")?;
            Ok(test.call((number, document))?)
        })
    }

    pub(crate) fn call(&self, number: usize, arguments: &[Bson]) -> Result<Bson> {
        let arguments: Vec<DocBuf> = arguments.iter().map(DocBuf::of_value).collect();
        self.run(|ctx, host| {
            let to_js = ToJs::new(ctx, host)?;
            let functions: Array<'_> = host.get("functions")?;
            let function: Function<'_> = functions.get(number)?;
            let mut args = Args::new(ctx.clone(), arguments.len());
            args.this(Object::new(ctx.clone())?)?;
            for argument in &arguments {
                let value = argument.as_raw().nth(0).map(|element| to_js.value(element.value()));
                args.push_arg(value.transpose()?)?;
            }
            let value: Value<'_> = function.call_arg(args)?;
            FromJs::new(host)?.value(value, 0)
        })
    }

    /// Runs something, and tells what went wrong.
    fn run<T>(
        &self,
        work: impl for<'js> FnOnce(&Ctx<'js>, &Object<'js>) -> std::result::Result<T, Failed>,
    ) -> Result<T> {
        must_stop(&self.asked)?;
        self.context.with(|ctx| {
            let Some(host) = ctx.userdata::<Object<'_>>() else {
                return Err(CommandError::internal("a script engine without its prelude"));
            };
            work(&ctx, &host).map_err(|failed| {
                let told = failed.into_error(&ctx);
                // Whatever the engine calls it when it is interrupted, the operation knows why.
                must_stop(&self.asked).err().unwrap_or(told)
            })
        })
    }
}

/// Evaluates the prelude, and keeps what it gives.
fn prepare(ctx: &Ctx<'_>, asked: &Asked) -> rquickjs::Result<()> {
    let mut options = EvalOptions::default();
    options.filename = Some(PRELUDE_NAME.to_owned());
    let prelude: Function<'_> = ctx.eval_with_options(PRELUDE, options)?;
    let host: Object<'_> = prelude.call((natives::object(ctx, asked)?,))?;
    ctx.store_userdata(host).map(drop).map_err(|_| rquickjs::Error::Unknown)
}

/// Fails when the operation has to stop, or there is none.
pub(crate) fn must_stop(asked: &Asked) -> Result<()> {
    let check = asked.lock().clone();
    match check {
        Some(check) => check(),
        None => Err(CommandError::internal("a script that runs for no operation")),
    }
}
