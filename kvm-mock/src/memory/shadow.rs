//! [`Shadow`]: what a slot's memory was when it was last looked at.

use std::collections::BTreeMap;

use super::PIECE;

/// The bytes of a piece.
pub(super) type Piece = [u8; PIECE];

const ZERO: Piece = [0; PIECE];

/// As many bytes as the slot has, zero at first. Only pieces that were ever anything else take memory, as a slot may be
/// much larger than what the guest uses of it.
#[derive(Debug)]
pub(super) struct Shadow {
    len: usize,
    pieces: BTreeMap<usize, Box<Piece>>,
}

impl Shadow {
    pub(super) fn new(len: usize) -> Self {
        Self {
            len,
            pieces: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The piece that begins at `offset`. Behind the end of the slot it is zero.
    pub(super) fn piece(&self, offset: usize) -> &Piece {
        self.pieces.get(&offset).map_or(&ZERO, |piece| piece)
    }

    /// The same to be changed, if all of it is in the slot.
    pub(super) fn whole_piece(&mut self, offset: usize) -> Option<&mut Piece> {
        let inside = offset.checked_add(PIECE)? <= self.len;
        inside.then(|| self.piece_mut(offset))
    }

    fn piece_mut(&mut self, offset: usize) -> &mut Piece {
        self.pieces.entry(offset).or_insert_with(|| Box::new(ZERO))
    }

    /// Whether so many bytes from an offset on are in the slot.
    pub(super) fn holds(&self, offset: usize, len: usize) -> bool {
        offset.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// Takes over bytes that the slot [`holds`](Self::holds).
    pub(super) fn write(&mut self, mut offset: usize, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at = offset % PIECE;
            let (now, rest) = bytes.split_at(bytes.len().min(PIECE - at));
            let zero = now.iter().all(|byte| *byte == 0);
            if !zero || self.pieces.contains_key(&(offset - at)) {
                let piece = self.piece_mut(offset - at);
                if let Some(to) = piece.get_mut(at..at + now.len()) {
                    to.copy_from_slice(now);
                }
            }
            offset += now.len();
            bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_there_and_little_else() {
        let mut shadow = Shadow::new(1 << 60);
        let end = (1 << 60) - PIECE;
        assert!(shadow.holds(end + 1, PIECE - 1) && !shadow.holds(end + 1, PIECE));
        assert!(!shadow.holds(usize::MAX, 2));
        assert_eq!((shadow.piece(0), shadow.piece(end)), (&ZERO, &ZERO));

        shadow.write(end - 2, &[1, 2, 3]);
        assert_eq!(shadow.piece(end - PIECE)[PIECE - 3..], [0, 1, 2]);
        assert_eq!(shadow.piece(end)[..2], [3, 0]);
        assert_eq!(shadow.whole_piece(end).map(|piece| piece[0]), Some(3));
        assert_eq!(shadow.whole_piece(end + 1), None);
        assert_eq!(shadow.whole_piece(usize::MAX), None);
        shadow.write(PIECE, &ZERO);
        assert_eq!(shadow.pieces.len(), 2);
        shadow.write(end, &[0]);
        assert_eq!(shadow.piece(end), &ZERO);
    }
}
