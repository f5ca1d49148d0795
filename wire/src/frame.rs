//! Framing: one JSON value on a line, then raw blobs back to back.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// What is wrong with a framed body.
#[derive(Debug, Error)]
pub enum FrameError {
    /// No line end after the head.
    #[error("the body has no head line")]
    NoHead,
    /// The head is not JSON of the expected form.
    #[error("the body's head is not readable")]
    Head(#[source] serde_json::Error),
    /// The lengths in the head do not add up to the bytes that follow.
    #[error("the head announces {announced} bytes, {present} follow")]
    Length {
        /// Sum of the announced lengths.
        announced: u64,
        /// Bytes after the head.
        present: u64,
    },
}

/// A body of `head` and `blobs`. The caller has written the blobs' lengths into the head.
pub fn join<'a>(
    head: &impl Serialize,
    blobs: impl Iterator<Item = &'a [u8]> + Clone,
) -> Result<Vec<u8>, FrameError> {
    let mut body = serde_json::to_vec(head).map_err(FrameError::Head)?;
    body.reserve_exact(1 + blobs.clone().map(<[u8]>::len).sum::<usize>());
    body.push(b'\n');
    blobs.for_each(|blob| body.extend_from_slice(blob));
    Ok(body)
}

/// Splits a body; `lengths` reads the blobs' lengths from the head.
pub fn split<H: DeserializeOwned>(
    body: &[u8],
    lengths: impl FnOnce(&H) -> Vec<u64>,
) -> Result<(H, Vec<&[u8]>), FrameError> {
    let end = body.iter().position(|b| *b == b'\n').ok_or(FrameError::NoHead)?;
    let head: H = serde_json::from_slice(&body[..end]).map_err(FrameError::Head)?;
    let mut rest = &body[end + 1..];
    let lengths = lengths(&head);
    let announced = lengths.iter().fold(0u64, |sum, n| sum.saturating_add(*n));
    if announced != rest.len() as u64 {
        return Err(FrameError::Length { announced, present: rest.len() as u64 });
    }
    let blobs = lengths
        .into_iter()
        .map(|n| {
            let (blob, after) = rest.split_at(n as usize);
            rest = after;
            blob
        })
        .collect();
    Ok((head, blobs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_come_back_as_they_went_in() {
        let blobs: [&[u8]; 3] = [b"one\n", b"", b"\xff\x00"];
        let body = join(&vec![4u64, 0, 2], blobs.iter().copied()).unwrap();
        let (_, back) = split::<Vec<u64>>(&body, Vec::clone).unwrap();
        assert_eq!(back, blobs);
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        assert!(matches!(
            split::<Vec<u64>>(b"[3]\nab", Vec::clone),
            Err(FrameError::Length { announced: 3, present: 2 })
        ));
        assert!(matches!(
            split::<Vec<u64>>(b"[18446744073709551615,2]\nab", Vec::clone),
            Err(FrameError::Length { .. })
        ));
        assert!(matches!(split::<Vec<u64>>(b"[1]", Vec::clone), Err(FrameError::NoHead)));
    }
}
