//! Room for large answers that is given back when they are gone.

/// Memory in pieces of this size the system gets back as soon as it is freed.
///
/// glibc keeps what it once saw freed, up to pieces of 32 MiB, and a list that is read every few
/// seconds would be held several times over for ever. Pages that are never touched cost nothing.
const GIVEN_BACK: usize = 33 << 20;
/// Smaller lists may grow as they like.
const SMALL: usize = 64 << 10;

/// Makes room for more entries of a list that may become large.
pub(super) fn make_room<T>(list: &mut Vec<T>, more: usize) {
    let wanted = list.len() + more;
    if wanted <= list.capacity() {
        return;
    }
    let whole = GIVEN_BACK / size_of::<T>().max(1);
    if wanted * size_of::<T>() <= SMALL || wanted > whole {
        list.reserve(more);
    } else {
        list.reserve_exact(whole - list.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_becomes_large_gets_all_its_room_at_once_and_a_small_one_does_not() {
        let mut list: Vec<u64> = Vec::new();
        make_room(&mut list, 100);
        assert!(
            (100..1_000).contains(&list.capacity()),
            "{}",
            list.capacity()
        );
        make_room(&mut list, 10_000);
        let whole = list.capacity();
        assert!(whole * size_of::<u64>() > 32 << 20, "{whole}");
        list.resize(whole, 7);
        make_room(&mut list, 1);
        assert!(list.capacity() > whole, "there is no end to it");
    }
}
