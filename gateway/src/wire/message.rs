//! Messages: a block of fixed fields, and for some a text or one group of rows behind it.
//!
//! Invariant: a block longer than ours is read as far as we know it; a shorter one is refused. A group's rows must all
//! lie in the frame before any is read.

use engine::codec;

use super::types::WireType;

/// Longest text of a message.
pub const TEXT_BYTES_MAX: usize = 1024;

/// Why a message cannot be read. The frame was sound, so its connection lives on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The block is shorter than the message.
    ShortBlock,
    /// A group's header and its rows do not fit the frame.
    BadGroup,
    /// A text is too long, not inside the frame, or not UTF-8.
    BadText,
}

/// One field of a block, for the schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Name as in Rust.
    pub name: &'static str,
    /// Name of its type in the schema.
    pub kind: &'static str,
    /// Octets.
    pub size: usize,
}

/// What follows a block, for the schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    /// Nothing.
    None,
    /// A text.
    Text(&'static str),
    /// A group of rows.
    Group {
        /// Name as in Rust.
        name: &'static str,
        /// Fields of a row.
        fields: &'static [Field],
    },
}

/// One message, for the schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Template number.
    pub template: u16,
    /// Name.
    pub name: &'static str,
    /// Octets of the block.
    pub block_length: u16,
    /// Fields of the block.
    pub fields: &'static [Field],
    /// What follows the block.
    pub tail: Tail,
}

/// A message.
pub trait Message: Sized {
    /// How it is laid out.
    const LAYOUT: Layout;

    /// Appends block and tail.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a block of `block_length` octets at the start of `body`, and the tail behind it.
    ///
    /// # Errors
    /// [`DecodeError`].
    fn decode(body: &[u8], block_length: u16) -> Result<Self, DecodeError>;
}

/// A row of a group.
pub trait Row: bincode::Encode + bincode::Decode<()> + Clone + PartialEq + core::fmt::Debug {
    /// Its fields.
    const FIELDS: &'static [Field];
    /// Octets.
    const SIZE: usize;
}

/// What may stand behind a block.
pub trait TailPart: Sized {
    /// Appends it.
    fn encode_tail(&self, out: &mut Vec<u8>);

    /// Reads it from what follows the block.
    ///
    /// # Errors
    /// [`DecodeError`].
    fn decode_tail(bytes: &[u8]) -> Result<Self, DecodeError>;

    /// Its description under a name.
    fn describe(name: &'static str) -> Tail;
}

/// A text of at most [`TEXT_BYTES_MAX`] octets.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Text(String);

impl Text {
    /// A text, cut at the last character that fits.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(text[..end].to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TailPart for Text {
    fn encode_tail(&self, out: &mut Vec<u8>) {
        put_u16(out, self.0.len());
        out.extend_from_slice(self.0.as_bytes());
    }

    fn decode_tail(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (length, rest) = take_u16(bytes).ok_or(DecodeError::BadText)?;
        let text = rest.get(..length).filter(|text| text.len() <= TEXT_BYTES_MAX);
        let text = text.and_then(|text| core::str::from_utf8(text).ok()).ok_or(DecodeError::BadText)?;
        Ok(Self(text.to_owned()))
    }

    fn describe(name: &'static str) -> Tail {
        Tail::Text(name)
    }
}

/// Rows of a group.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Group<R>(pub Vec<R>);

impl<R: Row> TailPart for Group<R> {
    fn encode_tail(&self, out: &mut Vec<u8>) {
        put_u16(out, R::SIZE);
        put_u16(out, self.0.len());
        for row in &self.0 {
            codec::encode_to(row, |bytes| out.extend_from_slice(bytes));
        }
    }

    fn decode_tail(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (size, rest) = take_u16(bytes).ok_or(DecodeError::BadGroup)?;
        let (count, rest) = take_u16(rest).ok_or(DecodeError::BadGroup)?;
        if size < R::SIZE || rest.len() < size * count {
            return Err(DecodeError::BadGroup);
        }
        // Allocates by what is there, checked the line before, not by what is declared.
        let rows = rest.chunks_exact(size).take(count);
        let rows: Result<Vec<R>, _> = rows.map(|row| codec::decode(row).map(|(row, _)| row)).collect();
        rows.map(Self).map_err(|_| DecodeError::BadGroup)
    }

