//! The keywords of a schema.
//!
//! Owns the table of keywords and the errors of a malformed schema. A keyword that MongoDB does not
//! know is refused rather than ignored: a misspelled rule would let everything through.

use super::{Dependency, Limit, Rest, Rule, Rules, Test};
use crate::filter::element::TypeSet;
use crate::filter::operand::Operand;
use crate::filter::pattern::Pattern;
use crate::filter::whole;
use quire_bson::{RawDoc, RawElement, RawValue};
use quire_errors::{CommandError, Result};
use std::cmp::Ordering;

type Parser = fn(RawElement<'_>, RawDoc<'_>) -> Result<Test>;

/// Every keyword, in the order in which failures are told.
const KEYWORDS: &[(&str, Parser)] = &[
    ("bsonType", bson_type),
    ("type", json_type),
    ("enum", enumeration),
    ("minimum", minimum),
    ("exclusiveMinimum", exclusive),
    ("maximum", maximum),
    ("exclusiveMaximum", exclusive),
    ("multipleOf", multiple_of),
    ("minLength", |e, _| Ok(Test::Length(Limit::AtLeast(count(e)?)))),
    ("maxLength", |e, _| Ok(Test::Length(Limit::AtMost(count(e)?)))),
    ("pattern", |e, _| Ok(Test::Pattern(Pattern::new(text(e)?, "")?))),
    ("allOf", |e, _| Ok(Test::AllOf(schemas(e)?))),
    ("anyOf", |e, _| Ok(Test::AnyOf(schemas(e)?))),
    ("oneOf", |e, _| Ok(Test::OneOf(schemas(e)?))),
    ("not", |e, _| Ok(Test::Not(nested(e)?))),
    ("minItems", |e, _| Ok(Test::ItemCount(Limit::AtLeast(count(e)?)))),
    ("maxItems", |e, _| Ok(Test::ItemCount(Limit::AtMost(count(e)?)))),
    ("uniqueItems", unique_items),
    ("items", items),
    ("additionalItems", additional_items),
    ("minProperties", |e, _| Ok(Test::PropertyCount(Limit::AtLeast(count(e)?)))),
    ("maxProperties", |e, _| Ok(Test::PropertyCount(Limit::AtMost(count(e)?)))),
    ("properties", |e, _| Ok(Test::Properties(properties(e)?))),
    ("patternProperties", pattern_properties),
    ("additionalProperties", additional_properties),
    ("required", |e, _| Ok(Test::Required(names(e)?))),
    ("dependencies", dependencies),
    ("title", |e, _| text(e).map(|_| Test::Nothing)),
    ("description", |e, _| text(e).map(|_| Test::Nothing)),
];

/// Keywords of the standard that MongoDB leaves out.
const UNSUPPORTED: &[&str] =
    &["$ref", "$schema", "default", "definitions", "encrypt", "encryptMetadata", "format", "id"];

pub(super) fn rules(schema: RawDoc<'_>) -> Result<Rules> {
    for element in schema {
        let name = element.key();
        if UNSUPPORTED.contains(&name) {
            return Err(CommandError::failed_to_parse(format!(
                "$jsonSchema keyword '{name}' is not currently supported"
            )));
        }
        if !KEYWORDS.iter().any(|(known, _)| *known == name) {
            return Err(CommandError::failed_to_parse(format!(
                "Unknown $jsonSchema keyword: {name}"
            )));
        }
    }
    if schema.get("type").is_some() && schema.get("bsonType").is_some() {
        return Err(CommandError::failed_to_parse(
            "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'",
        ));
    }
    let own_text = |name| schema.get(name).and_then(RawValue::as_str).map(str::to_owned);
    let mut parsed =
        Rules { title: own_text("title"), description: own_text("description"), rules: Vec::new() };
    for (keyword, parser) in KEYWORDS {
        let Some(element) = schema.iter().find(|e| e.key() == *keyword) else { continue };
        match parser(element, schema)? {
            Test::Nothing => {}
            test => parsed.rules.push(Rule { keyword, specified: Operand::from(element), test }),
        }
    }
    Ok(parsed)
}

fn must_be(element: RawElement<'_>, what: &str) -> CommandError {
    CommandError::type_mismatch(format!("$jsonSchema keyword '{}' must be {what}", element.key()))
}

