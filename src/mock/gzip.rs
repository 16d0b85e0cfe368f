//! gzip without compression: enough to hold a stream back the way a compressing proxy does.

/// The longest stored block of DEFLATE.
const BLOCK_BYTES_MAX: usize = 65_535;

/// `bytes` as one gzip member of stored blocks (RFC 1951 3.2.4, RFC 1952).
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(BLOCK_BYTES_MAX).peekable();
    if blocks.peek().is_none() {
        out.extend([1, 0, 0, 255, 255]);
    }
    while let Some(block) = blocks.next() {
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "ISIZE is the length modulo 2^32")]
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_member_holds_its_bytes_after_the_block_head() {
        let member = stored(b"abc");

        assert_eq!(&member[10..18], [1, 3, 0, 252, 255, b'a', b'b', b'c']);
        assert_eq!(member.len(), 26);
    }
}
