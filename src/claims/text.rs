//! [`Text`]: a string of the payload, by its position.

use std::num::NonZeroU32;
use std::ops::Range;

/// A payload of this many bytes or more is refused: positions in it, and in what is unescaped behind it,
/// have to fit 32 bits.
pub(super) const TOO_LONG: usize = 1 << 31;

/// A string value of a payload, as a position in the buffer that holds the payload and, behind it, the
/// strings that had escapes.
///
/// A value never stands at the very start, where the object's brace is, so its end is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    start: u32,
    end: NonZeroU32,
}

impl Text {
    /// `None` if the position does not fit, which the bound of the payload's length keeps from happening.
    pub(super) fn at(start: usize, len: usize) -> Option<Self> {
        let end = start.checked_add(len).and_then(|end| u32::try_from(end).ok())?;
        Some(Self { start: u32::try_from(start).ok()?, end: NonZeroU32::new(end)? })
    }

    /// Where it is in what stands behind the first `before` bytes; `None` if it is among those.
    pub(super) fn within(self, before: usize) -> Option<Range<usize>> {
        let start = (self.start as usize).checked_sub(before)?;
        Some(start..(self.end.get() as usize).checked_sub(before)?)
    }

    /// The string; `buffer` is the one that the position is in.
    #[inline]
    pub(super) fn get(self, buffer: &str) -> &str {
        buffer.get(self.start as usize..self.end.get() as usize).unwrap_or_default()
    }
}

/// How a claim that may be a string or an array of strings was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListShape {
    Lone,
    Array,
}

/// Strings, of which the first few need no list of their own.
#[derive(Clone)]
pub(crate) struct TextList<const FEW: usize> {
    few: [Option<Text>; FEW],
    /// Behind a pointer of its own: claims are moved more often than lists are long.
    #[allow(clippy::box_collection, reason = "a pointer is a third of it")]
    more: Option<Box<Vec<Text>>>,
    count: u32,
    /// Of what was noted last; `None` if there was no such claim.
    pub(super) shape: Option<ListShape>,
}

impl<const FEW: usize> TextList<FEW> {
    pub(super) fn push(&mut self, text: Text) {
        let count = self.len();
        match self.few.get_mut(count) {
            Some(place) => *place = Some(text),
            None => self.more.get_or_insert_default().push(text),
        }
        self.count += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    pub(super) fn get(&self, index: usize) -> Option<Text> {
        match self.few.get(index) {
            Some(text) => *text,
            None => self.more.as_ref()?.get(index - FEW).copied(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Text> + Clone {
        self.few.iter().flatten().chain(self.more.as_deref().into_iter().flatten()).copied()
    }
}

impl<const FEW: usize> Default for TextList<FEW> {
    fn default() -> Self {
        Self { few: [None; FEW], more: None, count: 0, shape: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_that_does_not_fit_is_none_and_no_other_string() {
        assert_eq!(size_of::<Option<Text>>(), 8);
        assert_eq!(Text::at(1, 3).unwrap().get("abcdef"), "bcd");
        assert_eq!(Text::at(2, 0).unwrap().get("abcdef"), "");
        for (start, len) in
            [(0, 0), (usize::MAX, 1), (1 << 32, 1), ((1 << 32) - 1, 1), (5, 1 << 32)]
        {
            assert_eq!(Text::at(start, len), None, "{start} {len}");
        }
        // what is unescaped is never longer than it was, so twice the payload always fits
        assert!(Text::at(TOO_LONG - 1, TOO_LONG - 1).is_some());
        // not at the start or end of a character, or behind the end: nothing rather than a panic
        assert_eq!(Text::at(1, 1).unwrap().get("ä"), "");
        assert_eq!(Text::at(4, 4).unwrap().get("abcdef"), "");
    }

    #[test]
    fn a_list_keeps_its_order_when_it_outgrows_its_place() {
        let mut list = TextList::<2>::default();
        for start in 1..6 {
            list.push(Text::at(start, 1).unwrap());
            assert_eq!(list.len(), start);
        }
        let all: Vec<_> = list.iter().map(|text| text.get("xabcde")).collect();
        assert_eq!(all, ["a", "b", "c", "d", "e"]);
        let by_index: Vec<_> = (0..6).map_while(|n| list.get(n)).collect();
        assert_eq!(by_index, list.iter().collect::<Vec<_>>());
    }
}
