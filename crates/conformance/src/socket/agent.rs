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
    /// While this file is there, the agent begins no further item.
    stop: PathBuf,
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
                    return Ok(Agent { stop: stop_file(path), process, stream });
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

impl Agent {
    /// From now on the agent begins no further item of its request; or it may again.
    pub(super) fn set_stopped(&self, stopped: bool) {
        // If there is no room for the file, the rest is handed back a little later.
        let _ = match stopped {
            true => std::fs::write(&self.stop, ""),
            false => std::fs::remove_file(&self.stop),
        };
    }
}

fn stop_file(socket: &Path) -> PathBuf {
    socket.with_extension("stop")
}

/// All that the other process does.
///
/// # Panics
/// If its caller sends what this program does not understand.
fn serve(path: PathBuf) {
    let stop = stop_file(&path);
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
                .all(|sent| sent && started.elapsed() < PATIENCE && !stop.exists());
        } else {
            answer(&request.payload);
        }
        if Answer::End.write(&mut output).is_err() {
            return;
        }
    }
}
