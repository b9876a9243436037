//! What `collMod` changes of a collection or view as a whole.

use super::super::create::{
    ACTIONS, LEVELS, append_whole, capped_size, check_validator, enumeration,
};
use super::super::view_definition::{self, ViewDefinition};
use super::invalid;
use crate::arguments::Arguments;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{Catalog, Collection, Effect, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_query::Constants;
use std::sync::Arc;

/// The options that a request names.
#[derive(Debug, Default)]
pub struct CollectionChange {
    view_on: Option<String>,
    pipeline: Option<DocBuf>,
    validator: Option<DocBuf>,
    level: Option<String>,
    action: Option<String>,
    capped_size: Option<i64>,
    capped_max: Option<i64>,
}

impl CollectionChange {
    pub fn read(
        namespace: &Namespace,
        arguments: &mut Arguments<'_>,
        constants: &Arc<Constants>,
    ) -> Result<CollectionChange> {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let change = CollectionChange {
            view_on: text(arguments.optional_str("viewOn")?),
            pipeline: arguments.optional_array("pipeline")?.map(DocBuf::from),
            validator: arguments.optional_doc("validator")?.map(DocBuf::from),
            level: text(arguments.optional_str("validationLevel")?),
            action: text(arguments.optional_str("validationAction")?),
            capped_size: arguments.optional_i64("cappedSize")?.map(capped_size).transpose()?,
            capped_max: arguments.optional_i64("cappedMax")?,
        };
        if let Some(validator) = &change.validator {
            check_validator(namespace, validator.as_raw(), constants)?;
        }
        if let Some(level) = &change.level {
            enumeration("collMod.validationLevel", level, LEVELS)?;
        }
        if let Some(action) = &change.action {
            enumeration("collMod.validationAction", action, ACTIONS)?;
        }
        Ok(change)
    }

    pub fn is_empty(&self) -> bool {
        !self.is_about_views() && !self.is_about_caps() && !self.is_about_validation()
    }

    fn is_about_views(&self) -> bool {
        self.view_on.is_some() || self.pipeline.is_some()
    }

    fn is_about_caps(&self) -> bool {
        self.capped_size.is_some() || self.capped_max.is_some()
    }

    fn is_about_validation(&self) -> bool {
        self.validator.is_some() || self.level.is_some() || self.action.is_some()
    }

    pub fn plan(
        &self,
        catalog: &Catalog,
        there: &Collection,
        constants: &Arc<Constants>,
    ) -> Result<Option<Effect>> {
        if there.is_view() {
            self.check_view(catalog, there, constants)?;
        } else if self.is_about_views() {
            return Err(invalid("'viewOn' and 'pipeline' are only for views"));
        }
        if self.is_about_caps() && there.capped().is_none() {
            return Err(invalid("this option is only supported on a capped collection"));
        }
        if self.is_empty() {
            return Ok(None);
        }
        let options = self.merged(there.options.as_raw());
        Ok(Some(Effect::ModifyCollection { id: there.id, options }))
    }

    fn check_view(
        &self,
        catalog: &Catalog,
        there: &Collection,
        constants: &Arc<Constants>,
    ) -> Result<()> {
        if self.is_about_caps() || self.is_about_validation() {
            return Err(CommandError::new(
                Code::OptionNotSupportedOnView,
                format!("option not supported on the view {}", there.namespace),
            ));
        }
        let view_on = there.option("viewOn").and_then(RawValue::as_str).unwrap_or_default();
        let pipeline = there.option("pipeline").and_then(RawValue::as_array);
        let view = ViewDefinition {
            view_on: self.view_on.clone().unwrap_or_else(|| view_on.to_owned()),
            pipeline: match &self.pipeline {
                Some(pipeline) => pipeline.clone(),
                None => pipeline.unwrap_or(RawDoc::EMPTY).into(),
            },
        };
        view_definition::check(catalog, &there.namespace, &view, &there.order(), constants)
    }

    /// The options as they will be, in the order in which `create` keeps them.
    fn merged(&self, before: RawDoc<'_>) -> DocBuf {
        let mut b = DocBuilder::new();
        for element in before {
            if !self.replaces(element.key()) {
                b.append_element(element);
            }
        }
        if let Some(size) = self.capped_size {
            append_whole(&mut b, "size", size);
        }
        if let Some(max) = self.capped_max.filter(|max| *max > 0) {
            append_whole(&mut b, "max", max);
        }
        if let Some(validator) = self.validator.as_ref().filter(|v| !v.as_raw().is_empty()) {
            b.append_doc("validator", validator.as_raw());
        }
        let texts = [
            ("validationLevel", &self.level),
            ("validationAction", &self.action),
            ("viewOn", &self.view_on),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                b.append_str(name, value);
            }
        }
        if let Some(pipeline) = &self.pipeline {
            b.append("pipeline", RawValue::Array(pipeline.as_raw()));
        }
        b.finish()
    }

    fn replaces(&self, option: &str) -> bool {
        match option {
            "viewOn" => self.view_on.is_some(),
            "pipeline" => self.pipeline.is_some(),
            "validator" => self.validator.is_some(),
            "validationLevel" => self.level.is_some(),
            "validationAction" => self.action.is_some(),
            "size" => self.capped_size.is_some(),
            "max" => self.capped_max.is_some(),
            _ => false,
        }
    }
}
