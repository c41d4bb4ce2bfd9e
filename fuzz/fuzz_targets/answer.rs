//! The first byte names one of the client's calls; the others are what a server answers to it.
#![no_main]

#[allow(dead_code, reason = "the contract holds each call against more than its answer")]
#[path = "../../tests/contract/calls.rs"]
mod calls;
#[allow(dead_code, reason = "texts have targets of their own")]
#[path = "../../tests/hostile/entries.rs"]
mod entries;
#[allow(dead_code, reason = "here it only says what it is given")]
#[path = "../../tests/client/teller.rs"]
mod teller;
#[path = "../../tests/hostile/told.rs"]
mod told;

use std::cell::RefCell;

/// So often a server is asked before another takes its place: it remembers every request.
const TURNS: usize = 5_000;

thread_local! {
    static TOLD: RefCell<Option<(told::Told, usize)>> = const { RefCell::new(None) };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TOLD.with_borrow_mut(|told| {
        if told.as_ref().is_none_or(|(_, turns)| *turns == TURNS) {
            *told = Some((told::Told::new(), 0));
        }
        if let Some((told, turns)) = told {
            *turns += 1;
            told.answer(bytes);
        }
    });
});
