//! Reads the variables: JSON as Python's json.loads does, with bounded depth.

use std::rc::Rc;

use super::dict::Dict;
use super::value::Value;
use super::{Failure, Outcome};

const MAX_DEPTH: usize = 128;
const MAX_BYTES: usize = 64 << 20;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

fn bad<T>(what: impl std::fmt::Display) -> Outcome<T> {
    Err(Box::new(Failure::Variables(format!("the template's variables: {what}"))))
}

/// The object that `bytes` is.
pub fn object(bytes: &[u8]) -> Outcome<Rc<Dict>> {
    if bytes.len() > MAX_BYTES {
        return super::limit(format!(
            "the template's variables have {} bytes, more than {MAX_BYTES}",
            bytes.len()
        ));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return bad("not UTF-8");
    };
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = reader.value()?;
    reader.space();
    if reader.at < text.len() {
        return reader.fail("more text after the value");
    }
    match value {
        Value::Dict(dict) => Ok(dict),
        other => bad(format!("not an object but {}", other.type_name())),
    }
}

impl Reader<'_> {
    fn fail<T>(&self, what: &str) -> Outcome<T> {
        bad(format!("{what} at byte {}", self.at))
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value(&mut self) -> Outcome<Value> {
        self.space();
        let simple = match self.peek() {
            b'"' => return Value::str(self.string()?),
            b'{' | b'[' => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return super::limit(format!(
                        "the template's variables nest deeper than {MAX_DEPTH}"
                    ));
                }
                let value = if self.peek() == b'{' { self.map()? } else { self.array()? };
                self.depth -= 1;
                return Ok(value);
            }
            b'n' if self.take("null") => Value::None,
            b't' if self.take("true") => Value::Bool(true),
            b'f' if self.take("false") => Value::Bool(false),
            b'N' if self.take("NaN") => Value::Float(f64::NAN),
            b'I' if self.take("Infinity") => Value::Float(f64::INFINITY),
            b'-' if self.take("-Infinity") => Value::Float(f64::NEG_INFINITY),
            b'-' | b'0'..=b'9' => return self.number(),
            _ => return self.fail("no value"),
        };
        Ok(simple)
    }

    fn array(&mut self) -> Outcome<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take("]") {
            return Value::list(items);
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.take("]") {
                return Value::list(items);
            }
            if !self.take(",") {
                return self.fail("no ',' or ']'");
            }
        }
    }

    fn map(&mut self) -> Outcome<Value> {
        self.at += 1;
        let mut entries = Vec::new();
        self.space();
        if self.take("}") {
            return Dict::value(entries);
        }
        loop {
            self.space();
            if self.peek() != b'"' {
                return self.fail("no name");
            }
            let key = Value::str(self.string()?)?;
            self.space();
            if !self.take(":") {
                return self.fail("no ':'");
            }
            entries.push((key, self.value()?));
            self.space();
            if self.take("}") {
                return Dict::value(entries);
            }
            if !self.take(",") {
                return self.fail("no ',' or '}'");
            }
        }
    }

    fn digits(&mut self) -> bool {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        self.at > from
    }

    fn number(&mut self) -> Outcome<Value> {
        let from = self.at;
        self.take("-");
        let leading_zero = self.peek() == b'0';
        if !self.digits() || (leading_zero && self.text.as_bytes()[self.at - 1] != b'0') {
            return self.fail("not a number");
        }
        let mut whole = true;
        if self.peek() == b'.' {
            self.at += 1;
            whole = false;
            if !self.digits() {
                return self.fail("not a number");
            }
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            whole = false;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            if !self.digits() {
                return self.fail("not a number");
            }
        }
        let digits = &self.text[from..self.at];
        match (whole, digits.parse::<i128>(), digits.parse::<f64>()) {
            (true, Ok(int), _) => Ok(Value::Int(int)),
            (true, Err(_), _) => self.fail("an integer of more than 127 bits"),
            (false, _, Ok(float)) => Ok(Value::Float(float)),
            _ => self.fail("not a number"),
        }
    }

    fn string(&mut self) -> Outcome<String> {
        self.at += 1;
        let mut result = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') else {
                return self.fail("a string without an end");
            };
            result.push_str(&rest[..end]);
            self.at += end;
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(result);
                }
                b'\\' => result.push(self.escape()?),
                _ => return self.fail("a control character in a string"),
            }
        }
    }

    fn escape(&mut self) -> Outcome<char> {
        self.at += 1;
        let c = match self.peek() {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return self.fail("an unknown escape"),
        };
        self.at += 1;
        Ok(c)
    }

    fn hex4(&mut self) -> Outcome<u32> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
        let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match text
            .filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()))
            .map(|t| u32::from_str_radix(t, 16))
        {
            Some(Ok(code)) => {
                self.at += 5;
                Ok(code)
            }
            _ => self.fail("not four hexadecimal digits"),
        }
    }

    /// A surrogate without its partner becomes U+FFFD.
    fn unicode(&mut self) -> Outcome<char> {
        let first = self.hex4()?;
        if (0xd800..0xdc00).contains(&first) && self.text.as_bytes()[self.at..].starts_with(b"\\u")
        {
            let back = self.at;
            self.at += 1;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or('\u{fffd}'))
    }
}
