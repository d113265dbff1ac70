//! Reads Rust text as far as `house.rs` needs it: words, signs and strings with their lines, and the paths that are named.

/// A path that the code names: `use a::{b, c}` gives `a::b` and `a::c`.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// How many inline modules stand around it.
    pub(crate) nesting: usize,
}

pub(crate) fn paths(tokens: &[(Token, usize)]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut braces: Vec<bool> = Vec::new(); // for each open brace, whether it is a module's
    let mut at = 0;
    while let Some((token, line)) = tokens.get(at) {
        let nesting = braces.iter().filter(|module| **module).count();
        match token {
            Token::Sign('{') => {
                let is_module = at >= 2 && word(tokens, at - 2) == Some("mod");
                braces.push(is_module);
                at += 1;
            }
            Token::Sign('}') => {
                braces.pop();
                at += 1;
            }
            Token::Word(word) if word == "use" && !is_sign(tokens, at + 1, '<') => {
                let mut trees = Vec::new();
                at = use_tree(tokens, at + 1, &[], &mut trees);
                found.extend(trees.into_iter().map(|(segments, line)| Named { segments, line, nesting }));
            }
            Token::Word(first) if first == "extern" && word(tokens, at + 1) == Some("crate") => {
                let name = word(tokens, at + 2).unwrap_or_default();
                found.push(Named { segments: vec!["extern crate".into(), name.into()], line: *line, nesting });
                at += 3;
            }
            Token::Word(first) => {
                let is_head = !preceded(tokens, at);
                let mut segments = vec![first.clone()];
                at += 1;
                while is_colons(tokens, at)
                    && let Some(next) = word(tokens, at + 2)
                {
                    segments.push(next.to_owned());
                    at += 3;
                }
                // A lone word is a variable, a field or a type, no path; `x::<T>` and `x::*` are.
                if is_head && (segments.len() > 1 || is_colons(tokens, at)) {
                    found.push(Named { segments, line: *line, nesting });
                }
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads one tree of a `use` from `at`, puts its whole paths into `found`, and returns where it ends.
fn use_tree(tokens: &[(Token, usize)], mut at: usize, before: &[String], found: &mut Vec<(Vec<String>, usize)>) -> usize {
    let mut segments = before.to_vec();
    loop {
        let line = tokens.get(at).map_or(0, |token| token.1);
        match tokens.get(at).map(|token| &token.0) {
            Some(Token::Sign('{')) => {
                at += 1;
                while !is_sign(tokens, at, '}') && at < tokens.len() {
                    at = use_tree(tokens, at, &segments, found);
                    at += usize::from(is_sign(tokens, at, ','));
                }
                return at + 1;
            }
            Some(Token::Sign('*')) => {
                segments.push("*".into());
                found.push((segments, line));
                return at + 1;
            }
            Some(Token::Word(segment)) => {
                segments.push(segment.clone());
                at += 1;
                if !is_colons(tokens, at) {
                    found.push((segments, line));
                    return if word(tokens, at) == Some("as") { at + 2 } else { at };
                }
                at += 2;
            }
            Some(Token::Sign(':')) if segments.is_empty() => at += 2, // `use ::kira`
            _ => return at + 1,
        }
    }
}

fn word(tokens: &[(Token, usize)], at: usize) -> Option<&str> {
    match tokens.get(at) {
        Some((Token::Word(word), _)) => Some(word),
        _ => None,
    }
}

fn is_sign(tokens: &[(Token, usize)], at: usize, sign: char) -> bool {
    tokens.get(at).is_some_and(|token| token.0 == Token::Sign(sign))
}

fn is_colons(tokens: &[(Token, usize)], at: usize) -> bool {
    is_sign(tokens, at, ':') && is_sign(tokens, at + 1, ':')
}

/// Whether the word at `at` goes on from something before it: `x::word` and `x.word` do, `return ::word` and `-> ::word` do not.
fn preceded(tokens: &[(Token, usize)], at: usize) -> bool {
    if at >= 1 && is_sign(tokens, at - 1, '.') {
        return true;
    }
    if at < 3 || !is_colons(tokens, at - 2) {
        return false;
    }
    match &tokens[at - 3].0 {
        Token::Word(word) => {
            !matches!(word.as_str(), "as" | "dyn" | "else" | "for" | "if" | "impl" | "in" | "match" | "mut" | "return" | "while")
        }
        Token::Sign('>') => at < 4 || !(is_sign(tokens, at - 4, '-') || is_sign(tokens, at - 4, '=')),
        _ => false,
    }
}

/// The line where these tokens stand in a row; a string is given with its quotes.
pub(crate) fn position(tokens: &[(Token, usize)], wanted: &[&str]) -> Option<usize> {
    let same = |(token, _): &(Token, usize), wanted: &&str| match token {
        Token::Word(word) => word == wanted,
        Token::Sign(sign) => wanted.chars().eq([*sign]),
        Token::Text(text) => wanted.strip_prefix('"').and_then(|wanted| wanted.strip_suffix('"')) == Some(text),
    };
    tokens
        .windows(wanted.len())
        .find(|window| window.iter().zip(wanted).all(|(token, wanted)| same(token, wanted)))
        .map(|window| window[0].1)
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Token {
    Word(String),
    /// A string's inside, as written.
    Text(String),
    Sign(char),
}

/// Rust's tokens as far as this needs them, each with its line; comments, numbers, characters and lifetimes are left out.
pub(crate) fn lex(source: &str) -> Vec<(Token, usize)> {
    let chars: Vec<char> = source.chars().collect();
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        let mut token = None;
        match peek(at) {
            '/' if peek(at + 1) == '/' => {
                while at < chars.len() && peek(at) != '\n' {
                    at += 1;
                }
            }
            '/' if peek(at + 1) == '*' => {
                let mut open = 0;
                loop {
                    match (peek(at), peek(at + 1)) {
                        ('/', '*') => (open, at) = (open + 1, at + 2),
                        ('*', '/') => (open, at) = (open - 1, at + 2),
                        _ => at += 1,
                    }
                    if open == 0 || at >= chars.len() {
                        break;
                    }
                }
            }
            '"' => {
                at += 1;
                while at < chars.len() && peek(at) != '"' {
                    at += if peek(at) == '\\' { 2 } else { 1 };
                }
                at = (at + 1).min(chars.len());
                token = Some(Token::Text(chars[start + 1..at.saturating_sub(1).max(start + 1)].iter().collect()));
            }
            // `'a'`, `'\n'`, `'\''` are characters, `'a` is a lifetime
            '\'' if peek(at + 1) == '\\' => {
                at += 3;
                while at < chars.len() && peek(at) != '\'' {
                    at += 1;
                }
                at += 1;
            }
            '\'' if peek(at + 2) == '\'' => at += 3,
            '\'' => {
                at += 1;
                while is_word(peek(at)) {
                    at += 1;
                }
            }
            c if is_word(c) => {
                while is_word(peek(at)) {
                    at += 1;
                }
                let word: String = chars[start..at].iter().collect();
                let mut hashes = 0;
                while peek(at + hashes) == '#' {
                    hashes += 1;
                }
                if matches!(word.as_str(), "r" | "br" | "cr") && peek(at + hashes) == '"' {
                    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                    at += hashes + 1;
                    let inside = at;
                    while at < chars.len() && !chars[at..].starts_with(&end) {
                        at += 1;
                    }
                    token = Some(Token::Text(chars[inside..at].iter().collect()));
                    at += end.len();
                } else if word == "r" && hashes == 1 {
                    at += 1; // `r#word`: the word follows by itself
                } else if !c.is_ascii_digit() {
                    token = Some(Token::Word(word));
                }
            }
            c => {
                at += 1;
                if !c.is_whitespace() {
                    token = Some(Token::Sign(c));
                }
            }
        }
        tokens.extend(token.map(|token| (token, line)));
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}
