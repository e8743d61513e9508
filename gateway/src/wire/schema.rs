//! The private schema as SBE XML, for tools that generate clients.
//!
//! Invariant: everything in it comes from the declarations that the codec itself is made of. It keeps to what every
//! known SBE 1.0 tool reads: named types only, explicit block lengths, arrays last in their block, a text or a group
//! last in its message.

use core::fmt::{Result, Write};

use super::frame::{SCHEMA_PRIVATE, SCHEMA_VERSION};
use super::message::{Field, Layout, TEXT_BYTES_MAX, Tail, TailKind};
use super::private::layouts;
use super::types::{Description, descriptions};

/// What the schema says of frames, sizes of groups and texts; the rest is declared.
const COMPOSITES: &str = r#"    <composite name="frameHeader" description="24 octets before every message header; messageLength counts all octets of the frame">
      <type name="messageLength" primitiveType="uint32"/>
      <type name="encodingType" primitiveType="uint16"/>
      <type name="flags" primitiveType="uint16"/>
      <type name="seqNo" primitiveType="uint64"/>
      <type name="ackSeqNo" primitiveType="uint64"/>
    </composite>
    <composite name="messageHeader" description="SBE message header">
      <type name="blockLength" primitiveType="uint16"/>
      <type name="templateId" primitiveType="uint16"/>
      <type name="schemaId" primitiveType="uint16"/>
      <type name="version" primitiveType="uint16"/>
    </composite>
    <composite name="groupSizeEncoding">
      <type name="blockLength" primitiveType="uint16"/>
      <type name="numInGroup" primitiveType="uint16"/>
    </composite>
"#;

/// The schema.
#[must_use]
pub fn xml() -> String {
    let mut out = String::new();
    schema(&mut out).expect("writing to a string does not fail");
    out
}

/// A name as the schema spells it: `cl_ord_id` is `clOrdId`.
#[must_use]
pub fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// The words of a declaration as one line; names in backquotes are spelled as the schema spells them.
#[must_use]
pub fn prose(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let pieces = line.split('`').enumerate();
    let pieces = pieces.map(|(at, piece)| if at % 2 == 0 { piece.to_owned() } else { named(piece) });
    pieces.collect::<Vec<_>>().join("`")
}

fn named(quoted: &str) -> String {
    quoted.split(' ').map(camel).collect::<Vec<_>>().join(" ")
}

fn attribute(words: &str) -> String {
    prose(words).replace('`', "").replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn schema(out: &mut String) -> Result {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#)?;
    writeln!(
        out,
        r#"<sbe:messageSchema xmlns:sbe="http://fixprotocol.io/2016/sbe" package="fulcrum_private" id="{SCHEMA_PRIVATE}" version="{SCHEMA_VERSION}" semanticVersion="0.1.0" description="Orders, accounts and operation of a Fulcrum venue" byteOrder="littleEndian">"#
    )?;
    writeln!(out, "  <types>")?;
    out.push_str(COMPOSITES);
    writeln!(out, r#"    <composite name="varText">"#)?;
    writeln!(out, r#"      <type name="length" primitiveType="uint16" maxValue="{TEXT_BYTES_MAX}"/>"#)?;
    writeln!(
        out,
        r#"      <type name="varData" length="0" primitiveType="uint8" characterEncoding="UTF-8"/>"#
    )?;
    writeln!(out, "    </composite>")?;
    descriptions().try_for_each(|description| type_(out, description))?;
    writeln!(out, "  </types>")?;
    layouts().iter().try_for_each(|layout| message(out, layout))?;
    writeln!(out, "</sbe:messageSchema>")
}

fn type_(out: &mut String, description: Description) -> Result {
    match description {
        Description::Scalar { name, primitive } => {
            writeln!(out, r#"    <type name="{name}" primitiveType="{primitive}"/>"#)
        }
        Description::Optional { name, primitive, null } => writeln!(
            out,
            r#"    <type name="{name}" primitiveType="{primitive}" presence="optional" nullValue="{null}"/>"#
        ),
        Description::Array { name, primitive, length } => {
            let encoding = if primitive == "char" { r#" characterEncoding="ASCII""# } else { "" };
            writeln!(
                out,
                r#"    <type name="{name}" primitiveType="{primitive}" length="{length}"{encoding}/>"#
            )
        }
        Description::Enumeration { name, values } => {
            writeln!(out, r#"    <enum name="{name}" encodingType="uint8">"#)?;
            for (value, octet) in values {
                writeln!(out, r#"      <validValue name="{value}">{octet}</validValue>"#)?;
            }
            writeln!(out, "    </enum>")
        }
        Description::Set { name, choices } => {
            writeln!(out, r#"    <set name="{name}" encodingType="uint16">"#)?;
            for (choice, bit) in choices {
                writeln!(out, r#"      <choice name="{choice}">{bit}</choice>"#)?;
            }
            writeln!(out, "    </set>")
        }
    }
}

fn message(out: &mut String, layout: &Layout) -> Result {
    let Layout { name, template, block_length, words, .. } = layout;
    let words = attribute(words);
    writeln!(
        out,
        r#"  <sbe:message name="{name}" id="{template}" blockLength="{block_length}" description="{words}">"#
    )?;
    fields(out, "    ", layout.fields)?;
    layout.tail.map_or(Ok(()), |tail| self::tail(out, layout.number_of(tail.name), &tail))?;
    writeln!(out, "  </sbe:message>")
}

fn fields(out: &mut String, indent: &str, fields: &[Field]) -> Result {
    for (number, Field { name, kind, since, words, .. }) in (1..).zip(fields) {
        let (name, words) = (camel(name), attribute(words));
        let since = if *since == 0 { String::new() } else { format!(r#" sinceVersion="{since}""#) };
        writeln!(
            out,
            r#"{indent}<field name="{name}" id="{number}" type="{kind}"{since} description="{words}"/>"#
        )?;
    }
    Ok(())
}

fn tail(out: &mut String, number: u16, tail: &Tail) -> Result {
    let (name, words) = (camel(tail.name), attribute(tail.words));
    match tail.kind {
        TailKind::Text => {
            writeln!(out, r#"    <data name="{name}" id="{number}" type="varText" description="{words}"/>"#)
        }
        TailKind::Group { size, fields: row } => {
            writeln!(
                out,
                r#"    <group name="{name}" id="{number}" dimensionType="groupSizeEncoding" blockLength="{size}" description="{words}">"#
            )?;
            fields(out, "      ", row)?;
            writeln!(out, "    </group>")
        }
    }
}
