//! [`Source`]: the user's setup and statement, and what their syntax says about them.
//!
//! A temporary value of the last expression lives until the end of the block since edition 2024, and
//! what borrows from it cannot leave the block. So the program must not put a block around that
//! expression, and [`Source::forms`] tells where it begins. A text that `syn` cannot parse, such as one
//! with a mistake or with newer syntax, is left to the compiler.

use std::ops::Range;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, MacroDelimiter, Stmt};

/// The user's code.
pub(super) struct Source {
    pub(super) setup: String,
    pub(super) statement: String,
}

/// How the program contains the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a block.
    Block,
    /// As a block, but for the expression from this byte on, whose value is used before the block ends.
    /// At 0 there is no block.
    Value(usize),
}

impl Source {
    /// The forms that the statement may have, the likeliest first. There is more than one where only the
    /// compiler can tell.
    pub(super) fn forms(&self) -> Vec<Form> {
        let code = &*self.statement;
        let Ok(statements) = Block::parse_within.parse_str(code) else {
            return vec![Form::Block, Form::Value(0)];
        };
        let Some(last) = statements.last() else { return vec![Form::Block] };
        let begin = last.span().byte_range().start;
        let start = if statements.len() == 1 { 0 } else { begin };
        let value = match last {
            // The compiler takes attributes, such as comments of documentation, only before statements.
            _ if code[begin..].starts_with(['#', '/']) => vec![Form::Block],
            Stmt::Expr(_, None) => vec![Form::Value(start)],
            // With braces, a macro may also expand to statements.
            Stmt::Macro(last) if last.semi_token.is_none() => match last.mac.delimiter {
                MacroDelimiter::Brace(_) => vec![Form::Block, Form::Value(start)],
                _ => vec![Form::Value(start)],
            },
            _ => vec![Form::Block],
        };
        // `if a { 1 } else { 2 } + 3` is one expression, but two statements.
        let whole = (statements.len() > 1 && syn::parse_str::<Expr>(code).is_ok())
            .then_some(Form::Value(0));
        value.into_iter().chain(whole).collect()
    }

    /// What the code leaves although there is nothing to leave: `return` and `.await` outside a function
    /// of the user. The compiler would speak of the generated function instead.
    pub(super) fn misplaced(&self) -> Option<Misplaced<'_>> {
        let texts = [("<setup>", &self.setup), ("<statement>", &self.statement)];
        texts.into_iter().find_map(|(file, text)| {
            let mut finder = Finder::default();
            for statement in Block::parse_within.parse_str(text).ok()? {
                finder.visit_stmt(&statement);
            }
            let (keyword, place) = finder.found?;
            Some(Misplaced { keyword, place, file, text })
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Return,
    Await,
}

/// A keyword outside the function or block that it belongs to.
pub(super) struct Misplaced<'a> {
    keyword: Keyword,
    place: Range<usize>,
    file: &'static str,
    text: &'a str,
}

impl std::fmt::Display for Misplaced<'_> {
    /// Writes a message like those of the compiler.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, help) = match self.keyword {
            Keyword::Return => (
                "`return` outside a function",
                "write a function in the setup, and call it: --setup 'fn f() { … }' 'f()'",
            ),
            Keyword::Await => (
                "`.await` outside async code",
                "`block_on(async { … })` runs a future to its end; an async runtime is not available",
            ),
        };
        let before = &self.text[..self.place.start];
        let number = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let column = self.text[line_start..self.place.start].chars().count();
        let (gap, marks) = (" ".repeat(column), "^".repeat(self.place.len()));
        let margin = " ".repeat(number.to_string().len());
        writeln!(f, "error: {what}")?;
        writeln!(f, "{margin}--> {}:{number}:{}", self.file, column + 1)?;
        writeln!(f, "{margin} |\n{number} | {line}\n{margin} | {gap}{marks}")?;
        write!(f, "{margin} |\n{margin} = help: {help}")
    }
}

/// Finds the first misplaced keyword. Does not look into items, closures and async blocks, whose
/// keywords are in place.
#[derive(Default)]
struct Finder {
    found: Option<(Keyword, Range<usize>)>,
}

impl Finder {
    fn find(&mut self, keyword: Keyword, place: Range<usize>) {
        self.found.get_or_insert((keyword, place));
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_expr_return(&mut self, expression: &'ast syn::ExprReturn) {
        self.find(Keyword::Return, expression.return_token.span.byte_range());
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        visit::visit_expr_await(self, expression);
        self.find(Keyword::Await, expression.await_token.span.byte_range());
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}

    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}

    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(statement: &str) -> Source {
        Source { setup: String::new(), statement: statement.to_owned() }
    }

    #[test]
    fn the_last_expression_stands_outside_the_block() {
        for (code, expected) in [
            ("", &[Form::Block][..]),
            ("// nothing", &[Form::Block]),
            ("a", &[Form::Value(0)]),
            ("  a // note", &[Form::Value(0)]),
            ("// note\na", &[Form::Value(0)]),
            ("#[cold] a", &[Form::Block]),
            ("a;", &[Form::Block]),
            ("let a = 1;", &[Form::Block]),
            ("fn f() {}", &[Form::Block]),
            ("let a = 1; a", &[Form::Value(11)]),
            ("let ä = 1;\r\nä.max(2)", &[Form::Value(13)]),
            ("fn f() {} f()", &[Form::Value(10)]),
            ("a; print!()", &[Form::Value(3)]),
            ("a; print!{}", &[Form::Block, Form::Value(3)]),
            ("a; print!();", &[Form::Block]),
            ("a; #[cold] b", &[Form::Block]),
            ("{ 1 } + 3", &[Form::Block, Form::Value(0)]),
            ("if a { 1 } else { 2 } - 3", &[Form::Value(22), Form::Value(0)]),
            ("for _ in a {} b", &[Form::Value(14)]),
            ("let a = 1", &[Form::Block, Form::Value(0)]),
            ("(", &[Form::Block, Form::Value(0)]),
        ] {
            assert_eq!(source(code).forms(), expected, "{code}");
        }
    }

    #[test]
    fn keywords_are_misplaced_outside_functions_and_async_blocks() {
        let found = |code| source(code).misplaced().map(|found| (found.keyword, found.place));
        assert_eq!(found("return"), Some((Keyword::Return, 0..6)));
        assert_eq!(found("if a { return 1; }"), Some((Keyword::Return, 7..13)));
        assert_eq!(found("f(g().await)"), Some((Keyword::Await, 6..11)));
        for fine in
            ["|| return", "fn f() { return }", "async { f().await }", "async fn g() { f().await }"]
        {
            assert_eq!(found(fine), None, "{fine}");
        }
    }

    #[test]
    fn a_misplaced_keyword_is_shown_in_its_line() {
        let text = source("let é = 1;\né; return").misplaced().unwrap().to_string();
        assert!(text.starts_with(
            "error: `return` outside a function\n --> <statement>:2:4\n  |\n2 | é; return\n  |    ^^^^^^\n"
        ), "{text}");
    }
}
