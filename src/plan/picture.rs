//! Pictures of a wanted size, each with a colour of its own.
//!
//! What a picture costs a server is decided by its size in pixels, so one colour will do; and it
//! must not cost us anything: a palette of one colour and rows of zeros, which are packed once.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A picture but for its colour.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    header: [u8; 13],
    rows: Arc<[u8]>,
}

impl Picture {
    /// A picture of `width` by `height` pixels.
    pub(super) fn new(width: u32, height: u32) -> Self {
        let mut header = [0; 13];
        for (slot, byte) in
            header.iter_mut().zip(width.to_be_bytes().into_iter().chain(height.to_be_bytes()))
        {
            *slot = byte;
        }
        // One bit each, by palette; the usual compression, no filter, not interlaced.
        for (slot, byte) in header.iter_mut().skip(8).zip([1, 3]) {
            *slot = byte;
        }
        let row = 1 + width.div_ceil(8) as usize;
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0; row];
        for _ in 0..height {
            packer.write_all(&zeros).expect("memory takes every byte");
        }
        let rows = packer.finish().expect("memory takes every byte").into();
        Self { header, rows }
    }

    /// The picture in a colour, as a data URI.
    pub(super) fn uri(&self, colour: [u8; 3]) -> String {
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        chunk(&mut png, *b"IHDR", &self.header);
        chunk(&mut png, *b"PLTE", &colour);
        chunk(&mut png, *b"IDAT", &self.rows);
        chunk(&mut png, *b"IEND", &[]);
        let mut uri = "data:image/png;base64,".to_owned();
        let _ = write!(uri, "{}", base64::display::Base64Display::new(&png, &STANDARD));
        uri
    }
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let mut check = flate2::Crc::new();
    check.update(&kind);
    check.update(data);
    png.extend(kind);
    png.extend(data);
    png.extend(check.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use base64::Engine as _;

    use super::*;

    #[test]
    fn a_picture_has_the_size_it_should_and_is_small() {
        let picture = Picture::new(1_000, 600);
        let uri = picture.uri([1, 2, 3]);
        let png = STANDARD.decode(uri.trim_start_matches("data:image/png;base64,")).unwrap();
        assert_eq!(
            (&png[16..20], &png[20..24]),
            (&1_000_u32.to_be_bytes()[..], &600_u32.to_be_bytes()[..])
        );
        assert!(png.len() < 1_000 && png.ends_with(b"\0\0\0\0IEND\xaeB`\x82"), "{}", png.len());
        let mut rows = Vec::new();
        flate2::read::ZlibDecoder::new(&*picture.rows).read_to_end(&mut rows).unwrap();
        assert_eq!(rows.len(), 600 * (1 + 125));
        assert_ne!(uri, picture.uri([1, 2, 4]));
    }
}
