//! The arguments of `horsepower tour`.

use super::section::Section;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Run this section only
    #[arg(value_enum)]
    pub(super) section: Option<Section>,

    /// List the sections and run none
    #[arg(short, long, conflicts_with = "section")]
    pub(super) list: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(line: &str) -> Result<Options, clap::Error> {
        let words = ["tour"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.options)
    }

    #[test]
    fn a_section_the_list_or_everything() {
        let everything = options("").unwrap();
        assert_eq!((everything.section, everything.list), (None, false));
        assert_eq!(options("pools").unwrap().section, Some(Section::Pools));
        assert!(options("--list").unwrap().list);
    }

    #[test]
    fn nonsense_is_misuse() {
        for line in ["fibers", "pools threads", "--list pools", "Pools", "--nonsense"] {
            let error = options(line).expect_err(line);
            assert_eq!(error.exit_code(), i32::from(crate::exit::MISUSE), "{line}");
        }
    }

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        let error = options("proceses").unwrap_err().to_string();
        assert!(error.contains("a similar value exists: 'processes'"), "{error}");
        assert!(error.contains("info, timeit, sequential"), "{error}");
    }
}
