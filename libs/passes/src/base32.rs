//! Crockford's base 32 (<https://www.crockford.com/base32.html>): no letter that is read as a digit.

const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Returns the bytes as symbols, five bits each; the last symbol is filled up with zeros.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(symbol(buffer >> bits));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(symbol(buffer << (5 - bits)));
    }
    text
}

/// Returns `N` bytes. `None` if the text has another length or other symbols, or bits that are filled up and not zero: one
/// value has one text, apart from upper and lower case and the letters that are read as digits.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != (N * 8).div_ceil(5) {
        return None;
    }
    let mut bytes = [0; N];
    let mut filled = 0;
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for symbol in text.bytes() {
        buffer = buffer << 5 | value(symbol)?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            *bytes.get_mut(filled)? = u8::try_from(buffer >> bits & 0xff).ok()?;
            filled += 1;
            buffer &= (1 << bits) - 1;
        }
    }
    (buffer == 0).then_some(bytes)
}

/// Returns the symbol of the lowest five bits.
pub(crate) fn symbol(value: u32) -> char {
    let index = usize::try_from(value & 31).unwrap_or_default();
    SYMBOLS.get(index).copied().map(char::from).unwrap_or_default()
}

/// Returns the value of a symbol, also in lower case; O is read as 0, I and L as 1.
pub(crate) fn value(symbol: u8) -> Option<u32> {
    let symbol = match symbol.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    let position = SYMBOLS.iter().position(|known| *known == symbol)?;
    u32::try_from(position).ok()
}
