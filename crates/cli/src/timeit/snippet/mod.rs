//! A snippet: code from the command line. It is written into a program, compiled, run, and reported.
//!
//! | file | what it owns |
//! |---|---|
//! | `run` | the steps from the source text to the exit code, in the measuring process |
//! | `supervisor` | the process that the user starts; it starts the measuring process |
//! | `program` | the program generated around the snippet |
//! | `compiler` | `rustc`: how to find it, how to call it |
//! | `diagnostics` | compiler messages with the line numbers of the snippet |
//! | `executable` | the compiled program, and the measurements that it sends |
//! | `report` | what is printed about the measurements |
//! | `child` | a child process that is killed on drop |
//! | `orphans` | processes that the code has started and left behind |
//! | `signals` | Ctrl-C and other termination signals; the end of the supervisor |
//! | `build_dir` | the temporary directory, removed on drop |

mod build_dir;
mod child;
mod compiler;
mod diagnostics;
mod executable;
mod orphans;
mod program;
mod report;
mod run;
mod signals;
mod supervisor;

pub(super) use run::run;
