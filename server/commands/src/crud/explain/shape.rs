//! The reply of `explain`, in the form that shells and graphical clients read.

use super::Question;
use crate::server::Context;
use quire_bson::{DocBuf, DocBuilder};
use quire_execution::{PlanNode, Role};

/// The figures of a query that ran.
pub struct Ran {
    pub returned: u64,
    /// Documents that the scan found, before pipeline and window.
    pub found: u64,
    pub keys: u64,
    pub docs: u64,
    pub millis: i64,
}

pub fn append(
    reply: &mut DocBuilder,
    context: &Context<'_>,
    question: &Question<'_>,
    ran: Option<&Ran>,
    all_plans: bool,
) {
    reply.append_str("explainVersion", "1");
    let stages = &question.prepared.plan.stages;
    if question.is_pipeline && !stages.is_empty() {
        reply.append_array("stages", |list| {
            list.push_with(|first| {
                first.append_with("$cursor", |cursor| {
                    plans(cursor, question, ran.map(|ran| (ran, ran.found)), all_plans);
                });
                stage_figures(first, ran.map(|ran| (ran.found, ran.millis)));
            });
            for (n, stage) in stages.iter().enumerate() {
                list.push_with(|shown| {
                    copy(shown, stage);
                    let last = n + 1 == stages.len();
                    let returned = |ran: &Ran| if last { ran.returned } else { ran.found };
                    stage_figures(shown, ran.map(|ran| (returned(ran), ran.millis)));
                });
            }
        });
    } else {
        plans(reply, question, ran.map(|ran| (ran, ran.returned)), all_plans);
    }
    reply.append_doc("command", question.command);
    let facts = &context.server.facts;
    reply.append_with("serverInfo", |info| {
        info.append_str("host", &facts.host).append_i32("port", i32::from(facts.port));
        info.append_str("version", &facts.persona.version())
            .append_str("gitVersion", facts.git_revision);
    });
}

fn copy(builder: &mut DocBuilder, doc: &DocBuf) {
    for element in doc.as_raw() {
        builder.append_element(element);
    }
}

/// What every stage of a pipeline that ran tells.
fn stage_figures(stage: &mut DocBuilder, figures: Option<(u64, i64)>) {
    if let Some((returned, millis)) = figures {
        append_count(stage, "nReturned", returned);
        stage.append_i64("executionTimeMillisEstimate", millis);
    }
}

fn append_count(builder: &mut DocBuilder, key: &str, count: u64) {
    match i32::try_from(count) {
        Ok(n) => builder.append_i32(key, n),
        Err(_) => builder.append_i64(key, i64::try_from(count).unwrap_or(i64::MAX)),
    };
}

/// `queryPlanner` and, when the query ran, `executionStats`.
fn plans(
    builder: &mut DocBuilder,
    question: &Question<'_>,
    ran: Option<(&Ran, u64)>,
    all_plans: bool,
) {
    let plan = &question.prepared.plan;
    builder.append_with("queryPlanner", |planner| {
        planner.append_str("namespace", &question.namespace);
        planner.append_doc("parsedQuery", plan.filter.as_raw());
        planner.append_bool("indexFilterSet", false);
        planner.append_bool("maxIndexedOrSolutionsReached", false);
        planner.append_bool("maxIndexedAndSolutionsReached", false);
        planner.append_bool("maxScansToExplodeReached", false);
        planner.append_bool("prunedSimilarIndexes", false);
        planner.append_with("winningPlan", |winner| {
            winner.append_bool("isCached", false);
            append_stage(winner, &plan.tree, None);
        });
        planner.append_array("rejectedPlans", |_| {});
    });
    let Some((ran, returned)) = ran else { return };
    builder.append_with("executionStats", |stats| {
        stats.append_bool("executionSuccess", true);
        append_count(stats, "nReturned", returned);
        append_count(stats, "executionTimeMillis", u64::try_from(ran.millis).unwrap_or(0));
        append_count(stats, "totalKeysExamined", ran.keys);
        append_count(stats, "totalDocsExamined", ran.docs);
        stats.append_with("executionStages", |stage| {
            stage.append_bool("isCached", false);
            append_stage(stage, &plan.tree, Some((ran, returned)));
        });
        if all_plans {
            stats.append_array("allPlansExecution", |_| {});
        }
    });
}

/// One stage and those below it.
fn append_stage(builder: &mut DocBuilder, node: &PlanNode, ran: Option<(&Ran, u64)>) {
    builder.append_str("stage", node.stage);
    if let Some((ran, returned)) = ran {
        append_figures(builder, node, ran, returned);
    }
    copy(builder, &node.details);
    match node.inputs.as_slice() {
        [] => {}
        [input] => {
            builder.append_with("inputStage", |stage| append_stage(stage, input, ran));
        }
        inputs => {
            builder.append_array("inputStages", |list| {
                for input in inputs {
                    list.push_with(|stage| append_stage(stage, input, ran));
                }
            });
        }
    }
}

fn append_figures(builder: &mut DocBuilder, node: &PlanNode, ran: &Ran, returned: u64) {
    let (returned, works) = match node.role {
        Role::Keys => (ran.keys, ran.keys),
        Role::Documents => (ran.found, ran.docs),
        Role::Above => (returned, ran.found),
    };
    append_count(builder, "nReturned", returned);
    builder.append_i64("executionTimeMillisEstimate", ran.millis);
    append_count(builder, "works", works.saturating_add(1));
    append_count(builder, "advanced", returned);
    append_count(builder, "needTime", works.saturating_sub(returned));
    for zero in ["needYield", "saveState", "restoreState"] {
        builder.append_i32(zero, 0);
    }
    builder.append_i32("isEOF", 1);
    match node.role {
        Role::Keys => append_count(builder, "keysExamined", ran.keys),
        Role::Documents => append_count(builder, "docsExamined", ran.docs),
        Role::Above => {}
    }
}
