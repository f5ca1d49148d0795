//! zstd as it arrives, a part at a time.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, Operation};

/// Unpacks a stream of frames, and knows whether the last of them was whole: one that was cut short looks no different until
/// somebody misses its end.
pub(crate) struct Unpacker {
    decoder: Decoder<'static>,
    buffer: Vec<u8>,
    whole: bool,
}

impl Unpacker {
    /// Frames that ask for a larger window than this power of two are refused.
    pub(crate) fn new(max_window_log: u32) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(max_window_log))?;
        Ok(Self { decoder, buffer: vec![0; 128 << 10], whole: false })
    }

    /// Unpacks one part onto the end of `plain`.
    pub(crate) fn push(&mut self, mut packed: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        loop {
            if self.whole && packed.is_empty() {
                return Ok(());
            }
            if self.whole {
                self.decoder.reinit()?;
            }
            let step = self.decoder.run_on_buffers(packed, &mut self.buffer)?;
            packed = &packed[step.bytes_read..];
            plain.extend_from_slice(&self.buffer[..step.bytes_written]);
            self.whole = step.remaining == 0;
            // With a full buffer, the decoder may hold more than it could hand out.
            if packed.is_empty() && step.bytes_written < self.buffer.len() {
                return Ok(());
            }
        }
    }

    /// Whether what was pushed ends where a frame ends.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(packed: &[u8], part: usize) -> (Vec<u8>, bool) {
        let (mut unpacker, mut plain) = (Unpacker::new(23).unwrap(), Vec::new());
        packed.chunks(part).for_each(|part| unpacker.push(part, &mut plain).unwrap());
        (plain, unpacker.is_whole())
    }

    #[test]
    fn frames_of_any_size_come_back_in_parts_of_any_size() {
        for size in [0, 1, 1000, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 1 << 20] {
            let content: Vec<u8> = (0..size as u32).map(|n| (n.wrapping_mul(n) >> 9) as u8).collect();
            let frame = zstd::bulk::compress(&content, 3).unwrap();
            for part in [1, 7, 1024, 1 << 20] {
                assert!(unpacked(&frame, part) == (content.clone(), true), "{size} in parts of {part}");
            }
            let two = [frame.as_slice(), &frame].concat();
            assert!(unpacked(&two, 1024) == ([content.as_slice(), &content].concat(), true), "{size} twice");
        }
    }

    #[test]
    fn a_frame_that_was_cut_short_is_not_whole() {
        let frame = zstd::bulk::compress(&vec![7; 300_000], 3).unwrap();
        for length in 0..frame.len() {
            assert!(!unpacked(&frame[..length], 1024).1, "{length} of {} bytes", frame.len());
        }
        assert!(!unpacked(&[frame.as_slice(), &frame[..9]].concat(), 1024).1, "a second one that was cut");
    }
}
