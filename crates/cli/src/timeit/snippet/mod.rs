//! A snippet: code from the command line. It is written into a program, compiled, run, and reported.
//!
//! | file | what it owns |
//! |---|---|
//! | `run` | the steps from the source text to the exit code, in the measuring process |
//! | `supervisor` | the process that the user starts; it starts the measuring process |
//! | `source` | the user's code, and what its syntax says about it |
//! | `program` | the program generated around the snippet |
//! | `compiler` | `rustc`: how to find it, how to call it |
//! | `diagnostics` | compiler messages: what they are about |
//! | `excerpt` | the text of a compiler message, without the generated program |
//! | `executable` | the compiled program, and the measurements that it sends |
//! | `reports` | the lines that the program sends while it runs |
//! | `verdict` | whether the measurements mean anything |
//! | `report` | what is printed about the measurements |
//! | `child` | a child process that is killed on drop |
//! | `orphans` | processes that the code has started and left behind |
//! | `signals` | Ctrl-C and other termination signals; the end of the supervisor |
//! | `build_dir` | the temporary directory, removed on drop |

mod build_dir;
mod child;
mod compiler;
mod diagnostics;
mod excerpt;
mod executable;
mod orphans;
mod program;
mod report;
mod reports;
mod run;
mod signals;
mod source;
mod supervisor;
mod verdict;

pub(super) use run::run;
