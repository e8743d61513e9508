//! Messages: a block of fixed fields, and for some a text or one group of rows behind it.
//!
//! Invariant: a block longer than ours is read as far as we know it; a shorter one is refused, unless what it lacks was
//! appended later and says what its absence means. A group's rows must all lie in the frame before any is read.

use engine::codec;

use super::codes::ErrorCode;
use super::frame::Frame;
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

impl DecodeError {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::ShortBlock => ErrorCode::ShortBlock,
            Self::BadGroup => ErrorCode::BadGroup,
            Self::BadText => ErrorCode::BadUtf8,
        }
    }
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
    /// The version from which on messages have it; 0 where they always had.
    pub since: u16,
    /// What it means; each line begins with a space.
    pub words: &'static str,
}

/// What follows a block, for the schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tail {
    /// Name as in Rust.
    pub name: &'static str,
    /// What it means; each line begins with a space.
    pub words: &'static str,
    /// Text or rows.
    pub kind: TailKind,
}

/// What kind of tail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TailKind {
    /// A text.
    Text,
    /// A group of rows.
    Group {
        /// Octets of a row.
        size: usize,
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
    /// What it means; each line begins with a space.
    pub words: &'static str,
    /// Octets of the block.
    pub block_length: u16,
    /// Fields of the block.
    pub fields: &'static [Field],
    /// What follows the block, if anything does.
    pub tail: Option<Tail>,
}

impl Layout {
    /// Octets of the block as a peer of this version writes it.
    #[must_use]
    pub fn block_length_at(&self, version: u16) -> usize {
        self.fields.iter().filter(|field| field.since <= version).map(|field| field.size).sum()
    }

    /// The number of a field, from 1, as in the schema and in `SessionReject`; the tail's comes after the block's.
    ///
    /// # Panics
    /// When there is no such field; in a constant, that does not compile.
    #[must_use]
    pub const fn number_of(&self, field: &str) -> u16 {
        let mut number = 1;
        let mut at = 0;
        while at < self.fields.len() {
            if is_same(self.fields[at].name, field) {
                return number;
            }
            number += 1;
            at += 1;
        }
        match self.tail {
            Some(tail) if is_same(tail.name, field) => number,
            Some(_) | None => panic!("no such field"),
        }
    }

    /// The number of the tail.
    const fn tail_number(&self) -> Option<u16> {
        match self.tail {
            Some(tail) => Some(self.number_of(tail.name)),
            None => None,
        }
    }
}

const fn is_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len() && at == right.len()
}

/// A message.
pub trait Message: Sized {
    /// How it is laid out.
    const LAYOUT: Layout;

    /// Appends block and tail.
    fn encode(&self, out: &mut Vec<u8>);

    /// Octets of block and tail.
    fn length(&self) -> usize;

    /// Reads a block of `block_length` octets at the start of `body`, and the tail behind it. What a newer peer has
    /// appended to block, rows or message is skipped.
    ///
    /// # Errors
    /// [`DecodeError`].
    fn decode(body: &[u8], block_length: u16) -> Result<Self, DecodeError>;

    /// The octets of the block alone, as a signature covers them.
    fn block(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.length());
        self.encode(&mut octets);
        octets.truncate(usize::from(Self::LAYOUT.block_length));
        octets
    }
}

fn declared_row(frame: &Frame<'_>) -> Option<usize> {
    let behind = frame.body.get(usize::from(frame.block_length)..)?;
    take_u16(behind).map(|(size, _)| size)
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
    /// Text or rows, for the schema.
    const KIND: TailKind;

    /// Appends it.
    fn encode_tail(&self, out: &mut Vec<u8>);

    /// Octets.
    fn length(&self) -> usize;

    /// Reads it from what follows the block.
    ///
    /// # Errors
    /// [`DecodeError`].
    fn decode_tail(bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// Why a message is not taken: what a `SessionReject` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why.
    pub code: ErrorCode,
    /// Number of the field at fault, from 1.
    pub field: Option<u16>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, field: None }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.code.code(), self.code.name())?;
        self.field.map_or(Ok(()), |field| write!(f, ", field {field}"))
    }
}

impl core::error::Error for Refusal {}

/// The message of a frame.
///
/// # Errors
/// As [`Message::decode`], with the number of the tail where the tail is at fault.
#[inline]
pub(super) fn read<M: Message>(frame: &Frame<'_>) -> Result<M, Refusal> {
    M::decode(frame.body, frame.block_length).map_err(|error| {
        let field = match error {
            DecodeError::ShortBlock => None,
            DecodeError::BadGroup | DecodeError::BadText => M::LAYOUT.tail_number(),
        };
        Refusal { code: error.code(), field }
    })
}

