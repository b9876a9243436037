//! From PCRE syntax to the syntax of our two engines.
//!
//! Owns the differences: `$` also matches before a final newline, `\w`, `\d`, `\s` and `\b` are
//! ASCII, free spacing does not reach into character classes, a brace or bracket that begins
//! nothing is a literal, `\Q...\E` quotes. Only whether a pattern matches is kept exact, not where
//! its match ends. Works front to back without recursion.

use std::fmt::Write;

/// The options of a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) extended: bool,
}

pub(super) struct Translated {
    pub(super) text: String,
    /// True when only a backtracking engine can run it.
    pub(super) backtracking: bool,
}

pub(super) fn translate(source: &str, flags: Flags) -> Result<Translated, String> {
    let first = Translator::new(source, flags, false).run()?;
    // The backtracking engine has no ASCII word boundary, so it gets a text of its own.
    if first.backtracking { Translator::new(source, flags, true).run() } else { Ok(first) }
}

/// The literal text that every match begins with, where the pattern is anchored to the start.
pub(super) fn literal_prefix(source: &str, flags: Flags) -> Option<String> {
    if flags.ignore_case || flags.multi_line || flags.extended || source.contains('|') {
        return None;
    }
    let rest = source.strip_prefix('^').or_else(|| source.strip_prefix("\\A"))?;
    let mut prefix = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped) if !escaped.is_ascii_alphanumeric() => prefix.push(escaped),
                _ => break,
            },
            '?' | '*' | '{' => {
                // The character before may be absent.
                prefix.pop();
                break;
            }
            '+' | '.' | '[' | '(' | ')' | '^' | '$' => break,
            c => prefix.push(c),
        }
    }
    (!prefix.is_empty()).then_some(prefix)
}

const WORD: &str = "0-9A-Za-z_";
const DIGIT: &str = "0-9";
const SPACE: &str = r"\t\n\x0B\x0C\r\x20";
const HORIZONTAL: &str = r"\t\x20\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}";
const VERTICAL: &str = r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}";
const TEXT_END: &str = r"(?:\n?\z)";

/// A character and whether `\Q...\E` quoted it.
type Char = (char, bool);

struct Translator {
    chars: Vec<Char>,
    at: usize,
    out: String,
    flags: Flags,
    /// The flags outside each open group.
    groups: Vec<Flags>,
    captures: usize,
    backtracking: bool,
    for_backtracking: bool,
    unicode_classes: bool,
}

/// One member of a character class.
enum Member {
    Char(char),
    Set(String),
}

impl Translator {
    fn new(source: &str, flags: Flags, for_backtracking: bool) -> Translator {
        Translator {
            chars: unquote(source),
            at: 0,
            out: String::with_capacity(source.len() + 8),
            flags,
            groups: Vec::new(),
            captures: 0,
            backtracking: false,
            for_backtracking,
            unicode_classes: false,
        }
    }

    fn run(mut self) -> Result<Translated, String> {
        if self.flags.ignore_case {
            self.out.push_str("(?i)");
        }
        if self.flags.dot_all {
            self.out.push_str("(?s)");
        }
        while self.take_if("(*UTF8)") || self.take_if("(*UTF)") {}
        if self.take_if("(*UCP)") {
            self.unicode_classes = true;
        }
        while let Some((c, quoted)) = self.next() {
            if quoted {
                self.literal(c);
            } else {
                self.one(c)?;
            }
        }
        Ok(Translated { text: self.out, backtracking: self.backtracking })
    }