    fn describe(name: &'static str) -> Tail {
        Tail::Group { name, fields: R::FIELDS }
    }
}

fn put_u16(out: &mut Vec<u8>, value: usize) {
    let value = u16::try_from(value).expect("texts and groups are bounded by the frame");
    out.extend_from_slice(&value.to_le_bytes());
}

fn take_u16(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, rest) = bytes.split_first_chunk::<2>()?;
    Some((usize::from(u16::from_le_bytes(*value)), rest))
}

/// A field's description.
pub(super) const fn field<T: WireType>(name: &'static str) -> Field {
    Field { name, kind: T::NAME, size: T::SIZE }
}

/// Octets of a block.
pub(super) const fn block_length(fields: &[Field]) -> u16 {
    let mut length = 0;
    let mut at = 0;
    while at < fields.len() {
        length += fields[at].size;
        at += 1;
    }
    assert!(length <= 1024, "blocks are short");
    #[expect(clippy::cast_possible_truncation, reason = "at most 1,024, asserted the line before")]
    {
        length as u16
    }
}

/// Declares messages: number, name, fields of the block, and what follows it.
macro_rules! messages {
    ($($(#[$meta:meta])* $template:literal $name:ident {
        $($(#[$fmeta:meta])* $field:ident: $type:ty,)+
    } $([$(#[$tmeta:meta])* $tail:ident: $tail_type:ty])?)+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, PartialEq, Eq, Debug)]
            #[cfg_attr(not(any()), doc = concat!("\n\nTemplate ", stringify!($template), "."))]
            pub struct $name {
                $($(#[$fmeta])* pub $field: $type,)+
                $($(#[$tmeta])* pub $tail: $tail_type,)?
            }

            impl $crate::wire::message::Message for $name {
                const LAYOUT: $crate::wire::message::Layout = {
                    const FIELDS: &[$crate::wire::message::Field] =
                        &[$($crate::wire::message::field::<$type>(stringify!($field)),)+];
                    $crate::wire::message::Layout {
                        template: $template,
                        name: stringify!($name),
                        block_length: $crate::wire::message::block_length(FIELDS),
                        fields: FIELDS,
                        tail: $crate::wire::message::Tail::None,
                    }
                };

                fn encode(&self, out: &mut Vec<u8>) {
                    $(engine::codec::encode_to(&self.$field, |bytes| out.extend_from_slice(bytes));)+
                    $($crate::wire::message::TailPart::encode_tail(&self.$tail, out);)?
                }

                fn decode(
                    body: &[u8],
                    block_length: u16,
                ) -> Result<Self, $crate::wire::message::DecodeError> {
                    use $crate::wire::message::DecodeError;
                    let block = body.get(..usize::from(block_length)).ok_or(DecodeError::ShortBlock)?;
                    let mut rest = block;
                    $(
                        let ($field, used) =
                            engine::codec::decode::<$type>(rest).map_err(|_| DecodeError::ShortBlock)?;
                        rest = &rest[used..];
                    )+
                    // What a newer peer appended.
                    let _newer: &[u8] = rest;
                    $(let $tail = $crate::wire::message::TailPart::decode_tail(&body[block.len()..])?;)?
                    Ok(Self { $($field,)+ $($tail,)? })
                }
            }

            impl $name {
                /// What follows the block, for the schema.
                #[must_use]
                pub fn tail() -> $crate::wire::message::Tail {
                    #[expect(unused_mut, reason = "most messages have no tail")]
                    let mut tail = $crate::wire::message::Tail::None;
                    $(tail = <$tail_type as $crate::wire::message::TailPart>::describe(stringify!($tail));)?
                    tail
                }
            }
        )+

        /// How every message is laid out, by rising template.
        #[must_use]
        pub fn layouts() -> Vec<$crate::wire::message::Layout> {
            use $crate::wire::message::Message;
            vec![$($crate::wire::message::Layout { tail: $name::tail(), ..$name::LAYOUT },)+]
        }
    };
}

/// Declares rows of groups.
macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
            pub struct $name {
                $($(#[$fmeta])* pub $field: $type,)+
            }

            impl $crate::wire::message::Row for $name {
                const FIELDS: &'static [$crate::wire::message::Field] =
                    &[$($crate::wire::message::field::<$type>(stringify!($field)),)+];
                const SIZE: usize = $crate::wire::message::block_length(Self::FIELDS) as usize;
            }
        )+
    };
}

pub(super) use {messages, rows};
