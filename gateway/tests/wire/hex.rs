//! Octets as text.

/// Octets of hexadecimal digits.
pub(crate) fn octets(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Hexadecimal digits of octets.
pub(crate) fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("four bits");
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}
