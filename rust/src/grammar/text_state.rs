//! Where an answer stands in JSON's strings, numbers and whitespace, to keep out spellings that
//! JSON has and no answer needs, wherever another token may come:
//!
//! - the escapes `\u` and `\/`: half of a surrogate pair would be no text, and an object's further
//!   keys could spell a named property's key a second way, past its schema;
//! - a third digit of an exponent, beyond the range of a double;
//! - whitespace without end, which `n_spaces` counts.

#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    Outside,
    String,
    Escape,
    /// After the `e` of a number, with so many digits since.
    Exponent(u8),
}

#[derive(Clone, Default)]
pub struct TextState {
    place: Place,
    after_digit: bool, // outside strings: an `e` here begins an exponent
    n_spaces: usize,
}

/// Whether a token that begins so may complete an unwanted spelling that earlier ones began.
pub fn may_go_on(first: &u8) -> bool {
    matches!(first, b'u' | b'/' | b'e' | b'E' | b'+' | b'-' | b'0'..=b'9')
}

/// Whether a token may complete an unwanted spelling that it also begins.
pub fn may_hold(bytes: &[u8]) -> bool {
    bytes
        .windows(2)
        .any(|pair| matches!(pair, [b'\\', b'u' | b'/'] | [b'e' | b'E', b'+' | b'-' | b'0'..=b'9']))
}

impl TextState {
    pub fn push(&mut self, byte: u8) {
        let is_outside = !matches!(self.place, Place::String | Place::Escape);
        let is_space = is_outside && matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.n_spaces = if is_space { self.n_spaces + 1 } else { 0 };
        self.place = match (self.place, byte) {
            (Place::String, b'"') => Place::Outside,
            (Place::String, b'\\') => Place::Escape,
            (Place::String | Place::Escape, _) => Place::String,
            (_, b'"') => Place::String,
            (Place::Outside, b'e' | b'E') if self.after_digit => Place::Exponent(0),
            (Place::Exponent(n), b'+' | b'-') => Place::Exponent(n),
            (Place::Exponent(n), b'0'..=b'9') => Place::Exponent(n.saturating_add(1)),
            _ => Place::Outside,
        };
        self.after_digit = is_outside && byte.is_ascii_digit();
    }

    /// Whether none of the bytes completes an unwanted spelling.
    pub fn accepts(&self, bytes: &[u8]) -> bool {
        let mut state = self.clone();
        bytes.iter().all(|&byte| {
            let is_unwanted = match state.place {
                Place::Escape => matches!(byte, b'u' | b'/'),
                Place::Exponent(n) => n >= 2 && byte.is_ascii_digit(),
                _ => false,
            };
            state.push(byte);
            !is_unwanted
        })
    }

    /// Whether the bytes so far may begin an unwanted spelling.
    pub fn is_inside(&self) -> bool {
        self.after_digit || matches!(self.place, Place::Escape | Place::Exponent(_))
    }

    /// Bytes of whitespace at the end, outside strings.
    pub fn n_spaces(&self) -> usize {
        self.n_spaces
    }
}
