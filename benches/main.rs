//! What things cost: `cargo bench`, or `cargo bench -- decode` for some of it.

mod decode;
mod draw;
mod fleet;
mod refresh;
mod retention;
mod usage;

fn main() {
    divan::main();
}