/// The message of a frame, and nothing but the message: what is written again is the same octets, but for what the
/// sender's version had not.
///
/// # Errors
/// As [`read`], and [`ErrorCode::BadLength`] when there is more than the message.
#[inline]
pub(super) fn read_exactly<M: Message>(frame: &Frame<'_>) -> Result<M, Refusal> {
    let message: M = read(frame)?;
    let declared = usize::from(frame.block_length);
    let later = usize::from(M::LAYOUT.block_length).saturating_sub(declared);
    if declared != M::LAYOUT.block_length_at(frame.version) || message.length() - later != frame.body.len() {
        return Err(ErrorCode::BadLength.into());
    }
    // A group without rows has the right length whatever it says of their size.
    match M::LAYOUT.tail.map(|tail| tail.kind) {
        Some(TailKind::Group { size, .. }) if declared_row(frame) != Some(size) => {
            Err(Refusal { code: ErrorCode::BadGroup, field: M::LAYOUT.tail_number() })
        }
        Some(TailKind::Group { .. } | TailKind::Text) | None => Ok(message),
    }
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
    const KIND: TailKind = TailKind::Text;

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

    fn length(&self) -> usize {
        2 + self.0.len()
    }
}

/// Rows of a group.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Group<R>(pub Vec<R>);