    fn one(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.open()?,
            ')' => {
                self.flags = self.groups.pop().ok_or("unmatched closing parenthesis")?;
                self.out.push(')');
            }
            '^' if self.flags.multi_line => self.out.push_str("(?m:^)"),
            '$' if self.flags.multi_line => self.out.push_str("(?m:$)"),
            '$' => self.out.push_str(TEXT_END),
            '*' | '+' | '?' => self.quantifier(c),
            '{' => match self.counted() {
                Some(count) => {
                    self.out.push_str(&count);
                    self.after_quantifier();
                }
                None => self.literal('{'),
            },
            '^' | '.' | '|' => self.out.push(c),
            c if self.flags.extended && c.is_whitespace() => {}
            '#' if self.flags.extended => while self.next().is_some_and(|(c, _)| c != '\n') {},
            c => self.literal(c),
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).filter(|(_, quoted)| !quoted).map(|(c, _)| *c)
    }

    fn take_if(&mut self, text: &str) -> bool {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let matches = text.chars().count() <= rest.len()
            && text.chars().zip(rest).all(|(wanted, (c, quoted))| wanted == *c && !quoted);
        if matches {
            self.at += text.chars().count();
        }
        matches
    }

    /// Takes up to `end`, which is consumed too.
    fn until(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some((c, _)) if c == end => return Ok(text),
                Some((c, _)) => text.push(c),
                None => return Err(format!("missing {end}")),
            }
        }
    }

    fn literal(&mut self, c: char) {
        push_literal(&mut self.out, c);
    }

    fn quantifier(&mut self, c: char) {
        self.out.push(c);
        self.after_quantifier();
    }

    fn after_quantifier(&mut self) {
        match self.peek() {
            Some('?') => {
                self.at += 1;
                self.out.push('?');
            }
            Some('+') => {
                self.at += 1;
                self.out.push('+');
                self.backtracking = true;
            }
            _ => {}
        }
    }

    /// `{n}`, `{n,}` or `{n,m}` after the opening brace; anything else is a literal brace.
    fn counted(&mut self) -> Option<String> {
        let rest = self.chars.get(self.at..)?;
        let length = rest.iter().position(|(c, _)| *c == '}')?;
        let body: String = rest.get(..length)?.iter().map(|(c, _)| *c).collect();
        let (low, high) = body.split_once(',').unwrap_or((&body, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if low.is_empty() || !digits(low) || !digits(high) {
            return None;
        }
        self.at += length + 1;
        Some(format!("{{{body}}}"))
    }

    fn open(&mut self) -> Result<(), String> {
        let outside = self.flags;
        if self.take_if("?#") {
            self.until(')')?;
            return Ok(());
        }
        if self.take_if("*") {
            return Err("verbs are not supported".to_owned());
        }
        if !self.take_if("?") {
            self.captures += 1;
            self.out.push('(');
        } else if self.take_if("<=") || self.take_if("<!") || self.take_if("=") || self.take_if("!")
        {
            self.backtracking = true;
            let look: String = self.opened_since("(?");
            self.out.push_str(&look);
        } else if self.take_if(">") {
            self.backtracking = true;
            self.out.push_str("(?>");
        } else if self.take_if("|") || self.take_if(":") {
            self.out.push_str("(?:");
        } else if self.take_if("P=") {
            let name = self.until(')')?;
            self.named_reference(&name);
            return Ok(());
        } else if self.take_if("P<") || self.take_if("<") {
            self.named_group('>')?;
        } else if self.take_if("'") {
            self.named_group('\'')?;
        } else if self.peek() == Some('(') {
            self.backtracking = true;
            self.out.push_str("(?");
        } else {
            return self.inline_flags(outside);
        }
        self.groups.push(outside);
        Ok(())
    }

    /// The characters of the look-around opening that was just taken, with `(?` before them.
    fn opened_since(&self, start: &str) -> String {
        let behind = self.at.checked_sub(2).and_then(|at| self.chars.get(at));
        let last = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        let mut text = start.to_owned();
        if behind.is_some_and(|(c, _)| *c == '<') {
            text.push('<');
        }
        text.extend(last.map(|(c, _)| *c));
        text
    }

    fn named_group(&mut self, end: char) -> Result<(), String> {
        let name = self.until(end)?;
        self.captures += 1;
        let _ = write!(self.out, "(?P<{name}>");
        Ok(())
    }

    /// `(?i)`, `(?i-s)` or `(?i:`. Only case and dot need words of their own in the output.
    fn inline_flags(&mut self, outside: Flags) -> Result<(), String> {
        let mut on = true;
        let mut shown = [String::new(), String::new()];
        loop {
            let Some((c, _)) = self.next() else {
                return Err("missing terminating parenthesis".to_owned());
            };
            match c {
                '-' => on = false,
                'i' | 's' => {
                    if c == 'i' {
                        self.flags.ignore_case = on;
                    } else {
                        self.flags.dot_all = on;
                    }
                    if let Some(list) = shown.get_mut(usize::from(!on)) {
                        list.push(c);
                    }
                }
                'm' => self.flags.multi_line = on,
                'x' => self.flags.extended = on,
                // Names may repeat, or repetitions be lazy: neither changes what matches.
                'J' | 'U' => {}
                ')' | ':' => {
                    let [set, clear] = &shown;
                    let dash = if clear.is_empty() { "" } else { "-" };
                    if c == ':' {
                        self.groups.push(outside);
                        let _ = write!(self.out, "(?{set}{dash}{clear}:");
                    } else if !(set.is_empty() && clear.is_empty()) {
                        let _ = write!(self.out, "(?{set}{dash}{clear})");
                    }
                    return Ok(());
                }
                c if c.is_ascii_digit() || matches!(c, 'R' | '&' | 'P' | '+') => {
                    return Err("recursion is not supported".to_owned());
                }
                _ => return Err("unrecognized character after (? or (?-".to_owned()),
            }
        }
    }

    fn named_reference(&mut self, name: &str) {
        self.backtracking = true;
        let _ = write!(self.out, "\\k<{name}>");
    }

    fn reference(&mut self, number: usize) {
        self.backtracking = true;
        // A digit that follows belongs to the text, not to the number.
        let _ = write!(self.out, "(?:\\{number})");
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some((c, _)) = self.next() else {
            return Err("\\ at end of pattern".to_owned());
        };
        match c {
            'A' | 'G' => self.out.push_str(r"\A"),
            'z' => self.out.push_str(r"\z"),
            'Z' => self.out.push_str(TEXT_END),
            'b' | 'B' if self.for_backtracking || self.unicode_classes => {
                let _ = write!(self.out, "\\{c}");
            }
            'b' | 'B' => {
                let _ = write!(self.out, "(?-u:\\{c})");
            }
            'K' => {}
            'N' => self.out.push_str(r"[^\n]"),
            'R' => {
                let _ = write!(self.out, r"(?:\r\n|[{VERTICAL}])");
            }
            'X' => self.out.push_str(r"(?:\P{M}\p{M}*)"),
            'k' => {
                let end = match self.next() {
                    Some(('<', _)) => '>',
                    Some(('{', _)) => '}',
                    Some(('\'', _)) => '\'',
                    _ => return Err("\\k is not followed by a name".to_owned()),
                };
                let name = self.until(end)?;
                self.named_reference(&name);
            }
            'g' => self.general_reference()?,
            '1'..='9' => self.numbered(c)?,
            c => match self.escaped_member(c)? {
                Member::Char(c) => self.literal(c),
                Member::Set(set) => self.out.push_str(&set),
            },
        }
        Ok(())
    }

    /// `\1`: a group when there is one or the number has one digit, else a character in octal.
    fn numbered(&mut self, first: char) -> Result<(), String> {
        let start = self.at - 1;
        let mut digits = first.to_string();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        match digits.parse::<usize>() {
            Ok(number) if number < 10 || number <= self.captures => self.reference(number),
            _ => {
                self.at = start;
                if let Member::Char(c) = self.code_point(8, 3)? {
                    self.literal(c);
                }
            }
        }
        Ok(())
    }

    fn general_reference(&mut self) -> Result<(), String> {
        let text = if self.take_if("{") {
            self.until('}')?
        } else {
            self.next().map(|(c, _)| c.to_string()).unwrap_or_default()
        };
        match text.parse::<isize>() {
            Ok(number) if number > 0 => self.reference(number.unsigned_abs()),
            Ok(number) => {
                let back = number.unsigned_abs();
                let absolute = (self.captures + 1).checked_sub(back).filter(|n| *n > 0 && back > 0);
                self.reference(absolute.ok_or("reference to non-existent subpattern")?);
            }
            Err(_) => self.named_reference(&text),
        }
        Ok(())
    }

    /// An escape that means one character or a set of them, inside and outside of classes.
    fn escaped_member(&mut self, c: char) -> Result<Member, String> {
        let set = |members: &str, negated: bool| {
            Ok(Member::Set(format!("[{}{members}]", if negated { "^" } else { "" })))
        };
        match c {
            'd' | 'w' | 's' | 'D' | 'W' | 'S' if self.unicode_classes => {
                Ok(Member::Set(format!("\\{c}")))
            }
            'd' | 'D' => set(DIGIT, c == 'D'),
            'w' | 'W' => set(WORD, c == 'W'),
            's' | 'S' => set(SPACE, c == 'S'),
            'h' | 'H' => set(HORIZONTAL, c == 'H'),
            'v' | 'V' => set(VERTICAL, c == 'V'),
            'n' => Ok(Member::Char('\n')),
            'r' => Ok(Member::Char('\r')),
            't' => Ok(Member::Char('\t')),
            'f' => Ok(Member::Char('\x0C')),
            'a' => Ok(Member::Char('\x07')),
            'e' => Ok(Member::Char('\x1B')),
            'x' => self.code_point(16, 2),
            'o' => self.code_point(8, 0),
            '0'..='7' => {
                self.at -= 1;
                self.code_point(8, 3)
            }
            'c' => {
                let control = self.next().map(|(c, _)| c.to_ascii_uppercase());
                let control = control.filter(char::is_ascii).ok_or("\\c at end of pattern")?;
                Ok(Member::Char(char::from(control as u8 ^ 0x40)))
            }
            'p' | 'P' => self.property(c),
            c if c.is_ascii_alphanumeric() => {
                Err(format!("unrecognized character follows \\: {c}"))
            }
            c => Ok(Member::Char(c)),
        }
    }

    /// A code point in braces, or in at most `digits_max` digits.
    fn code_point(&mut self, radix: u32, digits_max: usize) -> Result<Member, String> {
        let digits = if self.take_if("{") {
            self.until('}')?
        } else {
            let mut digits = String::new();
            while digits.len() < digits_max
                && let Some(c) = self.peek().filter(|c| c.is_digit(radix))
            {
                digits.push(c);
                self.at += 1;
            }
            digits
        };
        let digits = if digits.is_empty() { "0" } else { &digits };
        let point = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        Ok(Member::Char(point.ok_or("character code point value is not allowed")?))
    }

    fn property(&mut self, letter: char) -> Result<Member, String> {
        let name = if self.take_if("{") {
            self.until('}')?
        } else {
            self.next().map(|(c, _)| c.to_string()).ok_or("malformed \\p or \\P sequence")?
        };
        let (name, inverted) = name.strip_prefix('^').map_or((&*name, false), |n| (n, true));
        let name = if name == "L&" { "LC" } else { name };
        let letter = if (letter == 'P') == inverted { 'p' } else { 'P' };
        Ok(Member::Set(format!("\\{letter}{{{name}}}")))
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            if self.peek() == Some(']') && !first {
                self.at += 1;
                self.out.push(']');
                return Ok(());
            }
            first = false;
            match self.member()? {
                Member::Set(set) => self.out.push_str(&set),
                Member::Char(low) => self.range_from(low)?,
            }
        }
    }

    /// Writes `low`, or the range that it begins.
    fn range_from(&mut self, low: char) -> Result<(), String> {
        self.literal(low);
        let after = self.chars.get(self.at + 1);
        let closes = after.is_none_or(|(c, quoted)| *c == ']' && !quoted);
        if self.peek() != Some('-') || closes {
            return Ok(());
        }
        self.at += 1;
        match self.member()? {
            Member::Char(high) if high < low => {
                return Err("range out of order in character class".to_owned());
            }
            Member::Char(high) => {
                self.out.push('-');
                self.literal(high);
            }
            Member::Set(set) => {
                self.literal('-');
                self.out.push_str(&set);
            }
        }
        Ok(())
    }

    fn member(&mut self) -> Result<Member, String> {
        let Some((c, quoted)) = self.next() else {
            return Err("missing terminating ] for character class".to_owned());
        };
        match c {
            _ if quoted => Ok(Member::Char(c)),
            '[' if self.peek() == Some(':') => Ok(self.posix_class().unwrap_or(Member::Char('['))),
            '\\' => match self.next() {
                Some(('b', false)) => Ok(Member::Char('\x08')),
                Some((c, _)) => self.escaped_member(c),
                None => Err("\\ at end of pattern".to_owned()),
            },
            c => Ok(Member::Char(c)),
        }
    }

    /// `[:alpha:]` after its opening bracket.
    fn posix_class(&mut self) -> Option<Member> {
        let rest = self.chars.get(self.at + 1..)?;
        let length = rest.iter().position(|(c, _)| !(c.is_ascii_lowercase() || *c == '^'))?;
        let name: String = rest.get(..length)?.iter().map(|(c, _)| *c).collect();
        let closes = rest.get(length..length + 2)?.iter().map(|(c, _)| *c).eq([':', ']']);
        if !closes || name.is_empty() {
            return None;
        }
        self.at += length + 3;
        Some(Member::Set(format!("[:{name}:]")))
    }
}

/// Writes a character that stands for itself.
fn push_literal(out: &mut String, c: char) {
    if c.is_alphanumeric() || c == '_' || !c.is_ascii() {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
    }
}

/// Resolves `\Q...\E`, so that nothing after has to know of it.
fn unquote(source: &str) -> Vec<Char> {
    let mut chars = Vec::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\Q") {
            let (quoted, after) = after.split_once("\\E").unwrap_or((after, ""));
            chars.extend(quoted.chars().map(|c| (c, true)));
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\E") {
            rest = after;
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            chars.push(('\\', false));
            let next = escaped.chars().next();
            chars.extend(next.map(|c| (c, false)));
            rest = escaped.get(next.map_or(0, char::len_utf8)..).unwrap_or("");
        } else {
            chars.push((c, false));
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    chars
}
