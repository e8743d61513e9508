//! A frame of every message, written from the layouts alone.
//!
//! Invariant: the codec takes no part, so that golden frames do not only say that it agrees with itself. Field `n` of
//! template `t` holds `100 t + n`, negative where the type is signed and `n` odd; one octet holds `n`; an enumeration
//! holds its value number `n`, counted around from 0; a set its choices of even bits; an array the octets from `n` up.

use gateway::wire::message::{Field, Layout, TailKind};
use gateway::wire::private::layouts;
use gateway::wire::types::{Description, descriptions};

/// A frame with a name.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) template: u16,
    pub(crate) octets: Vec<u8>,
}

/// Which values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variant {
    /// Every field has one.
    Values,
    /// Only those that must; a text is empty, a group has no rows.
    Nulls,
}

/// Two frames of every message that can leave something out, one of the others.
pub(crate) fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for layout in layouts() {
        samples.push(sample(&layout, Variant::Values));
        if layout.tail.is_some() || layout.fields.iter().any(|field| null(field).is_some()) {
            samples.push(sample(&layout, Variant::Nulls));
        }
    }
    samples
}

fn sample(layout: &Layout, variant: Variant) -> Sample {
    let mut body = Vec::new();
    block(layout.template, layout.fields, variant, &mut body);
    let rows = if variant == Variant::Values { 2_u16 } else { 0 };
    match layout.tail.map(|tail| tail.kind) {
        None => {}
        Some(TailKind::Text) => {
            let text = if variant == Variant::Values {
                format!("d\u{e9}j\u{e0} {}", layout.template)
            } else {
                String::new()
            };
            body.extend(u16::try_from(text.len()).expect("short").to_le_bytes());
            body.extend(text.bytes());
        }
        Some(TailKind::Group { fields, .. }) => {
            let size: usize = fields.iter().map(|field| field.size).sum();
            body.extend(u16::try_from(size).expect("short").to_le_bytes());
            body.extend(rows.to_le_bytes());
            for row in 0..rows {
                block(layout.template + row, fields, variant, &mut body);
            }
        }
    }
    let mut octets = Vec::new();
    octets.extend(u32::try_from(body.len() + 32).expect("short").to_le_bytes());
    octets.extend([0x50, 0xEB]);
    // End of event; the number is the template's, so that no two frames begin alike.
    octets.extend(2_u16.to_le_bytes());
    octets.extend(u64::from(layout.template).to_le_bytes());
    octets.extend(7_u64.to_le_bytes());
    for word in [layout.block_length, layout.template, 701, 3] {
        octets.extend(word.to_le_bytes());
    }
    octets.extend(body);
    let variant = if variant == Variant::Values { "values" } else { "nulls" };
    Sample { name: format!("{} {variant}", layout.name), template: layout.template, octets }
}

fn block(template: u16, fields: &[Field], variant: Variant, out: &mut Vec<u8>) {
    for (number, field) in (1..).zip(fields) {
        let null = null(field).filter(|_| variant == Variant::Nulls);
        out.extend(null.unwrap_or_else(|| value(template, number, field)));
    }
}

fn description(field: &Field) -> Description {
    let name = |description: &Description| match description {
        Description::Scalar { name, .. }
        | Description::Optional { name, .. }
        | Description::Array { name, .. }
        | Description::Enumeration { name, .. }
        | Description::Set { name, .. } => *name,
    };
    descriptions().find(|description| name(description) == field.kind).expect("every type is described")
}

/// The octets that mean "none", if a field can be none.
fn null(field: &Field) -> Option<Vec<u8>> {
    let Description::Optional { null, .. } = description(field) else { return None };
    let null: i128 = null.parse().expect("a number");
    Some(null.to_le_bytes()[..field.size].to_vec())
}

fn value(template: u16, number: u16, field: &Field) -> Vec<u8> {
    match description(field) {
        Description::Scalar { primitive, .. } | Description::Optional { primitive, .. } => {
            let value = if field.size == 1 {
                i128::from(number)
            } else {
                i128::from(template) * 100 + i128::from(number)
            };
            let value = if primitive.starts_with('i') && number % 2 == 1 { -value } else { value };
            value.to_le_bytes()[..field.size].to_vec()
        }
        Description::Array { length, .. } => {
            let first = b'A' + u8::try_from(number).expect("few fields");
            (first..).take(if length == 16 { 12 } else { length }).chain([0; 4]).take(length).collect()
        }
        Description::Enumeration { values, .. } => vec![values[usize::from(number) % values.len()].1],
        Description::Set { choices, .. } => {
            let bits =
                choices.iter().filter(|(_, bit)| bit % 2 == 0).fold(0_u16, |bits, (_, bit)| bits | 1 << bit);
            bits.to_le_bytes().to_vec()
        }
    }
}
