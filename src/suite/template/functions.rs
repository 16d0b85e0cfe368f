//! The functions that templates may call. Each gives the same text for the same run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Error, ErrorKind, State};
use sha2::{Digest, Sha256};

/// The hidden name under which [`nonce`] finds what it depends on.
pub(super) const NONCE_KEY: &str = "proofhouse_nonce_key";

/// The longest text that a function makes: more than any server takes, less than any machine has.
const TEXT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longer nonces say no more.
const NONCE_CHARS_MAX: usize = 1024;

/// A function for templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// What it gives.
    pub does: &'static str,
}

/// Every function there is.
pub const FUNCTIONS: [Function; 4] = [
    Function { name: "repeat", usage: "repeat('lorem ', 100)", does: "the text that many times" },
    Function {
        name: "nonce",
        usage: "nonce(12)",
        does: "that many letters and digits, which differ between cases, attempts and seeds; a \
               second argument gives further ones: nonce(12, 'b')",
    },
    Function {
        name: "tokens",
        usage: "tokens(2000)",
        does: "that many plain English words, each about one token",
    },
    Function {
        name: "pixel",
        usage: "pixel()",
        does: "a PNG of one red pixel as a data URI; pixel(64) has 64 by 64 of them",
    },
];

pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_function("repeat", repeat);
    environment.add_function("nonce", nonce);
    environment.add_function("tokens", tokens);
    environment.add_function("pixel", pixel);
}

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, "the text would be longer than 64 MiB")
}

fn repeat(text: &str, times: usize) -> Result<String, Error> {
    let length = text.len().checked_mul(times).filter(|length| *length <= TEXT_BYTES_MAX);
    length.map(|_| text.repeat(times)).ok_or_else(too_long)
}

fn nonce(state: &State<'_, '_>, length: usize, which: Option<String>) -> Result<String, Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789"; // no l, o, 0, 1: they are misread
    if length > NONCE_CHARS_MAX {
        return Err(Error::new(ErrorKind::InvalidOperation, "a nonce has at most 1024 characters"));
    }
    let key = state.lookup(NONCE_KEY).map(|key| key.to_string()).unwrap_or_default();
    let which = which.unwrap_or_default();
    let mut out = String::with_capacity(length);
    for block in 0_u32.. {
        if out.len() >= length {
            break;
        }
        let digest = Sha256::digest(format!("{key}\n{which}\n{block}"));
        let letters = digest.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
        out.extend(letters.take(length - out.len()).map(|letter| char::from(*letter)));
    }
    Ok(out)
}

fn tokens(count: usize) -> Result<String, Error> {
    // Common short words are one token, with their space, in every byte-pair vocabulary looked at.
    const WORDS: [&str; 24] = [
        "the", "of", "and", "to", "in", "is", "that", "for", "it", "was", "on", "with", "as", "by",
        "at", "from", "this", "have", "or", "one", "had", "not", "but", "what",
    ];
    if count > TEXT_BYTES_MAX / 5 {
        return Err(too_long());
    }
    let mut out = String::with_capacity(count * 4);
    for word in WORDS.iter().cycle().take(count) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Ok(out)
}

/// A red square as a PNG with stored (uncompressed) rows, so that no image library is needed.
fn pixel(side: Option<u16>) -> Result<String, Error> {
    let side = side.unwrap_or(1);
    if side == 0 || side > 1024 {
        return Err(Error::new(ErrorKind::InvalidOperation, "a side has 1 to 1024 pixels"));
    }
    let mut row = vec![0];
    row.extend([255, 0, 0].repeat(usize::from(side)));
    let raw = row.repeat(usize::from(side));

    let mut zlib = vec![0x78, 0x01];
    let mut blocks = raw.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        zlib.push(u8::from(blocks.peek().is_none()));
        zlib.extend(length.to_le_bytes());
        zlib.extend((!length).to_le_bytes());
        zlib.extend(block);
    }
    zlib.extend(adler32(&raw).to_be_bytes());

    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = u32::from(side).to_be_bytes().repeat(2);
    header.extend([8, 2, 0, 0, 0]); // eight bits, RGB, no interlace
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &zlib);
    chunk(&mut png, *b"IEND", &[]);
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let checked = [kind.as_slice(), data].concat();
    png.extend(&checked);
    png.extend(crc32(&checked).to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_pixel_is_a_whole_png() {
        let uri = pixel(None).unwrap();
        let png = STANDARD.decode(uri.trim_start_matches("data:image/png;base64,")).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        // The end chunk of every PNG, checksum included.
        assert!(png.ends_with(b"\0\0\0\0IEND\xaeB`\x82"));
        assert!(pixel(Some(1024)).is_ok());
        assert!(pixel(Some(0)).is_err());
    }
}
