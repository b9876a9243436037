//! Which rules of a schema a document breaks, in the shape of a validation error's `errInfo`.

use super::{Dependency, Rest, Rule, Rules, Schema, Test, duplicate, is_additional};
use quire_bson::{Bson, Document, RawDoc, RawElement, RawValue, doc};
use quire_errors::Result;

impl Schema {
    /// The `details` of a document that fails.
    pub(crate) fn details(&self, doc: RawDoc<'_>) -> Result<Document> {
        let mut details = doc! { "operatorName": "$jsonSchema" };
        self.rules.annotate(&mut details);
        details.insert("schemaRulesNotSatisfied", self.rules.failures(RawValue::Document(doc))?);
        Ok(details)
    }
}

impl Rules {
    fn annotate(&self, details: &mut Document) {
        if let Some(title) = &self.title {
            details.insert("title", title);
        }
        if let Some(description) = &self.description {
            details.insert("description", description);
        }
    }

    fn failures(&self, value: RawValue<'_>) -> Result<Vec<Bson>> {
        let mut failures = Vec::new();
        for rule in &self.rules {
            if !rule.test.holds(value)? {
                failures.push(Bson::Document(rule.failure(value)?));
            }
        }
        Ok(failures)
    }

    /// A failure told under a name or an index: `{propertyName: "a", details: [...]}`.
    fn failed_part(&self, key: &str, name: Bson, value: RawValue<'_>) -> Result<Bson> {
        let mut part = Document::new();
        part.insert(key, name);
        self.annotate(&mut part);
        part.insert("details", self.failures(value)?);
        Ok(Bson::Document(part))
    }
}

fn index(n: usize) -> Bson {
    i32::try_from(n).map_or(Bson::Int64(i64::MAX), Bson::Int32)
}

impl Rule {
    fn failure(&self, value: RawValue<'_>) -> Result<Document> {
        let mut told = doc! { "operatorName": self.keyword };
        match (&self.test, value) {
            (Test::AllOf(schemas) | Test::AnyOf(schemas), _) => {
                told.insert("schemasNotSatisfied", unsatisfied(schemas, value)?);
            }
            (Test::OneOf(schemas), _) => tell_one_of(schemas, value, &mut told)?,
            (Test::Not(_), _) => {
                told.insert("reason", "child expression matched");
            }
            (_, RawValue::Document(doc)) if self.tell_document(doc, &mut told)? => {}
            (_, RawValue::Array(items)) if self.tell_array(items, &mut told)? => {}
            _ => self.tell_scalar(value, &mut told),
        }
        Ok(told)
    }

    fn specified_as(&self, told: &mut Document) {
        let mut specified = Document::new();
        specified.insert(self.keyword, self.specified.value().to_bson());
        told.insert("specifiedAs", specified);
    }

    fn tell_scalar(&self, value: RawValue<'_>, told: &mut Document) {
        self.specified_as(told);
        let reason = match &self.test {
            Test::Type(_) => "type did not match",
            Test::Enum(_) => "value was not found in enum",
            Test::Length(_) => "specified string length was not satisfied",
            Test::Pattern(_) => "regular expression did not match",
            Test::MultipleOf(_) => "considered value is not a multiple of the specified value",
            _ => "comparison failed",
        };
        told.insert("reason", reason);
        told.insert("consideredValue", value.to_bson());
        if matches!(self.test, Test::Type(_)) {
            told.insert("consideredType", value.type_name());
        }
    }