fn text(element: RawElement<'_>) -> Result<&str> {
    element.value().as_str().ok_or_else(|| must_be(element, "a string"))
}

fn count(element: RawElement<'_>) -> Result<u64> {
    whole::non_negative(element).map_err(CommandError::failed_to_parse)
}

fn number(element: RawElement<'_>) -> Result<Operand> {
    if element.value().is_number() {
        Ok(Operand::from(element))
    } else {
        Err(must_be(element, "a number"))
    }
}

fn flag(element: RawElement<'_>) -> Result<bool> {
    element.value().as_bool().ok_or_else(|| must_be(element, "a boolean"))
}

fn array(element: RawElement<'_>) -> Result<RawDoc<'_>> {
    let items = element.value().as_array().ok_or_else(|| must_be(element, "an array"))?;
    if items.is_empty() {
        return Err(CommandError::failed_to_parse(format!(
            "$jsonSchema keyword '{}' cannot be an empty array",
            element.key()
        )));
    }
    Ok(items)
}

fn nested(element: RawElement<'_>) -> Result<Rules> {
    match element.value() {
        RawValue::Document(schema) => rules(schema),
        _ => Err(must_be(element, "an object")),
    }
}

fn schemas(element: RawElement<'_>) -> Result<Vec<Rules>> {
    let one = |item: RawElement<'_>| match item.value() {
        RawValue::Document(schema) => rules(schema),
        _ => Err(must_be(element, "an array of objects")),
    };
    array(element)?.iter().map(one).collect()
}

fn names(element: RawElement<'_>) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for item in array(element)? {
        let RawValue::String(name) = item.value() else {
            return Err(CommandError::type_mismatch(format!(
                "$jsonSchema keyword '{}' must be an array of strings, but found an element of \
                 type {}",
                element.key(),
                item.value().type_name()
            )));
        };
        if names.iter().any(|known| known == name) {
            return Err(CommandError::failed_to_parse(format!(
                "$jsonSchema keyword '{}' array cannot contain duplicate values",
                element.key()
            )));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn bson_type(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    types(element, |name| {
        TypeSet::of_name(name)
            .ok_or_else(|| CommandError::bad_value(format!("Unknown type name alias: {name}")))
    })
}

fn json_type(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    types(element, |name| {
        let bson_name = match name {
            "boolean" => "bool",
            "array" | "null" | "number" | "object" | "string" => name,
            "integer" => {
                return Err(CommandError::failed_to_parse(
                    "$jsonSchema type 'integer' is not currently supported.",
                ));
            }
            _ => "",
        };
        TypeSet::of_name(bson_name)
            .ok_or_else(|| CommandError::bad_value(format!("Unknown type name alias: {name}")))
    })
}

fn types(element: RawElement<'_>, of_name: impl Fn(&str) -> Result<TypeSet>) -> Result<Test> {
    let refused = || must_be(element, "either a string or an array of strings");
    match element.value() {
        RawValue::String(name) => of_name(name).map(Test::Type),
        RawValue::Array(_) => {
            let mut types = TypeSet::default();
            for item in array(element)? {
                types = types.union(of_name(item.value().as_str().ok_or_else(refused)?)?);
            }
            Ok(Test::Type(types))
        }
        _ => Err(refused()),
    }
}

fn enumeration(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    Ok(Test::Enum(array(element)?.iter().map(Operand::from).collect()))
}

fn minimum(element: RawElement<'_>, schema: RawDoc<'_>) -> Result<Test> {
    bound(element, schema, Ordering::Greater, "exclusiveMinimum")
}

fn maximum(element: RawElement<'_>, schema: RawDoc<'_>) -> Result<Test> {
    bound(element, schema, Ordering::Less, "exclusiveMaximum")
}

fn bound(
    element: RawElement<'_>,
    schema: RawDoc<'_>,
    side: Ordering,
    exclusive: &str,
) -> Result<Test> {
    let exclusive = match schema.iter().find(|e| e.key() == exclusive) {
        Some(element) => flag(element)?,
        None => false,
    };
    Ok(Test::Bound { side, exclusive, limit: number(element)? })
}

/// Read together with the bound that it sharpens, which must be there.
fn exclusive(element: RawElement<'_>, schema: RawDoc<'_>) -> Result<Test> {
    flag(element)?;
    let name = element.key();
    let bound = if name == "exclusiveMinimum" { "minimum" } else { "maximum" };
    if schema.get(bound).is_none() {
        return Err(CommandError::failed_to_parse(format!(
            "$jsonSchema keyword '{bound}' must be a present if {name} is present"
        )));
    }
    Ok(Test::Nothing)
}

fn multiple_of(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    let divisor = number(element)?;
    if super::to_f64(divisor.value()).is_none_or(|x| x.is_nan() || x <= 0.0) {
        return Err(CommandError::failed_to_parse(format!(
            "$jsonSchema keyword '{}' must have a positive value",
            element.key()
        )));
    }
    Ok(Test::MultipleOf(divisor))
}

fn unique_items(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    Ok(if flag(element)? { Test::UniqueItems } else { Test::Nothing })
}

fn items(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    match element.value() {
        RawValue::Document(schema) => Ok(Test::Items(rules(schema)?)),
        RawValue::Array(list) => {
            let one = |item: RawElement<'_>| match item.value() {
                RawValue::Document(schema) => rules(schema),
                _ => Err(must_be(element, "an array of objects")),
            };
            Ok(Test::ItemsByPosition(list.iter().map(one).collect::<Result<Vec<_>>>()?))
        }
        _ => Err(must_be(element, "an array or an object")),
    }
}

fn rest(element: RawElement<'_>) -> Result<Option<Rest>> {
    match element.value() {
        RawValue::Boolean(true) => Ok(None),
        RawValue::Boolean(false) => Ok(Some(Rest::Forbidden)),
        RawValue::Document(schema) => Ok(Some(Rest::Rules(rules(schema)?))),
        _ => Err(must_be(element, "either an object or a boolean")),
    }
}

fn additional_items(element: RawElement<'_>, schema: RawDoc<'_>) -> Result<Test> {
    let rules = rest(element)?;
    // Without a list of items there are no additional ones.
    match (rules, schema.get("items")) {
        (Some(rules), Some(RawValue::Array(list))) => {
            Ok(Test::AdditionalItems { from: list.count(), rules })
        }
        _ => Ok(Test::Nothing),
    }
}

fn properties(element: RawElement<'_>) -> Result<Vec<(String, Rules)>> {
    let RawValue::Document(properties) = element.value() else {
        return Err(must_be(element, "an object"));
    };
    let one = |property: RawElement<'_>| match property.value() {
        RawValue::Document(schema) => Ok((property.key().to_owned(), rules(schema)?)),
        _ => Err(CommandError::type_mismatch(format!(
            "Nested schema for $jsonSchema property '{}' must be an object",
            property.key()
        ))),
    };
    properties.iter().map(one).collect()
}

