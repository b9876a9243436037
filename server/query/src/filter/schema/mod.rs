//! `$jsonSchema`: the JSON Schema draft 4 dialect that validators are written in.
//!
//! Owns the rules of a schema and whether a value satisfies them. A rule about one type (a length,
//! a minimum, properties) holds for every value of another type, as JSON Schema has it. Arrays are
//! taken whole here: nothing is traversed implicitly. Parsing is in [`parse`]'s table of keywords,
//! telling what failed in [`explain`].

mod explain;
mod parse;

use super::element::TypeSet;
use super::operand::Operand;
use super::pattern::Pattern;
use quire_bson::{DocBuf, Number, RawDoc, RawElement, RawValue, compare};
use quire_errors::Result;
use std::cmp::Ordering;

/// A parsed schema.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    source: DocBuf,
    rules: Rules,
}

/// What one schema, outermost or nested, asks of a value.
#[derive(Clone, Debug, Default)]
struct Rules {
    title: Option<String>,
    description: Option<String>,
    rules: Vec<Rule>,
}

/// One keyword.
#[derive(Clone, Debug)]
struct Rule {
    keyword: &'static str,
    /// The keyword's value as it was written.
    specified: Operand,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Type(TypeSet),
    Enum(Vec<Operand>),
    Bound {
        side: Ordering,
        exclusive: bool,
        limit: Operand,
    },
    MultipleOf(Operand),
    Length(Limit),
    Pattern(Pattern),
    ItemCount(Limit),
    UniqueItems,
    Items(Rules),
    ItemsByPosition(Vec<Rules>),
    AdditionalItems {
        from: usize,
        rules: Rest,
    },
    PropertyCount(Limit),
    Required(Vec<String>),
    Properties(Vec<(String, Rules)>),
    PatternProperties(Vec<(Pattern, Rules)>),
    AdditionalProperties {
        named: Vec<String>,
        patterns: Vec<Pattern>,
        rules: Rest,
    },
    Dependencies(Vec<(String, Dependency)>),
    AllOf(Vec<Rules>),
    AnyOf(Vec<Rules>),
    OneOf(Vec<Rules>),
    Not(Rules),
    /// A keyword that asks nothing by itself.
    Nothing,
}

/// A bound on a count.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtLeast(u64),
    AtMost(u64),
}

/// What is asked of properties or items that are not named.
#[derive(Clone, Debug)]
enum Rest {
    Forbidden,
    Rules(Rules),
}

#[derive(Clone, Debug)]
enum Dependency {
    Properties(Vec<String>),
    Rules(Rules),
}

impl Schema {
    pub(crate) fn parse(source: RawDoc<'_>) -> Result<Schema> {
        Ok(Schema { source: source.into(), rules: parse::rules(source)? })
    }

    pub(crate) fn source(&self) -> RawDoc<'_> {
        self.source.as_raw()
    }

    pub(crate) fn matches(&self, doc: RawDoc<'_>) -> Result<bool> {
        self.rules.hold(RawValue::Document(doc))
    }
}

impl Limit {
    fn holds(self, count: usize) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        match self {
            Limit::AtLeast(min) => count >= min,
            Limit::AtMost(max) => count <= max,
        }
    }
}

impl Rules {
    fn hold(&self, value: RawValue<'_>) -> Result<bool> {
        all(&self.rules, |rule| rule.test.holds(value))
    }
}

impl Rest {
    fn holds(&self, value: RawValue<'_>) -> Result<bool> {
        match self {
            Rest::Forbidden => Ok(false),
            Rest::Rules(rules) => rules.hold(value),
        }
    }
}

impl Dependency {
    fn holds(&self, doc: RawDoc<'_>) -> Result<bool> {
        match self {
            Dependency::Properties(names) => Ok(names.iter().all(|name| doc.get(name).is_some())),
            Dependency::Rules(rules) => rules.hold(RawValue::Document(doc)),
        }
    }
}