    /// Tells what a rule about documents missed; false when the rule is about something else.
    fn tell_document(&self, doc: RawDoc<'_>, told: &mut Document) -> Result<bool> {
        match &self.test {
            Test::Required(names) => {
                self.specified_as(told);
                told.insert("missingProperties", missing(names, doc));
            }
            Test::Properties(properties) => {
                let mut parts = Vec::new();
                for (name, rules) in properties {
                    let Some(value) = doc.get(name) else { continue };
                    if !rules.hold(value)? {
                        let name = Bson::String(name.clone());
                        parts.push(rules.failed_part("propertyName", name, value)?);
                    }
                }
                told.insert("propertiesNotSatisfied", parts);
            }
            Test::PatternProperties(patterns) => {
                let mut parts = Vec::new();
                for (pattern, rules) in patterns {
                    for element in doc {
                        if pattern.is_match(element.key())? && !rules.hold(element.value())? {
                            let mut part = doc! {
                                "propertyName": element.key(),
                                "regexMatched": pattern.source(),
                            };
                            rules.annotate(&mut part);
                            part.insert("details", rules.failures(element.value())?);
                            parts.push(Bson::Document(part));
                        }
                    }
                }
                told.insert("details", parts);
            }
            Test::AdditionalProperties { named, patterns, rules } => {
                let mut additional = Vec::new();
                for element in doc {
                    if is_additional(element, named, patterns)? && !rules.holds(element.value())? {
                        additional.push(element);
                    }
                }
                self.tell_additional(rules, &additional, told)?;
            }
            Test::PropertyCount(_) => {
                self.specified_as(told);
                told.insert("reason", "specified number of properties was not satisfied");
                told.insert("numberOfProperties", index(doc.count()));
            }
            Test::Dependencies(list) => {
                told.insert("failingDependencies", failing_dependencies(list, doc)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn tell_additional(
        &self,
        rules: &Rest,
        failing: &[RawElement<'_>],
        told: &mut Document,
    ) -> Result<()> {
        match rules {
            Rest::Forbidden => {
                self.specified_as(told);
                let names: Vec<&str> = failing.iter().map(|e| e.key()).collect();
                told.insert("additionalProperties", names);
            }
            Rest::Rules(rules) => {
                told.insert(
                    "reason",
                    "at least one additional property did not match the subschema",
                );
                if let Some(first) = failing.first() {
                    told.insert("failingProperty", first.key());
                    told.insert("details", rules.failures(first.value())?);
                }
            }
        }
        Ok(())
    }

    /// Tells what a rule about arrays missed; false when the rule is about something else.
    fn tell_array(&self, items: RawDoc<'_>, told: &mut Document) -> Result<bool> {
        match &self.test {
            Test::ItemCount(_) => {
                self.specified_as(told);
                told.insert("reason", "array did not match specified length");
                told.insert("consideredValue", RawValue::Array(items).to_bson());
                told.insert("numberOfItems", index(items.count()));
            }
            Test::UniqueItems => {
                self.specified_as(told);
                told.insert("reason", "found a duplicate item");
                told.insert("consideredValue", RawValue::Array(items).to_bson());
                told.insert("duplicatedValue", duplicate(items).map(RawValue::to_bson));
            }
            Test::Items(rules) => {
                let rules = std::iter::repeat(rules);
                tell_items(items.iter().zip(rules).enumerate(), told)?;
            }
            Test::ItemsByPosition(list) => tell_items(items.iter().zip(list).enumerate(), told)?,
            Test::AdditionalItems { from, rules: Rest::Forbidden } => {
                self.specified_as(told);
                let more = items.iter().skip(*from).map(|item| item.value().to_bson());
                told.insert("additionalItems", more.collect::<Vec<Bson>>());
            }
            Test::AdditionalItems { from, rules: Rest::Rules(rules) } => {
                let rules = std::iter::repeat(rules);
                tell_items(items.iter().zip(rules).enumerate().skip(*from), told)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn tell_items<'a, 'r>(
    items: impl Iterator<Item = (usize, (RawElement<'a>, &'r Rules))>,
    told: &mut Document,
) -> Result<()> {
    told.insert("reason", "At least one item did not match the sub-schema");
    for (position, (item, rules)) in items {
        if !rules.hold(item.value())? {
            told.insert("itemIndex", index(position));
            told.insert("details", rules.failures(item.value())?);
            break;
        }
    }
    Ok(())
}

fn unsatisfied(schemas: &[Rules], value: RawValue<'_>) -> Result<Vec<Bson>> {
    let mut parts = Vec::new();
    for (n, rules) in schemas.iter().enumerate() {
        if !rules.hold(value)? {
            parts.push(rules.failed_part("index", index(n), value)?);
        }
    }
    Ok(parts)
}

fn tell_one_of(schemas: &[Rules], value: RawValue<'_>, told: &mut Document) -> Result<()> {
    let mut matching = Vec::new();
    for (n, rules) in schemas.iter().enumerate() {
        if rules.hold(value)? {
            matching.push(index(n));
        }
    }
    if matching.is_empty() {
        told.insert("schemasNotSatisfied", unsatisfied(schemas, value)?);
    } else {
        told.insert("reason", "more than one subschema matched");
        told.insert("matchingSchemaIndexes", matching);
    }
    Ok(())
}

fn missing(names: &[String], doc: RawDoc<'_>) -> Vec<String> {
    names.iter().filter(|name| doc.get(name).is_none()).cloned().collect()
}

fn failing_dependencies(list: &[(String, Dependency)], doc: RawDoc<'_>) -> Result<Vec<Bson>> {
    let mut parts = Vec::new();
    for (name, dependency) in list {
        if doc.get(name).is_none() || dependency.holds(doc)? {
            continue;
        }
        let mut part = doc! { "conditionalProperty": name };
        match dependency {
            Dependency::Properties(names) => {
                part.insert("missingProperties", missing(names, doc));
            }
            Dependency::Rules(rules) => {
                rules.annotate(&mut part);
                part.insert("details", rules.failures(RawValue::Document(doc))?);
            }
        }
        parts.push(Bson::Document(part));
    }
    Ok(parts)
}
