//! Compressed files, told by their first bytes.

use std::io::{self, BufRead, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Reads through `stream`, decompressing it if it is gzip or zstd.
pub fn unpack<'a>(mut stream: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut front = Vec::new();
    (&mut stream).take(4).read_to_end(&mut front)?;
    let (gzip, zstd) = (front.starts_with(&GZIP), front == ZSTD);
    let whole = Cursor::new(front).chain(stream);
    Ok(if gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else if zstd {
        Box::new(Frames { source: whole, decoder: FrameDecoder::new(), is_open: false })
    } else {
        Box::new(whole)
    })
}

/// The frames of a zstd file, one after the other.
struct Frames<R: BufRead> {
    source: R,
    decoder: FrameDecoder,
    /// Whether a frame is under way.
    is_open: bool,
}

impl<R: BufRead> Frames<R> {
    /// Opens the next frame that holds something; whether there is one.
    fn open(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_open && !self.open()? {
                return Ok(0);
            }
            self.is_open = true;
            let wanted = space.len().saturating_sub(self.decoder.can_collect());
            if wanted > 0 && !self.decoder.is_finished() {
                let strategy = BlockDecodingStrategy::UptoBytes(wanted);
                self.decoder.decode_blocks(&mut self.source, strategy).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(space)?;
            if read > 0 || space.is_empty() {
                return Ok(read);
            }
            self.is_open = !self.decoder.is_finished();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        unpack(bytes).unwrap().read_to_end(&mut out).unwrap();
        out
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(bytes, level)
    }

    #[test]
    fn compressed_files_are_told_by_their_first_bytes_and_may_have_several_parts() {
        let long = b"one line of a log\n".repeat(100_000);
        for packed in [gzip(&long), zstd(&long), long.clone()] {
            assert!(unpacked(&packed) == long);
        }
        for pack in [gzip, zstd] {
            assert_eq!(unpacked(&[pack(b"one, "), pack(b""), pack(b"two")].concat()), b"one, two");
        }
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], &*zstd(b"x")].concat();
        assert_eq!(unpacked(&[zstd(b"y"), skippable].concat()), b"yx");
        assert_eq!(unpacked(b""), b"");
        assert_eq!(unpacked(b"\x28"), b"\x28");
    }

    #[test]
    fn a_cut_file_is_an_error() {
        for packed in [gzip(&[7; 9000]), zstd(&b"abcdefgh".repeat(9000))] {
            let cut = &packed[..packed.len() - 9];
            assert!(unpack(cut).unwrap().read_to_end(&mut Vec::new()).is_err());
        }
    }
}
