//! What a guest writes to standard output and error: kept in small part, for its panic message.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::limits::Limit;

/// Of what is written, the last part is kept: a panic is the last thing that a guest says.
const KEPT: usize = 8 << 10;
/// Taken at a time.
const CHUNK: usize = 64 << 10;

/// Collects the output of one call.
#[derive(Debug, Clone)]
pub(super) struct Output {
    shared: Arc<Mutex<Written>>,
}

#[derive(Debug)]
struct Written {
    tail: Vec<u8>,
    total: u64,
    limit: u64,
}

impl Output {
    pub(super) fn new(limit: u64) -> Self {
        Self { shared: Arc::new(Mutex::new(Written { tail: Vec::new(), total: 0, limit })) }
    }

    /// The last that was written.
    pub(super) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.written().tail).into_owned()
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        self.total = self.total.saturating_add(bytes.len() as u64);
        if self.total > self.limit {
            return Err(Limit::Output(self.limit));
        }
        self.tail.extend_from_slice(bytes);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
        Ok(())
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.written().take(&bytes).map_err(|limit| StreamError::Trap(limit.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.written().take(bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
