//! What a schema may ask for, before llguidance sees it.
//!
//! llguidance bounds the grammar that it makes, not the schema that it makes it from: merging
//! (allOf, or a keyword beside anyOf or $ref) copies whole subschemas, and lists grow with maxItems.
//! `Walk` follows the schema as llguidance compiles it and refuses what would grow too far. It also
//! refuses the few things that this version of llguidance reads otherwise than JSON Schema does.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Failure, Outcome};

const MAX_BYTES: usize = 1 << 20;
const MAX_VALUES: usize = 20_000;
/// Subschemas once everything is merged, each a few hundred bytes.
const MAX_MERGED: f64 = 200_000.0;
const MAX_NAMES: usize = 2_000; // in one object; llguidance compares the rests of the list
const MAX_ITEMS: u64 = 4_096;
const MAX_PROPERTIES: u64 = 100_000;
const MAX_LENGTH: u64 = 1_000_000;
const MAX_ONE_OF: usize = 500; // each is compared with each
const MAX_PATTERNS: usize = 32; // likewise
const MAX_PATTERN_BYTES: usize = 4_096;
/// The product of the sizes of patterns that one text must all match: llguidance combines each part
/// of one with each of the other before it looks at its fuel.
const MAX_PATTERN_PRODUCT: f64 = 1_000_000.0;
const FORMAT_BYTES: f64 = 300.0; // of the pattern behind a `format`, about
const MAX_EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: beyond, neighbours are one double

/// Keywords that say nothing about what is valid.
const ANNOTATIONS: [&str; 12] = [
    "$schema",
    "$id",
    "id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "readOnly",
    "writeOnly",
];

/// `json` stands for any object.
pub fn parse(text: &[u8]) -> Outcome<Value> {
    if text.len() > MAX_BYTES {
        return Err(Failure::Limit(format!(
            "the schema has {} bytes, at most {MAX_BYTES} are taken",
            text.len()
        )));
    }
    let mut schema: Value = match text.trim_ascii() {
        b"json" => serde_json::json!({"type": "object"}),
        text => serde_json::from_slice(text)
            .map_err(|error| Failure::Schema(format!("the schema is not JSON: {error}")))?,
    };
    let n_values = count(&schema);
    if n_values > MAX_VALUES {
        return Err(Failure::Limit(format!(
            "the schema has {n_values} values, at most {MAX_VALUES} are taken"
        )));
    }
    if let Some(root) = schema.as_object_mut() {
        root.remove("x-guidance"); // llguidance's own options; to JSON Schema an unknown keyword
    }
    let mut walk = Walk { root: &schema, known: HashMap::new() };
    let weight = walk.schema(&schema, false)?;
    if weight.size > MAX_MERGED {
        return Err(too_large());
    }
    Ok(schema)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

fn too_large() -> Failure {
    Failure::Limit(format!(
        "the schema is too large: its allOf, anyOf, oneOf and $ref merge to more than {MAX_MERGED} \
         parts"
    ))
}

fn unsupported<T>(what: impl Into<String>) -> Outcome<T> {
    Err(Failure::Unsupported(what.into()))
}

/// An upper bound on what a schema becomes.
#[derive(Clone, Copy)]
struct Weight {
    options: f64,  // alternatives at its top
    size: f64,     // parts in all of them
    patterns: f64, // product of the sizes of the patterns that one text must match
}

impl Weight {
    const ONE: Weight = Weight { options: 1.0, size: 1.0, patterns: 1.0 };

    /// Each alternative of one with each of the other.
    fn and(self, other: Weight) -> Weight {
        Weight {
            options: self.options * other.options,
            size: self.size * other.options + other.size * self.options,
            patterns: self.patterns * other.patterns,
        }
    }
}

struct Walk<'a> {
    root: &'a Value,
    /// By place and whether it is merged; none while it is being walked.
    known: HashMap<(*const Value, bool), Option<Weight>>,
}

