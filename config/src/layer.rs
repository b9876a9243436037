//! One layer of configuration: what a file, the environment or the command line said.
//!
//! Values in a layer are already of their setting's kind; the `config` crate then lays one layer
//! over another.

use std::collections::BTreeMap;

use config::{ConfigError, Map, Source, Value, ValueKind};

use crate::refusal::Refusal;
use crate::setting::{Kind, Setting};
use crate::table::{self, LOG_COMPONENTS, PARAMETERS};

/// Settings that one source gave, by their path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    values: BTreeMap<String, Value>,
    /// Apart from the others because the names are the operator's and may contain dots.
    parameters: BTreeMap<String, String>,
}

impl Layer {
    /// Every setting's default.
    pub(crate) fn defaults() -> Result<Self, Refusal> {
        let mut layer = Self::default();
        for setting in table::SETTINGS {
            if let Some(text) = setting.default {
                layer.set(setting, setting.key, text)?;
            }
        }
        Ok(layer)
    }

    /// Gives a setting a value; `spelled` is what the operator wrote, for the message.
    pub(crate) fn set(
        &mut self,
        setting: &Setting,
        spelled: &str,
        text: &str,
    ) -> Result<(), Refusal> {
        let value = setting.kind.read(text).map_err(|expected| {
            let shown = if setting.kind == Kind::Secret { "<password>" } else { text };
            Refusal::new(format!("Bad value for {spelled}: '{shown}': {expected}"))
        })?;
        self.values.insert(setting.key.to_owned(), value);
        Ok(())
    }

    /// Gives a server parameter a value.
    pub(crate) fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        if name.is_empty() {
            return Err(Refusal::new(format!("Bad value for setParameter: '={value}': no name")));
        }
        self.parameters.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Gives a component of the log a verbosity of its own.
    pub(crate) fn set_component(
        &mut self,
        spelled: &str,
        component: &str,
        text: &str,
    ) -> Result<(), Refusal> {
        if !LOG_COMPONENTS.iter().any(|(path, _)| *path == component) {
            return Err(Refusal::new(format!("Unrecognized option: {spelled}")));
        }
        let value = Kind::Verbosity.read(text).map_err(|expected| {
            Refusal::new(format!("Bad value for {spelled}: '{text}': {expected}"))
        })?;
        self.values.insert(format!("systemLog.component.{component}.verbosity"), value);
        Ok(())
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut map: Map<String, Value> =
            self.values.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        if !self.parameters.is_empty() {
            let table: Map<String, Value> = self
                .parameters
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect();
            map.insert(PARAMETERS.to_owned(), Value::new(None, ValueKind::Table(table)));
        }
        Ok(map)
    }
}