impl<R: Row> TailPart for Group<R> {
    const KIND: TailKind = TailKind::Group { size: R::SIZE, fields: R::FIELDS };

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
        // Reserved by what is there, checked the line before, not by what is declared.
        let mut rows = Vec::with_capacity(count);
        for row in rest.chunks_exact(size).take(count) {
            rows.push(codec::decode(row).map_err(|_| DecodeError::BadGroup)?.0);
        }
        Ok(Self(rows))
    }

    fn length(&self) -> usize {
        4 + R::SIZE * self.0.len()
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
pub(super) const fn field<T: WireType>(name: &'static str, since: u16, words: &'static str) -> Field {
    Field { name, kind: T::NAME, size: T::SIZE, since, words }
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

/// Writes a block, all of it at once.
#[inline]
pub(super) fn put_block<B: bincode::Encode, const N: usize>(block: &B, out: &mut Vec<u8>) {
    let mut octets = [0; N];
    let length = codec::encode(block, &mut octets);
    debug_assert_eq!(length, N, "the fields' sizes are what the codec writes");
    out.extend_from_slice(&octets);
}

/// Splits a body behind its block and reads the block.
///
/// # Errors
/// [`DecodeError::ShortBlock`].
#[inline]
pub(super) fn take_block<B: bincode::Decode<()>>(
    body: &[u8],
    block_length: u16,
) -> Result<(B, &[u8]), DecodeError> {
    let (block, behind) = body.split_at_checked(usize::from(block_length)).ok_or(DecodeError::ShortBlock)?;
    let (block, _known) = codec::decode(block).map_err(|_| DecodeError::ShortBlock)?;
    Ok((block, behind))
}

/// Writes what the absence of a field means behind `at` octets that are there; the octets there are then.
///
/// # Errors
/// [`DecodeError::ShortBlock`] where the field was always there, or only half of it is here.
pub(super) fn fill<T: WireType>(
    block: &mut [u8],
    at: usize,
    given: usize,
    absent: Option<T>,
) -> Result<usize, DecodeError> {
    let end = at + T::SIZE;
    if end <= given {
        return Ok(end);
    }
    let absent = absent.filter(|_| at >= given).ok_or(DecodeError::ShortBlock)?;
    codec::encode(&absent, &mut block[at..end]);
    Ok(end)
}

/// What the absence of a field means, if it may be absent.
macro_rules! absent {
    ($type:ty) => {
        None::<$type>
    };
    ($type:ty, $default:expr) => {
        Some::<$type>($default)
    };
}

/// The version from which on a field is there.
macro_rules! since {
    () => {
        0
    };
    ($since:literal) => {
        $since
    };
}

/// What follows a block, for the schema.
macro_rules! tail_of {
    () => {
        None
    };
    ($name:ident, $type:ty, $words:expr) => {
        Some($crate::wire::message::Tail {
            name: stringify!($name),
            words: $words,
            kind: <$type as $crate::wire::message::TailPart>::KIND,
        })
    };
}

/// Declares messages: number, name, fields of the block, and what follows it. A field that was appended says what its
/// absence means and since which version it is there.
macro_rules! messages {
    ($($(#[doc = $doc:literal])+ $template:literal $name:ident {
        $($(#[doc = $fdoc:literal])+ $field:ident: $type:ty $(= $default:expr; since $since:literal)?,)+
    } $([$(#[doc = $tdoc:literal])+ $tail:ident: $tail_type:ty])?)+) => {
        $(
            $(#[doc = $doc])+
            #[doc = concat!("\n\nTemplate ", stringify!($template), ".")]
            #[derive(Clone, PartialEq, Eq, Debug)]
            pub struct $name {
                $($(#[doc = $fdoc])+ pub $field: $type,)+
                $($(#[doc = $tdoc])+ pub $tail: $tail_type,)?
            }

            impl $name {
                /// Its template number.
                pub const TEMPLATE: u16 = $template;
            }

            const _: () = {
                use $crate::wire::message::{self, DecodeError, Field, Layout, Message, absent, since, tail_of};

                const FIELDS: &[Field] = &[$(message::field::<$type>(
                    stringify!($field),
                    since!($($since)?),
                    concat!($($fdoc, "\n"),+),
                ),)+];
                const LENGTH: u16 = message::block_length(FIELDS);

                /// The block alone: what the codec writes and reads at once.
                #[derive(bincode::Encode, bincode::Decode)]
                struct Block {
                    $($field: $type,)+
                }

                /// Reads a block of a peer that does not know all of the fields.
                #[cold]
                fn older(body: &[u8], block_length: u16) -> Result<(Block, &[u8]), DecodeError> {
                    let given = usize::from(block_length);
                    let (known, behind) = body.split_at_checked(given).ok_or(DecodeError::ShortBlock)?;
                    let mut octets = [0; LENGTH as usize];
                    octets[..given].copy_from_slice(known);
                    let at = 0;
                    $(let at = message::fill(&mut octets, at, given, absent!($type $(, $default)?))?;)+
                    let (block, _) = message::take_block::<Block>(&octets[..at], LENGTH)?;
                    Ok((block, behind))
                }

                impl Message for $name {
                    const LAYOUT: Layout = Layout {
                        template: $template,
                        name: stringify!($name),
                        words: concat!($($doc, "\n"),+),
                        block_length: LENGTH,
                        fields: FIELDS,
                        tail: tail_of!($($tail, $tail_type, concat!($($tdoc, "\n"),+))?),
                    };

                    #[inline]
                    fn encode(&self, out: &mut Vec<u8>) {
                        let block = Block { $($field: self.$field,)+ };
                        message::put_block::<Block, { LENGTH as usize }>(&block, out);
                        $(message::TailPart::encode_tail(&self.$tail, out);)?
                    }

                    #[inline]
                    fn length(&self) -> usize {
                        usize::from(LENGTH) $(+ message::TailPart::length(&self.$tail))?
                    }

                    #[inline]
                    fn decode(body: &[u8], block_length: u16) -> Result<Self, DecodeError> {
                        let (Block { $($field,)+ }, _behind) = if block_length < LENGTH {
                            older(body, block_length)?
                        } else {
                            message::take_block::<Block>(body, block_length)?
                        };
                        Ok(Self { $($field,)+ $($tail: <$tail_type as message::TailPart>::decode_tail(_behind)?,)? })
                    }
                }
            };
        )+
    };
}

/// Declares rows of groups.
macro_rules! rows {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $fdoc:literal])+ $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
            pub struct $name {
                $($(#[doc = $fdoc])+ pub $field: $type,)+
            }

            impl $crate::wire::message::Row for $name {
                const FIELDS: &'static [$crate::wire::message::Field] =
                    &[$($crate::wire::message::field::<$type>(
                        stringify!($field),
                        0,
                        concat!($($fdoc, "\n"),+),
                    ),)+];
                const SIZE: usize = $crate::wire::message::block_length(Self::FIELDS) as usize;
            }
        )+
    };
}

/// Declares what one side sends: an enumeration of messages, read by `$read` after `$check` of the frame.
macro_rules! directions {
    ($($(#[doc = $doc:literal])+ $direction:ident by $check:path, $read:path { $($name:ident)+ })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, PartialEq, Eq, Debug)]
            pub enum $direction {
                $(#[doc = concat!("[`", stringify!($name), "`].")] $name($name),)+
            }

            impl $direction {
                /// How they are laid out.
                pub const LAYOUTS: &'static [Layout] = &[$($name::LAYOUT,)+];

                /// Reads the message of a frame. Nothing is allocated but a text or rows that the frame holds.
                ///
                /// # Errors
                /// [`Refusal`]: another schema, a version not spoken, no such message from this side, or a body that
                /// is not that message.
                pub fn decode(frame: &Frame<'_>) -> Result<Self, Refusal> {
                    $check(frame)?;
                    match frame.template {
                        $($name::TEMPLATE => $read(frame).map(Self::$name),)+
                        _ => Err(ErrorCode::UnknownTemplate.into()),
                    }
                }

                /// Appends its frame.
                pub fn append(&self, prefix: Prefix, out: &mut Vec<u8>) {
                    match self {
                        $(Self::$name(message) => frame::append(prefix, message, out),)+
                    }
                }

                /// How it is laid out.
                #[must_use]
                pub const fn layout(&self) -> Layout {
                    match self {
                        $(Self::$name(_) => $name::LAYOUT,)+
                    }
                }

                /// Its template number.
                #[must_use]
                pub const fn template(&self) -> u16 {
                    match self {
                        $(Self::$name(_) => $name::TEMPLATE,)+
                    }
                }

                /// Its name.
                #[must_use]
                pub const fn name(&self) -> &'static str {
                    match self {
                        $(Self::$name(_) => stringify!($name),)+
                    }
                }
            }

            $(impl From<$name> for $direction {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            })+
        )+
    };
}

pub(super) use {absent, directions, messages, rows, since, tail_of};
