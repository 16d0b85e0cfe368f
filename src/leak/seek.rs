//! Many short texts looked for at once, most bytes never looked at (Wu and Manber, 1994).

/// Bytes of a block; a window is moved by what its last block allows.
const BLOCK: usize = 4;
/// Entries of the table. It fits into the first cache.
const TABLE: usize = 1 << 15;

/// Looks for texts of at least [`Seeker::MIN`] bytes.
pub(super) struct Seeker {
    needles: Vec<Vec<u8>>,
    /// How far a window that ends with a block may be moved; 0 where a needle's first
    /// [`Seeker::MIN`] bytes may end.
    shifts: Vec<u8>,
    /// Which needles may have begun [`Seeker::MIN`] bytes before the end of a block.
    ends: Vec<Vec<usize>>,
}

impl Seeker {
    /// The length of a window, and of the shortest needle.
    pub(super) const MIN: usize = 12;

    pub(super) fn new(needles: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let needles: Vec<Vec<u8>> = needles.into_iter().collect();
        let most = u8::try_from(Self::MIN - BLOCK + 1).unwrap_or(u8::MAX);
        let (mut shifts, mut ends) = (vec![most; TABLE], vec![Vec::new(); TABLE]);
        for (number, needle) in needles.iter().enumerate() {
            assert!(needle.len() >= Self::MIN, "a needle is shorter than the window");
            for (at, block) in needle.windows(BLOCK).take(Self::MIN - BLOCK + 1).enumerate() {
                let slot = slot(block);
                let shift = u8::try_from(Self::MIN - BLOCK - at).unwrap_or(u8::MAX);
                if let Some(known) = shifts.get_mut(slot) {
                    *known = (*known).min(shift);
                }
                if shift == 0
                    && let Some(bucket) = ends.get_mut(slot)
                {
                    bucket.push(number);
                }
            }
        }
        Self { needles, shifts, ends }
    }

    /// The first needle in `text` that begins at `from` or later: where, and which.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let mut end = from + Self::MIN;
        while let Some(block) = text.get(end - BLOCK..end) {
            let slot = slot(block);
            match self.shifts.get(slot) {
                Some(0) => {
                    let start = end - Self::MIN;
                    let rest = text.get(start..).unwrap_or_default();
                    let here = self.ends.get(slot).into_iter().flatten().copied().find(|number| {
                        self.needles.get(*number).is_some_and(|needle| rest.starts_with(needle))
                    });
                    if let Some(number) = here {
                        return Some((start, number));
                    }
                    end += 1;
                }
                Some(shift) => end += usize::from(*shift),
                None => end += 1,
            }
        }
        None
    }
}

fn slot(block: &[u8]) -> usize {
    let block: [u8; BLOCK] = block.try_into().unwrap_or_default();
    let mixed = u32::from_le_bytes(block).wrapping_mul(0x9E37_79B1) >> 17;
    mixed as usize & (TABLE - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_needle_is_found_where_a_plain_search_finds_it(
            text in "[ab]{0,80}",
            needles in proptest::collection::vec("[ab]{12,14}", 1..4),
            from in 0_usize..20,
        ) {
            let seeker = Seeker::new(needles.iter().map(|needle| needle.clone().into_bytes()));
            let plain = needles
                .iter()
                .filter_map(|needle| Some(text.get(from..)?.find(needle)? + from))
                .min();
            let found = seeker.find(text.as_bytes(), from);
            prop_assert_eq!(found.map(|(at, _)| at), plain);
            if let Some((at, number)) = found {
                prop_assert!(text.as_bytes()[at..].starts_with(needles[number].as_bytes()));
            }
        }
    }
}
