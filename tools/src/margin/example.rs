//! Worked examples as they are written, and what a formula finds for one.
//!
//! Invariant: a file is taken whole or refused with one reason; an input that is missing or no number is named.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::exact::{Exact, parse, whole};

/// Longest list among the inputs: sums over it stay in range.
const LIST_MAX: usize = 64;

/// Why an example is or is not ours to pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// Margin, mark, funding, collateral.
    #[default]
    Margin,
    /// Bankruptcy, partial size, fee, insurance, deleveraging.
    Liquidation,
    /// Adaptive margin.
    Adaptive,
    /// Scenario margin.
    Scenario,
    /// Another venue's rule.
    Reference,
}

/// A worked example.
#[derive(Clone, Debug, Deserialize)]
pub struct Example {
    /// Its name.
    pub id: String,
    /// What it is listed under.
    #[serde(default)]
    pub group: String,
    /// The formula it is about.
    pub formula: String,
    /// What goes in, by name.
    pub inputs: Map<String, Value>,
    /// What must come out, by name.
    pub expected: Map<String, Value>,
    /// How far a number may be off, absolutely; exact when not said.
    #[serde(default = "exactly")]
    pub tolerance: Value,
    /// Whether it is ours to pass.
    #[serde(default, rename = "use")]
    pub used: Use,
}

fn exactly() -> Value {
    Value::from("0")
}

#[derive(Deserialize)]
struct File {
    examples: Vec<Example>,
}

/// The examples of a text.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn read(text: &str) -> Result<Vec<Example>, String> {
    let File { examples } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if examples.is_empty() {
        return Err("`examples` is empty".to_owned());
    }
    let mut ids = BTreeSet::new();
    for example in &examples {
        if !ids.insert(example.id.as_str()) {
            return Err(format!("two examples are called {}", example.id));
        }
        if example.expected.is_empty() {
            return Err(format!("{} expects nothing", example.id));
        }
        match number_of(&example.tolerance) {
            Some(tolerance) if tolerance >= whole(0) => {}
            _ => return Err(format!("the tolerance of {} is no number from 0 up", example.id)),
        }
    }
    Ok(examples)
}

/// The number a value is: a text, or a JSON number as it is written.
pub(super) fn number_of(value: &Value) -> Option<Exact> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a formula found, in the shape of what is expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// A number.
    Number(Exact),
    /// A name.
    Word(String),
    /// Several.
    List(Vec<Self>),
}

impl Found {
    /// Whether it is what is expected, numbers within `tolerance`.
    #[must_use]
    pub fn is(&self, expected: &Value, tolerance: &Exact) -> bool {
        match self {
            Self::Number(found) => number_of(expected).is_some_and(|expected| {
                let off = found - expected;
                off <= *tolerance && -off <= *tolerance
            }),
            Self::Word(found) => expected.as_str() == Some(found),
            Self::List(found) => expected.as_array().is_some_and(|expected| {
                let mut pairs = found.iter().zip(expected);
                found.len() == expected.len() && pairs.all(|(found, expected)| found.is(expected, tolerance))
            }),
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
            Self::List(list) => {
                let list: Vec<_> = list.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", list.join(", "))
            }
        }
    }
}

impl From<Exact> for Found {
    fn from(number: Exact) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Found {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Found {
    fn from(list: Vec<T>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

/// What a formula found by name, or why it found nothing.
pub type Outcome = Result<Vec<(&'static str, Found)>, String>;

/// Inputs of an example, or of a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a>(pub &'a Map<String, Value>);

impl<'a> Inputs<'a> {
    fn value(self, name: &str) -> Result<&'a Value, String> {
        self.0.get(name).ok_or_else(|| format!("input `{name}` is missing"))
    }

    /// Whether there is such an input.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A number.
    pub fn number(self, name: &str) -> Result<Exact, String> {
        number_of(self.value(name)?).ok_or_else(|| format!("input `{name}` is no number"))
    }

    /// A number that need not be there.
    pub fn number_or(self, name: &str, otherwise: Exact) -> Result<Exact, String> {
        if self.has(name) { self.number(name) } else { Ok(otherwise) }
    }

    /// A number under the first of these names that is there.
    pub fn number_of(self, names: &[&str]) -> Result<Exact, String> {
        let name = names.iter().find(|name| self.has(name)).or(names.first());
        self.number(name.copied().unwrap_or_default())
    }

    /// Several numbers.
    pub fn numbers(self, name: &str) -> Result<Vec<Exact>, String> {
        let number = |value| number_of(value).ok_or_else(|| format!("a number of input `{name}` is none"));
        self.list(name)?.iter().map(number).collect()
    }

    /// A word.
    pub fn word(self, name: &str) -> Result<&'a str, String> {
        self.value(name)?.as_str().ok_or_else(|| format!("input `{name}` is no text"))
    }

    fn list(self, name: &str) -> Result<&'a [Value], String> {
        let list = self.value(name)?.as_array().ok_or_else(|| format!("input `{name}` is no list"))?;
        if list.len() <= LIST_MAX {
            Ok(list)
        } else {
            Err(format!("input `{name}` has more than {LIST_MAX} entries"))
        }
    }

    /// A part.
    pub fn part(self, name: &str) -> Result<Self, String> {
        self.value(name)?.as_object().map(Inputs).ok_or_else(|| format!("input `{name}` is no object"))
    }

    /// Several parts.
    pub fn parts(self, name: &str) -> Result<Vec<Self>, String> {
        let part = |value: &'a Value| {
            value.as_object().map(Inputs).ok_or_else(|| format!("a part of input `{name}` is no object"))
        };
        self.list(name)?.iter().map(part).collect()
    }

    /// Rows of `columns` texts and numbers.
    pub fn rows(self, name: &str, columns: usize) -> Result<Vec<Row<'a>>, String> {
        let row = |value: &'a Value| match value.as_array() {
            Some(cells) if cells.len() == columns => Ok(Row(cells)),
            _ => Err(format!("a row of input `{name}` has not {columns} columns")),
        };
        self.list(name)?.iter().map(row).collect()
    }
}

/// A row of a table among the inputs.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a>(&'a [Value]);

impl<'a> Row<'a> {
    /// A number of it.
    pub fn number(self, column: usize) -> Result<Exact, String> {
        self.0.get(column).and_then(number_of).ok_or_else(|| format!("column {column} of a row is no number"))
    }

    /// A word of it.
    pub fn word(self, column: usize) -> Result<&'a str, String> {
        let word = self.0.get(column).and_then(Value::as_str);
        word.ok_or_else(|| format!("column {column} of a row is no text"))
    }
}