impl<'a> Walk<'a> {
    /// is_merged: the schema is combined with another, which takes it and its references apart.
    fn schema(&mut self, value: &'a Value, is_merged: bool) -> Outcome<Weight> {
        let Some(object) = value.as_object() else { return Ok(Weight::ONE) };
        let key = (std::ptr::from_ref(value), is_merged);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.unwrap_or(Weight::ONE));
        }
        self.known.insert(key, None);
        self.check_numbers(object)?;
        self.check_properties(object, is_merged)?;
        if !std::ptr::eq(value, self.root) && object.get("$id").is_some_and(Value::is_string) {
            return unsupported("$id below the top of a schema");
        }
        let mut weight = self.own_weight(object, is_merged)?;
        for (key, part) in object {
            if let Some(applied) = self.applicator(object, key, part, is_merged)? {
                weight = weight.and(applied);
            }
        }
        if weight.size > MAX_MERGED {
            return Err(too_large());
        }
        if weight.patterns > MAX_PATTERN_PRODUCT {
            return Err(Failure::Limit(
                "patterns that one text must all match are too long".into(),
            ));
        }
        self.known.insert(key, Some(weight));
        Ok(weight)
    }

    /// Of `type` and the keywords of each type.
    fn own_weight(&mut self, object: &'a Map<String, Value>, is_merged: bool) -> Outcome<Weight> {
        let mut size = 1.0;
        let mut patterns = patterns_weight(object)?;
        let mut add = |part: Weight| {
            size += part.size;
            patterns = patterns.max(part.patterns);
        };
        for (key, part) in object {
            match (key.as_str(), part) {
                ("properties" | "patternProperties", Value::Object(entries)) => {
                    for schema in entries.values() {
                        add(self.schema(schema, is_merged)?);
                    }
                }
                ("$defs" | "definitions", Value::Object(entries)) => {
                    for schema in entries.values() {
                        self.schema(schema, false)?; // copied only where it is referred to
                    }
                }
                ("items" | "prefixItems", Value::Array(schemas)) => {
                    for schema in schemas {
                        add(self.schema(schema, is_merged)?);
                    }
                }
                ("items" | "additionalItems" | "additionalProperties", schema) => {
                    add(self.schema(schema, is_merged)?);
                }
                ("required", Value::Array(names)) => {
                    add(Weight { size: names.len() as f64, ..Weight::ONE })
                }
                _ => {}
            }
        }
        let options = match object.get("type") {
            Some(Value::Array(types)) => types.len().max(1) as f64,
            Some(_) => 1.0,
            None => 6.0, // one alternative a type
        };
        Ok(Weight { options, size: size * options, patterns })
    }

    fn applicator(
        &mut self,
        object: &'a Map<String, Value>,
        key: &str,
        part: &'a Value,
        is_merged: bool,
    ) -> Outcome<Option<Weight>> {
        let stands_alone = object.keys().all(|k| k == key || ANNOTATIONS.contains(&k.as_str()));
        let is_merged = is_merged || !stands_alone;
        Ok(Some(match (key, part) {
            ("$ref", Value::String(reference)) => {
                let target = self.find(reference)?;
                let weight = self.schema(target, is_merged)?;
                if is_merged {
                    weight
                } else {
                    Weight::ONE
                }
            }
            ("allOf", Value::Array(schemas)) => {
                let mut weight = Weight::ONE;
                for schema in schemas {
                    weight = weight.and(self.schema(schema, true)?);
                }
                weight
            }
            ("anyOf" | "oneOf", Value::Array(schemas)) => {
                if key == "oneOf" && schemas.len() > MAX_ONE_OF {
                    return unsupported(format!("oneOf with more than {MAX_ONE_OF} options"));
                }
                let mut weight = Weight { options: 0.0, size: 0.0, patterns: 1.0 };
                for schema in schemas {
                    let option = self.schema(schema, is_merged)?;
                    weight.options += option.options;
                    weight.size += option.size;
                    weight.patterns = weight.patterns.max(option.patterns);
                }
                weight
            }
            ("enum", Value::Array(values)) => {
                values.iter().try_for_each(check_constant)?;
                Weight { options: values.len() as f64, size: count(part) as f64, ..Weight::ONE }
            }
            ("const", value) => {
                check_constant(value)?;
                Weight { size: count(value) as f64, ..Weight::ONE }
            }
            _ => return Ok(None),
        }))
    }

    /// Only places in the schema itself.
    fn find(&self, reference: &str) -> Outcome<&'a Value> {
        if reference == "#" || reference == "#/" {
            return Ok(self.root);
        }
        let Some(path) = reference.strip_prefix("#/") else {
            return unsupported(format!(
                "$ref {reference:?}: only places in the schema itself (#/...) are looked up"
            ));
        };
        let missing =
            || Failure::Schema(format!("$ref {reference:?}: the schema has no such place"));
        path.split('/').try_fold(self.root, |at, name| {
            match at {
                Value::Array(items) => name.parse::<usize>().ok().and_then(|i| items.get(i)),
                at => at.get(name),
            }
            .ok_or_else(missing)
        })
    }

    fn check_numbers(&self, object: &Map<String, Value>) -> Outcome<()> {
        let bounds = [
            ("minItems", MAX_ITEMS),
            ("maxItems", MAX_ITEMS),
            ("minProperties", MAX_PROPERTIES),
            ("maxProperties", MAX_PROPERTIES),
            ("minLength", MAX_LENGTH),
            ("maxLength", MAX_LENGTH),
        ];
        for (key, most) in bounds {
            if let Some(n) = object.get(key).and_then(Value::as_f64).filter(|n| *n > most as f64) {
                return unsupported(format!("{key} beyond {most}: {n}"));
            }
        }
        for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
            if let Some(value) = object.get(key) {
                check_exact(key, value)?;
            }
        }
        match object.get("multipleOf").and_then(Value::as_f64) {
            Some(n) if n != 0.0 && !(1e-6..=1e7).contains(&n.abs()) => {
                unsupported(format!("multipleOf beyond 0.000001 to 10000000: {n}"))
            }
            _ => Ok(()),
        }
    }

    /// llguidance applies patternProperties only to names that no other keyword has.
    fn check_properties(&self, object: &Map<String, Value>, is_merged: bool) -> Outcome<()> {
        let n_properties = object.get("properties").and_then(Value::as_object).map_or(0, Map::len);
        let n_required = object.get("required").and_then(Value::as_array).map_or(0, Vec::len);
        if n_properties.max(n_required) > MAX_NAMES {
            return unsupported(format!("more than {MAX_NAMES} properties in one object"));
        }
        let Some(patterns) = object.get("patternProperties").and_then(Value::as_object) else {
            return Ok(());
        };
        let beside = ["properties", "allOf", "anyOf", "oneOf", "$ref", "enum", "const"];
        if is_merged || beside.iter().any(|key| object.contains_key(*key)) {
            return unsupported(
                "patternProperties beside properties, or combined with another schema",
            );
        }
        if patterns.len() > MAX_PATTERNS {
            return unsupported(format!("more than {MAX_PATTERNS} patternProperties"));
        }
        let most = MAX_PATTERN_PRODUCT.sqrt() as usize;
        if patterns.len() > 1 && patterns.keys().any(|pattern| pattern.len() > most) {
            return unsupported(format!("several patternProperties, one longer than {most} bytes"));
        }
        Ok(())
    }
}

fn patterns_weight(object: &Map<String, Value>) -> Outcome<f64> {
    let size = object.get("pattern").and_then(Value::as_str).map_or(0, str::len);
    if size > MAX_PATTERN_BYTES {
        return unsupported(format!("a pattern of more than {MAX_PATTERN_BYTES} bytes"));
    }
    let format = if object.contains_key("format") { FORMAT_BYTES } else { 1.0 };
    Ok(format * (size + 1) as f64)
}

fn check_constant(value: &Value) -> Outcome<()> {
    match value {
        Value::Number(_) => check_exact("const or enum", value),
        Value::Array(items) => items.iter().try_for_each(check_constant),
        Value::Object(entries) => entries.values().try_for_each(check_constant),
        _ => Ok(()),
    }
}

fn check_exact(key: &str, value: &Value) -> Outcome<()> {
    match value.as_f64() {
        Some(number) if number.abs() > MAX_EXACT => {
            unsupported(format!("{key} beyond 2^53: {value}"))
        }
        _ => Ok(()),
    }
}
