//! The arguments of `horsepower tour`.

use super::section::Section;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Run only this section [default: all sections]
    #[arg(value_enum)]
    pub(super) section: Option<Section>,

    /// List the sections without running them
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
    fn one_section_the_list_or_all() {
        let all = options("").unwrap();
        assert_eq!((all.section, all.list), (None, false));
        assert_eq!(options("pools").unwrap().section, Some(Section::Pools));
        assert!(options("--list").unwrap().list);
    }

    #[test]
    fn invalid_values_are_misuse() {
        for line in ["fibers", "pools threads", "--list pools", "Pools", "--nonsense"] {
            let error = options(line).expect_err(line);
            assert_eq!(error.exit_code(), i32::from(crate::exit::MISUSE), "{line}");
        }
    }

    #[test]
    fn a_typo_is_answered_with_a_suggestion() {
        let error = options("proceses").unwrap_err().to_string();
        assert!(error.contains("a similar value exists: 'processes'"), "{error}");
        assert!(error.contains("info, timeit, sequential"), "{error}");
    }
}
