//! The other process: it runs what comes through the socket.

use super::frame::{Answer, Request};
use horsepower::backend::{EntryPoint, arguments};
use horsepower::{Error, Process};
use std::io::{BufReader, BufWriter};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long an agent goes on with the items of one request before it hands the rest back, so that slow
/// items are shared.
const PATIENCE: Duration = Duration::from_millis(5);

/// Another process of this program, and the socket that leads to it.
pub(super) struct Agent {
    pub(super) process: Process<()>,
    pub(super) stream: UnixStream,
}

impl Agent {
    /// Starts one. `path` is free for its socket.
    ///
    /// # Errors
    /// If there is no process or no socket, or the process ends before it has come to the socket.
    pub(super) fn start(name: &str, path: &Path) -> Result<Agent, Error> {
        let system = |source| Error::system("make a socket", source);
        // Of an agent that has died.
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path).map_err(system)?;
        listener.set_nonblocking(true).map_err(system)?;
        let process = Process::builder().name(name).spawn(serve, path.to_owned())?;
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).map_err(system)?;
                    return Ok(Agent { process, stream });
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(system(error)),
            }
            if !process.is_alive() {
                process.join()?;
                return Err(Error::invalid("the agent ended before it came to its socket"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// All that the other process does.
///
/// # Panics
/// If its caller sends what this program does not understand.
fn serve(path: PathBuf) {
    let stream = UnixStream::connect(path).expect("the caller listens");
    let mut input = BufReader::new(stream.try_clone().expect("a descriptor"));
    let mut output = BufWriter::new(stream);
    // Until the caller closes the socket.
    while let Ok(request) = Request::read(&mut input) {
        let entry = EntryPoint::decode(&request.entry).expect("the same build");
        let started = Instant::now();
        let mut answer = |argument: &[u8]| {
            let call = Instant::now();
            let record = entry.call(argument);
            let nanos = u64::try_from(call.elapsed().as_nanos()).unwrap_or(u64::MAX);
            Answer::Item { nanos, record }.write(&mut output).is_ok()
        };
        if request.framed {
            let _ = arguments(&request.payload)
                .map(&mut answer)
                .all(|sent| sent && started.elapsed() < PATIENCE);
        } else {
            answer(&request.payload);
        }
        if Answer::End.write(&mut output).is_err() {
            return;
        }
    }
}