fn all<T>(items: impl IntoIterator<Item = T>, holds: impl Fn(T) -> Result<bool>) -> Result<bool> {
    for item in items {
        if !holds(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn count_holding(schemas: &[Rules], value: RawValue<'_>) -> Result<usize> {
    let mut count = 0;
    for rules in schemas {
        count += usize::from(rules.hold(value)?);
    }
    Ok(count)
}

impl Test {
    fn holds(&self, value: RawValue<'_>) -> Result<bool> {
        Ok(match self {
            Test::Type(types) => types.has_tag(value.tag()),
            Test::Enum(list) => list.iter().any(|v| compare(v.value(), value).is_eq()),
            Test::AllOf(schemas) => return all(schemas, |rules| rules.hold(value)),
            Test::AnyOf(schemas) => count_holding(schemas, value)? > 0,
            Test::OneOf(schemas) => count_holding(schemas, value)? == 1,
            Test::Not(rules) => !rules.hold(value)?,
            Test::Nothing => true,
            _ => match value {
                RawValue::Document(doc) => return self.holds_for_document(doc),
                RawValue::Array(items) => return self.holds_for_array(items),
                RawValue::String(text) => return self.holds_for_text(text),
                _ => self.holds_for_number(value),
            },
        })
    }

    fn holds_for_document(&self, doc: RawDoc<'_>) -> Result<bool> {
        Ok(match self {
            Test::PropertyCount(limit) => limit.holds(doc.count()),
            Test::Required(names) => names.iter().all(|name| doc.get(name).is_some()),
            Test::Properties(properties) => {
                return all(properties, |(name, rules)| {
                    doc.get(name).map_or(Ok(true), |value| rules.hold(value))
                });
            }
            Test::PatternProperties(patterns) => {
                return all(patterns, |(pattern, rules)| {
                    all(doc, |e| Ok(!pattern.is_match(e.key())? || rules.hold(e.value())?))
                });
            }
            Test::AdditionalProperties { named, patterns, rules } => {
                return all(doc, |e| {
                    Ok(!is_additional(e, named, patterns)? || rules.holds(e.value())?)
                });
            }
            Test::Dependencies(list) => {
                return all(list, |(name, dependency)| {
                    Ok(doc.get(name).is_none() || dependency.holds(doc)?)
                });
            }
            _ => true,
        })
    }

    fn holds_for_array(&self, items: RawDoc<'_>) -> Result<bool> {
        Ok(match self {
            Test::ItemCount(limit) => limit.holds(items.count()),
            Test::UniqueItems => duplicate(items).is_none(),
            Test::Items(rules) => return all(items, |item| rules.hold(item.value())),
            Test::ItemsByPosition(list) => {
                return all(items.iter().zip(list), |(item, rules)| rules.hold(item.value()));
            }
            Test::AdditionalItems { from, rules } => {
                return all(items.iter().skip(*from), |item| rules.holds(item.value()));
            }
            _ => true,
        })
    }

    fn holds_for_text(&self, text: &str) -> Result<bool> {
        match self {
            Test::Length(limit) => Ok(limit.holds(text.chars().count())),
            Test::Pattern(pattern) => pattern.is_match(text),
            _ => Ok(true),
        }
    }

    fn holds_for_number(&self, value: RawValue<'_>) -> bool {
        if !value.is_number() {
            return true;
        }
        match self {
            Test::Bound { side, exclusive, limit } => {
                let ordering = compare(value, limit.value());
                ordering == *side || (!exclusive && ordering.is_eq())
            }
            Test::MultipleOf(divisor) => is_multiple(value, divisor.value()),
            _ => true,
        }
    }
}

/// True for a property that neither `properties` nor `patternProperties` speaks of.
fn is_additional(element: RawElement<'_>, named: &[String], patterns: &[Pattern]) -> Result<bool> {
    if named.iter().any(|name| name == element.key()) {
        return Ok(false);
    }
    all(patterns, |pattern| Ok(!pattern.is_match(element.key())?))
}

/// An item that stands twice in an array.
fn duplicate(items: RawDoc<'_>) -> Option<RawValue<'_>> {
    let mut sorted: Vec<RawValue<'_>> = items.iter().map(RawElement::value).collect();
    sorted.sort_by(|a, b| compare(*a, *b));
    let pair = sorted.windows(2).find(|pair| matches!(pair, [a, b] if compare(*a, *b).is_eq()));
    pair.and_then(|pair| pair.first().copied())
}

fn is_multiple(value: RawValue<'_>, divisor: RawValue<'_>) -> bool {
    if let (Some(value), Some(divisor)) = (super::whole::exact(value), super::whole::exact(divisor))
    {
        return value.checked_rem(divisor).unwrap_or(0) == 0;
    }
    match (to_f64(value), to_f64(divisor)) {
        (Some(value), Some(divisor)) => value % divisor == 0.0,
        _ => false,
    }
}

fn to_f64(value: RawValue<'_>) -> Option<f64> {
    Some(match Number::from_raw(value)? {
        Number::Int32(n) => f64::from(n),
        Number::Int64(n) => n as f64,
        Number::Double(x) => x,
        Number::Decimal(d) => d.to_f64(),
    })
}

#[cfg(test)]
mod tests;