fn pattern_properties(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    let compiled = properties(element)?
        .into_iter()
        .map(|(source, rules)| Ok((Pattern::new(&source, "")?, rules)));
    Ok(Test::PatternProperties(compiled.collect::<Result<Vec<_>>>()?))
}

fn additional_properties(element: RawElement<'_>, schema: RawDoc<'_>) -> Result<Test> {
    let Some(rules) = rest(element)? else {
        return Ok(Test::Nothing);
    };
    let keys = |name: &str| -> Vec<String> {
        let listed = schema.get(name).and_then(RawValue::as_document);
        listed.into_iter().flatten().map(|e| e.key().to_owned()).collect()
    };
    let patterns = keys("patternProperties");
    let patterns = patterns.iter().map(|source| Pattern::new(source, ""));
    Ok(Test::AdditionalProperties {
        named: keys("properties"),
        patterns: patterns.collect::<Result<Vec<_>>>()?,
        rules,
    })
}

fn dependencies(element: RawElement<'_>, _: RawDoc<'_>) -> Result<Test> {
    let RawValue::Document(list) = element.value() else {
        return Err(must_be(element, "an object"));
    };
    let one = |entry: RawElement<'_>| {
        let dependency = match entry.value() {
            RawValue::Document(schema) => Dependency::Rules(rules(schema)?),
            RawValue::Array(_) => Dependency::Properties(names(entry)?),
            _ => {
                return Err(CommandError::type_mismatch(format!(
                    "$jsonSchema keyword 'dependencies' entry '{}' must be an object or an array",
                    entry.key()
                )));
            }
        };
        Ok((entry.key().to_owned(), dependency))
    };
    Ok(Test::Dependencies(list.iter().map(one).collect::<Result<Vec<_>>>()?))
}
